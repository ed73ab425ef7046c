//! Between the parts' own types and the wire's, by hand.
//!
//! The only file that names both sides. Nothing is asked of the engine here and nothing is decided, but
//! for how an absent value is shown.

use super::failure::Failure;
use crate::evaluate::{ReceiverStatus, SloStatus};
use crate::telemetry;
use alerts::{AlertRecord, Delivery, DeliveryState, Phase, TierJudgement, WindowCounts};
use http::StatusCode;
use std::time::Duration;
use storage::{RedTotals, TimeRange};
use wire::UnixNanos;

mod logs;
mod metrics;
mod plain;
mod traces;

pub(super) use logs::{log_buckets, log_rows};
pub(super) use metrics::{metric_detail, metric_row};
pub(super) use traces::{span_detail, trace, trace_summary};

/// How long a client should wait when too many queries run: they end within seconds.
const BUSY_RETRY_AFTER: Duration = Duration::from_secs(1);

/// What the author of a statement is told when it failed.
pub(super) fn statement_failure(error: storage::Error) -> Failure {
    use storage::Error;
    let message = error.to_string();
    match error {
        Error::BadQuery { .. } => Failure::bad_request(message),
        Error::UnsupportedQuery { .. } => Failure::bad_request(message).hint(
            "write it another way: hex(trace_id) instead of trace_id, attributes['key'] instead of attributes, \
             ROWS instead of RANGE in a window, a join instead of a subquery",
        ),
        Error::ReadOnly => Failure::new(StatusCode::BAD_REQUEST, "read_only", message)
            .hint("write a statement that starts with SELECT, WITH, EXPLAIN, SHOW or DESCRIBE"),
        error => failure(error),
    }
}

/// What a client is told when a question of our own making failed. Faults of ours are logged here, where they are
/// consumed; a mistake in a statement is one of them.
pub(super) fn failure(error: storage::Error) -> Failure {
    use storage::Error;
    let message = error.to_string();
    match error {
        Error::QueryTimeout => Failure::new(StatusCode::GATEWAY_TIMEOUT, "query_timeout", message)
            .hint("ask for less: a shorter time range, more filters; or raise limits.query_timeout"),
        Error::QueryMemory => Failure::new(StatusCode::INSUFFICIENT_STORAGE, "query_memory", message)
            .hint("ask for less: a shorter time range, fewer groups; or raise limits.query_memory"),
        Error::TooManyQueries => {
            Failure::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", message).retry_after(BUSY_RETRY_AFTER)
        }
        Error::Overloaded { retry_after } => {
            Failure::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", message).retry_after(retry_after)
        }
        Error::Closed => {
            Failure::new(StatusCode::SERVICE_UNAVAILABLE, "shutting_down", "the server is ending")
        }
        Error::SegmentDamaged { .. } => {
            tracing::error!(error = &error as &dyn std::error::Error, "cannot answer a query");
            Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "segment_damaged", message)
        }
        error => {
            tracing::error!(error = &error as &dyn std::error::Error, "cannot answer a query");
            Failure::internal()
        }
    }
}

/// As `failure`, for the state file.
pub(super) fn state_failure(error: alerts::Error) -> Failure {
    tracing::error!(error = &error as &dyn std::error::Error, "cannot read the alert state");
    Failure::internal()
}

/// Seconds that the read model counts for a range: it begins with the whole first bucket of ten seconds.
pub(super) fn counted_seconds(range: TimeRange) -> f64 {
    const BUCKET_NS: i64 = 10_000_000_000;
    let from = range.from.saturating_sub(range.from.rem_euclid(BUCKET_NS));
    range.to.saturating_sub(from) as f64 / 1e9
}

pub(super) fn red(totals: &RedTotals, range: TimeRange) -> wire::Red {
    wire::Red {
        n_requests: totals.n,
        n_errors: totals.n_errors,
        rate_per_s: totals.n as f64 / counted_seconds(range),
        error_ratio: (totals.n > 0).then(|| totals.n_errors as f64 / totals.n as f64),
        p50_ns: totals.p50_ns,
        p95_ns: totals.p95_ns,
        p99_ns: totals.p99_ns,
    }
}

/// One point for every step of the range, those without data included.
pub(super) fn red_points(
    points: &[(i64, RedTotals)],
    range: TimeRange,
    step: Duration,
) -> Vec<wire::RedPoint> {
    let find = |at: i64| points.binary_search_by_key(&at, |(at, _)| *at).ok().map(|found| &points[found].1);
    let point = |at| {
        let totals = find(at).copied().unwrap_or_default();
        wire::RedPoint {
            at: UnixNanos(at),
            n_requests: totals.n,
            n_errors: totals.n_errors,
            p50_ns: totals.p50_ns,
            p95_ns: totals.p95_ns,
            p99_ns: totals.p99_ns,
        }
    };
    steps(range, step).map(point).collect()
}

/// Starts of the steps that a range touches, counted from 1970.
pub(super) fn steps(range: TimeRange, step: Duration) -> impl Iterator<Item = i64> {
    let step_ns = i64::try_from(step.as_nanos()).unwrap_or(i64::MAX).max(1);
    let first = range.from.saturating_sub(range.from.rem_euclid(step_ns));
    let next = move |at: &i64| at.checked_add(step_ns);
    std::iter::successors(Some(first), next).take_while(move |at| *at < range.to)
}

pub(super) fn step_s(step: Duration) -> u32 {
    u32::try_from(step.as_secs()).unwrap_or(u32::MAX)
}

pub(super) fn peer_kind(kind: storage::PeerKind) -> wire::PeerKind {
    match kind {
        storage::PeerKind::Service => wire::PeerKind::Service,
        storage::PeerKind::Database => wire::PeerKind::Database,
        storage::PeerKind::Messaging => wire::PeerKind::Messaging,
        storage::PeerKind::External => wire::PeerKind::External,
    }
}

pub(super) fn alert_state(phase: Phase) -> wire::AlertState {
    match phase {
        Phase::Inactive => wire::AlertState::Inactive,
        Phase::Pending { .. } => wire::AlertState::Pending,
        Phase::Firing { .. } => wire::AlertState::Firing,
        Phase::Resolved { .. } => wire::AlertState::Resolved,
    }
}

pub(super) fn slo_row(status: &SloStatus) -> wire::SloRow {
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

pub(super) fn sli_points(
    buckets: &[storage::SliBucket],
    range: TimeRange,
    step: Duration,
) -> Vec<wire::SliPoint> {
    let find =
        |at: i64| buckets.binary_search_by_key(&at, |bucket| bucket.at).ok().map(|found| &buckets[found]);
    let point = |at| {
        let (n_good, n_total) = find(at).map_or((0, 0), |bucket| (bucket.n_good, bucket.n_total));
        wire::SliPoint { at: UnixNanos(at), n_good, n_total }
    };
    steps(range, step).map(point).collect()
}

pub(super) fn alert_row((alert, deliveries): (AlertRecord, Vec<Delivery>)) -> wire::AlertRow {
    wire::AlertRow {
        state: alert_state(alert.phase),
        pending_at: UnixNanos(alert.pending_at),
        firing_at: alert.phase.firing_at().map(UnixNanos),
        resolved_at: alert.phase.resolved_at().map(UnixNanos),
        id: alert.id,
        slo_id: alert.slo_id,
        slo_name: alert.slo_name,
        service: alert.service,
        severity: alert.severity.name().to_owned(),
        summary: alert.summary,
        deliveries: deliveries.into_iter().map(delivery_row).collect(),
    }
}

fn delivery_row(delivery: Delivery) -> wire::DeliveryRow {
    let is_delivered = delivery.state == DeliveryState::Delivered;
    wire::DeliveryRow {
        id: delivery.id,
        receiver: delivery.receiver,
        event: delivery.event.name().to_owned(),
        state: delivery.state.name().to_owned(),
        created_at: UnixNanos(delivery.created_at),
        next_attempt_at: delivery.next_attempt_at.map(UnixNanos),
        delivered_at: delivery.finished_at.filter(|_| is_delivered).map(UnixNanos),
        attempts: delivery.attempts.into_iter().map(attempt_row).collect(),
    }
}

fn attempt_row(attempt: alerts::Attempt) -> wire::AttemptRow {
    wire::AttemptRow {
        at: UnixNanos(attempt.at),
        duration_ms: u32::try_from(attempt.duration_ns.max(0) / 1_000_000).unwrap_or(u32::MAX),
        status: attempt.status,
        error: attempt.error,
    }
}

pub(super) fn receiver_row(receiver: ReceiverStatus) -> wire::ReceiverRow {
    let ReceiverStatus { name, target, n_waiting, n_dead } = receiver;
    wire::ReceiverRow { name, target, n_waiting, n_dead }
}

pub(super) fn signal_status(counts: &telemetry::SignalCounts) -> wire::SignalStatus {
    wire::SignalStatus {
        signal: counts.signal.name().to_owned(),
        n_accepted: counts.n_accepted,
        n_rejected: counts.n_rejected,
        rate_per_s: counts.rate_per_s,
        last_received_at: counts.last_received_at.map(UnixNanos),
    }
}

pub(super) fn rejection(rejection: telemetry::Rejection) -> wire::Rejection {
    wire::Rejection {
        reason: rejection.reason.name().to_owned(),
        n: rejection.n,
        last_at: UnixNanos(rejection.last_at),
        example: rejection.example,
        hint: rejection.reason.hint().map(str::to_owned),
    }
}

pub(super) fn storage_status(stats: &storage::Stats) -> wire::StorageStatus {
    wire::StorageStatus {
        n_segments: u32::try_from(stats.n_segments).unwrap_or(u32::MAX),
        segment_bytes: stats.segment_bytes,
        wal_bytes: stats.wal_bytes,
        hot_bytes: stats.hot_bytes,
        hot_rows: stats.hot_rows,
        disk_free_bytes: Some(stats.disk_free_bytes),
    }
}

#[cfg(test)]
mod tests;
