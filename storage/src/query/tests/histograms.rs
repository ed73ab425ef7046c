//! The functions over `duration_hdr`, against the durations themselves.

use super::engines::{Data, everywhere, with_options};
use super::rows::span;
use super::{query, table};
use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use serde_json::json;

/// Durations of two services, some of milliseconds, some of seconds.
fn data() -> Data {
    let spans = (0..120_i64).map(|n| {
        let service = if n % 3 == 0 { "web" } else { "shop" };
        let mut row = span(1, n as u8, None, service, "pay", "server", (n * 700, n * 700), json!({}));
        row["duration_ns"] = json!(1_000_003 * (n + 1) * (1 + n % 7));
        row
    });
    Data { spans: spans.collect(), ..Data::default() }
}

/// The value below or at which this share of the sorted durations lies.
fn exact(service: &str, quantile: f64) -> i64 {
    let spans = data().spans;
    let of_service = spans.iter().filter(|row| row["service"] == service);
    let mut durations: Vec<i64> =
        of_service.map(|row| row["duration_ns"].as_i64().expect("a number")).collect();
    durations.sort_unstable();
    let rank = (quantile * durations.len() as f64).ceil().max(1.0) as usize;
    durations[rank - 1]
}

/// Scenario: quantiles by service in every way of writing them: at once, of a merged histogram, of merged
/// histograms merged again, in a window.
/// Guarantees: all agree, and are within 1 % of the exact quantile.
#[tokio::test]
async fn merged_quantiles_are_within_a_percent() {
    for stored in everywhere(&data()).await {
        for quantile in [0.0, 0.5, 0.9, 0.99, 1.0] {
            let sql = format!(
                "SELECT r.service, hdr_quantile(r.duration_hdr, {quantile}) AS at_once, \
                 hdr_quantile(hdr_merge(r.duration_hdr), {quantile}) AS merged, \
                 hdr_quantile_of(max(again), {quantile}) AS again FROM red r \
                 JOIN (SELECT service, hdr_merge(h) AS again FROM \
                 (SELECT service, bucket, hdr_merge(duration_hdr) AS h FROM red GROUP BY 1, 2) GROUP BY 1) a \
                 ON a.service = r.service GROUP BY r.service ORDER BY r.service"
            );
            let batches = query(&stored.engine, &sql).await.unwrap_or_else(|error| panic!("{error:?}"));
            let mut n_rows = 0;
            for batch in &batches {
                let services = batch.column(0).as_string::<i32>();
                for row in 0..batch.num_rows() {
                    let exact = exact(services.value(row), quantile);
                    for column in 1..4 {
                        let value = batch.column(column).as_primitive::<Int64Type>().value(row);
                        assert!(
                            (value - exact).abs() * 100 <= exact,
                            "{} {quantile} {value} {exact}",
                            stored.place
                        );
                    }
                    n_rows += 1;
                }
            }
            assert_eq!(n_rows, 2);
        }
        let raw = "SELECT service, hdr_quantile(hdr_of(duration_ns), 0.9) AS at_once, \
                   hdr_quantile_of(hdr_of(duration_ns) FILTER (WHERE duration_ns >= 0), 0.9) AS filtered, \
                   hdr_quantile(hdr_of(CASE WHEN duration_ns < 0 THEN 1 END), 0.9) AS none \
                   FROM spans GROUP BY service";
        for batch in &query(&stored.engine, raw).await.unwrap_or_else(|error| panic!("{error:?}")) {
            for row in 0..batch.num_rows() {
                let exact = exact(batch.column(0).as_string::<i32>().value(row), 0.9);
                for column in 1..3 {
                    let value = batch.column(column).as_primitive::<Int64Type>().value(row);
                    assert!((value - exact).abs() * 100 <= exact, "{} {value} {exact}", stored.place);
                }
                assert!(batch.column(3).is_null(row));
            }
        }
        let running = "SELECT bucket, hdr_quantile(hdr_merge(duration_hdr) OVER (ORDER BY bucket), 0.5) AS p50 \
                       FROM red WHERE service = 'web' ORDER BY bucket";
        assert!(table(&stored.engine, running).await.lines().count() > 5);
    }
}

/// Scenario: nothing to merge, an impossible quantile, bytes that are no histogram, a filter in the wrong place.
/// Guarantees: null, and mistakes that say what is wrong.
#[tokio::test]
async fn mistakes_with_histograms_are_explained() {
    let stored = with_options(&data(), |_| {}).await;
    let empty =
        "SELECT hdr_quantile(hdr_merge(duration_hdr), 0.5) IS NULL AS none FROM red WHERE service = 'x'";
    assert!(table(&stored.engine, empty).await.contains("true"));
    for (sql, part) in [
        ("SELECT hdr_quantile(hdr_merge(duration_hdr), 50) FROM red", "between 0 and 1, not 50"),
        ("SELECT hdr_quantile_of(duration_hdr, -1) FROM red", "between 0 and 1, not -1"),
        ("SELECT hdr_quantile_of(X'07', 0.5)", "duration histogram cannot be read: its version is unknown"),
        ("SELECT hdr_merge(X'01ff') FROM red", "duration histogram cannot be read: it is cut short"),
        ("SELECT hdr_merge(service) FROM red", "hdr_merge(Binary)"),
        (
            "SELECT hdr_quantile(hdr_merge(duration_hdr), 0.5) FILTER (WHERE is_entry) FROM red",
            "belong into hdr_merge",
        ),
    ] {
        let error = query(&stored.engine, sql).await.expect_err(sql);
        assert!(error.to_string().contains(part), "{sql}: {error}");
    }
}

/// Scenario: far more groups than the memory of queries holds histograms for.
/// Guarantees: the statement is stopped as such: each group is accounted for.
#[tokio::test]
async fn groups_of_histograms_are_bounded() {
    let stored = with_options(&data(), |options| {
        options.query.memory_bytes = 16 << 20;
        options.query.spill_bytes_max = 0;
    })
    .await;
    let sql = "SELECT value, hdr_merge(duration_hdr) FROM red, generate_series(1, 20000) GROUP BY value";
    let error = query(&stored.engine, sql).await.expect_err("needs 540 MB");
    assert!(matches!(error, crate::error::Error::QueryMemory { .. }), "{error:?}");
}
