//! `/api/v1/incidents`: what went wrong as a whole, and what people do about it.

use super::changes::Expected;
use super::hand::{asked, hand, name, text};
use super::params::{Params, step};
use super::releases::{ever_until, markers};
use super::slos::step_min;
use super::{Api, Failure, InPath, convert};
use crate::evaluate::{Board, read_events};
use crate::units::nanos;
use alerts::{AlertRecord, Hand, Handled, IncidentFile, IncidentFilter, IncidentStatus, MovedAlert};
use axum::Json;
use axum::extract::{Request, State};
use futures::future::join_all;
use http::{StatusCode, Uri};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use storage::{Engine, TimeRange};
use wire::{IncidentChanged, IncidentDetail, IncidentList, UnixNanos};

const INCIDENTS_DEFAULT: usize = 50;
const INCIDENTS_MAX: usize = 200;
/// Services of one incident whose releases are looked up, and objectives whose events are counted.
const SERVICES_MAX: usize = 20;
const OBJECTIVES_MAX: usize = 8;
/// What went out in the hour before it may have caused it.
const RELEASES_BACK: Duration = Duration::from_secs(3_600);
/// An incident is shown without what cannot be read in this time.
const READ_TIMEOUT: Duration = Duration::from_secs(5);
/// The shortest range of events: one slice of the read models.
const RANGE_MIN: Duration = Duration::from_secs(10);

const STATUSES: [(&str, IncidentStatus); 3] = [
    ("open", IncidentStatus::Open),
    ("acknowledged", IncidentStatus::Acknowledged),
    ("resolved", IncidentStatus::Resolved),
];
const ACTION: Expected = Expected { bytes_max: 32 << 10, example: "{\"by\": \"ada\"}" };
const ASSIGN: Expected = Expected { bytes_max: 8 << 10, example: "{\"owner\": \"ada\"}" };
const NOTE: Expected = Expected { bytes_max: 32 << 10, example: "{\"text\": \"the disk was full\"}" };
const MOVE: Expected = Expected { bytes_max: 8 << 10, example: "{\"to\": 7}" };

pub(super) async fn list(State(api): State<Api>, uri: Uri) -> Result<Json<IncidentList>, Failure> {
    let now = api.now();
    let params = Params::read(&uri, now, &["status", "before", "limit"])?;
    let chosen = params.choices("status", &STATUSES)?;
    let statuses = match chosen.is_empty() {
        true => IncidentStatus::ALL.to_vec(),
        false => chosen.into_iter().map(|(_, status)| status).collect(),
    };
    let before = match params.text("before") {
        Some(_) => u32::try_from(params.whole("before", 1, 1..=u32::MAX as usize)?).ok(),
        None => None,
    };
    let limit = params.limit(INCIDENTS_DEFAULT, INCIDENTS_MAX)?;
    let board = api.board()?;
    // One more, to know whether there are more.
    let filter = IncidentFilter { statuses, before, limit: u32::try_from(limit + 1).unwrap_or(u32::MAX) };
    let mut lines = board.incident_lines(filter).await.map_err(convert::state_failure)?;
    let truncated = lines.len() > limit;
    lines.truncate(limit);
    let muting = board.muting(now).await.map_err(convert::state_failure)?;
    let (n_open, n_acknowledged) = board.incident_counts().await.map_err(convert::state_failure)?;
    let incidents = lines.iter().map(|line| convert::incident_row(line, &muting)).collect();
    Ok(Json(IncidentList { now: UnixNanos(now), incidents, truncated, n_open, n_acknowledged }))
}

pub(super) async fn detail(
    State(api): State<Api>,
    InPath(number): InPath<u32>,
    uri: Uri,
) -> Result<Json<IncidentDetail>, Failure> {
    Params::read(&uri, api.now(), &[])?;
    whole(&api, number).await.map(Json)
}

/// Everything that is known of an incident.
pub(super) async fn whole(api: &Api, number: u32) -> Result<IncidentDetail, Failure> {
    let now = api.now();
    let (engine, board) = (api.engine()?, api.board()?);
    let file = find(board, number).await?;
    let ids = file.line.members.iter().map(|member| member.alert.id.clone()).collect();
    let owners = board.owners().all().await.map_err(convert::state_failure)?;
    let summaries = board.triage_summaries(ids).await.map_err(convert::state_failure)?;
    let muting = board.muting(now).await.map_err(convert::state_failure)?;
    let mut not_known = Vec::new();
    let (releases, objectives) =
        tokio::join!(releases(engine, board, &file, now), objectives(engine, board, &file, now));
    let releases = releases.unwrap_or_else(|missing| {
        not_known.push(missing);
        Vec::new()
    });
    let (objectives, missing) = objectives;
    not_known.extend(missing);
    let about = convert::AboutIncident { now, owners, summaries, muting, releases, objectives, not_known };
    Ok(convert::incident_detail(file, about))
}

pub(super) async fn acknowledge(
    State(api): State<Api>,
    InPath(number): InPath<u32>,
    request: Request,
) -> Result<Json<IncidentChanged>, Failure> {
    let (action, headers) = asked::<wire::IncidentAction>(&api, request, ACTION).await?;
    let (hand, note) = (hand(&api, &headers, action.by)?, text("note", action.note)?);
    let board = api.board()?;
    let acknowledged = board.acknowledge(number, hand.clone()).await;
    let (handled, n_notified) = acknowledged.map_err(convert::state_failure)?;
    check(number, handled)?;
    keep_note(board, number, note, hand).await?;
    changed(&api, number, n_notified).await
}

pub(super) async fn resolve(
    State(api): State<Api>,
    InPath(number): InPath<u32>,
    request: Request,
) -> Result<Json<IncidentChanged>, Failure> {
    let (action, headers) = asked::<wire::IncidentAction>(&api, request, ACTION).await?;
    let (hand, note) = (hand(&api, &headers, action.by)?, text("note", action.note)?);
    let board = api.board()?;
    let handled = board.resolve_incident(number, hand.clone()).await.map_err(convert::state_failure)?;
    check(number, handled)?;
    keep_note(board, number, note, hand).await?;
    changed(&api, number, 0).await
}

pub(super) async fn assign(
    State(api): State<Api>,
    InPath(number): InPath<u32>,
    request: Request,
) -> Result<Json<IncidentChanged>, Failure> {
    let (asked, headers) = asked::<wire::AssignRequest>(&api, request, ASSIGN).await?;
    let (hand, owner) = (hand(&api, &headers, asked.by)?, name("owner", asked.owner)?);
    let handled = api.board()?.assign(number, owner, hand).await.map_err(convert::state_failure)?;
    check(number, handled)?;
    changed(&api, number, 0).await
}

pub(super) async fn note(
    State(api): State<Api>,
    InPath(number): InPath<u32>,
    request: Request,
) -> Result<Json<IncidentChanged>, Failure> {
    let (asked, headers) = asked::<wire::NoteRequest>(&api, request, NOTE).await?;
    let hand = hand(&api, &headers, asked.by)?;
    let Some(text) = text("text", Some(asked.text))? else {
        return Err(Failure::bad_request("text is empty").hint("write what is to be kept"));
    };
    let handled = api.board()?.note(number, text, hand).await.map_err(convert::state_failure)?;
    check(number, handled)?;
    changed(&api, number, 0).await
}

pub(super) async fn move_alert(
    State(api): State<Api>,
    InPath((number, alert_id)): InPath<(u32, String)>,
    request: Request,
) -> Result<Json<wire::AlertMoved>, Failure> {
    let (asked, headers) = asked::<wire::MoveAlertRequest>(&api, request, MOVE).await?;
    let hand = hand(&api, &headers, asked.by)?;
    let board = api.board()?;
    let moved = board.move_alert((number, asked.to), &alert_id, hand).await;
    let to = match moved.map_err(convert::state_failure)? {
        MovedAlert::Moved(to) => to,
        MovedAlert::NotFound => return Err(unknown(number)),
        MovedAlert::NotAMember => {
            let shown: String = alert_id.chars().take(80).collect();
            return Err(Failure::not_found(format!("incident {number} has no alert {shown:?}"))
                .hint(format!("GET /api/v1/incidents/{number} lists those that it has")));
        }
        MovedAlert::NoTarget => {
            let to = asked.to.unwrap_or_default();
            return Err(Failure::bad_request(format!("there is no incident {to} to move the alert to"))
                .hint("leave \"to\" out for a new one"));
        }
        MovedAlert::Same => return Err(illegal("the alert is in that incident already")),
    };
    let muting = board.muting(api.now()).await.map_err(convert::state_failure)?;
    let (from, to) = (find(board, number).await?, find(board, to).await?);
    let row = |file: &IncidentFile| convert::incident_row(&file.line, &muting);
    Ok(Json(wire::AlertMoved { from: row(&from), to: row(&to) }))
}

async fn keep_note(board: &Board, number: u32, note: Option<String>, hand: Hand) -> Result<(), Failure> {
    let Some(note) = note else { return Ok(()) };
    check(number, board.note(number, note, hand).await.map_err(convert::state_failure)?)
}

async fn changed(api: &Api, number: u32, n_notified: usize) -> Result<Json<IncidentChanged>, Failure> {
    let board = api.board()?;
    let file = find(board, number).await?;
    let muting = board.muting(api.now()).await.map_err(convert::state_failure)?;
    let incident = convert::incident_row(&file.line, &muting);
    Ok(Json(IncidentChanged { incident, n_notified: u32::try_from(n_notified).unwrap_or(u32::MAX) }))
}

async fn find(board: &Board, number: u32) -> Result<IncidentFile, Failure> {
    board.incident(number).await.map_err(convert::state_failure)?.ok_or_else(|| unknown(number))
}

fn check(number: u32, handled: Handled) -> Result<(), Failure> {
    match handled {
        Handled::Done => Ok(()),
        Handled::NotFound => Err(unknown(number)),
        Handled::Illegal(refused) => Err(illegal(refused.to_string())),
    }
}

fn unknown(number: u32) -> Failure {
    Failure::not_found(format!("there is no incident {number}"))
        .hint("GET /api/v1/incidents lists them; they are kept for 400 days after they ended")
}

fn illegal(message: impl Into<String>) -> Failure {
    Failure::new(StatusCode::CONFLICT, "illegal_move", message)
        .hint("read the incident again: somebody or something else was faster")
}

/// What went out near the time, by service; or a sentence that says why it is not known.
async fn releases(
    engine: &Engine,
    board: &Board,
    file: &IncidentFile,
    now: i64,
) -> Result<Vec<convert::Released>, String> {
    let mut services: BTreeSet<&str> =
        file.line.members.iter().map(|member| member.alert.service.as_str()).collect();
    services.insert(&file.line.incident.origin.service);
    let incident = &file.line.incident;
    let range = TimeRange {
        from: incident.opened_at.saturating_sub(nanos(RELEASES_BACK)),
        to: incident.stage.resolved_at().unwrap_or(now).saturating_add(1),
    };
    let read = async {
        let versions = engine.service_versions(ever_until(range.to), None).await;
        let versions = versions.map_err(|error| error.to_string())?;
        let mut released = Vec::new();
        for service in services.into_iter().take(SERVICES_MAX) {
            let of_service = versions.iter().filter(|seen| seen.service == service).cloned().collect();
            let markers = markers(board, service, range).await.map_err(|failure| failure.message)?;
            released.push(convert::Released::new(service, range, of_service, markers));
        }
        Ok::<_, String>(released)
    };
    let why: String = match tokio::time::timeout(READ_TIMEOUT, read).await {
        Ok(Ok(released)) => return Ok(released),
        Ok(Err(why)) => why,
        Err(_) => "it took too long".to_owned(),
    };
    tracing::warn!(why, "releases near an incident cannot be read");
    Err(format!("what went out near the time: {why}"))
}

/// What the incident cost each objective, and sentences that say of which this is not known.
async fn objectives(
    engine: &Engine,
    board: &Board,
    file: &IncidentFile,
    now: i64,
) -> (Vec<wire::IncidentObjective>, Vec<String>) {
    let mut first: BTreeMap<&str, &AlertRecord> = BTreeMap::new();
    for member in &file.line.members {
        let known = first.entry(&member.alert.slo_id).or_insert(&member.alert);
        if member.alert.pending_at < known.pending_at {
            *known = &member.alert;
        }
    }
    let to = file.line.incident.stage.resolved_at().unwrap_or(now);
    let costs = first.values().enumerate().map(|(n, alert)| async move {
        let alert: &AlertRecord = alert;
        cost(engine, board, alert, to, n < OBJECTIVES_MAX).await
    });
    let (mut objectives, mut not_known) = (Vec::new(), Vec::new());
    for (objective, missing) in join_all(costs).await {
        objectives.push(objective);
        not_known.extend(missing);
    }
    (objectives, not_known)
}

async fn cost(
    engine: &Engine,
    board: &Board,
    alert: &AlertRecord,
    to: i64,
    is_counted: bool,
) -> (wire::IncidentObjective, Option<String>) {
    let Some(status) = board.slo(&alert.slo_id) else {
        return (convert::incident_objective(alert, None, None), None);
    };
    if !is_counted {
        let why = format!("what it cost {}: there are too many objectives", alert.slo_name);
        return (convert::incident_objective(alert, Some(&status), None), Some(why));
    }
    let to = to.max(alert.pending_at.saturating_add(nanos(RANGE_MIN)));
    let range = TimeRange { from: alert.pending_at, to };
    let width = step(range).max(step_min(&status.slo));
    let read = tokio::time::timeout(READ_TIMEOUT, read_events(engine, &status.slo, range, width)).await;
    match read.unwrap_or(Err(storage::Error::QueryTimeout)) {
        Ok(events) => (convert::incident_objective(alert, Some(&status), Some(&events)), None),
        Err(error) => {
            tracing::warn!(slo = alert.slo_id, %error, "what an incident cost cannot be read");
            let why = format!("what it cost {}: {error}", alert.slo_name);
            (convert::incident_objective(alert, Some(&status), None), Some(why))
        }
    }
}
