//! The life of an alert: its phases, and the moves between them.
//!
//! Plain data. `step` decides about moves, `outbox` keeps them.

/// Where an alert is, with the times that belong to that phase. Times are unix nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    #[default]
    Inactive,
    /// It burns, but not yet for as long as asked.
    Pending {
        pending_at: i64,
    },
    /// `quiet_since` is set while the burning has stopped and `keep_firing` runs.
    Firing {
        pending_at: i64,
        firing_at: i64,
        quiet_since: Option<i64>,
    },
    Resolved {
        pending_at: i64,
        firing_at: i64,
        resolved_at: i64,
    },
}

impl Phase {
    pub fn name(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Pending { .. } => "pending",
            Self::Firing { .. } => "firing",
            Self::Resolved { .. } => "resolved",
        }
    }

    /// Pending or firing: an occurrence is open.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Pending { .. } | Self::Firing { .. })
    }

    pub fn firing_at(self) -> Option<i64> {
        match self {
            Self::Firing { firing_at, .. } | Self::Resolved { firing_at, .. } => Some(firing_at),
            Self::Inactive | Self::Pending { .. } => None,
        }
    }

    pub fn resolved_at(self) -> Option<i64> {
        match self {
            Self::Resolved { resolved_at, .. } => Some(resolved_at),
            _ => None,
        }
    }
}

/// A move worth recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transition {
    /// It began to burn and waits for `pending_for`.
    Pending,
    /// It stopped burning before it fired; nobody is told.
    Cancelled,
    Firing,
    Resolved,
}

impl Transition {
    /// The notification that the move causes.
    pub fn event(self) -> Option<Event> {
        match self {
            Self::Firing => Some(Event::Firing),
            Self::Resolved => Some(Event::Resolved),
            Self::Pending | Self::Cancelled => None,
        }
    }
}

/// What a receiver is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    Firing,
    /// Somebody looks after it; it still fires.
    Acknowledged,
    Resolved,
}

impl Event {
    pub fn name(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }

    /// What the alert does, for receivers that know no more.
    pub fn status(self) -> &'static str {
        match self {
            Self::Firing | Self::Acknowledged => "firing",
            Self::Resolved => "resolved",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::Firing, Self::Acknowledged, Self::Resolved].into_iter().find(|event| event.name() == name)
    }
}
