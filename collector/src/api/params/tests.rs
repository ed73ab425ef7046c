//! Tests of parameters: what is read, and what is refused with which words.

use super::*;
use expect_test::{Expect, expect};

/// 2026-01-31T12:00:00Z.
const NOW: i64 = 1_769_860_800_000_000_000;
const HOUR_NS: i64 = 3_600_000_000_000;
const ALLOWED: &[&str] = &["from", "to", "service", "limit", "min", "attr", "trace_id", "order"];

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
        hint: allowed are from, to, service, limit, min, attr, trace_id, order"#]],
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
}
