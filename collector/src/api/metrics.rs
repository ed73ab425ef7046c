//! `GET /api/v1/metrics` and `/api/v1/metrics/{name}`.

use super::params::{Params, step};
use super::{Api, Failure, NameInPath, convert};
use axum::Json;
use axum::extract::State;
use http::Uri;
use storage::MetricQuery;

/// Series of one chart: more lines cannot be told apart.
const SERIES_MAX: usize = 20;

pub(super) async fn list(State(api): State<Api>, uri: Uri) -> Result<Json<wire::MetricList>, Failure> {
    let range = Params::read(&uri, api.now(), &["from", "to"])?.range()?;
    let metrics = api.engine()?.metrics(range).await.map_err(convert::failure)?;
    Ok(Json(convert::metric_list(metrics, range)))
}

pub(super) async fn detail(
    State(api): State<Api>,
    NameInPath(name): NameInPath,
    uri: Uri,
) -> Result<Json<wire::MetricDetail>, Failure> {
    let params = Params::read(&uri, api.now(), &["from", "to", "service"])?;
    let range = params.range()?;
    let service = params.owned("service");
    let query = MetricQuery { range, name, service, step: step(range), series_max: SERIES_MAX };
    let data = api.engine()?.metric(&query).await.map_err(convert::failure)?;
    match data {
        Some(data) => Ok(Json(convert::metric_detail(data, range, query.step))),
        None => {
            Err(Failure::not_found(format!("no point of a metric {:?} is stored in this range", query.name))
                .hint("widen the range, or see GET /api/v1/metrics for what is stored"))
        }
    }
}
