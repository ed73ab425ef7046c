//! The steps of the engine that touch the disk, so that tests can let each of them fail or be the
//! last one before a crash. Outside tests nothing fails that did not fail by itself.

use std::fmt::Debug;
use std::io;
use std::path::Path;

/// A moment just before something durable happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    WalCreate,
    WalWrite,
    WalSync,
    SegmentWrite,
    ChecksumsWrite,
    SegmentPublish,
    ManifestPublish,
    /// The manifest is durable, the engine has not acted on it yet.
    ManifestPublished,
    WalDelete,
    SegmentDelete,
}

/// Asked before every step; an error stands for the step's own failure.
pub(crate) trait Faults: Debug + Send + Sync {
    fn before(&self, step: Step) -> io::Result<()>;

    /// Sees that all bytes of a log file have become durable.
    fn log_synced(&self, _: &Path) {}

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
