//! Where statements put the rows that memory does not hold: sorts and groups, in files that live as long as
//! the statement.
//!
//! The folder has a bound, and whatever it holds, the disk keeps twice the reserve free: it is never a
//! statement that makes the log refuse requests. Nothing here has to be durable, so nothing is synced; a start
//! removes what a killed process left.

use crate::error::{Error, show_bytes};
use crate::fs;
use bytes::Bytes;
use datafusion::common::DataFusionError;
use datafusion::execution::{SpillFile, SpillWriter, TempFileFactory};
use futures::stream::{self, Stream, StreamExt};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Files of one merge that are open at once, each with a batch in memory and a descriptor that connections could
/// use. Runs have megabytes, so that more than these, and another pass, are rare.
pub(super) const FILES_OPEN_MAX: usize = 16;
/// Bytes that a file asks of the folder at a time, so that the disk is not asked about each write.
const GRANT_BYTES: u64 = 1 << 20;
/// Bytes read at a time; up to `FILES_OPEN_MAX` such pieces are held by one merge.
const READ_BYTES: usize = 128 << 10;

/// Why no more could be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoRoom {
    #[error("query needed more than the {} of disk that all statements share, and was stopped", show_bytes(*.bytes_max))]
    Bound { bytes_max: u64 },
    #[error("query needed the disk, which is almost full, and was stopped")]
    Disk,
}

impl NoRoom {
    /// Finds it below an error of DataFusion's.
    pub(super) fn beneath(error: &(dyn std::error::Error + 'static)) -> Option<Self> {
        let mut causes = std::iter::successors(Some(error), |cause| cause.source());
        causes.find_map(|cause| {
            // An `io::Error` names as its source that of what it wraps.
            let wrapped = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            let wrapped = wrapped.and_then(|wrapped| wrapped.downcast_ref::<Self>());
            wrapped.or_else(|| cause.downcast_ref::<Self>()).cloned()
        })
    }
}

/// The files of all statements.
#[derive(Debug, Clone)]
pub(super) struct SpillFolder {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    directory: PathBuf,
    bytes_max: u64,
    /// Free bytes that the disk keeps.
    disk_free_bytes_min: u64,
    /// Granted to files that exist.
    n_bytes: AtomicU64,
    number_next: AtomicU64,
}

impl SpillFolder {
    /// Removes what is left of an earlier process. The folder itself is made with its first file, so that a full
    /// disk does not keep anything from starting.
    pub(super) fn open(data_dir: &Path, bytes_max: u64, disk_reserve_bytes: u64) -> Result<Self, Error> {
        let directory = fs::spill_dir(data_dir);
        match std::fs::remove_dir_all(&directory) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(Error::io("remove", &directory, source));
            }
            _ => {}
        }
        let disk_free_bytes_min = disk_reserve_bytes.saturating_mul(2);
        let (n_bytes, number_next) = (AtomicU64::new(0), AtomicU64::new(0));
        let shared = Shared { directory, bytes_max, disk_free_bytes_min, n_bytes, number_next };
        Ok(Self { shared: Arc::new(shared) })
    }
}

impl TempFileFactory for SpillFolder {
    fn create_temp_file(&self, _: &str) -> Result<Arc<dyn SpillFile>, DataFusionError> {
        std::fs::create_dir_all(&self.shared.directory).map_err(told)?;
        let number = self.shared.number_next.fetch_add(1, Ordering::Relaxed);
        let path = self.shared.directory.join(format!("{number}.arrow"));
        let file = OneFile { path, n_bytes: AtomicU64::new(0), folder: Arc::clone(&self.shared) };
        Ok(Arc::new(Spilled { file: Arc::new(file) }))
    }
}

impl Shared {
    /// Another grant for a file, unless the folder or the disk is full.
    fn grant(&self) -> Result<(), NoRoom> {
        let n_bytes = self.n_bytes.fetch_add(GRANT_BYTES, Ordering::Relaxed) + GRANT_BYTES;
        let room = if n_bytes > self.bytes_max {
            Err(NoRoom::Bound { bytes_max: self.bytes_max })
        } else if fs::free_bytes(&self.directory)
            .is_ok_and(|free| free < self.disk_free_bytes_min.saturating_add(GRANT_BYTES))
        {
            Err(NoRoom::Disk)
        } else {
            Ok(())
        };
        if room.is_err() {
            self.release(GRANT_BYTES);
        }
        room
    }

    fn release(&self, n_bytes: u64) {
        self.n_bytes.fetch_sub(n_bytes, Ordering::Relaxed);
    }
}

/// A file, there until nobody needs it.
struct Spilled {
    file: Arc<OneFile>,
}

struct OneFile {
    path: PathBuf,
    /// Granted to it.
    n_bytes: AtomicU64,
    folder: Arc<Shared>,
}

impl Drop for OneFile {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(error = error.chain(), "cannot remove what a statement spilled");
        }
        self.folder.release(*self.n_bytes.get_mut());
    }
}

impl SpillFile for Spilled {
    fn size(&self) -> Option<u64> {
        std::fs::metadata(&self.file.path).ok().map(|metadata| metadata.len())
    }

    fn read_stream(
        &self,
    ) -> Result<Pin<Box<dyn Stream<Item = Result<Bytes, DataFusionError>> + Send>>, DataFusionError> {
        let reading = Reading { spilled: Arc::clone(&self.file), file: None };
        let pieces = stream::try_unfold(reading, |reading| async move {
            let read = tokio::task::spawn_blocking(move || reading.next());
            read.await.map_err(|error| DataFusionError::External(Box::new(error)))?.map_err(told)
        });
        Ok(pieces.boxed())
    }

    fn open_writer(&self) -> Result<Box<dyn SpillWriter>, DataFusionError> {
        let file = File::options().append(true).create(true).open(&self.file.path).map_err(told)?;
        Ok(Box::new(Writing { spilled: Arc::clone(&self.file), file, n_bytes_granted: 0 }))
    }
}

struct Reading {
    spilled: Arc<OneFile>,
    /// None before the first piece.
    file: Option<File>,
}

impl Reading {
    fn next(mut self) -> io::Result<Option<(Bytes, Self)>> {
        let mut file = match self.file.take() {
            Some(file) => file,
            None => File::open(&self.spilled.path)?,
        };
        let mut piece = vec![0; READ_BYTES];
        let n_bytes = file.read(&mut piece)?;
        piece.truncate(n_bytes);
        self.file = Some(file);
        Ok((n_bytes > 0).then(|| (Bytes::from(piece), self)))
    }
}

struct Writing {
    spilled: Arc<OneFile>,
    file: File,
    /// What may still be written before the folder is asked again.
    n_bytes_granted: u64,
}

impl Write for Writing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n_bytes = bytes.len() as u64;
        while self.n_bytes_granted < n_bytes {
            self.spilled.folder.grant().map_err(io::Error::other)?;
            self.spilled.n_bytes.fetch_add(GRANT_BYTES, Ordering::Relaxed);
            self.n_bytes_granted += GRANT_BYTES;
        }
        self.file.write_all(bytes).map_err(full)?;
        self.n_bytes_granted -= n_bytes;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl SpillWriter for Writing {
    fn finish(&mut self) -> Result<(), DataFusionError> {
        Ok(())
    }
}

impl Drop for Writing {
    /// What it was granted and did not need is for others.
    fn drop(&mut self) {
        self.spilled.n_bytes.fetch_sub(self.n_bytes_granted, Ordering::Relaxed);
        self.spilled.folder.release(self.n_bytes_granted);
    }
}

fn told(error: io::Error) -> DataFusionError {
    DataFusionError::IoError(full(error))
}

/// A disk that is full, or a user's share of it, is a limit like ours.
fn full(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => io::Error::other(NoRoom::Disk),
        _ => error,
    }
}
