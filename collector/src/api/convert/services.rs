//! Rate, errors and duration: of all services, and of one with its operations, neighbours and versions.

use super::catalogue::{Catalogued, distinct, instance_rows, ownership, release_rows};
use super::red::{estimate, figures};
use super::{alert_state, step_s, steps};
use crate::evaluate::{Owned, SloStatus};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;
use storage::{
    Edge, EdgesAnswer, OTHERS, Peer, PeerKind, RedAnswer, RedGroup, RedQuery, RedTotals, SeenService,
    SeenVersion, TimeRange,
};
use wire::UnixNanos;

/// When each service was last heard of, by any signal.
pub(in super::super) type Seen = BTreeMap<String, i64>;

/// What a list of services is made from.
pub(in super::super) struct Listed<'a> {
    pub(in super::super) query: &'a RedQuery,
    pub(in super::super) answer: RedAnswer,
    pub(in super::super) seen: Seen,
    /// By name.
    pub(in super::super) known: &'a [SeenService],
    pub(in super::super) owners: &'a BTreeMap<String, Owned>,
    pub(in super::super) slos: &'a [SloStatus],
    /// Of the rows.
    pub(in super::super) limit: usize,
}

/// Services that fell silent are listed too: that may be what somebody is looking for. Where there are too many, the
/// worst ones stay.
pub(in super::super) fn service_list(listed: Listed<'_>) -> wire::ServiceList {
    let Listed { query, answer, seen, known, owners, slos, limit } = listed;
    let (range, counted) = (query.range, answer.counted);
    let states = alert_states(slos);
    let of_others = answer.groups.iter().find(|group| group.service == OTHERS);
    let n_folded_spans = of_others.map_or(0, |group| group.total.n);
    let silent = seen.iter().filter(|(_, at)| **at < range.to);
    let mut rows: BTreeMap<String, Option<RedGroup>> =
        silent.map(|(service, _)| (service.clone(), None)).collect();
    rows.extend(answer.groups.into_iter().map(|group| (group.service.clone(), Some(group))));
    let n_services = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    let mut rows: Vec<(String, Option<RedGroup>)> = rows.into_iter().collect();
    if rows.len() > limit {
        rows.sort_by_cached_key(|(service, group)| {
            let state = states.get(service.as_str()).copied();
            Reverse((badness(state, group.as_ref()), seen.get(service).copied()))
        });
        rows.truncate(limit);
        rows.sort_by(|(a, _), (b, _)| a.cmp(b));
    }
    let row = |(service, group): (String, Option<RedGroup>)| {
        let (total, points) = group.map(|group| (group.total, group.points)).unwrap_or_default();
        let place = known.binary_search_by(|one| one.service.cmp(&service)).ok();
        let (environments, languages) = place
            .map(|place| (known[place].environments.clone(), known[place].languages.clone()))
            .unwrap_or_default();
        let owned = owners.get(&service).map(|owned| owned.ownership.spec());
        wire::ServiceRow {
            environments,
            languages,
            owner: owned.and_then(|spec| spec.owner.clone()),
            tier: owned.and_then(|spec| spec.tier.clone()),
            red: figures(&total, counted),
            points: red_points(&points, range, query.step),
            last_seen_at: seen.get(&service).copied().map(UnixNanos),
            alert_state: states.get(service.as_str()).copied(),
            service,
        }
    };
    wire::ServiceList {
        from: UnixNanos(range.from),
        to: UnixNanos(range.to),
        step_s: step_s(query.step),
        services: rows.into_iter().map(row).collect(),
        n_services,
        is_coarser: answer.is_coarser,
        n_folded_spans,
        sql: answer.sql,
    }
}

/// How early a service stands in a list of the worst: alerts, then shares of errors that the dashboard marks, then
/// failed and all requests, each counted as what it stands for.
fn badness(state: Option<wire::AlertState>, group: Option<&RedGroup>) -> (u8, u64, u64) {
    let counts = group.map(|group| (group.total.n_adjusted_q16, group.total.n_errors_adjusted_q16));
    let (n, n_errors) = counts.unwrap_or_default();
    let is_above = |percent: u64| u128::from(n_errors) * 100 > u128::from(n) * u128::from(percent);
    let level = match state {
        Some(wire::AlertState::Firing) => 4,
        _ if is_above(5) => 3,
        Some(wire::AlertState::Pending) => 2,
        _ => u8::from(is_above(1)),
    };
    (level, n_errors, n)
}

/// The worst state of each service's objectives.
fn alert_states(slos: &[SloStatus]) -> BTreeMap<&str, wire::AlertState> {
    let mut states = BTreeMap::new();
    for status in slos {
        let state = alert_state(status.phase());
        let worst = states.entry(status.slo.service()).or_insert(state);
        *worst = state.max(*worst);
    }
    states
}

/// What the page of one service is made from.
pub(in super::super) struct Detailed<'a> {
    pub(in super::super) service: String,
    /// That of `whole`.
    pub(in super::super) query: &'a RedQuery,
    pub(in super::super) whole: RedAnswer,
    pub(in super::super) operations: RedAnswer,
    pub(in super::super) versions: RedAnswer,
    pub(in super::super) edges: EdgesAnswer,
    pub(in super::super) catalogued: Catalogued,
    pub(in super::super) seen_at: i64,
}

pub(in super::super) fn service_detail(detailed: Detailed<'_>) -> wire::ServiceDetail {
    let Detailed { service, query, whole, operations, versions, edges, catalogued, seen_at } = detailed;
    let Catalogued { known, instances, requests, markers, ownership: owned } = catalogued;
    let range = query.range;
    let is_there = |seen: &&SeenVersion| seen.last_at >= range.from;
    let is_coarser = [&whole, &operations, &versions, &requests].into_iter().any(|answer| answer.is_coarser)
        || edges.is_coarser;
    let (total, points) =
        whole.groups.into_iter().next().map(|group| (group.total, group.points)).unwrap_or_default();
    let (callers, callees) = neighbours(&service, &edges);
    wire::ServiceDetail {
        from: UnixNanos(range.from),
        to: UnixNanos(range.to),
        step_s: step_s(query.step),
        red: figures(&total, whole.counted),
        points: red_points(&points, range, query.step),
        operations: operation_rows(operations, range, query.step),
        callers,
        callees,
        versions: version_rows(versions, &known),
        first_seen_at: known.iter().map(|seen| UnixNanos(seen.first_at)).min(),
        last_seen_at: Some(UnixNanos(seen_at)),
        environments: distinct(known.iter().filter(is_there).map(|seen| seen.environment.as_str())),
        languages: distinct(instances.iter().map(|seen| seen.language.as_str())),
        n_instances: u32::try_from(instances.len()).unwrap_or(u32::MAX),
        instances: instance_rows(instances, &requests),
        ownership: owned.map(ownership),
        releases: release_rows(range, &known, markers),
        is_coarser,
        sql: whole.sql,
        service,
    }
}

/// By time spent, largest first.
fn operation_rows(answer: RedAnswer, range: TimeRange, step: Duration) -> Vec<wire::OperationRow> {
    let RedAnswer { mut groups, counted, .. } = answer;
    groups.sort_by_key(|group| Reverse(group.total.sum_ns));
    let row = |group: RedGroup| wire::OperationRow {
        red: figures(&group.total, counted),
        points: red_points(&group.points, range, step),
        operation: group.operation,
        kind: group.kind,
    };
    groups.into_iter().map(row).collect()
}

fn version_rows(answer: RedAnswer, known: &[SeenVersion]) -> Vec<wire::VersionRow> {
    let RedAnswer { groups, counted, .. } = answer;
    let first_at = |group: &RedGroup| {
        let of_version = known.iter().filter(|seen| seen.version == group.version);
        of_version.map(|seen| seen.first_at).min().unwrap_or(group.first_at)
    };
    let row = |group: RedGroup| wire::VersionRow {
        red: figures(&group.total, counted),
        first_seen_at: UnixNanos(first_at(&group)),
        version: group.version,
        last_seen_at: UnixNanos(group.last_at),
    };
    groups.into_iter().map(row).collect()
}

/// Callers and callees. A service that calls itself is in both.
fn neighbours(service: &str, answer: &EdgesAnswer) -> (Vec<wire::EdgeRow>, Vec<wire::EdgeRow>) {
    let row = |peer: &Peer, edge: &Edge| wire::EdgeRow {
        peer: peer.label(),
        peer_kind: peer_kind(peer.kind),
        red: figures(&edge.totals, answer.counted),
    };
    let own = Peer::service(service);
    let callers = answer.edges.iter().filter(|edge| edge.callee == own);
    let callees = answer.edges.iter().filter(|edge| edge.caller == own);
    (
        callers.map(|edge| row(&edge.caller, edge)).collect(),
        callees.map(|edge| row(&edge.callee, edge)).collect(),
    )
}

pub(super) fn peer_kind(kind: PeerKind) -> wire::PeerKind {
    match kind {
        PeerKind::Service => wire::PeerKind::Service,
        PeerKind::Database => wire::PeerKind::Database,
        PeerKind::Messaging => wire::PeerKind::Messaging,
        PeerKind::External => wire::PeerKind::External,
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
            estimate: estimate(&totals),
            p50_ns: totals.p50_ns,
            p95_ns: totals.p95_ns,
            p99_ns: totals.p99_ns,
        }
    };
    steps(range, step).map(point).collect()
}
