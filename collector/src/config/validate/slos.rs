//! `[[slos]]`: objectives. What an objective may be is decided by `alerts`; here each refusal finds
//! its key, and what depends on the rest of the file is checked.

mod counting;

use super::super::Problems;
use super::super::problem::Problem;
use super::super::raw::{Raw, Section, Value};
use super::{DURATION_MAX, Keys, SECOND, report_repeated, show, strings};
use crate::nearest::nearest;
use crate::units;
use alerts::{Calendar, CalendarError, CalendarUnit, Indicator, Slo, SloError, SloSpec, Source};
use std::time::Duration;
use storage::Retention;

pub(super) fn read(raw: &Raw, retention: &Retention, problems: &mut Problems) -> Vec<Slo> {
    let receivers = receiver_names(raw);
    report_repeated(&raw.slos, "id", "SLO", problems);
    let mut slos = Vec::new();
    for section in &raw.slos {
        slos.extend(one(section, &receivers, retention, problems));
    }
    slos
}

/// The objective of one table. It is only fit for use if no problem was reported.
pub(super) fn one(
    section: &Section,
    receivers: &[&str],
    retention: &Retention,
    problems: &mut Problems,
) -> Option<Slo> {
    let mut keys = Keys { section, problems };
    match Slo::new(spec(&mut keys, receivers, retention)?) {
        Ok(slo) => Some(slo),
        Err(error) => {
            keys.problem(key_of(&error), error.to_string()).report(keys.problems);
            None
        }
    }
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
fn spec(keys: &mut Keys<'_>, receivers: &[&str], retention: &Retention) -> Option<SloSpec> {
    let defaults = SloSpec::default();
    let id = keys.required("id", "\"checkout-availability\"");
    let service = keys.required("service", "\"checkout\"");
    let indicator = counting::indicator(keys);
    let target_percent = target(keys);
    let attributes = counting::pairs(keys, "filter");
    let kept = kept(indicator.as_ref(), &attributes, retention);
    let calendar = calendar(keys, kept);
    let rest = SloSpec {
        name: keys.text("name").unwrap_or_default(),
        description: keys.text("description"),
        operation: keys.text("operation"),
        attributes,
        method: counting::method(keys),
        period: period(keys, defaults.period, kept),
        calendar,
        receivers: known_receivers(keys, "receivers", receivers),
        runbook_url: keys.text("runbook_url"),
        n_events_min: keys.integer("events_min", defaults.n_events_min, 1..=1_000_000_000),
        n_bad_min: keys.integer("bad_min", defaults.n_bad_min, 1..=1_000_000_000),
        pending_for: keys.duration("for", defaults.pending_for, Duration::ZERO..=DURATION_MAX),
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

/// How long what an objective counts is kept, and the key that says so; none where only its statement knows.
pub(super) fn kept(
    indicator: Option<&Indicator>,
    attributes: &[(String, String)],
    retention: &Retention,
) -> Option<(&'static str, Duration)> {
    match indicator {
        Some(Indicator::Ratio(ratio)) => {
            let is_metric = |source: &&Source| matches!(source, Source::Metric { .. });
            let found = ratio.sources().iter().any(is_metric);
            found.then_some(("retention.metrics", retention.metrics))
        }
        _ if !attributes.is_empty() => Some(("retention.traces", retention.traces)),
        _ => Some(("retention.read_models_1h", retention.read_models.hour)),
    }
}

/// The key that a refusal is about.
fn key_of(error: &SloError) -> &'static str {
    match error {
        SloError::Id { .. } => "id",
        SloError::Text { field } | SloError::Hold { field } => field,
        SloError::Target { .. } | SloError::TargetDigits { .. } | SloError::NoTier { .. } => "target",
        SloError::Period { .. } => "period",
        SloError::Threshold => "threshold",
        SloError::Timeslice => "timeslice",
        SloError::ScopedRatio => "operation",
        SloError::Attributes => "filter",
        SloError::Condition | SloError::Statement => "indicator",
        SloError::Evidence => "events_min",
        SloError::ReservedLabel { .. } | SloError::LabelName { .. } => "labels",
        SloError::RunbookUrl => "runbook_url",
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

fn period(keys: &mut Keys<'_>, default: Duration, kept: Option<(&str, Duration)>) -> Duration {
    let period = keys.duration("period", default, SECOND..=DURATION_MAX);
    let given = keys.section.fields.contains_key("period");
    if given && keys.section.fields.contains_key("calendar") {
        keys.problem("period", "a calendar says how long it is")
            .hint("remove this key")
            .report(keys.problems);
    } else if keys.section.fields.contains_key("calendar") {
        return default;
    }
    check_kept(keys, "period", period, kept);
    period
}

fn check_kept(keys: &mut Keys<'_>, key: &str, period: Duration, kept: Option<(&str, Duration)>) {
    let Some((retention, kept)) = kept.filter(|(_, kept)| period > *kept) else { return };
    let shown = units::show_duration(kept);
    keys.problem(key, format!("is longer than {retention} ({shown})"))
        .hint("the objective could never be measured in full")
        .report(keys.problems);
}

/// `calendar = "1M"` with the time and the zone that windows are counted from.
fn calendar(keys: &mut Keys<'_>, kept: Option<(&str, Duration)>) -> Option<Calendar> {
    let text = keys.text("calendar");
    if text.is_none() {
        for key in ["calendar_start", "time_zone"] {
            if keys.section.fields.contains_key(key) {
                keys.problem(key, "has no effect without a calendar")
                    .hint("add calendar = \"1M\"")
                    .report(keys.problems);
            }
        }
    }
    let text = text?;
    let letter = text.chars().last().and_then(CalendarUnit::parse);
    let number = text.get(..text.len() - 1).and_then(|number| number.parse::<u32>().ok());
    let Some((n, unit)) = number.zip(letter) else {
        keys.problem("calendar", format!("{text:?} is no window of a calendar"))
            .hint("write a whole number and one of d w M Q Y, such as \"1M\" for a month")
            .report(keys.problems);
        return None;
    };
    let start = keys.text("calendar_start").unwrap_or_else(|| "2026-01-01 00:00:00".to_owned());
    let zone = keys.text("time_zone").unwrap_or_else(|| "UTC".to_owned());
    match Calendar::new(&start, &zone, n, unit) {
        Ok(calendar) => {
            check_kept(keys, "calendar", calendar.longest(), kept);
            Some(calendar)
        }
        Err(error) => {
            let key = match error {
                CalendarError::Start { .. } => "calendar_start",
                CalendarError::Zone { .. } => "time_zone",
                CalendarError::Units => "calendar",
            };
            keys.problem(key, error.to_string()).report(keys.problems);
            None
        }
    }
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
