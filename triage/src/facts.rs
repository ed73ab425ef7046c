//! What one trace says of itself: its size, who took the time, who waited for whom, and what is missing.
//!
//! Times are compared after clocks were corrected, see [`clock_shifts`]; what they were as sent stays in the table.

#[cfg(test)]
mod tests;

use crate::critical_path::{
    Children, PathKind, PathSpan, Section, append_path, critical_path, is_asynchronous,
};
use crate::skew::{ClockShifts, clock_shifts};
use crate::strings::Symbol;
use crate::traces::{SpanKind, Traces};
use std::collections::{BTreeMap, BTreeSet};

/// Everything about one trace.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceFacts {
    /// Place in [`Traces::traces`].
    pub trace: usize,
    pub entry: usize,
    /// From the first start to the last end, in corrected time.
    pub duration_ns: i64,
    /// Of the entry alone: what the caller waited.
    pub entry_ns: i64,
    /// Most spans below each other.
    pub depth: usize,
    pub n_errors: usize,
    /// For each span of the trace in the order of the table, the time that no child covers.
    pub self_ns: Vec<i64>,
    pub path: Vec<Section>,
    /// By service: spans, errors, self time and time on the critical path. Longest on the path first.
    pub services: Vec<ServiceFacts>,
    pub marks: TraceMarks,
}

/// One service's part of a trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServiceFacts {
    pub service: Symbol,
    pub n_spans: usize,
    pub n_errors: usize,
    pub self_ns: i64,
    pub path_ns: i64,
}

/// What to know before believing the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceMarks {
    /// Spans that name a parent which is not there.
    pub n_orphans: usize,
    /// Parents that are named and not there: at least so many spans are missing.
    pub n_missing: usize,
    /// Every span names a parent: the request itself is not there, and the path is that of the entry.
    pub is_root_missing: bool,
    /// Spans without a parent beside the entry.
    pub n_more_roots: usize,
    /// Clients whose server sent no span.
    pub n_without_server: usize,
    /// Spans that outlive their parent so far that nobody waited for their end.
    pub n_asynchronous: usize,
    pub n_moved_clocks: usize,
    pub n_wrong_clocks: usize,
}

/// O(spans log spans). `None` where there is no such trace.
pub fn trace_facts(traces: &Traces, trace: usize) -> Option<TraceFacts> {
    let of = traces.traces().get(trace)?;
    let shifts = clock_shifts(traces, trace);
    let spans = path_spans(traces, trace, &shifts);
    let start_ns = spans.iter().map(|span| span.start_ns).min().unwrap_or_default();
    let end_ns = spans.iter().map(|span| span.end_ns).max().unwrap_or_default();
    let self_ns: Vec<i64> =
        of.spans.clone().map(|span| self_time(traces, of.spans.start, &spans, span)).collect();
    let marks = marks(traces, trace, &spans, &shifts);
    let path = match marks.is_root_missing {
        true => path_below(traces, of.entry, of.spans.start, &spans),
        false => critical_path(&spans),
    };
    Some(TraceFacts {
        trace,
        entry: of.entry,
        duration_ns: end_ns.saturating_sub(start_ns),
        entry_ns: length_ns(&spans[of.entry - of.spans.start]),
        depth: depth(traces, trace),
        n_errors: traces.spans()[of.spans.clone()].iter().filter(|span| span.is_error).count(),
        services: services(traces, of.spans.start, &self_ns, &path),
        marks,
        self_ns,
        path,
    })
}

/// The spans of a trace in corrected time, in the order of the table, with parents as the table has them.
pub(crate) fn path_spans(traces: &Traces, trace: usize, shifts: &ClockShifts) -> Vec<PathSpan> {
    let range = traces.traces()[trace].spans.clone();
    let first = range.start;
    // Ids are places: those that were sent may repeat, and form rings.
    let id = |span: usize| ((span - first) as u64 + 1).to_be_bytes();
    let of = |span: usize| {
        let by_ns = shifts.shifts_ns[span - first];
        let sent = &traces.spans()[span];
        PathSpan {
            span_id: id(span),
            parent_span_id: match traces.is_orphan(span) {
                true => Some([0xff; 8]),
                false => traces.parent(span).map(id),
            },
            start_ns: sent.start_ns.saturating_add(by_ns),
            end_ns: sent.end_ns.saturating_add(by_ns),
            kind: path_kind(sent.kind),
        }
    };
    range.map(of).collect()
}

/// The path of one span's time. `spans` are those of its trace, which begins at `first`.
pub(crate) fn path_below(traces: &Traces, top: usize, first: usize, spans: &[PathSpan]) -> Vec<Section> {
    let parents = (first..first + spans.len()).map(|span| traces.parent(span).map(|parent| parent - first));
    let children = Children::of_parents(&parents.collect::<Vec<_>>());
    let mut sections = Vec::new();
    append_path(spans, &children, top - first, &mut sections);
    sections
}

fn path_kind(kind: SpanKind) -> PathKind {
    match kind {
        SpanKind::Producer => PathKind::Producer,
        SpanKind::Consumer => PathKind::Consumer,
        _ => PathKind::Other,
    }
}

fn length_ns(span: &PathSpan) -> i64 {
    span.end_ns.saturating_sub(span.start_ns)
}

/// Time of a span that none of its children covers. `spans` are those of its trace, which begins at `first`.
pub(crate) fn self_time(traces: &Traces, first: usize, spans: &[PathSpan], span: usize) -> i64 {
    let own = &spans[span - first];
    let mut inside: Vec<(i64, i64)> =
        traces.children(span).iter().map(|&child| clipped(own, &spans[child as usize - first])).collect();
    inside.sort_unstable();
    let (mut covered_ns, mut covered_to) = (0_i64, own.start_ns);
    for (start_ns, end_ns) in inside {
        covered_ns = covered_ns.saturating_add(end_ns.saturating_sub(start_ns.max(covered_to)).max(0));
        covered_to = covered_to.max(end_ns);
    }
    length_ns(own).saturating_sub(covered_ns)
}

fn clipped(own: &PathSpan, child: &PathSpan) -> (i64, i64) {
    (child.start_ns.clamp(own.start_ns, own.end_ns), child.end_ns.clamp(own.start_ns, own.end_ns))
}

/// Levels of the tree, without recursion: a trace may be ten thousand spans deep.
fn depth(traces: &Traces, trace: usize) -> usize {
    let roots = traces.traces()[trace].spans.clone().filter(|&span| traces.parent(span).is_none());
    let mut open: Vec<(usize, usize)> = roots.map(|root| (root, 1)).collect();
    let mut deepest = 0;
    while let Some((span, level)) = open.pop() {
        deepest = deepest.max(level);
        open.extend(traces.children(span).iter().map(|&child| (child as usize, level + 1)));
    }
    deepest
}

fn services(traces: &Traces, first: usize, self_ns: &[i64], path: &[Section]) -> Vec<ServiceFacts> {
    let mut by_service: BTreeMap<Symbol, ServiceFacts> = BTreeMap::new();
    for (at, self_ns) in self_ns.iter().enumerate() {
        let span = &traces.spans()[first + at];
        let of = by_service.entry(span.service).or_default();
        of.service = span.service;
        of.n_spans += 1;
        of.n_errors += usize::from(span.is_error);
        of.self_ns = of.self_ns.saturating_add(*self_ns);
    }
    for section in path {
        let service = traces.spans()[first + section.span].service;
        if let Some(of) = by_service.get_mut(&service) {
            of.path_ns = of.path_ns.saturating_add(section.to_ns.saturating_sub(section.from_ns));
        }
    }
    let mut services: Vec<ServiceFacts> = by_service.into_values().collect();
    services.sort_by_key(|of| (std::cmp::Reverse((of.path_ns, of.self_ns)), of.service));
    services
}

fn marks(traces: &Traces, trace: usize, spans: &[PathSpan], shifts: &ClockShifts) -> TraceMarks {
    let range = traces.traces()[trace].spans.clone();
    let first = range.start;
    let orphans: Vec<usize> = range.clone().filter(|&span| traces.is_orphan(span)).collect();
    let missing: BTreeSet<[u8; 8]> =
        orphans.iter().map(|&span| traces.spans()[span].parent_span_id).collect();
    let roots = || range.clone().filter(|&span| traces.parent(span).is_none());
    let n_true_roots = roots().filter(|&span| !traces.is_orphan(span)).count();
    let is_alone =
        |span: &usize| traces.spans()[*span].kind == SpanKind::Client && traces.children(*span).is_empty();
    let outlives = |span: &usize| {
        let parent = traces.parent(*span);
        parent.is_some_and(|parent| is_asynchronous(&spans[parent - first], &spans[span - first]))
    };
    TraceMarks {
        n_orphans: orphans.len(),
        n_missing: missing.len(),
        is_root_missing: n_true_roots == 0,
        n_more_roots: n_true_roots.saturating_sub(1),
        n_without_server: range.clone().filter(is_alone).count(),
        n_asynchronous: range.clone().filter(outlives).count(),
        n_moved_clocks: shifts.n_moved,
        n_wrong_clocks: shifts.n_beyond,
    }
}
