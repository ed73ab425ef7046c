//! `/api/v1/services/{service}/ownership`: whose a service is, read, set and forgotten.
//!
//! What the configuration says counts, and cannot be changed here. A service need not have sent anything yet.

use super::changes::{Expected, check_content_type, check_origin, read_json};
use super::params::Params;
use super::{Api, Failure, NameInPath, convert};
use crate::evaluate::{Board, Owned};
use crate::nearest::nearest;
use alerts::Ownership;
use axum::Json;
use axum::extract::{Request, State};
use http::{HeaderMap, StatusCode, Uri};

/// All facts at their longest, with room for escapes.
const EXPECTED: Expected = Expected {
    bytes_max: 128 << 10,
    example: "{\"owner\": \"payments\", \"playbooks\": [\"https://wiki.example.com/cart\"]}",
};
/// Bytes of a service's name: what of one is kept of telemetry.
const SERVICE_BYTES_MAX: usize = 1_024;

pub(super) async fn get(
    State(api): State<Api>,
    NameInPath(service): NameInPath,
    uri: Uri,
) -> Result<Json<wire::Ownership>, Failure> {
    Params::read(&uri, api.now(), &[])?;
    let owned = api.board()?.owners().of(&service).await.map_err(convert::state_failure)?;
    owned.map(|owned| Json(convert::ownership(owned))).ok_or_else(|| nothing_said(&service))
}

pub(super) async fn put(
    State(api): State<Api>,
    NameInPath(service): NameInPath,
    request: Request,
) -> Result<Json<wire::Ownership>, Failure> {
    let now = api.now();
    Params::read(request.uri(), now, &[])?;
    check_origin(request.uri(), request.headers())?;
    check_content_type(request.headers(), EXPECTED)?;
    let board = api.board()?;
    check_service(board, &service)?;
    let facts = read_json(request.into_body(), EXPECTED).await?;
    let ownership = Ownership::new(convert::ownership_spec(facts))
        .map_err(|error| Failure::bad_request(error.to_string()))?;
    check_receiver(board, &ownership)?;
    let is_kept = board.owners().put(&service, ownership.clone(), now).await;
    if !is_kept.map_err(convert::state_failure)? {
        let message = "facts of 10000 services are kept, and there is no room for another";
        return Err(Failure::new(StatusCode::CONFLICT, "too_many", message)
            .hint("forget those of another service with DELETE, or write them into the configuration"));
    }
    Ok(Json(convert::ownership(Owned { ownership, updated_at: Some(now), overrides_api: false })))
}

pub(super) async fn delete(
    State(api): State<Api>,
    NameInPath(service): NameInPath,
    uri: Uri,
    headers: HeaderMap,
) -> Result<StatusCode, Failure> {
    Params::read(&uri, api.now(), &[])?;
    check_origin(&uri, &headers)?;
    let owners = api.board()?.owners();
    if owners.forget(&service).await.map_err(convert::state_failure)? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(if owners.is_configured(&service) { configured(&service) } else { nothing_said(&service) })
}

fn check_service(board: &Board, service: &str) -> Result<(), Failure> {
    if board.owners().is_configured(service) {
        return Err(configured(service));
    }
    if (1..=SERVICE_BYTES_MAX).contains(&service.len()) {
        return Ok(());
    }
    Err(Failure::bad_request(format!("the name of a service has 1 to {SERVICE_BYTES_MAX} bytes")))
}

fn check_receiver(board: &Board, ownership: &Ownership) -> Result<(), Failure> {
    let Some(receiver) = &ownership.spec().receiver else { return Ok(()) };
    if board.receiver_names().any(|known| known == receiver) {
        return Ok(());
    }
    let failure = Failure::bad_request(format!("no receiver is called {receiver:?}"));
    Err(match nearest(receiver, board.receiver_names()) {
        Some(near) => failure.hint(format!("did you mean {near:?}?")),
        None => failure.hint("receivers are defined in the configuration file, as [[receivers]]"),
    })
}

fn configured(service: &str) -> Failure {
    let message = format!("the configuration says whose {service:?} is, and that counts");
    Failure::new(StatusCode::CONFLICT, "configured", message)
        .hint("change its [[services]] table in the configuration file, or remove it there")
}

fn nothing_said(service: &str) -> Failure {
    Failure::not_found(format!("nobody said whose {service:?} is"))
        .hint("say it with PUT to this path, or as [[services]] in the configuration file")
}
