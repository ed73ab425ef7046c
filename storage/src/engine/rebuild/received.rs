//! When the spans of each segment were received: what must be read for a stretch of time, and how long such a stretch
//! may be.

use crate::columns::column;
use crate::read_models::Resolution;
use crate::segment::{ANY_TIME, SegmentMeta};
use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::TimestampNanosecondType;
use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

/// The column that says it.
pub(super) const RECEIVED_AT: &str = "received_at";
/// Spans are counted by so much time: a day is 8,640 numbers.
const STEP: Resolution = Resolution::TenSeconds;

/// Of all segments of spans.
#[derive(Debug, Default)]
pub(super) struct ReceivedSpans {
    segments: Vec<Received>,
    /// By the start of the step in which they were received.
    n_rows: BTreeMap<i64, u64>,
}

#[derive(Debug)]
struct Received {
    segment: Arc<SegmentMeta>,
    first: i64,
    last: i64,
}

/// A stretch of time, and how many spans were received in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) received: Range<i64>,
    pub(super) n_rows: u64,
}

impl ReceivedSpans {
    /// Notes when some rows of a segment were received; all rows of one come before those of the next.
    pub(super) fn add(&mut self, segment: &Arc<SegmentMeta>, rows: &RecordBatch) {
        let is_new = self.segments.last().is_none_or(|last| !Arc::ptr_eq(&last.segment, segment));
        if is_new {
            self.segments.push(Received { segment: Arc::clone(segment), first: i64::MAX, last: i64::MIN });
        }
        let Some(received) = self.segments.last_mut() else { return };
        for &at in column(rows, RECEIVED_AT).as_primitive::<TimestampNanosecondType>().values() {
            (received.first, received.last) = (received.first.min(at), received.last.max(at));
            *self.n_rows.entry(STEP.bucket_of(at)).or_default() += 1;
        }
    }

    /// When the newest was received.
    pub(super) fn received_max(&self) -> i64 {
        self.segments.iter().map(|received| received.last).max().unwrap_or(i64::MIN)
    }

    /// All the time in which spans were received, in order, with so many in each window as far as steps allow, and none
    /// across a border of stretches of `together_ns`.
    pub(super) fn windows(&self, n_rows_max: u64, together_ns: i64) -> Vec<Window> {
        let together = |at: i64| at.div_euclid(together_ns);
        let mut windows: Vec<Window> = Vec::new();
        for (&at, &n_rows) in &self.n_rows {
            let end = at.saturating_add(STEP.bucket_ns());
            match windows.last_mut() {
                Some(last)
                    if last.n_rows + n_rows <= n_rows_max
                        && together(last.received.start) == together(at) =>
                {
                    last.received.end = end;
                    last.n_rows += n_rows;
                }
                _ => windows.push(Window { received: at..end, n_rows }),
            }
        }
        windows
    }

    /// The segments that have spans received in a stretch of time, and which of theirs those are.
    pub(super) fn within(
        &self,
        time: &Range<i64>,
    ) -> impl Iterator<Item = (&Arc<SegmentMeta>, RangeInclusive<i64>)> {
        let (start, end) = (time.start, time.end);
        let touched = self.segments.iter().filter(move |own| own.first < end && own.last >= start);
        touched.map(move |own| {
            let is_inside = start <= own.first && own.last < end;
            (&own.segment, if is_inside { ANY_TIME } else { start..=end - 1 })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Table;
    use crate::test_rows::{SECOND, T0, batch, times};

    fn segment(id: u64) -> Arc<SegmentMeta> {
        Arc::new(SegmentMeta {
            id,
            table: Table::Spans,
            path: SegmentMeta::object_path(Table::Spans, id),
            n_rows: 1,
            n_bytes: 1,
            time_min: 0,
            time_max: 0,
            received_max: 0,
            checksums_crc: None,
        })
    }

    /// Scenario: two segments whose spans were received at the same time in part, and a third an hour later.
    /// Guarantees: windows have as many spans as may be, whole steps, and do not cross a border; what is wholly inside
    /// is read as a whole, and the rest as far as it is inside.
    #[test]
    fn windows_are_as_long_as_may_be() {
        let mut spans = ReceivedSpans::default();
        let segments = [segment(1), segment(2), segment(3)];
        let seconds: [&[i64]; 3] = [&[1, 2, 12, 25], &[21, 22, 31], &[3_600]];
        for (segment, seconds) in segments.iter().zip(seconds) {
            for part in seconds.chunks(2) {
                let at: Vec<i64> = part.iter().map(|second| T0 + second * SECOND).collect();
                let rows = batch(Table::Spans.schema(), at.len(), vec![(RECEIVED_AT, times(&at))]);
                spans.add(segment, &rows);
            }
        }
        let windows = |n_rows_max, together_s: i64| -> Vec<(i64, i64, u64)> {
            let windows = spans.windows(n_rows_max, together_s * SECOND).into_iter();
            let second = |at: i64| (at - T0) / SECOND;
            windows.map(|w| (second(w.received.start), second(w.received.end), w.n_rows)).collect()
        };
        assert_eq!(windows(100, 86_400), [(0, 3_610, 8)]);
        assert_eq!(windows(100, 3_600), [(0, 40, 7), (3_600, 3_610, 1)]);
        assert_eq!(windows(4, 86_400), [(0, 20, 3), (20, 40, 4), (3_600, 3_610, 1)]);
        assert_eq!(windows(1, 86_400).len(), 5);
        assert_eq!(spans.received_max(), T0 + 3_600 * SECOND);
        let within = |from: i64, to: i64| -> Vec<(u64, bool)> {
            let time = T0 + from * SECOND..T0 + to * SECOND;
            spans.within(&time).map(|(segment, received)| (segment.id, received == ANY_TIME)).collect()
        };
        assert_eq!(within(0, 40), [(1, true), (2, true)]);
        assert_eq!(within(0, 20), [(1, false)]);
        assert_eq!(within(25, 4_000), [(1, false), (2, false), (3, true)]);
        assert_eq!(within(26, 31), [(2, false)]);
    }
}
