//! The loop from numbers to notifications: counts from `storage`, judged by `alerts`, on a timer.
//!
//! Every interval each objective's events are read up to `now - lag`, judged, stepped, and committed
//! together with the notifications that follow; `deliver` then carries those out. What was found is published
//! on the `Board` for the API. State lives in `alerts::Store`: a restart continues where it was.
//! Nothing here does burn-rate arithmetic, and nothing here is on the path of ingest.

mod board;
mod deliver;
mod escalate;
mod events;
mod hearing;
mod investigations;
mod notice;
mod own;
mod owners;
mod reading;
mod schedule;
mod slices;
mod telemetry;
mod track;
mod watcher;

pub(crate) use board::{Board, Health, ReceiverStatus, SloStatus};
pub(crate) use events::{Events, read as read_events};
pub(crate) use owners::Owned;
pub(crate) use telemetry::Telemetry;

use crate::causes::with_causes;
use crate::triage::Finding;
use crate::units::nanos;
use alerts::{Change, Clock, Courier, Ownership, Receiver, RetryPolicy, Route, Slo, Store};
use hearing::Hearing;
use investigations::{Firing, Investigations};
use owners::Owners;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
    time::Duration,
};
use tokio::{sync::watch, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use watcher::Watcher;

/// What the loop needs to know from the configuration.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) interval: Duration,
    /// Spans may still be under way for this long; judged is what ended before.
    pub(crate) lag: Duration,
    /// How long one evaluation may read the events of all objectives.
    pub(crate) read_timeout: Duration,
    /// The address under which people open the dashboard, for links.
    pub(crate) external_url: String,
    pub(crate) retry: RetryPolicy,
    /// Who is told by the labels of an alert, and who when it goes on.
    pub(crate) routes: Vec<Route>,
    /// Whose services are, by name.
    pub(crate) services: BTreeMap<String, Ownership>,
}

/// Notifications are kept for a month after they were delivered or given up.
const DELIVERIES_KEPT: Duration = Duration::from_secs(30 * 86_400);
/// Closed alerts and the record of who was heard: as long as the read models by default.
const ALERTS_KEPT: Duration = Duration::from_secs(400 * 86_400);
const PRUNE_EVERY: Duration = Duration::from_secs(86_400);
/// To find out who is heard: a question about the newest seconds.
const HEARD_TIMEOUT: Duration = Duration::from_secs(30);
/// For what else an evaluation does: examples, and a commit to a slow disk.
const COMMIT_SILENCE_MAX: Duration = Duration::from_secs(60);

/// The evaluation loop and the couriers, ready to run.
pub(crate) struct Evaluation {
    settings: Settings,
    watchers: Vec<Watcher>,
    hearing: Hearing,
    receivers: BTreeMap<String, Receiver>,
    telemetry: Arc<dyn Telemetry>,
    investigations: Investigations,
    store: Store,
    owners: Owners,
    clock: Clock,
    statuses: watch::Sender<Arc<[SloStatus]>>,
    couriers: Arc<BTreeMap<String, Courier>>,
    /// Changes when something was enqueued.
    wake: Arc<watch::Sender<u64>>,
    /// Receivers that others were told of, by the notification that did not get through.
    troubles_told: BTreeSet<String>,
    pruned_at: Option<i64>,
}

/// Opens the state file, continues from what it holds, and gives the API its view.
///
/// Alerts of objectives that are no longer configured are resolved, and their receivers told; what
/// waits for receivers that are no longer configured becomes dead letters.
pub(crate) async fn open(
    settings: Settings,
    slos: Vec<Slo>,
    receivers: Vec<Receiver>,
    state_path: &Path,
    telemetry: Arc<dyn Telemetry>,
    clock: Clock,
) -> Result<(Evaluation, Board), alerts::Error> {
    let store = Store::open(state_path)?;
    let now = clock();
    let names = receivers.iter().map(|receiver| receiver.name.clone()).collect();
    let n_buried = store.bury_strangers(names, now).await?;
    if n_buried > 0 {
        tracing::warn!(n_buried, "notifications for receivers that are not configured were given up");
    }
    let courier = |receiver: &Receiver| -> Result<(String, Courier), alerts::Error> {
        let courier =
            Courier::new(receiver.clone(), settings.retry.clone(), store.clone(), Arc::clone(&clock))?;
        Ok((receiver.name.clone(), courier))
    };
    let couriers = receivers.iter().map(courier).collect::<Result<BTreeMap<_, _>, alerts::Error>>()?;
    let couriers = Arc::new(couriers);
    let receivers: BTreeMap<_, _> = receivers.into_iter().map(|each| (each.name.clone(), each)).collect();
    let latest = store.latest().await?;
    let orphans = track::orphans(&latest, &slos);
    let owners = Owners::new(settings.services.clone(), store.clone());
    close_orphans(&store, &settings, &owners, &receivers, orphans, now).await?;
    let mut hearing = Hearing::new(settings.interval);
    for slo in &slos {
        hearing.restore(slo.service(), store.heard(slo.service()).await?);
    }
    let watchers: Vec<_> = slos.into_iter().map(|slo| Watcher::new(slo, &latest)).collect();
    let (statuses, shown) = watch::channel(watchers.iter().map(Watcher::status).collect::<Arc<[_]>>());
    let (wake, _) = watch::channel(0_u64);
    let wake = Arc::new(wake);
    let board = Board::new(
        store.clone(),
        shown,
        Arc::clone(&couriers),
        owners.clone(),
        Arc::clone(&wake),
        settings.external_url.clone(),
    );
    let evaluation = Evaluation {
        settings,
        watchers,
        hearing,
        receivers,
        telemetry,
        investigations: Investigations::new(store.clone()),
        store,
        owners,
        clock,
        statuses,
        couriers,
        wake,
        troubles_told: BTreeSet::new(),
        pruned_at: None,
    };
    Ok((evaluation, board))
}

async fn close_orphans(
    store: &Store,
    settings: &Settings,
    owners: &Owners,
    receivers: &BTreeMap<String, Receiver>,
    orphans: Vec<alerts::AlertRecord>,
    now: i64,
) -> Result<(), alerts::Error> {
    let mut changes = Vec::new();
    for orphan in orphans {
        tracing::info!(slo = orphan.slo_id, "alert of a removed objective ends");
        let told = store.told(&orphan.id).await?;
        let ownership = ownership_of(owners, &orphan.service).await;
        let (ownership, external_url) = (ownership.as_ref(), &settings.external_url);
        changes.push(notice::close_orphan(orphan, &told, receivers, ownership, external_url, now));
    }
    store.commit(changes, Vec::new(), now).await
}

/// Whose a service is, as far as that can be read: no alert waits for it.
async fn ownership_of(owners: &Owners, service: &str) -> Option<Ownership> {
    match owners.of(service).await {
        Ok(owned) => owned.map(|owned| owned.ownership),
        Err(error) => {
            tracing::warn!(service, error = %with_causes(&error), "cannot find out whose the service is");
            None
        }
    }
}

impl Evaluation {
    /// Evaluates and delivers until cancelled, then closes the state file. A notification that is under way gets
    /// a few seconds to finish; one that does not is sent again after the next start, with the same id.
    ///
    /// Ends early when a courier dies: alerts that reach nobody are worth no less than a whole worker. `beat` is
    /// called after each evaluation.
    pub(crate) async fn run(mut self, beat: impl Fn() + Send + Sync, cancel: CancellationToken) {
        let couriers = self.couriers.values().cloned().collect();
        let mut couriers = deliver::spawn(couriers, self.wake.subscribe(), &self.clock, &cancel);
        tokio::select! {
            () = self.evaluate_until(&cancel, &beat) => {}
            () = deliver::death(&mut couriers) => couriers.abort_all(),
        }
        deliver::all_ended(couriers).await;
        self.investigations.stop();
        if let Err(error) = self.store.clone().close().await {
            tracing::warn!(error = %with_causes(&error), "the state file was not closed cleanly");
        }
    }

    /// The longest time between two beats while nothing is wrong.
    pub(crate) fn silence_max(&self) -> Duration {
        self.settings.interval + self.settings.read_timeout + HEARD_TIMEOUT + COMMIT_SILENCE_MAX
    }

    async fn evaluate_until(&mut self, cancel: &CancellationToken, beat: &(impl Fn() + Send + Sync)) {
        let mut ticks = tokio::time::interval(self.settings.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                _ = ticks.tick() => {}
            }
            // Cancelling in the middle is safe: what counts is committed in one transaction.
            tokio::select! {
                () = cancel.cancelled() => return,
                n_told = self.evaluate() => if n_told > 0 {
                    self.wake.send_modify(|n| *n += 1);
                },
            }
            beat();
        }
    }

    /// One evaluation of everything; the number of notifications that it enqueued.
    pub(crate) async fn evaluate(&mut self) -> usize {
        let now = (self.clock)();
        self.prune(now).await;
        let (telemetry, timeout) = (&*self.telemetry, self.settings.read_timeout);
        reading::read_all(&mut self.watchers, telemetry, &self.hearing, now, timeout).await;
        let heard = self.listen(now).await;
        match self.judge_and_commit(heard, now).await {
            Ok(n_told) => {
                self.statuses.send_replace(self.watchers.iter().map(Watcher::status).collect());
                let firing: Vec<Firing> = self.watchers.iter().filter_map(Watcher::burning).collect();
                self.investigations.work(&self.telemetry, &firing, now).await;
                n_told + self.tell_more(now).await
            }
            Err(error) => {
                // Phases move only after their commit, so the next evaluation makes the same moves again.
                tracing::error!(error = %with_causes(&error), "the evaluation could not be committed");
                0
            }
        }
    }

    async fn judge_and_commit(
        &mut self,
        heard: Vec<alerts::Heard>,
        now: i64,
    ) -> Result<usize, alerts::Error> {
        let end = now.saturating_sub(nanos(self.settings.lag));
        let (mut moves, mut beginning) = (Vec::new(), Vec::new());
        for (idx, watcher) in self.watchers.iter_mut().enumerate() {
            let Some(judgement) = watcher.judge(end, self.hearing.first_at(watcher.slo().service())) else {
                continue;
            };
            let steps = watcher.steps(&judgement, now);
            beginning.extend(watcher.begins(&steps));
            moves.extend(steps.into_iter().map(|step| (idx, step)));
        }
        let (examples, found) = tokio::join!(
            examples(&self.watchers, &*self.telemetry, &moves),
            self.investigations.begin(&self.telemetry, &beginning, now)
        );
        let mut changes = Vec::new();
        for ((idx, step), exemplars) in moves.iter().zip(&examples) {
            let watcher = &self.watchers[*idx];
            let triage = match step.transition {
                Some(alerts::Transition::Firing) => {
                    found.get(watcher.slo().id()).map(|finding| finding.summary.clone())
                }
                Some(alerts::Transition::Resolved) => self.investigations.summary(&step.record.id).await,
                _ => None,
            };
            changes.push(self.change(watcher, step, exemplars, triage.as_ref(), now).await?);
        }
        let n_told = changes.iter().map(|change: &Change| change.deliveries.len()).sum();
        let records: Vec<_> = changes.iter().map(|change| change.alert.clone()).collect();
        self.store.commit(changes, heard, now).await?;
        for ((idx, _), record) in moves.iter().zip(records) {
            self.watchers[*idx].moved(record);
        }
        self.keep(&found).await;
        Ok(n_told)
    }

    /// Keeps reports about alerts that have just begun to fire, now that these are in the state file.
    async fn keep(&mut self, found: &BTreeMap<String, Finding>) {
        for firing in self.watchers.iter().filter_map(Watcher::burning) {
            if let Some(finding) = found.get(firing.slo.id()) {
                let ids: Vec<String> = firing.alerts.into_iter().map(|(id, _)| id).collect();
                self.investigations.keep(&ids, finding).await;
            }
        }
    }

    /// A step with its sentence and its notifications.
    async fn change(
        &self,
        watcher: &Watcher,
        step: &track::Step,
        exemplars: &[String],
        triage: Option<&Value>,
        now: i64,
    ) -> Result<Change, alerts::Error> {
        let Some(transition) = step.transition else {
            return Ok(Change { alert: step.record.clone(), deliveries: Vec::new() });
        };
        let ownership = ownership_of(&self.owners, watcher.slo().service()).await;
        let ownership = ownership.as_ref();
        let told = match transition {
            alerts::Transition::Resolved => self.store.told(&step.record.id).await?,
            _ => {
                let (routes, receivers) = (&self.settings.routes, &self.receivers);
                notice::told(watcher.slo(), step.record.severity, ownership, routes, receivers)
            }
        };
        let context = notice::Context {
            slo: watcher.slo(),
            judgement: watcher.judgement(),
            ownership,
            receivers: &self.receivers,
            external_url: &self.settings.external_url,
            exemplars,
            triage,
            now,
        };
        let change = notice::change(&context, step.record.clone(), transition, &told);
        let (slo, severity) = (watcher.slo().id(), change.alert.severity.name());
        tracing::info!(slo, severity, ?transition, summary = change.alert.summary, "alert moved");
        Ok(change)
    }

    /// Notes which services sent anything since the last evaluation. Those with fresh events did; the
    /// others are asked for by any signal.
    async fn listen(&mut self, now: i64) -> Vec<alerts::Heard> {
        let since = now.saturating_sub(nanos(self.settings.interval) * 2);
        let mut heard = std::collections::BTreeSet::new();
        let mut quiet = std::collections::BTreeSet::new();
        for watcher in &mut self.watchers {
            let service = watcher.slo().service().to_owned();
            if watcher.take_fresh() {
                heard.insert(service)
            } else {
                quiet.insert(service)
            };
        }
        let quiet: Vec<_> = quiet.difference(&heard).cloned().collect();
        if !quiet.is_empty() {
            let asked = tokio::time::timeout(HEARD_TIMEOUT, self.telemetry.heard(&quiet, since)).await;
            match asked.unwrap_or(Err(storage::Error::QueryTimeout)) {
                Ok(services) => heard.extend(services),
                Err(error) => {
                    tracing::warn!(error = %with_causes(&error), "cannot find out which services are heard");
                }
            }
        }
        let intervals = self.hearing.hear(heard, now);
        for interval in &intervals {
            let of_service = |watcher: &&mut Watcher| watcher.slo().service() == interval.service;
            self.watchers.iter_mut().filter(of_service).for_each(|watcher| watcher.hear(interval));
        }
        intervals
    }

    async fn prune(&mut self, now: i64) {
        if self.pruned_at.is_some_and(|at| now.saturating_sub(at) < nanos(PRUNE_EVERY)) {
            return;
        }
        let before = |kept| now.saturating_sub(nanos(kept));
        match self.store.prune(before(DELIVERIES_KEPT), before(ALERTS_KEPT)).await {
            Ok(()) => self.pruned_at = Some(now),
            Err(error) => tracing::warn!(error = %with_causes(&error), "cannot forget old alerts"),
        }
    }
}

/// Examples for each move that fires, looked up at the same time and within one bound, so that no objective makes the
/// notification of another wait.
async fn examples(
    watchers: &[Watcher],
    telemetry: &dyn Telemetry,
    moves: &[(usize, track::Step)],
) -> Vec<Vec<String>> {
    let of_move = |(idx, step): &(usize, track::Step)| {
        let watcher = &watchers[*idx];
        let (severity, transition) = (step.record.severity, step.transition);
        async move {
            match transition {
                Some(alerts::Transition::Firing) => watcher.exemplars(telemetry, severity).await,
                _ => Vec::new(),
            }
        }
    };
    futures::future::join_all(moves.iter().map(of_move)).await
}

#[cfg(test)]
mod tests;
