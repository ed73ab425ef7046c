//! Columns, rows and cells of a heatmap in the making.

use super::bins::Bins;
use crate::error::Error;
use crate::query::range::{TimeRange, floor_to};
use crate::query::rows::column;
use crate::read_models::each_slot;
use arrow::array::{Array, BinaryArray, RecordBatch, TimestampNanosecondArray};
use std::collections::BTreeMap;

/// Columns of one heatmap: 3.8 MB of counts in the finest bins.
const COLUMNS_MAX: usize = 1_000;

/// Places of a column and of a row.
pub(super) type Place = (u32, u32);

/// Steps that a range touches, counted from 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Columns {
    first_at: i64,
    pub(super) step_ns: i64,
    n: usize,
}

/// How many durations fell into each column and each of the finest bins.
#[derive(Debug)]
pub(super) struct Counts {
    columns: Columns,
    bins: Bins,
    /// By column, then by bin.
    n: Vec<u64>,
}

/// The cells, in rows that are as fine as was asked for.
#[derive(Debug)]
pub(super) struct Grid {
    pub(super) columns: Columns,
    bins: Bins,
    /// The bin of the first row.
    bin_first: usize,
    n_rows: usize,
    /// Only cells that are not empty.
    pub(super) cells: BTreeMap<Place, u64>,
}

impl Columns {
    /// Refuses what would be too many.
    pub(super) fn of(range: TimeRange, step_ns: i64) -> Result<Self, Error> {
        let first_at = floor_to(range.from, step_ns);
        let width_ns = range.to.saturating_sub(first_at).max(0);
        let n = width_ns / step_ns + i64::from(width_ns % step_ns > 0);
        match usize::try_from(n) {
            Ok(n) if n <= COLUMNS_MAX => Ok(Self { first_at, step_ns, n }),
            _ => {
                let message =
                    format!("a heatmap of {n} columns was asked for, and has {COLUMNS_MAX} at most");
                Err(Error::BadQuery { message })
            }
        }
    }

    pub(super) fn starts(self) -> impl Iterator<Item = i64> {
        (0..self.n)
            .map(move |column| self.first_at.saturating_add(self.step_ns.saturating_mul(column as i64)))
    }

    /// The column of a moment; none outside the range.
    fn column_of(self, at: i64) -> Option<usize> {
        let place = at.checked_sub(self.first_at)?.div_euclid(self.step_ns);
        usize::try_from(place).ok().filter(|column| *column < self.n)
    }
}

impl Counts {
    pub(super) fn of(columns: Columns) -> Self {
        let bins = Bins::finest();
        Self { columns, n: vec![0; columns.n * bins.n_bins()], bins }
    }

    /// Adds the histograms of some columns: rows of `at` and `duration_hdr`.
    pub(super) fn add(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let starts = column::<TimestampNanosecondArray>(batch, "at")?;
        let durations = column::<BinaryArray>(batch, "duration_hdr")?;
        for row in (0..batch.num_rows()).filter(|&row| durations.is_valid(row)) {
            if let Some(column) = self.columns.column_of(starts.value(row)) {
                each_slot(durations.value(row), |slot_ns, n| self.count(column, slot_ns, n))?;
            }
        }
        Ok(())
    }

    fn count(&mut self, column: usize, duration_ns: i64, n: u64) {
        let cell = &mut self.n[column * self.bins.n_bins() + self.bins.row_of(duration_ns)];
        *cell = cell.saturating_add(n);
    }

    pub(super) fn grid(self, rows_max: usize) -> Grid {
        let n_bins = self.bins.n_bins();
        let counted =
            self.n.iter().enumerate().filter(|(_, n)| **n > 0).map(|(at, n)| (at / n_bins, at % n_bins, *n));
        let used: Vec<usize> = counted.clone().map(|(_, bin, _)| bin).collect();
        let (Some(first), Some(last)) = (used.iter().min(), used.iter().max()) else {
            return Grid {
                columns: self.columns,
                bins: self.bins,
                bin_first: 0,
                n_rows: 0,
                cells: BTreeMap::new(),
            };
        };
        let (first_ns, last_ns) = (self.bins.start_ns(*first), self.bins.start_ns(*last));
        let bins = Bins::between(first_ns, last_ns, rows_max);
        let bin_first = bins.row_of(first_ns);
        let mut cells = BTreeMap::new();
        for (column, bin, n) in counted {
            let row = bins.row_of(self.bins.start_ns(bin)) - bin_first;
            let cell: &mut u64 = cells.entry((column as u32, row as u32)).or_default();
            *cell = cell.saturating_add(n);
        }
        Grid { columns: self.columns, n_rows: bins.row_of(last_ns) - bin_first + 1, bin_first, bins, cells }
    }
}

impl Grid {
    /// Where each row begins, and where the next one does.
    pub(super) fn rows(&self) -> impl Iterator<Item = (i64, i64)> {
        let bins = self.bin_first..self.bin_first + self.n_rows;
        bins.map(|bin| (self.bins.start_ns(bin), self.bins.to_ns(bin)))
    }

    /// The durations of a row; without an end where longer ones belong to it.
    pub(super) fn durations(&self, row: u32) -> (i64, Option<i64>) {
        let bin = self.bin_first + row as usize;
        (self.bins.start_ns(bin), (!self.bins.is_longest(bin)).then(|| self.bins.to_ns(bin)))
    }

    /// How many durations each row has.
    pub(super) fn row_totals(&self) -> Vec<u64> {
        let mut totals = vec![0_u64; self.n_rows];
        for ((_, row), n) in &self.cells {
            let total = &mut totals[*row as usize];
            *total = total.saturating_add(*n);
        }
        totals
    }

    /// The cell of a span that ended then and took this long; none if that is no cell of the grid.
    pub(super) fn place_of(&self, ended_at: i64, duration_ns: i64) -> Option<Place> {
        let column = self.columns.column_of(ended_at)?;
        let row = self.bins.row_of(duration_ns).checked_sub(self.bin_first)?;
        let place = (column as u32, row as u32);
        self.cells.contains_key(&place).then_some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read_models::SparseHistogram;
    use arrow::array::ArrayRef;
    use proptest::prelude::*;
    use std::sync::Arc;

    const SECOND_NS: i64 = 1_000_000_000;
    const STEP_NS: i64 = 60 * SECOND_NS;

    /// A histogram for each column, as statements give them.
    fn batch(spans: &[(i64, i64)]) -> RecordBatch {
        let mut columns: BTreeMap<i64, SparseHistogram> = BTreeMap::new();
        for (ended_at, duration_ns) in spans {
            columns.entry(floor_to(*ended_at, STEP_NS)).or_default().record(*duration_ns);
        }
        let starts = TimestampNanosecondArray::from_iter_values(columns.keys().copied());
        let encoded = BinaryArray::from_iter_values(columns.values().map(SparseHistogram::encode));
        let starts: ArrayRef = Arc::new(starts);
        let encoded: ArrayRef = Arc::new(encoded);
        RecordBatch::try_from_iter([("at", starts), ("duration_hdr", encoded)]).expect("two columns")
    }

    /// Scenario: ranges that begin and end within steps, that are empty, and that are too long.
    /// Guarantees: every moment of a range has one column, others have none; too many columns are refused.
    #[test]
    fn moments_have_one_column() {
        let columns = |from, to| Columns::of(TimeRange { from, to }, STEP_NS);
        let some = columns(STEP_NS - 1, 3 * STEP_NS + 1).expect("fits");
        assert_eq!(some.starts().collect::<Vec<_>>(), [0, STEP_NS, 2 * STEP_NS, 3 * STEP_NS]);
        let found = [-1, 0, STEP_NS, 4 * STEP_NS - 1, 4 * STEP_NS, i64::MIN].map(|at| some.column_of(at));
        assert_eq!(found, [None, Some(0), Some(1), Some(3), None, None]);
        assert_eq!(columns(5, 5).expect("fits").starts().count(), 1);
        assert_eq!(columns(0, 1_000 * STEP_NS).expect("fits").starts().count(), 1_000);
        assert!(columns(0, 1_000 * STEP_NS + 1).is_err() && columns(i64::MIN, i64::MAX).is_err());
    }

    proptest! {
        /// Scenario: any spans of ten minutes, with room for any number of rows.
        /// Guarantees: each span falls into one cell, cells count those that do and no others, and there are no more
        /// rows than asked for.
        #[test]
        fn cells_count_what_falls_into_them(
            spans in prop::collection::vec(
                (0..600 * SECOND_NS, prop_oneof![0..100_000_000_i64, 0..20_000 * SECOND_NS, any::<i64>()]),
                0..100,
            ),
            rows_max in 6..120_usize,
        ) {
            let columns = Columns::of(TimeRange { from: 0, to: 600 * SECOND_NS }, STEP_NS).expect("fits");
            let mut counts = Counts::of(columns);
            counts.add(&batch(&spans)).expect("reads");
            let grid = counts.grid(rows_max);
            let mut wanted: BTreeMap<Place, u64> = BTreeMap::new();
            for (ended_at, duration_ns) in &spans {
                *wanted.entry(grid.place_of(*ended_at, *duration_ns).expect("a cell")).or_default() += 1;
            }
            prop_assert_eq!(&grid.cells, &wanted);
            prop_assert_eq!(grid.row_totals().iter().sum::<u64>(), spans.len() as u64);
            prop_assert!(grid.rows().count() <= rows_max);
        }
    }
}
