//! `GET /api/v1/slos/proposals`: for each service that was seen for long enough, objectives that its history supports.
//!
//! A proposal is what `POST /api/v1/slos` keeps, and text to be pasted: TOML for the configuration, or OpenSLO.

use super::params::Params;
use super::{Api, Failure, convert};
use crate::evaluate::SloStatus;
use crate::openslo;
use crate::units::{nanos, show_duration};
use ::alerts::{Indicator, Slo, SloSpec};
use axum::Json;
use axum::extract::State;
use http::Uri;
use std::collections::BTreeSet;
use std::time::Duration;
use storage::{Engine, RedBy, RedGroup, RedQuery, SliQuery, TimeRange};
use wire::UnixNanos;

const DAY: Duration = Duration::from_secs(86_400);
/// Four weeks: every day of the week counts equally often.
const HISTORY: Duration = Duration::from_secs(28 * 86_400);
/// A service that is younger may do better or worse than it did.
const DAYS_MIN: u64 = 3;
const EVENTS_MIN: u64 = 1_000;
/// Services of one answer; each takes a question about its latencies.
const SERVICES_MAX: usize = 100;
/// Percentages, and how many of ten thousand requests each allows to be bad.
const TARGETS: [(f64, u64); 11] = [
    (99.99, 1),
    (99.95, 5),
    (99.9, 10),
    (99.8, 20),
    (99.5, 50),
    (99.0, 100),
    (98.0, 200),
    (97.0, 300),
    (95.0, 500),
    (90.0, 1_000),
    (80.0, 2_000),
];
/// The history may have spent this share of the budget: what is left is for what did not happen.
const SPENT_MAX: f64 = 0.5;
/// A budget of fewer events than this is gone by chance.
const ALLOWED_MIN: f64 = 10.0;

pub(super) async fn list(State(api): State<Api>, uri: Uri) -> Result<Json<wire::ProposalList>, Failure> {
    let now = api.now();
    Params::read(&uri, now, &[])?;
    let (engine, board) = (api.engine()?, api.board()?);
    let range = TimeRange { from: now.saturating_sub(nanos(HISTORY)), to: now };
    let query = RedQuery { range, only: Vec::new(), entry_only: true, by: vec![RedBy::Service], step: DAY };
    let groups = engine.red(&query).await.map_err(convert::failure)?.groups;
    let slos = board.slos();
    let mut found = Found { slos: &slos, ids: BTreeSet::new(), proposals: Vec::new(), skipped: Vec::new() };
    for group in groups.iter().take(SERVICES_MAX) {
        if let Some(reason) = too_little(group) {
            found.skip(&group.service, reason);
            continue;
        }
        found.availability(group);
        let threshold = group.total.p99_ns.map(threshold_above);
        if let Some(threshold) = threshold {
            let n_good = at_most(engine, &group.service, range, threshold).await?;
            found.latency(group, threshold, n_good);
        }
    }
    for group in groups.iter().skip(SERVICES_MAX) {
        found.skip(&group.service, format!("only {SERVICES_MAX} services are looked at"));
    }
    let Found { proposals, skipped, .. } = found;
    Ok(Json(wire::ProposalList { from: UnixNanos(range.from), to: UnixNanos(range.to), proposals, skipped }))
}

/// What is lacking before anything can be said.
fn too_little(group: &RedGroup) -> Option<String> {
    let days = group.last_at.saturating_sub(group.first_at).unsigned_abs() / nanos(DAY).unsigned_abs();
    if days < DAYS_MIN {
        return Some(format!("it was seen over {days} of the {DAYS_MIN} days that it takes"));
    }
    (group.total.n < EVENTS_MIN)
        .then(|| format!("it had {} of the {EVENTS_MIN} requests that it takes", group.total.n))
}

/// Requests that took no longer.
async fn at_most(
    engine: &Engine,
    service: &str,
    range: TimeRange,
    threshold: Duration,
) -> Result<u64, Failure> {
    let query = SliQuery {
        range,
        service: service.to_owned(),
        operation: None,
        attributes: Vec::new(),
        threshold_ns: Some(nanos(threshold)),
        step: DAY,
    };
    let answer = engine.sli(&query).await.map_err(convert::failure)?;
    Ok(answer.buckets.iter().map(|bucket| bucket.n_good).sum())
}

/// The next duration that people would choose.
fn threshold_above(p99_ns: i64) -> Duration {
    const STEPS: [u64; 5] = [10, 20, 30, 50, 75];
    let (mut scale_us, wanted_us) = (100, u64::try_from(p99_ns).unwrap_or(0) / 1_000);
    loop {
        if let Some(step) = STEPS.into_iter().find(|step| step * scale_us >= wanted_us) {
            return Duration::from_micros(step * scale_us);
        }
        scale_us *= 10;
    }
}

/// The highest target of which the history would have spent no more than its part; none where it spends too much of any.
fn supported(n_bad: u64, n_total: u64) -> Option<f64> {
    let is_supported = |allowed_of_10k: u64| {
        let allowed = n_total as f64 * allowed_of_10k as f64 / 10_000.0;
        allowed >= ALLOWED_MIN && n_bad as f64 <= SPENT_MAX * allowed
    };
    TARGETS.into_iter().find(|(_, allowed_of_10k)| is_supported(*allowed_of_10k)).map(|(target, _)| target)
}

struct Found<'a> {
    slos: &'a [SloStatus],
    ids: BTreeSet<String>,
    proposals: Vec<wire::ProposalRow>,
    skipped: Vec<wire::SkippedService>,
}

impl Found<'_> {
    fn skip(&mut self, service: &str, reason: String) {
        self.skipped.push(wire::SkippedService { service: service.to_owned(), reason });
    }

    fn availability(&mut self, group: &RedGroup) {
        self.propose(group, Indicator::Availability, group.total.n_errors, "failed");
    }

    fn latency(&mut self, group: &RedGroup, threshold: Duration, n_good: u64) {
        let n_bad = group.total.n.saturating_sub(n_good);
        let what = format!("took longer than {}", show_duration(threshold));
        self.propose(group, Indicator::Latency { threshold }, n_bad, &what);
    }

    fn propose(&mut self, group: &RedGroup, indicator: Indicator, n_bad: u64, what: &str) {
        let (service, n_total, kind) = (&group.service, group.total.n, indicator.name());
        let Some(target_percent) = supported(n_bad, n_total) else {
            let reason = format!("{n_bad} of {n_total} requests {what}: too many for any {kind} objective");
            return self.skip(service, reason);
        };
        let id = self.id(service, kind);
        let spec = SloSpec { id, service: service.clone(), indicator, target_percent, ..SloSpec::default() };
        // Names of services that nobody could write down are not proposed.
        let slo = match Slo::new(spec) {
            Ok(slo) => slo,
            Err(error) => return self.skip(service, error.to_string()),
        };
        let spent = n_bad as f64 / (n_total as f64 * slo.target().budget());
        let is_same = |status: &SloStatus| {
            let configured = &status.slo;
            let is_whole = configured.operation().is_none() && configured.spec().attributes.is_empty();
            is_whole && configured.service() == service && configured.indicator().name() == kind
        };
        let is_configured = self.slos.iter().any(is_same);
        self.ids.insert(slo.id().to_owned());
        self.proposals.push(wire::ProposalRow {
            id: slo.id().to_owned(),
            service: service.clone(),
            indicator: kind.to_owned(),
            threshold: threshold_text(&slo),
            target: slo.target().percent_decimal(),
            period: show_duration(slo.period()),
            sentence: slo.sentence(),
            reason: format!(
                "in {}, {n_bad} of {n_total} requests {what}: {:.0} % of what {} allows",
                show_duration(HISTORY),
                spent * 100.0,
                slo.target()
            ),
            is_configured,
            toml: toml(&slo),
            openslo: openslo::export([&slo]),
        });
    }

    /// A name that is free, made of the service's.
    fn id(&self, service: &str, kind: &str) -> String {
        let word: String = service
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
            .collect();
        let word = word.trim_matches('-');
        let word: String = word.chars().take(45).collect();
        let base = format!("{}-{kind}", if word.is_empty() { "service" } else { word.trim_end_matches('-') });
        let is_taken = |id: &String| {
            self.ids.contains(id) || self.slos.iter().any(|status| status.slo.id() == id.as_str())
        };
        let numbered = (2..).map(|n| format!("{base}-{n}"));
        let mut ids = std::iter::once(base.clone()).chain(numbered);
        ids.find(|id| !is_taken(id)).unwrap_or_default()
    }
}

fn threshold_text(slo: &Slo) -> Option<String> {
    match slo.indicator() {
        Indicator::Latency { threshold } => Some(show_duration(*threshold)),
        Indicator::Availability | Indicator::Ratio(_) => None,
    }
}

/// A block for the configuration file.
fn toml(slo: &Slo) -> String {
    let text = |text: &str| toml::Value::from(text).to_string();
    let mut block = format!(
        "[[slos]]\nid = {}\nservice = {}\nindicator = {}\n",
        text(slo.id()),
        text(slo.service()),
        text(slo.indicator().name())
    );
    if let Some(threshold) = threshold_text(slo) {
        block.push_str(&format!("threshold = {}\n", text(&threshold)));
    }
    block
        + &format!(
            "target = {}\nperiod = {}\n",
            slo.target().percent_decimal(),
            text(&show_duration(slo.period()))
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: latencies from below a millisecond to a minute.
    /// Guarantees: the threshold is the next one that people would choose, and never below a millisecond.
    #[test]
    fn thresholds_are_round() {
        let ms = |p99_ms: f64| threshold_above((p99_ms * 1e6) as i64).as_secs_f64() * 1e3;
        for (p99, expected) in [
            (0.2, 1.0),
            (1.0, 1.0),
            (1.1, 2.0),
            (42.0, 50.0),
            (51.0, 75.0),
            (76.0, 100.0),
            (60_000.0, 75_000.0),
        ] {
            assert!((ms(p99) - expected).abs() < 1e-9, "{p99}: {}", ms(p99));
        }
    }

    /// Scenario: services that never failed, with much and with little traffic; some that fail, and one that always does.
    /// Guarantees: a target leaves half of its budget, which is ten requests at least; who spends too much gets none.
    #[test]
    fn targets_leave_half_of_their_budget() {
        assert_eq!(supported(0, 1_000_000), Some(99.99));
        assert_eq!(supported(0, 1_000), Some(99.0));
        assert_eq!(supported(50, 100_000), Some(99.9));
        assert_eq!(supported(51, 100_000), Some(99.8));
        assert_eq!(supported(100_000, 1_000_000), Some(80.0));
        assert_eq!(supported(600_000, 1_000_000), None);
    }
}
