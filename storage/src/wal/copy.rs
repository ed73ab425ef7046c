//! Copies the log of a directory while it may be written.

use super::reader::{CUT, FileReader, Next, Opened};
use super::replay::log_files;
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
    let paths = log_files(from)?;
    let mut copied = CopiedLog::default();
    let n_files = paths.len();
    for (idx, path) in paths.iter().enumerate() {
        match copy_file(path, to, idx + 1 == n_files, &mut copied) {
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            copied => copied?,
        }
    }
    fs::sync_dir(&fs::wal_dir(to))?;
    Ok(copied)
}

fn copy_file(path: &Path, to: &Path, is_newest: bool, copied: &mut CopiedLog) -> Result<(), Error> {
    // Before anything is counted or made: an open file stays readable when a flush deletes it.
    let input = File::open(path).map_err(|source| Error::io("open", path, source))?;
    let mut reader = match FileReader::open(path)? {
        Opened::Reader(reader) => reader,
        // It has just been made.
        Opened::BadHeader { .. } if is_newest => return Ok(()),
        Opened::BadHeader { .. } => {
            let reason = "its header is not whole".to_owned();
            return Err(Error::WalCorrupt { path: path.to_owned(), offset: 0, reason });
        }
    };
    loop {
        match reader.next()? {
            Next::End => break,
            Next::Frame(frame) => {
                copied.n_records += 1;
                copied.sequences.insert(frame.sequence);
            }
            // It is being written.
            Next::Bad { reason, .. } if is_newest && reason == CUT => break,
            Next::Bad { offset, reason } if is_newest => {
                let (path, n_bytes) = (path.to_owned(), reader.n_bytes() - offset);
                return Err(Error::WalEndDamaged { path, offset, n_bytes, reason });
            }
            Next::Bad { offset, reason } => {
                return Err(Error::WalCorrupt { path: path.to_owned(), offset, reason });
            }
        }
    }
    let name = path.file_name().unwrap_or_default();
    let target = fs::wal_dir(to).join(name);
    let write = move || {
        let mut output = File::create(&target)?;
        io::copy(&mut input.take(reader.offset()), &mut output)?;
        output.sync_all()
    };
    write().map_err(|source| Error::io("copy", path, source))
}
