//! `GET /api/v1/logs`.

use super::params::{Params, step};
use super::{Api, Failure, convert, off_thread};
use axum::Json;
use axum::extract::State;
use http::Uri;
use storage::LogSearch;

const LIMIT: usize = 200;
const LIMIT_MAX: usize = 1_000;

/// Words in one request; each costs a look at every body that the others left.
const WORDS_MAX: usize = 16;
/// Lowest severity number of each range of the log data model.
const SEVERITIES: &[(&str, i32)] =
    &[("trace", 1), ("debug", 5), ("info", 9), ("warn", 13), ("error", 17), ("fatal", 21)];

pub(super) async fn search(State(api): State<Api>, uri: Uri) -> Result<Json<wire::LogList>, Failure> {
    let allowed =
        ["from", "to", "q", "word", "regex", "service", "severity", "trace_id", "span_id", "attr", "limit"];
    let params = Params::read(&uri, api.now(), &allowed)?;
    let range = params.range()?;
    let search = LogSearch {
        range,
        text: params.owned("q"),
        words: words(&params)?,
        pattern: params.owned("regex"),
        service: params.owned("service"),
        severity_min: params.choice_or_none("severity", SEVERITIES)?,
        trace_id: params.id("trace_id")?,
        span_id: params.id("span_id")?,
        attributes: params.attributes()?,
        limit: params.limit(LIMIT, LIMIT_MAX)?,
        step: step(range),
    };
    let hits = api.engine()?.search_logs(&search).await.map_err(convert::failure)?;
    off_thread(move || convert::log_list(hits, &search)).await.map(Json)
}

/// `word=connection refused` asks for both words, in any place.
fn words(params: &Params) -> Result<Vec<String>, Failure> {
    let words = params.text("word").unwrap_or_default().split_whitespace();
    let words: Vec<String> = words.map(str::to_owned).collect();
    if words.len() > WORDS_MAX {
        return Err(Failure::bad_request(format!("parameter word has more than {WORDS_MAX} words")));
    }
    Ok(words)
}
