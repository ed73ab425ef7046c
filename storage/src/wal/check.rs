//! Reads a log directory to learn whether it is whole, and changes nothing in it.

use super::reader::{CUT, FileReader, Next, Opened};
use super::replay::{log_files, sequence_of_name};
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
    for path in log_files(data_dir)? {
        // A flush may have just deleted it.
        if let Ok(metadata) = std::fs::metadata(&path) {
            n_files += 1;
            n_bytes += metadata.len();
        }
    }
    Ok((n_files, n_bytes))
}

/// Reads every frame of every file, and tells `each` how many bytes were read.
pub(crate) fn check(data_dir: &Path, each: &mut dyn FnMut(u64)) -> Result<LogCheck, Error> {
    let paths = log_files(data_dir)?;
    let mut found = LogCheck::default();
    let n_files = paths.len();
    for (idx, path) in paths.into_iter().enumerate() {
        found.n_files += 1;
        match check_file(&path, idx + 1 == n_files, &mut found, each) {
            Ok(()) => {}
            Err(damage) => found.damage.push(damage),
        }
    }
    Ok(found)
}

fn check_file(
    path: &Path,
    is_newest: bool,
    found: &mut LogCheck,
    each: &mut dyn FnMut(u64),
) -> Result<(), Error> {
    let mut reader = match FileReader::open(path)? {
        Opened::Reader(reader) => reader,
        Opened::BadHeader { n_bytes } => {
            found.n_bytes += n_bytes;
            return end(path, is_newest, 0, n_bytes, "its header is not whole".to_owned(), found);
        }
    };
    found.n_bytes += reader.n_bytes();
    let sequence_first = reader.sequence_next();
    if sequence_of_name(path) != Some(sequence_first) {
        let reason = format!("it starts at record {sequence_first}, which is not its name");
        return Err(Error::WalCorrupt { path: path.to_owned(), offset: 8, reason });
    }
    let mut offset = 0;
    loop {
        each(reader.offset() - offset);
        offset = reader.offset();
        match reader.next()? {
            Next::End => return Ok(()),
            Next::Frame(frame) => {
                found.n_records += 1;
                found.sequences.insert(frame.sequence);
            }
            Next::Bad { offset, reason } => {
                let n_bytes_left = reader.n_bytes() - offset;
                each(n_bytes_left);
                return end(path, is_newest, offset, n_bytes_left, reason, found);
            }
        }
    }
}

/// A file that cannot be read on. Only the newest may end in a write that was not finished.
fn end(
    path: &Path,
    is_newest: bool,
    offset: u64,
    n_bytes: u64,
    reason: String,
    found: &mut LogCheck,
) -> Result<(), Error> {
    let path = path.to_owned();
    if !is_newest {
        return Err(Error::WalCorrupt { path, offset, reason });
    }
    if offset > 0 && reason != CUT {
        return Err(Error::WalEndDamaged { path, offset, n_bytes, reason });
    }
    found.unfinished = Some((path, n_bytes));
    Ok(())
}
