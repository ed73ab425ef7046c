//! What the API may know: the latest judgements, the alerts, and how their notifications fare; and what it may keep:
//! whose services are, and what was deployed; and what it may do: test a receiver, and send something again.

use super::own;
use super::owners::Owners;
use crate::triage::History;
use alerts::{
    AlertRecord, Courier, Delivery, DeliveryFilter, Deployment, Error, Heard, Judgement, Phase,
    ReceiverCounts, Replayed, ReplayedRange, Slo, Store, StoredTriage, Tried,
};
use std::{collections::BTreeMap, sync::Arc};
use storage::TimeRange;
use tokio::sync::watch;

/// One objective as of its last evaluation.
#[derive(Debug, Clone)]
pub(crate) struct SloStatus {
    pub(crate) slo: Arc<Slo>,
    /// The end of the judged windows, and the judgement; none before the first evaluation. While the
    /// newest events cannot be read it is an older one whose tiers are all frozen.
    pub(crate) judged: Option<(i64, Judgement)>,
    pub(crate) page: Phase,
    pub(crate) ticket: Phase,
}

impl SloStatus {
    /// The more urgent of its two alerts.
    pub(crate) fn phase(&self) -> Phase {
        let urgency = |phase: Phase| match phase {
            Phase::Inactive => 0,
            Phase::Resolved { .. } => 1,
            Phase::Pending { .. } => 2,
            Phase::Firing { .. } => 3,
        };
        if urgency(self.ticket) > urgency(self.page) { self.ticket } else { self.page }
    }
}

/// A configured receiver and its queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReceiverStatus {
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    /// Scheme, host and port.
    pub(crate) target: String,
    pub(crate) health: Health,
    pub(crate) n_waiting: u32,
    pub(crate) n_dead: u32,
}

/// Whether a receiver is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Health {
    Well,
    /// Too many attempts failed in a row; the next one is made then.
    Paused {
        until: i64,
    },
    /// It said that it is gone, in these words.
    Gone {
        error: String,
    },
}

/// A handle; clones are cheap.
#[derive(Debug, Clone)]
pub(crate) struct Board {
    store: Store,
    statuses: watch::Receiver<Arc<[SloStatus]>>,
    /// By the name of their receiver.
    couriers: Arc<BTreeMap<String, Courier>>,
    owners: Owners,
    wake: Arc<watch::Sender<u64>>,
    external_url: Arc<str>,
}

impl Board {
    pub(super) fn new(
        store: Store,
        statuses: watch::Receiver<Arc<[SloStatus]>>,
        couriers: Arc<BTreeMap<String, Courier>>,
        owners: Owners,
        wake: Arc<watch::Sender<u64>>,
        external_url: String,
    ) -> Self {
        Self { store, statuses, couriers, owners, wake, external_url: external_url.into() }
    }

    pub(crate) fn owners(&self) -> &Owners {
        &self.owners
    }

    /// Names of the configured receivers, in order.
    pub(crate) fn receiver_names(&self) -> impl Iterator<Item = &str> {
        self.couriers.keys().map(String::as_str)
    }

    /// How a receiver is; none where there is no such receiver.
    pub(crate) fn health(&self, receiver: &str) -> Option<Health> {
        self.couriers.get(receiver).map(health)
    }

    /// Sends a test and waits for what becomes of it; none where there is no such receiver.
    pub(crate) async fn test(&self, receiver: &str, now: i64) -> Result<Option<Tried>, Error> {
        let Some(courier) = self.couriers.get(receiver) else { return Ok(None) };
        let tried = courier.test(own::test(courier.receiver(), &self.external_url, now)).await?;
        // What waited while it was gone or paused may go now.
        self.wake();
        Ok(Some(tried))
    }

    /// Notifications of any alert and of none, newest first, with their attempts.
    pub(crate) async fn deliveries(&self, filter: DeliveryFilter) -> Result<Vec<Delivery>, Error> {
        self.store.deliveries(filter).await
    }

    /// One notification, and the bytes that are sent.
    pub(crate) async fn delivery(&self, id: &str) -> Result<Option<(Delivery, Vec<u8>)>, Error> {
        self.store.delivery(id).await
    }

    /// Sends a finished notification again, with the same id.
    pub(crate) async fn replay(&self, id: &str, now: i64) -> Result<Replayed, Error> {
        let replayed = self.store.replay(id, now).await?;
        self.wake();
        Ok(replayed)
    }

    /// As `replay`, for dead letters of a receiver that were enqueued from one moment (included) to another (excluded).
    pub(crate) async fn replay_range(
        &self,
        receiver: &str,
        range: (i64, i64),
        limit: u32,
        now: i64,
    ) -> Result<ReplayedRange, Error> {
        let replayed = self.store.replay_range(receiver, range, limit, now).await?;
        self.wake();
        Ok(replayed)
    }

    fn wake(&self) {
        self.wake.send_modify(|n| *n += 1);
    }

    /// Keeps a marker; false where it is known, which changes nothing.
    pub(crate) async fn put_deployment(&self, deployment: Deployment) -> Result<bool, Error> {
        self.store.put_deployment(deployment).await
    }

    /// Markers of a service from one moment (included) to another (excluded), oldest first.
    pub(crate) async fn deployments(
        &self,
        service: &str,
        from: i64,
        to: i64,
        limit: u32,
    ) -> Result<Vec<Deployment>, Error> {
        self.store.deployments(service, from, to, limit).await
    }

    /// When a service was heard, by any signal, while it had objectives; oldest first.
    pub(crate) async fn heard(&self, service: &str) -> Result<Vec<Heard>, Error> {
        self.store.heard(service).await
    }

    /// Incidents and markers of the time around a window.
    pub(crate) async fn history(&self, window: TimeRange) -> Result<History, Error> {
        History::read(&self.store, window).await
    }

    /// The newest report about an alert.
    pub(crate) async fn triage(&self, alert_id: &str) -> Result<Option<StoredTriage>, Error> {
        self.store.triage(alert_id).await
    }

    /// The short forms of reports about these alerts, by alert.
    pub(crate) async fn triage_summaries(
        &self,
        alert_ids: Vec<String>,
    ) -> Result<BTreeMap<String, String>, Error> {
        self.store.triage_summaries(alert_ids).await
    }

    /// All objectives in order of configuration.
    pub(crate) fn slos(&self) -> Arc<[SloStatus]> {
        Arc::clone(&self.statuses.borrow())
    }

    pub(crate) fn slo(&self, id: &str) -> Option<SloStatus> {
        self.statuses.borrow().iter().find(|status| status.slo.id() == id).cloned()
    }

    /// Open alerts first, then newest first, each with its notifications and their attempts.
    pub(crate) async fn alerts(&self, limit: u32) -> Result<Vec<(AlertRecord, Vec<Delivery>)>, Error> {
        self.store.alerts(limit).await
    }

    /// As `alerts`, for one objective.
    pub(crate) async fn alerts_of(
        &self,
        slo_id: &str,
        limit: u32,
    ) -> Result<Vec<(AlertRecord, Vec<Delivery>)>, Error> {
        self.store.alerts_of(slo_id, limit).await
    }

    pub(crate) async fn receivers(&self) -> Result<Vec<ReceiverStatus>, Error> {
        let counts = self.store.receiver_counts().await?;
        let status = |(name, courier): (&String, &Courier)| {
            let ReceiverCounts { n_waiting, n_dead } = counts.get(name).copied().unwrap_or_default();
            let kind = &courier.receiver().kind;
            ReceiverStatus {
                name: name.clone(),
                kind: kind.name(),
                target: kind.to_string(),
                health: health(courier),
                n_waiting,
                n_dead,
            }
        };
        Ok(self.couriers.iter().map(status).collect())
    }
}

fn health(courier: &Courier) -> Health {
    match (courier.gone(), courier.open_until()) {
        (Some(gone), _) => Health::Gone { error: gone.error },
        (None, Some(until)) => Health::Paused { until },
        (None, None) => Health::Well,
    }
}
