//! Brings a log directory back after a crash: which records are there, which still need rows.
//!
//! The newest file may end in a torn write, and is cut there; the cut bytes go to quarantine. What it
//! holds is made durable before a newer file exists: a process that was killed may have written it without
//! a sync. Damage anywhere else is no torn write, and stops the start rather than lose what follows it.

use super::frame::Frame;
use super::ledger::ClosedFile;
use super::reader::{FileReader, Next, Opened};
use super::sequences::SequenceSet;
use crate::error::Error;
use crate::faults::{Faults, Step};
use crate::{disk, fs};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// What a replay found.
#[derive(Debug, Default)]
pub(crate) struct Replayed {
    pub(crate) files: Vec<ClosedFile>,
    pub(crate) n_records: u64,
    /// Records that segments cover already.
    pub(crate) n_skipped: u64,
    pub(crate) n_bytes_cut: u64,
    /// All numbers seen in the files.
    pub(crate) sequences: SequenceSet,
}

/// Records that were looked for in the log.
#[derive(Debug, Default)]
pub(crate) struct FoundRecords {
    pub(crate) frames: Vec<Frame>,
    /// Places from which a file could not be read on: damage, or the end of the file that is being written.
    pub(crate) stopped_at: Vec<String>,
}

/// What is replayed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Replay<'a> {
    pub(crate) data_dir: &'a Path,
    /// Numbers whose rows are in segments.
    pub(crate) covered: &'a SequenceSet,
    pub(crate) faults: &'a dyn Faults,
}

/// Hands every record that is not covered to `each`, in order. The files it leaves are durable: the last
/// process may have been killed before its sync, and they are not the newest for long.
pub(crate) fn replay(
    what: Replay<'_>,
    mut each: impl FnMut(Frame) -> Result<(), Error>,
) -> Result<Replayed, Error> {
    let paths = log_files(what.data_dir)?;
    let mut replayed = Replayed::default();
    let n_files = paths.len();
    for (file_idx, path) in paths.into_iter().enumerate() {
        let is_newest = file_idx + 1 == n_files;
        let reader = match FileReader::open(&path)? {
            Opened::Reader(reader) => reader,
            Opened::BadHeader { n_bytes } if is_newest => {
                replayed.n_bytes_cut += what.cut(&path, 0, n_bytes, "its header is not whole")?;
                disk::remove(&path, Step::WalDelete, what.faults)?;
                continue;
            }
            Opened::BadHeader { .. } => {
                let reason = "its header is not whole".to_owned();
                return Err(Error::WalCorrupt { path, offset: 0, reason });
            }
        };
        replay_file(what, reader, &path, is_newest, &mut replayed, &mut each)?;
    }
    Ok(replayed)
}

/// Reads the records of these numbers back, wherever they are. Files may be gone or still growing.
pub(crate) fn find_records(data_dir: &Path, wanted: &SequenceSet) -> Result<FoundRecords, Error> {
    let mut found = FoundRecords::default();
    for path in log_files(data_dir)? {
        let mut reader = match FileReader::open(&path) {
            Ok(Opened::Reader(reader)) => reader,
            Ok(Opened::BadHeader { .. }) => {
                found.stop_at(&path, 0, "its header is not whole");
                continue;
            }
            // A flush has just deleted it: all its records have their rows.
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        loop {
            match reader.next()? {
                Next::Frame(frame) if wanted.contains(frame.sequence) => found.frames.push(frame),
                Next::Frame(_) => {}
                Next::End => break,
                Next::Bad { offset, reason } => {
                    found.stop_at(&path, offset, &reason);
                    break;
                }
            }
        }
    }
    Ok(found)
}

/// The number of the first record of the oldest log file, by the file's name.
pub(crate) fn first_sequence(data_dir: &Path) -> Result<Option<u64>, Error> {
    Ok(log_files(data_dir)?.iter().find_map(|path| sequence_of_name(path)))
}

impl FoundRecords {
    fn stop_at(&mut self, path: &Path, offset: u64, reason: &str) {
        let path = path.display();
        self.stopped_at.push(format!("log file {path} cannot be read from byte {offset} on: {reason}"));
    }
}

/// Log files in the order of their numbers, which is that of their names.
pub(super) fn log_files(data_dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut paths = fs::list_files(&fs::wal_dir(data_dir))?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "wal"));
    Ok(paths)
}

fn replay_file(
    what: Replay<'_>,
    mut reader: FileReader,
    path: &Path,
    is_newest: bool,
    replayed: &mut Replayed,
    each: &mut impl FnMut(Frame) -> Result<(), Error>,
) -> Result<(), Error> {
    let sequence_first = reader.sequence_next();
    if sequence_of_name(path) != Some(sequence_first) {
        let reason = format!("it starts at record {sequence_first}, which is not its name");
        return Err(Error::WalCorrupt { path: path.to_owned(), offset: 8, reason });
    }
    if replayed.sequences.max().is_some_and(|max| sequence_first <= max) {
        let reason = format!("it starts at record {sequence_first}, which an older file holds already");
        return Err(Error::WalCorrupt { path: path.to_owned(), offset: 8, reason });
    }
    loop {
        match reader.next()? {
            Next::End => break,
            Next::Frame(frame) if what.covered.contains(frame.sequence) => replayed.n_skipped += 1,
            Next::Frame(frame) => {
                replayed.n_records += 1;
                each(frame)?;
            }
            Next::Bad { offset, reason } if is_newest => {
                replayed.n_bytes_cut += what.cut(path, offset, reader.n_bytes(), &reason)?;
                break;
            }
            Next::Bad { offset, reason } => {
                return Err(Error::WalCorrupt { path: path.to_owned(), offset, reason });
            }
        }
    }
    let sequence_next = reader.sequence_next();
    if sequence_next == sequence_first {
        return disk::remove(path, Step::WalDelete, what.faults);
    }
    what.make_durable(path, is_newest)?;
    let sequence_last = sequence_next - 1;
    replayed.sequences.insert_range(sequence_first, sequence_last);
    let (path, n_bytes) = (path.to_owned(), reader.offset());
    replayed.files.push(ClosedFile { path, sequence_first, sequence_last, n_bytes });
    Ok(())
}

/// The first record's number, as the name says.
pub(super) fn sequence_of_name(path: &Path) -> Option<u64> {
    path.file_stem()?.to_str()?.parse().ok()
}

impl Replay<'_> {
    /// An older file was durable before there was a newer one, unless somebody has copied it here.
    fn make_durable(&self, path: &Path, is_newest: bool) -> Result<(), Error> {
        let made = match is_newest {
            true => disk::renew(path, Step::ReplayRenew, self.faults),
            false => File::open(path).and_then(|file| disk::sync(&file, path, Step::ReplaySync, self.faults)),
        };
        made.map_err(|source| Error::io("make durable", path, source))
    }

    /// Cuts a file at `offset`, after the bytes behind it are safe elsewhere. Returns how many.
    fn cut(&self, path: &Path, offset: u64, n_bytes: u64, reason: &str) -> Result<u64, Error> {
        let fail = |source| Error::io("cut", path, source);
        let mut file = OpenOptions::new().read(true).write(true).open(path).map_err(fail)?;
        let mut tail = Vec::new();
        file.seek(SeekFrom::Start(offset)).map_err(fail)?;
        file.read_to_end(&mut tail).map_err(fail)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let kept = fs::quarantine(self.data_dir, &format!("{name}.from-{offset}"), &tail)?;
        disk::cut(&mut file, offset, Step::ReplayCut, self.faults).map_err(fail)?;
        file.sync_all().map_err(fail)?;
        let n_bytes_cut = n_bytes - offset;
        tracing::warn!(
            path = %path.display(), offset, n_bytes_cut, reason, kept = %kept.display(),
            "cut the unfinished end of the log"
        );
        Ok(n_bytes_cut)
    }
}
