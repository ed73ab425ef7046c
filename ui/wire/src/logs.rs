//! `GET /api/v1/logs`: records, newest first, with a histogram by severity.

use crate::{Attribute, UnixNanos};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LogList {
    pub from: UnixNanos,
    pub to: UnixNanos,
    pub rows: Vec<LogRow>,
    /// True when more records matched than the limit lets through.
    pub truncated: bool,
    pub n_matched: u64,
    /// Width of each histogram bucket in seconds.
    pub step_s: u32,
    pub histogram: Vec<LogBucket>,
    pub sql: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LogRow {
    pub at: UnixNanos,
    pub service: String,
    pub severity: Severity,
    /// As the client wrote it.
    pub severity_text: Option<String>,
    pub severity_number: i32,
    /// Text bodies as they are, structured ones as plain JSON.
    pub body: String,
    pub event_name: Option<String>,
    pub trace_id: Option<String>,
    pub span_id: Option<String>,
    pub attributes: Vec<Attribute>,
    pub resource: Vec<Attribute>,
}

/// Severity ranges of the OpenTelemetry log data model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    #[default]
    Unset,
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Fatal,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LogBucket {
    pub at: UnixNanos,
    pub n_unset: u64,
    pub n_trace: u64,
    pub n_debug: u64,
    pub n_info: u64,
    pub n_warn: u64,
    pub n_error: u64,
    pub n_fatal: u64,
}
