//! The calls of all traces: attempts, what they were attempts of, and how they went.

use super::{Callee, Edge};
use crate::cohort::peer;
use crate::strings::Symbol;
use crate::traces::{SpanKind, Traces};
use std::collections::BTreeMap;

/// One attempt.
pub(super) struct Attempt {
    pub(super) edge: Edge,
    /// Place in [`Traces::traces`].
    pub(super) trace: usize,
    pub(super) client_ns: i64,
    /// `None`: the far side sent no span.
    pub(super) server_ns: Option<i64>,
    pub(super) is_error: bool,
    /// The first attempt of a logical call.
    pub(super) is_first: bool,
    /// The last attempt of a logical call: it decides how that went.
    pub(super) is_last: bool,
    pub(super) said: Said,
    /// The request that it belongs to failed.
    pub(super) is_of_failed: bool,
}

/// What a failed attempt says of its reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Said {
    #[default]
    Nothing,
    Timeout,
    Breaker,
    Pool,
}

/// Words of client libraries; whole messages differ from version to version.
const POOL_WORDS: [&str; 5] =
    ["pool", "too many connections", "too many clients", "connection limit", "acquire"];
const BREAKER_WORDS: [&str; 5] =
    ["circuit", "breaker", "callnotpermitted", "no healthy upstream", "bulkhead"];
const TIMEOUT_WORDS: [&str; 5] = ["timeout", "timed out", "deadline", "time out", "etimedout"];
/// An attempt that begins this little before the one before it ended still follows it: some clients cut their clocks
/// to milliseconds.
const OVERLAP_NS_MAX: i64 = 1_000_000;

/// Which service a service reaches by calls of a name; `None` where there is more than one.
type Known = BTreeMap<(Symbol, Symbol), Option<Symbol>>;

/// Attempts of one logical call lie together, in time.
pub(super) fn read(traces: &Traces) -> Vec<Attempt> {
    let known = known(traces);
    let mut attempts = Vec::new();
    for (trace, of_trace) in traces.traces().iter().enumerate() {
        let is_of_failed = traces.spans()[of_trace.entry].is_error;
        for span in of_trace.spans.clone() {
            if traces.parent(span).is_none() {
                read_siblings(traces, &known, trace, &[span as u32], is_of_failed, &mut attempts);
            }
            read_siblings(traces, &known, trace, traces.children(span), is_of_failed, &mut attempts);
        }
    }
    attempts
}

/// The calls among the children of one span.
fn read_siblings(
    traces: &Traces,
    known: &Known,
    trace: usize,
    spans: &[u32],
    is_of_failed: bool,
    attempts: &mut Vec<Attempt>,
) {
    let mut calls: Vec<(Edge, usize)> =
        spans.iter().filter_map(|&span| Some((edge(traces, known, span as usize)?, span as usize))).collect();
    let operation = |span: usize| traces.spans()[span].operation;
    calls.sort_by(|a, b| (&a.0, operation(a.1), a.1).cmp(&(&b.0, operation(b.1), b.1)));
    let first = attempts.len();
    let mut before: Option<usize> = None;
    for (edge, span) in calls {
        let is_retry = before.is_some_and(|before| is_retry(traces, before, span))
            && attempts.last().is_some_and(|last: &Attempt| last.edge == edge);
        if is_retry && let Some(last) = attempts[first..].last_mut() {
            last.is_last = false;
        }
        attempts.push(attempt(traces, trace, edge, span, !is_retry, is_of_failed));
        before = Some(span);
    }
}

fn known(traces: &Traces) -> Known {
    let mut known = Known::new();
    for (span, of) in traces.spans().iter().enumerate() {
        if let Some(callee) = traces.callee(span) {
            let service = traces.spans()[callee].service;
            let found = known.entry((of.service, of.operation)).or_insert(Some(service));
            *found = found.filter(|other| *other == service);
        }
    }
    known
}

/// What a span calls, if it is a call: its only child is in another service, or it is a client without children. That
/// one is meant for the service that calls of its name reach when they do.
fn edge(traces: &Traces, known: &Known, span: usize) -> Option<Edge> {
    let of = &traces.spans()[span];
    if let Some(callee) = traces.callee(span) {
        return Some(Edge { caller: of.service, callee: Callee::Service(traces.spans()[callee].service) });
    }
    let is_call = of.kind == SpanKind::Client && traces.children(span).is_empty();
    let usual = known.get(&(of.service, of.operation)).copied().flatten();
    let callee = || usual.map_or_else(|| Callee::Peer(peer(traces, span)), Callee::Service);
    is_call.then(|| Edge { caller: of.service, callee: callee() })
}

/// The same again, after the one before failed; or it says itself that it was sent again.
fn is_retry(traces: &Traces, before: usize, span: usize) -> bool {
    let (last, next) = (&traces.spans()[before], &traces.spans()[span]);
    let is_same = last.operation == next.operation && last.service == next.service;
    let follows = next.start_ns >= last.end_ns.saturating_sub(OVERLAP_NS_MAX);
    let says_so = traces.attribute(span, "http.request.resend_count").is_some_and(|count| count != "0");
    is_same && follows && (last.is_error || says_so)
}

fn attempt(
    traces: &Traces,
    trace: usize,
    edge: Edge,
    span: usize,
    is_first: bool,
    is_of_failed: bool,
) -> Attempt {
    let of = &traces.spans()[span];
    let server = traces.callee(span).map(|callee| &traces.spans()[callee]);
    let server_ns = server.map(|server| server.end_ns.saturating_sub(server.start_ns));
    let client_ns = of.end_ns.saturating_sub(of.start_ns);
    let gave_up = server_ns.is_some_and(|server_ns| server_ns > client_ns);
    let said = match of.is_error {
        true if gave_up => Said::Timeout,
        true => said(traces, span),
        false => Said::Nothing,
    };
    Attempt {
        edge,
        trace,
        client_ns,
        server_ns,
        is_error: of.is_error,
        is_first,
        is_last: true,
        said,
        is_of_failed,
    }
}

/// Pools are looked for first: theirs are often called timeouts.
fn said(traces: &Traces, span: usize) -> Said {
    let event = |key| traces.event_attribute(span, "exception", key).unwrap_or_default();
    let texts = [
        traces.detail(span, "error_type"),
        traces.detail(span, "status_message"),
        event("exception.type"),
        event("exception.message"),
    ];
    let text = texts.join(" ").to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let status = ["rpc.grpc.status_code", "rpc.response.status_code"].map(|key| traces.attribute(span, key));
    let is_deadline = status.iter().flatten().any(|status| matches!(*status, "4" | "DEADLINE_EXCEEDED"));
    if has(&POOL_WORDS) {
        Said::Pool
    } else if has(&BREAKER_WORDS) {
        Said::Breaker
    } else if is_deadline || has(&TIMEOUT_WORDS) {
        Said::Timeout
    } else {
        Said::Nothing
    }
}
