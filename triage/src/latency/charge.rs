//! From units to services and edges, and from edges to the side that is to blame.

use super::{EdgeLatency, Unit, UnitLatency};
use crate::strings::Symbol;
use std::collections::BTreeMap;

/// Growth, as a logarithm, from which a call counts as slow: half as long again.
const SLOW: f64 = 0.4;
/// A caller that is slow in a single call proves nothing about itself.
const N_SLOW_MIN: f64 = 2.0;

/// Mean growth of the units of a key, by the time that they take; keys in order.
pub(super) fn weighted_means<K: Ord>(
    units: &[UnitLatency],
    key: impl Fn(Unit) -> Option<K>,
) -> Vec<(K, f64)> {
    let mut sums: BTreeMap<K, (f64, f64)> = BTreeMap::new();
    for unit in units {
        if let Some(key) = key(unit.unit) {
            let (weighted, weights) = sums.entry(key).or_default();
            *weighted += unit.growth * unit.total_ms;
            *weights += unit.total_ms;
        }
    }
    sums.into_iter().map(|(key, (weighted, weights))| (key, weighted / weights.max(1e-9))).collect()
}

/// How many calls a service makes or gets, and how many of them are slow.
#[derive(Clone, Copy, Default)]
struct Calls {
    n: f64,
    n_slow: f64,
}

impl Calls {
    fn add(&mut self, growth: f64) {
        self.n += 1.0;
        self.n_slow += f64::from(u8::from(growth >= SLOW));
    }

    fn slow_share(self) -> f64 {
        self.n_slow / self.n.max(1.0)
    }
}

/// Shares the growth of each edge between its sides.
pub(super) fn charged_edges(edges: Vec<((Symbol, Symbol), f64)>) -> Vec<EdgeLatency> {
    let (mut out, mut into) = (BTreeMap::<Symbol, Calls>::new(), BTreeMap::<Symbol, Calls>::new());
    for ((caller, callee), growth) in &edges {
        out.entry(*caller).or_default().add(*growth);
        into.entry(*callee).or_default().add(*growth);
    }
    let charged = edges.into_iter().map(|((caller, callee), growth)| {
        let (calls, called) = (out[&caller], into[&callee]);
        let caller_slow = if calls.n_slow < N_SLOW_MIN { 0.0 } else { calls.slow_share() };
        let both = caller_slow + called.slow_share();
        let to_caller = if both > 0.0 { caller_slow / both } else { 0.0 };
        EdgeLatency {
            caller,
            callee,
            growth,
            to_caller: growth * to_caller / calls.n,
            to_callee: growth * (1.0 - to_caller) / called.n,
        }
    });
    charged.collect()
}
