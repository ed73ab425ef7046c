//! The two alerts of an objective, from one evaluation to the next.

use alerts::{AlertRecord, Judgement, Phase, Severity, Slo, StepPolicy, Transition, occurrence_id, step};
use std::collections::BTreeMap;

/// The newest occurrence per severity, as it was last committed.
#[derive(Debug, Clone, Default)]
pub(super) struct Track {
    records: BTreeMap<Severity, AlertRecord>,
}

/// A changed phase that is to be committed.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) record: AlertRecord,
    /// None if only times changed.
    pub(super) transition: Option<Transition>,
}

impl Track {
    pub(super) fn restore(slo: &Slo, latest: &[AlertRecord]) -> Self {
        let own = latest.iter().filter(|record| record.slo_id == slo.id());
        Self { records: own.map(|record| (record.severity, record.clone())).collect() }
    }

    pub(super) fn phase(&self, severity: Severity) -> Phase {
        self.records.get(&severity).map_or(Phase::Inactive, |record| record.phase)
    }

    pub(super) fn firing(&self) -> impl Iterator<Item = &AlertRecord> {
        self.records.values().filter(|record| matches!(record.phase, Phase::Firing { .. }))
    }

    /// What a judgement changes. The track itself moves when that is committed.
    pub(super) fn steps(&self, slo: &Slo, judgement: &Judgement, now: i64) -> Vec<Step> {
        let keep_firing = slo.spec().keep_firing;
        let one = |severity| {
            let policy = StepPolicy { pending_for: slo.pending_for(severity), keep_firing };
            let before = self.phase(severity);
            let (phase, transition) = step(before, judgement.verdict(severity), policy, now);
            let record = || self.record(slo, severity, before, phase, now);
            (phase != before).then(|| Step { record: record(), transition })
        };
        Severity::ALL.into_iter().filter_map(one).collect()
    }

    pub(super) fn moved(&mut self, record: AlertRecord) {
        self.records.insert(record.severity, record);
    }

    /// The open occurrence in its new phase, or a new one.
    fn record(&self, slo: &Slo, severity: Severity, before: Phase, phase: Phase, now: i64) -> AlertRecord {
        match self.records.get(&severity) {
            Some(record) if before.is_open() => AlertRecord { phase, ..record.clone() },
            _ => AlertRecord {
                id: occurrence_id(slo.id(), severity, now),
                slo_id: slo.id().to_owned(),
                slo_name: slo.name().to_owned(),
                service: slo.service().to_owned(),
                severity,
                phase,
                pending_at: now,
                summary: String::new(),
            },
        }
    }
}

/// Open alerts whose objective is gone, or counts something else since then. `since` says when each objective that there
/// is began to count what it counts.
pub(super) fn orphans(latest: &[AlertRecord], since: &BTreeMap<String, i64>) -> Vec<AlertRecord> {
    let is_watched =
        |record: &AlertRecord| since.get(&record.slo_id).is_some_and(|since| *since <= record.pending_at);
    latest.iter().filter(|record| record.phase.is_open() && !is_watched(record)).cloned().collect()
}
