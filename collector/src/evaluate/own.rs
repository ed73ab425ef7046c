//! What Firstfault has to say about receivers themselves: a test, and that one of them cannot be reached.
//!
//! Both go the way of all notifications: they are in the outbox before they are sent, and in the ledger after it.

use super::notice;
use alerts::{AlertRecord, Event, Identity, Notice, OwnNotice, Phase, Receiver, Severity, occurrence_id};
use std::collections::BTreeMap;
use std::time::Duration;

/// A test is sent at once. One that was cut off by the end of the process is sent after this.
const TEST_REPEATED_AFTER: Duration = Duration::from_secs(60);

/// Why a receiver cannot be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) receiver: String,
    /// The notification that showed it: trouble with another one is another trouble.
    pub(super) delivery_id: String,
    pub(super) since: i64,
    pub(super) what: Unreachable,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unreachable {
    /// It said that it is gone, in these words, and is not called any more.
    Gone { error: String },
    /// Nothing got through for a day.
    Stuck,
}

/// What stays the same for all receivers of a notice.
struct About {
    /// Tells it from all others; also the group in which order is kept.
    group: String,
    alert_name: &'static str,
    title: String,
    summary: String,
    /// The receiver that it is about.
    receiver: String,
    since: i64,
    is_test: bool,
}

/// Says that nothing is wrong, to see whether that arrives.
pub(super) fn test(to: &Receiver, external_url: &str, now: i64) -> OwnNotice {
    let about = About {
        group: format!("@test/{}/{now}", to.name),
        alert_name: "ReceiverTest",
        title: format!("Receiver {}", to.name),
        summary: format!("This is a test of receiver {}; nothing is wrong", to.name),
        receiver: to.name.clone(),
        since: now,
        is_test: true,
    };
    let first_attempt_at = now.saturating_add(crate::units::nanos(TEST_REPEATED_AFTER));
    OwnNotice { first_attempt_at, ..own(about, to, external_url, now) }
}

/// Says to one receiver that another cannot be reached.
pub(super) fn trouble(trouble: &Trouble, to: &Receiver, external_url: &str, now: i64) -> OwnNotice {
    let name = &trouble.receiver;
    let (alert_name, summary) = match &trouble.what {
        Unreachable::Gone { error } => {
            ("ReceiverGone", format!("Receiver {name} gets no notifications any more: {error}"))
        }
        Unreachable::Stuck => {
            ("ReceiverStuck", format!("No notification got through to receiver {name} for a day"))
        }
    };
    let about = About {
        group: format!("@receiver/{name}/{}", trouble.delivery_id),
        alert_name,
        title: format!("Receiver {name}"),
        summary,
        receiver: name.clone(),
        since: trouble.since,
        is_test: false,
    };
    own(about, to, external_url, now)
}

fn own(about: About, to: &Receiver, external_url: &str, now: i64) -> OwnNotice {
    let About { group, alert_name, title, summary, receiver, since, is_test } = about;
    let severity = Severity::Ticket;
    let alert = AlertRecord {
        id: occurrence_id(&group, severity, since),
        // No objective is behind it.
        slo_id: String::new(),
        slo_name: title,
        service: "firstfault".to_owned(),
        severity,
        phase: Phase::Firing { pending_at: since, firing_at: since, quiet_since: None },
        pending_at: since,
        summary,
    };
    let notice = Notice {
        alert: &alert,
        event: Event::Firing,
        identity: &Identity::of_receiver(alert_name, &receiver, severity),
        judged: None,
        ownership: None,
        triage: None,
        annotations: &BTreeMap::from([("summary".to_owned(), alert.summary.clone())]),
        external_url,
        now,
        is_test,
    };
    let delivery = notice::delivery(&notice, to);
    OwnNotice { delivery, group, severity, is_test, first_attempt_at: now }
}
