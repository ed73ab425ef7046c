//! Is every byte of a data directory as it was written?

use crate::engine::check_segment;
use crate::error::Error;
use crate::fs::{self, DirectoryLock};
use crate::manifest::Manifest;
use crate::receipts::Receipts;
use crate::segment::{self, SegmentMeta};
use crate::wal::{self, LogCheck, SequenceSet};
use std::path::{Path, PathBuf};

/// How far a long piece of work has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    pub n_bytes: u64,
    pub n_bytes_all: u64,
}

/// What was read, and what is wrong with it.
#[derive(Debug, Default)]
pub struct Verified {
    pub n_segments: u64,
    /// Segments of an older version, which have no checksums: their rows were decoded instead.
    pub n_segments_without_checksums: u64,
    pub n_segment_rows: u64,
    pub n_segment_bytes: u64,
    pub n_log_files: u64,
    pub n_log_records: u64,
    pub n_log_bytes: u64,
    /// Acknowledged records that neither the log nor a segment has.
    pub n_log_records_missing: u64,
    /// The newest log file, if the beginning of a record is at its end, and the bytes of that. A crash leaves it so, and
    /// then the record was not acknowledged; whether it was one, nothing here can tell. The next start puts it aside.
    pub log_unfinished: Option<(PathBuf, u64)>,
    /// Each says what to do about it.
    pub damage: Vec<Error>,
}

/// Reads everything that the manifest names and the log, and tells `progress`. Fails if the directory is
/// in use, or if it cannot be looked at; damage is no failure.
pub fn verify(data_dir: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Verified, Error> {
    fs::expect_data(data_dir)?;
    let _lock = DirectoryLock::acquire(data_dir)?;
    let mut verified = Verified::default();
    let manifest = match Manifest::load(data_dir) {
        Ok(manifest) => Some(manifest),
        Err(error @ Error::ManifestCorrupt { .. }) => {
            verified.damage.push(error);
            None
        }
        Err(error) => return Err(error),
    };
    let segments = manifest.as_ref().map_or(&[][..], |manifest| &manifest.segments);
    let (_, n_log_bytes) = wal::log_bytes(data_dir)?;
    let n_bytes_all = n_log_bytes + segments.iter().map(|segment| segment.n_bytes).sum::<u64>();
    let mut n_bytes = 0;
    let mut each = |n_more: u64| {
        n_bytes += n_more;
        progress(Progress { n_bytes, n_bytes_all });
    };
    for segment in segments {
        verified.segment(segment, data_dir, &mut each);
    }
    let log = wal::check(data_dir, &mut each)?;
    verified.log(log, manifest.as_ref());
    match Receipts::read(data_dir) {
        Err(error @ Error::ReceiptsDamaged { .. }) => verified.damage.push(error),
        read => drop(read?),
    }
    Ok(verified)
}

impl Verified {
    fn segment(&mut self, segment: &SegmentMeta, data_dir: &Path, each: &mut dyn FnMut(u64)) {
        self.n_segments += 1;
        self.n_segment_rows += segment.n_rows;
        self.n_segment_bytes += segment.n_bytes;
        self.n_segments_without_checksums += u64::from(segment.checksums_crc.is_none());
        let read = check_segment(data_dir, segment).and_then(|()| segment::prove(segment, data_dir, each));
        self.damage.extend(read.err());
    }

    fn log(&mut self, log: LogCheck, manifest: Option<&Manifest>) {
        self.n_log_files = log.n_files;
        self.n_log_records = log.n_records;
        self.n_log_bytes = log.n_bytes;
        self.log_unfinished = log.unfinished;
        // Numbers behind damage are not missing but unread.
        if let (Some(manifest), true) = (manifest, log.damage.is_empty()) {
            let mut known: SequenceSet = manifest.covered.clone();
            known.insert_all(&log.sequences);
            let gaps = known.gaps(1, known.max().unwrap_or(0));
            self.n_log_records_missing = gaps.into_iter().map(|(first, last)| last - first + 1).sum();
        }
        self.damage.extend(log.damage);
    }
}
