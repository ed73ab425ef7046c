//! Geometry of the log histogram: bars over time, stacked by severity, as shares of width and height.
//!
//! Takes the buckets of the API, which may skip empty ones, and gives rectangles between 0 and 1, so
//! that the drawing needs no numbers of its own. The most severe parts stand on the base line, where
//! small ones can be compared.

use crate::format;
use wire::{LogBucket, Severity};

/// Bottom to top.
pub const STACK: [Severity; 7] = [
    Severity::Fatal,
    Severity::Error,
    Severity::Warn,
    Severity::Info,
    Severity::Debug,
    Severity::Trace,
    Severity::Unset,
];

#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    pub bars: Vec<Bar>,
    /// Records in the fullest bucket; the top of the axis.
    pub n_max: u64,
    /// Severities that occur, in stacking order, with their sums: the legend.
    pub sums: Vec<(Severity, u64)>,
    pub n: u64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    pub at_ms: i64,
    pub end_ms: i64,
    /// Left edge and width as shares of the range.
    pub x: f64,
    pub width: f64,
    pub n: u64,
    pub parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    pub severity: Severity,
    pub n: u64,
    /// Top edge and height as shares of the plot's height, counted from above.
    pub y: f64,
    pub height: f64,
}

/// Lays out the buckets over the range; those outside it are left out.
pub fn layout(buckets: &[LogBucket], from_ms: i64, to_ms: i64, step_s: u32) -> Histogram {
    let step_ms = i64::from(step_s.max(1)) * 1000;
    let span_ms = (to_ms - from_ms).max(1) as f64;
    let n_max = buckets.iter().map(total).max().unwrap_or(0);
    let inside = |bucket: &&LogBucket| bucket.at.millis() < to_ms && bucket.at.millis() + step_ms > from_ms;
    let bars: Vec<Bar> = buckets
        .iter()
        .filter(inside)
        .filter(|bucket| total(bucket) > 0)
        .map(|bucket| {
            let at_ms = bucket.at.millis();
            let left_ms = at_ms.max(from_ms);
            let right_ms = (at_ms + step_ms).min(to_ms);
            Bar {
                at_ms,
                end_ms: at_ms + step_ms,
                x: (left_ms - from_ms) as f64 / span_ms,
                width: (right_ms - left_ms) as f64 / span_ms,
                n: total(bucket),
                parts: stack(bucket, n_max),
            }
        })
        .collect();
    let sums = sums(&bars);
    let n = bars.iter().map(|bar| bar.n).sum();
    Histogram { bars, n_max, sums, n }
}

/// The records of one severity in a bucket.
pub fn count(bucket: &LogBucket, severity: Severity) -> u64 {
    match severity {
        Severity::Unset => bucket.n_unset,
        Severity::Trace => bucket.n_trace,
        Severity::Debug => bucket.n_debug,
        Severity::Info => bucket.n_info,
        Severity::Warn => bucket.n_warn,
        Severity::Error => bucket.n_error,
        Severity::Fatal => bucket.n_fatal,
    }
}

/// The range chosen by a drag between two shares of the width, on whole buckets; `None` for a click.
pub fn brushed(a: f64, b: f64, from_ms: i64, to_ms: i64, step_s: u32) -> Option<(i64, i64)> {
    /// Shorter drags are clicks: one percent of the width.
    const DRAG_MIN: f64 = 0.01;
    if (a - b).abs() < DRAG_MIN {
        return None;
    }
    let step_ms = i64::from(step_s.max(1)) * 1000;
    let at = |share: f64| from_ms + (share.clamp(0.0, 1.0) * (to_ms - from_ms) as f64) as i64;
    let start = at(a.min(b)).div_euclid(step_ms) * step_ms;
    let end = (at(a.max(b)) + step_ms - 1).div_euclid(step_ms) * step_ms;
    Some((start.max(from_ms), end.min(to_ms).max(start.max(from_ms) + 1)))
}

/// What the list holds, as one sentence; `n_matched` counts also what the limit cut off.
pub fn sentence(histogram: &Histogram, n_matched: u64) -> String {
    let n_bad: u64 =
        histogram.sums.iter().filter(|(severity, _)| *severity >= Severity::Error).map(|(_, n)| n).sum();
    let records = format::counted(n_matched, "record", "records");
    match n_bad {
        _ if n_matched == 0 => "No records.".to_owned(),
        0 => format!("{records}, none of them an error."),
        1 => format!("{records}, 1 of them an error."),
        n => format!("{records}, {} of them errors.", format::count(n)),
    }
}

fn total(bucket: &LogBucket) -> u64 {
    STACK.iter().map(|severity| count(bucket, *severity)).sum()
}

fn stack(bucket: &LogBucket, n_max: u64) -> Vec<Part> {
    let mut below = 0;
    let mut parts = Vec::new();
    for severity in STACK {
        let n = count(bucket, severity);
        if n > 0 {
            below += n;
            let height = n as f64 / n_max as f64;
            parts.push(Part { severity, n, y: 1.0 - below as f64 / n_max as f64, height });
        }
    }
    parts
}

fn sums(bars: &[Bar]) -> Vec<(Severity, u64)> {
    let of = |severity| bars.iter().flat_map(|bar| &bar.parts).filter(move |part| part.severity == severity);
    STACK
        .iter()
        .map(|severity| (*severity, of(*severity).map(|part| part.n).sum()))
        .filter(|(_, n)| *n > 0)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::UnixNanos;

    fn bucket(at_s: i64, n_info: u64, n_error: u64) -> LogBucket {
        LogBucket {
            at: UnixNanos::from_millis(at_s * 1000),
            n_unset: 0,
            n_trace: 0,
            n_debug: 0,
            n_info,
            n_warn: 0,
            n_error,
            n_fatal: 0,
        }
    }

    /// Scenario: three buckets of ten seconds, the middle one missing, errors in the last.
    /// Guarantees: bars stand at their time, errors at the base, heights are shares of the fullest bucket.
    #[test]
    fn stacks_from_the_base_line() {
        let histogram = layout(&[bucket(100, 5, 0), bucket(120, 6, 4)], 100_000, 130_000, 10);
        assert_eq!(histogram.n_max, 10);
        assert_eq!(histogram.bars.len(), 2);
        let last = &histogram.bars[1];
        assert!((last.x - 2.0 / 3.0).abs() < 1e-9 && (last.width - 1.0 / 3.0).abs() < 1e-9);
        assert_eq!(last.parts[0].severity, Severity::Error);
        assert!((last.parts[0].y - 0.6).abs() < 1e-9 && (last.parts[0].height - 0.4).abs() < 1e-9);
        assert!((last.parts[1].y - 0.0).abs() < 1e-9);
        assert_eq!(histogram.sums, vec![(Severity::Error, 4), (Severity::Info, 11)]);
        assert_eq!(histogram.n, 15);
    }

    /// Scenario: the first bucket begins before the range, another lies wholly outside.
    /// Guarantees: the first is cut at the edge, the other is left out, nothing leaves the plot.
    #[test]
    fn cuts_at_the_edges() {
        let histogram =
            layout(&[bucket(90, 3, 0), bucket(95, 1, 0), bucket(200, 9, 0)], 100_000, 110_000, 10);
        assert_eq!(histogram.bars.len(), 1);
        assert_eq!(histogram.bars[0].x, 0.0);
        assert!((histogram.bars[0].width - 0.5).abs() < 1e-9);
    }

    /// Scenario: no buckets, or only empty ones.
    /// Guarantees: no bars and no division by zero.
    #[test]
    fn nothing_is_nothing() {
        assert!(layout(&[], 0, 0, 0).bars.is_empty());
        assert_eq!(layout(&[bucket(1, 0, 0)], 0, 10_000, 10).n, 0);
    }

    /// Scenario: a range with errors, with one and with none.
    /// Guarantees: the sentence counts error and fatal together and agrees in number.
    #[test]
    fn sentence_counts_errors() {
        let of = |n_error| layout(&[bucket(100, 5, n_error)], 100_000, 110_000, 10);
        assert_eq!(sentence(&of(0), 0), "No records.");
        assert_eq!(sentence(&of(0), 5), "5 records, none of them an error.");
        assert_eq!(sentence(&of(1), 6), "6 records, 1 of them an error.");
        assert_eq!(sentence(&of(4), 12_408), "12,408 records, 4 of them errors.");
    }

    /// Scenario: a drag in either direction, one beyond the edge, and a click.
    /// Guarantees: the range covers whole buckets inside the plot; a click selects nothing.
    #[test]
    fn brush_snaps_to_buckets() {
        assert_eq!(brushed(0.32, 0.65, 100_000, 200_000, 10), Some((130_000, 170_000)));
        assert_eq!(brushed(0.65, 0.32, 100_000, 200_000, 10), Some((130_000, 170_000)));
        assert_eq!(brushed(0.95, 1.4, 100_000, 200_000, 10), Some((190_000, 200_000)));
        assert_eq!(brushed(0.5, 0.505, 100_000, 200_000, 10), None);
    }
}
