//! Tests of parameters: what is read, and what is refused with which words.

use super::*;
use expect_test::{Expect, expect};

/// 2026-01-31T12:00:00Z.
const NOW: i64 = 1_769_860_800_000_000_000;
const HOUR_NS: i64 = 3_600_000_000_000;
const ALLOWED: &[&str] = &[
    "from", "to", "service", "limit", "min", "max", "attr", "trace_id", "order", "by", "step", "compare",
    "rows",
];

fn params(query: &str) -> Result<Params, Failure> {
    Params::read(&format!("/x?{query}").parse().expect("a URI"), NOW, ALLOWED)
}

fn range(query: &str) -> Result<(i64, i64), Failure> {
    let range = params(query)?.range()?;
    Ok((range.from, range.to))
}

/// Scenario: each way to write a time.
/// Guarantees: all mean the same moment, to the nanosecond.
#[test]
fn reads_times() {
    assert_eq!(range(""), Ok((NOW - HOUR_NS, NOW)));
    assert_eq!(range("from=&to="), Ok((NOW - HOUR_NS, NOW)));
    assert_eq!(range("from=now-15m&to=now"), Ok((NOW - HOUR_NS / 4, NOW)));
    assert_eq!(range("from=1769857200000&to=1769860800000"), Ok((NOW - HOUR_NS, NOW)));
    assert_eq!(range("from=2026-01-31T12:00:00%2B01:00&to=2026-01-31T12:00:00Z"), Ok((NOW - HOUR_NS, NOW)));
    assert_eq!(range("from=now-2w&to=now-1w"), Ok((NOW - 14 * 24 * HOUR_NS, NOW - 7 * 24 * HOUR_NS)));
    assert_eq!(range("to=now-0s"), Ok((NOW - HOUR_NS, NOW)));
}

fn check(query: &str, read: fn(&Params) -> Result<(), Failure>, expected: Expect) {
    let failure = params(query).and_then(|params| read(&params)).expect_err(query);
    assert_eq!((failure.status.as_u16(), failure.code), (400, "bad_request"), "{query}");
    let hint = failure.hint.map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
    expected.assert_eq(&format!("{}{hint}", failure.message));
}

/// Scenario: a wrong value of every kind, an unknown name, a name given twice.
/// Guarantees: the answer names the parameter, repeats its text and says what is allowed.
#[test]
fn refuses_with_reasons() {
    let read_range: fn(&Params) -> _ = |params| params.range().map(drop);
    let time_hint = "hint: write epoch milliseconds, RFC 3339 such as 2026-01-31T12:00:00Z, or now, now-15m (units s m h d w)";
    for text in
        ["yesterday", "now-15ms", "now+1h", "now-", "now-15", "12.5", "2026-01-31", "9999999999999999"]
    {
        let failure = params(&format!("from={}", text.replace('+', "%2B"))).and_then(|params| params.range());
        let failure = failure.expect_err(text);
        assert_eq!(failure.message, format!("parameter from: {text:?} is not a time"));
        assert_eq!(format!("hint: {}", failure.hint.expect("hint")), time_hint);
    }
    check(
        "from=now&to=now-1h",
        read_range,
        expect![[r#"
        parameter from must lie before to
        hint: write epoch milliseconds, RFC 3339 such as 2026-01-31T12:00:00Z, or now, now-15m (units s m h d w)"#]],
    );
    check(
        "form=now",
        read_range,
        expect![[r#"
        there is no parameter "form" here
        hint: did you mean from?"#]],
    );
    check(
        "colour=red",
        read_range,
        expect![[r#"
        there is no parameter "colour" here
        hint: allowed are from, to, service, limit, min, max, attr, trace_id, order, by, step, compare, rows"#]],
    );
    check("service=a&service=b", read_range, expect!["parameter service is given twice"]);
    check(
        "limit=0",
        |params| params.limit(10, 100).map(drop),
        expect![[r#"parameter limit: "0" is not a whole number from 1 to 100"#]],
    );
    check(
        "min=100",
        |params| params.duration_ns("min").map(drop),
        expect![[r#"
        parameter min: "100" is not a duration
        hint: write a number and a unit (ns, us, ms, s, m, h, d, w), such as "300ms" or "7d""#]],
    );
    check(
        "attr=route",
        |params| params.attributes().map(drop),
        expect![[r#"
        parameter attr: "route" is not key=value
        hint: write attr=http.route%3D/cart"#]],
    );
    check(
        "trace_id=xyz",
        |params| params.id::<16>("trace_id").map(drop),
        expect![[r#"parameter trace_id: "xyz" is not 32 hexadecimal digits"#]],
    );
    check(
        "order=best",
        |params| params.choice("order", &[("newest", 1), ("slowest", 2)]).map(drop),
        expect![[r#"
        parameter order: "best" is not known
        hint: write one of newest, slowest"#]],
    );
}

const BY: &[(&str, u8)] = &[("service", 1), ("operation", 2), ("kind", 3)];

/// Scenario: groups, steps, windows to compare with, and numbers that cannot be.
/// Guarantees: the answer says what is wrong with which, and what to write instead.
#[test]
fn refuses_impossible_readings() {
    check(
        "by=service,colour",
        |params| params.choices("by", BY).map(drop),
        expect![[r#"
        parameter by: "colour" is not known
        hint: write some of service, operation, kind, with commas between them"#]],
    );
    check(
        "by=kind,service,kind",
        |params| params.choices("by", BY).map(drop),
        expect![[r#"parameter by: "kind,service,kind" has kind twice"#]],
    );
    let read_step: fn(&Params) -> _ = |params| params.step(params.range()?, 1_000).map(drop);
    check(
        "step=15s",
        read_step,
        expect![[r#"
        parameter step: "15s" is no multiple of ten seconds
        hint: rates are kept in buckets of ten seconds: write 10s, 1m, 1h or another multiple of 10s"#]],
    );
    check(
        "step=10s&from=now-1d",
        read_step,
        expect![[r#"
        parameter step: "10s" cuts the range into more than 1000 points
        hint: write at least 90s, or ask for a shorter range"#]],
    );
    for text in ["0s", "10.5s", "1ms", "5"] {
        params(&format!("step={text}")).and_then(|params| read_step(&params)).expect_err(text);
    }
    let read_compare: fn(&Params) -> _ = |params| params.compare(params.range()?).map(drop);
    check(
        "compare=yesterday",
        read_compare,
        expect![[r#"
        parameter compare: "yesterday" is neither a duration nor a range
        hint: write how much earlier, such as 1h, 1d or 1w, or an earlier range, such as now-2d..now-1d"#]],
    );
    check(
        "compare=now-1d..now-2d",
        read_compare,
        expect![[r#"
        parameter compare: "now-1d..now-2d" ends before it begins
        hint: write how much earlier, such as 1h, 1d or 1w, or an earlier range, such as now-2d..now-1d"#]],
    );
    check(
        "compare=now-30m..now",
        read_compare,
        expect![[r#"
        parameter compare: "now-30m..now" does not begin before the range
        hint: write how much earlier, such as 1h, 1d or 1w, or an earlier range, such as now-2d..now-1d"#]],
    );
    check(
        "rows=7",
        |params| params.whole("rows", 40, 8..=100).map(drop),
        expect![[r#"parameter rows: "7" is not a whole number from 8 to 100"#]],
    );
    check(
        "min=2s&max=1s",
        |params| params.durations().map(drop),
        expect!["parameter min must not exceed max"],
    );
}

/// Scenario: groups in an order of their own, steps, windows so much earlier and windows of their own.
/// Guarantees: each is what it says; without them there are no groups, a step that people know, and no window.
#[test]
fn reads_groups_steps_and_earlier_windows() {
    let params = |query: &str| params(query).expect("valid");
    assert_eq!(params("by=kind,%20service").choices("by", BY), Ok(vec![("kind", 3), ("service", 1)]));
    assert_eq!(params("by=").choices("by", BY), Ok(Vec::new()));
    let step = |query: &str| {
        let params = params(query);
        params.step(params.range().expect("valid"), 1_000).expect("valid").as_secs()
    };
    assert_eq!((step(""), step("step=10s"), step("step=1h")), (60, 10, 3_600));
    let compare = |query: &str| {
        let params = params(query);
        let window = params.compare(params.range().expect("valid")).expect("valid");
        window.map(|window| ((NOW - window.from) / HOUR_NS, (NOW - window.to) / HOUR_NS))
    };
    assert_eq!(
        (compare(""), compare("compare=1d"), compare("compare=1h")),
        (None, Some((25, 24)), Some((2, 1)))
    );
    assert_eq!(compare("compare=now-3d..now-2d"), Some((72, 48)));
    assert_eq!(compare("compare=2026-01-31T00:00:00Z..2026-01-31T06:00:00Z"), Some((12, 6)));
}

/// Scenario: attributes whose values hold the separator, ids in both cases.
/// Guarantees: the first separator counts, empty values are values, ids are bytes.
#[test]
fn reads_attributes_and_ids() {
    let read =
        params("attr=a%3Db%3Dc&attr=http.route%3D&trace_id=00112233445566778899AABBccddeeff").expect("valid");
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(read.attributes(), Ok(vec![pair("a", "b=c"), pair("http.route", "")]));
    let id = read.id::<16>("trace_id").expect("valid").expect("given");
    assert_eq!(id[..3], [0x00, 0x11, 0x22]);
    assert_eq!(id[13..], [0xdd, 0xee, 0xff]);
}

/// Scenario: ranges from a second to ten years.
/// Guarantees: at most 60 whole steps fit, steps are multiples of ten seconds, and grow with the range.
#[test]
fn steps_fit_the_range() {
    let steps =
        [1, 600, 900, 3_600, 6 * 3_600, 86_400, 7 * 86_400, 30 * 86_400, 400 * 86_400, 3_650 * 86_400];
    let mut last = Duration::ZERO;
    for seconds in steps {
        let step = step(TimeRange { from: 0, to: seconds * 1_000_000_000 });
        assert!(step >= last && step.as_secs().is_multiple_of(10), "{seconds} s: {step:?}");
        assert!(seconds as u64 <= step.as_secs() * 60, "{seconds} s: {step:?}");
        last = step;
    }
    assert_eq!(step(TimeRange { from: 0, to: HOUR_NS }), Duration::from_secs(60));
    assert_eq!(step(TimeRange { from: 0, to: 720 * HOUR_NS }), Duration::from_secs(86_400));
    assert_eq!(step_for(TimeRange { from: 0, to: HOUR_NS }, 240), Duration::from_secs(20));
}
