//! `GET /api/v1/services` and `/api/v1/services/{service}`.

use super::convert::{self, Seen};
use super::params::{Params, step};
use super::{Api, Failure, NameInPath, catalogue, off_thread};
use crate::nearest::nearest;
use axum::Json;
use axum::extract::State;
use http::Uri;
use storage::{Engine, RedBy, RedQuery, TimeRange};

/// A service that was silent this long before the range is not listed any more: 7 days, as raw data by default.
const SILENT_NS_MAX: i64 = 7 * 86_400 * 1_000_000_000;

/// Instances come and go: a day of them says enough of every service, and a month of all would be slow to read.
const FACTS_NS_MAX: i64 = 86_400 * 1_000_000_000;

/// Rows of a page that somebody reads: 3 MB with a point a minute.
const LIMIT: usize = 500;
const LIMIT_MAX: usize = 10_000;

pub(super) async fn list(State(api): State<Api>, uri: Uri) -> Result<Json<wire::ServiceList>, Failure> {
    let params = Params::read(&uri, api.now(), &["from", "to", "limit"])?;
    let (range, limit) = (params.range()?, params.limit(LIMIT, LIMIT_MAX)?);
    let (engine, board) = (api.engine()?, api.board()?);
    let query = red_query(range, None, &[RedBy::Service]);
    let (answer, known) = tokio::try_join!(engine.red(&query), engine.services_seen(facts_range(range)))
        .map_err(convert::failure)?;
    let mut seen = last_seen(engine, Some(range.from.saturating_sub(SILENT_NS_MAX)), api.now()).await?;
    for one in &known {
        seen.entry(one.service.clone()).or_insert(one.last_at);
    }
    let owners = board.owners().all().await.map_err(convert::state_failure)?;
    let slos = board.slos();
    // More services than a page has, each with its points: too much for a thread that serves connections.
    off_thread(move || {
        let listed = convert::Listed {
            query: &query,
            answer,
            seen,
            known: &known,
            owners: &owners,
            slos: &slos,
            limit,
        };
        Ok(Json(convert::service_list(listed)))
    })
    .await
}

pub(super) async fn detail(
    State(api): State<Api>,
    NameInPath(service): NameInPath,
    uri: Uri,
) -> Result<Json<wire::ServiceDetail>, Failure> {
    let range = Params::read(&uri, api.now(), &["from", "to"])?.range()?;
    let (engine, board) = (api.engine()?, api.board()?);
    let catalogued = catalogue::of_service(engine, board, &service, range).await?;
    let seen_at = seen_at(engine, &service, range, (catalogued.heard_at(), api.now())).await?;
    let query = red_query(range, Some(&service), &[RedBy::Service]);
    let by_operation = red_query(range, Some(&service), &[RedBy::Service, RedBy::Operation, RedBy::Kind]);
    let by_version = red_query(range, Some(&service), &[RedBy::Service, RedBy::Version]);
    let (whole, operations, versions, edges) = tokio::try_join!(
        engine.red(&query),
        engine.red(&by_operation),
        engine.red(&by_version),
        engine.edges(range, Some(&service)),
    )
    .map_err(convert::failure)?;
    let detailed =
        convert::Detailed { service, query: &query, whole, operations, versions, edges, catalogued, seen_at };
    Ok(Json(convert::service_detail(detailed)))
}

fn red_query(range: TimeRange, service: Option<&str>, by: &[RedBy]) -> RedQuery {
    let only = service.map(|name| (RedBy::Service, name.to_owned()));
    RedQuery { range, only: Vec::from_iter(only), entry_only: true, by: by.to_vec(), step: step(range) }
}

/// The part of a range whose instances say in which language a service is written, and where it runs.
fn facts_range(range: TimeRange) -> TimeRange {
    TimeRange { from: range.from.max(range.to.saturating_sub(FACTS_NS_MAX)), to: range.to }
}

/// When a service was last seen: its last span, or anything else that was heard of it. All of the read model is only
/// searched for what is not in its newest part.
async fn seen_at(
    engine: &Engine,
    service: &str,
    range: TimeRange,
    (heard_at, now): (Option<i64>, i64),
) -> Result<i64, Failure> {
    let lately = last_seen(engine, Some(range.from.saturating_sub(SILENT_NS_MAX)), now).await?;
    if let Some(at) = lately.get(service).copied().or(heard_at) {
        return Ok(at);
    }
    let ever = last_seen(engine, None, now).await?;
    ever.get(service).copied().ok_or_else(|| never_seen(service, &ever))
}

/// The newest bucket of each service since then, entry spans or not.
async fn last_seen(engine: &Engine, since: Option<i64>, now: i64) -> Result<Seen, Failure> {
    Ok(engine.last_seen(since, now).await.map_err(convert::failure)?.into_iter().collect())
}

fn never_seen(service: &str, seen: &Seen) -> Failure {
    let failure = Failure::not_found(format!("nothing of a service {service:?} was ever stored"));
    match nearest(service, seen.keys().map(String::as_str)) {
        Some(near) => failure.hint(format!("did you mean {near:?}?")),
        None => failure
            .hint("names are those of the resource attribute service.name; GET /api/v1/services lists them"),
    }
}
