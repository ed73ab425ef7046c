//! What the log's writer thread and the engine know together: closed files, failures, figures.

use super::sequences::SequenceSet;
use parking_lot::Mutex;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// A file that is written no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClosedFile {
    pub(crate) path: PathBuf,
    pub(crate) sequence_first: u64,
    pub(crate) sequence_last: u64,
    pub(crate) n_bytes: u64,
}

/// Shared by reference; every part is a figure of its own, so none waits for another.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    closed_files: Mutex<Vec<ClosedFile>>,
    /// Numbers whose [`crate::Logged`] was dropped without an insert.
    abandoned: Mutex<Vec<u64>>,
    failure: Mutex<Option<String>>,
    is_failed: AtomicBool,
    n_bytes: AtomicU64,
    disk_free_bytes: AtomicU64,
    n_fsyncs: AtomicU64,
    fsync_ns_last: AtomicU64,
    fsync_ns_max: AtomicU64,
}

impl Ledger {
    /// Starts from the files that a replay left.
    pub(super) fn new(closed_files: Vec<ClosedFile>) -> Self {
        let n_bytes = closed_files.iter().map(|file| file.n_bytes).sum();
        Self { closed_files: Mutex::new(closed_files), n_bytes: AtomicU64::new(n_bytes), ..Self::default() }
    }

    pub(crate) fn abandon(&self, sequence: u64) {
        self.abandoned.lock().push(sequence);
    }

    pub(crate) fn take_abandoned(&self) -> Vec<u64> {
        std::mem::take(&mut *self.abandoned.lock())
    }

    /// No record is acknowledged any more: what a failed sync left on disk is unknown, and asking
    /// again would only clear the kernel's memory of it.
    pub(crate) fn fail(&self, reason: String) {
        let mut failure = self.failure.lock();
        if failure.is_none() {
            tracing::error!(%reason, "log can no longer be written");
            *failure = Some(reason);
            self.is_failed.store(true, Ordering::Release);
        }
    }

    pub(crate) fn is_failed(&self) -> bool {
        self.is_failed.load(Ordering::Acquire)
    }

    pub(crate) fn failure(&self) -> Option<String> {
        self.failure.lock().clone()
    }

    pub(super) fn close_file(&self, file: ClosedFile) {
        self.closed_files.lock().push(file);
    }

    /// Closed files whose every number is covered; they leave the ledger.
    pub(super) fn take_covered(&self, covered: &SequenceSet) -> Vec<ClosedFile> {
        let is_covered =
            |file: &mut ClosedFile| covered.contains_range(file.sequence_first, file.sequence_last);
        self.closed_files.lock().extract_if(.., is_covered).collect()
    }

    /// Bytes of all log files.
    pub(crate) fn n_bytes(&self) -> u64 {
        self.n_bytes.load(Ordering::Relaxed)
    }

    pub(super) fn add_bytes(&self, n_bytes: u64) {
        self.n_bytes.fetch_add(n_bytes, Ordering::Relaxed);
    }

    pub(super) fn subtract_bytes(&self, n_bytes: u64) {
        self.n_bytes.fetch_sub(n_bytes, Ordering::Relaxed);
    }

    pub(crate) fn disk_free_bytes(&self) -> u64 {
        self.disk_free_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn set_disk_free_bytes(&self, n_bytes: u64) {
        self.disk_free_bytes.store(n_bytes, Ordering::Relaxed);
    }

    pub(super) fn count_fsync(&self, took: Duration) {
        let took_ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.n_fsyncs.fetch_add(1, Ordering::Relaxed);
        self.fsync_ns_last.store(took_ns, Ordering::Relaxed);
        self.fsync_ns_max.fetch_max(took_ns, Ordering::Relaxed);
    }

    /// Number of syncs, and how long the last and the longest took.
    pub(crate) fn fsyncs(&self) -> (u64, u64, u64) {
        let load = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
        (load(&self.n_fsyncs), load(&self.fsync_ns_last), load(&self.fsync_ns_max))
    }
}
