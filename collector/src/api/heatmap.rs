//! `GET /api/v1/heatmap`.

use super::convert;
use super::params::{Params, step_for};
use super::{Api, Failure, off_thread};
use axum::Json;
use axum::extract::State;
use http::Uri;
use std::time::Duration;
use storage::{HeatmapQuery, SpanFilter};

/// Columns and rows of a picture that a page shows, and those that one answer may have: 24,000 cells, some 2 MB.
const COLUMNS: usize = 60;
const COLUMNS_MAX: usize = 240;
const ROWS: usize = 40;
const ROWS_MIN: usize = 6;
const ROWS_MAX: usize = 100;
/// Looking for traces ends here: the picture is there, and most of its cells have one by then.
const EXEMPLARS_WITHIN: Duration = Duration::from_secs(2);

pub(super) async fn heatmap(State(api): State<Api>, uri: Uri) -> Result<Json<wire::Heatmap>, Failure> {
    let query = read(&Params::read(
        &uri,
        api.now(),
        &[
            "from",
            "to",
            "service",
            "operation",
            "kind",
            "status_class",
            "version",
            "environment",
            "instance",
            "spans",
            "status",
            "min",
            "max",
            "attr",
            "columns",
            "rows",
        ],
    )?)?;
    let heatmap = api.engine()?.heatmap(&query).await.map_err(convert::failure)?;
    off_thread(move || Ok(Json(convert::heatmap(heatmap, &query)))).await
}

fn read(params: &Params) -> Result<HeatmapQuery, Failure> {
    let range = params.range()?;
    let n_columns = params.whole("columns", COLUMNS, 1..=COLUMNS_MAX)?;
    Ok(HeatmapQuery {
        range,
        step: step_for(range, n_columns as u64),
        filter: filter(params)?,
        rows_max: params.whole("rows", ROWS, ROWS_MIN..=ROWS_MAX)?,
        exemplars_within: EXEMPLARS_WITHIN,
    })
}

/// Those of the read model, and those of the search for traces.
fn filter(params: &Params) -> Result<SpanFilter, Failure> {
    let (duration_ns_min, duration_ns_max) = params.durations()?;
    Ok(SpanFilter {
        service: params.owned("service"),
        operation: params.owned("operation"),
        kind: params.owned("kind"),
        status_class: params.owned("status_class"),
        version: params.owned("version"),
        environment: params.owned("environment"),
        instance: params.owned("instance"),
        entry_only: params.entry_only()?,
        is_error: params.is_error()?,
        duration_ns_min,
        duration_ns_max,
        attributes: params.attributes()?,
    })
}
