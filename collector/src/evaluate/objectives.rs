//! Objectives that come over the API: kept in the state file, and taken up by the loop between two evaluations.
//!
//! The state file is the truth. Who changes it says so, and the loop then makes watchers of what is new, drops those
//! of what is gone, and ends the alerts of both: a crash in between does at the next start what was left to do. The
//! configuration wins: what it has by the same id is not evaluated.

use super::watcher::Watcher;
use super::{Evaluation, close_orphans, track};
use crate::causes::with_causes;
use crate::definition::{Definition, Fault};
use alerts::{AlertRecord, Creation, Error, Slo, Store, StoredObjective};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// An evaluation takes much less as a rule. What comes during a longer one is taken up when that is over.
const TAKEN_UP_TIMEOUT: Duration = Duration::from_secs(5);

/// A handle for those who change objectives; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Objectives {
    /// Ids of those that the configuration and its files have.
    configured: Arc<BTreeSet<String>>,
    receivers: Arc<[String]>,
    store: Store,
    /// Grows with each change.
    changed: Arc<watch::Sender<u64>>,
    taken_up: watch::Receiver<u64>,
}

/// The loop's end.
#[derive(Debug)]
pub(super) struct Intake {
    objectives: Objectives,
    changed: watch::Receiver<u64>,
    /// Up to which change everything was taken up.
    taken_up: watch::Sender<u64>,
    /// What was taken up, by id, also where it could not be read.
    kept: BTreeMap<String, StoredObjective>,
}

/// Both ends. Nothing is taken up yet.
pub(super) fn open(
    configured: BTreeSet<String>,
    receivers: Vec<String>,
    store: Store,
) -> (Objectives, Intake) {
    let (changed, to_take_up) = watch::channel(0);
    let (taken_up, shown) = watch::channel(0);
    let objectives = Objectives {
        configured: Arc::new(configured),
        receivers: receivers.into(),
        store,
        changed: Arc::new(changed),
        taken_up: shown,
    };
    let kept = BTreeMap::new();
    (objectives.clone(), Intake { objectives, changed: to_take_up, taken_up, kept })
}

impl Objectives {
    /// Does the configuration have it?
    pub(crate) fn is_configured(&self, id: &str) -> bool {
        self.configured.contains(id)
    }

    /// As it was kept, whether or not it is evaluated.
    pub(crate) async fn one(&self, id: &str) -> Result<Option<StoredObjective>, Error> {
        self.store.objective(id).await
    }

    pub(crate) async fn create(
        &self,
        id: &str,
        definition: &Definition,
        now: i64,
    ) -> Result<Creation, Error> {
        let objective = stored(id, definition, now, now);
        let creation = self.store.create_objective(objective).await?;
        self.tell();
        Ok(creation)
    }

    /// Writes another definition in the place of the one before; false where there was none. Alerts end unless it
    /// counts the same events as before.
    pub(crate) async fn replace(
        &self,
        before: &StoredObjective,
        definition: &Definition,
        counts_the_same: bool,
        now: i64,
    ) -> Result<bool, Error> {
        let since = if counts_the_same { before.since } else { now };
        let is_replaced = self.store.replace_objective(stored(&before.id, definition, since, now)).await?;
        self.tell();
        Ok(is_replaced)
    }

    /// Forgets what came over the API; false where nothing did. Its alerts end.
    pub(crate) async fn forget(&self, id: &str) -> Result<bool, Error> {
        let is_forgotten = self.store.delete_objective(id).await?;
        self.tell();
        Ok(is_forgotten)
    }

    fn tell(&self) {
        self.changed.send_modify(|n| *n += 1);
    }

    /// Waits until the evaluation knows of everything that was changed so far, or for some seconds.
    pub(crate) async fn taken_up(&self) {
        let n = *self.changed.borrow();
        let mut taken_up = self.taken_up.clone();
        let waited = taken_up.wait_for(|taken_up| *taken_up >= n);
        let is_late = tokio::time::timeout(TAKEN_UP_TIMEOUT, waited).await.is_err();
        if is_late {
            tracing::info!("an evaluation takes long; objectives that were changed are taken up after it");
        }
    }

    /// Those that are to be evaluated.
    async fn wanted(&self) -> Result<Vec<StoredObjective>, Error> {
        let mut all = self.store.objectives().await?;
        all.retain(|objective| !self.is_configured(&objective.id));
        Ok(all)
    }

    /// Since when each objective counts what it counts.
    fn since(&self, wanted: &[StoredObjective]) -> BTreeMap<String, i64> {
        let configured = self.configured.iter().map(|id| (id.clone(), i64::MIN));
        configured.chain(wanted.iter().map(|one| (one.id.clone(), one.since))).collect()
    }

    /// None where it cannot be read, which is told.
    fn read(&self, objective: &StoredObjective) -> Option<Slo> {
        let slo = objective.id.as_str();
        let read = Definition::of(objective).and_then(|definition| definition.read_again(&self.receivers));
        match read {
            Ok((read, warnings)) => {
                for warning in warnings {
                    tracing::warn!(slo, warning, "an objective may not mean what was meant");
                }
                Some(read)
            }
            Err(faults) => {
                let faults = faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("; ");
                tracing::error!(slo, faults, "an objective that came over the API is not evaluated");
                None
            }
        }
    }
}

fn stored(id: &str, definition: &Definition, since: i64, now: i64) -> StoredObjective {
    let (form, definition) = definition.stored_as();
    StoredObjective { id: id.to_owned(), form, definition, since, created_at: now, updated_at: now }
}

impl Intake {
    /// Waits until something was changed; for ever where nobody can change anything any more.
    pub(super) async fn changed(&mut self) {
        if self.changed.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    fn has_taken_up(&self, objective: &StoredObjective) -> bool {
        self.kept.get(&objective.id) == Some(objective)
    }
}

impl Evaluation {
    /// Takes up what was changed since the last time. What fails is tried again by the next evaluation.
    pub(super) async fn take_up(&mut self, now: i64) {
        let n = *self.intake.changed.borrow_and_update();
        let n_taken_up = *self.intake.taken_up.borrow();
        if n == n_taken_up {
            return;
        }
        match self.reconcile(now).await {
            Ok(()) => {
                self.publish();
                self.intake.taken_up.send_replace(n);
            }
            Err(error) => {
                tracing::error!(error = %with_causes(&error), "changed objectives cannot be taken up");
            }
        }
    }

    /// Makes watchers and state agree with the objectives that there are.
    pub(super) async fn reconcile(&mut self, now: i64) -> Result<(), Error> {
        let wanted = self.intake.objectives.wanted().await?;
        let latest = self.store.latest().await?;
        let mut made = BTreeMap::new();
        for objective in wanted.iter().filter(|objective| !self.intake.has_taken_up(objective)) {
            let Some(slo) = self.intake.objectives.read(objective) else { continue };
            if self.hearing.of(slo.service()).is_empty() {
                let heard = self.store.heard(slo.service()).await?;
                self.hearing.restore(slo.service(), heard);
            }
            tracing::info!(slo = slo.id(), sentence = slo.sentence(), "an objective is taken up");
            made.insert(objective.id.clone(), watcher(slo, objective, &latest));
        }
        // Last of what may fail: the watchers of ended alerts must not go on with them.
        let orphans = track::orphans(&latest, &self.intake.objectives.since(&wanted));
        if !orphans.is_empty() {
            close_orphans(&self.store, &self.settings, &self.owners, &self.receivers, orphans, now).await?;
            self.wake.send_modify(|n| *n += 1);
        }
        self.exchange(wanted, made);
        Ok(())
    }

    /// Those of the configuration stay, and so do those that nobody changed.
    fn exchange(&mut self, wanted: Vec<StoredObjective>, mut made: BTreeMap<String, Watcher>) {
        let before = std::mem::take(&mut self.watchers);
        let (configured, others): (Vec<_>, Vec<_>) = before.into_iter().partition(Watcher::is_configured);
        let mut others: BTreeMap<_, _> =
            others.into_iter().map(|watcher| (watcher.slo().id().to_owned(), watcher)).collect();
        self.watchers = configured;
        for objective in &wanted {
            let as_before = others.remove(&objective.id).filter(|_| self.intake.has_taken_up(objective));
            self.watchers.extend(made.remove(&objective.id).or(as_before));
        }
        self.intake.kept = wanted.into_iter().map(|objective| (objective.id.clone(), objective)).collect();
    }
}

/// It goes on with the alerts of what it counts, and with no others of its name.
fn watcher(slo: Slo, objective: &StoredObjective, latest: &[AlertRecord]) -> Watcher {
    let is_own = |alert: &&AlertRecord| alert.slo_id == objective.id && alert.pending_at >= objective.since;
    let own: Vec<_> = latest.iter().filter(is_own).cloned().collect();
    Watcher::kept(slo, &own)
}
