//! Which segments to merge next.
//!
//! Segments of one table are merged only with their neighbours in time of receipt, and only within
//! windows of a fixed share of the table's retention: a merged segment expires as a whole, so this share
//! is how much longer than promised a row may live. Inside the newest window, segments of about the same
//! size wait until there are enough of them, so that a row is rewritten once per step of size. A window
//! that is over takes no more segments, and is merged down to as few as the bounds allow.

use crate::ids::Table;
use crate::options::{Compaction, Retention};
use crate::segment::SegmentMeta;
use std::sync::Arc;
use std::time::Duration;

/// Windows of one retention: rows live at most a 28th longer, 6 hours of a week.
const WINDOWS_PER_RETENTION: i64 = 28;
/// Inputs of one merge: each takes a file handle and a batch of memory.
const INPUTS_MAX: usize = 32;
/// Everything below counts as one size.
const TIER_BYTES_MIN: u64 = 16 << 10;
/// Size of a tier in that of the one below, as a power of two.
const TIER_BITS: u32 = 3;

type Segment = Arc<SegmentMeta>;

/// The next merge at `now` (unix nanos), if any is due: at least two segments of one table. Segments that
/// `may_be_read` refuses are left alone, and not merged across.
pub(crate) fn pick(
    segments: &[Segment],
    options: &Compaction,
    retention: &Retention,
    now: i64,
    may_be_read: impl Fn(&SegmentMeta) -> bool,
) -> Option<Vec<Segment>> {
    Table::ALL.into_iter().find_map(|table| {
        let window_ns = window_ns(retention.of(table));
        let window = |segment: &Segment| segment.received_max.div_euclid(window_ns);
        let mut segments: Vec<Segment> =
            segments.iter().filter(|segment| segment.table == table).cloned().collect();
        segments.sort_by_key(|segment| (segment.received_max, segment.id));
        let mut groups = segments
            .chunk_by(|left, right| window(left) == window(right) && may_be_read(left) && may_be_read(right));
        groups.find_map(|group| {
            let is_over = window(&group[0]) < now.div_euclid(window_ns);
            pick_tier(group, options).or_else(|| is_over.then(|| pick_rest(group, options)).flatten())
        })
    })
}

/// Rows received within so much of each other may live as long as one of them.
pub(crate) fn window_ns(retention: Duration) -> i64 {
    let retention_ns = i64::try_from(retention.as_nanos()).unwrap_or(i64::MAX);
    (retention_ns / WINDOWS_PER_RETENTION).max(1)
}

/// Neighbours that together stay within the bounds, as many as may be from the first on.
fn fitting<'a>(segments: &'a [Segment], options: &Compaction) -> &'a [Segment] {
    let (mut n_bytes, mut n_rows) = (0, 0);
    let n_fitting = segments.iter().take(INPUTS_MAX).take_while(|segment| {
        n_bytes += segment.n_bytes;
        n_rows += segment.n_rows;
        n_bytes <= options.segment_bytes_max && n_rows <= options.segment_rows_max
    });
    &segments[..n_fitting.count()]
}

/// Of a window that is over: the first neighbours that fit into one.
fn pick_rest(segments: &[Segment], options: &Compaction) -> Option<Vec<Segment>> {
    let mut runs = (0..segments.len()).map(|first| fitting(&segments[first..], options));
    runs.find(|run| run.len() >= 2).map(<[Segment]>::to_vec)
}

/// The first neighbours among which the smallest possible size is there often enough, smaller ones between
/// them included.
fn pick_tier(segments: &[Segment], options: &Compaction) -> Option<Vec<Segment>> {
    let tier_max = segments.iter().map(tier).max()?;
    (0..=tier_max).find_map(|wanted| {
        let is_wanted = |segment: &Segment| tier(segment) == wanted;
        let mut runs = segments.chunk_by(|left, right| tier(left) <= wanted && tier(right) <= wanted);
        runs.find_map(|run| {
            let firsts = (0..run.len()).filter(|&idx| is_wanted(&run[idx]));
            let mut fitting = firsts.map(|first| fitting(&run[first..], options));
            let found = fitting
                .find(|run| run.iter().filter(|segment| is_wanted(segment)).count() >= options.segments_min);
            found.map(<[Segment]>::to_vec)
        })
    })
}

/// Sizes within a factor of eight of each other are one tier.
pub(crate) fn tier(segment: &Segment) -> u32 {
    (segment.n_bytes / TIER_BYTES_MIN).checked_ilog2().map_or(0, |log| 1 + log / TIER_BITS)
}

/// Bytes that a segment of the tier has at least.
pub(crate) fn tier_bytes_min(tier: u32) -> u64 {
    match tier {
        0 => 0,
        tier => TIER_BYTES_MIN << (TIER_BITS * (tier - 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    const HOUR: i64 = 3_600_000_000_000;
    const MIB: u64 = 1 << 20;

    /// A segment of spans per size in MiB, `step` apart in time of receipt.
    fn segments(sizes: &[f64], step: i64) -> Vec<Segment> {
        let segment = |(idx, size): (usize, &f64)| {
            Arc::new(SegmentMeta {
                id: idx as u64,
                table: Table::Spans,
                path: SegmentMeta::object_path(Table::Spans, idx as u64),
                n_rows: (size * 10_000.0) as u64,
                n_bytes: (size * MIB as f64) as u64,
                time_min: 0,
                time_max: 0,
                received_max: idx as i64 * step,
                checksums_crc: None,
            })
        };
        sizes.iter().enumerate().map(segment).collect()
    }

    fn picked(segments: &[Segment], now: i64, damaged: &[u64]) -> Vec<u64> {
        let may_be_read = |segment: &SegmentMeta| !damaged.contains(&segment.id);
        let (options, retention) = (Compaction::default(), Retention::default());
        let inputs = pick(segments, &options, &retention, now, may_be_read).unwrap_or_default();
        inputs.iter().map(|segment| segment.id).collect()
    }

    /// Numbers of the segments that are merged a minute after the last, and a day later.
    fn check(sizes: &[f64], expected: Expect) {
        let segments = segments(sizes, HOUR / 60);
        let (soon, later) = (HOUR, 25 * HOUR);
        expected.assert_eq(&format!(
            "{:?} {:?}",
            picked(&segments, soon, &[]),
            picked(&segments, later, &[])
        ));
    }

    /// Scenario: rows of segments of many sizes, in a window that still grows and in one that is over.
    /// Guarantees: only neighbours are merged, within the bounds; while the window grows, once there are
    /// enough of one size, the smallest first; once it is over, whatever fits.
    #[test]
    fn neighbours_of_a_size_are_picked() {
        check(&[], expect!["[] []"]);
        check(&[2.0], expect!["[] []"]);
        check(&[2.0; 7], expect!["[] [0, 1, 2, 3, 4, 5, 6]"]);
        check(&[2.0; 8], expect!["[0, 1, 2, 3, 4, 5, 6, 7] [0, 1, 2, 3, 4, 5, 6, 7]"]);
        // A larger one between them.
        check(&[2.0, 2.0, 2.0, 2.0, 30.0, 2.0, 2.0, 2.0, 2.0], expect!["[] [0, 1, 2, 3, 4, 5, 6, 7, 8]"]);
        // Smaller ones between them go with them.
        check(
            &[9.0, 9.0, 9.0, 9.0, 0.1, 9.0, 9.0, 9.0, 9.0],
            expect!["[0, 1, 2, 3, 4, 5, 6, 7, 8] [0, 1, 2, 3, 4, 5, 6, 7, 8]"],
        );
        // The smallest first.
        check(
            &[[9.0; 8], [0.1; 8]].concat(),
            expect!["[8, 9, 10, 11, 12, 13, 14, 15] [8, 9, 10, 11, 12, 13, 14, 15]"],
        );
        // What would become too large stays.
        check(&[70.0, 70.0, 70.0], expect!["[] []"]);
        check(&[70.0, 70.0, 50.0, 8.0], expect!["[] [1, 2, 3]"]);
        check(&[60.0; 8], expect!["[] [0, 1]"]);
    }

    /// Scenario: segments in four windows; one of them damaged.
    /// Guarantees: nothing is merged across the border of a window, nor across the damaged one.
    #[test]
    fn borders_are_kept() {
        let hourly = segments(&[2.0; 24], HOUR);
        assert_eq!(picked(&hourly, 23 * HOUR, &[]), [0, 1, 2, 3, 4, 5]);
        assert_eq!(picked(&hourly[6..], 23 * HOUR, &[]), [6, 7, 8, 9, 10, 11]);
        assert_eq!(picked(&hourly[18..], 23 * HOUR, &[]), [0_u64; 0]);
        assert_eq!(picked(&hourly, 23 * HOUR, &[2]), [0, 1]);
        assert_eq!(picked(&hourly, 23 * HOUR, &[1]), [2, 3, 4, 5]);
    }

    /// Scenario: a segment a minute for two days, merged as soon as merges are due.
    /// Guarantees: few are left, no row was written again more often than there are sizes, and it ends.
    #[test]
    fn merging_ends_with_few_segments_and_little_work() {
        let mut live: Vec<Segment> = Vec::new();
        let (mut n_bytes_in, mut n_bytes_merged) = (0, 0);
        for segment in segments(&[0.5; 48 * 60], HOUR / 60) {
            let now = segment.received_max;
            n_bytes_in += segment.n_bytes;
            live.push(segment);
            while let Some(inputs) = pick(&live, &Compaction::default(), &Retention::default(), now, |_| true)
            {
                live.retain(|segment| inputs.iter().all(|input| input.id != segment.id));
                let mut merged = (*inputs[0]).clone();
                merged.n_bytes = inputs.iter().map(|input| input.n_bytes).sum();
                merged.n_rows = inputs.iter().map(|input| input.n_rows).sum();
                merged.received_max = inputs.iter().map(|input| input.received_max).max().expect("some");
                n_bytes_merged += merged.n_bytes;
                live.push(Arc::new(merged));
            }
        }
        let amplification = n_bytes_merged as f64 / n_bytes_in as f64;
        expect!["24 segments, written again 2.8 times"]
            .assert_eq(&format!("{} segments, written again {amplification:.1} times", live.len()));
    }
}
