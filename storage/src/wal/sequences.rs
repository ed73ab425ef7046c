//! Sets of record numbers, as few ranges: numbers are given in order and nearly all are covered.

use std::collections::BTreeMap;

/// A set of record numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SequenceSet {
    /// First number of a range to its last; ranges neither overlap nor touch.
    ranges: BTreeMap<u64, u64>,
}

impl SequenceSet {
    /// Ranges with both ends inside, as the manifest keeps them.
    pub(crate) fn from_ranges(ranges: impl IntoIterator<Item = (u64, u64)>) -> Self {
        let mut set = Self::default();
        for (first, last) in ranges {
            set.insert_range(first, last);
        }
        set
    }

    pub(crate) fn ranges(&self) -> impl Iterator<Item = (u64, u64)> {
        self.ranges.iter().map(|(&first, &last)| (first, last))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    pub(crate) fn max(&self) -> Option<u64> {
        self.ranges.last_key_value().map(|(_, &last)| last)
    }

    pub(crate) fn contains(&self, sequence: u64) -> bool {
        self.contains_range(sequence, sequence)
    }

    /// Are all numbers of the range inside? An empty range is.
    pub(crate) fn contains_range(&self, first: u64, last: u64) -> bool {
        if first > last {
            return true;
        }
        self.ranges.range(..=first).next_back().is_some_and(|(_, &end)| last <= end)
    }

    pub(crate) fn insert(&mut self, sequence: u64) {
        self.insert_range(sequence, sequence);
    }

    pub(crate) fn insert_all(&mut self, other: &Self) {
        for (first, last) in other.ranges() {
            self.insert_range(first, last);
        }
    }

    /// Adds a range, melting it with every range that it overlaps or touches.
    pub(crate) fn insert_range(&mut self, mut first: u64, mut last: u64) {
        if first > last {
            return;
        }
        while let Some((&start, &end)) = self.ranges.range(..=last.saturating_add(1)).next_back() {
            if end.saturating_add(1) < first {
                break;
            }
            first = first.min(start);
            last = last.max(end);
            self.ranges.remove(&start);
        }
        self.ranges.insert(first, last);
    }

    /// How many numbers from `first` to `last` are inside?
    pub(crate) fn n_within(&self, first: u64, last: u64) -> u64 {
        let n_of = |(start, end): (u64, u64)| {
            let (start, end) = (start.max(first), end.min(last));
            if start > end { 0 } else { end - start + 1 }
        };
        self.ranges().map(n_of).sum()
    }

    /// The numbers from `first` to `last` that are not inside, as ranges.
    pub(crate) fn gaps(&self, first: u64, last: u64) -> Vec<(u64, u64)> {
        let mut gaps = Vec::new();
        let mut next = first;
        for (start, end) in self.ranges() {
            if start > last {
                break;
            }
            if start > next {
                gaps.push((next, start - 1));
            }
            next = next.max(end.saturating_add(1));
        }
        if next <= last {
            gaps.push((next, last));
        }
        gaps
    }
}
