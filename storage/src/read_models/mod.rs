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
//! in [`ReadModels::take`] and counts in [`ReadModels::n_bytes`], and a variant of [`ModelCells`] for
//! [`ReadModels::cells`] and [`ModelCells::to_batch_of`]. Its key columns stand in `segment/sort.rs`; what becomes of the
//! others when rows are folded is said by their names and types.

pub(crate) mod bench;
mod cells;
mod edges;
mod fold;
mod hdr;
mod instances;
mod known;
mod owners;
mod red;
mod resolution;
mod sampling;
mod shared;

pub(crate) use cells::pack;
pub use edges::OTHERS;
pub(crate) use edges::{Halves, HalvesByReceipt, Pairing, SPAN_COLUMNS};
pub(crate) use fold::Folder;
pub(crate) use hdr::{DURATION_NS_MAX, DurationHistogram, SLOT_NS, SparseHistogram, each_slot};
pub use known::KeptServices;
pub(crate) use known::KnownServices;
pub use resolution::Resolution;
pub(crate) use sampling::ONE_Q16;

use crate::ids::{Signal, Table};
use arrow::array::RecordBatch;
use edges::{EdgeCells, EdgeSnapshot};
use instances::{SeenCells, SeenDelta, SeenSnapshot};
use red::{OperationCells, RedCells, RedDelta, ServiceCells};
use std::collections::HashMap;
use std::sync::Arc;

/// Services that are kept apart between two flushes, besides those that are known or watched.
pub const SERVICES_APART_MAX: usize = 30_000;

/// What a batch of one request adds, summed up by itself, outside any lock.
#[derive(Debug)]
pub(crate) struct Delta<'a> {
    red: Option<RedDelta<'a>>,
    edges: Option<Halves>,
    seen: SeenDelta<'a>,
}

/// The read models of the rows that are in memory.
#[derive(Debug, Default)]
pub(crate) struct ReadModels {
    red: RedCells,
    edges: EdgeCells,
    seen: SeenCells,
    /// Services that have a place, whatever comes.
    known: Arc<KnownServices>,
}

/// The cells of one model at one moment, to be turned into rows without holding anybody up.
#[derive(Debug)]
pub(crate) enum ModelCells {
    Red(OperationCells, Resolution),
    ServiceRed(ServiceCells, Resolution),
    EdgeRed(EdgeSnapshot, Resolution),
    ServiceSeen(SeenSnapshot),
}

impl<'a> Delta<'a> {
    pub(crate) fn of(signal: Signal, batch: &'a RecordBatch) -> Self {
        let edges = (signal == Signal::Traces).then(|| Halves::of(batch));
        Self { edges, ..Self::of_items(signal, batch) }
    }

    /// The same without calls, for which rows must come as they were received.
    pub(crate) fn of_items(signal: Signal, batch: &'a RecordBatch) -> Self {
        let red = (signal == Signal::Traces).then(|| RedDelta::of(batch));
        Self { red, edges: None, seen: SeenDelta::of(signal, batch) }
    }
}

/// The columns of a signal's rows that [`Delta::of_items`] reads.
pub(crate) fn item_columns(signal: Signal) -> Vec<&'static str> {
    let mut columns = instances::columns_of(signal);
    if signal == Signal::Traces {
        columns.extend(red::SPAN_COLUMNS);
    }
    columns
}

impl ReadModels {
    /// Empty ones, which have a place for these.
    pub(crate) fn knowing(known: Arc<KnownServices>) -> Self {
        Self { known, ..Self::default() }
    }

    /// Has a place for these from now on.
    pub(crate) fn know(&mut self, known: Arc<KnownServices>) {
        self.known = known;
    }

    /// Lets in as many more names as if nothing had come yet, though memory stays taken.
    pub(crate) fn renew_room(&mut self) {
        self.red.renew_room();
        self.seen.renew_room();
    }

    /// The services that have a place, each with about how much of it there is.
    pub(crate) fn services(&self) -> Vec<(Box<str>, u64)> {
        let mut services: HashMap<&str, u64> = HashMap::new();
        for (service, n) in self.red.admitted().chain(self.seen.services()) {
            *services.entry(service).or_default() += n as u64;
        }
        services.into_iter().map(|(service, n)| (Box::from(service), n)).collect()
    }

    /// Adds what a batch came to, and what comes of halves of calls that waited for it.
    pub(crate) fn take(&mut self, delta: Delta<'_>, pairing: &mut Pairing) {
        if let Some(red) = delta.red {
            self.red.merge(red, &self.known);
        }
        if let Some(halves) = delta.edges {
            pairing.take(halves, &mut self.edges);
        }
        self.seen.merge(delta.seen, &self.known);
    }

    /// The same for tests where no call waits for another span.
    #[cfg(test)]
    pub(crate) fn merge(&mut self, delta: Delta<'_>) {
        self.take(delta, &mut Pairing::within(0));
    }

    /// Adds the calls that have waited long enough, when nothing more is merged. Returns the moment before which all
    /// halves that were received are settled.
    pub(crate) fn settle(&mut self, pairing: &mut Pairing) -> i64 {
        pairing.freeze(&mut self.edges)
    }

    /// Adds what spans say of calls, alone.
    pub(crate) fn take_calls(&mut self, halves: Halves, pairing: &mut Pairing) {
        pairing.take(halves, &mut self.edges);
    }

    /// As `settle`, and what was received before the moment waits no longer, whatever time it is.
    pub(crate) fn settle_until(&mut self, pairing: &mut Pairing, until: i64) -> i64 {
        pairing.give_up_before(until, &mut self.edges);
        self.settle(pairing)
    }

    /// Is half of any room taken for what is kept apart?
    pub(crate) fn is_crowded(&self) -> bool {
        self.red.is_crowded() || self.seen.is_crowded()
    }

    /// Memory held.
    pub(crate) fn n_bytes(&self) -> u64 {
        self.red.n_bytes() + self.edges.n_bytes() + self.seen.n_bytes()
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
            Table::EdgeRed(resolution) => Some(ModelCells::EdgeRed(self.edges.snapshot(), resolution)),
            Table::ServiceSeen => Some(ModelCells::ServiceSeen(self.seen.snapshot())),
            Table::Spans | Table::Logs | Table::MetricPoints => None,
        }
    }
}

/// Cells that a query may not do without. All by default; a hint, which a model may leave aside.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// The first text of the key.
    pub(crate) service: Option<String>,
    /// Starts of the first and the last bucket.
    pub(crate) first: i64,
    pub(crate) last: i64,
}

impl Default for Wanted {
    fn default() -> Self {
        Self { service: None, first: i64::MIN, last: i64::MAX }
    }
}

impl ModelCells {
    /// The cells of calls that still wait for their answer; none for a table that has no such.
    pub(crate) fn waiting(pairing: &Pairing, table: Table) -> Option<Self> {
        match table {
            Table::EdgeRed(resolution) => Some(Self::EdgeRed(pairing.unanswered().snapshot(), resolution)),
            _ => None,
        }
    }

    /// Rows of the table, one per cell; none when there are none.
    pub(crate) fn to_batch(&self) -> Option<RecordBatch> {
        self.to_batch_of(&Wanted::default())
    }

    /// Rows of the cells that are wanted at least.
    pub(crate) fn to_batch_of(&self, wanted: &Wanted) -> Option<RecordBatch> {
        match self {
            Self::Red(cells, resolution) => cells.to_batch(*resolution, wanted),
            Self::ServiceRed(cells, resolution) => cells.to_batch(*resolution, wanted),
            // Who owns an address is learnt from all callers.
            Self::EdgeRed(cells, resolution) => cells.to_batch(*resolution, wanted.first..=wanted.last),
            Self::ServiceSeen(cells) => cells.to_batch(),
        }
    }
}

#[cfg(test)]
pub(crate) use edges::tests as edges_tests;
#[cfg(test)]
pub(crate) mod tests;
