//! Sorting, compiled once: the standard library's sort is large and made anew for every type.

use std::cmp::Ordering;

/// Sorts by `compare`; equal ones keep their order.
pub fn sort<T: Clone>(items: &mut Vec<T>, compare: impl Fn(&T, &T) -> Ordering) {
    let order = permutation(items.len(), &|a, b| compare(&items[a], &items[b]));
    *items = order.into_iter().map(|idx| items[idx].clone()).collect();
}

/// Sorts by a key of each; equal ones keep their order.
pub fn sort_by_key<T: Clone, K: Ord>(items: &mut Vec<T>, key: impl Fn(&T) -> K) {
    sort(items, |a, b| key(a).cmp(&key(b)));
}

/// Sorts and keeps one of those that are equal.
pub fn sort_distinct<T: Clone + Ord>(items: &mut Vec<T>) {
    sort(items, T::cmp);
    items.dedup();
}

fn permutation(n: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|a, b| compare(*a, *b));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: pairs with equal keys, and words that repeat.
    /// Guarantees: in order, equal ones as they came, and each word once.
    #[test]
    fn sorts() {
        let mut pairs = vec![(2, 'a'), (1, 'b'), (2, 'c'), (1, 'd')];
        sort_by_key(&mut pairs, |pair| pair.0);
        assert_eq!(pairs, [(1, 'b'), (1, 'd'), (2, 'a'), (2, 'c')]);
        let mut words = vec!["b", "a", "b"];
        sort_distinct(&mut words);
        assert_eq!(words, ["a", "b"]);
    }
}
