//! What the engine says about itself: cheap to take, for status pages and metrics.

use crate::ids::Signal;

/// One moment's figures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    pub n_segments: u64,
    pub segment_bytes: u64,
    pub wal_bytes: u64,
    /// Rows and the read model in memory, the part that is being flushed included.
    pub hot_bytes: u64,
    pub hot_rows: u64,
    /// Rows ever stored in this data directory, expired ones included.
    pub rows_ever: RowsEver,
    pub disk_free_bytes: u64,
    /// With fewer free bytes than this, nothing is accepted.
    pub disk_reserve_bytes: u64,
    pub n_fsyncs: u64,
    pub fsync_ns_last: u64,
    pub fsync_ns_max: u64,
    pub n_flushes: u64,
    pub n_flushes_failed: u64,
    /// Segments that left at the end of their time, and those that left before it to make room.
    pub n_segments_expired: u64,
    pub n_segments_displaced: u64,
    /// Merges, the segments that went into them, and merges that failed.
    pub n_merges: u64,
    pub n_segments_merged: u64,
    pub n_merges_failed: u64,
    /// Records whose request went away between log and insert, and were inserted from the log.
    pub n_records_adopted: u64,
    /// Records of the log that could not be decoded; their bytes are in the quarantine directory.
    pub n_records_undecodable: u64,
    /// Records that were missing in the log when it was opened: damaged, or in a file that is gone.
    pub n_records_missing: u64,
    /// Spans counted under an instance, version, operation or service `other`, because there were too many series.
    pub n_spans_red_overflow: u64,
    /// Items counted under the instance `other` because there were too many instances.
    pub n_items_seen_overflow: u64,
    /// The newest failure that still stands: a log that cannot be written, a flush that failed.
    pub last_error: Option<String>,
}

impl Stats {
    /// Is the reserve reached, so that requests are refused?
    pub fn is_disk_almost_full(&self) -> bool {
        self.disk_free_bytes < self.disk_reserve_bytes
    }
}

/// A count of rows per signal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RowsEver {
    pub traces: u64,
    pub logs: u64,
    pub metrics: u64,
}

impl RowsEver {
    pub fn of(&self, signal: Signal) -> u64 {
        match signal {
            Signal::Traces => self.traces,
            Signal::Logs => self.logs,
            Signal::Metrics => self.metrics,
        }
    }

    pub fn total(&self) -> u64 {
        self.traces + self.logs + self.metrics
    }

    pub(crate) fn add(&mut self, signal: Signal, n_rows: u64) {
        match signal {
            Signal::Traces => self.traces += n_rows,
            Signal::Logs => self.logs += n_rows,
            Signal::Metrics => self.metrics += n_rows,
        }
    }
}
