//! An incident: what is wrong as a whole, however many alerts tell of it, and the moves that it may make.
//!
//! Plain data and pure functions. `fold` says which alerts belong together, `outbox` keeps what is decided in the
//! transaction of the alert that caused it.

mod calls;
mod fold;

pub use calls::Calls;
pub(crate) use fold::REOPEN_WITHIN;
pub use fold::{Arrival, Candidate, Fold, Placement, fold};

use crate::{AlertRecord, Muted, Phase, Severity};

/// Where an incident is, with what belongs to that. Only [`Stage::after`] makes one of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    Open,
    Acknowledged(Acknowledgement),
    Resolved {
        at: i64,
        /// Who looked after it before that.
        acknowledged: Option<Acknowledgement>,
    },
}

/// Somebody said that they look after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledgement {
    pub at: i64,
    pub by: Option<String>,
}

/// The name of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IncidentStatus {
    Open,
    Acknowledged,
    Resolved,
}

/// What may happen to an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IncidentMove {
    Acknowledge {
        by: Option<String>,
    },
    Resolve,
    /// It came back, or got worse than what was acknowledged.
    Reopen,
}

/// A move that an incident cannot make from where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an incident that is {} cannot be {word}", .from.name())]
pub struct IllegalMove {
    pub from: IncidentStatus,
    word: &'static str,
}

impl IncidentStatus {
    pub const ALL: [Self; 3] = [Self::Open, Self::Acknowledged, Self::Resolved];

    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

impl IncidentMove {
    fn word(&self) -> &'static str {
        match self {
            Self::Acknowledge { .. } => "acknowledged",
            Self::Resolve => "resolved",
            Self::Reopen => "reopened",
        }
    }
}

impl Stage {
    /// Legal moves are open -> acknowledged, open or acknowledged -> resolved, and acknowledged or resolved -> open.
    pub fn after(&self, step: IncidentMove, now: i64) -> Result<Self, IllegalMove> {
        match (self, step) {
            (Self::Open, IncidentMove::Acknowledge { by }) => {
                Ok(Self::Acknowledged(Acknowledgement { at: now, by }))
            }
            (Self::Open, IncidentMove::Resolve) => Ok(Self::Resolved { at: now, acknowledged: None }),
            (Self::Acknowledged(acknowledged), IncidentMove::Resolve) => {
                Ok(Self::Resolved { at: now, acknowledged: Some(acknowledged.clone()) })
            }
            (Self::Acknowledged(_) | Self::Resolved { .. }, IncidentMove::Reopen) => Ok(Self::Open),
            (_, step) => Err(IllegalMove { from: self.status(), word: step.word() }),
        }
    }

    pub fn status(&self) -> IncidentStatus {
        match self {
            Self::Open => IncidentStatus::Open,
            Self::Acknowledged(_) => IncidentStatus::Acknowledged,
            Self::Resolved { .. } => IncidentStatus::Resolved,
        }
    }

    pub fn acknowledgement(&self) -> Option<&Acknowledgement> {
        match self {
            Self::Open => None,
            Self::Acknowledged(acknowledged) => Some(acknowledged),
            Self::Resolved { acknowledged, .. } => acknowledged.as_ref(),
        }
    }

    pub fn resolved_at(&self) -> Option<i64> {
        match self {
            Self::Resolved { at, .. } => Some(*at),
            Self::Open | Self::Acknowledged(_) => None,
        }
    }

    /// As it was kept; none for what no move leads to.
    pub(crate) fn restored(
        status: IncidentStatus,
        acknowledged: Option<Acknowledgement>,
        resolved_at: Option<i64>,
    ) -> Option<Self> {
        match (status, acknowledged, resolved_at) {
            (IncidentStatus::Open, None, None) => Some(Self::Open),
            (IncidentStatus::Acknowledged, Some(acknowledged), None) => {
                Some(Self::Acknowledged(acknowledged))
            }
            (IncidentStatus::Resolved, acknowledged, Some(at)) => Some(Self::Resolved { at, acknowledged }),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// 1, 2, 3 and so on; never used twice.
    pub number: u32,
    pub title: String,
    /// That of its worst alert.
    pub severity: Severity,
    pub origin: Origin,
    pub stage: Stage,
    /// Who looks after it.
    pub owner: Option<String>,
    /// When its first alert fired.
    pub opened_at: i64,
    /// When it came back, or got worse, last.
    pub reopened_at: Option<i64>,
    /// How often it came back after it was over.
    pub n_reopened: u32,
}

/// The service that an incident likely comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub service: String,
    /// A report named it; else it is the one that calls none of the others.
    pub is_reported: bool,
}

/// An alert of an incident.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    pub alert: AlertRecord,
    pub joined_at: i64,
    pub reason: Reason,
    /// It fired, and nobody was told of it yet.
    pub withheld: Option<Muted>,
}

impl Member {
    pub fn is_firing(&self) -> bool {
        matches!(self.alert.phase, Phase::Firing { .. })
    }
}

/// Why an alert belongs to an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    pub kind: ReasonKind,
    /// Services on the way from the caller to the callee, where calls are the reason.
    pub path: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReasonKind {
    /// It was the first one.
    Opened,
    /// The same objective has an alert in it.
    SameObjective,
    SameService,
    /// Its service calls one of the incident's.
    Calls,
    /// One of the incident's services calls its.
    CalledBy,
    /// Somebody said so.
    Moved,
}

impl ReasonKind {
    const ALL: [Self; 6] =
        [Self::Opened, Self::SameObjective, Self::SameService, Self::Calls, Self::CalledBy, Self::Moved];

    pub fn name(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::SameObjective => "same_objective",
            Self::SameService => "same_service",
            Self::Calls => "calls",
            Self::CalledBy => "called_by",
            Self::Moved => "moved",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl From<ReasonKind> for Reason {
    fn from(kind: ReasonKind) -> Self {
        Self { kind, path: Vec::new() }
    }
}

impl Reason {
    /// "web calls checkout, which calls orders-db"
    pub fn sentence(&self) -> String {
        let way = || match self.path.split_first() {
            Some((first, rest)) if !rest.is_empty() => {
                format!("{first} calls {}", rest.join(", which calls "))
            }
            _ => "their services call each other".to_owned(),
        };
        match self.kind {
            ReasonKind::Opened => "it was the first alert".to_owned(),
            ReasonKind::SameObjective => "the same objective has an alert in it".to_owned(),
            ReasonKind::SameService => "its service has another alert in it".to_owned(),
            ReasonKind::Calls | ReasonKind::CalledBy => way(),
            ReasonKind::Moved => "somebody moved it here".to_owned(),
        }
    }
}

/// What an entry of a timeline tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKind {
    Opened,
    AlertFired,
    AlertResolved,
    AlertMoved,
    Muted,
    Unmuted,
    Report,
    Origin,
    Acknowledged,
    Assigned,
    Note,
    Resolved,
    Reopened,
}

impl EntryKind {
    const ALL: [Self; 13] = [
        Self::Opened,
        Self::AlertFired,
        Self::AlertResolved,
        Self::AlertMoved,
        Self::Muted,
        Self::Unmuted,
        Self::Report,
        Self::Origin,
        Self::Acknowledged,
        Self::Assigned,
        Self::Note,
        Self::Resolved,
        Self::Reopened,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::AlertFired => "alert_fired",
            Self::AlertResolved => "alert_resolved",
            Self::AlertMoved => "alert_moved",
            Self::Muted => "muted",
            Self::Unmuted => "unmuted",
            Self::Report => "report",
            Self::Origin => "origin",
            Self::Acknowledged => "acknowledged",
            Self::Assigned => "assigned",
            Self::Note => "note",
            Self::Resolved => "resolved",
            Self::Reopened => "reopened",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A line of the timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub at: i64,
    pub kind: EntryKind,
    pub text: String,
    /// Who did it; none where nobody did, or nobody said who.
    pub by: Option<String>,
    pub alert_id: Option<String>,
}

/// The worst severity of these alerts; pages come before tickets.
pub(crate) fn severity_of(members: &[Member]) -> Option<Severity> {
    members.iter().map(|member| member.alert.severity).min()
}

/// "orders-db: Orders availability and 2 more"; names of objectives, not of alerts.
pub(crate) fn title(origin: &str, members: &[Member]) -> String {
    let mut by_weight: Vec<&AlertRecord> = members.iter().map(|member| &member.alert).collect();
    by_weight.sort_by_key(|alert| {
        (alert.service != origin, alert.severity, alert.phase.firing_at(), alert.slo_id.clone())
    });
    let Some(first) = by_weight.first() else { return origin.to_owned() };
    let mut objectives: Vec<&str> = by_weight.iter().map(|alert| alert.slo_id.as_str()).collect();
    objectives.sort_unstable();
    objectives.dedup();
    let more = match objectives.len() {
        0 | 1 => String::new(),
        n => format!(" and {} more", n - 1),
    };
    if first.service == origin {
        return format!("{origin}: {}{more}", first.slo_name);
    }
    // An objective without a name of its own is called like its service.
    let what = if first.slo_name == first.service { String::new() } else { format!(", {}", first.slo_name) };
    format!("{origin}: seen by {}{what}{more}", first.service)
}

#[cfg(test)]
mod tests;
