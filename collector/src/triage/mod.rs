//! From stored rows to a report: what to read, how much of it, and what to hold it against.
//!
//! `stretches` chooses the times, `rates` how many traces of them are read, `gather` reads, and the `triage` crate
//! judges, on a thread where that may take a second. `began` finds out when an objective began to fail, `alert` asks
//! on behalf of one. `compare` does the same for two sides that somebody wants to see beside each other. `api` and `evaluate`
//! ask; nothing here decides whom to tell.

mod alert;
mod began;
mod compare;
mod gather;
mod lane;
mod rates;
mod stretches;

pub(crate) use alert::{Case, Finding};
pub(crate) use compare::{Difference, Side, Sides, difference};
pub(crate) use lane::Lane;

use ::triage::InputError;
use ::triage::report::{Question, Release, Report, triage};
use ::triage::{Limits, Scope, Symptom, TriageInput, Window};
use alerts::{Deployment, IncidentTime};
use gather::Gathered;
use std::time::Duration;
use storage::{Engine, TimeRange};
use stretches::Baselines;

/// An answer that takes longer is none. Reading is bounded by the engine as well.
const TIMEOUT: Duration = Duration::from_secs(60);
/// The longest window: beyond it a question is one about a trend.
pub(crate) const WINDOW_MAX: Duration = Duration::from_secs(24 * 3600);
/// Stretches of healthy time in one question.
pub(crate) const BASELINES_MAX: usize = 64;

/// What somebody wants to know.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Asked {
    /// The time in which something is wrong.
    pub(crate) window: TimeRange,
    /// What to hold it against, oldest first; chosen here where there is none.
    pub(crate) baselines: Vec<TimeRange>,
    /// Nothing later is read. Not before the window's end.
    pub(crate) asked_at: i64,
    pub(crate) service: Option<String>,
    pub(crate) operation: Option<String>,
    /// What is wrong with their requests; either where it is not said.
    pub(crate) symptom: Option<Symptom>,
    pub(crate) threshold_ns: Option<i64>,
}

/// What the state file knows of the time around a window.
#[derive(Debug, Clone, Default)]
pub(crate) struct History {
    pub(crate) incidents: Vec<IncidentTime>,
    pub(crate) deployments: Vec<Deployment>,
}

/// A report with the question that it answers.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) asked: Asked,
    /// Those that were looked at.
    pub(crate) baselines: Vec<TimeRange>,
    pub(crate) traces_one_in: u32,
    pub(crate) report: Report,
    pub(crate) elapsed: Duration,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot read what is stored")]
    Storage {
        #[source]
        source: storage::Error,
    },
    #[error("cannot read the alert state")]
    State {
        #[source]
        source: alerts::Error,
    },
    #[error("cannot make sense of what is stored")]
    Input {
        #[source]
        source: InputError,
    },
    #[error("triage took longer than {} s", TIMEOUT.as_secs())]
    Timeout,
    #[error("other reports are being made")]
    Busy,
    #[error("triage stopped at an internal fault")]
    Fault {
        #[source]
        source: tokio::task::JoinError,
    },
}

/// Reads and judges, one report at a time in a lane.
pub(crate) async fn investigate(
    engine: &Engine,
    lane: &Lane,
    asked: Asked,
    history: &History,
) -> Result<Answer, Error> {
    let started_at = crate::clock::Clock.instant();
    let turn = lane.enter().await?;
    let work = async {
        let baselines = match asked.baselines.is_empty() {
            true => stretches::baselines(asked.window, &history.incidents),
            false => Baselines::given(asked.baselines.clone()),
        };
        let gathered = gather::gather(engine, &asked, baselines, history).await?;
        let scope = asked.clone();
        // The turn goes with the work: a report that nobody waits for any more still takes a thread.
        let judge = move || {
            let judged = judge(&scope, &gathered);
            drop(turn);
            judged.map(|report| (report, gathered.baselines.ranges, gathered.sampling.traces_one_in))
        };
        let judged = tokio::task::spawn_blocking(judge).await.map_err(|source| Error::Fault { source })?;
        judged.map_err(|source| Error::Input { source })
    };
    let done = tokio::time::timeout(TIMEOUT, work).await.map_err(|_| Error::Timeout)?;
    let (report, baselines, traces_one_in) = done?;
    let elapsed = crate::clock::Clock.instant().duration_since(started_at);
    Ok(Answer { asked, baselines, traces_one_in, report, elapsed })
}

fn judge(asked: &Asked, gathered: &Gathered) -> Result<Report, InputError> {
    let window = |range: &TimeRange| Window { from_ns: range.from, to_ns: range.to };
    let baselines: Vec<Window> = gathered.baselines.ranges.iter().map(window).collect();
    let scope =
        Scope { service: asked.service.clone(), operation: asked.operation.clone(), symptom: asked.symptom };
    let input = TriageInput {
        spans: &gathered.evidence.spans,
        logs: &gathered.evidence.logs,
        metrics: &gathered.evidence.points,
        calls: &gathered.calls,
        window: window(&asked.window),
        baselines: &baselines,
        asked_at_ns: asked.asked_at,
        scope: &scope,
    };
    let question = Question {
        input,
        threshold_ns: asked.threshold_ns,
        releases: &gathered.releases,
        sampling: gathered.sampling,
    };
    let mut report = triage(&question, &Limits::default())?;
    report.marks.extend(gathered.baselines.mark());
    Ok(report)
}

fn marker(deployment: &Deployment) -> Release {
    Release {
        service: deployment.service.clone(),
        version: deployment.version.clone(),
        at_ns: deployment.at,
        title: deployment.title.clone(),
        is_marker: true,
    }
}
