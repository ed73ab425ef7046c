//! Which segments leave, because they are too old or because there are too many bytes of their table.
//!
//! Age counts from when a segment's newest row was received, so that rows which arrive with old times
//! of their own live as long as any other. Room is made by those received first. Segments go whole.

use crate::ids::{Signal, Table};
use crate::options::Retention;
use crate::read_models::Resolution;
use crate::segment::SegmentMeta;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

type Segments = Vec<Arc<SegmentMeta>>;

/// What becomes of segments.
#[derive(Debug, Default)]
pub(crate) struct Divided {
    pub(crate) live: Segments,
    /// Those that have outlived their time.
    pub(crate) expired: Segments,
    /// Those that make room for newer ones.
    pub(crate) displaced: Segments,
}

impl Retention {
    /// How long rows of a table are kept.
    pub(crate) fn of(&self, table: Table) -> Duration {
        let ages = &self.read_models;
        match table {
            Table::Spans => self.traces,
            Table::Logs => self.logs,
            Table::MetricPoints => self.metrics,
            Table::ServiceSeen => ages.hour,
            Table::Red(resolution) | Table::ServiceRed(resolution) | Table::EdgeRed(resolution) => {
                match resolution {
                    Resolution::TenSeconds => ages.ten_seconds,
                    Resolution::Minute => ages.minute,
                    Resolution::Hour | Resolution::Day => ages.hour,
                }
            }
        }
    }

    /// How many bytes of segments of a signal are kept, or of the read models, if that is bounded.
    fn bytes_max_of(&self, signal: Option<Signal>) -> Option<u64> {
        match signal {
            Some(Signal::Traces) => self.bytes_max.traces,
            Some(Signal::Logs) => self.bytes_max.logs,
            Some(Signal::Metrics) => self.bytes_max.metrics,
            None => self.bytes_max.read_models,
        }
    }

    /// Have rows of a table, the newest of which was received then, outlived its retention at `now` (unix nanos)?
    pub(crate) fn is_over(&self, table: Table, received_max: i64, now: i64) -> bool {
        let keep_ns = i64::try_from(self.of(table).as_nanos()).unwrap_or(i64::MAX);
        now.saturating_sub(received_max) > keep_ns
    }
}

/// Divides segments into those that live on and those that leave at `now` (unix nanos).
pub(crate) fn divide(segments: &[Arc<SegmentMeta>], retention: &Retention, now: i64) -> Divided {
    let (young, expired): (Segments, Segments) = segments
        .iter()
        .cloned()
        .partition(|segment| !retention.is_over(segment.table, segment.received_max, now));
    let shares = Signal::ALL.into_iter().map(Some).chain([None]);
    let surplus: HashSet<u64> = shares.flat_map(|signal| surplus(&young, signal, retention)).collect();
    let (displaced, live) = young.into_iter().partition(|segment| surplus.contains(&segment.id));
    Divided { live, expired, displaced }
}

/// Numbers of the segments of a signal, or of the read models, beginning with the first received, without which the
/// others fit. Of read models the finest begin: what they say is said again by the coarser.
fn surplus(segments: &[Arc<SegmentMeta>], signal: Option<Signal>, retention: &Retention) -> Vec<u64> {
    let Some(bytes_max) = retention.bytes_max_of(signal) else { return Vec::new() };
    let mut own: Vec<&Arc<SegmentMeta>> =
        segments.iter().filter(|segment| segment.table.signal() == signal).collect();
    own.sort_by_key(|segment| (segment.table.resolution(), segment.received_max, segment.id));
    let mut n_bytes: u64 = own.iter().map(|segment| segment.n_bytes).sum();
    let leaves = own.into_iter().take_while(|segment| {
        let is_surplus = n_bytes > bytes_max;
        n_bytes -= segment.n_bytes;
        is_surplus
    });
    leaves.map(|segment| segment.id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::BytesMax;

    fn segment(id: u64, table: Table, n_bytes: u64, received_max: i64) -> Arc<SegmentMeta> {
        Arc::new(SegmentMeta {
            id,
            table,
            path: SegmentMeta::object_path(table, id),
            n_rows: 1,
            n_bytes,
            time_min: 0,
            time_max: 0,
            received_max,
            checksums_crc: None,
        })
    }

    /// Scenario: segments of two tables, received in another order than they are numbered, with bounds by
    /// bytes from none to less than one segment has, and one that is too old anyway.
    /// Guarantees: those received first leave until the rest fits; what age took makes room too; a table
    /// without a bound is left alone.
    #[test]
    fn those_received_first_make_room() {
        let second = 1_000_000_000;
        let segments = [
            segment(1, Table::Spans, 40, 3 * second),
            segment(2, Table::Spans, 30, 2 * second),
            segment(3, Table::Spans, 20, 4 * second),
            segment(4, Table::Spans, 900, 0),
            segment(5, Table::Logs, 500, 2 * second),
        ];
        let ids = |segments: &Segments| segments.iter().map(|segment| segment.id).collect::<Vec<_>>();
        let check = |traces: Option<u64>, live: &[u64], displaced: &[u64]| {
            let retention = Retention {
                traces: Duration::from_secs(4),
                bytes_max: BytesMax { traces, ..BytesMax::default() },
                ..Retention::default()
            };
            let divided = divide(&segments, &retention, 5 * second);
            assert_eq!(ids(&divided.live), live, "{traces:?}");
            assert_eq!(ids(&divided.displaced), displaced, "{traces:?}");
            assert_eq!(ids(&divided.expired), [4], "{traces:?}");
        };
        check(None, &[1, 2, 3, 5], &[]);
        check(Some(90), &[1, 2, 3, 5], &[]);
        check(Some(89), &[1, 3, 5], &[2]);
        check(Some(60), &[1, 3, 5], &[2]);
        check(Some(59), &[3, 5], &[1, 2]);
        check(Some(19), &[5], &[1, 2, 3]);
    }

    /// Scenario: read models have more bytes than are kept, the finest those received last; raw rows have none to
    /// spare.
    /// Guarantees: they share one bound; what is finest leaves first, and hours last.
    #[test]
    fn the_finest_read_models_make_room() {
        let segments = [
            segment(1, Table::Red(Resolution::Hour), 10, 1),
            segment(2, Table::EdgeRed(Resolution::Minute), 10, 2),
            segment(3, Table::ServiceRed(Resolution::TenSeconds), 10, 4),
            segment(4, Table::Red(Resolution::TenSeconds), 10, 3),
            segment(5, Table::ServiceSeen, 10, 1),
            segment(6, Table::Spans, 500, 1),
        ];
        let check = |bytes_max: u64, displaced: &[u64]| {
            let bytes_max = BytesMax { read_models: Some(bytes_max), ..BytesMax::default() };
            let divided = divide(&segments, &Retention { bytes_max, ..Retention::default() }, 5);
            let ids: Vec<u64> = divided.displaced.iter().map(|segment| segment.id).collect();
            assert_eq!(ids, displaced, "{bytes_max:?}");
        };
        check(50, &[]);
        check(49, &[4]);
        check(30, &[3, 4]);
        check(20, &[2, 3, 4]);
        check(10, &[1, 2, 3, 4]);
    }
}
