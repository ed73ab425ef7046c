//! `/api/v1/silences`: times in which nobody is told of some alerts, kept, shown, ended, and tried beforehand.

use super::changes::{Expected, check_origin};
use super::hand::{asked, hand};
use super::params::Params;
use super::{Api, Failure, InPath, convert};
use crate::causes::with_causes;
use crate::evaluate::{Board, Muting};
use alerts::{AlertRecord, Expired, Phase, Silence};
use axum::Json;
use axum::extract::{Request, State};
use http::{HeaderMap, StatusCode, Uri};
use std::collections::BTreeMap;
use wire::{SilenceList, SilencePreview, SilenceRequest, SilenceRow, UnixNanos};

const SILENCES_DEFAULT: usize = 100;
const SILENCES_MAX: usize = 500;
/// Alerts that are looked at: open ones come first and are far fewer.
const ALERTS_MAX: u32 = 1_000;
/// As many matchers as there may be, at their longest.
const EXPECTED: Expected = Expected {
    bytes_max: 128 << 10,
    example: "{\"matchers\": [\"service=checkout\"], \"duration\": \"2h\", \"author\": \"ada\", \
              \"comment\": \"moving the database\"}",
};

pub(super) async fn list(State(api): State<Api>, uri: Uri) -> Result<Json<SilenceList>, Failure> {
    let now = api.now();
    let limit = Params::read(&uri, now, &["limit"])?.limit(SILENCES_DEFAULT, SILENCES_MAX)?;
    let board = api.board()?;
    // One more, to know whether there are more.
    let n_asked = u32::try_from(limit + 1).unwrap_or(u32::MAX);
    let mut silences = board.silences(now, n_asked).await.map_err(convert::state_failure)?;
    let truncated = silences.len() > limit;
    silences.truncate(limit);
    let firing = firing(board, now).await?;
    let mut rows: Vec<SilenceRow> =
        silences.iter().map(|silence| convert::silence_row(silence, &firing, now)).collect();
    rows.sort_by_key(|row| row.state);
    Ok(Json(SilenceList { now: UnixNanos(now), silences: rows, truncated }))
}

pub(super) async fn post(
    State(api): State<Api>,
    request: Request,
) -> Result<(StatusCode, Json<SilenceRow>), Failure> {
    let (asked, headers) = asked::<SilenceRequest>(&api, request, EXPECTED).await?;
    let now = api.now();
    let author = hand(&api, &headers, asked.author.clone())?.by.unwrap_or_default();
    let silence = checked(asked, author, now)?;
    let board = api.board()?;
    let Some(stored) = board.put_silence(silence, now).await.map_err(convert::state_failure)? else {
        let message = "there are as many silences as are kept that are not over";
        return Err(Failure::new(StatusCode::CONFLICT, "too_many", message)
            .hint("end others with DELETE, or write one whose matchers say what theirs do"));
    };
    let spec = stored.silence.spec();
    tracing::info!(silence = stored.id, author = spec.author, matchers = ?spec.matchers, "alerts are silenced");
    let row = convert::silence_row(&stored, &firing(board, now).await?, now);
    Ok((StatusCode::CREATED, Json(row)))
}

/// It changes nothing, and is a `POST` for its body.
pub(super) async fn preview(
    State(api): State<Api>,
    request: Request,
) -> Result<Json<SilencePreview>, Failure> {
    let (mut asked, _) = asked::<SilenceRequest>(&api, request, EXPECTED).await?;
    let now = api.now();
    // Who and why may be written later.
    asked.comment = "preview".to_owned();
    let silence = checked(asked, "preview".to_owned(), now)?;
    let board = api.board()?;
    let muting = board.muting(now).await.map_err(convert::state_failure)?;
    let mut open = open_alerts(board).await?;
    open.retain(|alert| silence.matches(muting.identity(alert).labels()));
    open.sort_by_key(|alert| (alert.severity, alert.pending_at));
    let ids = open.iter().map(|alert| alert.id.clone()).collect();
    let memberships = board.memberships(ids).await.map_err(convert::state_failure)?;
    let objectives = muting.matched(&silence);
    Ok(Json(convert::silence_preview(&silence, &open, &memberships, &objectives, now)))
}

pub(super) async fn delete(
    State(api): State<Api>,
    InPath(id): InPath<u32>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<StatusCode, Failure> {
    Params::read(&uri, api.now(), &[])?;
    check_origin(&uri, &headers)?;
    let hand = hand(&api, &headers, None)?;
    match api.board()?.expire_silence(id, hand).await.map_err(convert::state_failure)? {
        Expired::Done => Ok(StatusCode::NO_CONTENT),
        Expired::NotFound => Err(Failure::not_found(format!("there is no silence {id}"))
            .hint("GET /api/v1/silences lists them; they are kept for 400 days after they ended")),
        Expired::Over => {
            Err(Failure::new(StatusCode::CONFLICT, "illegal_move", format!("silence {id} is over already")))
        }
    }
}

fn checked(asked: SilenceRequest, author: String, now: i64) -> Result<Silence, Failure> {
    let spec = convert::silence_spec(asked, author, now)?;
    Silence::new(spec).map_err(|error| Failure::bad_request(with_causes(&error)))
}

/// The labels of every alert that fires.
async fn firing(board: &Board, now: i64) -> Result<Vec<BTreeMap<String, String>>, Failure> {
    let muting: Muting = board.muting(now).await.map_err(convert::state_failure)?;
    let alerts = open_alerts(board).await?;
    let fires = |alert: &&AlertRecord| matches!(alert.phase, Phase::Firing { .. });
    Ok(alerts.iter().filter(fires).map(|alert| muting.identity(alert).labels().clone()).collect())
}

/// Alerts that wait or fire.
async fn open_alerts(board: &Board) -> Result<Vec<AlertRecord>, Failure> {
    let alerts = board.alerts(ALERTS_MAX).await.map_err(convert::state_failure)?;
    Ok(alerts.into_iter().map(|(alert, _)| alert).filter(|alert| alert.phase.is_open()).collect())
}
