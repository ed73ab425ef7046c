//! `GET /api/v1/slos`, `/api/v1/slos/{id}` and `/api/v1/slos/{id}/export`.
//!
//! What creates and changes objectives is in `objectives`.

use super::alerts::{marks, summaries};
use super::params::{Params, step};
use super::{Api, Failure, NameInPath, convert};
use crate::evaluate::{Board, SloStatus, read_events};
use crate::nearest::nearest;
use crate::{openslo, prometheus_rules};
use alerts::{Indicator, Slo};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::Uri;
use http::header::CONTENT_TYPE;
use std::time::Duration;
use storage::TimeRange;
use wire::UnixNanos;

/// Occurrences shown beside one objective.
const ALERTS_MAX: u32 = 50;
/// The finest steps that read models have.
const STEP_MIN: Duration = Duration::from_secs(10);

pub(super) async fn list(State(api): State<Api>, uri: Uri) -> Result<Json<wire::SloList>, Failure> {
    let now = api.now();
    Params::read(&uri, now, &[])?;
    let slos = api.board()?.slos();
    Ok(Json(wire::SloList { now: UnixNanos(now), slos: slos.iter().map(convert::slo_row).collect() }))
}

pub(super) async fn detail(
    State(api): State<Api>,
    NameInPath(id): NameInPath,
    uri: Uri,
) -> Result<Json<wire::SloDetail>, Failure> {
    let range = Params::read(&uri, api.now(), &["from", "to"])?.range()?;
    let (engine, board) = (api.engine()?, api.board()?);
    let status = find(board, &id)?;
    let slo = &*status.slo;
    let steps = step(range).max(step_min(slo));
    let end = status.judged.as_ref().map_or_else(|| api.now(), |(end, _)| *end);
    let period = TimeRange { from: slo.period_at(end).0, to: end };
    let (events, whole) = tokio::try_join!(
        read_events(engine, slo, range, steps),
        read_events(engine, slo, period, step(period).max(step_min(slo))),
    )
    .map_err(failure_of(slo))?;
    let alerts = board.alerts_of(&id, ALERTS_MAX).await.map_err(convert::state_failure)?;
    let owners = board.owners().all().await.map_err(convert::state_failure)?;
    let summaries = summaries(board, &alerts).await?;
    let marks = marks(board, &alerts, api.now()).await?;
    let shown = convert::Shown { range, step: steps, events, end, whole };
    let mut detail = convert::slo_detail(&status, shown, alerts, &owners, &summaries);
    marks.put(&mut detail.alerts);
    Ok(Json(detail))
}

/// What is told when events cannot be read: where an operator wrote the statement, a mistake in it is not ours.
pub(super) fn failure_of(slo: &Slo) -> fn(storage::Error) -> Failure {
    match slo.indicator() {
        Indicator::Ratio(_) => convert::statement_failure,
        Indicator::Availability | Indicator::Latency { .. } => convert::failure,
    }
}

/// A slice of time is the finest that an objective of slices knows.
pub(super) fn step_min(slo: &Slo) -> Duration {
    slo.timeslice().map_or(STEP_MIN, |slice| slice.width)
}

pub(super) async fn export(
    State(api): State<Api>,
    NameInPath(id): NameInPath,
    uri: Uri,
) -> Result<Response, Failure> {
    let params = Params::read(&uri, api.now(), &["format"])?;
    let is_openslo = params.choice("format", &[("openslo", true), ("prometheus", false)])?;
    let status = find(api.board()?, &id)?;
    let text = if is_openslo {
        openslo::export([&*status.slo])
    } else {
        let url = &api.settings.endpoints.dashboard;
        prometheus_rules::export([&*status.slo], url)
            .map_err(|error| Failure::bad_request(error.to_string()).hint("add format=openslo"))?
    };
    Ok(([(CONTENT_TYPE, "application/yaml; charset=utf-8")], text).into_response())
}

/// The objective of that id, or the one that was meant.
pub(super) fn find(board: &Board, id: &str) -> Result<SloStatus, Failure> {
    if let Some(status) = board.slo(id) {
        return Ok(status);
    }
    let slos = board.slos();
    let failure = Failure::not_found(format!("no SLO has the id {id:?}"));
    let near = nearest(id, slos.iter().map(|status| status.slo.id()));
    Err(match near {
        Some(near) => failure.hint(format!("did you mean {near}?")),
        None => failure.hint(
            "SLOs are created with POST /api/v1/slos, or in the configuration file: [[slos]], slo_files",
        ),
    })
}
