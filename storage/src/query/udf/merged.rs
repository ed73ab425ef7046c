//! Histograms of durations on their way into one: what the aggregates over `duration_hdr` share.

use crate::read_models::{DurationHistogram, SparseHistogram};
use arrow::array::{Array, BinaryArray};
use datafusion::common::DataFusionError;

/// Slots up to which a histogram stays sparse. The pool is asked after each batch, whose rows may all be groups
/// of their own.
const SPARSE_SLOTS_MAX: usize = 64;

/// The sum of the histograms so far.
#[derive(Debug, Default)]
pub(super) struct Merged {
    /// Made with the first histogram: a group without any costs nothing.
    durations: Option<Durations>,
}

#[derive(Debug)]
enum Durations {
    Few(SparseHistogram),
    Many(Box<DurationHistogram>),
}

impl Merged {
    /// Adds the histogram of a cell; null adds nothing.
    pub(super) fn add(&mut self, encoded: &BinaryArray, row: usize) -> Result<(), DataFusionError> {
        if encoded.is_null(row) {
            return Ok(());
        }
        let added = match self.durations.get_or_insert_default() {
            Durations::Few(durations) => durations.add_encoded(encoded.value(row)),
            Durations::Many(durations) => durations.add_encoded(encoded.value(row)),
        };
        self.spread();
        added.map_err(external)
    }

    pub(super) fn record(&mut self, duration_ns: i64) {
        match self.durations.get_or_insert_default() {
            Durations::Few(durations) => durations.record(duration_ns),
            Durations::Many(durations) => return durations.record(duration_ns),
        }
        self.spread();
    }

    pub(super) fn quantile_ns(&self, quantile: f64) -> Option<i64> {
        match self.durations.as_ref()? {
            Durations::Few(durations) => DurationHistogram::from(durations).quantile_ns(quantile),
            Durations::Many(durations) => durations.quantile_ns(quantile),
        }
    }

    /// As a `duration_hdr` cell; none without any.
    pub(super) fn encode(&self) -> Option<Vec<u8>> {
        Some(match self.durations.as_ref()? {
            Durations::Few(durations) => durations.encode(),
            Durations::Many(durations) => durations.encode(),
        })
    }

    /// Memory on the heap, whatever was merged.
    pub(super) fn n_bytes(&self) -> usize {
        match &self.durations {
            None => 0,
            Some(Durations::Few(durations)) => durations.n_bytes(),
            Some(Durations::Many(_)) => DurationHistogram::N_BYTES,
        }
    }

    /// Goes from slots in a list to a counter for each as they become many.
    fn spread(&mut self) {
        if let Some(Durations::Few(durations)) = &self.durations
            && durations.n_slots() > SPARSE_SLOTS_MAX
        {
            self.durations = Some(Durations::Many(Box::new(DurationHistogram::from(durations))));
        }
    }
}

impl Default for Durations {
    fn default() -> Self {
        Self::Few(SparseHistogram::default())
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
