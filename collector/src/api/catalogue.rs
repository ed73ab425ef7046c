//! What is known of one service, but for its figures: since when it is there, its versions and instances, whose it is,
//! and what went out when.

use super::Failure;
use super::convert::{self, Catalogued};
use super::releases::{ever_until, markers};
use crate::evaluate::Board;
use std::time::Duration;
use storage::{Engine, RedBy, RedQuery, TimeRange};

/// Only the whole counts: days, so that the coarsest tables can be read.
const STEP: Duration = Duration::from_secs(86_400);

pub(super) async fn of_service(
    engine: &Engine,
    board: &Board,
    service: &str,
    range: TimeRange,
) -> Result<Catalogued, Failure> {
    let by_instance = by_instance(service, range);
    let (known, instances, requests) = tokio::try_join!(
        engine.service_versions(ever_until(range.to), Some(service)),
        engine.service_instances(range, Some(service)),
        engine.red(&by_instance),
    )
    .map_err(convert::failure)?;
    let markers = markers(board, service, range).await?;
    let ownership = board.owners().of(service).await.map_err(convert::state_failure)?;
    Ok(Catalogued { known, instances, requests, markers, ownership })
}

/// What instances were asked for.
fn by_instance(service: &str, range: TimeRange) -> RedQuery {
    RedQuery {
        range,
        only: vec![(RedBy::Service, service.to_owned())],
        entry_only: true,
        by: vec![RedBy::Version, RedBy::Environment, RedBy::Instance],
        step: STEP,
    }
}
