//! Receipts: what the caller wants to be told again of records whose rows are in segments.
//!
//! A record that is still in the log is handed to the caller's decode at the next start. One that is not would be
//! forgotten, if the caller had not left a receipt with its rows. A flush writes the newest receipts before it
//! publishes the manifest that covers their records, so that each of those is told of in one of the two ways.
//! What a receipt says is the caller's own; `docs/formats/receipts.md` holds the file.
//!
//! ```text
//!  0  magic "FFRCP\0"        6
//!  6  format version         u16
//!  8  each receipt:
//!       number of the record u64
//!       length               u32   bytes
//!       receipt
//!     CRC32C of all before   u32
//! ```
//! Integers are little-endian.

use crate::disk;
use crate::error::Error;
use crate::faults::{Faults, Step};
use crate::fs;
use crate::wal::SequenceSet;
use bytes::Bytes;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Receipts kept, the newest ones.
const RECEIPTS_MAX: usize = 1 << 16;
/// Bytes that they may have together.
const RECEIPT_BYTES_MAX: usize = 24 << 20;
const MAGIC: &[u8; 6] = b"FFRCP\0";
const VERSION: u16 = 1;
/// Bytes of a number and a length.
const HEAD_BYTES: usize = 12;
/// No longer file is one of ours: magic, version and checksum, and as many receipts as are kept.
const FILE_BYTES_MAX: usize = 12 + RECEIPTS_MAX * HEAD_BYTES + RECEIPT_BYTES_MAX;

/// The newest receipts with the numbers of their records, oldest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Receipts {
    queue: VecDeque<(u64, Bytes)>,
    n_bytes: usize,
}

impl Receipts {
    /// The receipts of a data directory whose records are `covered`. Those of others are told of by the log, or are
    /// gone with their records: their numbers may be given again, so they do not stay in the file either.
    pub(crate) fn load(data_dir: &Path, covered: &SequenceSet, faults: &dyn Faults) -> Result<Self, Error> {
        let all = match Self::read(data_dir) {
            Ok(all) => all,
            Err(error @ Error::ReceiptsDamaged { .. }) => {
                tracing::error!(error = error.chain(), "going on without receipts");
                return Ok(Self::default());
            }
            Err(error) => return Err(error),
        };
        let mut kept = Self::default();
        for (sequence, receipt) in all.queue.iter().filter(|(sequence, _)| covered.contains(*sequence)) {
            kept.push(*sequence, receipt.clone());
        }
        if kept.queue.len() < all.queue.len() {
            kept.write(data_dir, faults)?;
        }
        Ok(kept)
    }

    /// All receipts of a data directory, as they were written.
    pub(crate) fn read(data_dir: &Path) -> Result<Self, Error> {
        let path = path_in(data_dir);
        match read(&path) {
            Ok(Some(file)) => Self::decode(&file).ok_or(Error::ReceiptsDamaged { path }),
            Ok(None) => Ok(Self::default()),
            Err(source) => Err(Error::io("read", &path, source)),
        }
    }

    /// Makes these the receipts of a data directory, durably.
    pub(crate) fn write(&self, data_dir: &Path, faults: &dyn Faults) -> Result<(), Error> {
        let (path, directory) = (path_in(data_dir), fs::receipts_dir(data_dir));
        let unfinished = path.with_extension("new");
        // What an attempt that failed has left.
        disk::remove(&unfinished, Step::ReceiptsWrite, faults)?;
        let write = || {
            let mut file = disk::create_new(&unfinished, Step::ReceiptsWrite, faults)?;
            disk::write(&mut file, &self.encode(), Step::ReceiptsWrite, faults)?;
            disk::sync(&file, &unfinished, Step::ReceiptsSync, faults)?;
            disk::rename(&unfinished, &path, Step::ReceiptsPublish, faults)?;
            disk::sync_names(&directory, Step::ReceiptsNameSync, faults)
        };
        write().map_err(|source| Error::io("write", &path, source))
    }

    /// Adds the newest one; the oldest give way to it.
    pub(crate) fn push(&mut self, sequence: u64, receipt: Bytes) {
        self.n_bytes += receipt.len();
        self.queue.push_back((sequence, receipt));
        while self.queue.len() > RECEIPTS_MAX || self.n_bytes > RECEIPT_BYTES_MAX {
            let Some((_, oldest)) = self.queue.pop_front() else { break };
            self.n_bytes -= oldest.len();
        }
    }

    /// These and newer ones.
    pub(crate) fn followed_by(&self, newer: &Self) -> Self {
        let mut all = self.clone();
        for (sequence, receipt) in &newer.queue {
            all.push(*sequence, receipt.clone());
        }
        all
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// What they say, oldest first.
    pub(crate) fn said(&self) -> Vec<Bytes> {
        self.queue.iter().map(|(_, receipt)| receipt.clone()).collect()
    }

    fn encode(&self) -> Vec<u8> {
        let mut file = Vec::with_capacity(MAGIC.len() + 6 + self.queue.len() * HEAD_BYTES + self.n_bytes);
        file.extend_from_slice(MAGIC);
        file.extend_from_slice(&VERSION.to_le_bytes());
        for (sequence, receipt) in &self.queue {
            file.extend_from_slice(&sequence.to_le_bytes());
            // All together are far below 4 GiB.
            file.extend_from_slice(&(receipt.len() as u32).to_le_bytes());
            file.extend_from_slice(receipt);
        }
        let crc = crc32c::crc32c(&file);
        file.extend_from_slice(&crc.to_le_bytes());
        file
    }

    /// Nothing if the file is not exactly as it was written.
    fn decode(file: &[u8]) -> Option<Self> {
        let (summed, crc) = file.split_last_chunk::<4>()?;
        let mut rest = summed.strip_prefix(MAGIC)?.strip_prefix(&VERSION.to_le_bytes())?;
        if u32::from_le_bytes(*crc) != crc32c::crc32c(summed) {
            return None;
        }
        let mut receipts = Self::default();
        while !rest.is_empty() {
            let (sequence, behind) = rest.split_first_chunk::<8>()?;
            let (length, behind) = behind.split_first_chunk::<4>()?;
            let (receipt, behind) = behind.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            receipts.push(u64::from_le_bytes(*sequence), Bytes::copy_from_slice(receipt));
            rest = behind;
        }
        Some(receipts)
    }
}

/// The file, but for what is beyond the length of any of ours; nothing if there is none.
fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

fn path_in(data_dir: &Path) -> PathBuf {
    fs::receipts_dir(data_dir).join("newest.receipts")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::NoFaults;

    fn receipts(sequences: std::ops::RangeInclusive<u64>) -> Receipts {
        let mut receipts = Receipts::default();
        sequences.for_each(|sequence| receipts.push(sequence, Bytes::from(format!("of {sequence}"))));
        receipts
    }

    /// Scenario: receipts of three records are written, of which segments have the first two; then segments have the
    /// third number, too.
    /// Guarantees: the first two are read back in order; the third stays forgotten, whoever has its number now.
    #[test]
    fn only_receipts_of_covered_records_are_read() {
        let dir = tempfile::tempdir().expect("temporary directory");
        fs::create_layout(dir.path()).expect("layout");
        let load = |last| {
            let covered = SequenceSet::from_ranges([(1, last)]);
            Receipts::load(dir.path(), &covered, &NoFaults).expect("reads").said()
        };
        assert_eq!(load(3), Vec::<Bytes>::new(), "there is no file yet");
        receipts(1..=3).write(dir.path(), &NoFaults).expect("writes");
        assert_eq!(load(2), ["of 1", "of 2"]);
        assert_eq!(load(3), ["of 1", "of 2"]);
    }

    /// Scenario: the file is cut at every byte, and each of its bytes is changed.
    /// Guarantees: nothing is read from it, and nothing fails.
    #[test]
    fn damaged_files_say_nothing() {
        let file = receipts(1..=3).encode();
        assert_eq!(Receipts::decode(&file).expect("whole").said(), ["of 1", "of 2", "of 3"]);
        for at in 0..file.len() {
            assert!(Receipts::decode(&file[..at]).is_none(), "cut at {at}");
            let mut changed = file.clone();
            changed[at] ^= 1;
            assert!(Receipts::decode(&changed).is_none(), "changed at {at}");
        }
    }

    /// Scenario: more receipts than are kept, then a few that are as long as all may be together.
    /// Guarantees: the newest are kept within both bounds, and their file is within its own.
    #[test]
    fn the_oldest_give_way() {
        let mut kept = receipts(1..=RECEIPTS_MAX as u64).followed_by(&receipts(1_000_000..=1_000_001));
        assert_eq!(kept.queue.len(), RECEIPTS_MAX);
        assert_eq!(kept.said()[0], "of 3");
        assert_eq!(kept.said()[RECEIPTS_MAX - 1], "of 1000001");
        for sequence in 1..=3 {
            kept.push(sequence, Bytes::from(vec![0; RECEIPT_BYTES_MAX / 2]));
        }
        assert_eq!((kept.queue.len(), kept.n_bytes), (2, RECEIPT_BYTES_MAX));
        assert!(kept.encode().len() <= FILE_BYTES_MAX);
        kept.push(4, Bytes::from(vec![0; RECEIPT_BYTES_MAX + 1]));
        assert_eq!((kept.queue.len(), kept.n_bytes), (0, 0), "one that is too long takes no place");
    }
}
