//! The views: what they hold, and what of the tables they leave alone.

use super::engines::{Data, Stored, everywhere, hot};
use super::rows::{hex, millis, point, span, span_id, trace_id};
use super::{check_everywhere, plan, table};
use crate::query::views::View;
use expect_test::{Expect, expect};
use serde_json::{Value, json};

fn data() -> Data {
    let events = json!([
        { "time": millis(15), "name": "retry", "attributes": { "n": "1" } },
        { "time": millis(20), "name": "exception", "attributes": { "exception.type": "Timeout" } },
    ]);
    let links = json!([{ "trace_id": hex(&trace_id(9)), "span_id": hex(&span_id(3)), "flags": 1,
                         "attributes": { "why": "batch" } }]);
    let spans = vec![
        span(1, 1, None, "web", "GET /", "server", (10, 40), json!({ "events": events, "is_error": true })),
        span(1, 2, Some(1), "web", "call", "client", (11, 39), json!({ "links": links })),
        span(1, 3, Some(2), "shop", "pay", "server", (12, 38), json!({ "events": [] })),
        span(1, 4, Some(3), "shop", "SELECT", "client", (13, 37), json!({ "db_system_name": "redis" })),
    ];
    let exemplars = json!([{ "time": millis(900), "value": 0.25, "trace_id": hex(&trace_id(1)),
                             "span_id": hex(&span_id(3)), "attributes": { "user.id": "u1" } }]);
    let explicit = json!({ "unit": "s", "count": 3, "sum": 0.9, "bucket_counts": [1, 2], "explicit_bounds": [0.5],
                           "temporality": "delta", "exemplars": exemplars, "attributes": { "route": "/pay" } });
    let exponential = json!({ "count": 4, "sum": 8.0, "scale": 3, "zero_count": 1, "positive_offset": -2,
                              "positive_counts": [1, 2] });
    let points = vec![
        point(1, "shop", "latency", "histogram", 1_000, explicit),
        point(2, "shop", "size", "exponential_histogram", 2_000, exponential),
        point(3, "shop", "load", "gauge", 3_000, json!({ "value": 0.5 })),
    ];
    Data { spans, points, ..Data::default() }
}

async fn check(sql: &str, expected: Expect) {
    check_everywhere(&data(), sql, expected).await;
}

/// Scenario: spans with and without events and links, points of three types, calls answered and not.
/// Guarantees: one row per event, link, histogram, exemplar and call, beside what it belongs to.
#[tokio::test]
async fn hold_what_lists_hold() {
    check(
        "SELECT name, attributes['exception.type'] AS type, span_name, span_is_error, service, time, hex(span_id) \
         FROM span_events ORDER BY time",
        expect![[r#"
            +-----------+---------+-----------+---------------+---------+--------------------------+--------------------------+
            | name      | type    | span_name | span_is_error | service | time                     | hex(span_events.span_id) |
            +-----------+---------+-----------+---------------+---------+--------------------------+--------------------------+
            | retry     |         | GET /     | true          | web     | 2025-11-25T00:00:00.015Z | 0000000000000101         |
            | exception | Timeout | GET /     | true          | web     | 2025-11-25T00:00:00.020Z | 0000000000000101         |
            +-----------+---------+-----------+---------------+---------+--------------------------+--------------------------+"#]],
    )
    .await;
    check(
        "SELECT hex(linked_trace_id) AS linked, hex(linked_span_id) AS span, flags, attributes['why'] AS why, \
         span_name, service FROM span_links",
        expect![[r#"
            +----------------------------------+------------------+-------+-------+-----------+---------+
            | linked                           | span             | flags | why   | span_name | service |
            +----------------------------------+------------------+-------+-------+-----------+---------+
            | 4d000000000000000000000000000009 | 0000000000000103 | 1     | batch | call      | web     |
            +----------------------------------+------------------+-------+-------+-----------+---------+"#]],
    )
    .await;
    check(
        "SELECT name, type, count, bucket_counts, explicit_bounds, scale, zero_count, positive_offset, \
         positive_counts FROM metric_histograms ORDER BY name",
        expect![[r#"
            +---------+-----------------------+-------+---------------+-----------------+-------+------------+-----------------+-----------------+
            | name    | type                  | count | bucket_counts | explicit_bounds | scale | zero_count | positive_offset | positive_counts |
            +---------+-----------------------+-------+---------------+-----------------+-------+------------+-----------------+-----------------+
            | latency | histogram             | 3     | [1, 2]        | [0.5]           |       |            |                 |                 |
            | size    | exponential_histogram | 4     |               |                 | 3     | 1          | -2              | [1, 2]          |
            +---------+-----------------------+-------+---------------+-----------------+-------+------------+-----------------+-----------------+"#]],
    )
    .await;
    check(
        "SELECT metric_name, unit, value, hex(trace_id) AS trace, attributes['user.id'] AS user, \
         point_attributes['route'] AS route, time, point_time FROM exemplars",
        expect![[r#"
            +-------------+------+-------+----------------------------------+------+-------+--------------------------+----------------------+
            | metric_name | unit | value | trace                            | user | route | time                     | point_time           |
            +-------------+------+-------+----------------------------------+------+-------+--------------------------+----------------------+
            | latency     | s    | 0.25  | 25000000000000000000000000000001 | u1   | /pay  | 2025-11-25T00:00:00.900Z | 2025-11-25T00:00:01Z |
            +-------------+------+-------+----------------------------------+------+-------+--------------------------+----------------------+"#]],
    )
    .await;
    check(
        "SELECT time, caller, callee, callee_kind, caller_operation, callee_operation, duration_ns, \
         duration_ns - callee_duration_ns AS network_ns, hex(callee_span_id) AS answer FROM edges ORDER BY time",
        expect![[r#"
            +--------------------------+--------+--------+-------------+------------------+------------------+-------------+------------+------------------+
            | time                     | caller | callee | callee_kind | caller_operation | callee_operation | duration_ns | network_ns | answer           |
            +--------------------------+--------+--------+-------------+------------------+------------------+-------------+------------+------------------+
            | 2025-11-25T00:00:00.012Z | web    | shop   | service     | call             | pay              | 28000000    | 2000000    | 0000000000000103 |
            | 2025-11-25T00:00:00.013Z | shop   | redis  | database    | SELECT           |                  | 24000000    |            |                  |
            +--------------------------+--------+--------+-------------+------------------+------------------+-------------+------------+------------------+"#]],
    )
    .await;
}

/// Scenario: every column of every view is asked for, with rows and without any.
/// Guarantees: the types that come are the types announced.
#[tokio::test]
async fn columns_are_as_announced() {
    for data in [data(), Data::default()] {
        let stored = hot(&data).await;
        for view in View::ALL {
            let name = view.name();
            let announced = table(
                &stored.engine,
                &format!(
                    "SELECT column_name, data_type FROM information_schema.columns \
                WHERE table_name = '{name}' ORDER BY ordinal_position"
                ),
            )
            .await;
            let sql = format!("SELECT * FROM {name}");
            let schema = stored.engine.sql(&sql).await.expect(name).schema();
            let announced: Vec<(&str, &str)> = announced.lines().filter_map(cells).collect();
            let declared: Vec<(String, String)> = schema
                .fields()
                .iter()
                .map(|field| (field.name().clone(), field.data_type().to_string()))
                .collect();
            let declared: Vec<(&str, &str)> =
                declared.iter().map(|(name, kind)| (name.as_str(), kind.as_str())).collect();
            assert_eq!(announced, declared, "{name}");
            for batch in super::query(&stored.engine, &sql).await.expect(name) {
                assert_eq!(batch.schema(), schema, "{name}");
            }
        }
    }
}

/// Both cells of a line of a table; none for its frame and its head.
fn cells(line: &str) -> Option<(&str, &str)> {
    let (name, kind) = line.strip_prefix("| ")?.strip_suffix('|')?.split_once('|')?;
    (name.trim() != "column_name").then(|| (name.trim(), kind.trim()))
}

/// Two segments, the second an hour after the first.
async fn two_segments() -> Stored {
    let at = |hour: i64| {
        let mut data = data();
        for row in data.spans.iter_mut().chain(&mut data.points) {
            for name in ["start_time", "end_time", "time"] {
                if let Some(time) = row.get(name).and_then(Value::as_i64) {
                    row[name] = json!(time + hour * 3_600_000_000_000);
                }
            }
        }
        data
    };
    let stored = hot(&at(0)).await;
    stored.engine.flush().await.expect("flushes");
    stored.insert(&at(1)).await;
    stored.engine.flush().await.expect("flushes");
    stored
}

/// Scenario: views with a filter on the time of what is beneath, over two segments an hour apart.
/// Guarantees: the filter chooses segments, pages and rows of every table read, and only the columns needed
/// are read.
#[tokio::test]
async fn filters_and_columns_reach_the_tables() {
    let stored = two_segments().await;
    let late = "TIMESTAMP '2025-11-25T00:30:00Z'";
    for (sql, n_files, absent) in [
        (format!("SELECT name FROM span_events WHERE span_start_time > {late}"), 1, "links"),
        (
            format!("SELECT name FROM span_events WHERE span_start_time > {late} AND name = 'x'"),
            1,
            "resource",
        ),
        (format!("SELECT flags FROM span_links WHERE span_start_time > {late}"), 1, "events"),
        (format!("SELECT count FROM metric_histograms WHERE time > {late}"), 1, "exemplars"),
        (format!("SELECT value FROM exemplars WHERE point_time > {late}"), 1, "bucket_counts"),
        (format!("SELECT caller, callee FROM edges WHERE time > {late}"), 4, "attributes"),
        ("SELECT caller, callee FROM edges".to_owned(), 8, "attributes"),
        (format!("SELECT count(*) FROM edges WHERE {late} <= time"), 4, "attributes"),
        (
            format!(
                "SELECT count(*) FROM edges e JOIN spans s ON s.span_id = e.callee_span_id WHERE e.time > {late} \
                 AND s.start_time > {late}"
            ),
            5,
            "attributes",
        ),
    ] {
        let plan = plan(&stored.engine, &sql).await;
        assert_eq!(plan.matches("segments/").count(), n_files, "{sql}\n{plan}");
        assert!(!plan.contains(absent), "{sql}\n{plan}");
    }
    let plan = plan(&stored.engine, "SELECT name FROM span_events WHERE service = 'web'").await;
    assert!(plan.contains("service_min") && plan.contains("pruning_predicate"), "{plan}");
}

/// Scenario: a client whose clock is at the end of time, and calls without bounds.
/// Guarantees: the calls of others are answered all the same.
#[tokio::test]
async fn edges_bear_any_clock() {
    let mut data = data();
    for (id, at) in [(7, i64::MAX), (8, 0)] {
        let mut late = span(1, id, Some(2), "mail", "odd", "server", (0, 0), json!({}));
        late["start_time"] = json!(at);
        data.spans.push(late);
    }
    for stored in everywhere(&data).await {
        let calls = table(&stored.engine, "SELECT caller, callee FROM edges WHERE callee = 'shop'").await;
        assert!(calls.contains("| web    | shop   |"), "{calls}");
    }
}
