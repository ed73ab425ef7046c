//! Chosen metrics of one service: whose points they are, values, rates, sums and counts.

use super::engines::{Data, everywhere};
use super::rows::{EPOCH, millis, point};
use super::table;
use crate::query::{Figure, StreamsQuery, TimeRange};
use expect_test::{Expect, expect};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

fn data() -> Data {
    let mut points = Vec::new();
    for n in 0..6_i64 {
        let at = n * 10_000;
        let used = |state: &str, value: i64| {
            json!({ "unit": "{connection}", "temporality": "cumulative", "is_monotonic": false, "value": value,
                    "service_instance_id": "a", "attributes": { "pool": "main", "state": state } })
        };
        points.push(point(1, "web", "pool", "sum", at, used("used", n)));
        points.push(point(2, "web", "pool", "sum", at, used("idle", 10 - n)));
        // Grows by 5 every 10 s; its agent names a pod.
        let seconds = json!({ "unit": "s", "temporality": "cumulative", "is_monotonic": true, "start_time": millis(-600_000),
                              "value": 100 + 5 * n, "resource": { "k8s.pod.name": "web-7" } });
        points.push(point(3, "web", "cpu", "sum", at, seconds));
        // Twice a second for a tenth of a second.
        let pauses = json!({ "unit": "s", "temporality": "delta", "start_time": millis(at - 10_000), "count": 20, "sum": 2.0,
                             "explicit_bounds": [1.0], "bucket_counts": [20, 0] });
        points.push(point(4, "web", "gc", "histogram", at, pauses));
        points.push(point(5, "shop", "cpu", "sum", at, json!({ "value": 9, "temporality": "cumulative" })));
        points.push(point(6, "web", "other", "gauge", at, json!({ "value": 9 })));
    }
    points.push(point(1, "web", "pool", "sum", 55_000, ended()));
    Data { points, ..Data::default() }
}

/// Says that the series ended; its value means nothing.
fn ended() -> Value {
    json!({ "unit": "{connection}", "temporality": "cumulative", "is_monotonic": false, "value": 99, "flags": 1,
            "service_instance_id": "a", "attributes": { "pool": "main", "state": "used" } })
}

fn query(service: &str, wanted: &[(&str, Figure)]) -> StreamsQuery {
    let wanted = wanted.iter().map(|(name, figure)| ((*name).to_owned(), *figure));
    StreamsQuery {
        range: TimeRange { from: millis(0), to: millis(60_000) },
        service: service.to_owned(),
        step: Duration::from_secs(20),
        wanted: wanted.collect(),
        instances_max: 10,
        series_max: 10,
    }
}

fn shown(points: &[(i64, f64)]) -> String {
    let shown = points.iter().map(|(at, value)| format!("+{}s {value:.2}", (at - EPOCH) / 1_000_000_000));
    shown.collect::<Vec<_>>().join(", ")
}

async fn check(query: StreamsQuery, expected: Expect) {
    let mut first = None;
    for stored in everywhere(&data()).await {
        let found = stored.engine.streams(&query).await.expect("reads");
        let mut text = String::new();
        for metric in &found.metrics {
            let truncated = if metric.truncated { ", truncated" } else { "" };
            writeln!(text, "{} [{}]{truncated}", metric.name, metric.unit).expect("writes");
            for stream in &metric.streams {
                let labels = stream.attributes.iter().map(|(key, value)| format!("{key}={value}"));
                let labels = labels.collect::<Vec<_>>().join(" ");
                writeln!(text, "  {:?} {{{labels}}} {}", stream.instance, shown(&stream.points))
                    .expect("writes");
                if !stream.counts.is_empty() {
                    writeln!(text, "    counts {}", shown(&stream.counts)).expect("writes");
                }
            }
        }
        table(&stored.engine, &found.sql).await;
        assert_eq!(*first.get_or_insert_with(|| text.clone()), text, "{}", stored.place);
    }
    expected.assert_eq(&first.unwrap_or_default());
}

/// Scenario: a pool by state, a counter that an agent read of a pod, and a histogram; another service's counter and a
/// metric that nobody asked for beside them.
/// Guarantees: each stream has its own attributes, its instance or what stands for it, and values, rates or both
/// rates of the histogram; points that say that a series ended are none.
#[tokio::test]
async fn reads_each_stream_by_itself() {
    let wanted =
        [("pool", Figure::Value), ("cpu", Figure::Rate), ("gc", Figure::Rate), ("none", Figure::Rate)];
    check(
        query("web", &wanted),
        expect![[r#"
            cpu [s]
              "web-7" {} +0s 0.50, +20s 0.50, +40s 0.50
            gc [s]
              "" {} +0s 0.20, +20s 0.20, +40s 0.20
                counts +0s 2.00, +20s 2.00, +40s 2.00
            pool [{connection}]
              "a" {pool=main state=idle} +0s 9.00, +20s 7.00, +40s 5.00
              "a" {pool=main state=used} +0s 1.00, +20s 3.00, +40s 5.00
        "#]],
    )
    .await;
}

/// Scenario: fewer series may be read than there are; values are asked of a histogram; a service that sends nothing,
/// and a name made to break out of the statement.
/// Guarantees: the largest are kept and the rest is said to be missing; what has no value is left out.
#[tokio::test]
async fn is_bounded_and_strict() {
    let one = StreamsQuery { series_max: 1, ..query("web", &[("pool", Figure::Value)]) };
    check(
        one,
        expect![[r#"
            pool [{connection}], truncated
              "a" {pool=main state=idle} +0s 9.00, +20s 7.00, +40s 5.00
        "#]],
    )
    .await;
    check(query("web", &[("gc", Figure::Value)]), expect![""]).await;
    check(query("nobody' OR ''='", &[("x' OR ''='", Figure::Value)]), expect![""]).await;
    check(StreamsQuery { wanted: BTreeMap::new(), ..query("web", &[]) }, expect![""]).await;
}
