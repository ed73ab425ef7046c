//! Objectives, their burn rates, and the events that they count.

use super::{alert_row, alert_state, step_s, steps};
use crate::definition::{Definition, Fault};
use crate::evaluate::{Events, Owned, SloStatus};
use alerts::{
    AlertRecord, Backtest, BurndownPoint, Delivery, Episode, Slo, TierJudgement, WindowCounts, burndown,
};
use std::collections::BTreeMap;
use std::time::Duration;
use storage::{SliBucket, TimeRange};
use wire::UnixNanos;

/// What was read of one objective.
pub(in super::super) struct Shown {
    pub(in super::super) range: TimeRange,
    pub(in super::super) step: Duration,
    pub(in super::super) events: Events,
    /// Where the judged period ends, and its events.
    pub(in super::super) end: i64,
    pub(in super::super) whole: Events,
}

pub(in super::super) fn slo_detail(
    status: &SloStatus,
    shown: Shown,
    alerts: Vec<(AlertRecord, Vec<Delivery>)>,
    owners: &BTreeMap<String, Owned>,
    summaries: &BTreeMap<String, String>,
) -> wire::SloDetail {
    let Shown { range, step, events, end, whole } = shown;
    let (period_from, period_to) = status.slo.period_at(end);
    let steps: Vec<_> =
        whole.buckets.iter().map(|bucket| (bucket.at, bucket.n_good, bucket.n_total)).collect();
    wire::SloDetail {
        slo: slo_row(status),
        from: UnixNanos(range.from),
        to: UnixNanos(range.to),
        step_s: step_s(step),
        points: sli_points(&events.buckets, range, step),
        period_from: UnixNanos(period_from),
        period_to: UnixNanos(period_to),
        burndown: burndown(&status.slo, end, &steps).into_iter().map(burndown_point).collect(),
        alerts: alerts.into_iter().map(|alert| alert_row(alert, owners, summaries)).collect(),
        sql: events.sql,
    }
}

/// What was kept of an objective.
pub(in super::super) fn slo_definition(definition: Definition, updated_at: i64) -> wire::SloDefinition {
    let (objective, openslo) = match definition {
        Definition::Keys(keys) => (Some(keys), None),
        Definition::OpenSlo(text) => (None, Some(text)),
    };
    wire::SloDefinition { is_configured: false, objective, openslo, updated_at: Some(UnixNanos(updated_at)) }
}

pub(in super::super) fn saved_slo(slo: &Slo, warnings: Vec<String>) -> wire::SavedSlo {
    wire::SavedSlo {
        id: slo.id().to_owned(),
        name: slo.name().to_owned(),
        sentence: slo.sentence(),
        notes: slo.notes().to_vec(),
        warnings,
    }
}

/// What is wrong with a definition.
pub(in super::super) fn field_problem(fault: &Fault) -> wire::FieldProblem {
    wire::FieldProblem {
        field: fault.field.clone(),
        line: fault.line.and_then(|line| u32::try_from(line).ok()),
        message: fault.message.clone(),
        hint: fault.hint.clone(),
    }
}

fn burndown_point(point: BurndownPoint) -> wire::BurndownPoint {
    wire::BurndownPoint { at: UnixNanos(point.at), remaining: point.remaining }
}

/// What an objective's alerts would have done.
pub(in super::super) fn backtest_row(
    slo: &Slo,
    found: Backtest,
    step: Duration,
    sql: String,
) -> wire::BacktestRow {
    wire::BacktestRow {
        id: slo.id().to_owned(),
        name: slo.name().to_owned(),
        sentence: slo.sentence(),
        from: UnixNanos(found.from),
        to: UnixNanos(found.to),
        step_s: step_s(step),
        n_good: found.counts.n_good,
        n_total: found.counts.n_total,
        compliance: found.compliance,
        coverage: found.counts.coverage.share(),
        budget_spent: found.budget_spent,
        pages_per_week: found.pages_per_week,
        tickets_per_week: found.tickets_per_week,
        n_cancelled: found.n_cancelled,
        episodes: found.episodes.into_iter().map(episode_row).collect(),
        burndown: found.burndown.into_iter().map(burndown_point).collect(),
        notes: slo.notes().to_vec(),
        sql,
    }
}

fn episode_row(episode: Episode) -> wire::EpisodeRow {
    wire::EpisodeRow {
        severity: episode.severity.name().to_owned(),
        tier: u32::from(episode.tier),
        onset_at: UnixNanos(episode.onset_at),
        firing_at: UnixNanos(episode.firing_at),
        resolved_at: episode.resolved_at.map(UnixNanos),
        detection_s: episode.detection.as_secs_f64(),
        burn_long: episode.burn_long,
        budget_spent: episode.budget_spent,
    }
}

pub(in super::super) fn slo_row(status: &SloStatus) -> wire::SloRow {
    let slo = &status.slo;
    let judgement = status.judged.as_ref().map(|(_, judgement)| judgement);
    let period = judgement.map_or_else(WindowCounts::default, |judgement| judgement.period);
    let tiers = match judgement {
        Some(judgement) => judgement.tiers.iter().map(|judged| burn_tier(slo, judged)).collect(),
        None => slo.tiers().iter().map(|tier| unjudged_tier(*tier)).collect(),
    };
    wire::SloRow {
        id: slo.id().to_owned(),
        name: slo.name().to_owned(),
        service: slo.service().to_owned(),
        operation: slo.operation().map(str::to_owned),
        indicator: slo.indicator().name().to_owned(),
        threshold_ns: slo.indicator().threshold_ns(),
        sentence: slo.sentence(),
        target: slo.target().share(),
        period_s: slo.period().as_secs(),
        n_good: period.n_good,
        n_total: period.n_total,
        compliance: judgement.and_then(|judgement| judgement.compliance),
        budget_remaining: judgement.and_then(|judgement| judgement.budget_remaining),
        coverage: period.coverage.share(),
        exhaustion_s: judgement.and_then(|judgement| judgement.exhaustion_s),
        state: alert_state(status.phase()),
        is_configured: status.is_configured,
        tiers,
    }
}

fn burn_tier(slo: &Slo, judged: &TierJudgement) -> wire::BurnTier {
    wire::BurnTier {
        reason: judged.reason(slo),
        burn_long: judged.burn_long,
        burn_short: judged.burn_short,
        coverage_long: judged.long.coverage.share(),
        verdict: judged.verdict.name().to_owned(),
        ..unjudged_tier(judged.tier)
    }
}

/// A tier before its first evaluation: nothing is known, which is not the same as good.
fn unjudged_tier(tier: alerts::Tier) -> wire::BurnTier {
    wire::BurnTier {
        tier: u32::from(tier.index),
        severity: tier.severity.name().to_owned(),
        long_s: tier.long.as_secs(),
        short_s: tier.short.as_secs(),
        threshold: tier.threshold(),
        burn_long: None,
        burn_short: None,
        coverage_long: 0.0,
        verdict: alerts::Verdict::FrozenNoData.name().to_owned(),
        reason: None,
    }
}

fn sli_points(buckets: &[SliBucket], range: TimeRange, step: Duration) -> Vec<wire::SliPoint> {
    let find =
        |at: i64| buckets.binary_search_by_key(&at, |bucket| bucket.at).ok().map(|found| &buckets[found]);
    let point = |at| {
        let (n_good, n_total) = find(at).map_or((0, 0), |bucket| (bucket.n_good, bucket.n_total));
        wire::SliPoint { at: UnixNanos(at), n_good, n_total }
    };
    steps(range, step).map(point).collect()
}
