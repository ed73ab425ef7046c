//! `GET /api/v1/status`.

use super::params::Params;
use super::{Api, Failure, convert};
use axum::Json;
use axum::extract::State;
use http::Uri;
use wire::UnixNanos;

pub(super) async fn status(State(api): State<Api>, uri: Uri) -> Result<Json<wire::Status>, Failure> {
    let now = api.now();
    Params::read(&uri, now, &[])?;
    let stats = api.engine()?.stats();
    let counts = api.settings.telemetry.snapshot(now);
    let last_received_at = counts.signals.iter().filter_map(|signal| signal.last_received_at).max();
    Ok(Json(wire::Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: UnixNanos(api.settings.started_at),
        now: UnixNanos(now),
        endpoints: api.settings.endpoints.clone(),
        signals: counts.signals.iter().map(convert::signal_status).collect(),
        rejections: counts.rejections.into_iter().map(convert::rejection).collect(),
        storage: convert::storage_status(&stats),
        has_data: stats.rows_ever.total() > 0,
        last_received_at: last_received_at.map(UnixNanos),
    }))
}
