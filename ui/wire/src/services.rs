//! `GET /api/v1/services` and `/api/v1/services/{service}`: rate, errors, duration.

use crate::{Estimate, Figures, Ownership, ReleaseRow, UnixNanos};
use serde::{Deserialize, Serialize};

/// One step of a time series, `at` its start.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RedPoint {
    pub at: UnixNanos,
    /// Spans that are stored, exact.
    pub n_requests: u64,
    pub n_errors: u64,
    /// What these stand for, where some were sampled. Absent where they stand for themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<Estimate>,
    pub p50_ns: Option<i64>,
    pub p95_ns: Option<i64>,
    pub p99_ns: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ServiceList {
    pub from: UnixNanos,
    pub to: UnixNanos,
    /// Width of each point in seconds.
    pub step_s: u32,
    /// By name; the worst ones where there are more than were asked for.
    pub services: Vec<ServiceRow>,
    /// Services of the range, those left out included.
    pub n_services: u32,
    /// True when the narrowest buckets are no longer kept: the ends of the range, and the points, are those of wider ones.
    pub is_coarser: bool,
    /// Requests of the range that are counted under the service `(other)`, because too many names came in.
    #[serde(default)]
    pub n_folded_spans: u64,
    /// The SQL that gives the same numbers.
    pub sql: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ServiceRow {
    pub service: String,
    pub red: Figures,
    /// One point a step over the whole window, empty steps included.
    pub points: Vec<RedPoint>,
    /// Last span of the service, or anything else where it sent no spans; also before the window.
    pub last_seen_at: Option<UnixNanos>,
    /// Worst state of the service's alerts.
    pub alert_state: Option<crate::AlertState>,
    /// What it sent in the window's last day says.
    pub environments: Vec<String>,
    pub languages: Vec<String>,
    pub owner: Option<String>,
    pub tier: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ServiceDetail {
    pub service: String,
    pub from: UnixNanos,
    pub to: UnixNanos,
    pub step_s: u32,
    pub red: Figures,
    pub points: Vec<RedPoint>,
    /// By time spent, largest first.
    pub operations: Vec<OperationRow>,
    pub callers: Vec<EdgeRow>,
    pub callees: Vec<EdgeRow>,
    pub versions: Vec<VersionRow>,
    /// Of anything that it sent, by any signal, as far back as is kept.
    pub first_seen_at: Option<UnixNanos>,
    pub last_seen_at: Option<UnixNanos>,
    pub environments: Vec<String>,
    pub languages: Vec<String>,
    /// Those of the window, the one seen last first, at most 200.
    pub instances: Vec<InstanceRow>,
    /// All of them, those left out included.
    pub n_instances: u32,
    pub ownership: Option<Ownership>,
    /// Those of the window, in order of time.
    pub releases: Vec<ReleaseRow>,
    /// True when the narrowest buckets are no longer kept: the ends of the range, and the points, are those of wider ones.
    pub is_coarser: bool,
    pub sql: String,
}

/// One process, as far as it tells. What it does not tell is empty.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct InstanceRow {
    /// `service.instance.id`; `other` stands for those beyond what is kept apart.
    pub instance: String,
    pub namespace: String,
    pub environment: String,
    pub version: String,
    pub language: String,
    pub sdk_name: String,
    pub sdk_version: String,
    pub n_spans: u64,
    pub n_logs: u64,
    pub n_points: u64,
    /// Within the hours of the window.
    pub first_seen_at: UnixNanos,
    pub last_seen_at: UnixNanos,
    /// Absent where it was asked for nothing.
    pub red: Option<Figures>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct OperationRow {
    pub operation: String,
    /// `server`, `consumer`, `internal`, ...
    pub kind: String,
    pub red: Figures,
    pub points: Vec<RedPoint>,
}

/// Calls between a service and one neighbour.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct EdgeRow {
    pub peer: String,
    pub peer_kind: PeerKind,
    /// As the caller saw it.
    pub red: Figures,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PeerKind {
    #[default]
    Service,
    Database,
    Messaging,
    External,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct VersionRow {
    /// `service.version`, empty where none was sent.
    pub version: String,
    /// Also before the window, as far back as is kept.
    pub first_seen_at: UnixNanos,
    pub last_seen_at: UnixNanos,
    pub red: Figures,
}
