//! `GET /api/v1/alerts`: alerts with the ledger of their deliveries.

use crate::UnixNanos;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct AlertList {
    pub now: UnixNanos,
    /// Active ones first, then newest first.
    pub alerts: Vec<AlertRow>,
    /// Names of the configured receivers.
    pub receivers: Vec<ReceiverRow>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    #[default]
    Inactive,
    Resolved,
    Pending,
    Firing,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct AlertRow {
    /// Unique per occurrence.
    pub id: String,
    pub slo_id: String,
    pub slo_name: String,
    pub service: String,
    /// `page` or `ticket`.
    pub severity: String,
    pub state: AlertState,
    pub pending_at: UnixNanos,
    pub firing_at: Option<UnixNanos>,
    pub resolved_at: Option<UnixNanos>,
    /// What happened, as one sentence.
    pub summary: String,
    /// What was found out about the cause, since it fired.
    #[serde(default)]
    pub triage: Option<crate::TriageSummary>,
    /// Whose the service is.
    pub ownership: Option<crate::Ownership>,
    pub deliveries: Vec<DeliveryRow>,
}

/// One notification for one receiver.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DeliveryRow {
    /// Idempotency key, the same for every attempt.
    pub id: String,
    pub receiver: String,
    /// `firing` or `resolved`.
    pub event: String,
    /// `waiting`, `delivered`, `superseded` or `dead`.
    pub state: String,
    pub created_at: UnixNanos,
    pub next_attempt_at: Option<UnixNanos>,
    pub delivered_at: Option<UnixNanos>,
    pub attempts: Vec<AttemptRow>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct AttemptRow {
    pub at: UnixNanos,
    pub duration_ms: u32,
    /// HTTP status, absent when no answer came.
    pub status: Option<u16>,
    /// What went wrong; empty on success.
    pub error: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ReceiverRow {
    pub name: String,
    /// Scheme, host and port; path, query and user information are not shown.
    pub target: String,
    pub n_waiting: u32,
    pub n_dead: u32,
}
