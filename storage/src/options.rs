//! What the engine may be told when it opens, with defaults and what each choice costs.

use crate::error::Error;
use crate::read_models::KeptServices;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, Clone)]
pub struct Options {
    /// Everything the engine keeps lies below this directory; it is locked while open.
    pub data_dir: PathBuf,
    /// Below this many free bytes on the data directory's disk nothing more is accepted, so that
    /// flushes, manifests and alert state still have room.
    pub disk_free_bytes_min: u64,
    pub wal: WalOptions,
    pub hot: HotOptions,
    pub retention: Retention,
    pub compaction: Compaction,
    pub query: QueryLimits,
    /// What is watched from the start; [`Engine::keep_services`](crate::Engine::keep_services) changes it.
    pub kept: KeptServices,
}

/// When a logged record counts as safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WalSync {
    /// Acknowledge after `fdatasync`: nothing acknowledged is lost, even by a power cut.
    Always,
    /// Acknowledge after `write`, sync on this timer: a power cut loses up to that much, a killed
    /// process nothing.
    Interval(Duration),
}

#[derive(Debug, Clone)]
pub struct WalOptions {
    pub sync: WalSync,
    /// A log file is closed at this size; smaller files free space sooner.
    pub file_bytes_max: u64,
    /// All log files together; at the bound `log` refuses until a flush freed some.
    pub bytes_max: u64,
    /// How long the first record of a group waits for company before the shared sync.
    pub commit_delay: Duration,
}

#[derive(Debug, Clone)]
pub struct HotOptions {
    /// Rows in memory are flushed at this size.
    pub bytes_soft: u64,
    /// At this size `log` refuses: flushing cannot keep up.
    pub bytes_hard: u64,
    /// Rows in memory are flushed at this age, however few.
    pub flush_interval: Duration,
}

/// How long segments live, counted from when their newest row was received. Merged segments hold rows that
/// were received within a 28th of it, so a row may live that much longer.
#[derive(Debug, Clone)]
pub struct Retention {
    pub traces: Duration,
    pub logs: Duration,
    pub metrics: Duration,
    pub read_models: ReadModelAges,
    /// Beyond it segments leave before their time.
    pub bytes_max: BytesMax,
}

/// How long rows of the read models live, by the width of their buckets. Coarser ones are smaller, and may
/// live longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadModelAges {
    pub ten_seconds: Duration,
    pub minute: Duration,
    /// Also those of a day, and which instances were seen.
    pub hour: Duration,
}

/// How many bytes of segments are kept of each; none means as many as age leaves. When there are more, those
/// received first go, whole. Rows in memory and in the log have bounds of their own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BytesMax {
    pub traces: Option<u64>,
    pub logs: Option<u64>,
    pub metrics: Option<u64>,
    /// Of all read models together; the finest leave first.
    pub read_models: Option<u64>,
}

/// When small segments become larger ones: a query pays for every segment it opens, a merge for every
/// byte it writes again.
#[derive(Debug, Clone)]
pub struct Compaction {
    /// Merge in the background as time passes. Without it only [`Engine::compact`](crate::Engine::compact)
    /// does.
    pub is_automatic: bool,
    /// Segments of about one size that are merged. Eight: each row is written again once for every
    /// eightfold of size.
    pub segments_min: usize,
    /// No merge makes a larger segment.
    pub segment_bytes_max: u64,
    pub segment_rows_max: u64,
}

#[derive(Debug, Clone)]
pub struct QueryLimits {
    /// Memory that all running queries share.
    pub memory_bytes: usize,
    /// Disk that all statements from outside share for what does not fit into memory, below the data
    /// directory; 0 to never write any.
    pub spill_bytes_max: u64,
    pub timeout: Duration,
    /// Rows of one JSON answer.
    pub rows_max: usize,
    pub concurrent_max: usize,
}

const MIB: u64 = 1 << 20;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Options {
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            disk_free_bytes_min: 256 * MIB,
            wal: WalOptions::default(),
            hot: HotOptions::default(),
            retention: Retention::default(),
            compaction: Compaction::default(),
            query: QueryLimits::default(),
            kept: KeptServices::new(),
        }
    }

    /// Refuses bounds that could never work together.
    pub(crate) fn validate(&self) -> Result<(), Error> {
        let refuse = |message: &str| Err(Error::BadOptions { message: message.to_owned() });
        if self.hot.bytes_soft == 0 || self.hot.bytes_soft > self.hot.bytes_hard {
            return refuse("hot.bytes_soft must be above 0 and at most hot.bytes_hard");
        }
        if self.wal.file_bytes_max == 0 || self.wal.file_bytes_max > self.wal.bytes_max {
            return refuse("wal.file_bytes_max must be above 0 and at most wal.bytes_max");
        }
        if self.compaction.segments_min < 2 {
            return refuse("compaction.segments_min must be at least 2");
        }
        if self.wal.sync == WalSync::Interval(Duration::ZERO) {
            return refuse("wal.sync interval must be above 0");
        }
        Ok(())
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new("firstfault-data")
    }
}

impl Default for WalOptions {
    fn default() -> Self {
        Self {
            sync: WalSync::Always,
            file_bytes_max: 64 * MIB,
            bytes_max: 2048 * MIB,
            commit_delay: Duration::from_millis(2),
        }
    }
}

impl Default for HotOptions {
    fn default() -> Self {
        Self { bytes_soft: 256 * MIB, bytes_hard: 512 * MIB, flush_interval: Duration::from_secs(60) }
    }
}

impl Default for Retention {
    fn default() -> Self {
        let bytes_max = BytesMax::default();
        let read_models = ReadModelAges::default();
        Self { traces: 7 * DAY, logs: 7 * DAY, metrics: 7 * DAY, read_models, bytes_max }
    }
}

impl Default for ReadModelAges {
    fn default() -> Self {
        Self { ten_seconds: 7 * DAY, minute: 40 * DAY, hour: 400 * DAY }
    }
}

impl Default for Compaction {
    fn default() -> Self {
        Self { is_automatic: true, segments_min: 8, segment_bytes_max: 128 * MIB, segment_rows_max: 4 << 20 }
    }
}

impl Default for QueryLimits {
    fn default() -> Self {
        Self {
            memory_bytes: 1 << 30,
            spill_bytes_max: 2048 * MIB,
            timeout: Duration::from_secs(30),
            rows_max: 10_000,
            concurrent_max: 8,
        }
    }
}
