//! Error evidence: where failures begin, not who reports them.
//!
//! The origin of an error is a failing span without a failing child. Origins that agree in service, operation and
//! what failed are a group. A group is judged only among requests of the kinds that it occurs in, and only
//! where that kind of request was seen before: a request that never had a healthy past proves no regression.
//!
//! O(S + G * K * 24) for S spans and G groups in K kinds of requests. Memory 16 bytes per failing origin, and
//! 100 bytes per group and kind of request.

mod group;
#[cfg(test)]
mod tests;

use crate::contrast::{Counts, Grid};
use crate::input::{Stretch, TriageInput};
use crate::strings::Symbol;
use crate::tables::Tables;
use crate::traces::{SpanKind, Traces};
use group::{Entries, Group};
use std::collections::BTreeMap;

/// Bins of the search for the onset.
const N_BINS: usize = 24;
/// Traces of a kind of request before the split without which it is not looked at.
const N_BEFORE_MIN: f64 = 4.0;
/// Failing traces after the split.
const N_AFTER_MIN: f64 = 2.0;
/// How many times more often it must fail after than before.
const RISE_MIN: f64 = 3.0;
/// Statistic from which a group is a finding.
const HOT: f64 = 10.0;

/// What the errors tell.
#[derive(Debug, Default)]
pub struct ErrorEvidence {
    /// Groups seen in the window: strongest first, then the most frequent.
    pub groups: Vec<ErrorGroup>,
    /// By place of the trace: does it hold an origin of a group that is a finding?
    pub explained: Vec<bool>,
}

/// Failures that begin alike.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorGroup {
    pub service: Symbol,
    pub operation: Symbol,
    pub kind: SpanKind,
    /// Type of the exception, else of the error, else the status message without its numbers.
    pub identity: String,
    /// Statistic of the contrast; 0 where nothing could be judged.
    pub g: f64,
    /// Only of kinds of requests that were seen before.
    pub counts: Counts,
    pub onset_ns: Option<i64>,
    pub trend: ErrorTrend,
    /// Failing traces of the window, of the nearest baseline and of the older ones.
    pub n_window: usize,
    pub n_nearest: usize,
    pub n_older: usize,
    /// What was called without an answer, where the group fails in calling it.
    pub dependency: Option<String>,
    /// Kinds of requests it occurs in, the most frequent first: service, operation, kind of their entry.
    pub entries: Vec<(Symbol, Symbol, SpanKind)>,
    /// Places of the failing spans of the window, one per trace.
    pub spans: Vec<u32>,
}

/// How a group stands against the baselines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorTrend {
    /// Never seen before.
    New,
    /// Seen in an older baseline, not in the nearest, and back.
    Regressed,
    /// More often than before.
    Escalating,
    /// As before.
    Steady,
    /// Its requests were not seen before: new, but nothing to compare it with.
    NoBaseline,
}

impl ErrorGroup {
    /// Is the rise more than chance?
    pub fn is_finding(&self) -> bool {
        self.g >= HOT
    }
}

/// Groups the origins of all errors and holds them against the baselines.
pub fn errors(input: &TriageInput<'_>, tables: &Tables) -> ErrorEvidence {
    let grid = Grid::around_window(input, N_BINS);
    let traces = &tables.traces;
    let mut groups: BTreeMap<(Symbol, Symbol, SpanKind, String), Vec<u32>> = BTreeMap::new();
    for span in origins(traces) {
        let of = &traces.spans()[span as usize];
        let key = (of.service, of.operation, of.kind, identity(traces, span as usize));
        groups.entry(key).or_default().push(span);
    }
    let entries = Entries::of(traces, &grid, origins(traces));
    let nearest = input.baselines.last().copied();
    let mut evidence = ErrorEvidence { groups: Vec::new(), explained: vec![false; traces.traces().len()] };
    for ((service, operation, kind, identity), origins) in groups {
        let group = Group::of(traces, &entries, &grid, nearest, &origins);
        let judged = group.judge(&entries, &grid);
        let found = group.describe((service, operation, kind, identity), traces, &entries, judged);
        if found.is_finding() {
            for origin in &origins {
                evidence.explained[traces.spans()[*origin as usize].trace as usize] = true;
            }
        }
        if found.n_window > 0 {
            evidence.groups.push(found);
        }
    }
    // Stable: groups that say as much stay in the order of their names.
    evidence.groups.sort_by(|a, b| b.g.total_cmp(&a.g).then(b.n_window.cmp(&a.n_window)));
    evidence
}

/// Failing spans without a failing child, of the traces that are compared.
fn origins(traces: &Traces) -> impl Iterator<Item = u32> {
    let fails = |span: u32| traces.spans()[span as usize].is_error;
    let compared = traces.traces().iter().filter(|trace| trace.stretch != Stretch::Outside);
    let spans = compared.flat_map(|trace| trace.spans.start as u32..trace.spans.end as u32);
    spans.filter(move |span| {
        fails(*span) && !traces.children(*span as usize).iter().any(|child| fails(*child))
    })
}

/// What failed, without what differs from time to time.
fn identity(traces: &Traces, span: usize) -> String {
    let exception = traces.attribute(span, "exception.type");
    let exception = exception.or_else(|| traces.event_attribute(span, "exception", "exception.type"));
    let kind = exception.or_else(|| traces.attribute(span, "error.type"));
    let kind = kind.filter(|kind| !kind.is_empty()).unwrap_or(traces.detail(span, "error_type"));
    if !kind.is_empty() {
        return kind.to_owned();
    }
    let mut masked = String::new();
    crate::templates::mask(traces.detail(span, "status_message"), &mut masked);
    masked
}

/// Whom a client span without an answer called, as far as it says.
fn dependency(traces: &Traces, span: usize) -> Option<String> {
    if traces.spans()[span].kind != SpanKind::Client || !traces.children(span).is_empty() {
        return None;
    }
    let of = |column| Some(traces.detail(span, column)).filter(|name| !name.is_empty());
    let pair = |first: &'static str, second: &'static str| {
        let first = of(first)?;
        Some(of(second).map_or(first.to_owned(), |second| format!("{first}/{second}")))
    };
    let address = of("server_address").or_else(|| traces.attribute(span, "net.peer.name"));
    address
        .map(str::to_owned)
        .or_else(|| pair("db_system_name", "db_namespace"))
        .or_else(|| pair("messaging_system", "messaging_destination_name"))
        .or_else(|| of("peer_service").map(str::to_owned))
}
