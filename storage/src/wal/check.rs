//! Reads a log directory to learn whether it is whole, and changes nothing in it.

use super::files::{Bad, LogFile, Reading, log_files};
use super::reader::CUT;
use super::sequences::SequenceSet;
use crate::error::Error;
use std::path::{Path, PathBuf};

/// What the files of a log hold.
#[derive(Debug, Default)]
pub(crate) struct LogCheck {
    pub(crate) n_files: u64,
    pub(crate) n_records: u64,
    pub(crate) n_bytes: u64,
    pub(crate) sequences: SequenceSet,
    /// The newest file, if its last write was not finished, and how many bytes of it are there.
    pub(crate) unfinished: Option<(PathBuf, u64)>,
    pub(crate) damage: Vec<Error>,
}

/// Files of the log and their bytes.
pub(crate) fn log_bytes(data_dir: &Path) -> Result<(u64, u64), Error> {
    let (mut n_files, mut n_bytes) = (0, 0);
    for file in log_files(data_dir)? {
        // A flush may have just deleted it.
        if let Ok(metadata) = std::fs::metadata(&file.path) {
            n_files += 1;
            n_bytes += metadata.len();
        }
    }
    Ok((n_files, n_bytes))
}

/// Reads every frame of every file, and tells `each` how many bytes were read.
pub(crate) fn check(data_dir: &Path, each: &mut dyn FnMut(u64)) -> Result<LogCheck, Error> {
    let mut found = LogCheck::default();
    for file in log_files(data_dir)? {
        found.n_files += 1;
        if let Err(damage) = check_file(&file, &mut found, each) {
            found.damage.push(damage);
        }
    }
    Ok(found)
}

fn check_file(file: &LogFile, found: &mut LogCheck, each: &mut dyn FnMut(u64)) -> Result<(), Error> {
    let reading = Reading { older_max: found.sequences.max(), is_salvaging: true };
    let mut n_bytes_told = 0;
    let read = file.read(reading, |frame, n_bytes_read| {
        found.n_records += 1;
        found.sequences.insert(frame.sequence);
        each(n_bytes_read - n_bytes_told);
        n_bytes_told = n_bytes_read;
        Ok(())
    })?;
    each(read.n_bytes - n_bytes_told);
    found.n_bytes += read.n_bytes;
    match read.bad {
        None => Ok(()),
        Some(bad) if file.is_newest && is_unfinished(&bad) => {
            found.unfinished = Some((file.path.clone(), bad.n_bytes));
            Ok(())
        }
        Some(bad) => Err(file.damaged(bad)),
    }
}

/// Could a write that was not finished have left this at the end of the newest file?
pub(super) fn is_unfinished(bad: &Bad) -> bool {
    !bad.is_inside && (bad.offset == 0 || bad.reason == CUT)
}
