//! How far nodes are from one of them, whichever way the edges go.

use std::collections::VecDeque;

/// Steps from `start` to each of `n_nodes`; none for those that no edge leads to.
pub(super) fn distances(n_nodes: usize, edges: &[(usize, usize)], start: usize) -> Vec<Option<u32>> {
    let mut neighbours = vec![Vec::new(); n_nodes];
    for &(caller, callee) in edges {
        neighbours[caller].push(callee);
        neighbours[callee].push(caller);
    }
    let mut distances = vec![None; n_nodes];
    distances[start] = Some(0);
    let mut next = VecDeque::from([(start, 0)]);
    while let Some((node, distance)) = next.pop_front() {
        for &neighbour in &neighbours[node] {
            if distances[neighbour].is_none() {
                distances[neighbour] = Some(distance + 1);
                next.push_back((neighbour, distance + 1));
            }
        }
    }
    distances
}

#[cfg(test)]
mod tests {
    use super::distances;
    use proptest::prelude::*;

    /// Scenario: a chain with a side branch, a loop, an edge to itself, and a node that nothing leads to.
    /// Guarantees: steps are counted along the shortest way, in either direction.
    #[test]
    fn steps_are_counted_both_ways() {
        let edges = [(0, 1), (1, 2), (2, 3), (4, 1), (3, 0), (1, 1)];
        let steps = |start| distances(6, &edges, start);
        assert_eq!(steps(0), [Some(0), Some(1), Some(2), Some(1), Some(2), None]);
        assert_eq!(steps(4), [Some(2), Some(1), Some(2), Some(3), Some(0), None]);
        assert_eq!(steps(5), [None, None, None, None, None, Some(0)]);
    }

    proptest! {
        /// Scenario: any edges between a few nodes.
        /// Guarantees: both ends of an edge are at most one step apart, and every node but the start has a neighbour
        /// that is one step nearer.
        #[test]
        fn neighbours_are_one_step_apart(edges in prop::collection::vec((0..9_usize, 0..9_usize), 0..30)) {
            let steps = distances(9, &edges, 4);
            for &(a, b) in &edges {
                prop_assert_eq!(steps[a].is_some(), steps[b].is_some());
                if let (Some(a), Some(b)) = (steps[a], steps[b]) {
                    prop_assert!(a.abs_diff(b) <= 1);
                }
            }
            for (node, distance) in steps.iter().enumerate() {
                let nearer = distance.and_then(|distance| distance.checked_sub(1));
                prop_assert_eq!(*distance == Some(0), node == 4);
                let leads_there = |&(a, b): &(usize, usize)| {
                    (a == node && steps[b] == nearer) || (b == node && steps[a] == nearer)
                };
                prop_assert!(nearer.is_none() || edges.iter().any(leads_there));
            }
        }
    }
}
