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
        let (first_ns, last_ns) = (self.bins.from_ns(*first), self.bins.from_ns(*last));
        let bins = Bins::between(first_ns, last_ns, rows_max);
        let bin_first = bins.row_of(first_ns);
        let mut cells = BTreeMap::new();
        for (column, bin, n) in counted {
            let row = bins.row_of(self.bins.from_ns(bin)) - bin_first;
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
        bins.map(|bin| (self.bins.from_ns(bin), self.bins.to_ns(bin)))
    }

    /// The durations of a row; without an end where longer ones belong to it.
    pub(super) fn durations(&self, row: u32) -> (i64, Option<i64>) {
        let bin = self.bin_first + row as usize;
        (self.bins.from_ns(bin), (!self.bins.is_longest(bin)).then(|| self.bins.to_ns(bin)))
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
