//! Which incident an alert belongs to: a pure function of what is open, of who calls whom, and of the alerts that
//! begin to fire together.
//!
//! Alerts of one evaluation fold the same way whatever order they come in. Alerts of different evaluations are placed
//! one evaluation after the other; what was placed is moved by hand only.

use super::calls::{Calls, Reach};
use super::{Reason, ReasonKind};
use crate::Severity;
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Calls between two services of one cascade, at most.
const HOPS_MAX: usize = 3;
/// An incident takes in alerts of other services for so long after it opened: faults spread within minutes, and what
/// fires an hour later has a reason of its own.
const CASCADE_WITHIN: Duration = Duration::from_secs(15 * 60);
/// An objective that fires again within this has the same incident.
pub(crate) const REOPEN_WITHIN: Duration = Duration::from_secs(30 * 60);

/// An alert that begins to fire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    pub alert_id: String,
    pub slo_id: String,
    pub severity: Severity,
    pub service: String,
}

/// An incident that alerts may join: it is not over, or was so a short while ago.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub number: u32,
    /// When it opened, or reopened.
    pub since: i64,
    pub resolved_at: Option<i64>,
    /// Of its alerts, and where it likely comes from.
    pub services: BTreeSet<String>,
    pub objectives: BTreeSet<String>,
}

/// Where an alert belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    pub alert_id: String,
    pub incident: u32,
    pub reason: Reason,
}

/// Where alerts belong, and where the incidents that they belong to likely come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fold {
    /// By alert; an alert that opens an incident stands before those that join it.
    pub placements: Vec<Placement>,
    /// By the number of the incident.
    pub origins: BTreeMap<u32, String>,
}

/// New incidents have numbers from `next` on.
pub fn fold(arrivals: &[Arrival], candidates: &[Candidate], next: u32, calls: &Calls, now: i64) -> Fold {
    let mut arrivals: Vec<&Arrival> = arrivals.iter().collect();
    arrivals.sort_by(|a, b| (&a.slo_id, a.severity, &a.alert_id).cmp(&(&b.slo_id, b.severity, &b.alert_id)));
    arrivals.dedup_by(|a, b| a.alert_id == b.alert_id);
    let mut folding = Folding::new(arrivals, calls);
    folding.take_known(candidates);
    folding.take_near(candidates, now);
    folding.spread();
    folding.open(next);
    folding.finish(candidates)
}

/// The services of an incident that alerts may be joined to.
type Near<'a> = BTreeMap<u32, BTreeSet<&'a str>>;

struct Folding<'a> {
    arrivals: Vec<&'a Arrival>,
    homes: Vec<Option<(u32, Reason)>>,
    reaches: BTreeMap<&'a str, Reach<'a>>,
    calls: &'a Calls,
    near: Near<'a>,
}

impl<'a> Folding<'a> {
    fn new(arrivals: Vec<&'a Arrival>, calls: &'a Calls) -> Self {
        let homes = arrivals.iter().map(|_| None).collect();
        let mut folding = Self { arrivals, homes, reaches: BTreeMap::new(), calls, near: Near::new() };
        let services: Vec<&'a str> = folding.arrivals.iter().map(|one| one.service.as_str()).collect();
        folding.know(services);
        folding
    }

    /// Finds out whom these services call.
    fn know(&mut self, services: impl IntoIterator<Item = &'a str>) {
        for service in services {
            let calls = self.calls;
            self.reaches.entry(service).or_insert_with(|| calls.reach(service, HOPS_MAX));
        }
    }

    /// An objective has one incident at a time: the one that goes on, or else the newest that was over.
    fn take_known(&mut self, candidates: &'a [Candidate]) {
        for (idx, arrival) in self.arrivals.iter().enumerate() {
            let of_objective = candidates.iter().filter(|one| one.objectives.contains(&arrival.slo_id));
            let home = of_objective.max_by_key(|one| (one.resolved_at.is_none(), one.number));
            if let Some(home) = home {
                self.homes[idx] = Some((home.number, ReasonKind::SameObjective.into()));
                self.near.entry(home.number).or_default().insert(&arrival.service);
            }
        }
    }

    fn take_near(&mut self, candidates: &'a [Candidate], now: i64) {
        let within = i64::try_from(CASCADE_WITHIN.as_nanos()).unwrap_or(i64::MAX);
        let is_near = |one: &&Candidate| one.resolved_at.is_none() && now.saturating_sub(one.since) <= within;
        for candidate in candidates.iter().filter(is_near) {
            let services = candidate.services.iter().map(String::as_str);
            self.near.entry(candidate.number).or_default().extend(services.clone());
            self.know(services);
        }
    }

    /// Gives every alert that can be joined to an incident its home, in rounds: those of a round are joined to what
    /// was there before it, so that the order of alerts does not matter.
    fn spread(&mut self) {
        loop {
            let mut found = Vec::new();
            for (idx, arrival) in self.arrivals.iter().enumerate() {
                if self.homes[idx].is_none()
                    && let Some(home) = self.nearest(&arrival.service)
                {
                    found.push((idx, home));
                }
            }
            if found.is_empty() {
                return;
            }
            for (idx, (number, reason)) in found {
                self.near.entry(number).or_default().insert(&self.arrivals[idx].service);
                self.homes[idx] = Some((number, reason));
            }
        }
    }

    /// The incident that a service is joined to by the fewest calls; the oldest of several.
    fn nearest(&self, service: &str) -> Option<(u32, Reason)> {
        let joints = self.near.iter().flat_map(move |(number, services)| {
            services.iter().filter_map(move |other| Some((*number, self.joint(service, other)?)))
        });
        joints.min_by(|(n, a), (m, b)| {
            (a.path.len(), n, a.kind, &a.path).cmp(&(b.path.len(), m, b.kind, &b.path))
        })
    }

    /// How two services belong together, if they do.
    fn joint(&self, service: &str, other: &str) -> Option<Reason> {
        if service == other {
            return Some(ReasonKind::SameService.into());
        }
        let way = |from: &str, to: &str| self.reaches.get(from).and_then(|reach| reach.get(to));
        let calls = way(service, other).map(|way| (ReasonKind::Calls, way));
        let called_by = way(other, service).map(|way| (ReasonKind::CalledBy, way));
        let shortest = calls.into_iter().chain(called_by).min_by_key(|(_, way)| way.len());
        shortest.map(|(kind, way)| Reason { kind, path: way.iter().map(|&name| name.to_owned()).collect() })
    }

    /// Opens an incident for each group of alerts that belong together and to nothing that is known.
    fn open(&mut self, next: u32) {
        for number in next.. {
            let Some(group) = self.group() else { return };
            let services: BTreeSet<&str> =
                group.iter().map(|idx| self.arrivals[*idx].service.as_str()).collect();
            let origin = self.origin_of(&services);
            let of_origin = |idx: &&usize| Some(self.arrivals[**idx].service.as_str()) == origin;
            let Some(opener) = group.iter().find(of_origin).or(group.first()).copied() else { return };
            self.homes[opener] = Some((number, ReasonKind::Opened.into()));
            self.near.entry(number).or_default().insert(&self.arrivals[opener].service);
            self.spread();
        }
    }

    /// The first alert without a home, and all others that are joined to it or to one of these; in order.
    fn group(&self) -> Option<Vec<usize>> {
        let mut homeless: Vec<usize> =
            (0..self.homes.len()).filter(|idx| self.homes[*idx].is_none()).collect();
        if homeless.is_empty() {
            return None;
        }
        let mut group = vec![homeless.remove(0)];
        let mut n_looked_at = 0;
        while let Some(idx) = group.get(n_looked_at).copied() {
            let service = &self.arrivals[idx].service;
            let is_joined = |other: &usize| self.joint(service, &self.arrivals[*other].service).is_some();
            let (joined, apart): (Vec<usize>, Vec<usize>) = homeless.into_iter().partition(is_joined);
            homeless = apart;
            group.extend(joined);
            n_looked_at += 1;
        }
        group.sort_unstable();
        Some(group)
    }

    /// The service that calls the fewest of the others; of several the one that most of them call, then by name.
    fn origin_of<'b>(&self, services: &BTreeSet<&'b str>) -> Option<&'b str> {
        let does_call = |caller: &str, callee: &str| {
            self.reaches.get(caller).is_some_and(|reach| reach.contains_key(callee))
        };
        let weight = |service: &&'b str| {
            let n_called = services.iter().filter(|other| does_call(service, other)).count();
            let n_callers = services.iter().filter(|other| does_call(other, service)).count();
            (n_called, Reverse(n_callers), *service)
        };
        services.iter().copied().min_by_key(weight)
    }

    fn finish(mut self, candidates: &'a [Candidate]) -> Fold {
        let mut services: Near<'a> = Near::new();
        for (arrival, home) in self.arrivals.iter().zip(&self.homes) {
            let Some((number, _)) = home else { continue };
            services.entry(*number).or_default().insert(&arrival.service);
        }
        for candidate in candidates {
            if let Some(services) = services.get_mut(&candidate.number) {
                services.extend(candidate.services.iter().map(String::as_str));
            }
        }
        self.know(services.values().flatten().copied());
        let origin = |(number, services): (&u32, &BTreeSet<&'a str>)| {
            Some((*number, self.origin_of(services)?.to_owned()))
        };
        let origins = services.iter().filter_map(origin).collect();
        let placed = self.arrivals.iter().zip(&self.homes).filter_map(|(arrival, home)| {
            let (incident, reason) = home.clone()?;
            Some(Placement { alert_id: arrival.alert_id.clone(), incident, reason })
        });
        let mut placements: Vec<Placement> = placed.collect();
        placements.sort_by_key(|one| one.reason.kind != ReasonKind::Opened);
        Fold { placements, origins }
    }
}
