//! The files of a log in their order, each read in its place among the others.
//!
//! A file must begin with the number that is its name, and with none that an older file has. Where it
//! cannot be read on, whole records may follow, and then this is no unfinished write; what that means is
//! for the caller to say.

use super::frame::Frame;
use super::reader::{FileReader, Next, Resumed};
use crate::error::Error;
use crate::fs;
use std::path::{Path, PathBuf};

/// A file of the log, by its name.
#[derive(Debug)]
pub(super) struct LogFile {
    pub(super) path: PathBuf,
    /// Number of its first record; none if this is no name of ours.
    pub(super) sequence_named: Option<u64>,
    pub(super) is_newest: bool,
    /// Number of the record that the next file begins with.
    pub(super) sequence_of_next: Option<u64>,
}

/// What to do with a file and its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    /// The last number that an older file has.
    pub(super) older_max: Option<u64>,
    /// Records behind damage are read, too.
    pub(super) is_salvaging: bool,
}

/// A file that was read.
#[derive(Debug)]
pub(super) struct FileRead {
    pub(super) sequence_first: u64,
    /// The number after the last record.
    pub(super) sequence_next: u64,
    pub(super) n_records: u64,
    pub(super) n_bytes: u64,
    /// Where the last record ends.
    pub(super) n_bytes_read: u64,
    pub(super) bad: Option<Bad>,
}

/// What of a file could not be read.
#[derive(Debug)]
pub(crate) struct Bad {
    /// The first such byte, and what is wrong there.
    pub(crate) offset: u64,
    pub(crate) reason: String,
    /// All such bytes.
    pub(crate) n_bytes: u64,
    /// Whole records follow: no write was unfinished here.
    pub(crate) is_inside: bool,
}

/// Files of the log in the order of their numbers, which is that of their names.
pub(super) fn log_files(data_dir: &Path) -> Result<Vec<LogFile>, Error> {
    let mut paths = fs::list_files(&fs::wal_dir(data_dir))?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "wal"));
    let sequence_of_name = |path: &PathBuf| path.file_stem()?.to_str()?.parse().ok();
    let named: Vec<Option<u64>> = paths.iter().map(sequence_of_name).collect();
    let file = |(idx, path)| LogFile {
        path,
        sequence_named: named[idx],
        is_newest: idx + 1 == named.len(),
        sequence_of_next: named.get(idx + 1).copied().flatten(),
    };
    Ok(paths.into_iter().enumerate().map(file).collect())
}

/// The number of the first record of the oldest log file, by the file's name.
pub(crate) fn first_sequence(data_dir: &Path) -> Result<Option<u64>, Error> {
    Ok(log_files(data_dir)?.iter().find_map(|file| file.sequence_named))
}

/// The numbers of the records that files begin with, in order.
pub(crate) fn first_sequences(data_dir: &Path) -> Result<Vec<u64>, Error> {
    Ok(log_files(data_dir)?.iter().filter_map(|file| file.sequence_named).collect())
}

impl LogFile {
    /// Hands every record to `each`, with the byte at which it ends.
    pub(super) fn read(
        &self,
        reading: Reading,
        mut each: impl FnMut(Frame, u64) -> Result<(), Error>,
    ) -> Result<FileRead, Error> {
        let Some(sequence_named) = self.sequence_named else {
            return Err(self.misplaced("its name is no number of a record".to_owned()));
        };
        let mut reader = FileReader::open(&self.path, sequence_named)?;
        let sequence_first = reader.sequence_next();
        self.check_place(sequence_first, reading.older_max)?;
        let mut n_records = 0;
        let mut bad: Option<Bad> = None;
        loop {
            match reader.next()? {
                Next::End => break,
                Next::Frame(frame) => {
                    n_records += 1;
                    each(frame, reader.offset())?;
                }
                Next::Bad { offset, reason } => {
                    let bad = bad.get_or_insert(Bad { offset, reason, n_bytes: 0, is_inside: false });
                    let resumed = match reading.is_salvaging {
                        true => reader.resume(self.sequence_of_next)?,
                        false => Resumed::Nothing,
                    };
                    if !bad.is_passed(&reader, resumed) {
                        break;
                    }
                }
            }
        }
        let (sequence_next, n_bytes) = (reader.sequence_next(), reader.n_bytes());
        let n_bytes_read = reader.offset();
        Ok(FileRead { sequence_first, sequence_next, n_records, n_bytes, n_bytes_read, bad })
    }

    fn check_place(&self, sequence_first: u64, older_max: Option<u64>) -> Result<(), Error> {
        if self.sequence_named != Some(sequence_first) {
            let reason = format!("it starts at record {sequence_first}, which is not its name");
            return Err(self.misplaced(reason));
        }
        if older_max.is_some_and(|max| sequence_first <= max) {
            let reason = format!("it starts at record {sequence_first}, which an older file holds already");
            return Err(self.misplaced(reason));
        }
        Ok(())
    }

    fn misplaced(&self, reason: String) -> Error {
        Error::WalMisplaced { path: self.path.clone(), reason }
    }

    /// What to say of a file of which not all can be read.
    pub(super) fn damaged(&self, bad: Bad) -> Error {
        let (path, Bad { offset, reason, n_bytes, is_inside }) = (self.path.clone(), bad);
        match (self.is_newest, is_inside) {
            (false, _) => Error::WalCorrupt { path, offset, reason },
            (true, true) => Error::WalDamaged { path, offset, n_bytes, reason },
            (true, false) => Error::WalEndDamaged { path, offset, n_bytes, reason },
        }
    }
}

impl Bad {
    /// Does the file go on behind it?
    fn is_passed(&mut self, reader: &FileReader, resumed: Resumed) -> bool {
        if let Resumed::Frame { n_bytes_skipped } = resumed {
            self.n_bytes += n_bytes_skipped;
            self.is_inside = true;
            return true;
        }
        self.n_bytes += reader.n_bytes() - reader.offset();
        self.is_inside |= resumed == Resumed::Unknown;
        false
    }
}
