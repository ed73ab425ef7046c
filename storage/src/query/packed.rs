//! Histograms of many places at once, in few bytes each.
//!
//! A dense histogram takes 27 KB, however little is in it: there may be one for the place whose rows are being read,
//! not one for each. Rows of a place mostly follow upon each other, so that its own are only touched when another
//! one's come.

use crate::error::Error;
use crate::read_models::{DurationHistogram, SparseHistogram};

/// A histogram as the cells of read models have it; no bytes without any durations.
#[derive(Debug, Clone, Default)]
pub(super) struct Packed(Box<[u8]>);

impl Packed {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Memory on the heap.
    pub(super) fn n_bytes(&self) -> usize {
        self.0.len()
    }

    /// Adds a cell: here if nothing is here yet, else to what is `open`, which is to be closed before this is read.
    pub(super) fn add(&mut self, cell: &[u8], open: &mut DurationHistogram) -> Result<(), Error> {
        if self.is_empty() && open.is_empty() {
            self.0 = cell.into();
            return Ok(());
        }
        open.add_encoded(cell)
    }

    /// Takes what is open, which is empty then.
    pub(super) fn close(&mut self, open: &mut DurationHistogram) -> Result<(), Error> {
        if open.is_empty() {
            return Ok(());
        }
        if !self.is_empty() {
            open.add_encoded(&self.0)?;
        }
        self.0 = open.encode().into_boxed_slice();
        open.clear();
        Ok(())
    }

    /// Adds all of another.
    pub(super) fn pour(&mut self, other: Self) -> Result<(), Error> {
        if self.is_empty() {
            *self = other;
            return Ok(());
        }
        let mut sum = other.unpacked()?;
        sum.add_encoded(&self.0)?;
        self.0 = sum.encode().into_boxed_slice();
        Ok(())
    }

    /// Adds it to a dense one.
    pub(super) fn add_to(&self, sum: &mut DurationHistogram) -> Result<(), Error> {
        if self.is_empty() { Ok(()) } else { sum.add_encoded(&self.0) }
    }

    pub(super) fn quantiles_ns<const N: usize>(
        &self,
        quantiles: [f64; N],
    ) -> Result<[Option<i64>; N], Error> {
        Ok(self.unpacked()?.quantiles_ns(quantiles))
    }

    fn unpacked(&self) -> Result<SparseHistogram, Error> {
        let mut durations = SparseHistogram::default();
        if !self.is_empty() {
            durations.add_encoded(&self.0)?;
        }
        Ok(durations)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cell(durations: &[i64]) -> Vec<u8> {
        let mut histogram = SparseHistogram::default();
        durations.iter().for_each(|&duration| histogram.record(duration));
        histogram.encode()
    }

    proptest! {
        /// Scenario: cells for two places in any order, with runs of one place; then both are poured into one.
        /// Guarantees: each place has the quantiles of its own durations, and both together those of all.
        #[test]
        fn places_have_what_was_added_to_them(
            cells in prop::collection::vec(
                (0..2_usize, prop::collection::vec((0_u32..45).prop_flat_map(|bits| 0_i64..=(1 << bits)), 0..20)),
                0..30,
            ),
        ) {
            const QUANTILES: [f64; 4] = [0.0, 0.5, 0.9, 1.0];
            let mut places = [Packed::default(), Packed::default()];
            let mut wanted: [DurationHistogram; 3] = Default::default();
            let (mut open, mut current) = (DurationHistogram::default(), 0);
            for (place, durations) in &cells {
                if *place != current {
                    places[current].close(&mut open).expect("own cells");
                    current = *place;
                }
                places[current].add(&cell(durations), &mut open).expect("own cells");
                for &duration in durations {
                    wanted[*place].record(duration);
                    wanted[2].record(duration);
                }
            }
            places[current].close(&mut open).expect("own cells");
            for (place, wanted) in places.iter().zip(&wanted) {
                prop_assert_eq!(place.quantiles_ns(QUANTILES).expect("own cells"), wanted.quantiles_ns(QUANTILES));
                let mut dense = DurationHistogram::default();
                place.add_to(&mut dense).expect("own cells");
                prop_assert_eq!(dense.encode(), wanted.encode());
            }
            let [mut all, other] = places;
            all.pour(other).expect("own cells");
            prop_assert_eq!(all.quantiles_ns(QUANTILES).expect("own cells"), wanted[2].quantiles_ns(QUANTILES));
        }
    }

    /// Scenario: bytes that are no histogram.
    /// Guarantees: an error by the time that they are read, never a panic.
    #[test]
    fn foreign_bytes_are_refused() {
        let (mut packed, mut open) = (Packed::default(), DurationHistogram::default());
        packed.add(&[9, 9, 9], &mut open).expect("is looked at later");
        assert!(packed.quantiles_ns([0.5]).is_err() && packed.add_to(&mut open).is_err());
        assert!(packed.add(&[9], &mut open).is_err());
        assert!(Packed::default().quantiles_ns([0.5]).expect("nothing is there") == [None]);
    }
}
