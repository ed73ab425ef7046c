//! Metrics: catalogue, rates with resets, quantiles of both kinds of histogram.

use super::engines::{Data, everywhere};
use super::rows::{EPOCH, millis, point};
use super::table;
use crate::query::{MetricQuery, TimeRange};
use expect_test::{Expect, expect};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::time::Duration;

fn data() -> Data {
    let mut points = Vec::new();
    for n in 0..6_i64 {
        let at = n * 10_000;
        let cpu =
            |core: &str, value: f64| json!({ "unit": "1", "value": value, "attributes": { "core": core } });
        points.push(point(1, "web", "cpu", "gauge", at, cpu("0", n as f64)));
        points.push(point(2, "web", "cpu", "gauge", at + 1, cpu("1", -n as f64)));
        points.push(point(3, "shop", "cpu", "gauge", at + 2, cpu("0", 0.5)));
        // Grows by 20 every 10 s, restarts before the fourth point.
        let (start, value) = if n < 3 { (-600_000, 1_000 + 20 * n) } else { (25_000, 20 * (n - 2)) };
        points.push(point(4, "web", "requests", "sum", at, sum("cumulative", true, start, value)));
        points.push(point(5, "web", "jobs", "sum", at, sum("delta", true, at - 10_000, 30)));
        points.push(point(6, "web", "queue", "sum", at, sum("cumulative", false, -600_000, 5 - n)));
        points.push(point(7, "web", "latency", "histogram", at, explicit(at - 10_000, [10, 20, 10, 0])));
        points.push(point(8, "shop", "latency", "histogram", at, explicit(at - 10_000, [0, 0, 10, 10])));
        let total = n as u64 + 1;
        points.push(point(
            9,
            "web",
            "size",
            "exponential_histogram",
            at,
            exponential(0, [2 * total, 2 * total]),
        ));
        points.push(point(10, "web", "gc", "summary", at, summary(n as f64)));
    }
    // Says that the series ended; its value means nothing.
    points.push(point(1, "web", "cpu", "gauge", 55_000, json!({ "unit": "1", "flags": 1, "value": 99 })));
    Data { points, ..Data::default() }
}

fn sum(temporality: &str, is_monotonic: bool, start_ms: i64, value: i64) -> Value {
    json!({ "temporality": temporality, "is_monotonic": is_monotonic, "start_time": millis(start_ms),
            "value": value, "value_int": value, "unit": "{request}" })
}

fn explicit(start_ms: i64, counts: [u64; 4]) -> Value {
    json!({ "temporality": "delta", "start_time": millis(start_ms), "unit": "ms", "count": counts.iter().sum::<u64>(),
            "explicit_bounds": [10.0, 20.0, 40.0], "bucket_counts": counts, "description": "how long" })
}

fn exponential(scale: i32, counts: [u64; 2]) -> Value {
    json!({ "temporality": "cumulative", "start_time": millis(-600_000), "scale": scale, "zero_count": 0,
            "positive_offset": 0, "positive_counts": counts, "negative_offset": 0, "negative_counts": [] })
}

fn summary(p99: f64) -> Value {
    json!({ "quantiles": [{ "quantile": 0.5, "value": 1.0 }, { "quantile": 0.99, "value": p99 }] })
}

async fn check(name: &str, change: impl Fn(&mut MetricQuery), expected: Expect) {
    let mut query = MetricQuery {
        range: TimeRange { from: millis(0), to: millis(60_000) },
        name: name.to_owned(),
        service: None,
        step: Duration::from_secs(20),
        series_max: 10,
    };
    change(&mut query);
    let mut first = None;
    for stored in everywhere(&data()).await {
        let mut text = String::new();
        if let Some(data) = stored.engine.metric(&query).await.expect("reads") {
            let truncated = if data.truncated { ", truncated" } else { "" };
            writeln!(text, "{:?}{truncated}", data.view).expect("writes");
            for series in &data.series {
                let labels: Vec<String> =
                    series.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
                let points: Vec<String> = series
                    .points
                    .iter()
                    .map(|(at, value)| format!("+{}s {value:.2}", (at - EPOCH) / 1_000_000_000))
                    .collect();
                writeln!(text, "{{{}}} {}", labels.join(" "), points.join(", ")).expect("writes");
            }
            table(&stored.engine, &data.sql).await;
        }
        assert_eq!(*first.get_or_insert_with(|| text.clone()), text, "{}", stored.place);
    }
    expected.assert_eq(&first.unwrap_or_default());
}

/// Scenario: metrics of all types, some from two services.
/// Guarantees: one row a metric, with its series, points and services counted.
#[tokio::test]
async fn lists_what_there_is() {
    let range = TimeRange { from: millis(0), to: millis(60_000) };
    let mut first = None;
    for stored in everywhere(&data()).await {
        let mut text = String::new();
        for info in stored.engine.metrics(range).await.expect("reads") {
            writeln!(
                text,
                "{} [{}] {} {} {} {:?} {:?} series {} points {} last +{}s",
                info.name,
                info.unit,
                info.metric_type,
                info.temporality.as_deref().unwrap_or("-"),
                info.is_monotonic.map_or("-", |is| if is { "monotonic" } else { "free" }),
                info.description,
                info.services,
                info.n_series,
                info.n_points,
                (info.last_at - EPOCH) / 1_000_000_000,
            )
            .expect("writes");
        }
        assert_eq!(*first.get_or_insert_with(|| text.clone()), text, "{}", stored.place);
    }
    expect![[r#"
        cpu [1] gauge - - "" ["shop", "web"] series 3 points 19 last +55s
        gc [] summary - - "" ["web"] series 1 points 6 last +50s
        jobs [{request}] sum delta monotonic "" ["web"] series 1 points 6 last +50s
        latency [ms] histogram delta - "how long" ["shop", "web"] series 2 points 12 last +50s
        queue [{request}] sum cumulative free "" ["web"] series 1 points 6 last +50s
        requests [{request}] sum cumulative monotonic "" ["web"] series 1 points 6 last +50s
        size [] exponential_histogram cumulative - "" ["web"] series 1 points 6 last +50s
    "#]]
    .assert_eq(&first.unwrap_or_default());
}

/// Scenario: gauges of two services, all, one service's, and fewer series than there are.
/// Guarantees: the last value of each step; labels say what differs; a point without a value is none.
#[tokio::test]
async fn draws_gauges() {
    check(
        "cpu",
        |_| {},
        expect![[r#"
        Value
        {service=shop core=0} +0s 0.50, +20s 0.50, +40s 0.50
        {service=web core=0} +0s 1.00, +20s 3.00, +40s 5.00
        {service=web core=1} +0s -1.00, +20s -3.00, +40s -5.00
    "#]],
    )
    .await;
    check(
        "cpu",
        |query| query.service = Some("web".into()),
        expect![[r#"
        Value
        {core=0} +0s 1.00, +20s 3.00, +40s 5.00
        {core=1} +0s -1.00, +20s -3.00, +40s -5.00
    "#]],
    )
    .await;
    check(
        "cpu",
        |query| query.series_max = 1,
        expect![[r#"
        Value, truncated
        {} +0s 1.00, +20s 3.00, +40s 5.00
    "#]],
    )
    .await;
    check(
        "queue",
        |_| {},
        expect![[r#"
        Value
        {} +0s 4.00, +20s 2.00, +40s 0.00
    "#]],
    )
    .await;
}

/// Scenario: counters, cumulative with a restart, and delta.
/// Guarantees: increase per second, right over the restart and at the first step.
#[tokio::test]
async fn draws_counters_as_rates() {
    check(
        "requests",
        |_| {},
        expect![[r#"
        Rate
        {} +0s 2.00, +20s 2.67, +40s 2.00
    "#]],
    )
    .await;
    check(
        "requests",
        |query| query.range.from = millis(20_000),
        expect![[r#"
        Rate
        {} +20s 2.67, +40s 2.00
    "#]],
    )
    .await;
    check(
        "jobs",
        |_| {},
        expect![[r#"
        Rate
        {} +0s 3.00, +20s 3.00, +40s 3.00
    "#]],
    )
    .await;
    check(
        "jobs",
        |query| query.step = Duration::from_secs(1),
        expect![[r#"
        Rate
        {} +0s 3.00, +10s 3.00, +20s 3.00, +30s 3.00, +40s 3.00, +50s 3.00
    "#]],
    )
    .await;
}

/// Scenario: histograms with explicit bounds of two services; exponential ones; a summary.
/// Guarantees: quantiles of all series together; one service's alone when asked.
#[tokio::test]
async fn draws_quantiles() {
    check(
        "latency",
        |_| {},
        expect![[r#"
        Quantiles
        {quantile=p50} +0s 20.00, +20s 20.00, +40s 20.00
        {quantile=p95} +0s 40.00, +20s 40.00, +40s 40.00
        {quantile=p99} +0s 40.00, +20s 40.00, +40s 40.00
    "#]],
    )
    .await;
    check(
        "latency",
        |query| query.service = Some("shop".into()),
        expect![[r#"
        Quantiles
        {quantile=p50} +0s 40.00, +20s 40.00, +40s 40.00
        {quantile=p95} +0s 40.00, +20s 40.00, +40s 40.00
        {quantile=p99} +0s 40.00, +20s 40.00, +40s 40.00
    "#]],
    )
    .await;
    check(
        "size",
        |_| {},
        expect![[r#"
        Quantiles
        {quantile=p50} +0s 2.00, +20s 2.00, +40s 2.00
        {quantile=p95} +0s 3.73, +20s 3.73, +40s 3.73
        {quantile=p99} +0s 3.94, +20s 3.94, +40s 3.94
    "#]],
    )
    .await;
    check(
        "gc",
        |_| {},
        expect![[r#"
        Value
        {quantile=0.5} +0s 1.00, +20s 1.00, +40s 1.00
        {quantile=0.99} +0s 1.00, +20s 3.00, +40s 5.00
    "#]],
    )
    .await;
}

/// Scenario: a metric that is not there, and a name made to break out of the statement.
/// Guarantees: none.
#[tokio::test]
async fn knows_no_other_metric() {
    check("nope", |_| {}, expect![[""]]).await;
    check("cpu' OR '1'='1", |_| {}, expect![[""]]).await;
}
