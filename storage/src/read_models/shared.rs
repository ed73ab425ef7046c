//! A map that snapshots share: one takes a pointer for each part of it, however many entries there are.
//!
//! What is changed while a snapshot is held is copied first, the part that it lies in and no other. So a snapshot is
//! paid for by those who change what it has, and only for that, rather than all at once while everybody waits.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

/// Pointers to so many parts are taken within some microseconds; of 100,000 entries each has a hundred, and is copied
/// in as little time.
const N_PARTS: usize = 1_024;

type Part<K, V> = Arc<BTreeMap<K, V>>;

#[derive(Debug)]
pub(super) struct SharedMap<K, V> {
    hasher: RandomState,
    /// By the hash of their keys; none at all before the first entry.
    parts: Vec<Option<Part<K, V>>>,
    n_entries: usize,
}

/// The entries of one moment.
#[derive(Debug)]
pub(super) struct Entries<K, V> {
    parts: Vec<Part<K, V>>,
}

impl<K, V> Default for SharedMap<K, V> {
    fn default() -> Self {
        Self { hasher: RandomState::new(), parts: Vec::new(), n_entries: 0 }
    }
}

impl<K: Ord + Hash + Clone, V: Clone> SharedMap<K, V> {
    pub(super) fn len(&self) -> usize {
        self.n_entries
    }

    pub(super) fn get<Q: Ord + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.parts.get(self.place(key))?.as_ref()?.get(key)
    }

    pub(super) fn get_mut<Q: Ord + Hash + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.own_part(key)?.get_mut(key)
    }

    /// The value of a key, which is there from then on.
    pub(super) fn get_or_insert_with(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        let place = self.place(&key);
        let Self { parts, n_entries, .. } = self;
        if parts.is_empty() {
            parts.resize_with(N_PARTS, || None);
        }
        Arc::make_mut(parts[place].get_or_insert_default()).entry(key).or_insert_with(|| {
            *n_entries += 1;
            make()
        })
    }

    pub(super) fn remove<Q: Ord + Hash + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let removed = self.own_part(key)?.remove(key);
        self.n_entries -= usize::from(removed.is_some());
        removed
    }

    pub(super) fn share(&self) -> Entries<K, V> {
        Entries { parts: self.parts.iter().flatten().cloned().collect() }
    }

    fn place<Q: Hash + ?Sized>(&self, key: &Q) -> usize {
        (self.hasher.hash_one(key) % N_PARTS as u64) as usize
    }

    /// The part that has a key, to be changed; nothing is copied for a key that is not there.
    fn own_part<Q: Ord + Hash + ?Sized>(&mut self, key: &Q) -> Option<&mut BTreeMap<K, V>>
    where
        K: Borrow<Q>,
    {
        let place = self.place(key);
        let part = self.parts.get_mut(place)?.as_mut()?;
        if Arc::get_mut(part).is_none() && !part.contains_key(key) {
            return None;
        }
        Some(Arc::make_mut(part))
    }
}

impl<K, V> Entries<K, V> {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.parts.iter().flat_map(|part| part.iter())
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.parts.iter().all(|part| part.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(entries: &Entries<u16, u32>) -> BTreeMap<u16, u32> {
        entries.iter().map(|(key, value)| (*key, *value)).collect()
    }

    /// Scenario: a map of 20,000 entries of which one is changed, one is asked for that is not there, and one is removed,
    /// with a snapshot before and after.
    /// Guarantees: a snapshot is as many pointers as there are parts, and only the parts that changed are not those of
    /// the one before.
    #[test]
    fn only_what_changes_is_copied() {
        let mut map = SharedMap::<u16, u32>::default();
        for key in 0..20_000 {
            *map.get_or_insert_with(key, || 0) += 1;
        }
        let before = map.share();
        assert!(before.parts.len() <= N_PARTS);
        assert_eq!(map.get_mut(&20_001), None);
        let n_copied = |after: &Entries<u16, u32>| {
            let pairs = before.parts.iter().zip(&after.parts);
            pairs.filter(|(before, after)| !Arc::ptr_eq(before, after)).count()
        };
        assert_eq!(n_copied(&map.share()), 0);
        *map.get_mut(&7).expect("there") += 1;
        assert_eq!(n_copied(&map.share()), 1);
        assert_eq!((map.remove(&7), map.len(), n_copied(&map.share())), (Some(2), 19_999, 1));
        assert_eq!((all(&before).get(&7), map.get(&7)), (Some(&1), None));
    }

    proptest! {
        /// Scenario: any entries are added, changed and removed, with snapshots held in between.
        /// Guarantees: the map is as an ordinary one would be, and every snapshot stays as that was then.
        #[test]
        fn snapshots_stay_as_they_were(changes in prop::collection::vec((0_u16..40, 0_u8..4), 0..200)) {
            let (mut map, mut plain) = (SharedMap::<u16, u32>::default(), BTreeMap::<u16, u32>::new());
            let mut held = Vec::new();
            prop_assert!(map.share().is_empty());
            for (key, change) in changes {
                match change {
                    0 => held.push((map.share(), plain.clone())),
                    1 => prop_assert_eq!(map.remove(&key), plain.remove(&key)),
                    2 => prop_assert_eq!(map.get_mut(&key), plain.get_mut(&key)),
                    _ => {
                        *map.get_or_insert_with(key, || 1) += 1;
                        *plain.entry(key).or_insert(1) += 1;
                    }
                }
                prop_assert_eq!((map.len(), map.get(&key)), (plain.len(), plain.get(&key)));
            }
            held.push((map.share(), plain));
            for (entries, plain) in held {
                prop_assert_eq!(&all(&entries), &plain);
                prop_assert_eq!((entries.values().count(), entries.is_empty()), (plain.len(), plain.is_empty()));
            }
        }
    }
}
