//! Windows over slices against adding up by hand.

use super::*;
use proptest::prelude::*;

const SECOND: i64 = 1_000_000_000;
const WIDTH: Duration = Duration::from_secs(10);

fn slices() -> Slices {
    Slices::new(WIDTH, Duration::from_secs(1000), Duration::from_secs(100))
}

fn bucket(second: i64, n_good: u64, n_total: u64) -> SliBucket {
    SliBucket { at: second * SECOND, n_good, n_total }
}

fn window(slices: &Slices, end_s: i64, seconds: u64, first_s: Option<i64>) -> WindowCounts {
    slices.count(end_s * SECOND, Duration::from_secs(seconds), first_s.map(|second| second * SECOND))
}

/// Scenario: events in three slices, and windows that end between and inside them.
/// Guarantees: a window ends before the slice that holds its end, and is whole slices long.
#[test]
fn windows_are_whole_slices() {
    let mut slices = slices();
    slices.advance(5030 * SECOND);
    let buckets = [bucket(5000, 1, 2), bucket(5010, 3, 4), bucket(5020, 5, 5)];
    assert!(slices.replace(5000 * SECOND, 5030 * SECOND, &buckets));
    let sums = |end_s, seconds| {
        let counts = window(&slices, end_s, seconds, None);
        (counts.n_good, counts.n_total)
    };
    assert_eq!(sums(5030, 10), (5, 5));
    assert_eq!(sums(5029, 10), (3, 4));
    assert_eq!(sums(5030, 30), (9, 11));
    assert_eq!(sums(5030, 1000), (9, 11));
    assert_eq!(sums(4000, 10), (0, 0));
    assert_eq!(slices.first_event_at(), Some(5000 * SECOND));
}

/// Scenario: a range is read again and again, with late events, without news, and with fewer.
/// Guarantees: counts are replaced, not added; only more events are news.
#[test]
fn reading_again_replaces() {
    let mut slices = slices();
    slices.advance(5030 * SECOND);
    let mut read = |n| slices.replace(5000 * SECOND, 5030 * SECOND, &[bucket(5010, n, n)]);
    assert_eq!([read(3), read(3), read(4), read(1), read(0)], [true, false, true, false, false]);
    assert_eq!(slices.first_event_at(), None);
}

/// Scenario: first seen at 5000 s; heard without traffic until 5040 s; silence; events from 5080 s.
/// Guarantees: time before the first sign is not expected, "no traffic" is measured, silence is a gap.
#[test]
fn coverage_knows_silence_from_no_traffic() {
    let mut slices = slices();
    slices.advance(5100 * SECOND);
    slices.hear(5000 * SECOND, 5039 * SECOND);
    slices.replace(4000 * SECOND, 5080 * SECOND, &[]);
    slices.replace(5080 * SECOND, 5100 * SECOND, &[bucket(5080, 1, 1), bucket(5090, 1, 1)]);
    let coverage = |end_s, seconds, first_s| {
        let Coverage { n_measured, n_slices } = window(&slices, end_s, seconds, first_s).coverage;
        (n_measured, n_slices)
    };
    assert_eq!(coverage(5040, 600, Some(5000)), (4, 4));
    assert_eq!(coverage(5080, 600, Some(5000)), (4, 8));
    assert_eq!(coverage(5080, 40, Some(5000)), (0, 4));
    assert_eq!(coverage(5100, 20, Some(5000)), (2, 2));
    assert_eq!(coverage(5100, 20, None), (0, 0));
    assert_eq!(coverage(4990, 20, Some(5000)), (0, 0));
}

/// Scenario: a service is heard all the time; in one slice without and in one with events, spans were counted under
/// others; then the same is read again, and nothing is missing.
/// Guarantees: slices that may lack events are expected and not measured, until they are read as whole.
#[test]
fn what_may_lack_events_is_not_measured() {
    let mut slices = slices();
    slices.advance(5040 * SECOND);
    slices.hear(5000 * SECOND, 5039 * SECOND);
    let buckets = [bucket(5000, 1, 1), bucket(5010, 1, 2)];
    slices.replace(5000 * SECOND, 5040 * SECOND, &buckets);
    slices.doubt(&[5010 * SECOND, 5020 * SECOND, 9_000 * SECOND]);
    let counts = |slices: &Slices| window(slices, 5040, 40, Some(5000));
    assert_eq!(counts(&slices).coverage, Coverage { n_measured: 2, n_slices: 4 });
    assert_eq!((counts(&slices).n_good, counts(&slices).n_total), (2, 3));
    slices.replace(5000 * SECOND, 5040 * SECOND, &buckets);
    assert_eq!(counts(&slices).coverage, Coverage { n_measured: 4, n_slices: 4 });
}

/// Scenario: heard for 600 s, of which the last 100 s could be read; then all of it.
/// Guarantees: what was not read is expected and not measured, although the service was heard then.
#[test]
fn unread_time_is_not_measured() {
    let mut slices = slices();
    slices.advance(5000 * SECOND);
    slices.hear(4400 * SECOND, 5000 * SECOND);
    let coverage = |slices: &Slices, first_s| {
        let Coverage { n_measured, n_slices } = window(slices, 5000, 600, first_s).coverage;
        (n_measured, n_slices)
    };
    assert_eq!(coverage(&slices, Some(4400)), (0, 60));
    slices.replace(4900 * SECOND, 5000 * SECOND, &[bucket(4900, 1, 1)]);
    assert_eq!(coverage(&slices, Some(4400)), (10, 60));
    assert_eq!(coverage(&slices, Some(4900)), (10, 60));
    slices.replace(4000 * SECOND, 5000 * SECOND, &[bucket(4900, 1, 1)]);
    assert_eq!(coverage(&slices, Some(4400)), (60, 60));
    assert_eq!(coverage(&slices, Some(4900)), (10, 10));
}

/// Scenario: the clock jumps ahead by more than the ring holds, and back.
/// Guarantees: nothing old is counted for the new time; going back loses nothing.
#[test]
fn the_clock_may_jump() {
    let mut slices = slices();
    slices.advance(5000 * SECOND);
    slices.replace(4990 * SECOND, 5000 * SECOND, &[bucket(4990, 7, 7)]);
    slices.advance(4000 * SECOND);
    assert_eq!(window(&slices, 5000, 10, None).n_total, 7);
    slices.advance(500_000 * SECOND);
    assert_eq!(window(&slices, 500_000, 1000, None).n_total, 0);
    assert_eq!(slices.first_event_at(), None);
}

proptest! {
    /// Scenario: random events over random times, read in random pieces.
    /// Guarantees: each window has exactly the events of its time.
    #[test]
    fn sums_are_exact(
        events in prop::collection::vec((0_i64..1000, 0_u64..5, 0_u64..5), 0..50),
        cut in 0_i64..100,
        (end_s, seconds) in (0_i64..1000, 1_u64..100),
    ) {
        let mut slices = slices();
        slices.advance(999 * SECOND);
        let (cut, seconds) = (cut * 10, seconds * 10);
        for (from, to) in [(0, cut), (cut, 1000)] {
            let inside = events.iter().filter(|(at, ..)| (from..to).contains(at));
            let buckets: Vec<_> = inside.map(|(at, good, bad)| bucket(*at, *good, good + bad)).collect();
            if from < to {
                slices.replace(from * SECOND, to * SECOND, &buckets);
            }
        }
        let end = end_s / 10 * 10;
        let inside = events.iter().filter(|(at, ..)| (end - seconds as i64..end).contains(&(at / 10 * 10)));
        let expected = inside.fold((0, 0), |(n_good, n_total), (_, good, bad)| (n_good + good, n_total + good + bad));
        let counts = window(&slices, end_s, seconds, None);
        prop_assert_eq!((counts.n_good, counts.n_total), expected);
    }
}
