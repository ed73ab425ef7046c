//! Counting spans and their durations.

use super::rows::column;
use crate::error::Error;
use crate::read_models::{DurationHistogram, ONE_Q16};
use arrow::array::{BinaryArray, Int64Array, RecordBatch, UInt64Array};

/// Rate, errors and duration of a group; quantiles come from merged HDR histograms (within 1 %).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RedTotals {
    pub n: u64,
    pub n_errors: u64,
    /// How many spans these stand for, as clients sampled, in 1/65,536.
    pub n_adjusted_q16: u64,
    pub n_errors_adjusted_q16: u64,
    /// Absent without spans, like the other quantiles. They are of the spans that are there.
    pub p50_ns: Option<i64>,
    pub p90_ns: Option<i64>,
    pub p95_ns: Option<i64>,
    pub p99_ns: Option<i64>,
    pub p999_ns: Option<i64>,
    /// All durations together, exact; saturates.
    pub sum_ns: i64,
}

impl RedTotals {
    /// Do spans stand for others that were not sent? Then counts of requests are estimates.
    pub fn is_estimate(&self) -> bool {
        self.n_adjusted_q16 != self.n.saturating_mul(ONE_Q16)
    }

    /// Spans, with those that clients left out.
    pub fn n_adjusted(&self) -> f64 {
        self.n_adjusted_q16 as f64 / ONE_Q16 as f64
    }

    pub fn n_errors_adjusted(&self) -> f64 {
        self.n_errors_adjusted_q16 as f64 / ONE_Q16 as f64
    }
}

/// A group while its rows come in. Holds a dense histogram (27 KB): callers bound how many they keep.
#[derive(Debug, Default)]
pub(super) struct Tally {
    n: u64,
    n_errors: u64,
    n_adjusted_q16: u64,
    n_errors_adjusted_q16: u64,
    sum_ns: i64,
    durations: DurationHistogram,
}

/// The columns of the read model that add up.
pub(super) struct RedColumns<'a> {
    n_spans: &'a UInt64Array,
    n_errors: &'a UInt64Array,
    n_adjusted_q16: &'a UInt64Array,
    n_errors_adjusted_q16: &'a UInt64Array,
    sum_ns: &'a Int64Array,
    durations: &'a BinaryArray,
}

impl<'a> RedColumns<'a> {
    pub(super) const NAMES: &'static str =
        "n_spans, n_errors, n_spans_adjusted_q16, n_errors_adjusted_q16, sum_ns, duration_hdr";

    pub(super) fn of(batch: &'a RecordBatch) -> Result<Self, Error> {
        Ok(Self {
            n_spans: column(batch, "n_spans")?,
            n_errors: column(batch, "n_errors")?,
            n_adjusted_q16: column(batch, "n_spans_adjusted_q16")?,
            n_errors_adjusted_q16: column(batch, "n_errors_adjusted_q16")?,
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
        self.n_adjusted_q16 = self.n_adjusted_q16.saturating_add(ONE_Q16);
        self.n_errors_adjusted_q16 = self.n_errors_adjusted_q16.saturating_add(u64::from(is_error) * ONE_Q16);
        self.sum_ns = self.sum_ns.saturating_add(duration_ns);
        self.durations.record(duration_ns);
    }

    /// Adds a row of the read model.
    pub(super) fn row(&mut self, columns: &RedColumns<'_>, row: usize) -> Result<(), Error> {
        self.n = self.n.saturating_add(columns.n_spans.value(row));
        self.n_errors = self.n_errors.saturating_add(columns.n_errors.value(row));
        self.n_adjusted_q16 = self.n_adjusted_q16.saturating_add(columns.n_adjusted_q16.value(row));
        self.n_errors_adjusted_q16 =
            self.n_errors_adjusted_q16.saturating_add(columns.n_errors_adjusted_q16.value(row));
        self.sum_ns = self.sum_ns.saturating_add(columns.sum_ns.value(row));
        self.durations.add_encoded(columns.durations.value(row))
    }

    /// Moves all to another tally, and begins again.
    pub(super) fn pour_into(&mut self, other: &mut Self) {
        other.n = other.n.saturating_add(self.n);
        other.n_errors = other.n_errors.saturating_add(self.n_errors);
        other.n_adjusted_q16 = other.n_adjusted_q16.saturating_add(self.n_adjusted_q16);
        other.n_errors_adjusted_q16 = other.n_errors_adjusted_q16.saturating_add(self.n_errors_adjusted_q16);
        other.sum_ns = other.sum_ns.saturating_add(self.sum_ns);
        other.durations.add(&self.durations);
        self.clear();
    }

    pub(super) fn clear(&mut self) {
        (self.n, self.n_errors, self.sum_ns) = (0, 0, 0);
        (self.n_adjusted_q16, self.n_errors_adjusted_q16) = (0, 0);
        self.durations.clear();
    }

    pub(super) fn totals(&self) -> RedTotals {
        let [p50_ns, p90_ns, p95_ns, p99_ns, p999_ns] =
            self.durations.quantiles_ns([0.5, 0.9, 0.95, 0.99, 0.999]);
        RedTotals {
            n: self.n,
            n_errors: self.n_errors,
            n_adjusted_q16: self.n_adjusted_q16,
            n_errors_adjusted_q16: self.n_errors_adjusted_q16,
            p50_ns,
            p90_ns,
            p95_ns,
            p99_ns,
            p999_ns,
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
