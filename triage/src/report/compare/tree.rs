//! The calls of both sides in one tree, as numbers per request.

use crate::diff::{DiffNode, NodeSums, tree_diff};
use crate::statistics::ratio;
use crate::tables::Tables;

/// Places that are told, those whose own time differs most, with what is above them.
const NODES_MAX: usize = 400;

/// Spans of one name in one place of the tree.
#[derive(Clone, Debug, PartialEq)]
pub struct TreeNode {
    /// Place of the parent, which is before this one.
    pub parent: Option<usize>,
    pub depth: usize,
    pub service: String,
    pub operation: String,
    pub kind: &'static str,
    /// First and second.
    pub sides: [NodeFigures; 2],
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct NodeFigures {
    /// 0 where the side does not make this call.
    pub spans_per_request: f64,
    /// Time that no child covers.
    pub self_ns_per_request: f64,
    /// Of one span; none without any.
    pub mean_ns: Option<f64>,
    pub error_ratio: Option<f64>,
}

/// What is told, and how many places are not. O(spans log spans of a trace).
pub(super) fn tree(tables: &Tables, requests: &[Vec<usize>; 2]) -> (Vec<TreeNode>, u64) {
    let diff = tree_diff(&tables.traces, &requests[0], &requests[1]);
    let n_requests = diff.n_requests;
    let kept = kept(&diff.nodes, n_requests);
    let mut places: Vec<Option<usize>> = Vec::with_capacity(diff.nodes.len());
    let mut told: Vec<TreeNode> = Vec::new();
    for (node, is_kept) in diff.nodes.iter().zip(kept) {
        places.push(is_kept.then_some(told.len()));
        if is_kept {
            told.push(TreeNode {
                parent: node.parent.and_then(|parent| places[parent]),
                depth: node.depth,
                service: tables.strings.text(node.service).to_owned(),
                operation: tables.strings.text(node.operation).to_owned(),
                kind: node.kind.name(),
                sides: [0, 1].map(|side| figures(&node.sides[side], n_requests[side])),
            });
        }
    }
    let n_left_out = diff.nodes.len() - told.len();
    (told, n_left_out as u64)
}

fn figures(sums: &NodeSums, n_requests: u64) -> NodeFigures {
    let (n_spans, n_requests) = (sums.n_spans as f64, n_requests as f64);
    let of_spans = |sum: f64| (sums.n_spans > 0).then(|| sum / n_spans);
    NodeFigures {
        spans_per_request: ratio(n_spans, n_requests),
        self_ns_per_request: ratio(sums.self_ns as f64, n_requests),
        mean_ns: of_spans(sums.duration_ns as f64),
        error_ratio: of_spans(sums.n_errors as f64),
    }
}

fn kept(nodes: &[DiffNode], n_requests: [u64; 2]) -> Vec<bool> {
    let own = |node: &DiffNode, side: usize| ratio(node.sides[side].self_ns as f64, n_requests[side] as f64);
    let change = |at: usize| (own(&nodes[at], 0) - own(&nodes[at], 1)).abs();
    let mut order: Vec<usize> = (0..nodes.len()).collect();
    order.sort_by(|&a, &b| change(b).total_cmp(&change(a)).then(a.cmp(&b)));
    let mut kept = vec![false; nodes.len()];
    let mut n_kept = 0;
    for at in order {
        if n_kept >= NODES_MAX {
            break;
        }
        let mut next = Some(at);
        while let Some(place) = next.filter(|place| !kept[*place]) {
            kept[place] = true;
            n_kept += 1;
            next = nodes[place].parent;
        }
    }
    kept
}
