//! `GET /api/v1/alerts`: alerts with the ledger of their deliveries; `/api/v1/deliveries` and `/api/v1/receivers`: the
//! same ledger for those that no alert caused, and what is done by hand.

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
    /// The incident that it belongs to, since it fired.
    #[serde(default)]
    pub incident: Option<u32>,
    /// While it fires and nobody is told of it: why.
    #[serde(default)]
    pub muted_by: Option<MutedBy>,
    pub deliveries: Vec<DeliveryRow>,
}

/// Why nobody is told of an alert: one of the two.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MutedBy {
    /// The id of a silence.
    pub silence: Option<u32>,
    /// The id of a worse alert of the same objective.
    pub alert_id: Option<String>,
}

/// One notification for one receiver.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DeliveryRow {
    /// Idempotency key, the same for every attempt.
    pub id: String,
    /// Absent where no alert caused it: a test, or trouble with a receiver.
    pub alert_id: Option<String>,
    pub receiver: String,
    /// The kind of receiver that it was made for.
    pub kind: String,
    /// `firing`, `acknowledged` or `resolved`.
    pub event: String,
    pub is_test: bool,
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
    /// Of HTTP or SMTP, absent when no answer came.
    pub status: Option<u16>,
    /// What went wrong; empty where nothing did.
    pub error: String,
    /// The beginning of the answer.
    pub answer: String,
    /// The address and port that were connected to.
    pub address: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ReceiverRow {
    pub name: String,
    pub kind: String,
    /// Scheme, host and port; path, query and user information are not shown.
    pub target: String,
    /// `well`, `paused` or `gone`.
    pub state: String,
    /// What the receiver said when it is gone.
    pub trouble: Option<String>,
    /// While it is paused after many failures in a row: when the next attempt is made.
    pub paused_until: Option<UnixNanos>,
    pub n_waiting: u32,
    pub n_dead: u32,
}

/// The answer to `GET /api/v1/deliveries`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DeliveryList {
    pub now: UnixNanos,
    /// Newest first.
    pub deliveries: Vec<DeliveryRow>,
    /// There are more.
    pub truncated: bool,
}

/// The answer to `GET /api/v1/deliveries/{id}`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DeliveryDetail {
    pub delivery: DeliveryRow,
    /// What is sent, without secrets.
    pub body: String,
}

/// The answer to `POST /api/v1/deliveries/{id}/replay`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Replayed {
    /// The same as before.
    pub id: String,
    pub receiver: String,
}

/// The body of `POST /api/v1/deliveries/replay`: dead letters of one receiver.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplayRequest {
    pub receiver: String,
    /// RFC 3339, epoch milliseconds, or `now-2h`: those enqueued since then.
    pub from: String,
    /// And before then; now where it is absent.
    pub to: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ReplayedRange {
    pub n_queued: u32,
    /// Left alone, because the receiver knows something newer of the same alert.
    pub n_overtaken: u32,
    /// There are more in the range: ask again.
    pub has_more: bool,
}

/// The answer to `POST /api/v1/receivers/{name}/test`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TestAnswer {
    pub delivery_id: String,
    pub is_delivered: bool,
    pub request: SentRequest,
    pub attempt: AttemptRow,
}

/// What was sent, without secrets.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SentRequest {
    /// `POST` or `MAIL`.
    pub method: String,
    /// Scheme, host and port.
    pub targets: Vec<String>,
    pub headers: Vec<SentHeader>,
    pub body: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SentHeader {
    pub name: String,
    pub value: String,
}
