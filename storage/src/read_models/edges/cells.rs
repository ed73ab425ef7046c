//! What calls came to, by who called whom and when.

use super::party::Party;
use crate::read_models::hdr::SparseHistogram;
use crate::read_models::shared::{Entries, SharedMap};
use std::sync::Arc;

/// What a cell takes besides its histograms: itself, its place in the map, its ends.
const CELL_OVERHEAD_BYTES: usize = size_of::<EdgeCell>() + size_of::<(CellKey, Held)>() + 64;

/// Sums and counts of calls.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct EdgeCell {
    pub(super) n_calls: u64,
    pub(super) n_callee_spans: u64,
    pub(super) n_errors: u64,
    pub(super) n_callee_errors: u64,
    pub(super) n_bytes_request: u64,
    pub(super) n_sized: u64,
    pub(super) durations: Durations,
    pub(super) callee_durations: Durations,
    pub(super) gaps: Durations,
}

/// Wide enough that a sum neither saturates nor depends on its order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Durations {
    pub(super) sum_ns: i128,
    pub(super) histogram: SparseHistogram,
}

/// A call as the side saw it whose duration counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    pub(super) duration_ns: i64,
    pub(super) is_error: bool,
    pub(super) n_bytes_request: Option<u64>,
}

/// Who called whom, as far as they are known: an asker alone called what it names; an answerer alone was handed
/// a message by the queue it names.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends<'a> {
    pub(super) asker: Option<&'a Arc<Party>>,
    pub(super) answerer: Option<&'a Arc<Party>>,
}

/// Where the ends are in memory, and the start of the bucket. A cell holds its ends, so that no other party is ever
/// found in their place.
pub(super) type CellKey = (usize, usize, i64);

#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) asker: Option<Arc<Party>>,
    pub(super) answerer: Option<Arc<Party>>,
    pub(super) bucket: i64,
    pub(super) cell: Arc<EdgeCell>,
    /// Memory of its histograms that is accounted for: a copy may take less, and grows again.
    n_bytes: usize,
}

/// Cells of ten seconds in memory; a snapshot shares them, and a cell is copied only where one still holds it.
#[derive(Debug, Default)]
pub(crate) struct EdgeCells {
    cells: SharedMap<CellKey, Held>,
    n_bytes: usize,
}

impl<'a> Ends<'a> {
    pub(super) fn asker(asker: &'a Arc<Party>) -> Self {
        Self { asker: Some(asker), answerer: None }
    }

    pub(super) fn answerer(answerer: &'a Arc<Party>) -> Self {
        Self { asker: None, answerer: Some(answerer) }
    }

    pub(super) fn both(asker: &'a Arc<Party>, answerer: &'a Arc<Party>) -> Self {
        Self { asker: Some(asker), answerer: Some(answerer) }
    }

    fn key(self, bucket: i64) -> CellKey {
        let place = |party: Option<&Arc<Party>>| party.map_or(0, |party| Arc::as_ptr(party).addr());
        (place(self.asker), place(self.answerer), bucket)
    }
}

impl EdgeCells {
    /// Changes a cell, which is there from then on.
    pub(super) fn change(&mut self, ends: Ends<'_>, bucket: i64, change: impl FnOnce(&mut EdgeCell)) {
        let n_cells_before = self.cells.len();
        let held = self.cells.get_or_insert_with(ends.key(bucket), || Held {
            asker: ends.asker.cloned(),
            answerer: ends.answerer.cloned(),
            bucket,
            cell: Arc::default(),
            n_bytes: 0,
        });
        let cell = Arc::make_mut(&mut held.cell);
        change(cell);
        let n_bytes_more = cell.n_bytes().saturating_sub(held.n_bytes);
        held.n_bytes += n_bytes_more;
        self.n_bytes += n_bytes_more;
        self.n_bytes += (self.cells.len() - n_cells_before) * CELL_OVERHEAD_BYTES;
    }

    pub(super) fn add(&mut self, ends: Ends<'_>, bucket: i64, other: &EdgeCell) {
        self.change(ends, bucket, |cell| cell.add(other));
    }

    /// Takes a call out of the cell it was counted in.
    pub(super) fn forget(&mut self, ends: Ends<'_>, bucket: i64, call: Call) {
        self.change(ends, bucket, |cell| cell.forget(call));
        let key = ends.key(bucket);
        if self.cells.get(&key).is_some_and(|held| held.cell.n_calls == 0)
            && let Some(held) = self.cells.remove(&key)
        {
            self.n_bytes -= held.n_bytes + CELL_OVERHEAD_BYTES;
        }
    }

    pub(crate) fn n_bytes(&self) -> u64 {
        self.n_bytes as u64
    }

    pub(super) fn share(&self) -> Entries<CellKey, Held> {
        self.cells.share()
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.cells.len() == 0 && self.n_bytes == 0
    }
}

impl EdgeCell {
    pub(super) fn call(&mut self, call: Call) {
        self.n_calls += 1;
        self.n_errors += u64::from(call.is_error);
        self.durations.record(call.duration_ns);
        if let Some(n_bytes) = call.n_bytes_request {
            self.n_bytes_request = self.n_bytes_request.saturating_add(n_bytes);
            self.n_sized += 1;
        }
    }

    /// The other side of a call, and what it does not account for of the time.
    pub(super) fn answer(&mut self, answer: Call, gap_ns: i64) {
        self.n_callee_errors += u64::from(answer.is_error);
        self.callee_durations.record(answer.duration_ns);
        self.wait(gap_ns);
    }

    /// The other side of a delivery: how long the message lay in the queue.
    pub(super) fn wait(&mut self, gap_ns: i64) {
        self.n_callee_spans += 1;
        self.gaps.record(gap_ns);
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.n_calls += other.n_calls;
        self.n_callee_spans += other.n_callee_spans;
        self.n_errors += other.n_errors;
        self.n_callee_errors += other.n_callee_errors;
        self.n_bytes_request = self.n_bytes_request.saturating_add(other.n_bytes_request);
        self.n_sized += other.n_sized;
        self.durations.add(&other.durations);
        self.callee_durations.add(&other.callee_durations);
        self.gaps.add(&other.gaps);
    }

    fn forget(&mut self, call: Call) {
        self.n_calls -= 1;
        self.n_errors -= u64::from(call.is_error);
        self.durations.forget(call.duration_ns);
        if let Some(n_bytes) = call.n_bytes_request {
            self.n_bytes_request = self.n_bytes_request.saturating_sub(n_bytes);
            self.n_sized -= 1;
        }
    }

    /// Memory of its histograms.
    pub(super) fn n_bytes(&self) -> usize {
        [&self.durations, &self.callee_durations, &self.gaps]
            .map(|times| times.histogram.n_bytes())
            .iter()
            .sum()
    }
}

impl Durations {
    fn record(&mut self, duration_ns: i64) {
        self.sum_ns += i128::from(duration_ns);
        self.histogram.record(duration_ns);
    }

    fn forget(&mut self, duration_ns: i64) {
        self.sum_ns -= i128::from(duration_ns);
        self.histogram.forget(duration_ns);
    }

    fn add(&mut self, other: &Self) {
        self.sum_ns += other.sum_ns;
        self.histogram.add(&other.histogram);
    }

    /// As a column holds it.
    pub(super) fn sum_saturated_ns(&self) -> i64 {
        i64::try_from(self.sum_ns).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::super::party::{ErrorRef, Named, PartyRef};
    use super::*;

    /// Scenario: calls of many durations are counted and forgotten in another order, while a snapshot is held.
    /// Guarantees: the cells are those of the calls that are left, the account of memory goes back to nothing with
    /// the last, and the snapshot stays as it was.
    #[test]
    fn what_is_forgotten_leaves_no_trace() {
        let (named, error) = (Named::Host, ErrorRef::None);
        let party = PartyRef { service: "shop", named, name: "", detail: "", host: "bank", port: "", error };
        let party = Arc::new(party.to_party());
        let call = |n: i64| Call {
            duration_ns: n * 1_000_003,
            is_error: n % 3 == 0,
            n_bytes_request: Some(n as u64),
        };
        let (mut all, mut odd) = (EdgeCells::default(), EdgeCells::default());
        for n in 0..500 {
            all.change(Ends::asker(&party), n % 5, |cell| cell.call(call(n)));
            if n % 2 == 1 {
                odd.change(Ends::asker(&party), n % 5, |cell| cell.call(call(n)));
            }
        }
        let snapshot = all.share();
        (0..250).rev().for_each(|n| all.forget(Ends::asker(&party), 2 * n % 5, call(2 * n)));
        for held in odd.share().values() {
            let found = all.cells.get(&Ends::asker(&party).key(held.bucket)).expect("the same buckets");
            assert_eq!(found.cell, held.cell);
        }
        assert_eq!(snapshot.values().map(|held| held.cell.n_calls).sum::<u64>(), 500);
        (0..250).for_each(|n| all.forget(Ends::asker(&party), (2 * n + 1) % 5, call(2 * n + 1)));
        assert!(all.is_empty(), "{all:?}");
    }
}
