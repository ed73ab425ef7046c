//! Turns log records into rows when no request does: at start, and for records whose request went
//! away between its log and its insert.

use super::Inner;
use super::store::Store;
use crate::columns::{Columns, WalRecord};
use crate::error::Error;
use crate::fs;
use crate::wal::{Frame, SequenceSet, find_records};
use parking_lot::Mutex;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;

type Cause = Box<dyn std::error::Error + Send + Sync>;
type Decode = Box<dyn Fn(WalRecord) -> Result<Columns, Cause> + Send>;

/// The caller's decode, kept for as long as records may need it.
pub(super) struct Decoder {
    decode: Mutex<Decode>,
}

/// Ticks, which are about a second, between two searches of the whole log for records that are not in it.
const TICKS_MAX: u32 = 60;

/// Records that were looked for in the log and not found.
#[derive(Debug, Default)]
pub(super) struct Lost {
    sequences: SequenceSet,
    reason: String,
    /// Ticks between the last search and the next, and those that are still to come.
    n_ticks: u32,
    n_ticks_left: u32,
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

impl Lost {
    fn error(&self) -> Error {
        let n_records = self.sequences.n_within(0, u64::MAX);
        let sequence_first = self.sequences.ranges().next().map_or(0, |(first, _)| first);
        Error::RecordsLost { n_records, sequence_first, reason: self.reason.clone() }
    }

    /// Waits twice as long as the last time.
    fn wait(&mut self, sequences: SequenceSet, reason: String) {
        (self.sequences, self.reason) = (sequences, reason);
        self.n_ticks = (self.n_ticks * 2).clamp(1, TICKS_MAX);
        self.n_ticks_left = self.n_ticks;
    }
}

impl Inner {
    /// Inserts records that were logged and then dropped. Those that were looked for in vain are looked for
    /// again when it is time, or when there are others; until then they are told.
    pub(super) fn adopt_abandoned(&self, is_last: bool) -> Result<(), Error> {
        let mut lost = self.lost.lock();
        let abandoned = self.wal.ledger().take_abandoned();
        if abandoned.is_empty() {
            if lost.sequences.is_empty() {
                return Ok(());
            }
            if lost.n_ticks_left > 0 && !is_last {
                lost.n_ticks_left -= 1;
                return Err(lost.error());
            }
        }
        let mut wanted = lost.sequences.clone();
        abandoned.iter().for_each(|&sequence| wanted.insert(sequence));
        let adopted = self.adopt(&wanted);
        let numbers = wanted.ranges().flat_map(|(first, last)| first..=last);
        let missing = numbers.filter(|&sequence| !self.store.is_covered(sequence));
        let missing = SequenceSet::from_ranges(missing.map(|sequence| (sequence, sequence)));
        let reason = match &adopted {
            Ok(reason) => reason.clone(),
            Err(error) => error.chain(),
        };
        if missing.is_empty() {
            *lost = Lost::default();
            return adopted.map(|_| ());
        }
        lost.wait(missing, reason);
        Err(adopted.err().unwrap_or_else(|| lost.error()))
    }

    /// Returns why some were not found, if some were not.
    fn adopt(&self, wanted: &SequenceSet) -> Result<String, Error> {
        let found = find_records(&self.options.data_dir, wanted)?;
        for frame in found.frames {
            insert_from_log(&self.store, &self.decoder, frame)?;
            self.store.figures.n_records_adopted.fetch_add(1, Ordering::Relaxed);
        }
        Ok(match found.stopped_at.is_empty() {
            true => "their file is not there".to_owned(),
            false => found.stopped_at.join("; "),
        })
    }
}
