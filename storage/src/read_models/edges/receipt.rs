//! Halves of calls that come in any order, brought into the order in which they were received.
//!
//! Segments have the spans of a trace side by side, whenever they came; pairing wants to know what time it is.

use super::cells::EdgeCell;
use super::halves::{Half, Halves, WholeKey};
use super::pairing::Pairing;
use super::party::Party;
use datafusion::common::HashMap;
use std::sync::Arc;

/// Halves handed out at once.
const CHUNK_HALVES: usize = 4_096;

/// Halves of many batches. Takes memory for all of them.
#[derive(Debug)]
pub(crate) struct HalvesByReceipt {
    parties: Vec<Arc<Party>>,
    places: HashMap<Arc<Party>, usize>,
    whole: HashMap<WholeKey, EdgeCell>,
    waiting: Vec<Half>,
    n_nameless: u64,
    received_max: i64,
    /// Of parties and whole calls.
    n_bytes: usize,
}

impl HalvesByReceipt {
    pub(crate) fn new() -> Self {
        Self {
            parties: Vec::new(),
            places: HashMap::default(),
            whole: HashMap::default(),
            waiting: Vec::new(),
            n_nameless: 0,
            received_max: i64::MIN,
            n_bytes: 0,
        }
    }

    pub(crate) fn add(&mut self, halves: Halves) {
        let places: Vec<usize> = halves.parties.iter().map(|party| self.place(party)).collect();
        for (key, cell) in halves.whole {
            let n_cells_before = self.whole.len();
            let own = self.whole.entry(WholeKey { party: places[key.party], ..key }).or_default();
            let n_bytes_before = own.n_bytes();
            own.add(&cell);
            self.n_bytes += own.n_bytes().saturating_sub(n_bytes_before);
            self.n_bytes += (self.whole.len() - n_cells_before) * 2 * size_of::<(WholeKey, EdgeCell)>();
        }
        let waiting = halves.waiting.into_iter();
        self.waiting.extend(waiting.map(|half| Half { party: places[half.party], ..half }));
        self.n_nameless += halves.n_nameless;
        self.received_max = self.received_max.max(halves.received_max);
    }

    /// When the newest span was received.
    pub(crate) fn received_max(&self) -> i64 {
        self.received_max
    }

    pub(crate) fn n_bytes(&self) -> u64 {
        (self.n_bytes + self.waiting.capacity() * size_of::<Half>()) as u64
    }

    /// All of it in parts: first the calls that wait for nobody, then halves as they were received, then what time it
    /// was in the end.
    pub(crate) fn in_order(self) -> impl Iterator<Item = Halves> {
        let Self { parties, whole, mut waiting, n_nameless, received_max, .. } = self;
        waiting.sort_unstable_by_key(|half| half.received_at);
        let nobodys = Halves {
            parties: parties.clone(),
            whole,
            n_nameless,
            received_max: i64::MIN,
            ..Halves::default()
        };
        let end = Halves { received_max, ..Halves::default() };
        let mut from = 0;
        let chunks = std::iter::from_fn(move || {
            let rest = &waiting[from..];
            let first = rest.first()?.received_at;
            let is_together = |half: &&Half| half.received_at.saturating_sub(first) < Pairing::ANY_ORDER_NS;
            let n = rest.iter().take(CHUNK_HALVES).take_while(is_together).count();
            from += n;
            Some(chunk(&parties, &rest[..n]))
        });
        std::iter::once(nobodys).chain(chunks).chain([end])
    }

    fn place(&mut self, party: &Arc<Party>) -> usize {
        if let Some(&place) = self.places.get(party) {
            return place;
        }
        self.n_bytes += party.n_bytes() + 2 * size_of::<(Arc<Party>, usize)>();
        self.parties.push(Arc::clone(party));
        self.places.insert(Arc::clone(party), self.parties.len() - 1);
        self.parties.len() - 1
    }
}

/// Some halves with the parties that they name, and no others: many chunks have the same parties to choose from.
fn chunk(parties: &[Arc<Party>], halves: &[Half]) -> Halves {
    let mut own = Halves { received_max: i64::MIN, ..Halves::default() };
    let mut places: HashMap<usize, usize> = HashMap::default();
    for half in halves {
        let parties_before = own.parties.len();
        let party = *places.entry(half.party).or_insert(parties_before);
        if party == parties_before {
            own.parties.push(Arc::clone(&parties[half.party]));
        }
        own.received_max = own.received_max.max(half.received_at);
        own.waiting.push(Half { party, ..half.clone() });
    }
    own
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read_models::Resolution;
    use crate::read_models::edges::tests::{CallSpan, any_spans, folded, spans};
    use crate::read_models::edges::{EdgeCells, EdgeSnapshot};
    use arrow::array::RecordBatch;
    use proptest::prelude::*;

    fn rows(snapshots: [EdgeSnapshot; 2]) -> Vec<RecordBatch> {
        let all = i64::MIN..=i64::MAX;
        snapshots.iter().filter_map(|cells| cells.to_batch(Resolution::TenSeconds, all.clone())).collect()
    }

    proptest! {
        /// Scenario: spans of ten minutes come in any order, in any batches.
        /// Guarantees: brought into order they are the calls that one ordered pass finds, each span once; halves come
        /// in the order of their receipt, and what happened long before another is settled before it.
        #[test]
        fn order_is_found_again(
            (ordered, mixed) in any_spans().prop_flat_map(|spans| (Just(spans.clone()), Just(spans).prop_shuffle())),
            n_at_once in 1_usize..9,
        ) {
            let mut ordered: Vec<CallSpan> = ordered;
            ordered.sort_by_key(|span| span.received_s);
            let (mut wanted, mut wanted_cells) = (Pairing::within(1 << 30), EdgeCells::default());
            for span in &ordered {
                wanted.take(Halves::of(&spans(std::slice::from_ref(span))), &mut wanted_cells);
            }
            let mut halves = HalvesByReceipt::new();
            mixed.chunks(n_at_once).for_each(|request| halves.add(Halves::of(&spans(request))));
            let received_max = halves.received_max();
            let (mut found, mut found_cells) = (Pairing::within(1 << 30), EdgeCells::default());
            let mut received = i64::MIN;
            for part in halves.in_order() {
                prop_assert!(part.waiting.iter().all(|half| half.received_at >= received));
                received = received.max(part.received_max());
                found.take(part, &mut found_cells);
            }
            prop_assert_eq!(received, received_max);
            let wanted_rows = rows([wanted_cells.snapshot(), wanted.unanswered().snapshot()]);
            let found_rows = rows([found_cells.snapshot(), found.unanswered().snapshot()]);
            prop_assert_eq!(folded(&found_rows), folded(&wanted_rows));
            prop_assert_eq!(found.stats().n_expired, wanted.stats().n_expired);
        }
    }
}
