//! `/api/v1/incidents`: what went wrong as a whole, however many alerts told of it.
//!
//! An incident is opened by the first alert that fires, and alerts of the same cascade join it. It is open until
//! somebody looks after it, and over when all of its alerts are.

use crate::{AlertRow, Ownership, TriageSummary, UnixNanos};
use serde::{Deserialize, Serialize};

/// The answer to `GET /api/v1/incidents`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct IncidentList {
    pub now: UnixNanos,
    /// Newest first.
    pub incidents: Vec<IncidentRow>,
    /// There are more.
    pub truncated: bool,
    /// Of all, not only of those above.
    pub n_open: u32,
    pub n_acknowledged: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentStatus {
    /// Nobody has said yet that they look after it.
    #[default]
    Open,
    Acknowledged,
    Resolved,
}

/// How it was found out where an incident comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OriginSource {
    /// Of the services with alerts it is the one that calls none of the others.
    #[default]
    Graph,
    /// The report about one of the alerts names it.
    Report,
}

/// An incident without its details.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct IncidentRow {
    /// 1, 2, 3 and so on; never used twice.
    pub number: u32,
    /// "orders-db: Checkout availability and 2 more"
    pub title: String,
    /// `page` or `ticket`: that of its worst alert.
    pub severity: String,
    pub status: IncidentStatus,
    /// The service that it likely comes from.
    pub origin: String,
    pub origin_source: OriginSource,
    /// Who looks after it.
    pub owner: Option<String>,
    /// When its first alert fired.
    pub opened_at: UnixNanos,
    pub acknowledged_at: Option<UnixNanos>,
    pub acknowledged_by: Option<String>,
    pub resolved_at: Option<UnixNanos>,
    /// How often it came back after it was over.
    pub n_reopened: u32,
    /// Services with an alert in it, by name.
    pub services: Vec<String>,
    pub n_alerts: u32,
    pub n_firing: u32,
    /// Something fires, and nobody is told of any of it.
    pub is_muted: bool,
    /// What the newest report about one of its alerts says.
    pub headline: Option<String>,
}

/// The answer to `GET /api/v1/incidents/{number}`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct IncidentDetail {
    pub now: UnixNanos,
    pub incident: IncidentRow,
    /// Whose the service is that it likely comes from.
    pub ownership: Option<Ownership>,
    /// In the order in which they joined.
    pub alerts: Vec<IncidentAlert>,
    /// Objectives of these alerts, and what the incident cost them.
    pub objectives: Vec<IncidentObjective>,
    /// Oldest first.
    pub timeline: Vec<TimelineEntry>,
    /// The oldest entries are left out, because there are too many.
    pub timeline_truncated: bool,
    /// The newest report, and the alert that it is about.
    pub triage: Option<TriageSummary>,
    pub triage_alert_id: Option<String>,
}

/// An alert of an incident, and why it is one.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct IncidentAlert {
    pub alert: AlertRow,
    pub joined_at: UnixNanos,
    pub reason: MembershipReason,
    /// The reason in a sentence: "web calls checkout, which calls orders-db".
    pub reason_text: String,
    /// From the alert's service to the one that it is joined to, or the other way round, whichever way calls go.
    pub path: Vec<String>,
}

/// Why an alert belongs to an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MembershipReason {
    /// It was the first one.
    #[default]
    Opened,
    /// The same objective has an alert in it.
    SameObjective,
    /// Its service has another alert in it.
    SameService,
    /// Its service calls, at once or through others, one of the incident's.
    Calls,
    /// One of the incident's services calls its service.
    CalledBy,
    /// Somebody said so.
    Moved,
}

/// What an incident cost an objective.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct IncidentObjective {
    pub slo_id: String,
    pub slo_name: String,
    pub service: String,
    /// False where it is no longer configured: then nothing below is known.
    pub is_configured: bool,
    /// Bad events and all of them while the incident lasted.
    pub n_bad: Option<u64>,
    pub n_total: Option<u64>,
    /// The part of the period's budget that these bad events are. May exceed 1.
    pub budget_spent: Option<f64>,
    /// Now. Negative where it is overspent.
    pub budget_remaining: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimelineKind {
    #[default]
    Opened,
    /// An alert fired and joined.
    AlertFired,
    AlertResolved,
    /// Somebody moved an alert to or from another incident.
    AlertMoved,
    /// Nobody is told of an alert, because of a silence or of a worse alert.
    Muted,
    /// And now they are.
    Unmuted,
    /// A notification, with what became of it.
    Notified,
    /// A version went out near the time, or somebody posted a marker.
    Release,
    /// A report about an alert says something new.
    Report,
    /// It comes from another service than was thought.
    Origin,
    Acknowledged,
    /// It has another owner, or none.
    Assigned,
    Note,
    Resolved,
    /// It came back, or got worse than what was acknowledged.
    Reopened,
}

/// Something that happened in an incident, or near it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TimelineEntry {
    pub at: UnixNanos,
    pub kind: TimelineKind,
    /// One sentence; of a note, what somebody wrote.
    pub text: String,
    /// Who did it; absent where nobody did, or nobody said who.
    pub by: Option<String>,
    pub alert_id: Option<String>,
    /// Of a release.
    pub service: Option<String>,
    pub url: Option<String>,
    /// Of a notification.
    pub delivery: Option<TimelineDelivery>,
}

/// What became of a notification. `GET /api/v1/deliveries/{id}` has all of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TimelineDelivery {
    pub id: String,
    pub receiver: String,
    /// `firing`, `acknowledged` or `resolved`.
    pub event: String,
    /// `waiting`, `delivered` or `dead`.
    pub state: String,
    pub n_attempts: u32,
    pub delivered_at: Option<UnixNanos>,
    /// What the last attempt failed with; empty where it did not.
    pub error: String,
}

/// The body of `POST /api/v1/incidents/{number}/acknowledge` and `/resolve`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IncidentAction {
    /// Who says so. Where the server has users it is the one who asks, whatever is written here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// A line for the timeline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// The body of `POST /api/v1/incidents/{number}/assign`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssignRequest {
    /// Nobody where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// The body of `POST /api/v1/incidents/{number}/note`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoteRequest {
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// The body of `POST /api/v1/incidents/{number}/alerts/{alert_id}/move`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MoveAlertRequest {
    /// The incident that it belongs to; a new one where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// The answer to everything that changes one incident.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct IncidentChanged {
    pub incident: IncidentRow,
    /// Notifications that this caused.
    pub n_notified: u32,
}

/// The answer to moving an alert.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct AlertMoved {
    pub from: IncidentRow,
    pub to: IncidentRow,
}
