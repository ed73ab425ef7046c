//! `GET /api/v1/alerts`.

use super::params::Params;
use super::{Api, Failure, convert};
use crate::evaluate::Board;
use alerts::{AlertRecord, Delivery};
use axum::Json;
use axum::extract::State;
use http::Uri;
use std::collections::BTreeMap;
use wire::UnixNanos;

/// Occurrences in one answer; open ones come first and are far fewer.
const ALERTS_MAX: u32 = 200;

pub(super) async fn list(State(api): State<Api>, uri: Uri) -> Result<Json<wire::AlertList>, Failure> {
    let now = api.now();
    Params::read(&uri, now, &[])?;
    let board = api.board()?;
    let alerts = board.alerts(ALERTS_MAX).await.map_err(convert::state_failure)?;
    let owners = board.owners().all().await.map_err(convert::state_failure)?;
    let summaries = summaries(board, &alerts).await?;
    let receivers = board.receivers().await.map_err(convert::state_failure)?;
    Ok(Json(wire::AlertList {
        now: UnixNanos(now),
        alerts: alerts.into_iter().map(|alert| convert::alert_row(alert, &owners, &summaries)).collect(),
        receivers: receivers.into_iter().map(convert::receiver_row).collect(),
    }))
}

/// The short forms of reports about these alerts, by alert.
pub(super) async fn summaries(
    board: &Board,
    alerts: &[(AlertRecord, Vec<Delivery>)],
) -> Result<BTreeMap<String, String>, Failure> {
    let ids = alerts.iter().map(|(alert, _)| alert.id.clone()).collect();
    board.triage_summaries(ids).await.map_err(convert::state_failure)
}
