//! What is counted of the spans of a key and bucket.

use crate::read_models::cells::Counted;
use crate::read_models::hdr::SparseHistogram;
use arrow::array::{ArrayRef, BinaryBuilder, Int64Builder, UInt64Builder};
use std::sync::Arc;

/// What one span adds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counting {
    pub(super) duration_ns: i64,
    pub(super) is_error: bool,
    /// How many spans it stands for, in 1/65,536.
    pub(super) weight_q16: u64,
}

/// All sums saturate. Histograms count the spans that are there, not those they stand for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts {
    n_spans: u64,
    n_errors: u64,
    n_spans_adjusted_q16: u64,
    n_errors_adjusted_q16: u64,
    sum_ns: i64,
    durations: SparseHistogram,
}

impl Counts {
    pub(super) fn record(&mut self, span: Counting) {
        self.n_spans += 1;
        self.n_spans_adjusted_q16 = self.n_spans_adjusted_q16.saturating_add(span.weight_q16);
        if span.is_error {
            self.n_errors += 1;
            self.n_errors_adjusted_q16 = self.n_errors_adjusted_q16.saturating_add(span.weight_q16);
        }
        self.sum_ns = self.sum_ns.saturating_add(span.duration_ns);
        self.durations.record(span.duration_ns);
    }

    pub(super) fn n_spans(&self) -> u64 {
        self.n_spans
    }
}

impl Counted for Counts {
    fn add(&mut self, other: &Self) {
        self.n_spans += other.n_spans;
        self.n_errors += other.n_errors;
        self.n_spans_adjusted_q16 = self.n_spans_adjusted_q16.saturating_add(other.n_spans_adjusted_q16);
        self.n_errors_adjusted_q16 = self.n_errors_adjusted_q16.saturating_add(other.n_errors_adjusted_q16);
        self.sum_ns = self.sum_ns.saturating_add(other.sum_ns);
        self.durations.add(&other.durations);
    }

    fn n_bytes(&self) -> usize {
        self.durations.n_bytes()
    }
}

/// The columns of counts in the making, in the order of the schema.
#[derive(Default)]
pub(super) struct CountColumns {
    n_spans: UInt64Builder,
    n_errors: UInt64Builder,
    n_spans_adjusted_q16: UInt64Builder,
    n_errors_adjusted_q16: UInt64Builder,
    sum_ns: Int64Builder,
    duration_hdr: BinaryBuilder,
}

impl CountColumns {
    pub(super) fn push(&mut self, counts: &Counts) {
        self.n_spans.append_value(counts.n_spans);
        self.n_errors.append_value(counts.n_errors);
        self.n_spans_adjusted_q16.append_value(counts.n_spans_adjusted_q16);
        self.n_errors_adjusted_q16.append_value(counts.n_errors_adjusted_q16);
        self.sum_ns.append_value(counts.sum_ns);
        self.duration_hdr.append_value(counts.durations.encode());
    }

    pub(super) fn finish(mut self) -> [ArrayRef; 6] {
        [
            Arc::new(self.n_spans.finish()),
            Arc::new(self.n_errors.finish()),
            Arc::new(self.n_spans_adjusted_q16.finish()),
            Arc::new(self.n_errors_adjusted_q16.finish()),
            Arc::new(self.sum_ns.finish()),
            Arc::new(self.duration_hdr.finish()),
        ]
    }
}
