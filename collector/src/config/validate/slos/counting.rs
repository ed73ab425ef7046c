//! What an objective counts: its indicator with all that belongs to it, and time slices.

use super::super::super::problem::Problem;
use super::super::super::raw::Value;
use super::super::{HOUR, Keys, SECOND, strings};
use alerts::{Indicator, Method, Part, Ratio, Source};
use std::time::Duration;

/// Keys that only a ratio has.
const RATIO_KEYS: [&str; 9] = [
    "good_metric",
    "good_filter",
    "good_sql",
    "bad_metric",
    "bad_filter",
    "bad_sql",
    "total_metric",
    "total_filter",
    "total_sql",
];

pub(super) fn indicator(keys: &mut Keys<'_>) -> Option<Indicator> {
    keys.required("indicator", "\"availability\", \"latency\" or \"ratio\"")?;
    let kind = keys.choice("indicator", &["availability", "latency", "ratio"])?;
    let has_threshold = keys.section.fields.contains_key("threshold");
    if kind != "ratio" && has_other_keys(keys, kind) {
        return None;
    }
    match kind {
        "latency" if !has_threshold => {
            keys.problem("threshold", "is missing").hint("add threshold = \"300ms\"").report(keys.problems);
            None
        }
        "latency" => {
            let threshold = keys.duration("threshold", SECOND, Duration::ZERO..=24 * HOUR);
            Some(Indicator::Latency { threshold })
        }
        _ if has_threshold => {
            let indicator = if kind == "ratio" { "a ratio" } else { "an availability indicator" };
            keys.problem("threshold", format!("has no effect on {indicator}"))
                .hint("set indicator = \"latency\", or remove this key")
                .report(keys.problems);
            None
        }
        "ratio" => ratio(keys),
        _ => Some(Indicator::Availability),
    }
}

fn has_other_keys(keys: &mut Keys<'_>, kind: &str) -> bool {
    let others =
        RATIO_KEYS.into_iter().filter(|key| keys.section.fields.contains_key(key)).collect::<Vec<_>>();
    for key in &others {
        keys.problem(key, format!("has no effect on {kind}"))
            .hint("set indicator = \"ratio\", or remove this key")
            .report(keys.problems);
    }
    !others.is_empty()
}

fn ratio(keys: &mut Keys<'_>) -> Option<Indicator> {
    let total = source(keys, ["total_metric", "total_filter", "total_sql"]);
    if let Answer::None = total {
        keys.problem("total_metric", "is missing")
            .hint("add total_metric = \"http.server.requests\", or total_sql")
            .report(keys.problems);
    }
    let good = source(keys, ["good_metric", "good_filter", "good_sql"]);
    let bad = source(keys, ["bad_metric", "bad_filter", "bad_sql"]);
    let (part, source) = match (good, bad) {
        (Answer::Some(good), Answer::None) => (Part::Good, good),
        (Answer::None, Answer::Some(bad)) => (Part::Bad, bad),
        (Answer::None, Answer::None) => {
            keys.problem("good_metric", "is missing")
                .hint("add good_metric, good_sql, bad_metric or bad_sql")
                .report(keys.problems);
            return None;
        }
        (Answer::Some(_), Answer::Some(_)) => {
            let key = if keys.section.fields.contains_key("bad_metric") { "bad_metric" } else { "bad_sql" };
            keys.problem(key, "good events are counted already; only one of both can count")
                .report(keys.problems);
            return None;
        }
        (Answer::Refused, _) | (_, Answer::Refused) => return None,
    };
    match total {
        Answer::Some(total) => Some(Indicator::Ratio(Ratio { part, source, total })),
        Answer::None | Answer::Refused => None,
    }
}

/// What keys that belong together say.
enum Answer {
    None,
    Some(Source),
    Refused,
}

fn source(keys: &mut Keys<'_>, [metric, filter, sql]: [&'static str; 3]) -> Answer {
    let n_problems = keys.problems.len();
    let attributes = pairs(keys, filter);
    let has_filter = keys.section.fields.contains_key(filter);
    let (name, statement) = (keys.text(metric), keys.text(sql));
    if name.is_some() && statement.is_some() {
        keys.problem(sql, format!("{metric} is set too; only one of them can count")).report(keys.problems);
    }
    if has_filter && name.is_none() {
        keys.problem(filter, format!("has no effect without {metric}")).report(keys.problems);
    }
    if keys.problems.len() > n_problems {
        return Answer::Refused;
    }
    match (name, statement) {
        (Some(name), _) => Answer::Some(Source::Metric { name, service: None, attributes }),
        (None, Some(statement)) => Answer::Some(Source::Sql(statement)),
        (None, None) => Answer::None,
    }
}

/// A list of `"key=value"`.
pub(super) fn pairs(keys: &mut Keys<'_>, key: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for (text, origin) in strings(keys, key) {
        match text.split_once('=').filter(|(name, _)| !name.is_empty()) {
            Some((name, value)) => pairs.push((name.to_owned(), value.to_owned())),
            None => {
                let message = format!("{}.{key}: {text:?} is not key=value", keys.section.name);
                keys.problems.push(Problem::new(origin, message).hint("write \"http.route=/cart\""));
            }
        }
    }
    pairs
}

pub(super) fn method(keys: &mut Keys<'_>) -> Method {
    let has = |keys: &Keys<'_>, key: &str| keys.section.fields.contains_key(key);
    match (has(keys, "timeslice"), has(keys, "timeslice_target")) {
        (false, false) => Method::Occurrences,
        (true, true) => {
            let width = keys.duration("timeslice", 60 * SECOND, SECOND..=HOUR);
            Method::Timeslices { width, target_percent: percent(keys, "timeslice_target") }
        }
        (true, false) => {
            keys.problem("timeslice_target", "is missing")
                .hint("add timeslice_target = 95: the percentage of its events that must be good")
                .report(keys.problems);
            Method::Occurrences
        }
        (false, true) => {
            keys.problem("timeslice", "is missing").hint("add timeslice = \"1m\"").report(keys.problems);
            Method::Occurrences
        }
    }
}

fn percent(keys: &mut Keys<'_>, key: &str) -> f64 {
    let number = match keys.section.fields.get(key).map(|field| &field.value) {
        Some(Value::Number(text)) => text.parse::<f64>().ok(),
        _ => None,
    };
    number.unwrap_or_else(|| {
        keys.problem(key, "is not a percentage")
            .hint("write a number without quotation marks, such as 95")
            .report(keys.problems);
        100.0
    })
}
