//! The cells of a read model in memory: by key, and for each key by bucket.
//!
//! A key is a few texts, packed into one piece of bytes: looking one up hashes and allocates once at most. Cells are
//! shared with snapshots, and copied only where a snapshot still holds one.

use super::resolution::Resolution;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// What a key takes besides its bytes: its places in the maps.
const KEY_OVERHEAD_BYTES: usize = 320;
/// What a cell takes besides itself and what it points to: its place in the tree, counters of pointers.
const CELL_OVERHEAD_BYTES: usize = 64;

/// What is counted of a key and bucket.
pub(super) trait Counted: Clone {
    fn add(&mut self, other: &Self);

    /// Memory that it points to.
    fn n_bytes(&self) -> usize;
}

/// Texts as one piece of bytes, equal if and only if the texts are.
pub(super) type Key = Arc<[u8]>;

#[derive(Debug)]
pub(super) struct Cells<C> {
    by_key: HashMap<Key, BTreeMap<i64, Arc<C>>>,
    n_bytes: usize,
}

/// The cells of one moment, in order of buckets for each key.
#[derive(Debug)]
pub(super) struct SharedCells<C> {
    by_key: Vec<(Key, Vec<(i64, Arc<C>)>)>,
}

/// Takes the place of what was packed before.
pub(super) fn pack(texts: &[&str], key: &mut Vec<u8>) {
    key.clear();
    for text in texts {
        key.extend_from_slice(&(text.len() as u64).to_le_bytes());
        key.extend_from_slice(text.as_bytes());
    }
}

/// The texts of a key, in their order.
pub(super) fn unpack(mut key: &[u8]) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let (n_bytes, rest) = key.split_first_chunk::<8>()?;
        let n_bytes = usize::try_from(u64::from_le_bytes(*n_bytes)).ok()?;
        let (text, rest) = rest.split_at_checked(n_bytes)?;
        key = rest;
        std::str::from_utf8(text).ok()
    })
}

impl<C> Default for Cells<C> {
    fn default() -> Self {
        Self { by_key: HashMap::new(), n_bytes: 0 }
    }
}

impl<C: Counted> Cells<C> {
    /// Adds to the cell of a key and the start of a bucket.
    pub(super) fn add(&mut self, key: &[u8], bucket: i64, counted: &C) {
        if let Some(buckets) = self.by_key.get_mut(key) {
            self.n_bytes += add_to(buckets, bucket, counted);
            return;
        }
        let mut buckets = BTreeMap::new();
        self.n_bytes += KEY_OVERHEAD_BYTES + key.len() + add_to(&mut buckets, bucket, counted);
        self.by_key.insert(Key::from(key), buckets);
    }

    pub(super) fn has(&self, key: &[u8]) -> bool {
        self.by_key.contains_key(key)
    }

    pub(super) fn n_bytes(&self) -> usize {
        self.n_bytes
    }

    pub(super) fn share(&self) -> SharedCells<C> {
        let shared = |(bucket, cell): (&i64, &Arc<C>)| (*bucket, Arc::clone(cell));
        let by_key = self.by_key.iter();
        let by_key = by_key.map(|(key, buckets)| (Arc::clone(key), buckets.iter().map(shared).collect()));
        SharedCells { by_key: by_key.collect() }
    }
}

/// By how much memory grew.
fn add_to<C: Counted>(buckets: &mut BTreeMap<i64, Arc<C>>, bucket: i64, counted: &C) -> usize {
    match buckets.entry(bucket) {
        Entry::Occupied(mut entry) => {
            let own = Arc::make_mut(entry.get_mut());
            let n_bytes_before = own.n_bytes();
            own.add(counted);
            own.n_bytes().saturating_sub(n_bytes_before)
        }
        Entry::Vacant(entry) => {
            let own = entry.insert(Arc::new(counted.clone()));
            CELL_OVERHEAD_BYTES + size_of::<C>() + own.n_bytes()
        }
    }
}

impl<C: Counted> SharedCells<C> {
    /// Shows each key and bucket of a resolution once, with all that is counted in it.
    pub(super) fn each(&self, resolution: Resolution, mut show: impl FnMut(&[u8], i64, &C)) {
        let bucket_of = |cell: &(i64, Arc<C>)| resolution.bucket_of(cell.0);
        for (key, cells) in &self.by_key {
            for run in cells.chunk_by(|one, next| bucket_of(one) == bucket_of(next)) {
                match run {
                    [] => {}
                    [only] => show(key, bucket_of(only), &only.1),
                    [first, rest @ ..] => {
                        let mut sum = C::clone(&first.1);
                        rest.iter().for_each(|(_, cell)| sum.add(cell));
                        show(key, bucket_of(first), &sum);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, PartialEq, Eq)]
    struct Number(u64);

    impl Counted for Number {
        fn add(&mut self, other: &Self) {
            self.0 += other.0;
        }

        fn n_bytes(&self) -> usize {
            0
        }
    }

    /// Scenario: texts with every kind of border between them are packed.
    /// Guarantees: they come back as they were, and other texts make another key.
    #[test]
    fn texts_come_back_from_a_key() {
        let packed = |texts: &[&str]| {
            let mut key = b"before".to_vec();
            pack(texts, &mut key);
            assert!(unpack(&key).eq(texts.iter().copied()));
            key
        };
        let (a, b, c) = (packed(&["ab", "", "c"]), packed(&["a", "b", "c"]), packed(&["ab", "c", ""]));
        assert!(a != b && b != c && a != c);
        assert_eq!(unpack(&a[..a.len() - 1]).count(), 2);
    }

    /// Scenario: cells are added to while a snapshot is held, in buckets of several minutes.
    /// Guarantees: the snapshot stays as it was; coarse cells are the sums of fine ones; memory is accounted for.
    #[test]
    fn coarse_cells_are_sums() {
        let second = 1_000_000_000;
        let mut cells = Cells::<Number>::default();
        cells.add(b"a", 0, &Number(1));
        cells.add(b"a", 10 * second, &Number(2));
        let (early, n_bytes) = (cells.share(), cells.n_bytes());
        cells.add(b"a", 10 * second, &Number(4));
        assert_eq!(cells.n_bytes(), n_bytes);
        cells.add(b"a", 60 * second, &Number(8));
        cells.add(b"b", 70 * second, &Number(16));
        assert!(cells.n_bytes() > n_bytes && cells.has(b"b") && !cells.has(b"c"));
        let seen = |cells: &SharedCells<Number>, resolution| {
            let mut seen = Vec::new();
            cells
                .each(resolution, |key, bucket, number| seen.push((key.to_vec(), bucket / second, number.0)));
            seen.sort();
            seen
        };
        let (a, b) = (b"a".to_vec(), b"b".to_vec());
        assert_eq!(seen(&early, Resolution::Minute), [(a.clone(), 0, 3)]);
        let minutes = [(a.clone(), 0, 7), (a.clone(), 60, 8), (b.clone(), 60, 16)];
        assert_eq!(seen(&cells.share(), Resolution::Minute), minutes);
        assert_eq!(seen(&cells.share(), Resolution::Hour), [(a, 0, 15), (b, 0, 16)]);
    }
}
