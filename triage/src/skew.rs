//! Clocks that disagree: by how much each span of a trace must be moved for calls to lie inside their callers.
//!
//! Times stay as they were sent; what is here is told beside them. Only a span on another host than its parent
//! can be moved, because one host has one clock, and all below it on its host moves with it. A call that is longer
//! than its caller only may not start before it; a shorter one that sticks out is put in the middle, as if the way
//! there and the way back took equally long. A message may be read at any later time.

#[cfg(test)]
mod tests;

use crate::traces::{SpanKind, Traces};

/// Clocks further apart than this are not corrected: such a time is wrong, not skewed.
const SHIFT_NS_MAX: i64 = 3_600_000_000_000;
/// Resource attributes that tell the host, the best first.
const HOST_KEYS: [&str; 3] = ["host.id", "host.ip", "host.name"];

/// What to add to the times of the spans of one trace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClockShifts {
    /// For each span of the trace, in the order of the table.
    pub shifts_ns: Vec<i64>,
    /// Spans that are moved.
    pub n_moved: usize,
    /// Spans that would have to be moved by more than an hour, and are not.
    pub n_beyond: usize,
}

/// A stretch of one span's time.
#[derive(Clone, Copy)]
struct Stretch {
    start_ns: i64,
    end_ns: i64,
}

/// Shifts of the trace at this place of [`Traces::traces`]; none where there is no such trace. O(spans), and
/// resources are read only of spans that stick out of their parent or follow one that was moved.
pub fn clock_shifts(traces: &Traces, trace: usize) -> ClockShifts {
    let Some(range) = traces.traces().get(trace).map(|trace| trace.spans.clone()) else {
        return ClockShifts::default();
    };
    let first = range.start;
    let mut shifts = ClockShifts { shifts_ns: vec![0; range.len()], ..ClockShifts::default() };
    let mut open: Vec<usize> = range.filter(|&span| traces.parent(span).is_none()).collect();
    while let Some(parent) = open.pop() {
        let parent_shift_ns = shifts.shifts_ns[parent - first];
        for &child in traces.children(parent) {
            let child = child as usize;
            let shift_ns = shift_of_child(traces, parent, parent_shift_ns, child);
            if shift_ns.unsigned_abs() > SHIFT_NS_MAX as u64 {
                shifts.n_beyond += 1;
            } else {
                shifts.shifts_ns[child - first] = shift_ns;
                shifts.n_moved += usize::from(shift_ns != 0);
            }
            open.push(child);
        }
    }
    shifts
}

fn shift_of_child(traces: &Traces, parent: usize, parent_shift_ns: i64, child: usize) -> i64 {
    let outer = stretch(traces, parent).moved(parent_shift_ns);
    let inner = stretch(traces, child);
    let shift_ns = match is_message(traces, parent, child) {
        true => shift_to_start(outer, inner),
        false => shift_to_fit(outer, inner),
    };
    if shift_ns == parent_shift_ns || !is_one_host(traces, parent, child) {
        shift_ns
    } else {
        parent_shift_ns
    }
}

fn stretch(traces: &Traces, span: usize) -> Stretch {
    let span = &traces.spans()[span];
    Stretch { start_ns: span.start_ns, end_ns: span.end_ns }
}

impl Stretch {
    fn moved(self, by_ns: i64) -> Self {
        Self { start_ns: self.start_ns.saturating_add(by_ns), end_ns: self.end_ns.saturating_add(by_ns) }
    }

    fn length_ns(self) -> i64 {
        self.end_ns.saturating_sub(self.start_ns)
    }
}

fn is_message(traces: &Traces, parent: usize, child: usize) -> bool {
    let kind = |span: usize| traces.spans()[span].kind;
    kind(child) == SpanKind::Consumer || kind(parent) == SpanKind::Producer
}

fn shift_to_start(outer: Stretch, inner: Stretch) -> i64 {
    outer.start_ns.saturating_sub(inner.start_ns).max(0)
}

fn shift_to_fit(outer: Stretch, inner: Stretch) -> i64 {
    if inner.length_ns() > outer.length_ns() {
        return shift_to_start(outer, inner);
    }
    if outer.start_ns <= inner.start_ns && inner.end_ns <= outer.end_ns {
        return 0;
    }
    let way_ns = (outer.length_ns() - inner.length_ns()) / 2;
    outer.start_ns.saturating_add(way_ns).saturating_sub(inner.start_ns)
}

/// One host has one clock. Where hosts are not told, one instance is on one host, and so are spans of one service
/// that tell neither.
fn is_one_host(traces: &Traces, parent: usize, child: usize) -> bool {
    match (host(traces, parent), host(traces, child)) {
        (Some(one), Some(other)) => one == other,
        _ => {
            let owner = |span: usize| (traces.spans()[span].service, traces.spans()[span].instance);
            owner(parent) == owner(child)
        }
    }
}

fn host(traces: &Traces, span: usize) -> Option<(&'static str, &str)> {
    HOST_KEYS.iter().find_map(|&wanted| {
        let found = traces.resource(span).find(|(key, value)| *key == wanted && !value.is_empty());
        found.map(|(_, value)| (wanted, value))
    })
}
