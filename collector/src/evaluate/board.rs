//! What the API may know: the latest judgements, the alerts, and how their notifications fare; and what it may keep:
//! whose services are, and what was deployed.

use super::owners::Owners;
use crate::triage::History;
use alerts::{
    AlertRecord, Delivery, Deployment, Error, Judgement, Phase, Receiver, ReceiverCounts, Slo, Store,
    StoredTriage,
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
    /// Scheme, host and port.
    pub(crate) target: String,
    pub(crate) n_waiting: u32,
    pub(crate) n_dead: u32,
}

/// A handle for readers; clones are cheap.
#[derive(Debug, Clone)]
pub(crate) struct Board {
    store: Store,
    statuses: watch::Receiver<Arc<[SloStatus]>>,
    /// Name and target, in order of names.
    receivers: Arc<[(String, String)]>,
    owners: Owners,
}

impl Board {
    pub(super) fn new(
        store: Store,
        statuses: watch::Receiver<Arc<[SloStatus]>>,
        receivers: &BTreeMap<String, Receiver>,
        owners: Owners,
    ) -> Self {
        let shown = receivers.values().map(|each| (each.name.clone(), each.target.to_string()));
        Self { store, statuses, receivers: shown.collect(), owners }
    }

    pub(crate) fn owners(&self) -> &Owners {
        &self.owners
    }

    /// Names of the configured receivers, in order.
    pub(crate) fn receiver_names(&self) -> impl Iterator<Item = &str> {
        self.receivers.iter().map(|(name, _)| name.as_str())
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
        let status = |(name, target): &(String, String)| {
            let ReceiverCounts { n_waiting, n_dead } = counts.get(name).copied().unwrap_or_default();
            ReceiverStatus { name: name.clone(), target: target.clone(), n_waiting, n_dead }
        };
        Ok(self.receivers.iter().map(status).collect())
    }
}
