//! Reports about alerts that fire: made beside the evaluation, a few at a time, and kept with the alert.
//!
//! An alert that begins to fire is worth a short wait, so that its notification says what broke; a report that takes
//! longer is kept by a later evaluation. While the alert fires the report is made again, at first after a minute, then
//! ever more seldom: what is known of an incident grows most at its beginning.

use super::incidents::suspect;
use super::telemetry::Telemetry;
use crate::causes::with_causes;
use crate::triage::{Case, Finding, Lane};
use crate::units::nanos;
use alerts::{Phase, Slo, Store, StoredTriage};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// How long a notification waits for its report. All alerts of an evaluation wait at the same time.
const WAIT: Duration = Duration::from_secs(3);
/// Objectives whose reports are under way; further ones are asked by a later evaluation.
const RUNNING_MAX: usize = 4;
/// A report is made again when the alert has fired for as long again as it had at the last one, within these bounds.
const AGAIN_AFTER_MIN: Duration = Duration::from_secs(60);
const AGAIN_AFTER_MAX: Duration = Duration::from_secs(900);

/// Alerts of one objective that fire: one report serves both of its severities.
#[derive(Debug, Clone)]
pub(super) struct Firing {
    pub(super) slo: Arc<Slo>,
    pub(super) alerts: Vec<(String, Phase)>,
}

/// What is under way, and what was last found.
#[derive(Debug)]
pub(super) struct Investigations {
    store: Store,
    lane: Lane,
    running: Vec<Running>,
    /// Of alerts that fire, by id.
    last: BTreeMap<String, Last>,
}

#[derive(Debug)]
struct Running {
    slo_id: String,
    alert_ids: Vec<String>,
    task: JoinHandle<Option<Finding>>,
}

#[derive(Debug, Clone, Copy)]
struct Last {
    at: i64,
    /// Where the window began; none where there was no report.
    from_at: Option<i64>,
}

impl Investigations {
    pub(super) fn new(store: Store) -> Self {
        Self { store, lane: Lane::new(), running: Vec::new(), last: BTreeMap::new() }
    }

    /// Asks about objectives with an alert that is due, and keeps what has become ready since.
    pub(super) async fn work(&mut self, telemetry: &Arc<dyn Telemetry>, firing: &[Firing], now: i64) {
        self.forget(firing);
        self.collect().await;
        for one in firing {
            if self.running.len() >= RUNNING_MAX || self.is_running(&one.slo) {
                continue;
            }
            self.remember(one).await;
            if one.alerts.iter().any(|(id, phase)| self.is_due(id, *phase, now)) {
                self.start(telemetry, one, now);
            }
        }
    }

    /// What is known of alerts that begin to fire, by objective, after a short wait. They are not in the state file yet.
    pub(super) async fn begin(
        &mut self,
        telemetry: &Arc<dyn Telemetry>,
        firing: &[Firing],
        now: i64,
    ) -> BTreeMap<String, Finding> {
        let deadline = Instant::now() + WAIT;
        for one in firing {
            if self.running.len() < RUNNING_MAX && !self.is_running(&one.slo) {
                self.start(telemetry, one, now);
            }
        }
        let mut found = BTreeMap::new();
        for one in firing {
            let of_slo = |running: &&mut Running| running.slo_id == one.slo.id();
            let Some(running) = self.running.iter_mut().find(of_slo) else { continue };
            if let Ok(done) = tokio::time::timeout_at(deadline, &mut running.task).await {
                let finding = done.unwrap_or_else(|error| {
                    tracing::warn!(%error, "a report about an alert stopped");
                    None
                });
                let slo_id = running.slo_id.clone();
                self.running.retain(|running| running.slo_id != slo_id);
                found.extend(finding.map(|finding| (slo_id, finding)));
            }
        }
        found
    }

    /// Keeps a report about alerts that are in the state file.
    pub(super) async fn keep(&mut self, alert_ids: &[String], finding: &Finding) {
        for id in alert_ids {
            self.last.insert(id.clone(), Last { at: finding.made_at, from_at: Some(finding.window.from) });
            let stored = StoredTriage {
                alert_id: id.clone(),
                made_at: finding.made_at,
                from_at: finding.window.from,
                to_at: finding.window.to,
                summary: finding.summary.to_string(),
                report: finding.report.clone(),
            };
            match self.store.put_triage(stored).await {
                Ok(true) => {
                    tracing::info!(alert = id, headline = finding.headline, "report about an alert");
                    self.tell(id, finding).await;
                }
                Ok(false) => tracing::warn!(alert = id, "the report about an alert was not kept"),
                Err(error) => {
                    tracing::warn!(alert = id, error = %with_causes(&error), "cannot keep the report about an alert");
                }
            }
        }
    }

    /// Notes in the incident of an alert what the report says.
    async fn tell(&self, id: &str, finding: &Finding) {
        let suspect = suspect(&finding.summary);
        let told = self.store.reported(id, finding.headline.clone(), suspect, finding.made_at).await;
        if let Err(error) = told {
            tracing::warn!(alert = id, error = %with_causes(&error), "cannot note the report in the incident");
        }
    }

    /// The short form of the newest report about an alert.
    pub(super) async fn summary(&self, alert_id: &str) -> Option<Value> {
        match self.store.triage(alert_id).await {
            Ok(stored) => serde_json::from_str(&stored?.summary).ok(),
            Err(error) => {
                tracing::warn!(alert = alert_id, error = %with_causes(&error), "cannot read the report about an alert");
                None
            }
        }
    }

    fn start(&mut self, telemetry: &Arc<dyn Telemetry>, one: &Firing, now: i64) {
        let alert_ids: Vec<String> = one.alerts.iter().map(|(id, _)| id.clone()).collect();
        let known_from = alert_ids.iter().filter_map(|id| self.last.get(id)?.from_at).min();
        for id in &alert_ids {
            // Also of a question that fails: it is asked again when it is due again.
            self.last.insert(id.clone(), Last { at: now, from_at: known_from });
        }
        let pending_at = one.alerts.iter().map(|(_, phase)| pending_at(*phase, now)).min().unwrap_or(now);
        let case = Case { slo: Arc::clone(&one.slo), pending_at, now, known_from };
        let (telemetry, store, lane) = (Arc::clone(telemetry), self.store.clone(), self.lane.clone());
        let task = tokio::spawn(async move { telemetry.investigate(&case, &store, &lane).await });
        self.running.push(Running { slo_id: one.slo.id().to_owned(), alert_ids, task });
    }

    /// Keeps the reports that are ready.
    async fn collect(&mut self) {
        let (done, running): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.running).into_iter().partition(|running| running.task.is_finished());
        self.running = running;
        for Running { slo_id, alert_ids, task } in done {
            match task.await {
                Ok(Some(finding)) => self.keep(&alert_ids, &finding).await,
                Ok(None) => {}
                Err(error) => tracing::warn!(slo = slo_id, %error, "a report about an alert stopped"),
            }
        }
    }

    fn is_running(&self, slo: &Slo) -> bool {
        self.running.iter().any(|running| running.slo_id == slo.id())
    }

    /// After a restart, what the state file knows.
    async fn remember(&mut self, one: &Firing) {
        for (id, _) in &one.alerts {
            if self.last.contains_key(id) {
                continue;
            }
            match self.store.triage(id).await {
                Ok(Some(stored)) => {
                    self.last.insert(id.clone(), Last { at: stored.made_at, from_at: Some(stored.from_at) });
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(alert = id, error = %with_causes(&error), "cannot read the report about an alert");
                }
            }
        }
    }

    fn is_due(&self, id: &str, phase: Phase, now: i64) -> bool {
        let Some(last) = self.last.get(id) else { return true };
        // It no longer burns: there is nothing new to be found.
        if matches!(phase, Phase::Firing { quiet_since: Some(_), .. }) {
            return false;
        }
        let firing_at = phase.firing_at().unwrap_or(last.at);
        let fired = last.at.saturating_sub(firing_at);
        let after = fired.clamp(nanos(AGAIN_AFTER_MIN), nanos(AGAIN_AFTER_MAX));
        now.saturating_sub(last.at) >= after
    }

    /// Nothing is asked any more.
    pub(super) fn stop(&mut self) {
        self.running.drain(..).for_each(|running| running.task.abort());
    }

    /// Alerts that are over.
    fn forget(&mut self, firing: &[Firing]) {
        let is_firing = |id: &String| firing.iter().flat_map(|one| &one.alerts).any(|(alert, _)| alert == id);
        self.last.retain(|id, _| is_firing(id));
    }
}

fn pending_at(phase: Phase, now: i64) -> i64 {
    match phase {
        Phase::Inactive => now,
        Phase::Pending { pending_at }
        | Phase::Firing { pending_at, .. }
        | Phase::Resolved { pending_at, .. } => pending_at,
    }
}
