//! `GET /api/v1/red`: rate, errors and duration in groups, beside those of an earlier window.

use crate::{RedPoint, UnixNanos};
use serde::{Deserialize, Serialize};

/// Rate, errors and duration of one group over one window. A request is an entry span, where nothing else was asked
/// for: of kind server or consumer, or of kind internal or unspecified without a parent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Figures {
    /// Spans that are stored, exact.
    pub n_requests: u64,
    pub n_errors: u64,
    /// What the stored spans stand for, where some were sampled: an estimate. Absent where they stand for themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<Estimate>,
    /// Requests per second of the window; those of the estimate where there is one.
    pub rate_per_s: f64,
    /// Share of errors, of the estimate where there is one; absent without requests.
    pub error_ratio: Option<f64>,
    pub mean_ns: Option<i64>,
    /// Quantiles are within 1 %, of the stored spans.
    pub p50_ns: Option<i64>,
    pub p90_ns: Option<i64>,
    pub p95_ns: Option<i64>,
    pub p99_ns: Option<i64>,
    pub p999_ns: Option<i64>,
}

/// Numbers of spans with each counted as many times as its sampling threshold says.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Estimate {
    pub n_requests: f64,
    pub n_errors: f64,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RedAnswer {
    pub from: UnixNanos,
    pub to: UnixNanos,
    /// Width of each point in seconds.
    pub step_s: u32,
    /// What the groups are grouped by, in order.
    pub by: Vec<String>,
    /// The earlier window as it was counted, in whole buckets, where one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Window>,
    /// By number of requests in both windows, largest first.
    pub groups: Vec<RedGroup>,
    /// Groups there are, those left out included.
    pub n_groups: u32,
    /// True when there are more groups than the limit lets through.
    pub truncated: bool,
    /// Spans of the window that are counted under the service `(other)`, because too many names came in: groups of other
    /// services may lack them.
    #[serde(default)]
    pub n_folded_spans: u64,
    /// True when the narrowest buckets of a window are no longer kept: its ends, and the points, are those of wider ones.
    pub is_coarser: bool,
    /// The SQL that gives the same numbers, and that of the earlier window.
    pub sql: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_sql: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Window {
    pub from: UnixNanos,
    pub to: UnixNanos,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RedGroup {
    /// A value for each of `by`, in its order; empty where the spans have none.
    pub key: Vec<String>,
    pub red: Figures,
    /// One point a step over the whole window, empty steps included.
    pub points: Vec<RedPoint>,
    /// Of the earlier window, all zero where the group was not there; absent without such a window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Figures>,
}
