//! `GET /api/v1/services/{service}/saturation`.

use super::params::{Params, step};
use super::{Api, Failure, NameInPath, convert, off_thread};
use crate::saturation;
use axum::Json;
use axum::extract::State;
use http::Uri;

/// A service that sends none of the known metrics has an answer too, which says what they are.
pub(super) async fn of_service(
    State(api): State<Api>,
    NameInPath(service): NameInPath,
    uri: Uri,
) -> Result<Json<wire::Saturation>, Failure> {
    let range = Params::read(&uri, api.now(), &["from", "to"])?.range()?;
    let query = saturation::query(service, range, step(range));
    let streams = api.engine()?.streams(&query).await.map_err(convert::failure)?;
    off_thread(move || Ok(Json(convert::saturation_of(query, streams)))).await
}
