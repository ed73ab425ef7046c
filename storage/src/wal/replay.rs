//! Brings a log directory back after a crash: which records are there, which still need rows.
//!
//! The newest file may end in a torn write, and is cut there; the cut bytes go to quarantine. What it
//! holds is made durable before a newer file exists: a process that was killed may have written it without
//! a sync. If whole records follow bytes that are none, that was no torn write: the records are replayed,
//! and the file is left for the engine to put aside. Damage in an older file stops the start, unless it is
//! to be repaired.

use super::files::{Bad, FileRead, LogFile, Reading, log_files};
use super::frame::Frame;
use super::ledger::ClosedFile;
use super::reader::{FileReader, Next};
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
    /// Files that must not stay, once their records are in segments.
    pub(crate) damaged: Vec<DamagedFile>,
    pub(crate) n_records: u64,
    /// Records that segments cover already.
    pub(crate) n_skipped: u64,
    pub(crate) n_bytes_cut: u64,
    /// All numbers seen in the files.
    pub(crate) sequences: SequenceSet,
}

/// A log file that has bytes which are no records.
#[derive(Debug)]
pub(crate) struct DamagedFile {
    pub(crate) path: PathBuf,
    /// Records that could be read.
    pub(crate) n_records: u64,
    /// First and last of the numbers that were in it, if they were anywhere.
    pub(crate) sequences: (u64, u64),
    pub(crate) bad: Bad,
}

/// Records that were looked for in the log.
#[derive(Debug, Default)]
pub(crate) struct FoundRecords {
    pub(crate) frames: Vec<Frame>,
    /// Places from which a file could not be read on: damage, or the end of the file that is being written.
    pub(crate) stopped_at: Vec<String>,
}

/// What becomes of damage in files that are not the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OldDamage {
    /// It is told, and nothing is changed.
    Refused,
    /// Records before and behind it are replayed, as those of the newest file are.
    Repaired,
}

/// What is replayed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Replay<'a> {
    pub(crate) data_dir: &'a Path,
    /// Numbers whose rows are in segments.
    pub(crate) covered: &'a SequenceSet,
    pub(crate) old_damage: OldDamage,
    pub(crate) faults: &'a dyn Faults,
}

/// Hands every record that is not covered to `each`, in order. The files it leaves are durable: the last
/// process may have been killed before its sync, and they are not the newest for long.
pub(crate) fn replay(
    what: Replay<'_>,
    mut each: impl FnMut(Frame) -> Result<(), Error>,
) -> Result<Replayed, Error> {
    let mut replayed = Replayed::default();
    for file in log_files(what.data_dir)? {
        let read = what.read(&file, &mut replayed, &mut each)?;
        what.finish(file, read, &mut replayed)?;
    }
    Ok(replayed)
}

/// Reads the records of these numbers back, wherever they are. Files may be gone or still growing.
pub(crate) fn find_records(data_dir: &Path, wanted: &SequenceSet) -> Result<FoundRecords, Error> {
    let mut found = FoundRecords::default();
    for file in log_files(data_dir)? {
        let Some(sequence_named) = file.sequence_named else { continue };
        let mut reader = match FileReader::open(&file.path, sequence_named) {
            Ok(reader) => reader,
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
                    found.stop_at(&file.path, offset, &reason);
                    break;
                }
            }
        }
    }
    Ok(found)
}

impl FoundRecords {
    fn stop_at(&mut self, path: &Path, offset: u64, reason: &str) {
        let path = path.display();
        self.stopped_at.push(format!("log file {path} cannot be read from byte {offset} on: {reason}"));
    }
}

impl Replay<'_> {
    fn read(
        &self,
        file: &LogFile,
        replayed: &mut Replayed,
        each: &mut impl FnMut(Frame) -> Result<(), Error>,
    ) -> Result<FileRead, Error> {
        let is_salvaging = file.is_newest || self.old_damage == OldDamage::Repaired;
        let reading = Reading { older_max: replayed.sequences.max(), is_salvaging };
        file.read(reading, |frame, _| {
            replayed.sequences.insert(frame.sequence);
            if self.covered.contains(frame.sequence) {
                replayed.n_skipped += 1;
                return Ok(());
            }
            replayed.n_records += 1;
            each(frame)
        })
    }

    /// Leaves a file so that it need not be the newest.
    fn finish(&self, file: LogFile, read: FileRead, replayed: &mut Replayed) -> Result<(), Error> {
        let FileRead { sequence_first, sequence_next, n_bytes_read, bad, .. } = read;
        match bad {
            Some(bad) if file.is_newest && !bad.is_inside => {
                replayed.n_bytes_cut += bad.n_bytes;
                self.cut(&file.path, &bad)?;
            }
            Some(bad) if file.is_newest || self.old_damage == OldDamage::Repaired => {
                let sequence_last = file.sequence_of_next.unwrap_or(sequence_next).saturating_sub(1);
                let (path, n_records, sequences) =
                    (file.path, read.n_records, (sequence_first, sequence_last));
                replayed.damaged.push(DamagedFile { path, n_records, sequences, bad });
                return Ok(());
            }
            Some(bad) => return Err(file.damaged(bad)),
            None => {}
        }
        if read.n_records == 0 {
            return disk::remove(&file.path, Step::WalDelete, self.faults);
        }
        self.make_durable(&file)?;
        let (path, n_bytes, sequence_last) = (file.path, n_bytes_read, sequence_next - 1);
        replayed.files.push(ClosedFile { path, sequence_first, sequence_last, n_bytes });
        Ok(())
    }

    /// The newest file is written once more: a sync alone does not mend one that failed in the process
    /// before, which leaves pages that the kernel takes for written. Rows that are shown from now on are
    /// then as durable as if this process had logged them. An older file was durable before there was a
    /// newer one, unless somebody has copied it here.
    fn make_durable(&self, file: &LogFile) -> Result<(), Error> {
        let path = &file.path;
        let made = match file.is_newest {
            true => disk::renew(path, Step::ReplayRenew, self.faults),
            false => {
                File::open(path).and_then(|opened| disk::sync(&opened, path, Step::ReplaySync, self.faults))
            }
        };
        made.map_err(|source| Error::io("make durable", path, source))
    }

    /// Cuts a file where it cannot be read on, after the bytes behind it are safe elsewhere.
    fn cut(&self, path: &Path, bad: &Bad) -> Result<(), Error> {
        let Bad { offset, reason, n_bytes, .. } = bad;
        let fail = |source| Error::io("cut", path, source);
        let mut file = OpenOptions::new().read(true).write(true).open(path).map_err(fail)?;
        let mut tail = Vec::new();
        file.seek(SeekFrom::Start(*offset)).map_err(fail)?;
        file.read_to_end(&mut tail).map_err(fail)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let kept = fs::quarantine(self.data_dir, &format!("{name}.from-{offset}"), &tail)?;
        disk::cut(&mut file, *offset, Step::ReplayCut, self.faults).map_err(fail)?;
        file.sync_all().map_err(fail)?;
        tracing::warn!(
            path = %path.display(), offset, n_bytes_cut = n_bytes, reason, kept = %kept.display(),
            "cut the unfinished end of the log"
        );
        Ok(())
    }
}
