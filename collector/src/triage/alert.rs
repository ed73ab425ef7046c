//! Asks on behalf of an alert: which window, and what is kept of the answer.

use super::began::{STEP, began};
use super::stretches::look_back;
use super::{Asked, Error, History, Lane, investigate};
use crate::api;
use crate::evaluate::read_events;
use crate::units::nanos;
use alerts::{Indicator, Slo, Store, TRIAGE_BYTES_MAX};
use std::sync::Arc;
use std::time::Duration;
use storage::{Engine, TimeRange};

/// Events are read from so long before the alert began: what burns a budget of a month in hours takes that long.
const EVENTS_BACK: Duration = Duration::from_secs(2 * 3600);
/// The longest window of an alert. What goes on for longer is looked at from its beginning.
const WINDOW_MAX: Duration = Duration::from_secs(3600);
/// The shortest: a few requests at least.
const WINDOW_MIN: Duration = Duration::from_secs(30);
/// An incident whose last bad events are older than this is over, and its window ends with them.
const FRESH: Duration = Duration::from_secs(120);
/// Where events do not say when it began: so long before the alert was pending.
const BEFORE_PENDING: Duration = Duration::from_secs(300);
/// Deployments of all services that are looked at.
const DEPLOYMENTS_MAX: u32 = 500;

/// An alert that fires.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) slo: Arc<Slo>,
    pub(crate) pending_at: i64,
    pub(crate) now: i64,
    /// From an earlier report: it does not move while the alert lives.
    pub(crate) known_from: Option<i64>,
}

/// What is kept of a report.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Finding {
    pub(crate) made_at: i64,
    pub(crate) window: TimeRange,
    pub(crate) headline: String,
    /// The short form, as JSON.
    pub(crate) summary: serde_json::Value,
    /// All of it, as JSON text.
    pub(crate) report: String,
}

impl History {
    /// What is known of the time around a window.
    pub(crate) async fn read(store: &Store, window: TimeRange) -> Result<Self, alerts::Error> {
        let from = look_back(window);
        Ok(Self {
            incidents: store.incidents(from, window.from).await?,
            deployments: store.deployments_between(from, window.to, DEPLOYMENTS_MAX).await?,
        })
    }
}

impl Finding {
    /// Of a firing alert. `lane` is the one of alerts.
    pub(crate) async fn of(engine: &Engine, store: &Store, lane: &Lane, case: &Case) -> Result<Self, Error> {
        let window = window(engine, case).await.map_err(|source| Error::Storage { source })?;
        let history = History::read(store, window).await.map_err(|source| Error::State { source })?;
        let asked = Asked {
            window,
            baselines: Vec::new(),
            asked_at: case.now.max(window.to),
            service: Some(case.slo.service().to_owned()),
            operation: case.slo.operation().map(str::to_owned),
            symptom: match case.slo.indicator() {
                Indicator::Availability => Some(::triage::Symptom::Availability),
                Indicator::Latency { .. } => Some(::triage::Symptom::Latency),
                Indicator::Ratio(_) => None,
            },
            threshold_ns: case.slo.indicator().threshold_ns(),
        };
        let answer = investigate(engine, lane, asked, &history).await?;
        Ok(Self::kept(api::triage_report(answer), case.now, window))
    }

    /// Reports are bounded; of one that is too long for the state file the short form is kept in its place.
    fn kept(report: wire::TriageReport, made_at: i64, window: TimeRange) -> Self {
        let summary = api::triage_summary(&report);
        let headline = report.headline.clone();
        let summary =
            serde_json::to_value(summary).expect("maps with text keys and finite numbers serialize");
        let text = serde_json::to_string(&report).expect("maps with text keys and finite numbers serialize");
        let report = if text.len() > TRIAGE_BYTES_MAX { summary.to_string() } else { text };
        Self { made_at, window, headline, summary, report }
    }
}

/// From where the objective's events say that it began, up to now.
async fn window(engine: &Engine, case: &Case) -> Result<TimeRange, storage::Error> {
    let range = TimeRange { from: case.pending_at.saturating_sub(nanos(EVENTS_BACK)), to: case.now };
    let steps = read_events(engine, &case.slo, range, STEP).await?.buckets;
    Ok(chosen(case, began(&steps, case.slo.target().budget())))
}

fn chosen(case: &Case, found: Option<TimeRange>) -> TimeRange {
    let found_from = found.map(|found| found.from);
    let from =
        case.known_from.or(found_from).unwrap_or(case.pending_at.saturating_sub(nanos(BEFORE_PENDING)));
    let is_over = |found: &TimeRange| found.to < case.now.saturating_sub(nanos(FRESH)) && found.to > from;
    let end = found.filter(is_over).map_or(case.now, |found| found.to);
    let to = end.min(from.saturating_add(nanos(WINDOW_MAX)));
    TimeRange { from: from.min(to.saturating_sub(nanos(WINDOW_MIN))), to }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alerts::SloSpec;

    const SECOND: i64 = 1_000_000_000;

    fn case(known_from: Option<i64>) -> Case {
        let spec = SloSpec { id: "a".to_owned(), service: "cart".to_owned(), ..SloSpec::default() };
        let slo = Arc::new(Slo::new(spec).expect("valid"));
        let (pending_at, now) = (10_000 * SECOND, 10_060 * SECOND);
        Case { slo, pending_at, now, known_from: known_from.map(|second| second * SECOND) }
    }

    fn check(known_from: Option<i64>, found: Option<(i64, i64)>, expected: (i64, i64)) {
        let found = found.map(|(from, to)| TimeRange { from: from * SECOND, to: to * SECOND });
        let window = chosen(&case(known_from), found);
        assert_eq!((window.from / SECOND, window.to / SECOND), expected, "{known_from:?} {found:?}");
    }

    /// Scenario: events that say when it began, that say nothing, that began this moment, that are over, that go on for
    /// hours; and a report that was made before.
    /// Guarantees: the window is where the incident is, neither empty nor endless, and begins where it began before.
    #[test]
    fn the_window_is_where_the_incident_is() {
        check(None, Some((9_900, 10_060)), (9_900, 10_060));
        check(None, None, (9_700, 10_060));
        check(None, Some((10_050, 10_060)), (10_030, 10_060));
        check(None, Some((9_000, 9_200)), (9_000, 9_200));
        check(None, Some((4_000, 10_060)), (4_000, 7_600));
        check(Some(9_800), Some((9_950, 10_060)), (9_800, 10_060));
    }
}
