//! Which incident an alert belongs to when it fires, and whether anybody is told of it.
//!
//! `alerts` decides, this asks: for who called whom, for what is open, for silences. The number of a new incident is
//! known before its first notification is written, so whoever places holds the turn to give out numbers.

use super::telemetry::Telemetry;
use super::track::Step;
use super::watcher::Watcher;
use crate::causes::with_causes;
use crate::triage::Finding;
use crate::units::nanos;
use alerts::{
    AlertRecord, Arrival, Calls, Fold, Identity, Muted, Phase, Placed, Placement, Placing, Slo, Store,
    StoredSilence, Transition, fold, muted,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use storage::TimeRange;

/// Calls of the last hour say who may have pulled down whom.
const CALLS_BACK: Duration = Duration::from_secs(3_600);
/// An alert does not wait longer for them: without them it may have an incident of its own.
const CALLS_TIMEOUT: Duration = Duration::from_secs(2);

/// Where the alerts of an evaluation belong.
#[derive(Debug, Default)]
pub(super) struct Places {
    pub(super) placed: Placed,
    incidents: BTreeMap<String, u32>,
    muted: BTreeSet<String>,
}

impl Places {
    pub(super) fn incident(&self, alert_id: &str) -> Option<u32> {
        self.incidents.get(alert_id).copied()
    }

    pub(super) fn is_muted(&self, alert_id: &str) -> bool {
        self.muted.contains(alert_id)
    }
}

/// What keeps alerts from being told, at one moment.
#[derive(Debug)]
pub(super) struct Mutes {
    silences: Vec<StoredSilence>,
    /// Alerts that fire.
    firing: Vec<AlertRecord>,
    now: i64,
}

impl Mutes {
    /// Silences that cannot be read mute nothing: better somebody is told who need not be.
    pub(super) async fn read(store: &Store, firing: Vec<AlertRecord>, now: i64) -> Self {
        let silences = store.silences_left(now).await.unwrap_or_else(|error| {
            tracing::error!(error = %with_causes(&error), "silences cannot be read, and mute nothing");
            Vec::new()
        });
        Self { silences, firing, now }
    }

    pub(super) fn of(&self, slo: &Slo, alert: &AlertRecord) -> Option<Muted> {
        let identity = Identity::new(slo, alert.severity);
        muted(alert, identity.labels(), &self.silences, &self.firing, self.now)
    }
}

/// Who called whom lately.
pub(super) async fn calls(telemetry: &dyn Telemetry, now: i64) -> Calls {
    let range = TimeRange { from: now.saturating_sub(nanos(CALLS_BACK)), to: now };
    let asked = tokio::time::timeout(CALLS_TIMEOUT, telemetry.calls(range)).await;
    match asked.unwrap_or(Err(storage::Error::QueryTimeout)) {
        Ok(edges) => Calls::new(edges),
        Err(error) => {
            tracing::warn!(error = %with_causes(&error), "alerts are not joined by calls: these cannot be read");
            Calls::default()
        }
    }
}

/// Places for alerts that begin to fire; of all others that move the incidents that they have.
pub(super) async fn place(
    store: &Store,
    watchers: &[Watcher],
    moves: &[(usize, Step)],
    (calls, found): (&Calls, &BTreeMap<String, Finding>),
    now: i64,
) -> Result<Places, alerts::Error> {
    let ids = moves.iter().map(|(_, step)| step.record.id.clone()).collect();
    let known = store.memberships(ids).await?;
    let incidents = known.into_iter().map(|(id, membership)| (id, membership.incident)).collect();
    let mut places = Places { incidents, ..Places::default() };
    let begins = |(_, step): &&(usize, Step)| step.transition == Some(Transition::Firing);
    let beginning: BTreeMap<&str, &(usize, Step)> =
        moves.iter().filter(begins).map(|one| (one.1.record.id.as_str(), one)).collect();
    if beginning.is_empty() {
        return Ok(places);
    }
    let ground = store.ground(now).await?;
    let arrivals: Vec<Arrival> = beginning.values().map(|(_, step)| arrival(&step.record)).collect();
    let Fold { placements, origins } = fold(&arrivals, &ground.candidates, ground.next, calls, now);
    let mutes = Mutes::read(store, firing_after(watchers, moves), now).await;
    places.placed.origins = origins;
    for placement in placements {
        let Some((idx, step)) = beginning.get(placement.alert_id.as_str()) else { continue };
        let slo = watchers[*idx].slo();
        let withheld = mutes.of(slo, &step.record);
        if withheld.is_some() {
            places.muted.insert(placement.alert_id.clone());
        }
        places.incidents.insert(placement.alert_id.clone(), placement.incident);
        let suspect = found.get(slo.id()).and_then(|finding| suspect(&finding.summary));
        places.placed.placings.push(Placing { placement, suspect, withheld });
    }
    Ok(places)
}

/// Gives alerts that fire since an earlier program a place, which knew of no incidents.
pub(super) async fn adopt(
    store: &Store,
    latest: &[AlertRecord],
    slos: &[Slo],
    now: i64,
) -> Result<(), alerts::Error> {
    let is_watched = |alert: &&AlertRecord| {
        matches!(alert.phase, Phase::Firing { .. }) && slos.iter().any(|slo| slo.id() == alert.slo_id)
    };
    let firing: Vec<&AlertRecord> = latest.iter().filter(is_watched).collect();
    let known = store.memberships(firing.iter().map(|alert| alert.id.clone()).collect()).await?;
    let strays = firing.into_iter().filter(|alert| !known.contains_key(&alert.id));
    let arrivals: Vec<Arrival> = strays.map(arrival).collect();
    if arrivals.is_empty() {
        return Ok(());
    }
    let ground = store.ground(now).await?;
    let Fold { placements, origins } =
        fold(&arrivals, &ground.candidates, ground.next, &Calls::default(), now);
    let placing = |placement: Placement| Placing { placement, suspect: None, withheld: None };
    let placings = placements.into_iter().map(placing).collect();
    store.commit_placed(Vec::new(), Placed { placings, origins, ..Placed::default() }, Vec::new(), now).await
}

/// The service that a report names, where it is clear about that.
pub(super) fn suspect(summary: &Value) -> Option<String> {
    let service = summary["suspects"][0]["service"].as_str().filter(|service| !service.is_empty())?;
    (summary["verdict"] == "origin").then(|| service.to_owned())
}

fn arrival(alert: &AlertRecord) -> Arrival {
    Arrival {
        alert_id: alert.id.clone(),
        slo_id: alert.slo_id.clone(),
        severity: alert.severity,
        service: alert.service.clone(),
    }
}

/// Alerts that fire once these moves are made.
fn firing_after(watchers: &[Watcher], moves: &[(usize, Step)]) -> Vec<AlertRecord> {
    let moved: BTreeSet<&str> = moves.iter().map(|(_, step)| step.record.id.as_str()).collect();
    let fire_on =
        watchers.iter().flat_map(Watcher::firing).filter(|alert| !moved.contains(alert.id.as_str()));
    let begin = moves.iter().map(|(_, step)| &step.record);
    let is_firing = |alert: &&AlertRecord| matches!(alert.phase, Phase::Firing { .. });
    fire_on.chain(begin.filter(is_firing)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Scenario: short forms of reports that are clear, that are not, that name nobody, and that are something else.
    /// Guarantees: only a clear origin is one.
    #[test]
    fn only_a_clear_origin_counts() {
        let of =
            |verdict: &str, service: &str| json!({"verdict": verdict, "suspects": [{"service": service}]});
        assert_eq!(suspect(&of("origin", "orders-db")).as_deref(), Some("orders-db"));
        for summary in
            [of("possible", "orders-db"), of("origin", ""), json!({"verdict": "origin"}), json!([])]
        {
            assert_eq!(suspect(&summary), None, "{summary}");
        }
    }
}
