//! Ranges in parts: what covers them, and what cannot.

use super::*;
use expect_test::{Expect, expect};
use proptest::prelude::*;
use std::fmt::Write as _;

const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const NEVER: Complete = Complete { ten_seconds: i64::MIN, minute: i64::MIN, hour: i64::MIN };

/// A moment of a day of hours and minutes, in seconds after these.
fn at(hour: i64, minute: i64, second: i64) -> i64 {
    hour * HOUR + minute * MINUTE + second * SECOND
}

fn shown(parts: &Parts) -> String {
    let clock = |at: i64| {
        let at = at / SECOND;
        format!("{}:{:02}:{:02}", at / 3_600, at / 60 % 60, at % 60)
    };
    let mut text = String::new();
    for Part { resolution, range } in &parts.parts {
        writeln!(text, "{resolution:?} {} to {}", clock(range.from), clock(range.to)).expect("writes");
    }
    if parts.is_coarser {
        text.push_str("coarser than asked\n");
    }
    text
}

fn check(from: i64, to: i64, step_s: i64, complete: Complete, expected: Expect) {
    expected.assert_eq(&shown(&Parts::split(TimeRange { from, to }, step_s * SECOND, complete)));
}

/// Scenario: ranges with ends anywhere, and steps that hours and minutes fit into or not; all rows are there.
/// Guarantees: whole hours are read as such, the rest as minutes and tens of seconds, where the step allows.
#[test]
fn the_widest_buckets_that_fit_are_read() {
    check(
        at(1, 58, 33),
        at(4, 2, 11),
        3_600,
        NEVER,
        expect![[r#"
        TenSeconds 1:58:30 to 1:59:00
        Minute 1:59:00 to 2:00:00
        Hour 2:00:00 to 4:00:00
        Minute 4:00:00 to 4:02:00
        TenSeconds 4:02:00 to 4:02:20
    "#]],
    );
    check(
        at(1, 58, 33),
        at(4, 2, 11),
        600,
        NEVER,
        expect![[r#"
        TenSeconds 1:58:30 to 1:59:00
        Minute 1:59:00 to 4:02:00
        TenSeconds 4:02:00 to 4:02:20
    "#]],
    );
    check(
        at(1, 0, 0),
        at(3, 0, 0),
        30,
        NEVER,
        expect![[r#"
        TenSeconds 1:00:00 to 3:00:00
    "#]],
    );
    check(
        at(1, 0, 0),
        at(3, 0, 0),
        7_200,
        NEVER,
        expect![[r#"
        Hour 1:00:00 to 3:00:00
    "#]],
    );
    check(
        at(1, 0, 1),
        at(1, 0, 2),
        3_600,
        NEVER,
        expect![[r#"
        TenSeconds 1:00:00 to 1:00:10
    "#]],
    );
    check(
        at(23, 59, 50),
        at(73, 0, 0),
        86_400,
        NEVER,
        expect![[r#"
        TenSeconds 23:59:50 to 24:00:00
        Day 24:00:00 to 72:00:00
        Hour 72:00:00 to 73:00:00
    "#]],
    );
    check(at(1, 0, 0), at(1, 0, 0), 3_600, NEVER, expect![""]);
    check(at(2, 0, 0), at(1, 0, 0), 3_600, NEVER, expect![""]);
}

/// Scenario: rows of ten seconds are gone before half past three, those of minutes before half past one.
/// Guarantees: coarser tables stand in from whole bucket to whole bucket, no moment is read twice or not at all, and
/// it is told where ends or steps are not those asked for.
#[test]
fn coarser_tables_stand_in_for_what_is_gone() {
    let gone = Complete { ten_seconds: at(3, 30, 20), minute: at(1, 30, 0), ..NEVER };
    check(
        at(0, 10, 0),
        at(4, 0, 10),
        600,
        gone,
        expect![[r#"
        Hour 0:00:00 to 2:00:00
        Minute 2:00:00 to 4:00:00
        TenSeconds 4:00:00 to 4:00:10
        coarser than asked
    "#]],
    );
    check(
        at(0, 0, 0),
        at(4, 0, 10),
        3_600,
        gone,
        expect![[r#"
        Hour 0:00:00 to 3:00:00
        Minute 3:00:00 to 4:00:00
        TenSeconds 4:00:00 to 4:00:10
    "#]],
    );
    check(
        at(2, 30, 0),
        at(3, 0, 30),
        10,
        gone,
        expect![[r#"
        Minute 2:30:00 to 3:01:00
        coarser than asked
    "#]],
    );
    check(
        at(2, 30, 0),
        at(3, 0, 0),
        60,
        gone,
        expect![[r#"
        Minute 2:30:00 to 3:00:00
    "#]],
    );
    check(
        at(3, 31, 0),
        at(3, 32, 0),
        10,
        gone,
        expect![[r#"
        TenSeconds 3:31:00 to 3:32:00
    "#]],
    );
}

/// Scenario: ranges from the beginning to the end of time.
/// Guarantees: nothing overflows, and the parts end there too.
#[test]
fn all_of_time_has_parts() {
    let all = TimeRange { from: i64::MIN, to: i64::MAX };
    let parts = Parts::split(all, HOUR, NEVER);
    assert!(parts.parts.iter().any(|part| part.resolution == Resolution::Hour));
    let bounds = (parts.parts[0].range.from, parts.parts[parts.parts.len() - 1].range.to);
    assert_eq!(bounds, (i64::MIN, i64::MAX));
    let gone = Complete { ten_seconds: i64::MAX, minute: i64::MAX, ..NEVER };
    assert!(Parts::split(all, HOUR, gone).parts.iter().all(|part| part.resolution == Resolution::Hour));
    let gone = Complete { hour: i64::MAX, ..gone };
    assert!(Parts::split(all, HOUR, gone).parts.iter().all(|part| part.resolution == Resolution::Day));
}

/// Scenario: one range in one table, in several, and none.
/// Guarantees: the statement names each table once, with its ranges and all conditions.
#[test]
fn parts_become_rows() {
    let rows = |from, to| {
        let parts = Parts::split(TimeRange { from, to }, HOUR, NEVER);
        parts.rows(Table::ServiceRed, "bucket, n_spans", &["service = 'a'".to_owned()])
    };
    expect![[r#"
        service_red_1h WHERE bucket >= TIMESTAMP '1970-01-01T01:00:00Z' AND bucket < TIMESTAMP '1970-01-01T02:00:00Z' AND service = 'a'"#]]
    .assert_eq(&rows(at(1, 0, 0), at(2, 0, 0)));
    expect![[r#"
        (SELECT bucket, n_spans FROM service_red_1h WHERE bucket >= TIMESTAMP '1970-01-01T01:00:00Z' AND bucket < TIMESTAMP '1970-01-01T02:00:00Z' AND service = 'a'
        UNION ALL SELECT bucket, n_spans FROM service_red_1m WHERE (bucket >= TIMESTAMP '1970-01-01T00:59:00Z' AND bucket < TIMESTAMP '1970-01-01T01:00:00Z' OR bucket >= TIMESTAMP '1970-01-01T02:00:00Z' AND bucket < TIMESTAMP '1970-01-01T02:01:00Z') AND service = 'a') AS parts"#]]
    .assert_eq(&rows(at(0, 59, 0), at(2, 1, 0)));
    assert!(rows(at(2, 0, 0), at(1, 0, 0)).starts_with("service_red WHERE bucket >= "));
}

proptest! {
    /// Scenario: any range, step and state of the tables.
    /// Guarantees: parts follow each other without gaps, are whole buckets, cover what was asked and little more; no
    /// table is asked for what it lacks; buckets do not lie across steps unless that is told, nor do they across steps
    /// that may be widened, which is told too.
    #[test]
    fn parts_cover_a_range(
        from in -200_000_i64..200_000,
        length in 1_i64..400_000,
        step in prop::sample::select(vec![10_i64, 15, 30, 60, 90, 600, 3_600, 5_400, 86_400]),
        gone in (-200_000_i64..400_000, -200_000_i64..400_000, -200_000_i64..400_000),
    ) {
        let range = TimeRange { from: from * SECOND + 1, to: (from + length) * SECOND + 3 };
        let complete =
            Complete { ten_seconds: gone.0 * SECOND, minute: gone.1 * SECOND, hour: gone.2 * SECOND };
        let parts = Parts::split(range, step * SECOND, complete);
        prop_assert!(parts.parts.windows(2).all(|pair| pair[0].range.to == pair[1].range.from));
        let (first, last) = (parts.parts[0], parts.parts[parts.parts.len() - 1]);
        prop_assert!(first.range.from <= range.from && range.to <= last.range.to);
        prop_assert!(range.from - first.range.from < first.resolution.bucket_ns());
        prop_assert!(last.range.to - range.to < last.resolution.bucket_ns());
        for part in &parts.parts {
            let width = part.resolution.bucket_ns();
            prop_assert!(part.range.from % width == 0 && part.range.to % width == 0);
            let complete_from = match part.resolution {
                Resolution::TenSeconds => complete.ten_seconds,
                Resolution::Minute => complete.minute,
                Resolution::Hour => complete.hour,
                Resolution::Day => i64::MIN,
            };
            prop_assert!(part.range.from >= complete_from, "{:?}", part);
            let fits = part.resolution == Resolution::TenSeconds || (step * SECOND) % width == 0;
            prop_assert!(fits || parts.is_coarser, "{:?} in steps of {} s", part, step);
        }
        let counted = parts.counted();
        prop_assert!(counted.from == first.range.from && counted.to >= range.to);
        let (wide, step_ns) = Parts::split_widening(range, step * SECOND, complete);
        prop_assert!(wide.parts.iter().all(|part| step_ns % part.resolution.bucket_ns() == 0));
        prop_assert!(step_ns == step * SECOND || step_ns > step * SECOND && (wide.is_coarser || step == 15));
    }
}
