//! What the caller hands in and gets back: the bytes to log, proof that they are, the rows to show.
//!
//! The types make the order of the flow the only one that compiles: a [`Logged`] comes from the log
//! alone, and without one no rows can be inserted.

use crate::error::Error;
use crate::ids::Signal;
use crate::schema;
use crate::wal::Ledger;
use arrow::array::{ArrayRef, RecordBatch};
use bytes::Bytes;
use std::sync::Arc;

/// What a request carries into the log; opaque here, and handed back to the caller's decode when
/// the log is replayed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalRecord {
    pub signal: Signal,
    /// The caller's own mark of how `payload` is encoded.
    pub encoding: u8,
    /// Unix nanos.
    pub received_at: i64,
    pub payload: Bytes,
}

/// Rows of one request. Zero rows are rows too: their record is covered like any other.
#[derive(Debug, Clone)]
pub struct Columns {
    signal: Signal,
    batch: RecordBatch,
    receipt: Option<Bytes>,
}

impl Columns {
    /// Checks that the batch has exactly the columns of the signal's table.
    pub fn new(signal: Signal, batch: RecordBatch) -> Result<Self, Error> {
        let schema = schema::of(signal);
        if batch.schema().fields() != schema.fields() {
            return Err(Error::SchemaMismatch { signal, reason: first_difference(&batch, &schema) });
        }
        Ok(Self { signal, batch, receipt: None })
    }

    /// With what the caller wants to be told again of the record: [`Recovery::receipts`](crate::Recovery::receipts)
    /// has it when the record's rows are in segments. As many receipts are kept as fit into some bytes, the newest.
    #[must_use]
    pub fn with_receipt(self, receipt: Bytes) -> Self {
        Self { receipt: Some(receipt), ..self }
    }

    pub fn signal(&self) -> Signal {
        self.signal
    }

    pub fn batch(&self) -> &RecordBatch {
        &self.batch
    }

    pub(crate) fn take_receipt(&mut self) -> Option<Bytes> {
        self.receipt.take()
    }

    pub(crate) fn into_batch(self) -> RecordBatch {
        self.batch
    }
}

/// Proof that a record is durable; needed to insert its rows.
///
/// Dropped without an insert (the request's task was cancelled, its decode panicked) the record is
/// still on disk, so its number is reported back and the engine decodes it from the log at the next
/// tick: what was logged is neither lost nor left to pin its log file.
#[derive(Debug)]
pub struct Logged {
    sequence: u64,
    ledger: Option<Arc<Ledger>>,
}

impl Logged {
    pub(crate) fn new(sequence: u64, ledger: Arc<Ledger>) -> Self {
        Self { sequence, ledger: Some(ledger) }
    }

    /// The record's number: unique and rising within a data directory.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The rows are in: nothing is left to report.
    pub(crate) fn settle(mut self) -> u64 {
        self.ledger = None;
        self.sequence
    }
}

impl Drop for Logged {
    fn drop(&mut self) {
        if let Some(ledger) = self.ledger.take() {
            ledger.abandon(self.sequence);
        }
    }
}

/// A column of a batch whose schema was checked when it came in.
pub(crate) fn column<'a>(batch: &'a RecordBatch, name: &str) -> &'a ArrayRef {
    batch.column_by_name(name).expect("the schema of every batch was checked by Columns::new")
}

fn first_difference(batch: &RecordBatch, schema: &arrow::datatypes::Schema) -> String {
    let found = batch.schema();
    if found.fields().len() != schema.fields().len() {
        return format!("it has {} columns, not {}", found.fields().len(), schema.fields().len());
    }
    let differs = |(found, wanted): (&Arc<arrow::datatypes::Field>, &Arc<arrow::datatypes::Field>)| {
        (found != wanted).then(|| {
            format!(
                "column {} is {}, not {} {}",
                found.name(),
                found.data_type(),
                wanted.name(),
                wanted.data_type()
            )
        })
    };
    let mut pairs = found.fields().iter().zip(schema.fields());
    pairs.find_map(differs).unwrap_or_default()
}
