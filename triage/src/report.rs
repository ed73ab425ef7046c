//! The report: everything that is known about an incident, in the order in which people ask.
//!
//! Plain data without a format: `collector` makes a versioned document of it. Each block says what it found as a
//! sentence and as numbers, and what it could not see is said too. [`triage`] puts it together.

mod affected;
mod attributes;
mod axis;
mod changes;
mod compare;
mod compose;
mod edges;
mod errors;
mod exemplars;
mod latency;
mod marks;
mod metrics;
mod requests;
mod sentences;
mod templates;
mod words;

#[cfg(test)]
mod tests;

pub use compare::{
    Compared, ComparedSide, Comparison, NodeFigures, SideFigures, TreeNode, compare, traces_to_read,
};
pub use compose::triage;

use crate::input::{TriageInput, Window};
use crate::rank::{Suspect, Verdict};

/// A version that came, or a marker that somebody posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    pub service: String,
    pub version: String,
    pub at_ns: i64,
    /// What the marker says; none where the version was seen in telemetry.
    pub title: Option<String>,
    pub is_marker: bool,
}

/// What is asked, with everything that the answer may depend on.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    pub input: TriageInput<'a>,
    /// Requests of the scope that take longer are bad; without it those that take longer than 99 % did before.
    pub threshold_ns: Option<i64>,
    pub releases: &'a [Release],
    pub sampling: Sampling,
}

/// How the rows were chosen before they were handed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampling {
    pub traces_one_in: u32,
    /// Of those, the requests that came with their attributes: of the window, and before.
    pub attributes_one_in: u32,
    pub attributes_before_one_in: u32,
    pub series_one_in: u32,
    /// Rows beyond a bound were left out.
    pub is_cut: bool,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            traces_one_in: 1,
            attributes_one_in: 1,
            attributes_before_one_in: 1,
            series_one_in: 1,
            is_cut: false,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    pub verdict: Verdict,
    /// The verdict in one sentence.
    pub headline: String,
    /// What speaks for it, the weightiest first.
    pub sentences: Vec<String>,
    /// Of the first suspect, 0 to 1.
    pub confidence: f64,
    pub onset: Option<Onset>,
    pub requests: Requests,
    /// Likeliest first, whatever the verdict is.
    pub suspects: Vec<Suspect>,
    pub edges: Vec<Edge>,
    pub latency: Option<Latency>,
    pub errors: Vec<ErrorGroup>,
    pub attributes: Option<Attributes>,
    pub templates: Vec<Template>,
    pub metrics: Vec<Metric>,
    pub changes: Vec<Change>,
    pub affected: Vec<Affected>,
    pub exemplars: Vec<Exemplar>,
    pub marks: Vec<Mark>,
    /// What could not be seen.
    pub not_known: Vec<String>,
    pub read: Read,
}

/// When it began, give or take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Onset {
    pub at_ns: i64,
    pub earliest_ns: i64,
    pub latest_ns: i64,
}

/// Equal steps; a series over it has a number for each, none where nothing was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    pub from_ns: i64,
    pub step_ns: i64,
    pub n_steps: usize,
}

/// A series over the [`Axis`] of its report.
pub type Lane = Vec<Option<f64>>;

/// The requests that the question is about, as many as were read.
#[derive(Clone, Debug, PartialEq)]
pub struct Requests {
    /// In the window.
    pub n: u64,
    pub n_bad: u64,
    /// In the baselines.
    pub n_before: u64,
    pub n_bad_before: u64,
    pub axis: Axis,
    pub lane: Lane,
    pub bad_lane: Lane,
}

/// A figure before and now.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pair {
    pub before: Option<f64>,
    pub now: Option<f64>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Edge {
    pub caller: String,
    pub callee: String,
    pub sentence: String,
    pub weight: f64,
    pub n_calls: Pair,
    pub caller_ns: Pair,
    pub callee_ns: Pair,
    pub gap_ns: Pair,
    pub attempts: Pair,
    pub failed: Pair,
}

/// Where the added time of the bad requests lies.
#[derive(Clone, Debug, PartialEq)]
pub struct Latency {
    pub cohort: String,
    pub n_bad: u64,
    pub n_before: u64,
    pub before_ns: f64,
    pub now_ns: f64,
    /// They add up to `now_ns - before_ns`.
    pub parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    pub service: String,
    /// Empty where it is not told.
    pub operation: String,
    /// Where the time lies between two services, or in one that sent no spans: the one that is called.
    pub callee: Option<String>,
    pub before_ns: f64,
    pub now_ns: f64,
    pub share: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorState {
    New,
    Regressed,
    Escalating,
    /// Its kind of request was never seen healthy: nothing can be said.
    NoBaseline,
    Steady,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ErrorGroup {
    pub service: String,
    pub operation: String,
    pub identity: String,
    pub state: ErrorState,
    pub n_before: u64,
    pub n_now: u64,
    pub sentence: String,
    pub trace_id: Option<[u8; 16]>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes {
    pub n_bad: u64,
    pub n_good: u64,
    pub kept: Vec<Attribute>,
    pub ruled_out: Vec<String>,
    /// Why nothing can be said.
    pub silent: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    /// One, or two that tell only together.
    pub pairs: Vec<KeyValue>,
    pub share_bad: f64,
    pub share_good: f64,
    pub precision: f64,
    pub score: f64,
    /// Others that select the same requests.
    pub same: Vec<String>,
    pub sentence: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyValue {
    /// Of the resource, not of the span.
    pub is_resource: bool,
    pub key: String,
    /// None: the key is missing.
    pub value: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateState {
    New,
    Surging,
    Gone,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    pub id: u64,
    pub service: String,
    pub severity: String,
    pub text: String,
    pub state: TemplateState,
    pub n_before: u64,
    pub n_now: u64,
    /// Of its lines that name a trace: the share that names a bad one.
    pub share_bad: Option<f64>,
    pub first_ns: Option<i64>,
    pub sentence: String,
    pub lane: Lane,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    pub service: String,
    pub instance: String,
    pub name: String,
    pub unit: String,
    pub value: Pair,
    pub changed_ns: Option<i64>,
    pub sentence: String,
    pub lane: Lane,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    Release,
    Deployment,
    Restart,
    Traffic,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub kind: ChangeKind,
    pub service: String,
    pub at_ns: i64,
    pub sentence: String,
    pub is_near: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Affected {
    pub service: String,
    /// Calls between it and the origin.
    pub n_hops: Option<u32>,
    pub n_requests: u64,
    pub n_errors: u64,
    pub p95_ns: Pair,
    pub error_ratio: Pair,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExemplarKind {
    /// Nearest to the middle of the bad ones.
    Bad,
    Worst,
    /// Nearest to the middle of the others, of the same operation.
    Good,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exemplar {
    pub trace_id: [u8; 16],
    pub kind: ExemplarKind,
    pub service: String,
    pub operation: String,
    pub started_ns: i64,
    pub duration_ns: i64,
    pub n_errors: u64,
}

/// What to know about the data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub kind: &'static str,
    pub sentence: String,
}

/// What was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Read {
    pub n_spans: u64,
    pub n_traces: u64,
    pub n_logs: u64,
    pub n_points: u64,
}

impl ErrorState {
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Regressed => "regressed",
            Self::Escalating => "escalating",
            Self::NoBaseline => "no_baseline",
            Self::Steady => "steady",
        }
    }
}

impl TemplateState {
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Surging => "surging",
            Self::Gone => "gone",
        }
    }
}

impl ChangeKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Deployment => "deployment",
            Self::Restart => "restart",
            Self::Traffic => "traffic",
        }
    }
}

impl ExemplarKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Bad => "bad",
            Self::Worst => "worst",
            Self::Good => "good",
        }
    }
}

impl Question<'_> {
    fn window(&self) -> Window {
        self.input.window
    }
}
