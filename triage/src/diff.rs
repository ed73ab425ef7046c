//! What differs between two traces, or between two cohorts of them: calls that are new or gone, more or fewer of them,
//! longer or shorter.
//!
//! Both sides are poured into one tree. A node stands for all spans of one name below one node, so that twelve equal calls
//! are one node with a count, and forty-eight on the other side stand beside them. A trace is a cohort of one.

#[cfg(test)]
mod tests;

use crate::facts::{path_spans, self_time};
use crate::skew::clock_shifts;
use crate::strings::Symbol;
use crate::traces::{SpanKind, Traces};
use std::collections::HashMap;

/// Two cohorts in one tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TreeDiff {
    /// Requests of each side.
    pub n_requests: [u64; 2],
    /// Parents before their children, children by when they usually start.
    pub nodes: Vec<DiffNode>,
    /// Spans of each side that did not fit into the largest tree.
    pub n_left_out: [u64; 2],
}

/// Spans of one name in one place of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiffNode {
    /// Place of the parent, which is before this one.
    pub parent: Option<usize>,
    pub depth: usize,
    pub service: Symbol,
    pub operation: Symbol,
    pub kind: SpanKind,
    pub sides: [NodeSums; 2],
}

/// Sums over all requests of a side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeSums {
    pub n_spans: u64,
    pub n_errors: u64,
    pub duration_ns: i64,
    /// Time that no child covers.
    pub self_ns: i64,
    /// From the start of the request to the start of the span.
    offset_ns: i64,
}

/// On which sides a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    Both,
    OnlyFirst,
    OnlySecond,
}

/// Nodes of the largest tree. Names that hold ids would give one for each request.
const N_NODES_MAX: usize = 10_000;

/// A tree while it grows.
#[derive(Default)]
struct Growing {
    nodes: Vec<DiffNode>,
    places: HashMap<(Option<usize>, Symbol, Symbol, SpanKind), usize>,
    n_left_out: [u64; 2],
}

/// Compares what is below the spans of each side, places in [`Traces::spans`] of one span for each request; others are
/// left out. O(spans log spans of a trace).
pub fn tree_diff(traces: &Traces, first: &[usize], second: &[usize]) -> TreeDiff {
    let mut growing = Growing::default();
    let mut n_requests = [0, 0];
    for (side, tops) in [first, second].into_iter().enumerate() {
        let mut tops: Vec<usize> = tops.iter().copied().filter(|&top| top < traces.spans().len()).collect();
        tops.sort_unstable();
        tops.dedup();
        n_requests[side] = tops.len() as u64;
        for top in tops {
            growing.pour(traces, top, side);
        }
    }
    TreeDiff { n_requests, n_left_out: growing.n_left_out, nodes: in_order(growing.nodes) }
}

impl Growing {
    fn pour(&mut self, traces: &Traces, top: usize, side: usize) {
        let trace = traces.spans()[top].trace as usize;
        let first = traces.traces()[trace].spans.start;
        let spans = path_spans(traces, trace, &clock_shifts(traces, trace));
        let mut open: Vec<(usize, Option<usize>)> = vec![(top, None)];
        while let Some((span, parent)) = open.pop() {
            let Some(place) = self.place(traces, parent, span) else {
                self.n_left_out[side] += 1;
                continue;
            };
            let at = &spans[span - first];
            let sums = &mut self.nodes[place].sides[side];
            let offset_ns = at.start_ns.saturating_sub(spans[top - first].start_ns);
            sums.n_spans += 1;
            sums.n_errors += u64::from(traces.spans()[span].is_error);
            sums.duration_ns = sums.duration_ns.saturating_add(at.end_ns.saturating_sub(at.start_ns));
            sums.self_ns = sums.self_ns.saturating_add(self_time(traces, first, &spans, span));
            sums.offset_ns = sums.offset_ns.saturating_add(offset_ns);
            open.extend(traces.children(span).iter().map(|&child| (child as usize, Some(place))));
        }
    }

    /// Node of a span below a node; `None` in a full tree.
    fn place(&mut self, traces: &Traces, parent: Option<usize>, span: usize) -> Option<usize> {
        let of = &traces.spans()[span];
        let key = (parent, of.service, of.operation, of.kind);
        if let Some(&place) = self.places.get(&key) {
            return Some(place);
        }
        if self.nodes.len() >= N_NODES_MAX {
            return None;
        }
        let depth = parent.map_or(0, |parent| self.nodes[parent].depth + 1);
        let (service, operation, kind) = (of.service, of.operation, of.kind);
        self.nodes.push(DiffNode { parent, depth, service, operation, kind, sides: Default::default() });
        self.places.insert(key, self.nodes.len() - 1);
        Some(self.nodes.len() - 1)
    }
}

/// Depth first; children by their usual start, then by name.
fn in_order(nodes: Vec<DiffNode>) -> Vec<DiffNode> {
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
    let mut roots = Vec::new();
    for (at, node) in nodes.iter().enumerate() {
        match node.parent {
            Some(parent) => children[parent].push(at),
            None => roots.push(at),
        }
    }
    let key = |at: &usize| {
        let node: &DiffNode = &nodes[*at];
        (node.usual_offset_ns(), node.service, node.operation, node.kind)
    };
    let mut ordered: Vec<DiffNode> = Vec::with_capacity(nodes.len());
    let mut open: Vec<(usize, Option<usize>)> = Vec::new();
    roots.sort_by_key(key);
    open.extend(roots.into_iter().rev().map(|root| (root, None)));
    while let Some((at, parent)) = open.pop() {
        ordered.push(DiffNode { parent, ..nodes[at].clone() });
        let place = ordered.len() - 1;
        let below = &mut children[at];
        below.sort_by_key(key);
        open.extend(below.iter().rev().map(|&child| (child, Some(place))));
    }
    ordered
}

impl DiffNode {
    pub fn presence(&self) -> Presence {
        match self.sides.map(|side| side.n_spans > 0) {
            [true, false] => Presence::OnlyFirst,
            [false, true] => Presence::OnlySecond,
            _ => Presence::Both,
        }
    }

    fn usual_offset_ns(&self) -> i64 {
        let [first, second] = self.sides;
        let n_spans = (first.n_spans + second.n_spans).max(1) as i64;
        first.offset_ns.saturating_add(second.offset_ns) / n_spans
    }
}
