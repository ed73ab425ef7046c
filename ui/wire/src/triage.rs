//! `POST /api/v1/triage`: where did it break first? One document for pages, webhooks and scripts.
//!
//! All series of a report lie on its one axis: a list has one number for each step of it, absent where nothing was
//! measured. Fields are only ever added while `version` stays what it is.

use crate::UnixNanos;
use serde::{Deserialize, Serialize};

/// The version of [`TriageReport`] that this crate knows.
pub const TRIAGE_VERSION: u32 = 1;

/// What is asked. Moments are written as in parameters of paths: epoch milliseconds, RFC 3339, `now-15m`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TriageRequest {
    /// The window in which something is wrong.
    pub from: TriageMoment,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<TriageMoment>,
    /// Healthy time to compare with; the last two hours before the window, without known incidents, where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<TriageBaseline>,
    /// Metrics are read up to here, which may be later than `to`: many come late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<TriageMoment>,
    /// Whose requests are bad: only traces that it takes part in are looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The operation of that service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// `availability` or `latency`: what is bad about them; both are looked at where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub indicator: Option<String>,
    /// Requests of the service that take longer than this are bad.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold_ns: Option<i64>,
}

/// A moment as somebody wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TriageMoment {
    Millis(i64),
    Text(String),
}

impl Default for TriageMoment {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

/// One stretch of time, or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TriageBaseline {
    One(TriageStretch),
    Several(Vec<TriageStretch>),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriageStretch {
    pub from: TriageMoment,
    pub to: TriageMoment,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TriageReport {
    /// [`TRIAGE_VERSION`].
    pub version: u32,
    pub asked_at: UnixNanos,
    pub window: TriageSpan,
    /// Oldest first; all end before the window begins.
    pub baselines: Vec<TriageSpan>,
    pub scope: TriageScope,
    pub verdict: TriageVerdict,
    /// The verdict in one sentence.
    pub headline: String,
    /// What speaks for it, the weightiest first, one sentence each.
    pub sentences: Vec<String>,
    /// Of the first suspect, from 0 to 1; 0 where there is none.
    pub confidence: f64,
    pub onset: Option<TriageOnset>,
    /// Requests in the window, and those that failed or were too slow.
    pub n_requests: u64,
    pub n_bad: u64,
    pub axis: TriageAxis,
    /// Requests in each step of the axis.
    pub requests: Vec<Option<f64>>,
    pub bad: Vec<Option<f64>>,
    /// Likeliest first. The list is there whatever the verdict is.
    pub suspects: Vec<TriageSuspect>,
    /// Calls that fail, slow down or are repeated; the guiltiest first.
    pub edges: Vec<TriageEdge>,
    /// Where the added time of slow requests lies.
    pub latency: Option<TriageLatency>,
    pub errors: Vec<TriageErrorGroup>,
    pub attributes: Option<TriageAttributes>,
    pub templates: Vec<TriageTemplate>,
    pub metrics: Vec<TriageMetric>,
    pub changes: Vec<TriageChange>,
    /// Services along the way from the origin to where it was noticed.
    pub affected: Vec<TriageAffected>,
    pub exemplars: Vec<TriageExemplar>,
    pub marks: Vec<TriageMark>,
    /// What could not be seen, as sentences.
    pub not_known: Vec<String>,
    pub read: TriageRead,
    pub elapsed_ms: u32,
}

/// From (included) to (excluded).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TriageSpan {
    pub from: UnixNanos,
    pub to: UnixNanos,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TriageScope {
    pub service: Option<String>,
    pub operation: Option<String>,
    /// `availability` or `latency`.
    pub indicator: Option<String>,
    pub threshold_ns: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TriageVerdict {
    /// The first suspect is where it broke.
    Origin,
    /// The first suspect leads, but not by much.
    Possible,
    #[default]
    NoClearOrigin,
}

/// When it began, give or take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TriageOnset {
    pub at: UnixNanos,
    pub earliest: UnixNanos,
    pub latest: UnixNanos,
}

/// Steps from `from` on, as many as its series have numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TriageAxis {
    pub from: UnixNanos,
    pub step_ns: i64,
    pub n_steps: u32,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TriageSuspect {
    /// `service`, `instance`, `operation`, `dependency` or `release`.
    pub kind: String,
    pub name: String,
    /// The service that it belongs to, or that calls it.
    pub service: String,
    /// Open at the top; compare it with others of the same report.
    pub score: f64,
    /// The same from 0 to 1.
    pub confidence: f64,
    /// The weightiest first.
    pub evidence: Vec<TriageEvidence>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TriageEvidence {
    /// `flow`, `errors`, `own_time`, `call_time`, `saturation` or `excess`.
    pub kind: String,
    /// Its part of the suspect's score; 0 where a stronger one of its kind counts already.
    pub weight: f64,
    pub sentence: String,
    /// What it is about, as far as it is about one.
    pub operation: Option<String>,
    pub instance: Option<String>,
    /// `service.version`.
    pub release: Option<String>,
    pub dependency: Option<String>,
    pub onset_at: Option<UnixNanos>,
    /// Some traces that show it.
    pub trace_ids: Vec<String>,
    /// A statement that shows the rows it is about.
    pub sql: Option<String>,
}

/// A figure before and now.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct TriagePair {
    pub before: Option<f64>,
    pub now: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TriageEdge {
    pub caller: String,
    pub callee: String,
    pub sentence: String,
    pub weight: f64,
    pub n_calls: TriagePair,
    /// Means, as the caller saw it.
    pub caller_ns: TriagePair,
    /// The callee's own, where it tells.
    pub callee_ns: TriagePair,
    /// What lies between both sides.
    pub gap_ns: TriagePair,
    pub attempts: TriagePair,
    /// Share of calls that fail.
    pub failed: TriagePair,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TriageLatency {
    /// Which requests are compared, in words.
    pub cohort: String,
    pub n_bad: u64,
    pub n_before: u64,
    pub before_ns: f64,
    pub now_ns: f64,
    /// They add up to the difference.
    pub parts: Vec<TriagePart>,
}

/// Time on the critical path that a part of the system answers for.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TriagePart {
    pub service: String,
    /// Empty where it is not told.
    pub operation: String,
    /// Where the time lies between two services, or in one that sent no spans: the one that is called.
    pub callee: Option<String>,
    pub before_ns: f64,
    pub now_ns: f64,
    pub added_ns: f64,
    /// Of all that was added.
    pub share: f64,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TriageErrorGroup {
    pub service: String,
    pub operation: String,
    /// Type of the exception, else of the error, else the message's template.
    pub identity: String,
    /// `new`, `regressed`, `escalating`, `no_baseline` or `steady`.
    pub state: String,
    pub n_before: u64,
    pub n_now: u64,
    pub sentence: String,
    /// One trace of it.
    pub trace_id: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TriageAttributes {
    pub n_bad: u64,
    pub n_good: u64,
    pub kept: Vec<TriageAttribute>,
    /// Keys in which bad and good requests do not differ.
    pub ruled_out: Vec<String>,
    /// Why nothing can be said, where that is so.
    pub silent: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TriageAttribute {
    /// One, or two that tell only together.
    pub pairs: Vec<TriageKeyValue>,
    /// Share of bad requests that have it, and of the others.
    pub share_bad: f64,
    pub share_good: f64,
    /// Of the requests that have it: the share that is bad.
    pub precision: f64,
    pub score: f64,
    /// Keys of other attributes that select the same requests.
    pub same: Vec<String>,
    pub sentence: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TriageKeyValue {
    /// `span` or `resource`.
    pub scope: String,
    pub key: String,
    /// Absent: the key is missing.
    pub value: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TriageTemplate {
    /// The same for the same template, in every report.
    pub id: String,
    pub service: String,
    pub severity: String,
    pub text: String,
    /// `new`, `surging` or `gone`.
    pub state: String,
    pub n_before: u64,
    pub n_now: u64,
    /// Share of its lines that belong to bad traces.
    pub share_bad: Option<f64>,
    pub first_at: Option<UnixNanos>,
    pub sentence: String,
    /// Lines in each step of the axis.
    pub points: Vec<Option<f64>>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TriageMetric {
    pub service: String,
    pub instance: String,
    pub name: String,
    pub unit: String,
    pub value: TriagePair,
    pub changed_at: Option<UnixNanos>,
    pub sentence: String,
    /// Means over each step of the axis.
    pub points: Vec<Option<f64>>,
    /// A statement that gives its points.
    pub sql: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TriageChange {
    /// `release`, `deployment`, `restart` or `traffic`.
    pub kind: String,
    pub service: String,
    pub at: UnixNanos,
    pub sentence: String,
    /// It lies close enough before the onset to have caused it.
    pub is_near: bool,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TriageAffected {
    pub service: String,
    /// Calls between it and the origin; 0 is the origin.
    pub n_hops: Option<u32>,
    pub n_requests: u64,
    pub n_errors: u64,
    pub p95_ns: TriagePair,
    pub error_ratio: TriagePair,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TriageExemplar {
    pub trace_id: String,
    /// `bad`, `worst` or `good`.
    pub kind: String,
    pub service: String,
    pub operation: String,
    pub started_at: UnixNanos,
    pub duration_ns: i64,
    pub n_errors: u64,
}

/// What to know about the data behind the report.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TriageMark {
    /// A word for programs, such as `sampled`.
    pub kind: String,
    pub sentence: String,
}

/// What was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TriageRead {
    pub n_spans: u64,
    pub n_traces: u64,
    pub n_logs: u64,
    pub n_points: u64,
    /// One trace in so many was looked at.
    pub traces_one_in: u32,
}

/// What a webhook carries, and what is shown beside an alert.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TriageSummary {
    /// [`TRIAGE_VERSION`].
    pub version: u32,
    pub asked_at: UnixNanos,
    pub window: TriageSpan,
    pub verdict: TriageVerdict,
    pub headline: String,
    pub sentences: Vec<String>,
    pub confidence: f64,
    pub onset: Option<TriageOnset>,
    /// The first few, without their evidence.
    pub suspects: Vec<TriageSuspectLine>,
    pub trace_ids: Vec<String>,
    pub not_known: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TriageSuspectLine {
    pub kind: String,
    pub name: String,
    pub service: String,
    pub confidence: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: questions with moments as numbers and texts, with one baseline, with several, with a wrong key.
    /// Guarantees: all forms are read; a key that does not exist is refused, not ignored.
    #[test]
    fn questions_are_read_in_every_form() {
        let read = |text: &str| serde_json::from_str::<TriageRequest>(text);
        let request = read(r#"{"from": 1000, "to": "now-1m", "service": "cart"}"#).expect("reads");
        assert_eq!(request.from, TriageMoment::Millis(1000));
        assert_eq!(request.to, Some(TriageMoment::Text("now-1m".to_owned())));
        assert_eq!((request.service.as_deref(), request.baseline), (Some("cart"), None));
        let stretch = r#"{"from": 1, "to": 2}"#;
        let one = read(&format!(r#"{{"from": 5, "baseline": {stretch}}}"#)).expect("reads");
        assert!(matches!(one.baseline, Some(TriageBaseline::One(_))));
        let two = read(&format!(r#"{{"from": 5, "baseline": [{stretch}, {stretch}]}}"#)).expect("reads");
        assert!(matches!(two.baseline, Some(TriageBaseline::Several(ref list)) if list.len() == 2));
        assert!(read(r#"{"from": 5, "sevice": "cart"}"#).is_err());
    }
}
