//! `GET /api/v1/graph`.

use super::convert::{self, Around, Drawn};
use super::params::Params;
use super::{Api, Failure, off_thread, services};
use axum::Json;
use axum::extract::State;
use http::Uri;
use std::time::Duration;
use storage::{Engine, RedBy, RedQuery, TimeRange};

/// Nodes that a picture shows, and those of one answer: with their edges some 4 MB of JSON.
const NODES: usize = 200;
const NODES_MAX: usize = 2_000;
/// Steps from the service in the middle. Few graphs are wider than ten.
const DEPTH: usize = 2;
const DEPTH_MAX: usize = 10;
/// Only totals are shown: as few points as can be.
const STEP_OF_TOTALS: Duration = Duration::from_secs(7 * 86_400);

pub(super) async fn graph(State(api): State<Api>, uri: Uri) -> Result<Json<wire::Graph>, Failure> {
    let params = Params::read(&uri, api.now(), &["from", "to", "service", "depth", "limit"])?;
    let (range, limit, around) = (params.range()?, params.limit(NODES, NODES_MAX)?, around(&params)?);
    let (engine, board) = (api.engine()?, api.board()?);
    let requests = requests(range);
    let (edges, served) =
        tokio::try_join!(engine.edges(range, None), engine.red(&requests)).map_err(convert::failure)?;
    let owners = board.owners().all().await.map_err(convert::state_failure)?;
    let drawn = Drawn { range, edges, served, owners, around, limit };
    if let Some(service) = drawn.missing() {
        check_known(engine, service, range).await?;
    }
    off_thread(move || Ok(Json(convert::graph(&drawn)))).await
}

fn around(params: &Params) -> Result<Option<Around>, Failure> {
    let depth = params.whole("depth", DEPTH, 1..=DEPTH_MAX)?;
    match params.owned("service") {
        Some(service) => Ok(Some(Around { service, depth: depth as u32 })),
        None if params.text("depth").is_some() => {
            let failure =
                Failure::bad_request("parameter depth counts steps from a service, and none is given");
            Err(failure.hint("name the service in the middle, such as service=checkout"))
        }
        None => Ok(None),
    }
}

/// A service that had nothing to do in the range stands alone; one that was never there is a mistake.
async fn check_known(engine: &Engine, service: &str, range: TimeRange) -> Result<(), Failure> {
    if services::last_span_at(engine, service).await?.is_some() {
        return Ok(());
    }
    let failure = Failure::not_found(format!("no span of a service {service:?} was ever stored"));
    Err(match services::meant(engine, service, range).await? {
        Some(near) => failure.hint(format!("did you mean {near:?}?")),
        None => failure.hint("GET /api/v1/graph without service has all that call or are called"),
    })
}

/// What all services were asked for.
fn requests(range: TimeRange) -> RedQuery {
    RedQuery { range, only: Vec::new(), entry_only: true, by: vec![RedBy::Service], step: STEP_OF_TOTALS }
}
