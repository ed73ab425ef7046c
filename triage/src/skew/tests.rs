//! Tests of clock correction.

use super::*;
use crate::test_rows::{SpanRow, spans, tables};
use proptest::prelude::*;

const HOUR: i64 = SHIFT_NS_MAX;

fn shifts(rows: &[SpanRow]) -> ClockShifts {
    clock_shifts(&tables(&[spans(rows)]).traces, 0)
}

fn caller() -> SpanRow {
    SpanRow::new(1, 1, "web", "GET").kind("client").at(1_000, 2_000)
}

fn callee(start: i64, end: i64) -> SpanRow {
    SpanRow::new(1, 2, "cart", "add").kind("server").child_of(1).at(start, end)
}

/// Scenario: a server's clock is behind, ahead, right, or its span longer than the call.
/// Guarantees: a shorter one is put in the middle, a longer one only may not start first, a right one stays.
#[test]
fn calls_are_moved_into_their_callers() {
    for (start, end, expected) in [
        (400, 1_000, 800),
        (1_900, 2_500, -700),
        (1_000, 2_000, 0),
        (1_100, 1_900, 0),
        (500, 2_000, 500),
        (1_500, 9_000, 0),
    ] {
        let found = shifts(&[caller(), callee(start, end)]);
        let shift = found.shifts_ns.iter().copied().find(|shift| *shift != 0).unwrap_or(0);
        assert_eq!((shift, found.n_moved), (expected, usize::from(expected != 0)), "{start}..{end}");
    }
}

/// Scenario: below a server whose clock is behind is a span of the same server and a call to a third one.
/// Guarantees: its own spans move with it, in which the third is right where it is.
#[test]
fn what_is_below_moves_too() {
    let found = shifts(&[
        caller(),
        callee(10, 610),
        SpanRow::new(1, 3, "cart", "work").child_of(2).at(50, 550),
        SpanRow::new(1, 4, "db", "read").child_of(3).at(1_300, 1_700),
    ]);
    assert_eq!(found.shifts_ns, [1_190, 1_190, 0, 0]);
    assert_eq!(found.n_moved, 2);
}

/// Scenario: a service goes on by itself after its answer, and another reads its message much later or, by its clock,
/// too early.
/// Guarantees: neither late work nor late readers are moved; a reader may not be earlier than the message.
#[test]
fn late_work_is_no_skew() {
    let late = SpanRow::new(1, 2, "web", "cleanup").child_of(1).at(5_000, 5_500);
    assert_eq!(shifts(&[caller(), late]).n_moved, 0);
    let reader =
        |start| SpanRow::new(1, 2, "mail", "send").kind("consumer").child_of(1).at(start, start + 100);
    assert_eq!(shifts(&[caller(), reader(70_000)]).n_moved, 0);
    assert_eq!(shifts(&[caller(), reader(300)]).shifts_ns, [700, 0]);
}

/// Scenario: a span is a day away from its parent; another trace does not exist.
/// Guarantees: it stays and is counted; nothing is said of the other.
#[test]
fn wrong_times_stay() {
    let found = shifts(&[caller(), callee(1_000 + 24 * HOUR, 1_100 + 24 * HOUR)]);
    assert_eq!((found.n_moved, found.n_beyond), (0, 1));
    assert_eq!(shifts(&[]), ClockShifts::default());
}

proptest! {
    /// Scenario: calls below each other, each service with a clock of its own, by up to a minute off.
    /// Guarantees: afterwards each call that is shorter than its caller lies inside it.
    #[test]
    fn corrected_calls_lie_inside(skews in prop::collection::vec(-60_000_000_000..60_000_000_000i64, 1..20)) {
        let mut rows = vec![caller().at(0, 1_000_000)];
        for (at, skew) in skews.iter().enumerate() {
            let (id, inset) = (at as u64 + 2, (at as i64 + 1) * 1_000);
            let service = format!("s{id}");
            let row = SpanRow::new(1, id, &service, "op").child_of(id - 1).kind("server");
            rows.push(row.at(inset + skew, 1_000_000 - inset + skew));
        }
        let tables = tables(&[spans(&rows)]);
        let (traces, found) = (&tables.traces, clock_shifts(&tables.traces, 0));
        for span in 0..traces.spans().len() {
            let at = |span: usize| stretch(traces, span).moved(found.shifts_ns[span]);
            if let Some(parent) = traces.parent(span) {
                prop_assert!(at(parent).start_ns <= at(span).start_ns && at(span).end_ns <= at(parent).end_ns);
            }
        }
    }
}
