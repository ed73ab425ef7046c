//! `[[slos]]`: objectives. What an objective may be is decided by `alerts`; here each refusal finds
//! its key, and what depends on the rest of the file is checked.

use super::super::Problems;
use super::super::problem::Problem;
use super::super::raw::{Raw, Value};
use super::{DURATION_MAX, HOUR, Keys, SECOND, report_repeated, show, strings};
use crate::nearest::nearest;
use crate::units;
use alerts::{Indicator, Slo, SloError, SloSpec};
use std::time::Duration;

pub(super) fn read(raw: &Raw, read_models: Duration, problems: &mut Problems) -> Vec<Slo> {
    let receivers = receiver_names(raw);
    report_repeated(&raw.slos, "id", "SLO", problems);
    let mut slos = Vec::new();
    for section in &raw.slos {
        let mut keys = Keys { section, problems };
        match spec(&mut keys, &receivers, read_models).map(Slo::new) {
            Some(Ok(slo)) => slos.push(slo),
            Some(Err(error)) => keys.problem(key_of(&error), error.to_string()).report(keys.problems),
            None => {}
        }
    }
    slos
}

/// Names as written, so that a receiver with another fault is not also reported as unknown.
pub(super) fn receiver_names(raw: &Raw) -> Vec<&str> {
    let names = raw.receivers.iter().filter_map(|section| match &section.fields.get("name")?.value {
        Value::Text(name) => Some(name.as_str()),
        _ => None,
    });
    names.collect()
}

/// The objective as written; `None` where it is not worth checking further.
fn spec(keys: &mut Keys<'_>, receivers: &[&str], read_models: Duration) -> Option<SloSpec> {
    let defaults = SloSpec::default();
    let id = keys.required("id", "\"checkout-availability\"");
    let service = keys.required("service", "\"checkout\"");
    let indicator = indicator(keys);
    let target_percent = target(keys);
    let rest = SloSpec {
        name: keys.text("name").unwrap_or_default(),
        operation: keys.text("operation"),
        period: period(keys, defaults.period, read_models),
        receivers: known_receivers(keys, "receivers", receivers),
        runbook_url: keys.text("runbook_url"),
        n_events_min: keys.integer("events_min", defaults.n_events_min, 1..=1_000_000_000),
        keep_firing: keys.duration("keep_firing", defaults.keep_firing, Duration::ZERO..=DURATION_MAX),
        ..defaults
    };
    Some(SloSpec {
        id: id?,
        service: service?,
        indicator: indicator?,
        target_percent: target_percent?,
        ..rest
    })
}

/// The key that a refusal is about.
fn key_of(error: &SloError) -> &'static str {
    match error {
        SloError::Id { .. } => "id",
        SloError::Text { field } | SloError::Hold { field } => field,
        SloError::Target { .. } | SloError::TargetDigits { .. } | SloError::NoTier { .. } => "target",
        SloError::Period { .. } => "period",
        SloError::Threshold => "threshold",
        SloError::Evidence => "events_min",
        SloError::ReservedLabel { .. } | SloError::LabelName { .. } => "labels",
        SloError::RunbookUrl => "runbook_url",
    }
}

fn indicator(keys: &mut Keys<'_>) -> Option<Indicator> {
    keys.required("indicator", "\"availability\" or \"latency\"")?;
    let has_threshold = keys.section.fields.contains_key("threshold");
    match keys.choice("indicator", &["availability", "latency"])? {
        "latency" if !has_threshold => {
            keys.problem("threshold", "is missing").hint("add threshold = \"300ms\"").report(keys.problems);
            None
        }
        "latency" => {
            let threshold = keys.duration("threshold", SECOND, Duration::ZERO..=24 * HOUR);
            Some(Indicator::Latency { threshold })
        }
        _ if has_threshold => {
            keys.problem("threshold", "has no effect on an availability indicator")
                .hint("set indicator = \"latency\", or remove this key")
                .report(keys.problems);
            None
        }
        _ => Some(Indicator::Availability),
    }
}

fn target(keys: &mut Keys<'_>) -> Option<f64> {
    let Some(field) = keys.section.fields.get("target") else {
        keys.problem("target", "is missing").hint("add target = 99.9").report(keys.problems);
        return None;
    };
    if let Value::Number(text) = &field.value
        && let Ok(percent) = text.parse::<f64>()
    {
        return Some(percent);
    }
    keys.problem("target", format!("{} is not a percentage", show(&field.value)))
        .hint("write a number without quotation marks, such as 99.9")
        .report(keys.problems);
    None
}

fn period(keys: &mut Keys<'_>, default: Duration, read_models: Duration) -> Duration {
    let period = keys.duration("period", default, SECOND..=DURATION_MAX);
    if period > read_models {
        let shown = units::show_duration(read_models);
        keys.problem("period", format!("is longer than retention.read_models_1h ({shown})"))
            .hint("the objective could never be measured in full")
            .report(keys.problems);
    }
    period
}

/// Names of receivers that are there, each once.
pub(super) fn known_receivers(keys: &mut Keys<'_>, key: &str, known: &[&str]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (name, origin) in strings(keys, key) {
        let message = if names.contains(&name) {
            format!("receiver {name:?} is named twice")
        } else if !known.contains(&name.as_str()) {
            format!("no receiver is called {name:?}")
        } else {
            names.push(name);
            continue;
        };
        let hint = receiver_hint(&name, known);
        let message = format!("{}.{key}: {message}", keys.section.name);
        keys.problems.push(Problem { hint, ..Problem::new(origin, message) });
    }
    names
}

pub(super) fn receiver_hint(name: &str, known: &[&str]) -> Option<String> {
    match nearest(name, known.iter().copied()) {
        Some(near) if near == name => None,
        Some(near) => Some(format!("did you mean {near:?}?")),
        None if known.is_empty() => Some("add a [[receivers]] table with that name".to_owned()),
        None => Some(format!("receivers are {}", known.join(", "))),
    }
}
