//! Between the parts' own types and the wire's, by hand.
//!
//! Only this module builds wire types from others. Nothing is asked of the engine here and nothing is decided,
//! but for how an absent value is shown.

use super::failure::Failure;
use crate::evaluate::Owned;
use crate::telemetry;
use crate::units::nanos;
use alerts::{AlertRecord, Delivery, Phase};
use http::StatusCode;
use std::collections::BTreeMap;
use std::time::Duration;
use storage::TimeRange;
use wire::UnixNanos;

mod catalogue;
mod cohorts;
mod compare;
mod deliveries;
mod graph;
mod heatmap;
mod incidents;
mod logs;
mod metrics;
mod plain;
mod red;
mod saturation;
mod services;
mod silences;
mod slos;
mod traces;
mod triage;

pub(super) use self::triage::triage_failure;
pub(crate) use self::triage::{triage_report, triage_summary};
pub(super) use catalogue::{Catalogued, deployment, marker, ownership, ownership_spec, release_list};
pub(super) use cohorts::compare_report;
pub(super) use compare::{Beside, comparison};
use deliveries::delivery_row;
pub(super) use deliveries::{
    delivery_detail, delivery_list, receiver_row, replayed, replayed_range, test_answer,
};
pub(super) use graph::{Around, Drawn, graph};
pub(super) use heatmap::heatmap;
pub(super) use incidents::{
    AboutIncident, Marks, Released, incident_detail, incident_objective, incident_row,
};
pub(super) use logs::log_list;
pub(super) use metrics::{metric_detail, metric_list};
pub(super) use red::{Compared, red_answer};
pub(super) use saturation::saturation_of;
pub(super) use services::{Detailed, Listed, Seen, service_detail, service_list};
pub(super) use silences::{silence_preview, silence_row, silence_spec};
pub(super) use slos::{Shown, backtest_row, field_problem, saved_slo, slo_definition, slo_detail, slo_row};
pub(super) use traces::{TraceSpans, span_detail, trace, trace_list};

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
        Error::BadPattern { .. } => Failure::bad_request(message).hint(
            "write it as the Rust crate regex reads it, such as (?i)time ?out; a backslash before any of \
             \\.+*?()|[]{}^$ takes it literally",
        ),
        Error::QueryTimeout => Failure::new(StatusCode::GATEWAY_TIMEOUT, "query_timeout", message)
            .hint("ask for less: a shorter time range, more filters; or raise limits.query_timeout"),
        Error::QueryMemory { .. } => Failure::new(StatusCode::INSUFFICIENT_STORAGE, "query_memory", message)
            .hint(
                "ask for less: a shorter time range, fewer columns, fewer groups; joins and windows keep rows in memory, \
                 sorts and groups spill to disk; or raise limits.query_memory, of which SQL has half",
            ),
        Error::QueryDisk { .. } => Failure::new(StatusCode::INSUFFICIENT_STORAGE, "query_disk", message).hint(
            "ask for less: a shorter time range, fewer columns, fewer groups; or raise limits.query_spill, or \
             limits.query_memory; or free disk space: twice the reserve is kept free",
        ),
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
    if matches!(error, alerts::Error::Closed) {
        return failure(storage::Error::Closed);
    }
    tracing::error!(error = &error as &dyn std::error::Error, "cannot read the alert state");
    Failure::internal()
}

/// Starts of the steps that a range touches, counted from 1970.
pub(super) fn steps(range: TimeRange, step: Duration) -> impl Iterator<Item = i64> {
    let step_ns = nanos(step).max(1);
    let first = range.from.saturating_sub(range.from.rem_euclid(step_ns));
    let next = move |at: &i64| at.checked_add(step_ns);
    std::iter::successors(Some(first), next).take_while(move |at| *at < range.to)
}

pub(super) fn step_s(step: Duration) -> u32 {
    u32::try_from(step.as_secs()).unwrap_or(u32::MAX)
}

pub(super) fn alert_state(phase: Phase) -> wire::AlertState {
    match phase {
        Phase::Inactive => wire::AlertState::Inactive,
        Phase::Pending { .. } => wire::AlertState::Pending,
        Phase::Firing { .. } => wire::AlertState::Firing,
        Phase::Resolved { .. } => wire::AlertState::Resolved,
    }
}

pub(super) fn alert_row(
    (alert, deliveries): (AlertRecord, Vec<Delivery>),
    owners: &BTreeMap<String, Owned>,
    summaries: &BTreeMap<String, String>,
) -> wire::AlertRow {
    wire::AlertRow {
        // One that a later version wrote is not shown.
        triage: summaries.get(&alert.id).and_then(|summary| serde_json::from_str(summary).ok()),
        ownership: owners.get(&alert.service).cloned().map(ownership),
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
        incident: None,
        muted_by: None,
        deliveries: deliveries.into_iter().map(delivery_row).collect(),
    }
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
        hint: rejection.hint,
    }
}

pub(super) fn rejected_request(request: telemetry::RejectedRequest) -> wire::RejectedRequest {
    wire::RejectedRequest {
        reason: request.reason.name().to_owned(),
        class: request.reason.class().name().to_owned(),
        n: request.n,
        first_at: UnixNanos(request.first_at),
        last_at: UnixNanos(request.last_at),
        peer: request.origin.peer.map(|peer| peer.to_string()),
        transport: request.origin.transport.name().to_owned(),
        path: request.origin.path,
        signal: request.signal.map(|signal| signal.name().to_owned()),
        message: request.message,
        hint: request.hint,
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
