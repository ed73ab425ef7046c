//! `GET /api/v1/services` and `/api/v1/services/{service}`.

use super::params::{Params, step};
use super::{Api, Failure, InPath, convert};
use crate::evaluate::Board;
use crate::nearest::nearest;
use axum::Json;
use axum::extract::State;
use http::Uri;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use storage::{Edge, Engine, RedBy, RedGroup, RedQuery, RedTotals, TimeRange};
use wire::UnixNanos;

/// A service that was silent this long before the range is not listed any more: 7 days, as raw data by default.
const SILENT_NS_MAX: i64 = 7 * 86_400 * 1_000_000_000;

pub(super) async fn list(State(api): State<Api>, uri: Uri) -> Result<Json<wire::ServiceList>, Failure> {
    let range = Params::read(&uri, api.now(), &["from", "to"])?.range()?;
    let (engine, board) = (api.engine()?, api.board()?);
    let query = red_query(range, None, RedBy::Service);
    let groups = engine.red(&query).await.map_err(convert::failure)?;
    let mut groups: BTreeMap<String, RedGroup> =
        groups.into_iter().map(|group| (group.service.clone(), group)).collect();
    let listed_from = range.from.saturating_sub(SILENT_NS_MAX);
    let seen = last_seen(engine, Some(listed_from)).await?;
    // Services that fell silent are listed too: that may be what somebody is looking for.
    let silent = seen.iter().filter(|(service, at)| **at < range.to && !groups.contains_key(*service));
    let mut services: Vec<_> = silent.map(|(service, _)| (service.clone(), None)).collect();
    services.extend(std::mem::take(&mut groups).into_iter().map(|(service, group)| (service, Some(group))));
    services.sort_by(|a, b| a.0.cmp(&b.0));
    let states = alert_states(board);
    let row = |(service, group): (String, Option<RedGroup>)| {
        let (total, points) = group.map(|group| (group.total, group.points)).unwrap_or_default();
        wire::ServiceRow {
            red: convert::red(&total, range),
            points: convert::red_points(&points, range, query.step),
            last_seen_at: seen.get(&service).copied().map(UnixNanos),
            alert_state: states.get(&service).copied(),
            service,
        }
    };
    Ok(Json(wire::ServiceList {
        from: UnixNanos(range.from),
        to: UnixNanos(range.to),
        step_s: convert::step_s(query.step),
        services: services.into_iter().map(row).collect(),
        sql: query.sql(),
    }))
}

pub(super) async fn detail(
    State(api): State<Api>,
    InPath(service): InPath<String>,
    uri: Uri,
) -> Result<Json<wire::ServiceDetail>, Failure> {
    let range = Params::read(&uri, api.now(), &["from", "to"])?.range()?;
    let engine = api.engine()?;
    let seen_at = seen_at(engine, &service, range).await?;
    let query = red_query(range, Some(&service), RedBy::Service);
    let by_operation = red_query(range, Some(&service), RedBy::Operation);
    let by_version = red_query(range, Some(&service), RedBy::Version);
    let (whole, operations, versions, edges) = tokio::try_join!(
        engine.red(&query),
        engine.red(&by_operation),
        engine.red(&by_version),
        engine.edges(range, Some(&service)),
    )
    .map_err(convert::failure)?;
    let (total, points) =
        whole.into_iter().next().map(|group| (group.total, group.points)).unwrap_or_default();
    let (callers, callees) = neighbours(&service, edges, range);
    Ok(Json(wire::ServiceDetail {
        from: UnixNanos(range.from),
        to: UnixNanos(range.to),
        step_s: convert::step_s(query.step),
        red: convert::red(&total, range),
        points: convert::red_points(&points, range, query.step),
        operations: operation_rows(operations, range, &by_operation),
        callers,
        callees,
        versions: versions.into_iter().map(|group| version_row(group, range)).collect(),
        last_seen_at: Some(UnixNanos(seen_at)),
        sql: query.sql(),
        service,
    }))
}

fn red_query(range: TimeRange, service: Option<&str>, by: RedBy) -> RedQuery {
    RedQuery { range, service: service.map(str::to_owned), entry_only: true, by, step: step(range) }
}

/// When a service was last seen. All of the read model is only searched for what is not in its newest part.
async fn seen_at(engine: &Engine, service: &str, range: TimeRange) -> Result<i64, Failure> {
    let lately = last_seen(engine, Some(range.from.saturating_sub(SILENT_NS_MAX))).await?;
    if let Some(at) = lately.get(service) {
        return Ok(*at);
    }
    let ever = last_seen(engine, None).await?;
    ever.get(service).copied().ok_or_else(|| never_seen(service, &ever))
}

/// The newest bucket of each service since then, entry spans or not.
async fn last_seen(engine: &Engine, since: Option<i64>) -> Result<BTreeMap<String, i64>, Failure> {
    Ok(engine.last_seen(since).await.map_err(convert::failure)?.into_iter().collect())
}

fn never_seen(service: &str, seen: &BTreeMap<String, i64>) -> Failure {
    let failure = Failure::not_found(format!("no span of a service {service:?} was ever stored"));
    match nearest(service, seen.keys().map(String::as_str)) {
        Some(near) => failure.hint(format!("did you mean {near:?}?")),
        None => failure
            .hint("names are those of the resource attribute service.name; GET /api/v1/services lists them"),
    }
}

/// The worst state of each service's objectives.
fn alert_states(board: &Board) -> BTreeMap<String, wire::AlertState> {
    let mut states = BTreeMap::new();
    for status in board.slos().iter() {
        let state = convert::alert_state(status.phase());
        let worst = states.entry(status.slo.service().to_owned()).or_insert(state);
        *worst = state.max(*worst);
    }
    states
}

/// By time spent, largest first.
fn operation_rows(mut groups: Vec<RedGroup>, range: TimeRange, query: &RedQuery) -> Vec<wire::OperationRow> {
    groups.sort_by_key(|group| Reverse(group.total.sum_ns));
    let row = |group: RedGroup| wire::OperationRow {
        red: convert::red(&group.total, range),
        points: convert::red_points(&group.points, range, query.step),
        operation: group.operation,
        kind: group.kind,
    };
    groups.into_iter().map(row).collect()
}

fn version_row(group: RedGroup, range: TimeRange) -> wire::VersionRow {
    wire::VersionRow {
        red: convert::red(&group.total, range),
        version: group.version,
        first_seen_at: UnixNanos(group.first_at),
        last_seen_at: UnixNanos(group.last_at),
    }
}

/// Callers and callees. A service that calls itself is in both.
fn neighbours(service: &str, edges: Vec<Edge>, range: TimeRange) -> (Vec<wire::EdgeRow>, Vec<wire::EdgeRow>) {
    let row = |peer: &str, peer_kind, totals: &RedTotals| wire::EdgeRow {
        peer: peer.to_owned(),
        peer_kind,
        red: convert::red(totals, range),
    };
    let is_service = |edge: &&Edge| edge.callee == service && edge.callee_kind == storage::PeerKind::Service;
    let callers = edges.iter().filter(is_service);
    let callees = edges.iter().filter(|edge| edge.caller == service);
    (
        callers.map(|edge| row(&edge.caller, wire::PeerKind::Service, &edge.totals)).collect(),
        callees.map(|edge| row(&edge.callee, convert::peer_kind(edge.callee_kind), &edge.totals)).collect(),
    )
}
