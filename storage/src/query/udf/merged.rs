//! Histograms of durations on their way into one: what the aggregates over `duration_hdr` share.

use crate::read_models::DurationHistogram;
use arrow::array::{Array, BinaryArray};
use datafusion::common::DataFusionError;

/// Bytes of one dense histogram, for the memory pool: 3,328 counters of eight bytes and its header.
const HISTOGRAM_BYTES: usize = 3_328 * 8 + 256;

/// The sum of the histograms so far.
#[derive(Debug, Default)]
pub(super) struct Merged {
    /// Made with the first histogram: a group without any costs nothing.
    durations: Option<Box<DurationHistogram>>,
}

impl Merged {
    /// Adds the histogram of a cell; null adds nothing.
    pub(super) fn add(&mut self, encoded: &BinaryArray, row: usize) -> Result<(), DataFusionError> {
        if encoded.is_null(row) {
            return Ok(());
        }
        let durations = self.durations.get_or_insert_default();
        durations.add_encoded(encoded.value(row)).map_err(external)
    }

    pub(super) fn record(&mut self, duration_ns: i64) {
        self.durations.get_or_insert_default().record(duration_ns);
    }

    pub(super) fn quantile_ns(&self, quantile: f64) -> Option<i64> {
        self.durations.as_ref().and_then(|durations| durations.quantile_ns(quantile))
    }

    /// As a `duration_hdr` cell; none without any.
    pub(super) fn encode(&self) -> Option<Vec<u8>> {
        self.durations.as_ref().map(|durations| durations.encode())
    }

    /// Memory on the heap, whatever was merged.
    pub(super) fn n_bytes(&self) -> usize {
        self.durations.as_ref().map_or(0, |_| HISTOGRAM_BYTES)
    }
}

/// Refuses what is no share of a whole.
pub(super) fn check_quantile(quantile: f64) -> Result<(), DataFusionError> {
    if (0.0..=1.0).contains(&quantile) {
        return Ok(());
    }
    datafusion::common::exec_err!("hdr_quantile takes a quantile between 0 and 1, not {quantile}")
}

pub(super) fn external(error: crate::error::Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
