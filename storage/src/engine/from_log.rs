//! Turns log records into rows when no request does: at start, and for records whose request went
//! away between its log and its insert.

use super::Inner;
use super::store::Store;
use crate::columns::{Columns, WalRecord};
use crate::error::Error;
use crate::fs;
use crate::wal::{Frame, SequenceSet, find_records};
use parking_lot::Mutex;
use std::collections::HashSet;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;

type Cause = Box<dyn std::error::Error + Send + Sync>;
type Decode = Box<dyn Fn(WalRecord) -> Result<Columns, Cause> + Send>;

/// The caller's decode, kept for as long as records may need it.
pub(super) struct Decoder {
    decode: Mutex<Decode>,
}

/// What became of a record.
#[derive(Debug, Clone, Copy)]
pub(super) enum FromLog {
    Rows {
        n_rows: u64,
    },
    /// Its bytes are in quarantine.
    Undecodable,
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Decoder")
    }
}

impl Decoder {
    pub(super) fn new<D>(decode: D) -> Self
    where
        D: Fn(WalRecord) -> Result<Columns, Cause> + Send + 'static,
    {
        Self { decode: Mutex::new(Box::new(decode)) }
    }

    /// A panic is a failure like any other: one bad record must not keep the engine from starting.
    fn decode(&self, record: WalRecord) -> Result<Columns, String> {
        let decode = self.decode.lock();
        match catch_unwind(AssertUnwindSafe(|| decode(record))) {
            Ok(Ok(columns)) => Ok(columns),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("decoding panicked".to_owned()),
        }
    }
}

/// Makes the rows of a record visible. One that cannot be decoded is put aside, reported and counted
/// as covered, so that its log file does not stay for ever.
pub(super) fn insert_from_log(store: &Store, decoder: &Decoder, frame: Frame) -> Result<FromLog, Error> {
    let sequence = frame.sequence;
    match decoder.decode(frame.record.clone()) {
        Ok(columns) => {
            let n_rows = columns.batch().num_rows() as u64;
            store.insert(sequence, columns);
            Ok(FromLog::Rows { n_rows })
        }
        Err(reason) => {
            let kept = fs::quarantine(&store.data_dir, &format!("{sequence:020}.wal"), &frame.to_file()?)?;
            tracing::warn!(sequence, %reason, kept = %kept.display(), "cannot decode a log record");
            store.figures.n_records_undecodable.fetch_add(1, Ordering::Relaxed);
            store.cover(&SequenceSet::from_ranges([(sequence, sequence)]));
            Ok(FromLog::Undecodable)
        }
    }
}

impl Inner {
    /// Inserts records that were logged and then dropped.
    pub(super) fn adopt_abandoned(&self) -> Result<(), Error> {
        let abandoned = self.wal.ledger().take_abandoned();
        if abandoned.is_empty() {
            return Ok(());
        }
        let adopted = self.adopt(&abandoned);
        if adopted.is_err() {
            // What was inserted already is covered and will not be looked for again.
            for &sequence in abandoned.iter().filter(|&&sequence| !self.store.is_covered(sequence)) {
                self.wal.ledger().abandon(sequence);
            }
        }
        adopted
    }

    fn adopt(&self, abandoned: &[u64]) -> Result<(), Error> {
        let wanted = SequenceSet::from_ranges(abandoned.iter().map(|&sequence| (sequence, sequence)));
        let found = find_records(&self.options.data_dir, &wanted)?;
        let in_log: HashSet<u64> = found.frames.iter().map(|frame| frame.sequence).collect();
        for frame in found.frames {
            insert_from_log(&self.store, &self.decoder, frame)?;
            self.store.figures.n_records_adopted.fetch_add(1, Ordering::Relaxed);
        }
        let lost = abandoned.iter().copied().filter(|sequence| !in_log.contains(sequence));
        let Some(sequence_first) = lost.clone().min() else { return Ok(()) };
        let reason = match found.stopped_at.is_empty() {
            true => "their file is not there".to_owned(),
            false => found.stopped_at.join("; "),
        };
        Err(Error::RecordsLost { n_records: lost.count() as u64, sequence_first, reason })
    }
}
