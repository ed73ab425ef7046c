//! `POST /api/v1/compare`: what tells two sides apart. A side are requests of a time and a filter, or one trace.
//!
//! Fields are only ever added while `version` stays what it is.

use crate::{TriageAttributes, TriageMark, TriageMoment, TriageSpan, TriageStretch, UnixNanos};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of [`CompareReport`] that this crate knows.
pub const COMPARE_VERSION: u32 = 1;

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompareRequest {
    /// What is looked at.
    pub first: CompareSide,
    /// What it is held against; where it is absent, all other requests of the same service, operation and environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second: Option<CompareSide>,
    /// The time of these others, where there is no `second`; that of `first` where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub among: Option<TriageStretch>,
}

/// Requests, or one trace. Moments are written as in parameters of paths.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompareSide {
    /// Of the end of requests, as in heatmaps. Needed unless there is a `trace_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<TriageMoment>,
    /// Until now where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<TriageMoment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_class: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// `error` or `ok`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Requests that take at least so long, and less than `max_ns`: the borders of a heatmap's rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_ns: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_ns: Option<i64>,
    /// Each is found among the attributes of the request, its resource, its scope, its events or links.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
    /// This trace, and nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CompareReport {
    /// [`COMPARE_VERSION`].
    pub version: u32,
    pub asked_at: UnixNanos,
    /// What stands out, one sentence each.
    pub sentences: Vec<String>,
    pub first: CompareFigures,
    pub second: CompareFigures,
    /// What requests of the first side have more often. `n_bad` and `share_bad` are of the first side, `n_good` and
    /// `share_good` of the second. Absent between two traces.
    pub attributes: Option<TriageAttributes>,
    /// Where the difference in time lies. Absent where no trace of a side was found.
    pub latency: Option<CompareLatency>,
    /// All calls of both sides, or those whose own time differs most; parents before their children.
    pub tree: Vec<CompareNode>,
    /// Places of the tree that are not told.
    pub n_tree_left_out: u64,
    pub marks: Vec<TriageMark>,
    pub elapsed_ms: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CompareFigures {
    /// The time of its requests; absent of a trace.
    pub window: Option<TriageSpan>,
    pub n_requests: u64,
    pub n_errors: u64,
    /// Requests whose attributes were read, and those of whose traces all spans were.
    pub n_read: u64,
    pub n_traced: u64,
    /// Of the requests that were read; absent without any.
    pub mean_ns: Option<i64>,
    pub p50_ns: Option<i64>,
    pub p95_ns: Option<i64>,
    pub p99_ns: Option<i64>,
    /// Typical ones, then the slowest.
    pub trace_ids: Vec<String>,
}

/// Means per request, of the requests whose traces were read.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CompareLatency {
    pub first_ns: f64,
    pub second_ns: f64,
    /// They add up to the difference; where the first takes longest first.
    pub parts: Vec<ComparePart>,
}

/// Time on the critical path that a part of the system answers for.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ComparePart {
    pub service: String,
    /// Empty where it is not told.
    pub operation: String,
    /// Where the time lies between two services, or in one that sent no spans: the one that is called.
    pub callee: Option<String>,
    pub first_ns: f64,
    pub second_ns: f64,
    /// `first_ns` less `second_ns`.
    pub added_ns: f64,
    /// Of the whole difference.
    pub share: f64,
}

/// All spans of one name below one place.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CompareNode {
    /// Place of the parent in the list.
    pub parent: Option<u32>,
    pub depth: u32,
    pub service: String,
    pub operation: String,
    /// `server`, `client`, `producer`, `consumer`, `internal` or `unspecified`.
    pub kind: String,
    pub first: CompareNodeFigures,
    pub second: CompareNodeFigures,
}

#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct CompareNodeFigures {
    /// 0 where the side does not make this call.
    pub spans_per_request: f64,
    /// Time that no child covers.
    pub self_ns_per_request: f64,
    /// Of one span; absent without any.
    pub mean_ns: Option<f64>,
    pub error_ratio: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: a box of a heatmap, two traces, and a word that is not known in either place.
    /// Guarantees: the first two are read, unknown words are refused.
    #[test]
    fn questions_are_read() {
        let read = |text: &str| serde_json::from_str::<CompareRequest>(text);
        let boxed = read(
            r#"{"first": {"from": "now-5m", "service": "cart", "min_ns": 1000, "attributes": {"a": "b"}}}"#,
        );
        let boxed = boxed.expect("reads");
        assert_eq!((boxed.first.min_ns, boxed.second), (Some(1000), None));
        assert_eq!(boxed.first.attributes["a"], "b");
        let traces = read(r#"{"first": {"trace_id": "0a"}, "second": {"trace_id": "0b"}}"#).expect("reads");
        assert_eq!(traces.second.and_then(|side| side.trace_id).as_deref(), Some("0b"));
        assert!(read(r#"{"first": {"form": "now-5m"}}"#).is_err());
        assert!(read(r#"{"first": {}, "third": {}}"#).is_err());
        assert!(read("{}").is_err());
    }
}
