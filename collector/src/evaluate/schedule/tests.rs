//! How far back each evaluation reads.

use super::*;

const SECOND: i64 = 1_000_000_000;
const PERIOD: Duration = Duration::from_secs(30 * 86_400);

/// Scenario: evaluations every ten seconds for seven hours.
/// Guarantees: first the whole period, then minutes, every half minute an hour, every six hours all.
#[test]
fn often_a_little_sometimes_a_lot() {
    let mut schedule = Schedule::default();
    let (mut n_whole, mut n_hour, mut n_short) = (0, 0, 0);
    for now in (0..7 * 3600).step_by(10).map(|second| second * SECOND) {
        let depth = schedule.next(PERIOD, now);
        match depth {
            Depth::Whole => n_whole += 1,
            Depth::Since(from) if now - from == 3600 * SECOND => n_hour += 1,
            Depth::Since(from) => {
                assert_eq!(now - from, 130 * SECOND);
                n_short += 1;
            }
        }
        schedule.done(depth, now);
    }
    assert_eq!((n_whole, n_hour, n_short), (2, 7 * 120 - 2, 7 * 360 - 7 * 120));
}

/// Scenario: the whole period cannot be read at the start.
/// Guarantees: a tenth of it, which holds all windows, is read instead; the whole is tried every minute.
#[test]
fn a_failed_start_reads_less() {
    let mut schedule = Schedule::default();
    assert_eq!(schedule.next(PERIOD, 0), Depth::Whole);
    schedule.failed(Depth::Whole, 0);
    let tenth = Depth::Since(-3 * 86_400 * SECOND);
    assert_eq!(schedule.next(PERIOD, 0), tenth);
    schedule.done(tenth, 0);
    assert!(matches!(schedule.next(PERIOD, 59 * SECOND), Depth::Since(_)));
    assert_eq!(schedule.next(PERIOD, 60 * SECOND), Depth::Whole);
}

/// Scenario: reads fail for half an hour.
/// Guarantees: the next one begins before the last that succeeded.
#[test]
fn nothing_is_skipped_after_failures() {
    let mut schedule = Schedule::default();
    schedule.done(Depth::Whole, 0);
    schedule.done(Depth::Since(0), 3600 * SECOND);
    let now = 5400 * SECOND;
    schedule.failed(Depth::Since(0), now);
    let Depth::Since(from) = schedule.next(PERIOD, now) else { panic!("not whole") };
    assert!(from <= 3480 * SECOND);
}
