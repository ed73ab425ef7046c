//! Counting spans and their durations.

use super::rows::column;
use crate::error::Error;
use crate::read_models::DurationHistogram;
use arrow::array::{BinaryArray, Int64Array, RecordBatch, UInt64Array};

/// Rate, errors and duration of a group; quantiles come from merged HDR histograms (within 1 %).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RedTotals {
    pub n: u64,
    pub n_errors: u64,
    /// Absent without spans, like the other quantiles.
    pub p50_ns: Option<i64>,
    pub p95_ns: Option<i64>,
    pub p99_ns: Option<i64>,
    /// All durations together, exact; saturates.
    pub sum_ns: i64,
}

/// A group while its rows come in. Holds a dense histogram (27 KB): callers bound how many they keep.
#[derive(Debug, Default)]
pub(super) struct Tally {
    n: u64,
    n_errors: u64,
    sum_ns: i64,
    durations: DurationHistogram,
}

/// The columns of the read model that add up.
pub(super) struct RedColumns<'a> {
    n_spans: &'a UInt64Array,
    n_errors: &'a UInt64Array,
    sum_ns: &'a Int64Array,
    durations: &'a BinaryArray,
}

impl<'a> RedColumns<'a> {
    pub(super) const NAMES: &'static str = "n_spans, n_errors, sum_ns, duration_hdr";

    pub(super) fn of(batch: &'a RecordBatch) -> Result<Self, Error> {
        Ok(Self {
            n_spans: column(batch, "n_spans")?,
            n_errors: column(batch, "n_errors")?,
            sum_ns: column(batch, "sum_ns")?,
            durations: column(batch, "duration_hdr")?,
        })
    }
}

impl Tally {
    /// Adds one span.
    pub(super) fn span(&mut self, duration_ns: i64, is_error: bool) {
        self.n += 1;
        self.n_errors += u64::from(is_error);
        self.sum_ns = self.sum_ns.saturating_add(duration_ns);
        self.durations.record(duration_ns);
    }

    /// Adds a row of the read model.
    pub(super) fn row(&mut self, columns: &RedColumns<'_>, row: usize) -> Result<(), Error> {
        self.n += columns.n_spans.value(row);
        self.n_errors += columns.n_errors.value(row);
        self.sum_ns = self.sum_ns.saturating_add(columns.sum_ns.value(row));
        self.durations.add_encoded(columns.durations.value(row))
    }

    pub(super) fn totals(&self) -> RedTotals {
        RedTotals {
            n: self.n,
            n_errors: self.n_errors,
            p50_ns: self.durations.quantile_ns(0.50),
            p95_ns: self.durations.quantile_ns(0.95),
            p99_ns: self.durations.quantile_ns(0.99),
            sum_ns: self.sum_ns,
        }
    }

    pub(super) fn n_at_most(&self, threshold_ns: i64) -> u64 {
        self.durations.n_at_most(threshold_ns)
    }

    pub(super) fn n(&self) -> u64 {
        self.n
    }
}
