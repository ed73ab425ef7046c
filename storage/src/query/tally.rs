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
    /// Those that are told, in the order of their fields.
    pub(super) const QUANTILES: [f64; 5] = [0.5, 0.9, 0.95, 0.99, 0.999];

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

/// What is counted of spans, but for how long each took.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    pub(super) n: u64,
    pub(super) n_errors: u64,
    pub(super) n_adjusted_q16: u64,
    pub(super) n_errors_adjusted_q16: u64,
    pub(super) sum_ns: i64,
}

/// A step while its rows come in. Holds a dense histogram (27 KB): callers bound how many they keep.
#[derive(Debug, Default)]
pub(super) struct Tally {
    n: u64,
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

impl RedColumns<'_> {
    pub(super) fn sums(&self, row: usize) -> Sums {
        Sums {
            n: self.n_spans.value(row),
            n_errors: self.n_errors.value(row),
            n_adjusted_q16: self.n_adjusted_q16.value(row),
            n_errors_adjusted_q16: self.n_errors_adjusted_q16.value(row),
            sum_ns: self.sum_ns.value(row),
        }
    }

    /// A histogram, as cells have it.
    pub(super) fn durations(&self, row: usize) -> &[u8] {
        self.durations.value(row)
    }
}

impl Sums {
    pub(super) fn add(&mut self, other: &Self) {
        self.n = self.n.saturating_add(other.n);
        self.n_errors = self.n_errors.saturating_add(other.n_errors);
        self.n_adjusted_q16 = self.n_adjusted_q16.saturating_add(other.n_adjusted_q16);
        self.n_errors_adjusted_q16 = self.n_errors_adjusted_q16.saturating_add(other.n_errors_adjusted_q16);
        self.sum_ns = self.sum_ns.saturating_add(other.sum_ns);
    }

    /// With the quantiles of [`RedTotals::QUANTILES`].
    pub(super) fn totals(&self, quantiles_ns: [Option<i64>; 5]) -> RedTotals {
        let [p50_ns, p90_ns, p95_ns, p99_ns, p999_ns] = quantiles_ns;
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
}

impl Tally {
    /// Adds a row of the read model.
    pub(super) fn row(&mut self, columns: &RedColumns<'_>, row: usize) -> Result<(), Error> {
        self.n = self.n.saturating_add(columns.n_spans.value(row));
        self.durations.add_encoded(columns.durations(row))
    }

    pub(super) fn clear(&mut self) {
        self.n = 0;
        self.durations.clear();
    }

    pub(super) fn n_at_most(&self, threshold_ns: i64) -> u64 {
        self.durations.n_at_most(threshold_ns)
    }

    pub(super) fn n(&self) -> u64 {
        self.n
    }
}
