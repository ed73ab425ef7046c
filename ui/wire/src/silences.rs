//! `/api/v1/silences`: times in which nobody is told of some alerts; they are evaluated and open incidents all the same.

use crate::{AlertState, UnixNanos};
use serde::{Deserialize, Serialize};

/// The answer to `GET /api/v1/silences`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SilenceList {
    pub now: UnixNanos,
    /// Active ones first, then those to come, then those that are over; newest first among each.
    pub silences: Vec<SilenceRow>,
    /// There are more.
    pub truncated: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SilenceState {
    #[default]
    Active,
    /// It begins later, or between two of its windows.
    Pending,
    Expired,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SilenceRow {
    pub id: u32,
    /// All of them match what it mutes: `service="checkout"`, `severity=~"page|ticket"`.
    pub matchers: Vec<String>,
    pub state: SilenceState,
    pub starts_at: UnixNanos,
    /// Absent for a maintenance window that recurs without an end.
    pub ends_at: Option<UnixNanos>,
    /// Of a maintenance window.
    pub recurrence: Option<Recurrence>,
    /// While it is active: until when without a break.
    pub active_until: Option<UnixNanos>,
    /// While it is pending: when it begins.
    pub next_at: Option<UnixNanos>,
    pub author: String,
    pub comment: String,
    pub created_at: UnixNanos,
    /// When somebody ended it before its time, and who.
    pub expired_at: Option<UnixNanos>,
    pub expired_by: Option<String>,
    /// Alerts that fire now and that it mutes.
    pub n_muted: u32,
}

/// Windows that come again every week, or every day.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recurrence {
    /// `mon`, `tue`, `wed`, `thu`, `fri`, `sat`, `sun`: days on which a window begins; every day where there are none.
    #[serde(default)]
    pub days: Vec<String>,
    /// When a window begins, by the clock of the time zone: `22:00`.
    pub at: String,
    /// How long it lasts: `4h`; at most a day.
    pub duration: String,
    /// `Europe/Berlin`; UTC where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
}

/// The body of `POST /api/v1/silences` and `/preview`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SilenceRequest {
    pub matchers: Vec<String>,
    /// RFC 3339, epoch milliseconds or `now`; now where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts: Option<String>,
    /// As `starts`. One of `ends` and `duration` is needed, unless it recurs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<String>,
    /// After `starts`: `2h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recurrence: Option<Recurrence>,
    /// Who wants it. Where the server has users it is the one who asks, whatever is written here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// Why. A preview needs none.
    #[serde(default)]
    pub comment: String,
}

/// The answer to `POST /api/v1/silences/preview`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SilencePreview {
    /// It would mute something at this moment; else what follows is muted when it begins.
    pub is_active_now: bool,
    /// When it begins where it is not active, and until when it then lasts.
    pub next_at: Option<UnixNanos>,
    pub active_until: Option<UnixNanos>,
    /// Alerts that wait or fire now and that its matchers match, worst first.
    pub alerts: Vec<PreviewedAlert>,
    /// Objectives of which alerts would be muted, whether or not something is wrong with them.
    pub objectives: Vec<PreviewedObjective>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PreviewedAlert {
    pub id: String,
    pub slo_id: String,
    pub slo_name: String,
    pub service: String,
    pub severity: String,
    pub state: AlertState,
    pub incident: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PreviewedObjective {
    pub slo_id: String,
    pub slo_name: String,
    pub service: String,
    /// `page`, `ticket` or both.
    pub severities: Vec<String>,
}
