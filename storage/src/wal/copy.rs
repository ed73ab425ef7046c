//! Copies the log of a directory while it may be written.

use super::check::is_unfinished;
use super::files::{LogFile, Reading, log_files};
use super::sequences::SequenceSet;
use crate::error::Error;
use crate::fs;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The records of a copy.
#[derive(Debug, Default)]
pub(crate) struct CopiedLog {
    pub(crate) n_records: u64,
    pub(crate) sequences: SequenceSet,
}

/// Copies whole records of all files that are there when it begins. Files that are deleted meanwhile are
/// covered by a manifest that is published by then.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<CopiedLog, Error> {
    let mut copied = CopiedLog::default();
    for file in log_files(from)? {
        match copy_file(&file, to, &mut copied) {
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            copied => copied?,
        }
    }
    fs::sync_dir(&fs::wal_dir(to))?;
    Ok(copied)
}

fn copy_file(file: &LogFile, to: &Path, copied: &mut CopiedLog) -> Result<(), Error> {
    let path = &file.path;
    // Before anything is counted or made: an open file stays readable when a flush deletes it.
    let input = File::open(path).map_err(|source| Error::io("open", path, source))?;
    let reading = Reading { older_max: copied.sequences.max(), is_salvaging: file.is_newest };
    let read = file.read(reading, |frame, _| {
        copied.n_records += 1;
        copied.sequences.insert(frame.sequence);
        Ok(())
    })?;
    match read.bad {
        // It has just been made.
        Some(bad) if file.is_newest && is_unfinished(&bad) && bad.offset == 0 => return Ok(()),
        // It is being written.
        Some(bad) if file.is_newest && is_unfinished(&bad) => {}
        Some(bad) => return Err(file.damaged(bad)),
        None => {}
    }
    let name = path.file_name().unwrap_or_default();
    let target = fs::wal_dir(to).join(name);
    let write = move || {
        let mut output = File::create(&target)?;
        io::copy(&mut input.take(read.n_bytes_read), &mut output)?;
        output.sync_all()
    };
    write().map_err(|source| Error::io("copy", path, source))
}
