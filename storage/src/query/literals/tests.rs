//! Hostile text stays a literal.

use super::{binary, contains_pattern, interval, text, timestamp};
use arrow::array::AsArray;
use arrow::datatypes::{Int64Type, TimestampNanosecondType};
use datafusion::prelude::SessionContext;
use proptest::prelude::*;
use std::time::Duration;

const HOSTILE: [&str; 14] = [
    "",
    "'",
    "''",
    "' OR '1'='1",
    "'; DROP TABLE spans; --",
    "\\",
    "\\'",
    "\\' OR 1=1 --",
    "line\nbreak\r\ttab",
    "nul\0bell\u{7}escape\u{1b}[31m",
    "/* comment */ -- rest",
    "$1 ? :name @var {{x}} ${y}",
    "\u{2019}\u{ff07}\u{202e}\u{1f980}",
    "%_\\%",
];

async fn evaluate(sql: &str) -> arrow::array::RecordBatch {
    let frame = SessionContext::new().sql(sql).await.unwrap_or_else(|error| panic!("{sql:?}: {error}"));
    let batches = frame.collect().await.unwrap_or_else(|error| panic!("{sql:?}: {error}"));
    arrow::compute::concat_batches(&batches[0].schema(), &batches).expect("one schema")
}

/// Scenario: strings made to break out of a literal are put into a statement.
/// Guarantees: the engine reads back exactly the same string.
#[tokio::test]
async fn hostile_text_reads_back_equal() {
    for hostile in HOSTILE {
        let batch = evaluate(&format!("SELECT {} AS x, 7 AS after", text(hostile))).await;
        assert_eq!(batch.column(0).as_string::<i32>().value(0), hostile);
        assert_eq!(batch.column(1).as_primitive::<Int64Type>().value(0), 7);
    }
}

/// Scenario: a search text holds the wildcards of LIKE and its escape character.
/// Guarantees: it is found where it occurs, whatever the case, and nowhere else.
#[tokio::test]
async fn patterns_match_literally() {
    let cases = [
        ("100%", "up to 100% off", true),
        ("100%", "up to 1000 off", false),
        ("a_b", "xA_By", true),
        ("a_b", "xacby", false),
        ("c:\\tmp", "open C:\\TMP\\x", true),
        ("it's", "IT'S", true),
        ("two\nlines", "has TWO\nLINES in it", true),
        ("\u{e9}t\u{e9}", "\u{c9}T\u{c9}", true),
        (".*", "anything", false),
        ("", "anything", true),
    ];
    for (needle, hay, found) in cases {
        let sql = format!("SELECT {} ILIKE {} AS x", text(hay), contains_pattern(needle));
        assert_eq!(evaluate(&sql).await.column(0).as_boolean().value(0), found, "{needle:?} in {hay:?}");
    }
}

/// Scenario: moments with nanoseconds, before 1970 and at the ends of 64 bits.
/// Guarantees: the literal is that moment to the nanosecond.
#[tokio::test]
async fn timestamps_keep_every_digit() {
    let moments = [
        0,
        1,
        -1,
        1_764_000_000_123_456_789,
        1_764_000_000_000_000_000,
        i64::MAX,
        -9_223_372_036_000_000_000,
    ];
    for at in moments {
        let sql = format!("SELECT arrow_cast({}, 'Timestamp(Nanosecond, None)') AS x", timestamp(at));
        let batch = evaluate(&sql).await;
        assert_eq!(batch.column(0).as_primitive::<TimestampNanosecondType>().value(0), at, "{sql}");
    }
}

/// Scenario: bytes and spans of time become literals.
/// Guarantees: they are written in full.
#[test]
fn writes_binary_and_intervals() {
    assert_eq!(binary(&[0x00, 0xab, 0xff]), "X'00abff'");
    assert_eq!(interval(Duration::from_secs(90)), "INTERVAL '90 seconds'");
    assert_eq!(interval(Duration::from_millis(1500)), "INTERVAL '1500000000 nanoseconds'");
    assert_eq!(interval(Duration::ZERO), "INTERVAL '1 nanoseconds'");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Scenario: any string at all becomes a literal.
    /// Guarantees: the parser sees one literal that reads back as the same string.
    #[test]
    fn any_text_is_one_literal(value in any::<String>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
        let batch = runtime.block_on(evaluate(&format!("SELECT {} AS x", text(&value))));
        prop_assert_eq!(batch.column(0).as_string::<i32>().value(0), value);
    }
}
