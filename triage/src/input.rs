//! What a question is asked about: Arrow batches, a window, and the stretches of time that it is held against.
//!
//! `collector` reads the batches from storage and fills these types; everything else in the crate takes
//! them, or the [`Tables`](crate::Tables) made of them, and asks for nothing more. Batches have the columns
//! of storage's tables `spans`, `logs` and `metric_points`, in any order and with any others beside them; which ones
//! are looked at stands with each table. A column that may be null may also be missing.

use arrow::array::RecordBatch;
use thiserror::Error;

/// Half-open stretch of time: `from_ns <= t < to_ns`, in nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Window {
    pub from_ns: i64,
    pub to_ns: i64,
}

/// One service calls another, as a service graph tells it where no traces are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    pub caller: String,
    pub callee: String,
}

/// What the alert is about. Everything `None`: the whole system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    pub service: Option<String>,
    /// Name of a span of that service.
    pub operation: Option<String>,
    /// What the alert complains about. It decides where no traces are; `None`: whichever is worse.
    pub symptom: Option<Symptom>,
}

/// What users notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Symptom {
    Latency,
    Availability,
}

/// Everything that an answer may depend on.
#[derive(Clone, Copy, Debug)]
pub struct TriageInput<'a> {
    /// Rows of table `spans`.
    pub spans: &'a [RecordBatch],
    /// Rows of table `logs`.
    pub logs: &'a [RecordBatch],
    /// Rows of table `metric_points`: gauges, sums and histograms.
    pub metrics: &'a [RecordBatch],
    /// Who calls whom; where there are traces they tell it better.
    pub calls: &'a [Call],
    /// The time that something is wrong with. The true onset may lie before it.
    pub window: Window,
    /// Times to compare with, all over when the window opens, the nearest one last. Best is every stretch of
    /// the last two hours that no known incident covers.
    pub baselines: &'a [Window],
    /// When the question was asked: metrics are read up to here.
    pub asked_at_ns: i64,
    pub scope: &'a Scope,
}

/// How much is looked at. Above a bound whole traces are kept by the hash of their id, at one rate in all times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Spans in the dense table: 72 bytes each, and 12 for their place in the tree.
    pub n_spans_max: usize,
    /// Log lines; of more, every n-th by time is left out. 32 bytes each.
    pub n_log_lines_max: usize,
    /// Points of metrics, 16 bytes each.
    pub n_metric_points_max: usize,
    /// Events of spans (starts of children, log lines, ends) in the flow evidence, 40 bytes each.
    pub n_events_max: usize,
}

/// Batches that are not what storage's schema says.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum InputError {
    #[error("table {table} comes without its column {column}")]
    MissingColumn { table: &'static str, column: &'static str },
    #[error("column {column} of table {table} has type {found}")]
    WrongType { table: &'static str, column: &'static str, found: String },
    #[error("table {table} has {n_rows} rows, more than can be numbered")]
    TooManyRows { table: &'static str, n_rows: usize },
}

impl Window {
    pub fn contains(self, time_ns: i64) -> bool {
        self.from_ns <= time_ns && time_ns < self.to_ns
    }

    /// 0 where the window is inside out.
    pub fn length_ns(self) -> i64 {
        self.to_ns.saturating_sub(self.from_ns).max(0)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            n_spans_max: 2_000_000,
            n_log_lines_max: 1_000_000,
            n_metric_points_max: 2_000_000,
            n_events_max: 2_000_000,
        }
    }
}

impl TriageInput<'_> {
    /// The stretch that a moment belongs to, if any.
    pub fn stretch(&self, time_ns: i64) -> Stretch {
        if self.window.contains(time_ns) {
            return Stretch::Window;
        }
        match self.baselines.iter().any(|baseline| baseline.contains(time_ns)) {
            true => Stretch::Baseline,
            false => Stretch::Outside,
        }
    }
}

/// Which side of the comparison a moment is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stretch {
    Window,
    Baseline,
    /// In none of them: not compared.
    Outside,
}
