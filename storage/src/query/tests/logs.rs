//! Search of logs: conditions, order, histogram.

use super::engines::{Data, everywhere};
use super::rows::{EPOCH, hex, log, millis, span_id, trace_id};
use super::table;
use crate::query::{LogSearch, TimeRange};
use arrow::array::AsArray;
use expect_test::{Expect, expect};
use serde_json::json;
use std::fmt::Write as _;
use std::time::Duration;

fn data() -> Data {
    let ids = json!({ "trace_id": hex(&trace_id(1)), "span_id": hex(&span_id(2)) });
    let logs = vec![
        log(1_000, "web", "info", "Request started", json!({ "attributes": { "user.id": "u1" } })),
        log(2_000, "web", "error", "Payment FAILED: card's 100% declined\nat shop\\pay", ids),
        log(12_000, "shop", "warn", "slow query", json!({ "resource": { "host.name": "h1" } })),
        log(13_000, "shop", "unset", "payment noted", json!({ "scope": { "lib": "log4j" } })),
        log(25_000, "shop", "fatal", "out of memory", json!({})),
        log(99_000, "shop", "fatal", "payment failed, out of range", json!({})),
    ];
    Data { logs, ..Data::default() }
}

/// All logs of a minute.
pub(super) fn search() -> LogSearch {
    LogSearch {
        range: TimeRange { from: millis(0), to: millis(60_000) },
        text: None,
        words: Vec::new(),
        pattern: None,
        service: None,
        severity_min: None,
        trace_id: None,
        span_id: None,
        attributes: Vec::new(),
        limit: 10,
        step: Duration::from_secs(10),
    }
}

async fn check(change: impl Fn(&mut LogSearch), expected: Expect) {
    let mut search = search();
    change(&mut search);
    let mut first = None;
    for stored in everywhere(&data()).await {
        let hits = stored.engine.search_logs(&search).await.expect("searches");
        let mut text = String::new();
        for batch in &hits.rows {
            assert_eq!(batch.schema().fields(), crate::schema::logs().fields());
            for body in batch.column_by_name("body").expect("a column").as_string::<i32>() {
                writeln!(text, "{:?}", body.expect("not null")).expect("writes");
            }
        }
        writeln!(text, "{} matched{}", hits.n_matched, if hits.truncated { ", truncated" } else { "" })
            .expect("writes");
        for (at, severity, n) in &hits.histogram {
            writeln!(text, "+{}s {severity} {n}", (at - EPOCH) / 1_000_000_000).expect("writes");
        }
        let n_rows: usize = hits.rows.iter().map(|batch| batch.num_rows()).sum();
        let n_shown = table(&stored.engine, &format!("SELECT count(*) AS n FROM ({})", hits.sql)).await;
        assert!(n_shown.contains(&format!("| {n_rows} ")), "{n_shown}");
        assert_eq!(*first.get_or_insert_with(|| text.clone()), text, "{}", stored.place);
    }
    expected.assert_eq(&first.unwrap_or_default());
}

/// Scenario: a range, a limit, a service, a lowest severity.
/// Guarantees: newest first; all matches are counted and drawn; records without severity are not
/// taken for severe ones.
#[tokio::test]
async fn finds_and_counts() {
    check(
        |_| {},
        expect![[r#"
        "out of memory"
        "payment noted"
        "slow query"
        "Payment FAILED: card's 100% declined\nat shop\\pay"
        "Request started"
        5 matched
        +0s error 1
        +0s info 1
        +10s unset 1
        +10s warn 1
        +20s fatal 1
    "#]],
    )
    .await;
    check(
        |search| search.limit = 2,
        expect![[r#"
        "out of memory"
        "payment noted"
        5 matched, truncated
        +0s error 1
        +0s info 1
        +10s unset 1
        +10s warn 1
        +20s fatal 1
    "#]],
    )
    .await;
    check(
        |search| search.service = Some("web".into()),
        expect![[r#"
        "Payment FAILED: card's 100% declined\nat shop\\pay"
        "Request started"
        2 matched
        +0s error 1
        +0s info 1
    "#]],
    )
    .await;
    check(
        |search| search.severity_min = Some(13),
        expect![[r#"
        "out of memory"
        "slow query"
        "Payment FAILED: card's 100% declined\nat shop\\pay"
        3 matched
        +0s error 1
        +10s warn 1
        +20s fatal 1
    "#]],
    )
    .await;
    check(
        |search| search.severity_min = Some(-5),
        expect![[r#"
        "out of memory"
        "slow query"
        "Payment FAILED: card's 100% declined\nat shop\\pay"
        "Request started"
        4 matched
        +0s error 1
        +0s info 1
        +10s warn 1
        +20s fatal 1
    "#]],
    )
    .await;
}

/// Scenario: texts in other case, with wildcards, quotes, line breaks and backslashes in them.
/// Guarantees: a plain substring search.
#[tokio::test]
async fn finds_text_literally() {
    let text = |text: &'static str| move |search: &mut LogSearch| search.text = Some(text.to_owned());
    check(
        text("payment"),
        expect![[r#"
        "payment noted"
        "Payment FAILED: card's 100% declined\nat shop\\pay"
        2 matched
        +0s error 1
        +10s unset 1
    "#]],
    )
    .await;
    check(
        text("CARD'S 100%"),
        expect![[r#"
        "Payment FAILED: card's 100% declined\nat shop\\pay"
        1 matched
        +0s error 1
    "#]],
    )
    .await;
    check(
        text("declined\nAT shop\\pay"),
        expect![[r#"
        "Payment FAILED: card's 100% declined\nat shop\\pay"
        1 matched
        +0s error 1
    "#]],
    )
    .await;
    check(
        text("100_"),
        expect![[r#"
        0 matched
    "#]],
    )
    .await;
    check(
        text("' OR true --"),
        expect![[r#"
        0 matched
    "#]],
    )
    .await;
    check(
        text(""),
        expect![[r#"
        "out of memory"
        "payment noted"
        "slow query"
        "Payment FAILED: card's 100% declined\nat shop\\pay"
        "Request started"
        5 matched
        +0s error 1
        +0s info 1
        +10s unset 1
        +10s warn 1
        +20s fatal 1
    "#]],
    )
    .await;
}

/// Scenario: whole words, parts of words, several words; text in another script.
/// Guarantees: only whole words are found, in any case and any order.
#[tokio::test]
async fn finds_words() {
    let words = |words: &'static [&'static str]| {
        move |search: &mut LogSearch| search.words = words.iter().map(|&word| word.to_owned()).collect()
    };
    check(
        words(&["declined", "PAYMENT"]),
        expect![[r#"
        "Payment FAILED: card's 100% declined\nat shop\\pay"
        1 matched
        +0s error 1
    "#]],
    )
    .await;
    check(
        words(&["pay"]),
        expect![[r#"
        "Payment FAILED: card's 100% declined\nat shop\\pay"
        1 matched
        +0s error 1
    "#]],
    )
    .await;
    check(
        words(&["paymen"]),
        expect![[r#"
        0 matched
    "#]],
    )
    .await;
    check(
        words(&["memory", "query"]),
        expect![[r#"
        0 matched
    "#]],
    )
    .await;
    check(
        words(&["", "card's"]),
        expect![[r#"
        "Payment FAILED: card's 100% declined\nat shop\\pay"
        1 matched
        +0s error 1
    "#]],
    )
    .await;
    check(
        words(&["' OR true --"]),
        expect![[r#"
        0 matched
    "#]],
    )
    .await;
}

/// Scenario: regular expressions that anchor, choose, take case into account or not; hostile and broken ones.
/// Guarantees: they are found where they match; a mistake is told as the asker's.
#[tokio::test]
async fn finds_patterns() {
    let pattern =
        |pattern: &'static str| move |search: &mut LogSearch| search.pattern = Some(pattern.to_owned());
    check(
        pattern("^slow|memory$"),
        expect![[r#"
        "out of memory"
        "slow query"
        2 matched
        +10s warn 1
        +20s fatal 1
    "#]],
    )
    .await;
    check(
        pattern("(?i)^payment (failed|noted)"),
        expect![[r#"
        "payment noted"
        "Payment FAILED: card's 100% declined\nat shop\\pay"
        2 matched
        +0s error 1
        +10s unset 1
    "#]],
    )
    .await;
    check(
        pattern("^payment"),
        expect![[r#"
        "payment noted"
        1 matched
        +10s unset 1
    "#]],
    )
    .await;
    check(
        pattern(r"card's \d+% \w+\nat shop\\"),
        expect![[r#"
        "Payment FAILED: card's 100% declined\nat shop\\pay"
        1 matched
        +0s error 1
    "#]],
    )
    .await;
    check(
        pattern(r"^' OR '1'='1|\bquery\b"),
        expect![[r#"
        "slow query"
        1 matched
        +10s warn 1
    "#]],
    )
    .await;
    let stored = super::engines::hot(&data()).await;
    for pattern in ["(", "a{1,99999999}", "[z-a]", r"(?<=a)b", r"(a)\1"] {
        let search = LogSearch { pattern: Some(pattern.to_owned()), ..search() };
        let error = stored.engine.search_logs(&search).await.expect_err(pattern);
        assert!(matches!(error, crate::error::Error::BadPattern { .. }), "{pattern}: {error:?}");
    }
}

/// Scenario: records of a trace, of a span, with an attribute of their own, their resource, their scope.
/// Guarantees: each is found.
#[tokio::test]
async fn finds_by_ids_and_attributes() {
    check(
        |search| search.trace_id = Some(trace_id(1)),
        expect![[r#"
        "Payment FAILED: card's 100% declined\nat shop\\pay"
        1 matched
        +0s error 1
    "#]],
    )
    .await;
    check(
        |search| search.span_id = Some(span_id(3)),
        expect![[r#"
        0 matched
    "#]],
    )
    .await;
    for (key, value) in [("user.id", "u1"), ("host.name", "h1"), ("lib", "log4j")] {
        let one = |search: &mut LogSearch| search.attributes.push((key.into(), value.into()));
        let mut with = search();
        one(&mut with);
        for stored in everywhere(&data()).await {
            assert_eq!(stored.engine.search_logs(&with).await.expect("searches").n_matched, 1, "{key}");
        }
    }
}
