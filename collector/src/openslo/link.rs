//! From documents to objectives: names are looked up, in any order and over all files, and what is said becomes what is
//! evaluated here.

use super::document::{Content, Document, IndicatorUse, MethodName, Objective, SloDocument, Window};
use super::fields::length_of;
use super::issue::{Issues, Spot};
use super::policy::{AlertCondition, AlertPolicy, ConditionUse, PolicyUse, TargetUse};
use super::sli::Sli;
use super::source::{self, Bound, Counting};
use crate::nearest::nearest;
use crate::units::{self, DURATION_HINT};
use alerts::{Calendar, CalendarUnit, Condition, Method, Severity, Slo, SloError, SloSpec};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// An objective, and where it is written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Linked {
    pub(super) spec: SloSpec,
    pub(super) spot: Spot,
}

/// Everything that a name may mean.
struct Set<'a> {
    slis: BTreeMap<&'a str, &'a Sli<'a>>,
    policies: BTreeMap<&'a str, &'a AlertPolicy<'a>>,
    conditions: BTreeMap<&'a str, &'a AlertCondition>,
    targets: BTreeMap<&'a str, &'a str>,
    source_types: BTreeMap<&'a str, &'a str>,
    receivers: &'a [String],
    issues: &'a Issues,
}

/// The objectives of all documents. Receivers are those that notification targets may name.
pub(super) fn objectives(documents: &[Document<'_>], receivers: &[String], issues: &Issues) -> Vec<Linked> {
    let set = Set::of(documents, receivers, issues);
    let mut linked = Vec::new();
    for document in documents {
        if let Content::Slo(slo) = &document.content {
            linked.extend(set.slo(slo, &document.spot));
        }
    }
    linked
}

impl<'a> Set<'a> {
    fn of(documents: &'a [Document<'a>], receivers: &'a [String], issues: &'a Issues) -> Self {
        let mut set = Self {
            slis: BTreeMap::new(),
            policies: BTreeMap::new(),
            conditions: BTreeMap::new(),
            targets: BTreeMap::new(),
            source_types: BTreeMap::new(),
            receivers,
            issues,
        };
        let (mut slos, mut services) = (BTreeSet::new(), BTreeSet::new());
        for Document { name, spot, content } in documents {
            let is_repeated = match content {
                Content::Slo(_) => !slos.insert(*name),
                Content::Service => !services.insert(*name),
                Content::Sli(sli) => set.slis.insert(name, sli).is_some(),
                Content::AlertPolicy(policy) => set.policies.insert(name, policy).is_some(),
                Content::AlertCondition(condition) => set.conditions.insert(name, condition).is_some(),
                Content::NotificationTarget(target) => set.targets.insert(name, &target.target).is_some(),
                Content::DataSource(found) => set.source_types.insert(name, found).is_some(),
            };
            if is_repeated {
                issues.error(spot, format!("another document of this kind is called {name:?}"));
            }
        }
        set
    }

    /// One objective of ours for each of the SLO's.
    fn slo(&self, slo: &SloDocument<'_>, spot: &Spot) -> Vec<Linked> {
        let sli = match &slo.indicator {
            IndicatorUse::Inline(sli) => Some(&**sli),
            IndicatorUse::Named(name, spot) => self.find(&self.slis, name, spot, "SLI"),
            IndicatorUse::Composite(spot) => {
                let hint = "write an SLO for each indicator";
                self.issues.hinted(spot, "composite SLOs are not evaluated", hint);
                None
            }
        };
        let common = self.common(slo, spot);
        let (Some(sli), Some(common)) = (sli, common) else { return Vec::new() };
        let mut linked = Vec::new();
        for (idx, objective) in slo.objectives.iter().enumerate() {
            let Some(mut spec) = self.objective(slo, sli, objective, &common) else { continue };
            if slo.objectives.len() > 1 {
                spec.id = format!("{}-{}", spec.id, idx + 1);
                if let Some(display_name) = &objective.display_name {
                    spec.name = format!("{}: {display_name}", spec.name);
                }
            }
            match Slo::new(spec.clone()) {
                Ok(_) => linked.push(Linked { spec, spot: objective.spot.clone() }),
                Err(error) => self.issues.error(&place_of(&error, objective, spot), error.to_string()),
            }
        }
        linked
    }

    /// What all objectives of an SLO share.
    fn common(&self, slo: &SloDocument<'_>, spot: &Spot) -> Option<SloSpec> {
        let metadata = &slo.metadata;
        let defaults = SloSpec::default();
        let mut spec = SloSpec {
            id: metadata.name.to_owned(),
            name: metadata.display_name.unwrap_or(metadata.name).to_owned(),
            description: slo.description.map(str::to_owned),
            service: slo.service.to_owned(),
            labels: labels(&metadata.labels),
            ..defaults
        };
        let n_before = self.issues.n_errors();
        self.window(&slo.window, &mut spec);
        if slo.method == MethodName::RatioTimeslices {
            let spot = spot.at("spec.budgetingMethod", spot.place);
            self.issues.hinted(&spot, "RatioTimeslices are not evaluated", "write Occurrences or Timeslices");
        }
        self.policies(&slo.policies, &mut spec);
        self.annotations(&metadata.annotations, &mut spec);
        (self.issues.n_errors() == n_before).then_some(spec)
    }

    fn objective(
        &self,
        slo: &SloDocument<'_>,
        sli: &Sli<'_>,
        objective: &Objective,
        common: &SloSpec,
    ) -> Option<SloSpec> {
        let bound = Bound { spot: &objective.spot, op: objective.op, value: objective.value.as_deref() };
        if slo.objectives.len() > 1 && objective.value.is_some() {
            let spot = objective.spot.at("value", objective.spot.place);
            self.issues.error(&spot, "an SLO with a threshold has one objective");
            return None;
        }
        let Counting { service, operation, attributes, indicator } =
            source::counting(sli, &bound, &self.source_types, self.issues)?;
        let method = match (slo.method, objective.slice_width, objective.slice_target_percent) {
            (MethodName::Timeslices, Some(width), Some(target_percent)) => {
                Method::Timeslices { width, target_percent }
            }
            _ => Method::Occurrences,
        };
        Some(SloSpec {
            service: service.unwrap_or_else(|| common.service.clone()),
            operation,
            attributes,
            indicator,
            method,
            target_percent: objective.target_percent,
            ..common.clone()
        })
    }

    fn window(&self, window: &Window<'_>, spec: &mut SloSpec) {
        spec.period = length_of(window.duration);
        let Some((start, zone)) = window.calendar else { return };
        let (n, letter) = window.duration;
        let Some(unit) = CalendarUnit::parse(letter) else {
            let spot = window.spot.at("duration", window.spot.place);
            self.issues.hinted(&spot, "windows by the calendar are not shorter than a day", "1M is a month");
            return;
        };
        match Calendar::new(start, zone, n, unit) {
            Ok(calendar) => spec.calendar = Some(calendar),
            Err(error) => self.issues.error(&window.spot, error.to_string()),
        }
    }

    fn policies(&self, uses: &[PolicyUse<'_>], spec: &mut SloSpec) {
        let mut holds: BTreeMap<Severity, Duration> = BTreeMap::new();
        for used in uses {
            let policy = match used {
                PolicyUse::Inline(policy) => policy,
                PolicyUse::Named(name, spot) => match self.find(&self.policies, name, spot, "AlertPolicy") {
                    Some(policy) => policy,
                    None => continue,
                },
            };
            if policy.when_no_data {
                let message =
                    "alertWhenNoData raises no alert of its own here: missing data freezes an alert";
                self.issues.warn(&policy.spot, message);
            }
            self.receivers(policy, spec);
            if policy.when_breaching {
                self.condition(policy, spec, &mut holds);
            }
        }
        spec.pending_for =
            holds.get(&Severity::Page).or(holds.get(&Severity::Ticket)).copied().unwrap_or_default();
        spec.ticket_pending_for =
            holds.get(&Severity::Ticket).copied().filter(|hold| *hold != spec.pending_for);
    }

    /// One condition has one window: its short one is a twelfth of it.
    fn condition(
        &self,
        policy: &AlertPolicy<'_>,
        spec: &mut SloSpec,
        holds: &mut BTreeMap<Severity, Duration>,
    ) {
        let condition = match &policy.condition {
            ConditionUse::Inline(condition) => condition,
            ConditionUse::Named(name, spot) => {
                match self.find(&self.conditions, name, spot, "AlertCondition") {
                    Some(condition) => condition,
                    None => return,
                }
            }
        };
        let AlertCondition { spot, comparison, lookback, after, .. } = condition;
        let severity = severity_of(&condition.severity);
        if !comparison.is_upward() {
            let message =
                format!("op: {} fires while the burn rate is low, as it says; most mean gt", comparison.op());
            self.issues.warn(&spot.at("op", spot.place), message);
        }
        if *holds.entry(severity).or_insert(*after) != *after {
            let message = "all conditions of one severity wait equally long before they fire";
            self.issues.error(&spot.at("alertAfter", spot.place), message);
        }
        // It was read as a number, so it is one.
        let threshold = condition.threshold.parse().unwrap_or(f64::NAN);
        let short = Duration::from_secs(lookback.as_secs().div_ceil(12));
        spec.conditions.push(Condition {
            severity,
            comparison: *comparison,
            threshold,
            long: *lookback,
            short,
        });
    }

    /// Notification targets are receivers of the same name, or of the name that they have as target.
    fn receivers(&self, policy: &AlertPolicy<'_>, spec: &mut SloSpec) {
        for used in &policy.targets {
            let (names, spot): ([Option<&str>; 2], &Spot) = match used {
                TargetUse::Inline(target) => ([Some(target.target.as_str()), None], &target.spot),
                TargetUse::Named(name, spot) => {
                    let Some(target) = self.find(&self.targets, name, spot, "AlertNotificationTarget") else {
                        continue;
                    };
                    ([Some(*name), Some(target)], spot)
                }
            };
            let is_known = |name: &&str| self.receivers.iter().any(|receiver| receiver == name);
            match names.into_iter().flatten().find(is_known) {
                Some(name) if spec.receivers.iter().any(|receiver| receiver == name) => {}
                Some(name) => spec.receivers.push(name.to_owned()),
                None if names[0] == Some(DASHBOARD) => {}
                None => {
                    let name = names[0].unwrap_or_default();
                    self.issues.warn(spot, format!("no receiver is called {name:?}: nobody is told"));
                }
            }
        }
    }

    /// What OpenSLO has no field for.
    fn annotations(&self, annotations: &[(&str, &str, Spot)], spec: &mut SloSpec) {
        for (key, value, spot) in annotations {
            let Some(name) = key.strip_prefix(ANNOTATION_PREFIX) else { continue };
            let duration = || {
                let found = units::duration(value);
                if found.is_none() {
                    self.issues.hinted(spot, format!("{value:?} is no duration"), DURATION_HINT);
                }
                found
            };
            let number = || {
                let found = value.parse::<u64>().ok();
                if found.is_none() {
                    self.issues.error(spot, format!("{value:?} is no whole number"));
                }
                found
            };
            match name {
                "events-min" => spec.n_events_min = number().unwrap_or(spec.n_events_min),
                "bad-min" => spec.n_bad_min = number().unwrap_or(spec.n_bad_min),
                "keep-firing" => spec.keep_firing = duration().unwrap_or(spec.keep_firing),
                "for" => spec.pending_for = duration().unwrap_or(spec.pending_for),
                "runbook-url" => spec.runbook_url = Some((*value).to_owned()),
                "receivers" => self.named_receivers(value, spot, spec),
                _ => {
                    let known = ["events-min", "bad-min", "keep-firing", "for", "runbook-url", "receivers"];
                    let hint = format!(
                        "known are {}",
                        known.map(|name| format!("{ANNOTATION_PREFIX}{name}")).join(", ")
                    );
                    self.issues.hinted(spot, format!("there is no annotation {key:?}"), hint);
                }
            }
        }
    }

    fn named_receivers(&self, names: &str, spot: &Spot, spec: &mut SloSpec) {
        for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            if !self.receivers.iter().any(|receiver| receiver == name) {
                self.issues.warn(spot, format!("no receiver is called {name:?}: nobody is told"));
            } else if !spec.receivers.iter().any(|receiver| receiver == name) {
                spec.receivers.push(name.to_owned());
            }
        }
    }

    fn find<'m, T: ?Sized>(
        &self,
        among: &BTreeMap<&'m str, &'m T>,
        name: &str,
        spot: &Spot,
        kind: &str,
    ) -> Option<&'m T> {
        let found = among.get(name).copied();
        if found.is_none() {
            let message = format!("no {kind} is called {name:?}");
            match nearest(name, among.keys().copied()) {
                Some(near) => self.issues.hinted(spot, message, format!("did you mean {near:?}?")),
                None => self.issues.error(spot, message),
            }
        }
        found
    }
}

/// Our keys among the annotations.
pub(super) const ANNOTATION_PREFIX: &str = "firstfault.";
/// A notification target that is nobody: the alert is shown.
pub(super) const DASHBOARD: &str = "dashboard";

/// A free text; what wakes people is a page.
fn severity_of(text: &str) -> Severity {
    const PAGES: [&str; 9] = ["page", "critical", "crit", "fatal", "high", "sev0", "sev1", "p0", "p1"];
    let text = text.to_ascii_lowercase();
    if PAGES.contains(&text.as_str()) { Severity::Page } else { Severity::Ticket }
}

/// Labels of alerts are words; those that alerts set themselves get a prefix.
fn labels(labels: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    const OWN: [&str; 5] = ["alertname", "operation", "service", "severity", "slo"];
    let word = |key: &str| {
        let word: String = key.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let is_taken = OWN.contains(&word.as_str()) || word.starts_with(|c: char| c.is_ascii_digit());
        if is_taken { format!("label_{word}") } else { word }
    };
    labels.iter().map(|(key, value)| (word(key), value.clone())).collect()
}

/// The place that a refusal is about.
fn place_of(error: &SloError, objective: &Objective, slo: &Spot) -> Spot {
    let of_slo = |path: &str| slo.at(path, slo.place);
    let of_objective = |key: &str| objective.spot.at(key, objective.spot.place);
    match error {
        SloError::Target { .. } | SloError::TargetDigits { .. } | SloError::NoTier { .. } => {
            of_objective("target")
        }
        SloError::Timeslice => of_objective("timeSliceWindow"),
        SloError::Threshold => of_objective("value"),
        SloError::Id { .. } => of_slo("metadata.name"),
        SloError::Text { field } => of_slo(match *field {
            "name" => "metadata.displayName",
            "service" => "spec.service",
            _ => "spec.indicator",
        }),
        SloError::Period { .. } => of_slo("spec.timeWindow"),
        SloError::Condition => of_slo("spec.alertPolicies"),
        SloError::ReservedLabel { .. } | SloError::LabelName { .. } => of_slo("metadata.labels"),
        SloError::Hold { .. } | SloError::Evidence | SloError::RunbookUrl => of_slo("metadata.annotations"),
        SloError::ScopedRatio | SloError::Attributes | SloError::Statement => of_slo("spec.indicator"),
    }
}
