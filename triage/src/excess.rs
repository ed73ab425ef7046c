//! Excess evidence: which node of a call graph added the lost seconds or requests, where no traces are.
//!
//! A node's excess is a total, not a ratio: the seconds that its requests took too long, or the requests that failed
//! beyond the usual. What its callees lost is not its own, so a slow chain cancels out down to its deepest node,
//! and a view that sees few of the requests (a balancer, a client) cannot outrank the node that served them all.
//!
//! O(P + E) for P points and E edges, and a sort. Memory 60 bytes per point of the window and the baselines.

mod nodes;
#[cfg(test)]
mod tests;

use crate::input::{Symptom, TriageInput};
use crate::tables::Tables;
use nodes::{Graph, Node};
use std::collections::BTreeMap;

/// A node that appears with the fault was put there by its caller; requests from which on it is there.
const N_NEW_MIN: f64 = 1.0;
/// Share of the usual total latency that the target must lose before anything is said.
const LATENCY_STRENGTH_MIN: f64 = 0.005;
/// Share of the target's requests that must fail beyond the usual.
const AVAILABILITY_STRENGTH_MIN: f64 = 0.0015;

/// What rates, errors and durations of the nodes tell.
#[derive(Clone, Debug, PartialEq)]
pub struct Excess {
    pub symptom: Symptom,
    /// Most guilty first.
    pub nodes: Vec<NodeExcess>,
    /// Excess of the target against its usual total, in units of the least that counts: below 1 it is an ordinary day.
    pub strength: f64,
}

/// One node's part.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeExcess {
    pub node: String,
    /// Seconds or requests lost in the node itself.
    pub own: f64,
    /// With what its callees lost.
    pub total: f64,
    /// Part of all that is lost within reach of the target; the parts add up to one, unless nothing is.
    pub share: f64,
    /// Is it called by the target, directly or not?
    pub is_reachable: bool,
    /// Was it never asked before the window?
    pub is_new: bool,
}

/// Ranks the nodes. `None` without any series of requests, latencies or failures.
///
/// The target is the service of the scope; without one every node counts as reached, and those that nobody calls are the target.
pub fn excess(input: &TriageInput<'_>, tables: &Tables) -> Option<Excess> {
    let graph = Graph::of(input, tables);
    let symptoms = match input.scope.symptom {
        Some(symptom) => vec![symptom],
        None => vec![Symptom::Latency, Symptom::Availability],
    };
    let ranked = symptoms.into_iter().filter_map(|symptom| rank(input, &graph, symptom));
    // The first of equals, so latency.
    ranked.reduce(|best, other| if other.strength > best.strength { other } else { best })
}

fn rank(input: &TriageInput<'_>, graph: &Graph, symptom: Symptom) -> Option<Excess> {
    if !graph.nodes.values().any(|node| node.has_values(symptom)) {
        return None;
    }
    let totals: BTreeMap<&str, f64> =
        graph.nodes.iter().map(|(name, node)| (name.as_str(), node.excess(symptom))).collect();
    let is_new = |name: &str| graph.nodes.get(name).is_some_and(|node| is_new(node, symptom));
    let total = |name: &str| totals.get(name).copied().unwrap_or(0.0);
    let reach = graph.reach(input.scope.service.as_deref());
    let mut nodes: Vec<NodeExcess> = graph
        .names()
        .map(|name| {
            let callees = graph.callees(name).filter(|callee| !is_new(callee));
            let below: f64 = callees.map(&total).sum();
            let own = if is_new(name) { 0.0 } else { (total(name) - below).max(0.0) };
            NodeExcess {
                node: name.to_owned(),
                own,
                total: total(name),
                share: 0.0,
                is_reachable: reach.contains(name),
                is_new: is_new(name),
            }
        })
        .collect();
    let lost: f64 = nodes.iter().filter(|node| node.is_reachable).map(|node| node.own).sum();
    for node in nodes.iter_mut().filter(|node| node.is_reachable && lost > 0.0) {
        node.share = node.own / lost;
    }
    nodes.sort_by(|a, b| {
        let by_share = b.share.total_cmp(&a.share).then(b.is_reachable.cmp(&a.is_reachable));
        by_share.then(b.total.total_cmp(&a.total)).then_with(|| a.node.cmp(&b.node))
    });
    Some(Excess { symptom, nodes, strength: strength(input, graph, symptom) })
}

/// Did it get its first requests in the window?
fn is_new(node: &Node, symptom: Symptom) -> bool {
    node.has_values(symptom) && node.n_requests_before <= 0.0 && node.n_requests >= N_NEW_MIN
}

fn strength(input: &TriageInput<'_>, graph: &Graph, symptom: Symptom) -> f64 {
    let targets: Vec<&Node> = match &input.scope.service {
        Some(service) => graph.nodes.get(service).into_iter().collect(),
        None => graph.uncalled().collect(),
    };
    let lost: f64 = targets.iter().map(|node| node.excess(symptom)).sum();
    let (usual, least): (f64, f64) = match symptom {
        Symptom::Latency => {
            let usual = targets.iter().map(|node| node.n_requests * node.usual_latency_s());
            (usual.sum(), LATENCY_STRENGTH_MIN)
        }
        Symptom::Availability => {
            (targets.iter().map(|node| node.n_requests).sum(), AVAILABILITY_STRENGTH_MIN)
        }
    };
    if lost > 0.0 { lost / usual.max(1e-9) / least } else { 0.0 }
}
