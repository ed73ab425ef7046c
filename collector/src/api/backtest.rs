//! `POST /api/v1/slos/backtest`: what the alerts of an objective would have done, over what is stored.
//!
//! It reads and changes nothing. The body has to be `application/json`, which a form on another site cannot send.

use super::changes::{Expected, check_content_type, read_json};
use super::params::Params;
use super::{Api, Failure, convert, off_thread, slos};
use crate::definition::{Defined, Definition, Fault};
use crate::evaluate::{Board, read_events};
use crate::units::{self, MOMENT_HINT, nanos};
use ::alerts::{Heard, Replay, SliceCounts, Slo, backtest};
use axum::Json;
use axum::extract::{Request, State};
use std::sync::Arc;
use std::time::Duration;
use storage::{Engine, SliBucket, TimeRange};

const EXPECTED: Expected =
    Expected { bytes_max: 1 << 20, example: "{\"slo\": \"checkout-availability\", \"from\": \"now-7d\"}" };
/// Objectives of one request; each is read over its period.
const SLOS_MAX: usize = 20;
/// Longer ones would be a hundred thousand steps with each their windows.
const RANGE_MAX: Duration = Duration::from_secs(100 * 86_400);
/// Evaluations of one objective; beyond it they are further apart than the running ones.
const STEPS_MAX: i64 = 200_000;
/// What the evaluation waits by default.
const LAG: Duration = Duration::from_secs(30);
/// Of a service that nobody listened to, a silence up to this is no gap: as long as between two exports of metrics,
/// one of which failed.
const BRIDGE: Duration = Duration::from_secs(150);
/// Mistakes of one definition that a failure repeats.
const FAULTS_MAX: usize = 20;

pub(super) async fn post(
    State(api): State<Api>,
    request: Request,
) -> Result<Json<wire::BacktestList>, Failure> {
    let now = api.now();
    Params::read(request.uri(), now, &[])?;
    check_content_type(request.headers(), EXPECTED)?;
    let (engine, board) = (api.engine()?, api.board()?);
    let asked: wire::BacktestRequest = read_json(request.into_body(), EXPECTED).await?;
    let range = range(&asked, now)?;
    let (slos, warnings) = objectives(engine, board, asked)?;
    let mut backtests = Vec::with_capacity(slos.len());
    for slo in slos {
        backtests.push(row(engine, board, slo, range).await?);
    }
    Ok(Json(wire::BacktestList { backtests, warnings }))
}

fn range(asked: &wire::BacktestRequest, now: i64) -> Result<TimeRange, Failure> {
    let moment = |name: &str, text: &Option<String>, default: &str| {
        let text = text.as_deref().unwrap_or(default);
        let shown: String = text.chars().take(80).collect();
        let refuse = || Failure::bad_request(format!("{name}: {shown:?} is not a time")).hint(MOMENT_HINT);
        units::moment(text, now).ok_or_else(refuse)
    };
    let from = moment("from", &asked.from, "now-7d")?;
    let to = moment("to", &asked.to, "now")?.min(now);
    if from >= to {
        return Err(Failure::bad_request("from must lie before to, and before now").hint(MOMENT_HINT));
    }
    if to.saturating_sub(from) > nanos(RANGE_MAX) {
        return Err(
            Failure::bad_request("a back-test covers at most 100 days").hint("ask for a shorter time")
        );
    }
    Ok(TimeRange { from, to })
}

/// What is to be tested, and what should be known of it.
fn objectives(
    engine: &Engine,
    board: &Board,
    asked: wire::BacktestRequest,
) -> Result<(Vec<Arc<Slo>>, Vec<String>), Failure> {
    let definition = match (asked.slo, asked.objective, asked.openslo) {
        (Some(id), None, None) => return Ok((vec![slos::find(board, &id)?.slo], Vec::new())),
        (None, Some(keys), None) => Definition::Keys(keys),
        (None, None, Some(text)) => Definition::OpenSlo(text),
        _ => {
            return Err(Failure::bad_request("either slo, objective or openslo says what is tested")
                .hint(format!("send a JSON object such as {}", EXPECTED.example)));
        }
    };
    let receivers: Vec<String> = board.receiver_names().map(str::to_owned).collect();
    let defined = definition.read(&receivers, engine.retention()).map_err(|faults| refused(&faults))?;
    let Defined { slos, warnings } = defined;
    if slos.len() > SLOS_MAX {
        return Err(Failure::bad_request(format!("at most {SLOS_MAX} objectives are tested at once")));
    }
    if slos.is_empty() {
        return Err(Failure::bad_request("there is no SLO in the documents"));
    }
    Ok((slos.into_iter().map(Arc::new).collect(), warnings))
}

/// A definition that is not taken, with everything that is wrong with it.
pub(super) fn refused(faults: &[Fault]) -> Failure {
    let line = |fault: &Fault| match &fault.hint {
        Some(hint) => format!("{fault} ({hint})"),
        None => fault.to_string(),
    };
    let lines: Vec<String> = faults.iter().take(FAULTS_MAX).map(line).collect();
    let problems = faults.iter().take(FAULTS_MAX).map(convert::field_problem).collect();
    Failure::bad_request(lines.join("\n")).problems(problems)
}

async fn row(
    engine: &Engine,
    board: &Board,
    slo: Arc<Slo>,
    range: TimeRange,
) -> Result<wire::BacktestRow, Failure> {
    let width = nanos(slo.slice()).max(1);
    let floor = |at: i64| at.saturating_sub(at.rem_euclid(width));
    // Windows look back, and the budget over its whole period.
    let longest = slo.tiers().iter().map(|tier| tier.long).max().unwrap_or_default().max(slo.period_max());
    let read = TimeRange { from: floor(range.from.saturating_sub(nanos(longest))), to: floor(range.to) };
    let events = read_events(engine, &slo, read, slo.slice()).await.map_err(slos::failure_of(&slo))?;
    let heard = board.heard(slo.service()).await.map_err(convert::state_failure)?;
    let n_slices = (read.to - read.from) / width;
    let step = slo.slice() * u32::try_from((n_slices / STEPS_MAX).max(1)).unwrap_or(u32::MAX);
    off_thread(move || {
        let mut slices = slices(&events.buckets, &heard, read, width);
        doubt(&mut slices, &events.folded, read, width);
        let replay = Replay { start: read.from, slices: &slices, from: range.from, step, lag: LAG };
        let found = backtest(&slo, &replay);
        Ok(convert::backtest_row(&slo, found, step, events.sql))
    })
    .await
}

/// Every slice of the range, with what was heard in it.
fn slices(buckets: &[SliBucket], heard: &[Heard], range: TimeRange, width: i64) -> Vec<SliceCounts> {
    let n = usize::try_from((range.to - range.from).div_euclid(width)).unwrap_or(0);
    let mut slices = vec![SliceCounts::default(); n];
    let idx = |at: i64| at.saturating_sub(range.from).div_euclid(width);
    let mut last: Option<i64> = None;
    for bucket in buckets {
        let here = idx(bucket.at);
        // Read models may begin before what was asked for.
        let Some(place) = usize::try_from(here).ok().filter(|place| *place < n) else { continue };
        let slice = &mut slices[place];
        slice.n_good += bucket.n_good;
        slice.n_total += bucket.n_total;
        let is_near = last.is_some_and(|last| (here - last).saturating_mul(width) <= nanos(BRIDGE));
        mark(&mut slices, if is_near { last.unwrap_or(here) } else { here }, here);
        last = Some(here);
    }
    for interval in heard {
        mark(&mut slices, idx(interval.from_at), idx(interval.to_at));
    }
    slices
}

/// Slices without events are not known to have none where spans were counted under others.
fn doubt(slices: &mut [SliceCounts], folded: &[i64], range: TimeRange, width: i64) {
    for at in folded {
        let idx = at.saturating_sub(range.from).div_euclid(width);
        if let Some(slice) = usize::try_from(idx).ok().and_then(|idx| slices.get_mut(idx)) {
            slice.is_measured = false;
        }
    }
}

fn mark(slices: &mut [SliceCounts], from: i64, to: i64) {
    let n = slices.len() as i64;
    let place = |idx: i64| usize::try_from(idx.clamp(0, n)).unwrap_or(0);
    for slice in slices.iter_mut().take(place(to.saturating_add(1))).skip(place(from)) {
        slice.is_measured = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: events a minute and ten minutes apart, and an interval in which somebody listened.
    /// Guarantees: short silences are no gaps, long ones are, unless the service was heard.
    #[test]
    fn silences_are_told_from_gaps() {
        let minute = 60_000_000_000;
        let bucket = |n: i64| SliBucket { at: n * minute, n_good: 1, n_total: 2 };
        let range = TimeRange { from: 0, to: 20 * minute };
        let heard = [Heard { service: "s".to_owned(), from_at: 15 * minute, to_at: 17 * minute }];
        let found = slices(&[bucket(1), bucket(3), bucket(13)], &heard, range, minute);
        let measured: Vec<_> = (0..20).filter(|idx| found[*idx].is_measured).collect();
        assert_eq!(measured, [1, 2, 3, 13, 15, 16, 17]);
        assert_eq!((found[3].n_good, found[3].n_total), (1, 2));
    }
}
