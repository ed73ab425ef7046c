//! Rows in memory, from their insert until a segment holds them.
//!
//! A generation takes rows until it is frozen, is then written to segments, and is dropped when a
//! manifest names those. Batches are never changed, only replaced by larger ones with the same rows,
//! so that a snapshot is a few pointers.

use crate::ids::{Signal, Table};
use crate::read_models::{Delta, KnownServices, ModelCells, Pairing, ReadModels, Wanted};
use crate::receipts::Receipts;
use crate::segment::{self, SegmentMeta};
use crate::wal::SequenceSet;
use arrow::array::{Array, ArrayData, RecordBatch};
use bytes::Bytes;
use std::collections::HashSet;
use std::sync::Arc;

/// All rows of a table at one moment; each is in exactly one of the parts.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// Rows in memory of a signal's table.
    pub(crate) batches: Vec<RecordBatch>,
    /// What rows of a read model are made of.
    pub(crate) cells: Vec<ModelCells>,
    pub(crate) segments: Vec<Arc<SegmentMeta>>,
}

impl Snapshot {
    /// Rows in memory; of a read model those that are wanted at least.
    pub(crate) fn hot(&self, wanted: &Wanted) -> Vec<RecordBatch> {
        let made = self.cells.iter().filter_map(|cells| cells.to_batch_of(wanted));
        self.batches.iter().cloned().chain(made).collect()
    }
}

/// Batches below these sizes are gathered: a query pays for each batch it reads, and clients may well
/// send one span a request.
const LEVEL_ROWS: [usize; 2] = [256, 4_096];
/// Batches of a level that are melted into one.
const MELT_BATCHES: usize = 16;
/// No batch grows beyond this by melting, whatever its rows weigh.
const MELT_BYTES_MAX: u64 = 16 << 20;

/// Rows taken between two freezes, of all signals, and the numbers of the records they came in.
#[derive(Debug, Default)]
pub(crate) struct Generation {
    id: u64,
    tables: [HotTable; 3],
    models: ReadModels,
    sequences: SequenceSet,
    /// Bounded on their own, and small beside the rows.
    receipts: Receipts,
    n_bytes: u64,
    /// Unix nanos, of all rows.
    received_max: Option<i64>,
    /// Set when it is frozen: halves of calls that were received before are settled.
    edges_settled_until: Option<i64>,
}

#[derive(Debug, Default)]
struct HotTable {
    /// Small, medium and large batches, in no order that matters.
    levels: [Vec<HotBatch>; 3],
    is_melting: bool,
    n_rows: u64,
}

#[derive(Debug, Clone)]
struct HotBatch {
    batch: RecordBatch,
    n_bytes: u64,
}

/// Batches on their way to become one, outside the lock.
#[derive(Debug)]
pub(crate) struct Melt {
    generation: u64,
    signal: Signal,
    level: usize,
    parts: Vec<HotBatch>,
}

/// The batch that came of it, if the parts could be joined.
#[derive(Debug)]
pub(crate) struct Melted {
    generation: u64,
    signal: Signal,
    level: usize,
    n_parts: usize,
    n_bytes_parts: u64,
    whole: Option<HotBatch>,
}

/// Rows of one request on their way in; what is costly about them is already done.
#[derive(Debug)]
pub(crate) struct Arrival<'a> {
    signal: Signal,
    batch: HotBatch,
    received_max: Option<i64>,
    delta: Delta<'a>,
}

impl<'a> Arrival<'a> {
    pub(crate) fn of(signal: Signal, batch: &'a RecordBatch) -> Self {
        let delta = Delta::of(signal, batch);
        let batch = HotBatch { batch: batch.clone(), n_bytes: n_bytes_of(batch) };
        let received_max = segment::received_max(Table::from(signal), std::slice::from_ref(&batch.batch));
        Self { signal, batch, received_max, delta }
    }
}

impl Generation {
    /// An empty one that is told apart from all before it.
    pub(crate) fn after(before: &Self, known: Arc<KnownServices>) -> Self {
        Self { id: before.id + 1, models: ReadModels::knowing(known), ..Self::default() }
    }

    /// Has a place for these services from now on.
    pub(crate) fn know(&mut self, known: Arc<KnownServices>) {
        self.models.know(known);
    }

    /// Counts names as a next generation would, in which they are known.
    pub(crate) fn renew_room(&mut self, known: Arc<KnownServices>) {
        self.models.renew_room();
        self.models.know(known);
    }

    /// Remembers whom it has a place for.
    pub(crate) fn tell(&self, known: &mut KnownServices) {
        if let Some(at) = self.received_max {
            known.note(self.models.services(), at);
        }
    }

    /// Takes the rows of a record. Returns by how much memory grew.
    pub(crate) fn insert(&mut self, sequence: u64, arrival: Arrival<'_>, pairing: &mut Pairing) -> u64 {
        let n_bytes_before = self.n_bytes();
        self.sequences.insert(sequence);
        let n_rows = arrival.batch.batch.num_rows();
        if n_rows > 0 {
            let table = &mut self.tables[idx(arrival.signal)];
            table.n_rows += n_rows as u64;
            self.n_bytes += arrival.batch.n_bytes;
            table.levels[level_of(&arrival.batch)].push(arrival.batch);
        }
        self.received_max = self.received_max.max(arrival.received_max);
        self.models.take(arrival.delta, pairing);
        self.n_bytes() - n_bytes_before
    }

    /// Keeps what is to be told again of a record that was inserted.
    pub(crate) fn keep_receipt(&mut self, sequence: u64, receipt: Bytes) {
        self.receipts.push(sequence, receipt);
    }

    /// Takes the last of what it will, before it is frozen.
    pub(crate) fn settle(&mut self, pairing: &mut Pairing) {
        self.edges_settled_until = Some(self.models.settle(pairing)).filter(|&at| at > i64::MIN);
    }

    pub(crate) fn edges_settled_until(&self) -> Option<i64> {
        self.edges_settled_until
    }

    /// Covers a record that has no rows to give.
    pub(crate) fn cover(&mut self, sequences: &SequenceSet) {
        self.sequences.insert_all(sequences);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sequences.is_empty()
    }

    pub(crate) fn n_bytes(&self) -> u64 {
        self.n_bytes + self.models.n_bytes()
    }

    pub(crate) fn n_rows(&self, signal: Signal) -> u64 {
        self.tables[idx(signal)].n_rows
    }

    pub(crate) fn sequences(&self) -> &SequenceSet {
        &self.sequences
    }

    pub(crate) fn models(&self) -> &ReadModels {
        &self.models
    }

    pub(crate) fn receipts(&self) -> &Receipts {
        &self.receipts
    }

    pub(crate) fn batches(&self, signal: Signal) -> impl Iterator<Item = &RecordBatch> {
        self.tables[idx(signal)].levels.iter().flatten().map(|batch| &batch.batch)
    }

    /// Memory of a signal's rows.
    pub(crate) fn n_bytes_of(&self, signal: Signal) -> u64 {
        self.tables[idx(signal)].levels.iter().flatten().map(|batch| batch.n_bytes).sum()
    }

    /// Batches that have become many enough to be melted, unless some of the table already are.
    pub(crate) fn start_melt(&mut self, signal: Signal) -> Option<Melt> {
        let table = &mut self.tables[idx(signal)];
        if table.is_melting {
            return None;
        }
        let level = (0..LEVEL_ROWS.len()).find(|&level| table.levels[level].len() >= MELT_BATCHES)?;
        table.is_melting = true;
        Some(Melt { generation: self.id, signal, level, parts: table.levels[level][..MELT_BATCHES].to_vec() })
    }

    /// Puts a melted batch in the place of its parts; one of an older generation comes too late.
    pub(crate) fn finish_melt(&mut self, melted: Melted) {
        if melted.generation != self.id {
            return;
        }
        let table = &mut self.tables[idx(melted.signal)];
        // Parts that cannot be joined stay as they are, and nothing more of the table is melted.
        let Some(whole) = melted.whole else { return };
        table.is_melting = false;
        // New batches are only ever added behind the parts.
        table.levels[melted.level].drain(..melted.n_parts);
        self.n_bytes = self.n_bytes + whole.n_bytes - melted.n_bytes_parts;
        table.levels[level_of(&whole)].push(whole);
    }
}

impl Melt {
    /// Joins the parts; costs a copy, so it is done outside the lock.
    pub(crate) fn run(self) -> Melted {
        let schema = self.parts[0].batch.schema();
        let joined = arrow::compute::concat_batches(&schema, self.parts.iter().map(|part| &part.batch));
        let joined = joined.inspect_err(|error| tracing::warn!(%error, "cannot join small batches"));
        Melted {
            generation: self.generation,
            signal: self.signal,
            level: self.level,
            n_parts: self.parts.len(),
            n_bytes_parts: self.parts.iter().map(|part| part.n_bytes).sum(),
            whole: joined.ok().map(|batch| HotBatch { n_bytes: n_bytes_of(&batch), batch }),
        }
    }
}

/// The table whose rows a signal brings, as a place in an array.
fn idx(signal: Signal) -> usize {
    match signal {
        Signal::Traces => 0,
        Signal::Logs => 1,
        Signal::Metrics => 2,
    }
}

fn level_of(batch: &HotBatch) -> usize {
    if batch.n_bytes * MELT_BATCHES as u64 > MELT_BYTES_MAX {
        return LEVEL_ROWS.len();
    }
    LEVEL_ROWS.iter().position(|&n_rows| batch.batch.num_rows() < n_rows).unwrap_or(LEVEL_ROWS.len())
}

/// Memory that a batch keeps alive. Buffers that several columns share count once, and with their
/// whole capacity, since that is what is freed when the batch goes.
fn n_bytes_of(batch: &RecordBatch) -> u64 {
    let mut seen = HashSet::new();
    let columns = batch.columns().iter();
    columns.map(|column| n_bytes_of_data(&column.to_data(), &mut seen)).sum()
}

fn n_bytes_of_data(data: &ArrayData, seen: &mut HashSet<*const u8>) -> u64 {
    let nulls = data.nulls().map(|nulls| nulls.buffer());
    let own = data.buffers().iter().chain(nulls);
    let own: u64 = own
        .filter(|buffer| seen.insert(buffer.data_ptr().as_ptr()))
        .map(|buffer| buffer.capacity() as u64)
        .sum();
    own + data.child_data().iter().map(|child| n_bytes_of_data(child, seen)).sum::<u64>()
}
