//! The durable half: alerts, their notifications and the ledger of attempts, in one SQLite file; beside them what
//! came over the API: objectives, what people said of services, incidents and silences.
//!
//! A state change and the notifications it causes are committed in one transaction, so that nobody is
//! told of a change that did not happen and no change goes untold. All access is through one thread
//! that owns the connection; callers await its answer, and never block an async worker. The layout
//! of the file is in docs/formats/state.md. It never sends anything itself.

mod alert_rows;
mod delivery_rows;
mod deployment_rows;
mod heard_rows;
mod incident_rows;
mod incidents;
mod ledger_rows;
mod member_rows;
mod objective_rows;
mod ownership_rows;
mod schema;
mod silence_rows;
mod triage_rows;
mod writer;

use crate::{Deployment, Error, Event, Phase, Severity};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, path::Path, sync::Arc};
use writer::Writer;

pub use heard_rows::Heard;
pub use incident_rows::IncidentFilter;
pub use incidents::{
    Ground, Hand, Handled, IncidentFile, IncidentLine, MovedAlert, Numbering, Placed, Placing,
};
pub use ledger_rows::{DeliveryFilter, Replayed, ReplayedRange, Stuck};
pub use member_rows::{Attention, Membership};
pub use objective_rows::{Creation, OBJECTIVE_BYTES_MAX, ObjectiveForm, StoredObjective};
pub use ownership_rows::StoredOwnership;
pub use silence_rows::Expired;
pub use triage_rows::{IncidentTime, StoredTriage, TRIAGE_BYTES_MAX};

/// Writes a copy of a state file, which may be in use, to a new file: what a backup keeps.
pub fn copy_state(from: &Path, to: &Path) -> Result<(), Error> {
    schema::copy(from, to)
}

/// A handle to the state file; clones share one connection.
#[derive(Debug, Clone)]
pub struct Store {
    writer: Writer,
    /// Held by who gives out numbers of incidents.
    numbers: Arc<tokio::sync::Mutex<()>>,
}

/// One occurrence of an alert, from the first burning evaluation to its end.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertRecord {
    /// Unique per occurrence; `occurrence_id` makes it.
    pub id: String,
    pub slo_id: String,
    pub slo_name: String,
    pub service: String,
    pub severity: Severity,
    /// `Inactive` here means cancelled while pending.
    pub phase: Phase,
    pub pending_at: i64,
    /// What happened, as one sentence.
    pub summary: String,
}

/// One move of one alert with everything it causes, to be committed whole.
#[derive(Debug, Clone)]
pub struct Change {
    pub alert: AlertRecord,
    pub deliveries: Vec<NewDelivery>,
}

/// A notification to enqueue. Its body is final: retries send the same bytes.
#[derive(Debug, Clone)]
pub struct NewDelivery {
    /// `event_id` makes it; a second insert with the same id changes nothing.
    pub id: String,
    pub receiver: String,
    /// What kind of receiver the body is for.
    pub kind: &'static str,
    pub event: Event,
    pub body: Vec<u8>,
}

/// A notification that no alert caused: a test, or trouble with a receiver.
#[derive(Debug, Clone)]
pub struct OwnNotice {
    pub delivery: NewDelivery,
    /// Order is kept among those of one group and severity. No objective has such a name.
    pub group: String,
    pub severity: Severity,
    pub is_test: bool,
    pub first_attempt_at: i64,
}

/// A notification as it is listed.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    pub id: String,
    /// None where no alert caused it.
    pub alert_id: Option<String>,
    pub receiver: String,
    /// What kind of receiver it was made for.
    pub kind: String,
    pub event: Event,
    /// Somebody tried whether the receiver is reached.
    pub is_test: bool,
    pub state: DeliveryState,
    pub created_at: i64,
    /// While waiting.
    pub next_attempt_at: Option<i64>,
    /// When it was delivered or given up.
    pub finished_at: Option<i64>,
    /// Oldest first.
    pub attempts: Vec<Attempt>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    Waiting,
    Delivered,
    /// A dead letter: refused for good, or given up after the last attempt.
    Dead,
}

impl DeliveryState {
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::Waiting, Self::Delivered, Self::Dead].into_iter().find(|state| state.name() == name)
    }
}

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub at: i64,
    pub duration_ns: i64,
    /// Of HTTP or SMTP; absent when no answer came.
    pub status: Option<u16>,
    /// What went wrong; empty where nothing did. Never holds the URL's path or query, or a secret.
    pub error: String,
    /// The first kilobyte of the answer.
    pub answer: String,
    /// The address that was connected to.
    pub address: Option<String>,
}

/// A notification that may be sent now.
#[derive(Debug, Clone)]
pub(crate) struct Parcel {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) event: Event,
    pub(crate) body: Vec<u8>,
    /// When it was enqueued, or replayed.
    pub(crate) queued_at: i64,
    /// Attempts made since then.
    pub(crate) n_attempts: u32,
}

/// What a receiver has to be sent now, and when to look again.
#[derive(Debug, Clone, Default)]
pub(crate) struct Due {
    /// At most one per alert: a later state never overtakes an earlier one.
    pub(crate) parcels: Vec<Parcel>,
    /// When the next waiting notification is due; not later than now if parcels were left over.
    pub(crate) next_at: Option<i64>,
}

/// What becomes of a notification after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ruling {
    Delivered,
    RetryAt(i64),
    Dead,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReceiverCounts {
    pub n_waiting: u32,
    pub n_dead: u32,
}

impl Store {
    /// Opens or creates the file, and brings its schema up to date. Blocks: it reads the disk.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Ok(Self { writer: Writer::start(schema::open(path)?)?, numbers: Arc::default() })
    }

    /// Finishes what is queued, folds the write-ahead log into the file, and closes it.
    pub async fn close(self) -> Result<(), Error> {
        self.writer.stop().await
    }

    /// The newest occurrence of every alert: what an evaluation continues from after a restart.
    pub async fn latest(&self) -> Result<Vec<AlertRecord>, Error> {
        self.writer.call(|connection| alert_rows::latest(connection)).await
    }

    /// Commits all changes of an evaluation and who was heard, or nothing. An incident whose last alert ends with them
    /// is over.
    pub async fn commit(&self, changes: Vec<Change>, heard: Vec<Heard>, now: i64) -> Result<(), Error> {
        self.commit_placed(changes, Placed::default(), heard, now).await
    }

    /// Open alerts first, then newest first, each with its notifications.
    pub async fn alerts(&self, limit: u32) -> Result<Vec<(AlertRecord, Vec<Delivery>)>, Error> {
        self.writer.call(move |connection| with_deliveries(connection, None, limit)).await
    }

    /// As `alerts`, for one SLO.
    pub async fn alerts_of(
        &self,
        slo_id: &str,
        limit: u32,
    ) -> Result<Vec<(AlertRecord, Vec<Delivery>)>, Error> {
        let slo_id = slo_id.to_owned();
        self.writer.call(move |connection| with_deliveries(connection, Some(&slo_id), limit)).await
    }

    /// The receivers whose firing notification of this alert is in the ledger, in order of configuration.
    pub async fn told(&self, alert_id: &str) -> Result<Vec<String>, Error> {
        let alert_id = alert_id.to_owned();
        self.writer.call(move |connection| delivery_rows::told(connection, &alert_id)).await
    }

    /// Waiting notifications and dead letters per receiver; receivers without any are absent.
    pub async fn receiver_counts(&self) -> Result<BTreeMap<String, ReceiverCounts>, Error> {
        self.writer.call(|connection| delivery_rows::counts(connection)).await
    }

    /// Enqueues what no alert caused; what is there already stays as it is.
    pub async fn enqueue(&self, notices: Vec<OwnNotice>, now: i64) -> Result<(), Error> {
        if notices.is_empty() {
            return Ok(());
        }
        self.writer
            .call(move |connection| {
                let transaction = connection.transaction().map_err(Error::sqlite("begin a notice"))?;
                for notice in &notices {
                    delivery_rows::enqueue_own(&transaction, notice, now)?;
                }
                transaction.commit().map_err(Error::sqlite("commit a notice"))
            })
            .await
    }

    /// Notifications of any alert and of none, newest first.
    pub async fn deliveries(&self, filter: DeliveryFilter) -> Result<Vec<Delivery>, Error> {
        self.writer.call(move |connection| ledger_rows::list(connection, &filter)).await
    }

    /// One notification, with the bytes that are sent.
    pub async fn delivery(&self, id: &str) -> Result<Option<(Delivery, Vec<u8>)>, Error> {
        let id = id.to_owned();
        self.writer.call(move |connection| ledger_rows::one(connection, &id)).await
    }

    /// Queues a finished notification again, with the same id and the same bytes.
    pub async fn replay(&self, id: &str, now: i64) -> Result<Replayed, Error> {
        let id = id.to_owned();
        self.writer.call(move |connection| ledger_rows::replay(connection, &id, now)).await
    }

    /// As `replay`, for the dead letters of a receiver that were enqueued from one moment (included) to another
    /// (excluded); the oldest of them where there are more than the limit.
    pub async fn replay_range(
        &self,
        receiver: &str,
        (from, to): (i64, i64),
        limit: u32,
        now: i64,
    ) -> Result<ReplayedRange, Error> {
        let receiver = receiver.to_owned();
        self.writer
            .call(move |connection| ledger_rows::replay_range(connection, &receiver, (from, to), limit, now))
            .await
    }

    /// Pages that fire and whose notification did not get through to a receiver since then: alert and receiver.
    pub async fn late_pages(&self, before: i64) -> Result<Vec<(String, String)>, Error> {
        self.writer.call(move |connection| ledger_rows::late_pages(connection, before)).await
    }

    /// Receivers that something has waited for since before then, although it was tried.
    pub async fn stuck(&self, before: i64) -> Result<Vec<Stuck>, Error> {
        self.writer.call(move |connection| ledger_rows::stuck(connection, before)).await
    }

    /// What a receiver was last told of each alert, where that fires, or ended after a moment.
    pub(crate) async fn standing(&self, receiver: &str, resolved_after: i64) -> Result<Vec<Vec<u8>>, Error> {
        let receiver = receiver.to_owned();
        self.writer.call(move |connection| ledger_rows::standing(connection, &receiver, resolved_after)).await
    }

    /// What may be sent to a receiver now, oldest first; retries only where they are wanted.
    pub(crate) async fn due(
        &self,
        receiver: &str,
        now: i64,
        limit: u32,
        with_retries: bool,
    ) -> Result<Due, Error> {
        let receiver = receiver.to_owned();
        self.writer
            .call(move |connection| delivery_rows::due(connection, &receiver, now, limit, with_retries))
            .await
    }

    /// Enters an attempt into the ledger together with what follows from it.
    pub(crate) async fn record(
        &self,
        delivery_id: &str,
        attempt: Attempt,
        ruling: Ruling,
    ) -> Result<(), Error> {
        let id = delivery_id.to_owned();
        self.writer
            .call(move |connection| {
                let transaction = connection.transaction().map_err(Error::sqlite("begin a ledger entry"))?;
                delivery_rows::record(&transaction, &id, &attempt, ruling)?;
                transaction.commit().map_err(Error::sqlite("commit a ledger entry"))
            })
            .await
    }

    /// Turns what waits for a receiver that is no longer configured into dead letters; how many.
    pub async fn bury_strangers(&self, configured: Vec<String>, now: i64) -> Result<usize, Error> {
        self.writer.call(move |connection| delivery_rows::bury_strangers(connection, &configured, now)).await
    }

    /// Since when a service has been heard, and from when to when.
    pub async fn heard(&self, service: &str) -> Result<Vec<Heard>, Error> {
        let service = service.to_owned();
        self.writer.call(move |connection| heard_rows::of_service(connection, &service)).await
    }

    /// Writes the facts of a service in the place of those before; false where too many services have some.
    pub async fn put_ownership(&self, stored: StoredOwnership) -> Result<bool, Error> {
        self.writer.call(move |connection| ownership_rows::put(connection, &stored)).await
    }

    /// Forgets the facts of a service; false where there were none.
    pub async fn delete_ownership(&self, service: &str) -> Result<bool, Error> {
        let service = service.to_owned();
        self.writer.call(move |connection| ownership_rows::delete(connection, &service)).await
    }

    pub async fn ownership(&self, service: &str) -> Result<Option<StoredOwnership>, Error> {
        let service = service.to_owned();
        self.writer.call(move |connection| ownership_rows::of_service(connection, &service)).await
    }

    /// The facts of all services, by name.
    pub async fn ownerships(&self) -> Result<Vec<StoredOwnership>, Error> {
        self.writer.call(|connection| ownership_rows::all(connection)).await
    }

    /// Keeps a new objective.
    pub async fn create_objective(&self, objective: StoredObjective) -> Result<Creation, Error> {
        self.writer.call(move |connection| objective_rows::create(connection, &objective)).await
    }

    /// Writes an objective in the place of the one before, which keeps its time of creation; false where there was none.
    pub async fn replace_objective(&self, objective: StoredObjective) -> Result<bool, Error> {
        self.writer.call(move |connection| objective_rows::replace(connection, &objective)).await
    }

    /// Forgets an objective; false where there was none. Its alerts stay.
    pub async fn delete_objective(&self, id: &str) -> Result<bool, Error> {
        let id = id.to_owned();
        self.writer.call(move |connection| objective_rows::delete(connection, &id)).await
    }

    pub async fn objective(&self, id: &str) -> Result<Option<StoredObjective>, Error> {
        let id = id.to_owned();
        self.writer.call(move |connection| objective_rows::one(connection, &id)).await
    }

    /// All objectives that came over the API, in order of creation.
    pub async fn objectives(&self) -> Result<Vec<StoredObjective>, Error> {
        self.writer.call(|connection| objective_rows::all(connection)).await
    }

    /// Keeps a marker, for which the oldest may leave; false where it is known, which changes nothing.
    pub async fn put_deployment(&self, deployment: Deployment) -> Result<bool, Error> {
        self.writer.call(move |connection| deployment_rows::put(connection, &deployment)).await
    }

    /// Markers of a service from `from` (included) to `to` (excluded), oldest first; the newest where there are more
    /// than asked for.
    pub async fn deployments(
        &self,
        service: &str,
        from: i64,
        to: i64,
        limit: u32,
    ) -> Result<Vec<Deployment>, Error> {
        let service = service.to_owned();
        self.writer
            .call(move |connection| deployment_rows::of_service(connection, &service, (from, to), limit))
            .await
    }

    /// As `deployments`, of all services.
    pub async fn deployments_between(
        &self,
        from: i64,
        to: i64,
        limit: u32,
    ) -> Result<Vec<Deployment>, Error> {
        self.writer.call(move |connection| deployment_rows::between(connection, (from, to), limit)).await
    }

    /// Keeps a report about an alert in the place of the one before; false where the alert is not there, or the report
    /// is longer than [`TRIAGE_BYTES_MAX`].
    pub async fn put_triage(&self, stored: StoredTriage) -> Result<bool, Error> {
        self.writer.call(move |connection| triage_rows::put(connection, &stored)).await
    }

    pub async fn triage(&self, alert_id: &str) -> Result<Option<StoredTriage>, Error> {
        let alert_id = alert_id.to_owned();
        self.writer.call(move |connection| triage_rows::of_alert(connection, &alert_id)).await
    }

    /// The short forms of reports about these alerts, by alert; those without a report are absent.
    pub async fn triage_summaries(&self, alert_ids: Vec<String>) -> Result<BTreeMap<String, String>, Error> {
        self.writer.call(move |connection| triage_rows::summaries(connection, &alert_ids)).await
    }

    /// When pages fired between `from` and `to`, oldest first.
    pub async fn incidents(&self, from: i64, to: i64) -> Result<Vec<IncidentTime>, Error> {
        self.writer.call(move |connection| triage_rows::incidents(connection, from, to)).await
    }

    /// Forgets finished notifications, and closed alerts, incidents, silences and markers, that ended before these
    /// times.
    pub async fn prune(&self, deliveries_before: i64, alerts_before: i64) -> Result<(), Error> {
        self.writer
            .call(move |connection| {
                let transaction = connection.transaction().map_err(Error::sqlite("begin pruning"))?;
                delivery_rows::prune(&transaction, deliveries_before)?;
                alert_rows::prune(&transaction, alerts_before)?;
                heard_rows::prune(&transaction, alerts_before)?;
                deployment_rows::prune(&transaction, alerts_before)?;
                incident_rows::prune(&transaction, alerts_before)?;
                silence_rows::prune(&transaction, alerts_before)?;
                transaction.commit().map_err(Error::sqlite("commit pruning"))
            })
            .await
    }
}

/// Writes alerts, their notifications and who was heard; the alerts that fired until now and no longer do.
fn put_changes<'a>(
    transaction: &rusqlite::Transaction<'_>,
    changes: &'a [Change],
    heard: &[Heard],
    now: i64,
) -> Result<Vec<&'a AlertRecord>, Error> {
    let is_firing = |alert: &AlertRecord| matches!(alert.phase, Phase::Firing { .. });
    let mut ended = Vec::new();
    for Change { alert, deliveries } in changes {
        let before = alert_rows::one(transaction, &alert.id)?;
        if before.as_ref().is_some_and(is_firing) && !is_firing(alert) {
            ended.push(alert);
        }
        alert_rows::put(transaction, alert)?;
        for delivery in deliveries {
            delivery_rows::enqueue(transaction, alert, delivery, now)?;
        }
    }
    for heard in heard {
        heard_rows::put(transaction, heard)?;
    }
    Ok(ended)
}

fn with_deliveries(
    connection: &rusqlite::Connection,
    slo_id: Option<&str>,
    limit: u32,
) -> Result<Vec<(AlertRecord, Vec<Delivery>)>, Error> {
    let alerts = alert_rows::list(connection, slo_id, limit)?;
    let with = |alert: AlertRecord| Ok((ledger_rows::of_alert(connection, &alert.id)?, alert));
    alerts.into_iter().map(with).map(|pair| pair.map(|(deliveries, alert)| (alert, deliveries))).collect()
}

/// The identity of one occurrence of an alert.
pub fn occurrence_id(slo_id: &str, severity: Severity, pending_at: i64) -> String {
    digest(&[slo_id, severity.name(), &pending_at.to_string()])
}

/// The identity of one notification: the same after a restart, a retry or a replay of the same move.
///
/// It is hexadecimal, because the signature scheme forbids a '.' in it.
pub fn event_id(occurrence_id: &str, event: Event, receiver: &str) -> String {
    digest(&[occurrence_id, event.name(), receiver])
}

/// 128 bits of SHA-256 over length-prefixed parts, in hexadecimal.
fn digest(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
