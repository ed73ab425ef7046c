//! The steps of the engine that touch the disk, so that tests can let each of them fail, stop half-way or
//! be the last one before a crash. Outside tests nothing fails that did not fail by itself.

use std::fmt::Debug;
use std::io;
use std::path::Path;

/// A moment just before something durable happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    WalCreate,
    /// The directory with the name of a new log file.
    WalNameSync,
    WalWrite,
    WalSync,
    /// What a failed write left is cut off.
    WalUndo,
    WalDelete,
    /// The unfinished end of the newest log file is cut off, at the start.
    ReplayCut,
    /// The newest log file is written again and synced, at the start.
    ReplayRenew,
    /// An older log file is synced, at the start.
    ReplaySync,
    SegmentWrite,
    SegmentSync,
    ChecksumsWrite,
    ChecksumsSync,
    SegmentPublish,
    /// The directory with the names of a new segment.
    SegmentNameSync,
    SegmentDelete,
    ReceiptsWrite,
    ReceiptsSync,
    ReceiptsPublish,
    /// The directory with the name of the receipts.
    ReceiptsNameSync,
    /// A file that no manifest names goes, at the start.
    OrphanDelete,
    ManifestWrite,
    ManifestSync,
    ManifestPublish,
    /// The directory with the name of the new version.
    ManifestNameSync,
    /// The manifest is durable, the engine has not acted on it yet.
    ManifestPublished,
    ManifestDelete,
}

/// What has become of a file or a directory. Who knows all of them knows what a power cut may take.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(not(test), expect(dead_code, reason = "only tests need to know"))]
pub(crate) enum Change<'a> {
    /// A new file has this name, perhaps in the place of another.
    Created(&'a Path),
    /// A second name for the same file.
    Linked {
        from: &'a Path,
        to: &'a Path,
    },
    Renamed {
        from: &'a Path,
        to: &'a Path,
    },
    Removed(&'a Path),
    /// All bytes of the file are durable.
    Synced(&'a Path),
    /// Bytes that were not durable may never become so: the kernel forgets them with the error.
    SyncFailed(&'a Path),
    /// All bytes of the file were written once more, and are durable.
    Renewed(&'a Path),
    /// All names in the directory are durable.
    NamesSynced(&'a Path),
}

/// Asked before every step; an error stands for the step's own failure.
pub(crate) trait Faults: Debug + Send + Sync {
    fn before(&self, step: Step) -> io::Result<()>;

    /// How many of `n_bytes` get into the file and what the writer is told then; none if all of them do.
    fn short_write(&self, _step: Step, _n_bytes: usize) -> Option<(usize, io::Error)> {
        None
    }

    /// Told of what a step has changed.
    fn after(&self, _change: Change<'_>) {}

    /// Sees the free bytes of the disk, and may say otherwise.
    fn free_bytes(&self, n_bytes: u64) -> u64 {
        n_bytes
    }
}

/// The real world.
#[derive(Debug)]
pub(crate) struct NoFaults;

impl Faults for NoFaults {
    fn before(&self, _: Step) -> io::Result<()> {
        Ok(())
    }
}
