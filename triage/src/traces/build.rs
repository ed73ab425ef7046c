//! From rows to the dense table: order, parents, children.

use super::{NONE, Span, SpanRows, Trace, Traces};
use crate::input::{Scope, Stretch, TriageInput};
use crate::strings::{Renumbering, Strings, Symbol};
use std::cmp::{Ordering, Reverse};

pub(super) fn traces(
    rows: SpanRows,
    input: &TriageInput<'_>,
    strings: &Strings,
    renumbering: &Renumbering,
) -> Traces {
    let SpanRows { mut spans, columns, n_without_id, kept } = rows;
    for (_, span) in &mut spans {
        span.service = renumbering.symbol(span.service);
        span.operation = renumbering.symbol(span.operation);
        span.instance = renumbering.symbol(span.instance);
        span.version = renumbering.symbol(span.version);
    }
    let mut table = Traces { columns, n_without_id, kept, ..Traces::default() };
    table.spans.reserve_exact(spans.len());
    for place in sorted(&spans) {
        push(&mut table, &spans[place as usize]);
    }
    drop(spans);
    link_parents(&mut table);
    cut_rings(&mut table.spans);
    link_children(&mut table);
    let scope = ScopeFilter::of(input.scope, strings);
    for trace in &mut table.traces {
        trace.started_ns = table.spans[trace.spans.start].start_ns;
        if scope.lets_in(&table.spans[trace.spans.clone()]) {
            trace.stretch = input.stretch(trace.started_ns);
        }
        let root = trace.spans.clone().find(|&at| table.spans[at].parent == NONE);
        trace.entry = root.unwrap_or(trace.spans.start);
    }
    table
}

/// The symbols of a scope; the inner `None` is a name that no span has.
struct ScopeFilter {
    service: Option<Option<Symbol>>,
    operation: Option<Option<Symbol>>,
}

impl ScopeFilter {
    fn of(scope: &Scope, strings: &Strings) -> Self {
        let symbol = |name: &Option<String>| name.as_ref().map(|name| strings.find(name));
        Self { service: symbol(&scope.service), operation: symbol(&scope.operation) }
    }

    /// Does a span of the trace fit?
    fn lets_in(&self, trace: &[Span]) -> bool {
        let fits = |wanted: Option<Option<Symbol>>, found| wanted.is_none_or(|wanted| wanted == Some(found));
        trace.iter().any(|span| fits(self.service, span.service) && fits(self.operation, span.operation))
    }
}

/// Places in the order of the table. Keys are small, so that sorting moves little.
fn sorted(spans: &[(u128, Span)]) -> Vec<u32> {
    let mut keys: Vec<(u128, i64, u32)> = Vec::with_capacity(spans.len());
    keys.extend(spans.iter().enumerate().map(|(at, (trace_id, span))| (*trace_id, span.start_ns, at as u32)));
    keys.sort_by(|a, b| {
        let by_key = (a.0, a.1).cmp(&(b.0, b.1));
        by_key.then_with(|| by_content(&spans[a.2 as usize].1, &spans[b.2 as usize].1))
    });
    keys.into_iter().map(|(_, _, at)| at).collect()
}

/// An order of spans of one trace and start that does not ask where they came from. The longer span is first, since it
/// may be the parent of the other.
fn by_content(a: &Span, b: &Span) -> Ordering {
    let key = |span: &Span| (Reverse(span.end_ns), span.span_id, span.parent_span_id);
    let names =
        |span: &Span| (span.service, span.operation, span.instance, span.version, span.kind, span.is_error);
    key(a).cmp(&key(b)).then_with(|| names(a).cmp(&names(b)))
}

fn push(table: &mut Traces, (trace_id, span): &(u128, Span)) {
    let at = table.spans.len();
    let trace_id = trace_id.to_be_bytes();
    match table.traces.last_mut() {
        Some(trace) if trace.trace_id == trace_id => {
            if by_content(&table.spans[at - 1], span).is_eq() && table.spans[at - 1].start_ns == span.start_ns
            {
                table.n_duplicates += 1;
                return;
            }
            trace.spans.end = at + 1;
        }
        _ => table.traces.push(Trace {
            trace_id,
            spans: at..at + 1,
            entry: at,
            started_ns: span.start_ns,
            stretch: Stretch::Outside,
        }),
    }
    let trace = table.traces.len() as u32 - 1;
    table.spans.push(Span { trace, ..span.clone() });
}

/// Finds each span's parent in its trace; of equal ids the earliest span is meant.
fn link_parents(table: &mut Traces) {
    for trace in 0..table.traces.len() {
        let index = table.index(trace);
        for at in table.traces[trace].spans.clone() {
            let parent = index.find(&table.spans[at].parent_span_id);
            table.spans[at].parent = parent.filter(|parent| *parent as usize != at).unwrap_or(NONE);
        }
    }
}

/// Makes the earliest span of each ring of parents a root. Every span is walked over once.
fn cut_rings(spans: &mut [Span]) {
    const UNSEEN: u32 = NONE;
    let mut seen_by = vec![UNSEEN; spans.len()];
    for start in 0..spans.len() as u32 {
        let mut at = start;
        while at != NONE && seen_by[at as usize] == UNSEEN {
            seen_by[at as usize] = start;
            at = spans[at as usize].parent;
        }
        if at != NONE && seen_by[at as usize] == start {
            let earliest = earliest_of_ring(spans, at);
            spans[earliest as usize].parent = NONE;
        }
    }
}

fn earliest_of_ring(spans: &[Span], member: u32) -> u32 {
    let mut earliest = member;
    let mut at = spans[member as usize].parent;
    while at != member {
        earliest = earliest.min(at);
        at = spans[at as usize].parent;
    }
    earliest
}

/// Children by counting, so that they keep the order of the table.
fn link_children(table: &mut Traces) {
    let mut first_child = vec![0_u32; table.spans.len() + 1];
    for span in table.spans.iter().filter(|span| span.parent != NONE) {
        first_child[span.parent as usize + 1] += 1;
    }
    for at in 1..first_child.len() {
        first_child[at] += first_child[at - 1];
    }
    let mut next = first_child.clone();
    let mut children = vec![0; first_child[table.spans.len()] as usize];
    for (at, span) in table.spans.iter().enumerate().filter(|(_, span)| span.parent != NONE) {
        let slot = &mut next[span.parent as usize];
        children[*slot as usize] = at as u32;
        *slot += 1;
    }
    table.first_child = first_child;
    table.children = children;
}
