//! Who calls whom, as far as it has to be known to tell a cascade.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Calls that a service makes, at once or through others; queues and databases stand between services as they do in
/// the graph.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calls {
    callees: BTreeMap<String, BTreeSet<String>>,
}

/// What somebody calls within some steps, each with the way there from the caller to the callee.
pub(super) type Reach<'a> = BTreeMap<&'a str, Vec<&'a str>>;

impl Calls {
    /// Of pairs of caller and callee, in any order. A service that calls itself calls nobody.
    pub fn new(edges: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut callees: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (caller, callee) in edges {
            if caller != callee {
                callees.entry(caller).or_default().insert(callee);
            }
        }
        Self { callees }
    }

    /// What is called from there within so many hops, by the shortest ways; not itself.
    pub(super) fn reach<'a>(&'a self, from: &'a str, hops_max: usize) -> Reach<'a> {
        let mut reach = Reach::new();
        let mut waiting = VecDeque::from([vec![from]]);
        while let Some(way) = waiting.pop_front() {
            // A way has one service more than hops.
            if way.len() > hops_max {
                continue;
            }
            let Some(callees) = way.last().and_then(|last| self.callees.get(*last)) else { continue };
            for callee in callees {
                let callee = callee.as_str();
                if callee == from || reach.contains_key(callee) {
                    continue;
                }
                let mut further = way.clone();
                further.push(callee);
                reach.insert(callee, further.clone());
                waiting.push_back(further);
            }
        }
        reach
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(edges: &[(&str, &str)]) -> Calls {
        Calls::new(edges.iter().map(|(caller, callee)| ((*caller).to_owned(), (*callee).to_owned())))
    }

    /// Scenario: a chain with a short cut, a circle, and a service that calls itself.
    /// Guarantees: the shortest way is found, no further than asked for, and nobody reaches itself.
    #[test]
    fn ways_are_the_shortest() {
        let calls =
            calls(&[("a", "b"), ("b", "c"), ("c", "d"), ("d", "e"), ("a", "c"), ("e", "a"), ("a", "a")]);
        let reach = calls.reach("a", 3);
        assert_eq!(reach.get("b"), Some(&vec!["a", "b"]));
        assert_eq!(reach.get("d"), Some(&vec!["a", "c", "d"]));
        assert_eq!(reach.get("e"), Some(&vec!["a", "c", "d", "e"]));
        assert_eq!(reach.get("a"), None);
        assert_eq!(calls.reach("a", 1).into_keys().collect::<Vec<_>>(), ["b", "c"]);
        assert!(calls.reach("nobody", 3).is_empty());
    }
}
