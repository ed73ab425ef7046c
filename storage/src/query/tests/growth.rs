//! What counters grew by, added up over their series.

use super::engines::{Data, everywhere};
use super::rows::{EPOCH, millis, point};
use super::table;
use crate::query::{GrowthQuery, TimeRange};
use serde_json::{Value, json};
use std::time::Duration;

fn counter(code: &str, value: i64, is_monotonic: bool) -> Value {
    json!({ "unit": "{request}", "temporality": "cumulative", "is_monotonic": is_monotonic, "value": value,
            "start_time": millis(-600_000), "attributes": { "code": code } })
}

fn data() -> Data {
    let mut points = Vec::new();
    for n in 0..7_i64 {
        let at = n * 10_000 - 5_000;
        points.push(point(1, "web", "requests", "sum", at, counter("200", 100 + 9 * n, true)));
        // Starts anew before its fifth point, which has counted four since.
        let failed = if n < 4 { 50 + n } else { 4 + n - 4 };
        points.push(point(2, "web", "requests", "sum", at, counter("500", failed, true)));
        points.push(point(3, "shop", "requests", "sum", at, counter("200", 7 * n, true)));
        points.push(point(4, "web", "queue", "sum", at, counter("200", n, false)));
        let took = json!({ "unit": "s", "temporality": "delta", "start_time": millis(at - 10_000), "count": 20, "sum": 2.0,
                           "explicit_bounds": [1.0], "bucket_counts": [20, 0] });
        points.push(point(5, "web", "took", "histogram", at, took));
    }
    Data { points, ..Data::default() }
}

/// Scenario: counters of two services, one of which starts anew; a sum that may fall; a histogram of deltas.
/// Guarantees: increases of all matching series are added up, from the point before the range on; resets count what came
/// after them; attributes choose; hostile texts are texts; what does not count gives nothing.
#[tokio::test]
async fn series_are_added_up() {
    type Case = (&'static str, &'static [(&'static str, &'static str)], Vec<(i64, f64)>);
    let cases: [Case; 6] = [
        ("requests", &[], vec![(0, 20.0), (20, 23.0), (40, 20.0)]),
        ("requests", &[("code", "500")], vec![(0, 2.0), (20, 5.0), (40, 2.0)]),
        ("requests", &[("code", "x' OR '1'='1")], vec![]),
        ("queue", &[], vec![]),
        ("took", &[], vec![(0, 40.0), (20, 40.0), (40, 40.0)]),
        ("nothing", &[], vec![]),
    ];
    for stored in everywhere(&data()).await {
        for (name, attributes, expected) in &cases {
            let attributes = attributes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
            let query = GrowthQuery {
                range: TimeRange { from: millis(0), to: millis(60_000) },
                name: (*name).to_owned(),
                service: "web".to_owned(),
                attributes: attributes.collect(),
                step: Duration::from_secs(20),
            };
            let answer = stored.engine.growth(&query).await.expect("reads");
            let found = answer.steps.iter().map(|(at, amount)| ((at - EPOCH) / 1_000_000_000, *amount));
            assert_eq!(found.collect::<Vec<_>>(), *expected, "{} {query:?}", stored.place);
            table(&stored.engine, &answer.sql).await;
        }
    }
}
