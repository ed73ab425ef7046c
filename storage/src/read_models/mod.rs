//! Read models: small tables derived from raw rows, kept at write time so that dashboards need not
//! read spans.
//!
//! They are committed together with the rows they came from, and can be rebuilt from them; a test
//! proves that rebuilt and kept ones are equal. All are additive: rows of equal key are parts of one cell, which
//! whoever reads them adds up, and merges of segments fold into one row (`fold`). So late rows, restarts and any
//! order come out the same. Memory holds cells of the finest resolution; those of coarser ones are made of them
//! when somebody asks, or when a flush writes them.
//!
//! A further model needs, here: a field of [`Delta`] made in [`Delta::of`], a field of [`ReadModels`] that takes it
//! in [`ReadModels::merge`] and counts in [`ReadModels::n_bytes`], and a variant of [`ModelCells`] for
//! [`ReadModels::cells`] and [`ModelCells::to_batch`]. Its key columns stand in `segment/sort.rs`; what becomes of the
//! others when rows are folded is said by their names and types.

mod cells;
mod fold;
mod hdr;
mod instances;
mod owners;
mod red;
mod resolution;
mod sampling;

pub(crate) use fold::Folder;
pub(crate) use hdr::{DurationHistogram, SparseHistogram};
pub use resolution::Resolution;
pub(crate) use sampling::ONE_Q16;

use crate::ids::{Signal, Table};
use arrow::array::RecordBatch;
use instances::{SeenCells, SeenDelta, SeenSnapshot};
use red::{OperationCells, RedCells, RedDelta, ServiceCells};

/// What a batch of one request adds, summed up by itself, outside any lock.
#[derive(Debug)]
pub(crate) struct Delta<'a> {
    red: Option<RedDelta<'a>>,
    seen: SeenDelta<'a>,
}

/// The read models of the rows that are in memory.
#[derive(Debug, Default)]
pub(crate) struct ReadModels {
    red: RedCells,
    seen: SeenCells,
}

/// The cells of one model at one moment, to be turned into rows without holding anybody up.
#[derive(Debug)]
pub(crate) enum ModelCells {
    Red(OperationCells, Resolution),
    ServiceRed(ServiceCells, Resolution),
    ServiceSeen(SeenSnapshot),
}

impl<'a> Delta<'a> {
    pub(crate) fn of(signal: Signal, batch: &'a RecordBatch) -> Self {
        Self {
            red: (signal == Signal::Traces).then(|| RedDelta::of(batch)),
            seen: SeenDelta::of(signal, batch),
        }
    }
}

impl ReadModels {
    /// Adds what a batch came to.
    pub(crate) fn merge(&mut self, delta: Delta<'_>) {
        if let Some(red) = delta.red {
            self.red.merge(red);
        }
        self.seen.merge(delta.seen);
    }

    /// Memory held.
    pub(crate) fn n_bytes(&self) -> u64 {
        self.red.n_bytes() + self.seen.n_bytes()
    }

    /// Spans that were counted under less than their own key, because there were too many.
    pub(crate) fn n_spans_overflow(&self) -> u64 {
        self.red.n_spans_overflow()
    }

    /// Items of any signal that were counted under less than their own instance, for the same reason.
    pub(crate) fn n_items_overflow(&self) -> u64 {
        self.seen.n_items_overflow()
    }

    /// The cells of a table, shared; none if no model here makes its rows.
    pub(crate) fn cells(&self, table: Table) -> Option<ModelCells> {
        match table {
            Table::Red(resolution) => Some(ModelCells::Red(self.red.operations(), resolution)),
            Table::ServiceRed(resolution) => Some(ModelCells::ServiceRed(self.red.services(), resolution)),
            Table::ServiceSeen => Some(ModelCells::ServiceSeen(self.seen.snapshot())),
            Table::EdgeRed(_) => None,
            Table::Spans | Table::Logs | Table::MetricPoints => None,
        }
    }
}

impl ModelCells {
    /// Rows of the table, one per cell; none when there are none.
    pub(crate) fn to_batch(&self) -> Option<RecordBatch> {
        match self {
            Self::Red(cells, resolution) => cells.to_batch(*resolution),
            Self::ServiceRed(cells, resolution) => cells.to_batch(*resolution),
            Self::ServiceSeen(cells) => cells.to_batch(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
