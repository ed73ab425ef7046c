//! `GET /api/v1/services` and `/api/v1/services/{service}`.

use super::convert::{self, Seen};
use super::params::{Params, step};
use super::{Api, Failure, NameInPath, catalogue, off_thread};
use crate::nearest::nearest;
use axum::Json;
use axum::extract::State;
use http::Uri;
use storage::{Engine, OTHERS, RedBy, RedQuery, SERVICES_APART_MAX, TimeRange};

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
    let (answer, known, seen) = tokio::try_join!(
        engine.red(&query),
        engine.services_seen(facts_range(range)),
        engine.last_seen(Some(lately(range)), None),
    )
    .map_err(convert::failure)?;
    let mut seen: Seen = seen.into_iter().collect();
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
    let query = red_query(range, Some(&service), &[RedBy::Service]);
    let by_operation = red_query(range, Some(&service), &[RedBy::Service, RedBy::Operation, RedBy::Kind]);
    let by_version = red_query(range, Some(&service), &[RedBy::Service, RedBy::Version]);
    let catalogued = catalogue::of_service(engine, board, &service, range).await?;
    let (whole, operations, versions, edges, seen) = tokio::try_join!(
        engine.red(&query),
        engine.red(&by_operation),
        engine.red(&by_version),
        engine.edges(range, Some(&service)),
        engine.last_seen(Some(lately(range)), Some(&service)),
    )
    .map_err(convert::failure)?;
    let seen_at = match (seen.into_iter().next(), whole.groups.first()) {
        (Some((_, at)), _) => at,
        // Of more services there are figures than instances.
        (None, Some(group)) => group.last_at,
        (None, None) => seen_at(engine, &service, range, catalogued.heard_at()).await?,
    };
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

/// From when on a service counts as one that may be looked for.
fn lately(range: TimeRange) -> i64 {
    range.from.saturating_sub(SILENT_NS_MAX)
}

/// When a service was last seen that sent no span lately: when anything else was heard of it, or its last span ever.
async fn seen_at(
    engine: &Engine,
    service: &str,
    range: TimeRange,
    heard_at: Option<i64>,
) -> Result<i64, Failure> {
    if let Some(at) = heard_at {
        return Ok(at);
    }
    if let Some(at) = last_span_at(engine, service).await? {
        return Ok(at);
    }
    let others = engine.last_seen(Some(lately(range)), Some(OTHERS)).await.map_err(convert::failure)?;
    // Instances are folded before spans are.
    if !others.is_empty() {
        return Err(perhaps_folded(service));
    }
    let failure = Failure::not_found(format!("nothing of a service {service:?} was ever stored"));
    Err(match meant(engine, service, range).await? {
        Some(near) => failure.hint(format!("did you mean {near:?}?")),
        None => failure
            .hint("names are those of the resource attribute service.name; GET /api/v1/services lists them"),
    })
}

/// When the last span of a service ended, whenever that was.
pub(super) async fn last_span_at(engine: &Engine, service: &str) -> Result<Option<i64>, Failure> {
    let seen = engine.last_seen(None, Some(service)).await.map_err(convert::failure)?;
    Ok(seen.into_iter().map(|(_, at)| at).next())
}

/// The service that somebody may have meant: of those with spans in the last days before the range's end, since the
/// instances of all time would be much to read for a misspelt name.
pub(super) async fn meant(
    engine: &Engine,
    service: &str,
    range: TimeRange,
) -> Result<Option<String>, Failure> {
    let since = range.to.saturating_sub(SILENT_NS_MAX);
    let seen = engine.last_seen(Some(since), None).await.map_err(convert::failure)?;
    Ok(nearest(service, seen.iter().map(|(name, _)| name.as_str())).map(str::to_owned))
}

fn perhaps_folded(service: &str) -> Failure {
    let message = format!(
        "there are no figures of a service {service:?}: too many services came in, so that some, perhaps this one, \
         are counted under {OTHERS:?}"
    );
    let hint = format!(
        "new services are kept apart up to {SERVICES_APART_MAX} between two flushes, and always where an SLO or \
         [[services]] in the configuration names them; GET /api/v1/traces?service=NAME finds its spans"
    );
    Failure::not_found(message).hint(hint)
}
