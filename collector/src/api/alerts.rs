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
    let marks = marks(board, &alerts, now).await?;
    let mut rows: Vec<wire::AlertRow> =
        alerts.into_iter().map(|alert| convert::alert_row(alert, &owners, &summaries)).collect();
    marks.put(&mut rows);
    Ok(Json(wire::AlertList {
        now: UnixNanos(now),
        alerts: rows,
        receivers: receivers.into_iter().map(convert::receiver_row).collect(),
    }))
}

/// The incidents of these alerts, and what mutes them.
pub(super) async fn marks(
    board: &Board,
    alerts: &[(AlertRecord, Vec<Delivery>)],
    now: i64,
) -> Result<convert::Marks, Failure> {
    let ids = alerts.iter().map(|(alert, _)| alert.id.clone()).collect();
    let memberships = board.memberships(ids).await.map_err(convert::state_failure)?;
    let muting = board.muting(now).await.map_err(convert::state_failure)?;
    let firing = alerts.iter().map(|(alert, _)| alert);
    Ok(convert::Marks::of(firing, &memberships, &muting))
}

/// The short forms of reports about these alerts, by alert.
pub(super) async fn summaries(
    board: &Board,
    alerts: &[(AlertRecord, Vec<Delivery>)],
) -> Result<BTreeMap<String, String>, Failure> {
    let ids = alerts.iter().map(|(alert, _)| alert.id.clone()).collect();
    board.triage_summaries(ids).await.map_err(convert::state_failure)
}
