//! Objectives, their burn rates, and the events that they count.

use super::{alert_row, alert_state, step_s, steps};
use crate::evaluate::{Owned, SloStatus};
use alerts::{AlertRecord, Delivery, TierJudgement, WindowCounts};
use std::collections::BTreeMap;
use std::time::Duration;
use storage::{SliAnswer, SliBucket, SliQuery, TimeRange};
use wire::UnixNanos;

pub(in super::super) fn slo_detail(
    status: &SloStatus,
    query: &SliQuery,
    answer: SliAnswer,
    alerts: Vec<(AlertRecord, Vec<Delivery>)>,
    owners: &BTreeMap<String, Owned>,
    summaries: &BTreeMap<String, String>,
) -> wire::SloDetail {
    wire::SloDetail {
        slo: slo_row(status),
        from: UnixNanos(query.range.from),
        to: UnixNanos(query.range.to),
        step_s: step_s(query.step),
        points: sli_points(&answer.buckets, query.range, query.step),
        alerts: alerts.into_iter().map(|alert| alert_row(alert, owners, summaries)).collect(),
        sql: answer.sql,
    }
}

pub(in super::super) fn slo_row(status: &SloStatus) -> wire::SloRow {
    let slo = &status.slo;
    let judgement = status.judged.as_ref().map(|(_, judgement)| judgement);
    let period = judgement.map_or_else(WindowCounts::default, |judgement| judgement.period);
    let tiers = match judgement {
        Some(judgement) => judgement.tiers.iter().map(burn_tier).collect(),
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
        tiers,
    }
}

fn burn_tier(judged: &TierJudgement) -> wire::BurnTier {
    wire::BurnTier {
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
