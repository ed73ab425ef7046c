//! `GET /api/v1/services/{service}/releases` and `POST /api/v1/releases`: what went out when.

use super::changes::{Expected, check_content_type, check_origin, read_json};
use super::params::Params;
use super::{Api, Failure, NameInPath, convert};
use crate::evaluate::Board;
use crate::units::{self, MOMENT_HINT, nanos};
use alerts::Deployment;
use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, Uri};
use std::time::Duration;
use storage::TimeRange;

const EXPECTED: Expected =
    Expected { bytes_max: 32 << 10, example: "{\"service\": \"cart\", \"version\": \"2.0\"}" };
/// Markers of one answer: as many as are kept of a service.
const MARKERS_MAX: u32 = 1_000;
/// Clocks differ, and deployments are announced a little ahead.
const AHEAD_MAX: Duration = Duration::from_secs(3_600);
/// Markers are forgotten after this.
const KEPT: Duration = Duration::from_secs(400 * 86_400);

pub(super) async fn list(
    State(api): State<Api>,
    NameInPath(service): NameInPath,
    uri: Uri,
) -> Result<Json<wire::ReleaseList>, Failure> {
    let range = Params::read(&uri, api.now(), &["from", "to"])?.range()?;
    let (engine, board) = (api.engine()?, api.board()?);
    let versions = engine.service_versions(ever_until(range.to), Some(&service)).await;
    let versions = versions.map_err(convert::failure)?;
    let markers = markers(board, &service, range).await?;
    Ok(Json(convert::release_list(service, range, &versions, markers)))
}

/// What was deployed in the range.
pub(super) async fn markers(
    board: &Board,
    service: &str,
    range: TimeRange,
) -> Result<Vec<Deployment>, Failure> {
    board.deployments(service, range.from, range.to, MARKERS_MAX).await.map_err(convert::state_failure)
}

/// Whether a version came at a moment is known of all that came before.
pub(super) fn ever_until(to: i64) -> TimeRange {
    TimeRange { from: 0, to }
}

pub(super) async fn post(State(api): State<Api>, request: Request) -> Result<Response, Failure> {
    let now = api.now();
    Params::read(request.uri(), now, &[])?;
    check_origin(request.uri(), request.headers())?;
    check_content_type(request.headers(), EXPECTED)?;
    let board = api.board()?;
    let asked: wire::ReleaseRequest = read_json(request.into_body(), EXPECTED).await?;
    let at = asked.at.as_deref().map_or(Ok(now), |text| moment(text, now))?;
    let marker = convert::deployment(asked, at, now);
    marker.check().map_err(|error| Failure::bad_request(error.to_string()))?;
    let is_new = board.put_deployment(marker.clone()).await.map_err(convert::state_failure)?;
    if is_new {
        return Ok((StatusCode::CREATED, Json(convert::marker(marker))).into_response());
    }
    // What was said first stands.
    let known = markers(board, &marker.service, TimeRange { from: at, to: at.saturating_add(1) }).await?;
    let is_it =
        |known: &Deployment| (&known.version, &known.environment) == (&marker.version, &marker.environment);
    let known = known.into_iter().find(is_it).unwrap_or(marker);
    Ok(Json(convert::marker(known)).into_response())
}

fn moment(text: &str, now: i64) -> Result<i64, Failure> {
    let shown: String = text.chars().take(80).collect();
    let refuse = |complaint: &str| Failure::bad_request(format!("at: {shown:?} {complaint}"));
    let at = units::moment(text, now).ok_or_else(|| refuse("is not a time").hint(MOMENT_HINT))?;
    if at > now.saturating_add(nanos(AHEAD_MAX)) {
        return Err(refuse("is more than an hour ahead").hint("tell of a deployment when it is there"));
    }
    if at < now.saturating_sub(nanos(KEPT)) {
        return Err(refuse("is longer ago than markers are kept").hint("they are kept for 400 days"));
    }
    Ok(at)
}
