//! Which segments are too old to keep.
//!
//! Age counts from when a segment's newest row was received, so that rows which arrive with old times
//! of their own live as long as any other. Segments go whole.

use crate::ids::Table;
use crate::options::Retention;
use crate::segment::SegmentMeta;
use std::sync::Arc;
use std::time::Duration;

impl Retention {
    /// How long rows of a table are kept.
    pub(crate) fn of(&self, table: Table) -> Duration {
        match table {
            Table::Spans => self.traces,
            Table::Logs => self.logs,
            Table::MetricPoints => self.metrics,
            Table::Red => self.read_models,
        }
    }

    /// Has the segment outlived its table's retention at `now` (unix nanos)?
    pub(crate) fn is_expired(&self, segment: &SegmentMeta, now: i64) -> bool {
        let keep_ns = i64::try_from(self.of(segment.table).as_nanos()).unwrap_or(i64::MAX);
        now.saturating_sub(segment.received_max) > keep_ns
    }
}

/// Divides segments into those that live on and those that have expired.
pub(crate) fn divide(
    segments: &[Arc<SegmentMeta>],
    retention: &Retention,
    now: i64,
) -> (Vec<Arc<SegmentMeta>>, Vec<Arc<SegmentMeta>>) {
    segments.iter().cloned().partition(|segment| !retention.is_expired(segment, now))
}
