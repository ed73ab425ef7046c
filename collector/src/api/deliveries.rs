//! `/api/v1/deliveries` and `/api/v1/receivers`: the ledger of notifications, and what is done with them by hand:
//! sending one or many again, and testing a receiver.

use super::changes::{Expected, check_content_type, check_origin, read_json};
use super::params::Params;
use super::{Api, Failure, InPath, NameInPath, convert};
use crate::evaluate::{Board, Health};
use crate::nearest::nearest;
use crate::units::{self, MOMENT_HINT};
use alerts::{DeliveryFilter, DeliveryState, Replayed};
use axum::Json;
use axum::extract::{Request, State};
use http::{HeaderMap, StatusCode, Uri};

const DELIVERIES_DEFAULT: usize = 100;
/// Each with some attempts, of which a kilobyte of answer is kept.
const DELIVERIES_MAX: usize = 500;
/// Dead letters that one request queues again; the next one goes on with the rest.
const REPLAYED_MAX: u32 = 1_000;
const NOTHING: Expected = Expected { bytes_max: 1 << 10, example: "{}" };
const RANGE: Expected =
    Expected { bytes_max: 8 << 10, example: "{\"receiver\": \"on-call\", \"from\": \"now-2h\"}" };
const STATES: [(&str, DeliveryState); 3] = [
    ("waiting", DeliveryState::Waiting),
    ("delivered", DeliveryState::Delivered),
    ("dead", DeliveryState::Dead),
];

pub(super) async fn list(State(api): State<Api>, uri: Uri) -> Result<Json<wire::DeliveryList>, Failure> {
    let now = api.now();
    let params = Params::read(&uri, now, &["receiver", "state", "from", "to", "limit"])?;
    let is_ranged = params.text("from").is_some() || params.text("to").is_some();
    let (from, to) = if is_ranged {
        let range = params.range()?;
        (range.from, range.to)
    } else {
        (0, i64::MAX)
    };
    let limit = params.limit(DELIVERIES_DEFAULT, DELIVERIES_MAX)?;
    let filter = DeliveryFilter {
        receiver: params.owned("receiver"),
        state: params.choice_or_none("state", &STATES)?,
        from,
        to,
        // One more, to know whether there are more.
        limit: u32::try_from(limit + 1).unwrap_or(u32::MAX),
    };
    let mut found = api.board()?.deliveries(filter).await.map_err(convert::state_failure)?;
    let truncated = found.len() > limit;
    found.truncate(limit);
    Ok(Json(convert::delivery_list(now, found, truncated)))
}

pub(super) async fn detail(
    State(api): State<Api>,
    InPath(id): InPath<String>,
    uri: Uri,
) -> Result<Json<wire::DeliveryDetail>, Failure> {
    Params::read(&uri, api.now(), &[])?;
    let found = api.board()?.delivery(&id).await.map_err(convert::state_failure)?;
    let (delivery, body) = found.ok_or_else(|| unknown_delivery(&id))?;
    Ok(Json(convert::delivery_detail(delivery, &body)))
}

pub(super) async fn replay(
    State(api): State<Api>,
    InPath(id): InPath<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<wire::Replayed>, Failure> {
    let now = api.now();
    check_change(&uri, &headers, now, NOTHING)?;
    let board = api.board()?;
    let found = board.delivery(&id).await.map_err(convert::state_failure)?;
    let (delivery, _) = found.ok_or_else(|| unknown_delivery(&id))?;
    check_called(board, &delivery.receiver)?;
    match board.replay(&id, now).await.map_err(convert::state_failure)? {
        Replayed::Queued { receiver } => Ok(Json(convert::replayed(id, receiver))),
        Replayed::Waiting => Err(conflict("waiting", "the notification waits for its next attempt already")),
        Replayed::Overtaken => {
            let message = "the receiver was told something newer of the same alert since";
            Err(conflict("overtaken", message).hint("replay the newest notification of the alert instead"))
        }
        Replayed::NotFound => Err(unknown_delivery(&id)),
    }
}

pub(super) async fn replay_range(
    State(api): State<Api>,
    request: Request,
) -> Result<Json<wire::ReplayedRange>, Failure> {
    let now = api.now();
    check_change(request.uri(), request.headers(), now, RANGE)?;
    let board = api.board()?;
    let asked: wire::ReplayRequest = read_json(request.into_body(), RANGE).await?;
    let from = moment("from", &asked.from, now)?;
    let to = asked.to.as_deref().map_or(Ok(now), |text| moment("to", text, now))?;
    if from >= to {
        return Err(Failure::bad_request("from must lie before to").hint(MOMENT_HINT));
    }
    check_called(board, &asked.receiver)?;
    let replayed = board.replay_range(&asked.receiver, (from, to), REPLAYED_MAX, now).await;
    Ok(Json(convert::replayed_range(replayed.map_err(convert::state_failure)?)))
}

pub(super) async fn test(
    State(api): State<Api>,
    NameInPath(receiver): NameInPath,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<wire::TestAnswer>, Failure> {
    let now = api.now();
    check_change(&uri, &headers, now, NOTHING)?;
    let board = api.board()?;
    let tried = board.test(&receiver, now).await.map_err(convert::state_failure)?;
    let tried =
        tried.ok_or_else(|| unknown_receiver(board, &receiver, StatusCode::NOT_FOUND, "not_found"))?;
    Ok(Json(convert::test_answer(tried)))
}

/// A request with nothing in its body is JSON as well: a form of another site cannot send that.
fn check_change(uri: &Uri, headers: &HeaderMap, now: i64, expected: Expected) -> Result<(), Failure> {
    Params::read(uri, now, &[])?;
    check_origin(uri, headers)?;
    check_content_type(headers, expected)
}

/// What is queued for a receiver that nobody calls would die again at once.
fn check_called(board: &Board, receiver: &str) -> Result<(), Failure> {
    match board.health(receiver) {
        Some(Health::Gone { error }) => {
            let failure = conflict("receiver_gone", format!("{receiver:?} is not called: {error}"));
            Err(failure.hint("repair it and test it: a test that succeeds makes it be called again"))
        }
        Some(Health::Well | Health::Paused { .. }) => Ok(()),
        None => Err(unknown_receiver(board, receiver, StatusCode::CONFLICT, "receiver_unknown")),
    }
}

fn moment(name: &str, text: &str, now: i64) -> Result<i64, Failure> {
    let shown: String = text.chars().take(80).collect();
    let refused = || Failure::bad_request(format!("{name}: {shown:?} is not a time")).hint(MOMENT_HINT);
    units::moment(text, now).ok_or_else(refused)
}

fn conflict(code: &'static str, message: impl Into<String>) -> Failure {
    Failure::new(StatusCode::CONFLICT, code, message)
}

fn unknown_delivery(id: &str) -> Failure {
    let shown: String = id.chars().take(80).collect();
    Failure::not_found(format!("no notification is called {shown:?}"))
        .hint("they are kept for 30 days after they ended; GET /api/v1/deliveries lists them")
}

fn unknown_receiver(board: &Board, name: &str, status: StatusCode, code: &'static str) -> Failure {
    let shown: String = name.chars().take(80).collect();
    let failure = Failure::new(status, code, format!("no receiver is called {shown:?}"));
    match nearest(name, board.receiver_names()) {
        Some(near) => failure.hint(format!("did you mean {near:?}?")),
        None => failure.hint("receivers are defined in the configuration file, as [[receivers]]"),
    }
}
