//! What tells two sides apart.

use super::triage::{attributes, finite, span};
use crate::decode::text::hex;
use crate::triage::{Difference, Side};
use ::triage::report::{Comparison, Latency, NodeFigures, Part, SideFigures, TreeNode};
use wire::UnixNanos;

pub(in super::super) fn compare_report(difference: Difference) -> wire::CompareReport {
    let Difference { sides, asked_at, comparison, elapsed } = difference;
    let Comparison { sentences, sides: figures, attributes, latency, tree, n_tree_left_out, marks } =
        comparison;
    let [first, second] = figures;
    wire::CompareReport {
        version: wire::COMPARE_VERSION,
        asked_at: UnixNanos(asked_at),
        sentences,
        first: self::figures(first, &sides.both[0]),
        second: self::figures(second, &sides.both[1]),
        attributes: attributes.map(self::attributes),
        latency: latency.map(self::latency),
        tree: tree.into_iter().map(node).collect(),
        n_tree_left_out,
        marks: marks
            .into_iter()
            .map(|mark| wire::TriageMark { kind: mark.kind.to_owned(), sentence: mark.sentence })
            .collect(),
        elapsed_ms: u32::try_from(elapsed.as_millis()).unwrap_or(u32::MAX),
    }
}

fn figures(figures: SideFigures, side: &Side) -> wire::CompareFigures {
    wire::CompareFigures {
        window: side.range().map(span),
        n_requests: figures.n,
        n_errors: figures.n_errors,
        n_read: figures.n_read,
        n_traced: figures.n_traced,
        mean_ns: figures.mean_ns,
        p50_ns: figures.p50_ns,
        p95_ns: figures.p95_ns,
        p99_ns: figures.p99_ns,
        trace_ids: figures.trace_ids.iter().map(|id| hex(id.as_slice())).collect(),
    }
}

/// The report of triage calls the first side `now`, and the second `before`.
fn latency(latency: Latency) -> wire::CompareLatency {
    let part = |Part { service, operation, callee, before_ns, now_ns, share }: Part| wire::ComparePart {
        service,
        operation,
        callee,
        first_ns: finite(now_ns),
        second_ns: finite(before_ns),
        added_ns: finite(now_ns - before_ns),
        share: finite(share),
    };
    wire::CompareLatency {
        first_ns: finite(latency.now_ns),
        second_ns: finite(latency.before_ns),
        parts: latency.parts.into_iter().map(part).collect(),
    }
}

fn node(node: TreeNode) -> wire::CompareNode {
    let [first, second] = node.sides;
    let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    wire::CompareNode {
        parent: node.parent.map(small),
        depth: small(node.depth),
        service: node.service,
        operation: node.operation,
        kind: node.kind.to_owned(),
        first: of_node(first),
        second: of_node(second),
    }
}

fn of_node(figures: NodeFigures) -> wire::CompareNodeFigures {
    let finite_or_none = |value: Option<f64>| value.filter(|value| value.is_finite());
    wire::CompareNodeFigures {
        spans_per_request: finite(figures.spans_per_request),
        self_ns_per_request: finite(figures.self_ns_per_request),
        mean_ns: finite_or_none(figures.mean_ns),
        error_ratio: finite_or_none(figures.error_ratio),
    }
}
