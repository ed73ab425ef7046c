//! Rates, errors and quantiles from the read model against brute force.

use super::engines::{Data, everywhere, hot, with_options};
use super::rows::{EPOCH, millis, span};
use super::table;
use crate::ids::Table;
use crate::query::{RedAnswer, RedBy, RedGroup, RedQuery, RedTotals, SliQuery, TimeRange};
use crate::read_models::Resolution;
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

const BY_OPERATION: [RedBy; 3] = [RedBy::Operation, RedBy::Kind, RedBy::Service];

fn query(by: &[RedBy]) -> RedQuery {
    RedQuery {
        range: TimeRange { from: millis(0), to: millis(60_000) },
        only: Vec::new(),
        entry_only: true,
        by: by.to_vec(),
        step: Duration::from_secs(30),
    }
}

fn only(service: &str) -> Vec<(RedBy, String)> {
    vec![(RedBy::Service, service.to_owned())]
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
        let answer = stored.engine.red(query).await.expect("reads");
        assert!(!answer.is_coarser);
        for group in &answer.groups {
            let names: Vec<&str> =
                RedBy::ALL.iter().map(|by| group.value(*by)).filter(|name| !name.is_empty()).collect();
            let seconds = |at: i64| (at - EPOCH) / 1_000_000_000;
            let (from, to) = (seconds(group.first_at), seconds(group.last_at));
            writeln!(text, "{} [{from}s..{to}s] {}", names.join(" "), numbers(&group.total)).expect("writes");
            for (at, totals) in &group.points {
                writeln!(text, "  +{}s {}", seconds(*at), numbers(totals)).expect("writes");
            }
        }
        let n_rows = async |sql: &str| table(&stored.engine, sql).await.lines().count().saturating_sub(4);
        let n_points: usize = answer.groups.iter().map(|group| group.points.len()).sum();
        assert_eq!(n_rows(&answer.sql).await, answer.groups.len(), "{}", answer.sql);
        assert_eq!(n_rows(&answer.points_sql).await, n_points, "{}", answer.points_sql);
        assert_eq!(*first.get_or_insert_with(|| text.clone()), text, "{}", stored.place);
    }
    expected.assert_eq(&first.unwrap_or_default());
}

/// Scenario: the same minute by service, operation and version.
/// Guarantees: counts are exact, quantiles within 1 % however many rows were merged.
#[tokio::test]
async fn groups_a_window() {
    check(
        &query(&[RedBy::Service]),
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
        &RedQuery { entry_only: false, ..query(&BY_OPERATION) },
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
        &RedQuery { only: only("shop"), ..query(&[RedBy::Service, RedBy::Version]) },
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
        &RedQuery { range, only: only("web"), ..query(&[RedBy::Service]) },
        expect![[r#"
        web [10s..10s] 2/20 p50 400 p95 400 p99 400 sum 8.0s
          +0s 2/20 p50 400 p95 400 p99 400 sum 8.0s
    "#]],
    )
    .await;
    let nothing = TimeRange { from: millis(600_000), to: millis(700_000) };
    check(&RedQuery { range: nothing, ..query(&[RedBy::Service]) }, expect![[""]]).await;
}

/// Scenario: availability and latency of a service, of one operation, of spans with an attribute, of hostile texts.
/// Guarantees: only entry spans count; only steps with data come; the statement shown agrees.
#[tokio::test]
async fn counts_good_events() {
    let availability = SliQuery {
        range: TimeRange { from: millis(0), to: millis(120_000) },
        service: "shop".into(),
        operation: None,
        attributes: Vec::new(),
        threshold_ns: None,
        step: Duration::from_secs(30),
    };
    let latency = SliQuery { threshold_ns: Some(200_000_000), ..availability.clone() };
    let operation = SliQuery { operation: Some("query".into()), ..availability.clone() };
    let hostile = SliQuery { service: "x' OR '1'='1".into(), ..availability.clone() };
    let with = |key: &str, value: &str| vec![(key.to_owned(), value.to_owned())];
    let version = SliQuery { attributes: with("service.version", "2.0"), ..availability.clone() };
    let late = SliQuery { threshold_ns: Some(200_000_000), ..version.clone() };
    let strange = SliQuery { attributes: with("k'", "x' OR '1'='1"), ..availability.clone() };
    for stored in everywhere(&data()).await {
        for (query, expected) in [
            (&availability, vec![(0, 54, 60), (30, 54, 60)]),
            (&latency, vec![(0, 60, 60), (30, 0, 60)]),
            (&operation, vec![]),
            (&hostile, vec![]),
            (&version, vec![(30, 54, 60)]),
            (&late, vec![(30, 0, 60)]),
            (&strange, vec![]),
        ] {
            let answer = stored.engine.sli(query).await.expect("reads");
            assert!(!answer.is_coarser);
            let found = answer
                .buckets
                .iter()
                .map(|bucket| ((bucket.at - EPOCH) / 1_000_000_000, bucket.n_good, bucket.n_total));
            assert_eq!(found.collect::<Vec<_>>(), expected, "{} {query:?}", stored.place);
            let shown = table(&stored.engine, &answer.sql).await;
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
/// Guarantees: when the last span of each ended, by name; of all time, since a moment, and of one service.
#[tokio::test]
async fn remembers_when_services_were_seen() {
    for stored in everywhere(&data()).await {
        let seen = async |since: Option<i64>, service: Option<&str>| {
            stored.engine.last_seen(since.map(millis), service).await.expect("reads")
        };
        let (shop, web) = (("shop".to_owned(), millis(59_800)), ("web".to_owned(), millis(59_900)));
        let both = [shop.clone(), web.clone()];
        assert_eq!(seen(None, None).await, both, "{}", stored.place);
        assert_eq!(seen(Some(59_800), None).await, both, "{}", stored.place);
        assert_eq!(seen(Some(59_801), None).await, std::slice::from_ref(&web), "{}", stored.place);
        assert_eq!(seen(Some(59_901), None).await, [], "{}", stored.place);
        assert_eq!(seen(None, Some("shop")).await, [shop], "{}", stored.place);
        assert_eq!(seen(Some(0), Some("x' OR '1'='1")).await, [], "{}", stored.place);
    }
    let nothing = hot(&Data::default()).await.engine;
    assert_eq!(nothing.last_seen(None, None).await.expect("reads"), []);
}

/// Scenario: spans of three hours, whose last are a minute old: whole hours and minutes are in the range.
/// Guarantees: the groups, points and statements of coarse tables are those of ten seconds.
#[tokio::test]
async fn coarse_tables_tell_the_same() {
    let mut spans = Vec::new();
    for n in 0..200_u8 {
        let start = i64::from(n) * 54_000;
        let extra = json!({ "is_error": n % 7 == 0, "http_response_status_code": if n % 7 == 0 { 500 } else { 200 } });
        spans.push(span(n, 1, None, "web", "GET /", "server", (start, start + 100 + i64::from(n)), extra));
    }
    spans.push(span(201, 1, None, "old", "run", "server", (60_000, 61_000), json!({})));
    let data = Data { spans, ..Data::default() };
    let range = TimeRange { from: millis(30_000), to: millis(3 * 3_600_000 - 30_000) };
    for stored in everywhere(&data).await {
        let by = [RedBy::Service, RedBy::StatusClass];
        let of_step = |step_s| RedQuery { range, step: Duration::from_secs(step_s), ..query(&by) };
        let fine = stored.engine.red(&of_step(10)).await.expect("reads");
        for step_s in [60, 3_600, 10_800] {
            let coarse = stored.engine.red(&of_step(step_s)).await.expect("reads");
            assert!(coarse.sql.contains("red_1m"), "{}", coarse.sql);
            assert_eq!(coarse.sql.contains("red_1h"), step_s > 60, "{}", coarse.sql);
            assert_eq!(coarse.counted, fine.counted);
            let totals = |answer: &RedAnswer| {
                let total =
                    |group: &RedGroup| (group.service.clone(), group.status_class.clone(), group.total);
                answer.groups.iter().map(total).collect::<Vec<_>>()
            };
            assert_eq!(totals(&coarse), totals(&fine), "{} {step_s}", stored.place);
            let shown = table(&stored.engine, &coarse.sql).await;
            assert_eq!(shown, table(&stored.engine, &fine.sql).await, "{} {step_s}", stored.place);
            for group in &coarse.groups {
                let n: u64 = group.points.iter().map(|(_, point)| point.n).sum();
                assert_eq!(n, group.total.n);
                assert!(group.points.iter().all(|(at, _)| at % (step_s as i64 * 1_000_000_000) == 0));
            }
        }
        let services = RedQuery { range, step: Duration::from_secs(3_600), ..query(&[RedBy::Service]) };
        let services = stored.engine.red(&services).await.expect("reads");
        assert!(services.sql.contains("FROM service_red_1h"), "{}", services.sql);
        let n_of_web = |answer: &RedAnswer| -> u64 {
            let of_web = answer.groups.iter().filter(|group| group.service == "web");
            of_web.map(|group| group.total.n).sum()
        };
        assert_eq!((services.groups.len(), n_of_web(&services)), (2, n_of_web(&fine)));
    }
}

/// Scenario: rows of ten seconds and of minutes have left by age, those of hours are there.
/// Guarantees: the hours that hold the range stand in, whole, and that is told.
#[tokio::test]
async fn what_is_gone_is_read_by_the_hour() {
    let stored = with_options(&data(), |_| {}).await;
    stored.engine.flush().await.expect("flushes");
    stored.engine.tick(EPOCH + 41 * 86_400 * 1_000_000_000).await.expect("expires");
    for resolution in [Resolution::TenSeconds, Resolution::Minute] {
        assert!(stored.engine.snapshot(Table::Red(resolution)).segments.is_empty());
    }
    let range = TimeRange { from: millis(10_000), to: millis(20_000) };
    let answer = stored.engine.red(&RedQuery { range, ..query(&[RedBy::Service]) }).await.expect("reads");
    let hour = TimeRange { from: EPOCH, to: EPOCH + 3_600_000_000_000 };
    assert_eq!((answer.is_coarser, answer.counted), (true, hour));
    let found: Vec<_> = answer.groups.iter().map(|group| (group.service.as_str(), group.total.n)).collect();
    assert_eq!(found, [("shop", 120), ("web", 120)]);
    let query = SliQuery {
        range,
        service: "shop".into(),
        operation: Some("pay".into()),
        attributes: Vec::new(),
        threshold_ns: None,
        step: Duration::from_secs(10),
    };
    let answer = stored.engine.sli(&query).await.expect("reads");
    assert_eq!((answer.is_coarser, answer.buckets[0].n_total), (true, 120));
}

/// Scenario: groups by every dimension and by none, and only some spans, of sampled traces.
/// Guarantees: each has its own counts; what spans stand for is counted beside them, and marked.
#[tokio::test]
async fn groups_by_any_dimension() {
    let told = |more: serde_json::Value| {
        let mut all = json!({
            "environment": "production", "service_instance_id": "a", "service_version": "1",
            "http_response_status_code": 204, "trace_state": "ot=th:8",
        });
        all.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        all
    };
    let spans = vec![
        span(1, 1, None, "web", "GET /", "server", (0, 10), told(json!({}))),
        span(2, 1, None, "web", "GET /", "server", (0, 20), told(json!({"service_instance_id": "b"}))),
        span(
            3,
            1,
            None,
            "web",
            "GET /",
            "server",
            (0, 30),
            told(json!({"http_response_status_code": 503, "is_error": true})),
        ),
        span(
            4,
            1,
            None,
            "web",
            "Call",
            "server",
            (0, 40),
            json!({"rpc_response_status_code": "UNAVAILABLE"}),
        ),
        span(5, 1, None, "web", "GET /", "client", (0, 50), told(json!({"environment": "test"}))),
    ];
    let data = Data { spans, ..Data::default() };
    let names = |group: &RedGroup| RedBy::ALL.map(|by| group.value(by).to_owned()).join("|");
    for stored in everywhere(&data).await {
        let read = async |query: RedQuery| stored.engine.red(&query).await.expect("reads").groups;
        let all = read(RedQuery { entry_only: false, ..query(&RedBy::ALL) }).await;
        let found: Vec<String> =
            all.iter().map(|group| format!("{} {}", names(group), group.total.n)).collect();
        assert_eq!(
            found,
            [
                "web|Call|server|UNAVAILABLE||| 1",
                "web|GET /|client|2xx|1|test|a 1",
                "web|GET /|server|2xx|1|production|a 1",
                "web|GET /|server|2xx|1|production|b 1",
                "web|GET /|server|5xx|1|production|a 1",
            ],
            "{}",
            stored.place
        );
        let one = read(query(&[])).await;
        assert_eq!((one.len(), one[0].total.n, one[0].total.n_errors), (1, 4, 1));
        assert_eq!((one[0].total.n_adjusted(), one[0].total.n_errors_adjusted()), (7.0, 2.0));
        assert!(one[0].total.is_estimate());
        let only = vec![(RedBy::StatusClass, "5xx".to_owned()), (RedBy::Instance, "a".to_owned())];
        let failed = read(RedQuery { only, ..query(&[RedBy::Environment]) }).await;
        assert_eq!((failed.len(), failed[0].environment.as_str(), failed[0].total.n), (1, "production", 1));
        let without = vec![(RedBy::Version, String::new())];
        let calls = read(RedQuery { only: without, ..query(&[RedBy::Version, RedBy::Version]) }).await;
        assert_eq!((calls.len(), calls[0].total.n, calls[0].total.is_estimate()), (1, 1, false));
    }
}
