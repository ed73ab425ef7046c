//! The requests that somebody complains of: which are bad, and how many.
//!
//! Of a scope, its entry spans; of the whole system, what traces begin with. Bad is what failed, or took longer than the
//! scope's threshold; without a threshold, what took longer than almost all of its operation's requests did before.

use super::{Axis, Question, Requests};
use crate::input::{Stretch, Symptom};
use crate::strings::Symbol;
use crate::tables::Tables;
use crate::traces::{Span, SpanKind};
use std::collections::HashMap;

/// Share of an operation's requests before that are no slower than what counts as usual.
const USUAL_SHARE: f64 = 0.99;
/// Requests of an operation before, without which nothing is known to be usual.
const N_USUAL_MIN: usize = 20;

/// One request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// Place in [`crate::Traces::spans`].
    pub(super) span: usize,
    pub(super) is_bad: bool,
    pub(super) in_window: bool,
}

/// All requests of the question, in the order of the table. O(spans + requests log requests).
pub(super) fn requests(question: &Question<'_>, tables: &Tables) -> Vec<Request> {
    let traces = &tables.traces;
    let entries = entries(question, tables);
    let slow = slow_from(question, tables, &entries);
    let mut requests = Vec::with_capacity(entries.len());
    for span in entries {
        let one = &traces.spans()[span];
        let in_window = match traces.traces()[one.trace as usize].stretch {
            Stretch::Window => true,
            Stretch::Baseline => false,
            Stretch::Outside => continue,
        };
        let is_slow = slow.get(&(one.service, one.operation)).is_some_and(|from| duration(one) > *from);
        let is_bad = match question.input.scope.symptom {
            Some(Symptom::Availability) => one.is_error,
            Some(Symptom::Latency) => is_slow,
            None => one.is_error || is_slow,
        };
        requests.push(Request { span, is_bad, in_window });
    }
    requests
}

/// Counts and lanes.
pub(super) fn summed(question: &Question<'_>, tables: &Tables, requests: &[Request]) -> Requests {
    let axis = Axis::of(question.window());
    let count = |in_window: bool, only_bad: bool| {
        let counted = |one: &&Request| one.in_window == in_window && (one.is_bad || !only_bad);
        requests.iter().filter(counted).count() as u64
    };
    let started = |one: &Request| tables.traces.spans()[one.span].start_ns;
    Requests {
        n: count(true, false),
        n_bad: count(true, true),
        n_before: count(false, false),
        n_bad_before: count(false, true),
        lane: axis.counts(&question.input, requests.iter().map(started)),
        bad_lane: axis.counts(&question.input, requests.iter().filter(|one| one.is_bad).map(started)),
        axis,
    }
}

pub(super) fn duration(span: &Span) -> i64 {
    span.end_ns.saturating_sub(span.start_ns)
}

fn entries(question: &Question<'_>, tables: &Tables) -> Vec<usize> {
    let traces = &tables.traces;
    let Some(service) = &question.input.scope.service else {
        return traces.traces().iter().map(|trace| trace.entry).collect();
    };
    // A name that does not occur has no requests.
    let Some(service) = tables.strings.find(service) else { return Vec::new() };
    let operation = match &question.input.scope.operation {
        Some(operation) => match tables.strings.find(operation) {
            Some(operation) => Some(operation),
            None => return Vec::new(),
        },
        None => None,
    };
    let is_it = |(at, span): &(usize, &Span)| {
        span.service == service
            && operation.is_none_or(|operation| span.operation == operation)
            && is_entry(tables, *at)
    };
    traces.spans().iter().enumerate().filter(is_it).map(|(at, _)| at).collect()
}

/// Served for somebody else, or begun by itself. Where no kinds are known, the first span of a service below another.
pub(super) fn is_entry(tables: &Tables, at: usize) -> bool {
    let span = &tables.traces.spans()[at];
    let parent = tables.traces.parent(at);
    match span.kind {
        SpanKind::Server | SpanKind::Consumer => true,
        SpanKind::Client | SpanKind::Producer => false,
        SpanKind::Internal => parent.is_none(),
        SpanKind::Unspecified => {
            parent.is_none_or(|parent| tables.traces.spans()[parent].service != span.service)
        }
    }
}

/// From which duration on a request of an operation is slow.
fn slow_from(question: &Question<'_>, tables: &Tables, entries: &[usize]) -> HashMap<(Symbol, Symbol), i64> {
    let traces = &tables.traces;
    let mut before: HashMap<(Symbol, Symbol), Vec<i64>> = HashMap::new();
    for &at in entries {
        let span = &traces.spans()[at];
        let known = before.entry((span.service, span.operation)).or_default();
        if traces.traces()[span.trace as usize].stretch == Stretch::Baseline {
            known.push(duration(span));
        }
    }
    let from = |mut durations: Vec<i64>| {
        if let Some(threshold_ns) = question.threshold_ns {
            return Some(threshold_ns);
        }
        durations.sort_unstable();
        let usual = quantile(&durations, USUAL_SHARE)?;
        (durations.len() >= N_USUAL_MIN).then_some(usual)
    };
    before.into_iter().filter_map(|(key, durations)| Some((key, from(durations)?))).collect()
}

/// The value that at least this share of the sorted values does not exceed.
pub(super) fn quantile(sorted: &[i64], share: f64) -> Option<i64> {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied()
}
