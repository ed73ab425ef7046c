//! The cells of a read model in memory: by key, and for each key by bucket.
//!
//! A key is a few texts, packed into one piece of bytes: looking one up hashes and allocates once at most. Cells are
//! shared with snapshots (`shared`), and copied only where a snapshot still holds one.

use super::Wanted;
use super::resolution::Resolution;
use super::shared::{Entries, SharedMap};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
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
    by_key: SharedMap<Key, Arc<Buckets<C>>>,
    n_bytes: usize,
}

/// The cells of one key by the starts of their buckets.
type Buckets<C> = BTreeMap<i64, Arc<C>>;

/// The cells of one moment.
#[derive(Debug)]
pub(super) struct SharedCells<C> {
    by_key: Entries<Key, Arc<Buckets<C>>>,
}

/// Texts as one piece of bytes, equal if and only if the texts are. Takes the place of what was packed before.
pub(crate) fn pack<'a>(texts: impl IntoIterator<Item = &'a str>, key: &mut Vec<u8>) {
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
        Self { by_key: SharedMap::default(), n_bytes: 0 }
    }
}

impl<C: Counted> Cells<C> {
    /// Adds to the cell of a key and the start of a bucket.
    pub(super) fn add(&mut self, key: &[u8], bucket: i64, counted: &C) {
        if let Some(buckets) = self.by_key.get_mut(key) {
            self.n_bytes += add_to(Arc::make_mut(buckets), bucket, counted);
            return;
        }
        let buckets = self.by_key.get_or_insert_with(Key::from(key), Arc::default);
        self.n_bytes += KEY_OVERHEAD_BYTES + key.len() + add_to(Arc::make_mut(buckets), bucket, counted);
    }

    pub(super) fn has(&self, key: &[u8]) -> bool {
        self.by_key.get(key).is_some()
    }

    pub(super) fn n_bytes(&self) -> usize {
        self.n_bytes
    }

    pub(super) fn share(&self) -> SharedCells<C> {
        SharedCells { by_key: self.by_key.share() }
    }
}

/// By how much memory grew.
fn add_to<C: Counted>(buckets: &mut Buckets<C>, bucket: i64, counted: &C) -> usize {
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
    /// Shows each key and bucket of a resolution once that is wanted, with all that is counted in it.
    pub(super) fn each(&self, resolution: Resolution, wanted: &Wanted, mut show: impl FnMut(&[u8], i64, &C)) {
        let is_wanted = |bucket: i64| wanted.first <= bucket && bucket <= wanted.last;
        let service = wanted.service.as_deref();
        for (key, buckets) in self.by_key.iter() {
            if service.is_some_and(|service| unpack(key).next() != Some(service)) {
                continue;
            }
            let cells = buckets.iter().map(|(bucket, cell)| (resolution.bucket_of(*bucket), &**cell));
            let cells: Vec<(i64, &C)> = cells.collect();
            let runs = cells.chunk_by(|one, next| one.0 == next.0);
            for run in runs.filter(|run| is_wanted(run[0].0)) {
                match run {
                    [] => {}
                    [(bucket, only)] => show(key, *bucket, only),
                    [(bucket, first), rest @ ..] => {
                        let mut sum = C::clone(first);
                        rest.iter().for_each(|(_, cell)| sum.add(cell));
                        show(key, *bucket, &sum);
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
            pack(texts.iter().copied(), &mut key);
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
            let (mut seen, all) = (Vec::new(), Wanted::default());
            cells.each(resolution, &all, |key, bucket, number| {
                seen.push((key.to_vec(), bucket / second, number.0));
            });
            seen.sort();
            seen
        };
        let (a, b) = (b"a".to_vec(), b"b".to_vec());
        assert_eq!(seen(&early, Resolution::Minute), [(a.clone(), 0, 3)]);
        let minutes = [(a.clone(), 0, 7), (a.clone(), 60, 8), (b.clone(), 60, 16)];
        assert_eq!(seen(&cells.share(), Resolution::Minute), minutes);
        assert_eq!(seen(&cells.share(), Resolution::Hour), [(a, 0, 15), (b, 0, 16)]);
    }

    /// Scenario: cells of two services in two minutes, of which some are wanted.
    /// Guarantees: those that are wanted are shown, by the service and the start of the bucket.
    #[test]
    fn only_what_is_wanted_is_shown() {
        let minute = 60_000_000_000;
        let (mut cells, mut key) = (Cells::<Number>::default(), Vec::new());
        for (service, bucket, number) in [("a", 0, 1), ("a", minute, 2), ("b", minute, 4), ("", minute, 8)] {
            pack([service, "GET /"], &mut key);
            cells.add(&key, bucket, &Number(number));
        }
        let sum = |service: Option<&str>, first: i64, last: i64| {
            let wanted = Wanted { service: service.map(str::to_owned), first, last };
            let mut sum = 0;
            cells.share().each(Resolution::Minute, &wanted, |_, _, number| sum += number.0);
            sum
        };
        assert_eq!(sum(None, i64::MIN, i64::MAX), 15);
        assert_eq!((sum(Some("a"), i64::MIN, i64::MAX), sum(Some(""), i64::MIN, i64::MAX)), (3, 8));
        assert_eq!((sum(Some("a"), 1, i64::MAX), sum(None, 0, 0), sum(Some("c"), 0, minute)), (2, 1, 0));
    }
}
