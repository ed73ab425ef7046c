//! `GET /api/v1/slos` and `/api/v1/slos/{id}`.

use super::alerts::summaries;
use super::params::{Params, step};
use super::{Api, Failure, NameInPath, convert};
use crate::nearest::nearest;
use axum::Json;
use axum::extract::State;
use http::Uri;
use storage::SliQuery;
use wire::UnixNanos;

/// Occurrences shown beside one objective.
const ALERTS_MAX: u32 = 50;

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
    let Some(status) = board.slo(&id) else {
        let slos = board.slos();
        let failure = Failure::not_found(format!("no SLO has the id {id:?}"));
        let near = nearest(&id, slos.iter().map(|status| status.slo.id()));
        return Err(match near {
            Some(near) => failure.hint(format!("did you mean {near}?")),
            None => failure.hint("SLOs are defined in the configuration file, as [[slos]]"),
        });
    };
    let query = SliQuery {
        range,
        service: status.slo.service().to_owned(),
        operation: status.slo.operation().map(str::to_owned),
        threshold_ns: status.slo.indicator().threshold_ns(),
        step: step(range),
    };
    let answer = engine.sli(&query).await.map_err(convert::failure)?;
    let alerts = board.alerts_of(&id, ALERTS_MAX).await.map_err(convert::state_failure)?;
    let owners = board.owners().all().await.map_err(convert::state_failure)?;
    let summaries = summaries(board, &alerts).await?;
    Ok(Json(convert::slo_detail(&status, &query, answer, alerts, &owners, &summaries)))
}
