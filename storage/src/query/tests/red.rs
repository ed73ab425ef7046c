//! Rates, errors and quantiles from the read model against brute force.

use super::engines::{Data, everywhere, hot};
use super::rows::{EPOCH, millis, span};
use super::table;
use crate::query::{RedBy, RedQuery, RedTotals, SliQuery, TimeRange};
use expect_test::{Expect, expect};
use serde_json::json;
use std::fmt::Write as _;
use std::time::Duration;

/// Two services over a minute; the shop changes its version half way, and every tenth request fails.
fn data() -> Data {
    let mut spans = Vec::new();
    for n in 0..120_u8 {
        let start = i64::from(n) * 500;
        let version = if n < 60 { "1.0" } else { "2.0" };
        let web = json!({ "is_error": n % 10 == 0 });
        let shop = json!({ "is_error": n % 10 == 0, "service_version": version });
        let took = if n < 60 { 100 } else { 300 };
        spans.push(span(n, 1, None, "web", "GET /", "server", (start, start + 400), web));
        spans.push(span(n, 2, Some(1), "shop", "pay", "server", (start, start + took), shop.clone()));
        spans.push(span(n, 3, Some(2), "shop", "query", "client", (start, start + took / 2), shop));
    }
    Data { spans, ..Data::default() }
}

fn query(by: RedBy) -> RedQuery {
    RedQuery {
        range: TimeRange { from: millis(0), to: millis(60_000) },
        service: None,
        entry_only: true,
        by,
        step: Duration::from_secs(30),
    }
}

fn numbers(totals: &RedTotals) -> String {
    let ms = |ns: Option<i64>| ns.map_or(-1.0, |ns| ns as f64 / 1e6);
    let (p50, p95, p99) = (ms(totals.p50_ns), ms(totals.p95_ns), ms(totals.p99_ns));
    let sum = totals.sum_ns as f64 / 1e9;
    format!("{}/{} p50 {p50:.0} p95 {p95:.0} p99 {p99:.0} sum {sum:.1}s", totals.n_errors, totals.n)
}

async fn check(query: &RedQuery, expected: Expect) {
    let mut first = None;
    for stored in everywhere(&data()).await {
        let mut text = String::new();
        let groups = stored.engine.red(query).await.expect("reads");
        for group in &groups {
            let names = [&group.service, &group.operation, &group.kind, &group.version];
            let names: Vec<&str> =
                names.into_iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
            let seconds = |at: i64| (at - EPOCH) / 1_000_000_000;
            let (from, to) = (seconds(group.first_at), seconds(group.last_at));
            writeln!(text, "{} [{from}s..{to}s] {}", names.join(" "), numbers(&group.total)).expect("writes");
            for (at, totals) in &group.points {
                writeln!(text, "  +{}s {}", seconds(*at), numbers(totals)).expect("writes");
            }
        }
        let n_shown = table(&stored.engine, &query.sql()).await.lines().count().saturating_sub(4);
        assert_eq!(n_shown, groups.len(), "{}", query.sql());
        table(&stored.engine, &query.points_sql()).await;
        assert_eq!(*first.get_or_insert_with(|| text.clone()), text, "{}", stored.place);
    }
    expected.assert_eq(&first.unwrap_or_default());
}

/// Scenario: the same minute by service, operation and version.
/// Guarantees: counts are exact, quantiles within 1 % however many rows were merged.
#[tokio::test]
async fn groups_a_window() {
    check(
        &query(RedBy::Service),
        expect![[r#"
        shop [0s..50s] 12/120 p50 100 p95 301 p99 301 sum 24.0s
          +0s 6/60 p50 100 p95 100 p99 100 sum 6.0s
          +30s 6/60 p50 301 p95 301 p99 301 sum 18.0s
        web [0s..50s] 12/120 p50 400 p95 400 p99 400 sum 48.0s
          +0s 6/60 p50 400 p95 400 p99 400 sum 24.0s
          +30s 6/60 p50 400 p95 400 p99 400 sum 24.0s
    "#]],
    )
    .await;
    check(
        &RedQuery { entry_only: false, ..query(RedBy::Operation) },
        expect![[r#"
        shop pay server [0s..50s] 12/120 p50 100 p95 301 p99 301 sum 24.0s
          +0s 6/60 p50 100 p95 100 p99 100 sum 6.0s
          +30s 6/60 p50 301 p95 301 p99 301 sum 18.0s
        shop query client [0s..50s] 12/120 p50 50 p95 150 p99 150 sum 12.0s
          +0s 6/60 p50 50 p95 50 p99 50 sum 3.0s
          +30s 6/60 p50 150 p95 150 p99 150 sum 9.0s
        web GET / server [0s..50s] 12/120 p50 400 p95 400 p99 400 sum 48.0s
          +0s 6/60 p50 400 p95 400 p99 400 sum 24.0s
          +30s 6/60 p50 400 p95 400 p99 400 sum 24.0s
    "#]],
    )
    .await;
    check(
        &RedQuery { service: Some("shop".into()), ..query(RedBy::Version) },
        expect![[r#"
        shop 1.0 [0s..20s] 6/60 p50 100 p95 100 p99 100 sum 6.0s
          +0s 6/60 p50 100 p95 100 p99 100 sum 6.0s
        shop 2.0 [30s..50s] 6/60 p50 301 p95 301 p99 301 sum 18.0s
          +30s 6/60 p50 301 p95 301 p99 301 sum 18.0s
    "#]],
    )
    .await;
}

/// Scenario: a window that starts inside a bucket and ends at the start of one.
/// Guarantees: the first bucket counts whole, the last one not at all.
#[tokio::test]
async fn windows_are_whole_buckets() {
    let range = TimeRange { from: millis(15_000), to: millis(20_000) };
    check(
        &RedQuery { range, service: Some("web".into()), ..query(RedBy::Service) },
        expect![[r#"
        web [10s..10s] 2/20 p50 400 p95 400 p99 400 sum 8.0s
          +0s 2/20 p50 400 p95 400 p99 400 sum 8.0s
    "#]],
    )
    .await;
    let nothing = TimeRange { from: millis(600_000), to: millis(700_000) };
    check(&RedQuery { range: nothing, ..query(RedBy::Service) }, expect![[""]]).await;
}

/// Scenario: availability and latency of a service, of one operation, of a hostile name.
/// Guarantees: only entry spans count; only steps with data come; the statement shown agrees.
#[tokio::test]
async fn counts_good_events() {
    let availability = SliQuery {
        range: TimeRange { from: millis(0), to: millis(120_000) },
        service: "shop".into(),
        operation: None,
        threshold_ns: None,
        step: Duration::from_secs(30),
    };
    let latency = SliQuery { threshold_ns: Some(200_000_000), ..availability.clone() };
    let operation = SliQuery { operation: Some("query".into()), ..availability.clone() };
    let hostile = SliQuery { service: "x' OR '1'='1".into(), ..availability.clone() };
    for stored in everywhere(&data()).await {
        for (query, expected) in [
            (&availability, vec![(0, 54, 60), (30, 54, 60)]),
            (&latency, vec![(0, 60, 60), (30, 0, 60)]),
            (&operation, vec![]),
            (&hostile, vec![]),
        ] {
            let buckets = stored.engine.sli(query).await.expect("reads");
            let found = buckets
                .iter()
                .map(|bucket| ((bucket.at - EPOCH) / 1_000_000_000, bucket.n_good, bucket.n_total));
            assert_eq!(found.collect::<Vec<_>>(), expected, "{} {query:?}", stored.place);
            let shown = table(&stored.engine, &query.sql()).await;
            for (_, n_good, n_total) in &expected {
                assert!(
                    shown.contains(&format!("| {n_good} ")) && shown.contains(&format!("| {n_total} ")),
                    "{shown}"
                );
            }
        }
    }
}

/// Scenario: services were last seen at different times, in memory and on disk.
/// Guarantees: the newest bucket of each, by name.
#[tokio::test]
async fn remembers_when_services_were_seen() {
    for stored in everywhere(&data()).await {
        let seen = stored.engine.last_seen(None).await.expect("reads");
        assert_eq!(
            seen,
            [("shop".to_owned(), millis(50_000)), ("web".to_owned(), millis(50_000))],
            "{}",
            stored.place
        );
        let late = |since| stored.engine.last_seen(Some(millis(since)));
        assert_eq!(late(50_000).await.expect("reads"), seen);
        assert_eq!(late(50_001).await.expect("reads"), []);
    }
    assert_eq!(hot(&Data::default()).await.engine.last_seen(None).await.expect("reads"), []);
}
