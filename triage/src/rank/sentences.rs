//! Evidence in plain sentences. Names are data: they are quoted, cut to a bound, and never interpreted.

use crate::excess::{Excess, NodeExcess};
use crate::flow::{FlowFinding, Step};
use crate::input::Symptom;
use crate::latency::{Unit, UnitLatency};
use crate::origin::{ErrorGroup, ErrorTrend};
use crate::saturation::Saturation;
use crate::strings::Symbol;
use crate::tables::Tables;

/// Characters of a name in a sentence.
const N_CHARS_MAX: usize = 120;

pub(super) fn flow(tables: &Tables, of: &FlowFinding) -> String {
    format!(
        "After {} in {} of {}, {} followed in {} of {} traces, before in {} of {}.",
        step(tables, of.previous),
        name(tables, of.operation),
        name(tables, of.service),
        step(tables, of.next),
        of.counts.k_after,
        of.counts.n_after,
        of.counts.k_before,
        of.counts.n_before,
    )
}

fn step(tables: &Tables, step: Step) -> String {
    match step {
        Step::Start => "the start".to_owned(),
        Step::Log(template) => {
            let text = &tables.logs.templates()[template as usize].text;
            format!("the log line \"{}\"", cut(text))
        }
        Step::Child(operation, _) => format!("the start of {}", name(tables, operation)),
        Step::Call { callee, callee_operation, .. } => {
            format!("the call of {} in {}", name(tables, callee_operation), name(tables, callee))
        }
        Step::End => "the end".to_owned(),
    }
}

pub(super) fn errors(tables: &Tables, of: &ErrorGroup) -> String {
    let what =
        if of.identity.is_empty() { "errors".to_owned() } else { format!("\"{}\"", cut(&of.identity)) };
    let trend = match of.trend {
        ErrorTrend::New => "new",
        ErrorTrend::Regressed => "back again",
        ErrorTrend::Escalating | ErrorTrend::Steady => "more frequent",
        ErrorTrend::NoBaseline => "new, with nothing to compare it with",
    };
    let calling =
        of.dependency.as_deref().map_or(String::new(), |called| format!(", calling {}", cut(called)));
    format!(
        "In {} of {} {} began{calling} in {} of {} traces, before in {} of {}: {trend}.",
        name(tables, of.operation),
        name(tables, of.service),
        what,
        of.counts.k_after,
        of.counts.n_after,
        of.counts.k_before,
        of.counts.n_before,
    )
}

pub(super) fn own_time(tables: &Tables, of: &UnitLatency) -> String {
    let (service, operation) = match of.unit {
        Unit::Own { service, operation } => (service, operation),
        Unit::Gap { callee, operation, .. } => (callee, operation),
    };
    format!(
        "{} of {} itself took {} per trace, before {}.",
        name(tables, operation),
        name(tables, service),
        milliseconds(of.after_ms),
        milliseconds(of.before_ms),
    )
}

pub(super) fn call_time(tables: &Tables, of: &UnitLatency) -> String {
    let (caller, callee) = match of.unit {
        Unit::Gap { caller, callee, .. } => (caller, callee),
        Unit::Own { service, .. } => (service, service),
    };
    format!(
        "Between {} and {} calls spent {} per trace on the way, before {}.",
        name(tables, caller),
        name(tables, callee),
        milliseconds(of.after_ms),
        milliseconds(of.before_ms),
    )
}

pub(super) fn saturation(tables: &Tables, of: &Saturation) -> String {
    format!(
        "{} of {} rose to {:.0} % of its limit, before {:.0} %.",
        name(tables, of.metric),
        name(tables, of.entity),
        of.top,
        of.before,
    )
}

pub(super) fn excess(all: &Excess, of: &NodeExcess) -> String {
    let what = match all.symptom {
        Symptom::Latency => format!("{:.1} s of waiting", of.own),
        Symptom::Availability => format!("{:.0} failed requests", of.own),
    };
    format!(
        "{} itself added {what} beyond the usual, {:.0} % of all that was lost.",
        cut(&of.node),
        100.0 * of.share
    )
}

fn name(tables: &Tables, symbol: Symbol) -> String {
    cut(tables.strings.text(symbol))
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(N_CHARS_MAX) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

fn milliseconds(ms: f64) -> String {
    match ms {
        ms if ms >= 1_000.0 => format!("{:.1} s", ms / 1_000.0),
        ms if ms >= 10.0 => format!("{ms:.0} ms"),
        ms => format!("{ms:.1} ms"),
    }
}
