//! Who is told later than others: of alerts that go on, of pages that did not get through, and of receivers that cannot
//! be reached.
//!
//! Nobody can say yet that they look after an alert, so it escalates by the time for which it fires. All of this is
//! found anew from the state at each evaluation: a restart forgets nothing, and the ids of notifications see to it that
//! nobody is told twice.

use super::notice;
use super::own::{self, Trouble, Unreachable};
use super::watcher::Watcher;
use super::{Evaluation, ownership_of};
use crate::causes::with_causes;
use crate::units::nanos;
use alerts::{AlertRecord, Change, Identity, Receiver, matching};
use serde_json::Value;
use std::time::Duration;

/// A page that did not get through within this goes to the fallback of its receiver.
const PAGE_LATE_AFTER: Duration = Duration::from_secs(120);
/// A receiver that took nothing for so long is told of to others.
const STUCK_AFTER: Duration = Duration::from_secs(86_400);

/// A receiver who is to be told, and why only now.
type Due = (String, String);

/// An alert with those who hear of it later than others.
struct Later<'a> {
    watcher: &'a Watcher,
    alert: &'a AlertRecord,
    names: Vec<String>,
    why: String,
}

impl Evaluation {
    /// Enqueues what is due by now; how many notifications. What fails is found again by the next evaluation.
    pub(super) async fn tell_more(&mut self, now: i64) -> usize {
        let n_escalated = self.escalate(now).await;
        let n_troubles = self.tell_of_receivers(now).await;
        let mut n_told = 0;
        for told in [n_escalated, n_troubles] {
            match told {
                Ok(n) => n_told += n,
                Err(error) => tracing::error!(error = %with_causes(&error), "cannot tell others"),
            }
        }
        n_told
    }

    async fn escalate(&self, now: i64) -> Result<usize, alerts::Error> {
        let late = self.late_pages(now).await?;
        let mut later = Vec::new();
        for watcher in &self.watchers {
            for alert in watcher.firing() {
                let mut due = self.steps_due(watcher, alert, now);
                due.extend(self.fallbacks_due(alert, &late));
                if !due.is_empty() {
                    later.extend(self.untold(watcher, alert, due).await?);
                }
            }
        }
        // All at once: none makes the others wait.
        let examples = later.iter().map(|one| one.watcher.exemplars(&*self.telemetry, one.alert.severity));
        let examples = futures::future::join_all(examples).await;
        let mut changes = Vec::new();
        for (one, exemplars) in later.iter().zip(&examples) {
            changes.push(self.escalated(one, exemplars, now).await);
        }
        let n_told = changes.iter().map(|change| change.deliveries.len()).sum();
        self.store.commit(changes, Vec::new(), now).await?;
        Ok(n_told)
    }

    /// Alert and receiver of each page that did not get through in time; only asked where somebody stands in.
    async fn late_pages(&self, now: i64) -> Result<Vec<(String, String)>, alerts::Error> {
        if self.receivers.values().all(|receiver| receiver.fallback.is_none()) {
            return Ok(Vec::new());
        }
        self.store.late_pages(now.saturating_sub(nanos(PAGE_LATE_AFTER))).await
    }

    fn steps_due(&self, watcher: &Watcher, alert: &AlertRecord, now: i64) -> Vec<Due> {
        let Some(firing_at) = alert.phase.firing_at() else { return Vec::new() };
        let routes = matching(&self.settings.routes, &Identity::new(watcher.slo(), alert.severity));
        let mut due = Vec::new();
        for escalation in routes.into_iter().filter_map(|route| route.escalation.as_ref()) {
            for (n, name) in escalation.due(firing_at, now).iter().enumerate() {
                let after_s = escalation.after.as_secs_f64() * (n + 1) as f64;
                due.push((name.clone(), format!("not resolved after {}", notice::span(after_s))));
            }
        }
        due
    }

    fn fallbacks_due(&self, alert: &AlertRecord, late: &[(String, String)]) -> Vec<Due> {
        let of_alert = late.iter().filter(|(id, _)| *id == alert.id);
        let fallback = |(_, name): &(String, String)| {
            let fallback = self.receivers.get(name)?.fallback.clone()?;
            Some((fallback, format!("receiver {name} was not reached")))
        };
        of_alert.filter_map(fallback).collect()
    }

    /// Those who are not told yet.
    async fn untold<'a>(
        &self,
        watcher: &'a Watcher,
        alert: &'a AlertRecord,
        due: Vec<Due>,
    ) -> Result<Option<Later<'a>>, alerts::Error> {
        let told = self.store.told(&alert.id).await?;
        let (mut names, mut reasons): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
        for (name, why) in due.into_iter().filter(|(name, _)| !told.contains(name)) {
            if !names.contains(&name) {
                names.push(name);
                reasons.push(why);
            }
        }
        reasons.dedup();
        let why = reasons.join("; ");
        Ok((!names.is_empty()).then_some(Later { watcher, alert, names, why }))
    }

    async fn escalated(&self, later: &Later<'_>, exemplars: &[String], now: i64) -> Change {
        let Later { watcher, alert, names, why } = later;
        let ownership = ownership_of(&self.owners, watcher.slo().service()).await;
        let triage = self.report_about(&alert.id).await;
        let context = notice::Context {
            slo: watcher.slo(),
            judgement: watcher.judgement(),
            ownership: ownership.as_ref(),
            receivers: &self.receivers,
            external_url: &self.settings.external_url,
            exemplars,
            triage: triage.as_ref(),
            now,
        };
        let (slo, severity) = (watcher.slo().id(), alert.severity.name());
        tracing::info!(slo, severity, to = names.join(", "), why, "alert escalates");
        notice::also(&context, alert, names, why)
    }

    /// The short form of the report that is kept about an alert.
    async fn report_about(&self, alert_id: &str) -> Option<Value> {
        match self.store.triage_summaries(vec![alert_id.to_owned()]).await {
            Ok(kept) => serde_json::from_str(kept.get(alert_id)?).ok(),
            Err(error) => {
                tracing::error!(error = %with_causes(&error), "cannot read the report about an alert");
                None
            }
        }
    }

    async fn tell_of_receivers(&mut self, now: i64) -> Result<usize, alerts::Error> {
        let mut troubles = self.gone();
        let stuck = self.store.stuck(now.saturating_sub(nanos(STUCK_AFTER))).await?;
        troubles.extend(stuck.into_iter().map(|stuck| Trouble {
            receiver: stuck.receiver,
            delivery_id: stuck.delivery_id,
            since: stuck.since,
            what: Unreachable::Stuck,
        }));
        troubles.retain(|trouble| !self.troubles_told.contains(&trouble.delivery_id));
        let mut notices = Vec::new();
        for trouble in &troubles {
            let (receiver, since) = (trouble.receiver.as_str(), trouble.since);
            tracing::error!(receiver, since, what = ?trouble.what, "a receiver cannot be reached");
            let others = self.others(&trouble.receiver).into_iter();
            notices.extend(others.map(|to| own::trouble(trouble, to, &self.settings.external_url, now)));
        }
        let n_told = notices.len();
        self.store.enqueue(notices, now).await?;
        self.troubles_told.extend(troubles.into_iter().map(|trouble| trouble.delivery_id));
        Ok(n_told)
    }

    fn gone(&self) -> Vec<Trouble> {
        let gone = |(name, courier): (&String, &alerts::Courier)| {
            let alerts::Gone { at, delivery_id, error } = courier.gone()?;
            let what = Unreachable::Gone { error };
            Some(Trouble { receiver: name.clone(), delivery_id, since: at, what })
        };
        self.couriers.iter().filter_map(gone).collect()
    }

    /// Who hears of trouble with a receiver: the one that stands in for it, or else everybody else.
    fn others(&self, name: &str) -> Vec<&Receiver> {
        let is_well = |receiver: &&Receiver| {
            let courier = self.couriers.get(&receiver.name);
            receiver.name != name && courier.is_some_and(|courier| courier.gone().is_none())
        };
        let fallback = self.receivers.get(name).and_then(|receiver| receiver.fallback.as_ref());
        let fallback = fallback.and_then(|name| self.receivers.get(name)).filter(is_well);
        match fallback {
            Some(fallback) => vec![fallback],
            None => self.receivers.values().filter(is_well).collect(),
        }
    }
}
