//! What changed near an onset: releases, instances that came and went, traffic, and what was marked by hand.
//!
//! All but marks are read off the spans themselves: a version is new when the service was seen without it before.
//! Something seen seldom is not new because it was not seen for a while; how long is told from how often it comes. A
//! change after the onset is told too, as what it is: it cannot be the cause.

mod sightings;
#[cfg(test)]
mod tests;

use crate::input::{Stretch, TriageInput};
use crate::statistics::{p_of_z, ratio};
use crate::strings::{Strings, Symbol};
use crate::traces::Traces;
use sightings::{Sightings, sightings};
use std::collections::BTreeMap;

/// Something that somebody noted: a configuration change, a migration, a feature flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    pub at_ns: i64,
    /// Empty where it concerns all.
    pub service: String,
    pub text: String,
}

/// One change, how long before the onset it was.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub at_ns: i64,
    /// Onset less change: a negative lead is after the onset, and no cause.
    pub lead_ns: i64,
    /// Empty for marks that concern all.
    pub service: String,
    pub what: ChangeKind,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ChangeKind {
    /// A version is there that was not. `from` is what the service ran before; `share` how much of the service's spans
    /// of the window come from the new one.
    Release {
        from: String,
        to: String,
        share: f64,
    },
    /// An instance is there that was not, and instead of which one where one went at about that time.
    Started {
        instance: String,
        instead_of: Option<String>,
    },
    /// An instance sent no more spans, although others of the service do.
    Stopped {
        instance: String,
    },
    /// Requests of one kind per second, against before.
    Traffic {
        operation: String,
        per_second: f64,
        before: f64,
    },
    Marked {
        text: String,
    },
}

/// How far around the onset changes are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeReach {
    pub before_ns: i64,
    pub after_ns: i64,
    /// Changes that are told; the nearest to the onset.
    pub n_max: usize,
}

/// Traffic that changed by less than this factor is not told.
const TRAFFIC_FACTOR: f64 = 1.5;
/// How likely chance alone may give a change of traffic.
const TRAFFIC_P: f64 = 1e-4;
/// Fewer requests, before and after together, show no change of traffic.
const N_REQUESTS_MIN: u64 = 20;
/// An instance that started so soon after or before another one went stands in for it.
const REPLACED_WITHIN_NS: i64 = 300_000_000_000;

impl Default for ChangeReach {
    fn default() -> Self {
        Self { before_ns: 1_800_000_000_000, after_ns: 300_000_000_000, n_max: 50 }
    }
}

/// Changes near the onset, the nearest first and those before it before those after it. O(spans).
pub fn changes(
    input: &TriageInput<'_>,
    traces: &Traces,
    strings: &Strings,
    onset_ns: i64,
    markers: &[Marker],
    reach: &ChangeReach,
) -> Vec<Change> {
    let text = |symbol: Symbol| strings.text(symbol).to_owned();
    let mut found: Vec<(i64, String, ChangeKind)> = Vec::new();
    for (service, of) in &sightings(traces) {
        releases(of, &text).for_each(|(at_ns, what)| found.push((at_ns, text(*service), what)));
        instances(of, &text).into_iter().for_each(|(at_ns, what)| found.push((at_ns, text(*service), what)));
    }
    for (service, operation, per_second, before) in traffic(input, traces, onset_ns) {
        let what = ChangeKind::Traffic { operation: text(operation), per_second, before };
        found.push((onset_ns, text(service), what));
    }
    let marks = markers
        .iter()
        .map(|mark| (mark.at_ns, mark.service.clone(), ChangeKind::Marked { text: mark.text.clone() }));
    found.extend(marks);
    let near = |at_ns: i64| {
        let lead_ns = onset_ns.saturating_sub(at_ns);
        -reach.after_ns <= lead_ns && lead_ns <= reach.before_ns
    };
    let mut changes: Vec<Change> = found
        .into_iter()
        .filter(|(at_ns, ..)| near(*at_ns))
        .map(|(at_ns, service, what)| Change {
            at_ns,
            lead_ns: onset_ns.saturating_sub(at_ns),
            service,
            what,
        })
        .collect();
    let order = |change: &Change| (change.lead_ns < 0, change.lead_ns.unsigned_abs());
    changes.sort_by(|a, b| {
        let by_name = || (&a.service, name(&a.what)).cmp(&(&b.service, name(&b.what)));
        order(a).cmp(&order(b)).then_with(by_name)
    });
    changes.truncate(reach.n_max);
    changes
}

/// For an order that does not depend on where a change was read.
fn name(what: &ChangeKind) -> (u8, &str) {
    match what {
        ChangeKind::Release { to, .. } => (0, to),
        ChangeKind::Marked { text } => (1, text),
        ChangeKind::Started { instance, .. } => (2, instance),
        ChangeKind::Stopped { instance } => (3, instance),
        ChangeKind::Traffic { operation, .. } => (4, operation),
    }
}

/// Versions that came while another ran.
fn releases<'a>(
    of: &'a Sightings,
    text: &'a impl Fn(Symbol) -> String,
) -> impl Iterator<Item = (i64, ChangeKind)> + 'a {
    of.versions.iter().filter(|(_, seen)| of.is_new(seen)).filter_map(|(version, seen)| {
        let others = of.versions.iter().filter(|(other, _)| *other != version);
        let ran_before = others.filter(|(_, other)| other.first_ns < seen.first_ns);
        let (from, _) = ran_before.max_by_key(|(name, other)| (other.last_before(seen.first_ns), **name))?;
        let share = ratio(seen.n_window as f64, of.all.n_window as f64);
        Some((seen.first_ns, ChangeKind::Release { from: text(*from), to: text(*version), share }))
    })
}

fn instances(of: &Sightings, text: &impl Fn(Symbol) -> String) -> Vec<(i64, ChangeKind)> {
    let gone: Vec<_> = of.instances.iter().filter(|(_, seen)| of.is_gone(seen)).collect();
    let mut found = Vec::new();
    let mut replaced = Vec::new();
    for (instance, seen) in of.instances.iter().filter(|(_, seen)| of.is_new(seen)) {
        let distance = |other: &sightings::Seen| other.last_ns.abs_diff(seen.first_ns);
        let free = gone.iter().filter(|(name, _)| !replaced.contains(name));
        let nearest = free.min_by_key(|(name, other)| (distance(other), **name));
        let instead = nearest.filter(|(_, other)| distance(other) <= REPLACED_WITHIN_NS as u64);
        replaced.extend(instead.map(|(name, _)| *name));
        let instead_of = instead.map(|(name, _)| text(**name));
        found.push((seen.first_ns, ChangeKind::Started { instance: text(*instance), instead_of }));
    }
    let others = gone.iter().filter(|(name, _)| !replaced.contains(name));
    found.extend(others.map(|(name, seen)| (seen.last_ns, ChangeKind::Stopped { instance: text(**name) })));
    found
}

/// Kinds of requests that come more or less often since the onset: service, operation, per second, before.
fn traffic(input: &TriageInput<'_>, traces: &Traces, onset_ns: i64) -> Vec<(Symbol, Symbol, f64, f64)> {
    let mut counts: BTreeMap<(Symbol, Symbol), [u64; 2]> = BTreeMap::new();
    for trace in traces.traces().iter().filter(|trace| trace.stretch != Stretch::Outside) {
        let entry = &traces.spans()[trace.entry];
        let side = usize::from(trace.started_ns >= onset_ns && trace.stretch == Stretch::Window);
        counts.entry((entry.service, entry.operation)).or_default()[side] += 1;
    }
    let after_s = seconds(input.window.to_ns.saturating_sub(onset_ns.max(input.window.from_ns)));
    let in_window_s = seconds(onset_ns.saturating_sub(input.window.from_ns).max(0));
    let before_s = covered_s(input) + in_window_s;
    let kept = counts.into_iter().filter_map(|((service, operation), [n_before, n_after])| {
        let (per_second, before) = (ratio(n_after as f64, after_s), ratio(n_before as f64, before_s));
        let is_told = after_s > 0.0
            && before_s > 0.0
            && n_before + n_after >= N_REQUESTS_MIN
            && per_second.max(before) >= TRAFFIC_FACTOR * per_second.min(before)
            && p_of_rates(n_before, n_after, after_s / (after_s + before_s)) <= TRAFFIC_P;
        is_told.then_some((service, operation, per_second, before))
    });
    kept.collect()
}

fn seconds(ns: i64) -> f64 {
    ns.max(0) as f64 / 1e9
}

/// Seconds that the baselines cover together.
fn covered_s(input: &TriageInput<'_>) -> f64 {
    let mut baselines = input.baselines.to_vec();
    baselines.sort();
    let (mut covered_ns, mut to_ns) = (0_i64, i64::MIN);
    for baseline in baselines {
        let from_ns = baseline.from_ns.max(to_ns);
        covered_ns = covered_ns.saturating_add(baseline.to_ns.saturating_sub(from_ns).max(0));
        to_ns = to_ns.max(baseline.to_ns);
    }
    seconds(covered_ns)
}

/// Requests scatter more than independent ones would, so their variance counts twice.
fn p_of_rates(n_before: u64, n_after: u64, share_after: f64) -> f64 {
    let n = (n_before + n_after) as f64;
    let expected = n * share_after;
    let deviation = (2.0 * n * share_after * (1.0 - share_after)).sqrt();
    p_of_z(ratio(n_after as f64 - expected, deviation))
}
