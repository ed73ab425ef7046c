//! Log files that have bytes which are no records: what can be read of them moves to segments, and they to
//! the quarantine directory.
//!
//! They cannot stay in the log. Only its newest file may be damaged when it is opened, and the next file
//! comes with the next record.

use super::store::Store;
use crate::error::Error;
use crate::faults::Step;
use crate::wal::{DamagedFile, SequenceSet};
use crate::{disk, fs};
use std::path::PathBuf;

/// A log file of which not all could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamagedLog {
    pub path: PathBuf,
    /// Where it is now, every byte of it.
    pub kept: PathBuf,
    /// The first byte that is not of a record, and what is wrong there.
    pub offset: u64,
    pub reason: String,
    /// Bytes that are not of a record.
    pub n_bytes: u64,
    /// Records that could be read.
    pub n_records: u64,
    /// Records that are in no segment either. Those of one write may never have been acknowledged, if power
    /// failed before it was synced.
    pub n_records_lost: u64,
}

/// Flushes what was replayed, and only then moves the files. Whatever moment this ends at, the next start
/// finds all of it again, or nothing left to do.
pub(super) fn put_aside(
    store: &Store,
    files: Vec<DamagedFile>,
    missing: &SequenceSet,
) -> Result<Vec<DamagedLog>, Error> {
    if files.is_empty() {
        return Ok(Vec::new());
    }
    store.flush(|| ())?;
    let put = files.into_iter().map(|file| put_file_aside(store, file, missing)).collect();
    // Before a newer file exists, beside which a damaged one that came back would stop the start.
    let directory = fs::wal_dir(&store.data_dir);
    disk::sync_names(&directory, Step::WalNameSync, &*store.faults)
        .map_err(|source| Error::io("sync directory", &directory, source))?;
    put
}

fn put_file_aside(store: &Store, file: DamagedFile, missing: &SequenceSet) -> Result<DamagedLog, Error> {
    let DamagedFile { path, n_records, sequences: (first, last), bad } = file;
    let kept = fs::quarantine_file(&store.data_dir, &path)?;
    disk::remove(&path, Step::WalDelete, &*store.faults)?;
    let (offset, reason, n_bytes) = (bad.offset, bad.reason, bad.n_bytes);
    let n_records_lost = missing.n_within(first, last);
    tracing::error!(
        path = %path.display(), offset, reason, n_bytes, n_records, n_records_lost, kept = %kept.display(),
        "a log file is damaged, going on with the records that can be read"
    );
    Ok(DamagedLog { path, kept, offset, reason, n_bytes, n_records, n_records_lost })
}

#[cfg(test)]
mod tests;
