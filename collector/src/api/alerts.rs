//! `GET /api/v1/alerts`.

use super::params::Params;
use super::{Api, Failure, convert};
use axum::Json;
use axum::extract::State;
use http::Uri;
use wire::UnixNanos;

/// Occurrences in one answer; open ones come first and are far fewer.
const ALERTS_MAX: u32 = 200;

pub(super) async fn list(State(api): State<Api>, uri: Uri) -> Result<Json<wire::AlertList>, Failure> {
    let now = api.now();
    Params::read(&uri, now, &[])?;
    let board = api.board()?;
    let alerts = board.alerts(ALERTS_MAX).await.map_err(convert::state_failure)?;
    let owners = board.owners().all().await.map_err(convert::state_failure)?;
    let receivers = board.receivers().await.map_err(convert::state_failure)?;
    Ok(Json(wire::AlertList {
        now: UnixNanos(now),
        alerts: alerts.into_iter().map(|alert| convert::alert_row(alert, &owners)).collect(),
        receivers: receivers.into_iter().map(convert::receiver_row).collect(),
    }))
}
