//! Which segments leave, because they are too old or because there are too many bytes of their table.
//!
//! Age counts from when a segment's newest row was received, so that rows which arrive with old times
//! of their own live as long as any other. Room is made by those received first. Segments go whole.

use crate::ids::Table;
use crate::options::Retention;
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
        match table {
            Table::Spans => self.traces,
            Table::Logs => self.logs,
            Table::MetricPoints => self.metrics,
            Table::Red => self.read_models,
        }
    }

    /// How many bytes of segments of a table are kept, if that is bounded.
    fn bytes_max_of(&self, table: Table) -> Option<u64> {
        match table {
            Table::Spans => self.bytes_max.traces,
            Table::Logs => self.bytes_max.logs,
            Table::MetricPoints => self.bytes_max.metrics,
            Table::Red => self.bytes_max.read_models,
        }
    }

    /// Has the segment outlived its table's retention at `now` (unix nanos)?
    fn is_expired(&self, segment: &SegmentMeta, now: i64) -> bool {
        let keep_ns = i64::try_from(self.of(segment.table).as_nanos()).unwrap_or(i64::MAX);
        now.saturating_sub(segment.received_max) > keep_ns
    }
}

/// Divides segments into those that live on and those that leave at `now` (unix nanos).
pub(crate) fn divide(segments: &[Arc<SegmentMeta>], retention: &Retention, now: i64) -> Divided {
    let (young, expired): (Segments, Segments) =
        segments.iter().cloned().partition(|segment| !retention.is_expired(segment, now));
    let surplus: HashSet<u64> =
        Table::ALL.into_iter().flat_map(|table| surplus(&young, table, retention)).collect();
    let (displaced, live) = young.into_iter().partition(|segment| surplus.contains(&segment.id));
    Divided { live, expired, displaced }
}

/// Numbers of the segments of a table, beginning with the first received, without which the others fit.
fn surplus(segments: &[Arc<SegmentMeta>], table: Table, retention: &Retention) -> Vec<u64> {
    let Some(bytes_max) = retention.bytes_max_of(table) else { return Vec::new() };
    let mut own: Vec<&Arc<SegmentMeta>> = segments.iter().filter(|segment| segment.table == table).collect();
    own.sort_by_key(|segment| (segment.received_max, segment.id));
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
}
