//! `GET /api/v1/traces` (summaries), `/api/v1/traces/{trace_id}` (light rows and critical path) and
//! `/api/v1/traces/{trace_id}/spans/{span_id}` (everything about one span).

use crate::{Attribute, UnixNanos};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TraceList {
    pub from: UnixNanos,
    pub to: UnixNanos,
    /// Ordered as the request asked.
    pub traces: Vec<TraceSummary>,
    /// True when more traces matched than the limit lets through.
    pub truncated: bool,
    pub sql: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TraceSummary {
    pub trace_id: String,
    /// Of the root span, or of the earliest span where the root is missing.
    pub root_service: String,
    pub root_operation: String,
    pub root_missing: bool,
    pub started_at: UnixNanos,
    /// From the first start to the last end.
    pub duration_ns: i64,
    pub n_spans: u64,
    pub n_errors: u64,
    /// By number of spans, largest first.
    pub services: Vec<ServiceSpans>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ServiceSpans {
    pub service: String,
    pub n_spans: u64,
    pub n_errors: u64,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Trace {
    pub trace_id: String,
    pub started_at: UnixNanos,
    pub duration_ns: i64,
    pub root_service: String,
    pub root_operation: String,
    /// Ordered by start time.
    pub spans: Vec<SpanRow>,
    /// Sections of the critical path, in time order; they do not overlap.
    pub critical_path: Vec<PathSection>,
    /// Time on the critical path by service, largest first; the parts add up to the path.
    pub path_by_service: Vec<ServicePathTime>,
    /// Spans whose parent is not stored.
    pub n_orphans: u64,
    /// True when the trace holds more spans than one answer carries.
    pub truncated: bool,
    pub sql: String,
}

/// What the waterfall needs of a span, without attributes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SpanRow {
    pub span_id: String,
    pub parent_span_id: Option<String>,
    pub service: String,
    pub name: String,
    /// `internal`, `server`, `client`, `producer`, `consumer` or `unspecified`; a number if it is none that is known.
    pub kind: String,
    pub started_at: UnixNanos,
    pub duration_ns: i64,
    pub is_error: bool,
    /// Number of events and links, for marks on the row.
    pub n_events: u32,
    pub n_links: u32,
}

/// A stretch of one span that is on the critical path; offsets count from the trace's start.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PathSection {
    pub span_id: String,
    pub from_ns: i64,
    pub to_ns: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ServicePathTime {
    pub service: String,
    pub duration_ns: i64,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SpanDetail {
    pub trace_id: String,
    pub row: SpanRow,
    /// `unset`, `ok` or `error`.
    pub status_code: String,
    pub status_message: Option<String>,
    pub trace_state: Option<String>,
    pub scope_name: String,
    pub scope_version: String,
    pub attributes: Vec<Attribute>,
    pub resource: Vec<Attribute>,
    pub events: Vec<SpanEvent>,
    pub links: Vec<SpanLink>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SpanEvent {
    pub at: UnixNanos,
    pub name: String,
    pub attributes: Vec<Attribute>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SpanLink {
    pub trace_id: String,
    pub span_id: String,
    pub attributes: Vec<Attribute>,
}
