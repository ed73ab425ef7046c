//! A segment's file read by the engine itself, checked as queries' reads are.

use super::checked::Damage;
use super::checksums::{BLOCK_BYTES, Checksums};
use super::meta::SegmentMeta;
use crate::error::Error;
use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// An open segment; clones read the same file.
#[derive(Debug, Clone)]
pub(super) struct CheckedFile {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    file: File,
    n_bytes: u64,
    checksums: Option<Checksums>,
    damage: OnceLock<Damage>,
}

/// Reads on from a place, a block at a time.
#[derive(Debug)]
pub(super) struct BlockReader {
    file: CheckedFile,
    at: u64,
    /// What is left of the block read last.
    ready: Bytes,
}

impl CheckedFile {
    pub(super) fn open(segment: &SegmentMeta, data_dir: &Path) -> Result<Self, Error> {
        let path = segment.file_path(data_dir);
        let mut checksums = None;
        if let (Some(file), Some(crc)) = (segment.checksums_file_path(data_dir), segment.checksums_crc) {
            let damaged = |place: &str| Error::SegmentDamaged { path: path.clone(), place: place.to_owned() };
            let bytes = std::fs::read(&file).map_err(|source| match source.kind() {
                io::ErrorKind::NotFound => damaged("because its checksum file is not there"),
                _ => Error::io("read", &file, source),
            })?;
            let decoded = Checksums::decode(&bytes, segment.n_bytes, crc);
            checksums = Some(decoded.ok_or_else(|| damaged("in its checksum file"))?);
        }
        let file = File::open(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => Error::SegmentMissing { path: path.clone() },
            _ => Error::io("read", &path, source),
        })?;
        let (n_bytes, damage) = (segment.n_bytes, OnceLock::new());
        Ok(Self { inner: Arc::new(Inner { path, file, n_bytes, checksums, damage }) })
    }

    /// The damage that made a read fail. Layers between keep no more of an error than its text.
    pub(super) fn damage(&self) -> Option<Damage> {
        self.inner.damage.get().cloned()
    }

    fn read(&self, range: Range<u64>) -> Result<Bytes, ParquetError> {
        let Inner { file, n_bytes, checksums, .. } = &*self.inner;
        if range.end > *n_bytes || range.start > range.end {
            return Err(self.damaged(format!("at byte {}: it refers beyond its end", range.start)));
        }
        let start = range.start / BLOCK_BYTES * BLOCK_BYTES;
        let end = range.end.next_multiple_of(BLOCK_BYTES).min(*n_bytes);
        let mut bytes = vec![0; (end - start) as usize];
        match file.read_exact_at(&mut bytes, start) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(self.damaged("at its end, which is cut off".to_owned()));
            }
            Err(error) => return Err(self.damaged(format!("at byte {start}, where reading fails ({error})"))),
            Ok(()) => {}
        }
        if let Some(checksums) = checksums {
            let checked = checksums.check(start, &bytes);
            checked.map_err(|offset| self.damaged(format!("at byte {offset}")))?;
        }
        let from = (range.start - start) as usize;
        Ok(Bytes::from(bytes).slice(from..from + (range.end - range.start) as usize))
    }

    fn damaged(&self, place: String) -> ParquetError {
        let damage = Damage { path: self.inner.path.clone(), place };
        ParquetError::External(Box::new(self.inner.damage.get_or_init(|| damage).clone()))
    }
}

impl Length for CheckedFile {
    fn len(&self) -> u64 {
        self.inner.n_bytes
    }
}

impl ChunkReader for CheckedFile {
    type T = BlockReader;

    fn get_read(&self, start: u64) -> Result<BlockReader, ParquetError> {
        Ok(BlockReader { file: self.clone(), at: start, ready: Bytes::new() })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        self.read(start..start.saturating_add(length as u64))
    }
}

impl Read for BlockReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.ready.is_empty() && self.at < self.file.inner.n_bytes {
            let end = (self.at + 1).next_multiple_of(BLOCK_BYTES).min(self.file.inner.n_bytes);
            self.ready = self.file.read(self.at..end).map_err(io::Error::other)?;
            self.at = end;
        }
        let n_bytes = out.len().min(self.ready.len());
        out[..n_bytes].copy_from_slice(&self.ready.split_to(n_bytes));
        Ok(n_bytes)
    }
}
