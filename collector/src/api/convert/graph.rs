//! Who calls whom: a node for each peer, an edge for each direction between two of them.
//!
//! The whole graph is put together first; the neighbourhood of a service, and what a limit leaves of it, are then
//! chosen by how near nodes are and how much they do. Where nodes are drawn is not decided here.

mod id;
mod reach;

use super::red::{figures, mean_ns};
use super::services::peer_kind;
use id::id;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use storage::{Edge, EdgeDirection, EdgesAnswer, Peer, PeerKind, RedAnswer, RedTotals, TimeRange};
use wire::UnixNanos;

/// What a graph is made from.
pub(in super::super) struct Drawn {
    pub(in super::super) range: TimeRange,
    pub(in super::super) edges: EdgesAnswer,
    /// What each service was asked for.
    pub(in super::super) served: RedAnswer,
    pub(in super::super) around: Option<Around>,
    /// Of the nodes.
    pub(in super::super) limit: usize,
}

/// The neighbourhood of a service, so many steps in either direction.
pub(in super::super) struct Around {
    pub(in super::super) service: String,
    pub(in super::super) depth: u32,
}

impl Drawn {
    /// The service in the middle, if nothing of the range has to do with it.
    pub(in super::super) fn missing(&self) -> Option<&str> {
        let service = self.around.as_ref()?.service.as_str();
        let is_it = |peer: &Peer| peer.kind == PeerKind::Service && peer.name == service;
        let calls = self.edges.edges.iter().any(|edge| is_it(&edge.caller) || is_it(&edge.callee));
        let serves = self.served.groups.iter().any(|group| group.service == service);
        (!calls && !serves).then_some(service)
    }
}

/// A peer and what is known of it.
struct Node<'a> {
    peer: &'a Peer,
    id: String,
    red: wire::Figures,
    is_instrumented: bool,
    distance: Option<u32>,
}

pub(in super::super) fn graph(drawn: &Drawn) -> wire::Graph {
    let edges = &drawn.edges.edges;
    let peers = peers(drawn);
    let mut nodes = nodes(drawn, &peers);
    if let Some(around) = &drawn.around {
        measure(&mut nodes, edges, around);
        nodes.retain(|node| node.distance.is_some_and(|distance| distance <= around.depth));
    }
    let n_nodes = nodes.len();
    nodes.sort_by_key(|node| (node.distance, Reverse(node.red.n_requests)));
    nodes.truncate(drawn.limit);
    let ids: BTreeMap<&Peer, &str> = nodes.iter().map(|node| (node.peer, node.id.as_str())).collect();
    let both_ends = edges.iter().filter_map(|edge| {
        let (caller, callee) = (ids.get(&edge.caller)?, ids.get(&edge.callee)?);
        Some(graph_edge(edge, (*caller).to_owned(), (*callee).to_owned(), drawn.edges.counted))
    });
    let mut edges: Vec<wire::GraphEdge> = both_ends.collect();
    edges.sort_by(|a, b| (&a.caller, &a.callee, a.direction).cmp(&(&b.caller, &b.callee, b.direction)));
    let mut nodes: Vec<wire::GraphNode> = nodes.into_iter().map(graph_node).collect();
    nodes.sort_by(|a, b| a.id.cmp(&b.id));
    wire::Graph {
        from: UnixNanos(drawn.range.from),
        to: UnixNanos(drawn.range.to),
        nodes,
        edges,
        n_nodes: u32::try_from(n_nodes).unwrap_or(u32::MAX),
        truncated: n_nodes > drawn.limit,
        is_coarser: drawn.edges.is_coarser || drawn.served.is_coarser,
        sql: drawn.edges.sql.clone(),
    }
}

/// All that call, are called, serve, or were asked for, each once and in order.
fn peers(drawn: &Drawn) -> Vec<Peer> {
    let ends = drawn.edges.edges.iter().flat_map(|edge| [edge.caller.clone(), edge.callee.clone()]);
    let serving = drawn.served.groups.iter().map(|group| Peer::service(group.service.as_str()));
    let middle = drawn.around.iter().map(|around| Peer::service(around.service.as_str()));
    let all: BTreeSet<Peer> = ends.chain(serving).chain(middle).collect();
    all.into_iter().collect()
}

fn nodes<'a>(drawn: &Drawn, peers: &'a [Peer]) -> Vec<Node<'a>> {
    let instrumented = instrumented(drawn);
    let served: BTreeMap<&str, &RedTotals> =
        drawn.served.groups.iter().map(|group| (group.service.as_str(), &group.total)).collect();
    let called: BTreeMap<&Peer, &RedTotals> =
        drawn.edges.callees.iter().map(|(peer, totals)| (peer, totals)).collect();
    let node = |peer: &'a Peer| {
        let is_instrumented = peer.kind == PeerKind::Service && instrumented.contains(peer.name.as_str());
        let (totals, counted) = match is_instrumented {
            true => (served.get(peer.name.as_str()).copied(), drawn.served.counted),
            false => (called.get(peer).copied(), drawn.edges.counted),
        };
        let red = figures(&totals.copied().unwrap_or_default(), counted);
        Node { peer, id: id(peer), red, is_instrumented, distance: None }
    };
    peers.iter().map(node).collect()
}

/// Services that sent spans: of what they served, of calls that they made, or of calls that they answered.
fn instrumented(drawn: &Drawn) -> BTreeSet<&str> {
    let senders = drawn.edges.edges.iter().map(|edge| match edge.direction {
        EdgeDirection::Call => &edge.caller,
        EdgeDirection::Deliver => &edge.callee,
    });
    let answering = drawn.edges.edges.iter().filter(|edge| edge.callee_totals.is_some());
    let peers = senders.chain(answering.map(|edge| &edge.callee));
    let serving = drawn.served.groups.iter().map(|group| group.service.as_str());
    peers.map(|peer| peer.name.as_str()).chain(serving).collect()
}

/// Tells nodes, which come in order of their peers, how far they are from the service in the middle.
fn measure(nodes: &mut [Node<'_>], edges: &[Edge], around: &Around) {
    let place = |peer: &Peer| nodes.binary_search_by(|node| node.peer.cmp(peer)).ok();
    let between = edges.iter().filter_map(|edge| place(&edge.caller).zip(place(&edge.callee)));
    let between: Vec<(usize, usize)> = between.collect();
    let Some(middle) = place(&Peer::service(around.service.as_str())) else { return };
    let distances = reach::distances(nodes.len(), &between, middle);
    for (node, distance) in nodes.iter_mut().zip(distances) {
        node.distance = distance;
    }
}

fn graph_node(node: Node<'_>) -> wire::GraphNode {
    let Peer { kind, name, detail, address } = node.peer.clone();
    wire::GraphNode {
        id: node.id,
        kind: peer_kind(kind),
        name,
        detail,
        address,
        is_instrumented: node.is_instrumented,
        red: node.red,
        distance: node.distance,
    }
}

fn graph_edge(edge: &Edge, caller: String, callee: String, counted: TimeRange) -> wire::GraphEdge {
    let error = |(error_type, n): &(String, u64)| wire::ErrorCount { error_type: error_type.clone(), n: *n };
    wire::GraphEdge {
        caller,
        callee,
        direction: match edge.direction {
            EdgeDirection::Call => wire::EdgeDirection::Call,
            EdgeDirection::Deliver => wire::EdgeDirection::Deliver,
        },
        red: figures(&edge.totals, counted),
        callee_red: edge.callee_totals.map(|totals| figures(&totals, counted)),
        gap: edge.gap_totals.map(gap),
        errors: edge.errors.iter().map(error).collect(),
        request_bytes_mean: (edge.n_sized > 0).then(|| edge.n_bytes_request as f64 / edge.n_sized as f64),
    }
}

fn gap(totals: RedTotals) -> wire::Gap {
    wire::Gap {
        n: totals.n,
        mean_ns: mean_ns(totals.sum_ns, totals.n),
        p50_ns: totals.p50_ns,
        p95_ns: totals.p95_ns,
        p99_ns: totals.p99_ns,
    }
}

#[cfg(test)]
mod tests;
