//! `GET /api/v1/red`.

use super::convert::{self, Compared};
use super::params::Params;
use super::{Api, Failure, off_thread};
use axum::Json;
use axum::extract::State;
use http::Uri;
use std::time::Duration;
use storage::{RedBy, RedQuery};

/// Groups that somebody reads, and those of one answer.
const GROUPS: usize = 100;
const GROUPS_MAX: usize = 1_000;
/// Points of one group, and of all groups of an answer: some 12 MB of JSON.
const POINTS_MAX: u64 = 1_000;
const POINTS_OF_ALL_MAX: u64 = 100_000;
/// The earlier window has totals only: as few points as can be.
const STEP_OF_TOTALS: Duration = Duration::from_secs(7 * 86_400);

pub(super) async fn red(State(api): State<Api>, uri: Uri) -> Result<Json<wire::RedAnswer>, Failure> {
    let filters = RedBy::ALL.map(RedBy::name);
    let others = ["from", "to", "by", "spans", "step", "compare", "limit"];
    let params = Params::read(&uri, api.now(), &[&others[..], &filters[..]].concat())?;
    let query = read(&params)?;
    let limit = params.limit(GROUPS, GROUPS_MAX)?;
    check_size(&query, limit)?;
    let before = params.compare(query.range)?;
    let before = before.map(|range| RedQuery { range, step: STEP_OF_TOTALS, ..query.clone() });
    let engine = api.engine()?;
    let of_before = async {
        match &before {
            Some(before) => engine.red(before).await.map(Some),
            None => Ok(None),
        }
    };
    let folded = engine.spans_folded(&query);
    let (now, before, n_folded_spans) =
        tokio::try_join!(engine.red(&query), of_before, folded).map_err(convert::failure)?;
    let compared = Compared { query, now, before, n_folded_spans, limit };
    off_thread(move || Ok(Json(convert::red_answer(compared)))).await
}

fn read(params: &Params) -> Result<RedQuery, Failure> {
    let range = params.range()?;
    let words = RedBy::ALL.map(|by| (by.name(), by));
    let mut by: Vec<RedBy> = params.choices("by", &words)?.into_iter().map(|(_, by)| by).collect();
    if by.is_empty() {
        by.push(RedBy::Service);
    }
    let only = RedBy::ALL.into_iter().filter_map(|by| Some((by, params.owned(by.name())?)));
    let (only, entry_only) = (only.collect(), params.entry_only()?);
    Ok(RedQuery { range, only, entry_only, by, step: params.step(range, POINTS_MAX)? })
}

fn check_size(query: &RedQuery, limit: usize) -> Result<(), Failure> {
    let range_s = query.range.to.abs_diff(query.range.from) / 1_000_000_000;
    let n_points = range_s / query.step.as_secs().max(1) * limit as u64;
    if n_points <= POINTS_OF_ALL_MAX {
        return Ok(());
    }
    let message = format!("{n_points} points are more than the {POINTS_OF_ALL_MAX} that one answer has");
    Err(Failure::bad_request(message).hint("ask for fewer groups with limit, or for wider points with step"))
}
