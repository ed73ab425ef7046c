//! `POST /api/v1/slos`, `PUT` and `DELETE /api/v1/slos/{id}`, and `GET /api/v1/slos/{id}/definition`: objectives that
//! come over the API.
//!
//! What a back-test takes can be kept, and is held to what the configuration is held to. Objectives of the
//! configuration and of its files cannot be changed here.

use super::backtest::refused;
use super::changes::{Expected, check_content_type, check_origin, read_json};
use super::params::Params;
use super::{Api, Failure, NameInPath, convert, slos};
use crate::definition::{Definition, Fault};
use crate::evaluate::Board;
use crate::openslo;
use alerts::{Creation, OBJECTIVE_BYTES_MAX, Slo, StoredObjective};
use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, Uri};

const EXPECTED: Expected = Expected {
    bytes_max: 1 << 20,
    example: "{\"objective\": {\"id\": \"cart-ok\", \"service\": \"cart\", \"indicator\": \"availability\", \"target\": 99.9}}",
};
/// Paths of the API that objectives of these ids would stand behind.
const TAKEN: [&str; 2] = ["backtest", "proposals"];

/// What somebody wants to keep, checked.
struct Wanted {
    slo: Slo,
    definition: Definition,
    warnings: Vec<String>,
}

pub(super) async fn post(State(api): State<Api>, request: Request) -> Result<Response, Failure> {
    let (asked, now) = asked(&api, request).await?;
    let wanted = wanted(&api, definition_of(asked)?)?;
    let objectives = api.board()?.objectives();
    let id = wanted.slo.id();
    if objectives.is_configured(id) {
        return Err(at_id(configured(id), "the configuration has an SLO of this id"));
    }
    match objectives.create(id, &wanted.definition, now).await.map_err(convert::state_failure)? {
        Creation::Created => {}
        Creation::Exists => return Err(exists(id)),
        Creation::TooMany => return Err(too_many()),
    }
    objectives.taken_up().await;
    let saved = convert::saved_slo(&wanted.slo, wanted.warnings);
    Ok((StatusCode::CREATED, Json(saved)).into_response())
}

pub(super) async fn put(
    State(api): State<Api>,
    NameInPath(id): NameInPath,
    request: Request,
) -> Result<Json<wire::SavedSlo>, Failure> {
    let (asked, now) = asked(&api, request).await?;
    let board = api.board()?;
    let objectives = board.objectives();
    if objectives.is_configured(&id) {
        return Err(configured(&id));
    }
    let before = objectives.one(&id).await.map_err(convert::state_failure)?;
    let Some(before) = before else { return Err(not_there(board, &id)) };
    let wanted = wanted(&api, named(definition_of(asked)?, &id))?;
    if wanted.slo.id() != id {
        let message = format!("the SLO is called {id:?} by its path, and keeps its id");
        let hint = "create one of the other id with POST /api/v1/slos, and delete this one";
        return Err(refused(&[Fault::at_key("id", message).hint(hint)]));
    }
    let counts_the_same =
        counted_before(board, &before).is_some_and(|slo| counts_the_same(&slo, &wanted.slo));
    let replaced = objectives.replace(&before, &wanted.definition, counts_the_same, now).await;
    if !replaced.map_err(convert::state_failure)? {
        return Err(not_there(board, &id));
    }
    objectives.taken_up().await;
    Ok(Json(convert::saved_slo(&wanted.slo, wanted.warnings)))
}

pub(super) async fn delete(
    State(api): State<Api>,
    NameInPath(id): NameInPath,
    uri: Uri,
    headers: HeaderMap,
) -> Result<StatusCode, Failure> {
    Params::read(&uri, api.now(), &[])?;
    check_origin(&uri, &headers)?;
    let board = api.board()?;
    if board.objectives().forget(&id).await.map_err(convert::state_failure)? {
        board.objectives().taken_up().await;
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(if board.objectives().is_configured(&id) { configured(&id) } else { not_there(board, &id) })
}

pub(super) async fn definition(
    State(api): State<Api>,
    NameInPath(id): NameInPath,
    uri: Uri,
) -> Result<Json<wire::SloDefinition>, Failure> {
    Params::read(&uri, api.now(), &[])?;
    let board = api.board()?;
    if !board.objectives().is_configured(&id)
        && let Some(stored) = board.objectives().one(&id).await.map_err(convert::state_failure)?
    {
        let definition = Definition::of(&stored).map_err(|faults| refused(&faults))?;
        return Ok(Json(convert::slo_definition(definition, stored.updated_at)));
    }
    let openslo = openslo::export([&*slos::find(board, &id)?.slo]);
    Ok(Json(wire::SloDefinition { is_configured: true, openslo: Some(openslo), ..Default::default() }))
}

/// The body of a request that may change something, and when it came.
async fn asked(api: &Api, request: Request) -> Result<(wire::BacktestRequest, i64), Failure> {
    let now = api.now();
    Params::read(request.uri(), now, &[])?;
    check_origin(request.uri(), request.headers())?;
    check_content_type(request.headers(), EXPECTED)?;
    api.board()?;
    Ok((read_json(request.into_body(), EXPECTED).await?, now))
}

/// The times of a back-test say nothing about what is kept.
fn definition_of(asked: wire::BacktestRequest) -> Result<Definition, Failure> {
    match (asked.slo, asked.objective, asked.openslo) {
        (None, Some(keys), None) => Ok(Definition::Keys(keys)),
        (None, None, Some(text)) => Ok(Definition::OpenSlo(text)),
        _ => Err(Failure::bad_request("either objective or openslo says what is kept")
            .hint(format!("send a JSON object such as {}", EXPECTED.example))),
    }
}

/// Keys need not repeat the id that the path has.
fn named(definition: Definition, id: &str) -> Definition {
    match definition {
        Definition::Keys(mut keys) => {
            keys.entry("id").or_insert_with(|| id.into());
            Definition::Keys(keys)
        }
        Definition::OpenSlo(text) => Definition::OpenSlo(text),
    }
}

fn wanted(api: &Api, definition: Definition) -> Result<Wanted, Failure> {
    let (engine, board) = (api.engine()?, api.board()?);
    let receivers: Vec<String> = board.receiver_names().map(str::to_owned).collect();
    let read = definition.one(&receivers, engine.retention());
    let (slo, warnings) = read.map_err(|faults| refused(&faults))?;
    if TAKEN.contains(&slo.id()) {
        let message = format!("{:?} is a path of the API", slo.id());
        return Err(refused(&[Fault::at_key("id", message).hint("choose another id")]));
    }
    if definition.stored_as().1.len() > OBJECTIVE_BYTES_MAX {
        let message = format!("the objective is larger than {OBJECTIVE_BYTES_MAX} bytes");
        return Err(Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message)
            .hint("keep statements short, for example with a view of what they count"));
    }
    Ok(Wanted { slo, definition, warnings })
}

/// What an objective was until now; none where that cannot be read any more.
fn counted_before(board: &Board, before: &StoredObjective) -> Option<Slo> {
    if let Some(status) = board.slo(&before.id) {
        return Some((*status.slo).clone());
    }
    let receivers: Vec<String> = board.receiver_names().map(str::to_owned).collect();
    let read = Definition::of(before).and_then(|definition| definition.read_again(&receivers));
    read.ok().map(|(slo, _)| slo)
}

/// An alert about the same events goes on, whatever else was changed.
fn counts_the_same(before: &Slo, after: &Slo) -> bool {
    let (before, after) = (before.spec(), after.spec());
    before.service == after.service
        && before.operation == after.operation
        && before.attributes == after.attributes
        && before.indicator == after.indicator
        && before.method == after.method
}

fn configured(id: &str) -> Failure {
    let message = format!("the configuration has the SLO {id:?}, and that counts");
    Failure::new(StatusCode::CONFLICT, "configured", message)
        .hint("change its [[slos]] table or its file in slo_files, or remove it there")
}

fn exists(id: &str) -> Failure {
    let failure = Failure::new(StatusCode::CONFLICT, "exists", format!("{id:?} is the id of another SLO"));
    at_id(failure.hint("choose another id, or change that one with PUT"), "is the id of another SLO")
}

fn too_many() -> Failure {
    let message = "1000 objectives are kept, and there is no room for another";
    Failure::new(StatusCode::CONFLICT, "too_many", message)
        .hint("delete another one, or write them into the configuration")
}

/// A failure that is one of the id.
fn at_id(failure: Failure, message: &str) -> Failure {
    failure.problems(vec![convert::field_problem(&Fault::at_key("id", message))])
}

/// As `find` tells of what is not there. What is there and is not kept, is configured.
fn not_there(board: &Board, id: &str) -> Failure {
    match slos::find(board, id) {
        Err(failure) => failure,
        Ok(_) => Failure::not_found(format!("no SLO has the id {id:?}"))
            .hint("it was deleted; create it anew with POST /api/v1/slos"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alerts::SloSpec;

    /// Scenario: an objective with other promises, and with other events to count.
    /// Guarantees: only the latter counts something else.
    #[test]
    fn promises_are_told_from_events() {
        let spec = || SloSpec { id: "a".to_owned(), service: "cart".to_owned(), ..SloSpec::default() };
        let same = |changed: SloSpec| {
            counts_the_same(&Slo::new(spec()).expect("valid"), &Slo::new(changed).expect("valid"))
        };
        assert!(same(SloSpec { target_percent: 99.0, name: "A".to_owned(), n_bad_min: 7, ..spec() }));
        assert!(!same(SloSpec { service: "shop".to_owned(), ..spec() }));
        assert!(!same(SloSpec { operation: Some("GET /cart".to_owned()), ..spec() }));
        let threshold = std::time::Duration::from_millis(300);
        assert!(!same(SloSpec { indicator: alerts::Indicator::Latency { threshold }, ..spec() }));
    }
}
