//! SQL over hot rows, segments and both.

use super::engines::{Data, everywhere, hot};
use super::rows::{hex, log, point, span, trace_id};
use super::{check_everywhere, query, table};
use expect_test::{Expect, expect};
use serde_json::json;

fn data() -> Data {
    let spans = (1..=6).map(|n| {
        let more = json!({
            "attributes": { "http.route": "/pay", "n": n.to_string() },
            "resource": { "host.name": format!("h{}", n % 2) },
            "scope": { "lib": "otel" },
            "is_error": n == 3,
            "http_route": "/pay",
        });
        span(n, 1, None, "shop", "pay", "server", (i64::from(n) * 10, i64::from(n) * 20), more)
    });
    let logs = (1..=4).map(|n| log(n * 1_000, "shop", "info", &format!("line {n}"), json!({})));
    let points = (1..=4).map(|n| point(7, "shop", "load", "gauge", n * 1_000, json!({ "value": n })));
    Data { spans: spans.collect(), logs: logs.collect(), points: points.collect() }
}

async fn check(sql: &str, expected: Expect) {
    check_everywhere(&data(), sql, expected).await;
}

/// Scenario: the three kinds of attributes are read with brackets, in all placements.
/// Guarantees: each finds its value, and a missing key is null.
#[tokio::test]
async fn maps_answer_to_keys() {
    let sql = "SELECT attributes['n'] AS n, resource['host.name'] AS host, scope['lib'] AS lib, \
               attributes['nope'] AS nope FROM spans WHERE attributes['http.route'] = '/pay' ORDER BY n LIMIT 2";
    check(
        sql,
        expect![[r#"
        +---+------+------+------+
        | n | host | lib  | nope |
        +---+------+------+------+
        | 1 | h1   | otel |      |
        | 2 | h0   | otel |      |
        +---+------+------+------+"#]],
    )
    .await;
}

/// Scenario: counts, filters on ids and times, sorts with limits, a join, an aggregate of each kind.
/// Guarantees: the answers do not depend on where rows are.
#[tokio::test]
async fn answers_do_not_depend_on_the_place() {
    check(
        "SELECT count(*) FROM spans",
        expect![[r#"
        +----------+
        | count(*) |
        +----------+
        | 6        |
        +----------+"#]],
    )
    .await;
    let by_id = format!("SELECT name, duration_ns FROM spans WHERE trace_id = X'{}'", hex(&trace_id(4)));
    check(
        &by_id,
        expect![[r#"
        +------+-------------+
        | name | duration_ns |
        +------+-------------+
        | pay  | 40000000    |
        +------+-------------+"#]],
    )
    .await;
    check(
        "SELECT hex(span_id) AS id, start_time FROM spans WHERE start_time > TIMESTAMP '2025-11-25T00:00:00.03Z' \
         ORDER BY start_time DESC LIMIT 2",
        expect![[r#"
            +------------------+--------------------------+
            | id               | start_time               |
            +------------------+--------------------------+
            | 0000000000000101 | 2025-11-25T00:00:00.060Z |
            | 0000000000000101 | 2025-11-25T00:00:00.050Z |
            +------------------+--------------------------+"#]],
    )
    .await;
    check(
        "SELECT s.name, count(*) AS n FROM spans s JOIN logs l ON l.service = s.service WHERE s.is_error \
         GROUP BY s.name",
        expect![[r#"
            +------+---+
            | name | n |
            +------+---+
            | pay  | 4 |
            +------+---+"#]],
    )
    .await;
    check(
        "SELECT service, sum(n_spans) AS n, sum(n_errors) AS n_errors, hdr_quantile(duration_hdr, 0.5) AS p50, \
         sum(hdr_n_at_most(duration_hdr, 30000000)) AS quick FROM red GROUP BY service",
        expect![[r#"
            +---------+---+----------+----------+-------+
            | service | n | n_errors | p50      | quick |
            +---------+---+----------+----------+-------+
            | shop    | 6 | 1        | 29949952 | 3     |
            +---------+---+----------+----------+-------+"#]],
    )
    .await;
    check(
        "SELECT max(value), approx_percentile_cont(value, 0.5) FROM metric_points",
        expect![[r#"
        +--------------------------+----------------------------------------------------------+
        | max(metric_points.value) | approx_percentile_cont(metric_points.value,Float64(0.5)) |
        +--------------------------+----------------------------------------------------------+
        | 4.0                      | 2.5                                                      |
        +--------------------------+----------------------------------------------------------+"#]],
    )
    .await;
}

/// Scenario: the types of every column are asked for, hot and cold.
/// Guarantees: a segment reads back as the schema says, no views, no other zone.
#[tokio::test]
async fn segments_keep_the_declared_types() {
    for stored in everywhere(&data()).await {
        for name in crate::ids::Table::ALL.map(crate::ids::Table::name) {
            let batches = query(&stored.engine, &format!("SELECT * FROM {name}")).await.expect("reads");
            let declared = crate::ids::Table::from_name(name).expect("a table").schema();
            for batch in &batches {
                for (field, column) in declared.fields().iter().zip(batch.columns()) {
                    assert_eq!(
                        field.data_type(),
                        column.data_type(),
                        "{} {name} {}",
                        stored.place,
                        field.name()
                    );
                }
            }
        }
    }
}

/// Scenario: someone looks around: tables, columns, functions, settings, plans.
/// Guarantees: all of it works, with the tables and views and no more.
#[tokio::test]
async fn shows_what_there_is() {
    let stored = hot(&data()).await;
    let tables = "SELECT table_catalog, table_schema, table_name FROM information_schema.tables \
                  WHERE table_schema <> 'information_schema' ORDER BY table_name";
    expect![[r#"
        +---------------+--------------+-------------------+
        | table_catalog | table_schema | table_name        |
        +---------------+--------------+-------------------+
        | firstfault    | public       | edges             |
        | firstfault    | public       | exemplars         |
        | firstfault    | public       | logs              |
        | firstfault    | public       | metric_histograms |
        | firstfault    | public       | metric_points     |
        | firstfault    | public       | red               |
        | firstfault    | public       | span_events       |
        | firstfault    | public       | span_links        |
        | firstfault    | public       | spans             |
        +---------------+--------------+-------------------+"#]]
    .assert_eq(&table(&stored.engine, tables).await);
    for sql in [
        "SHOW TABLES",
        "SHOW COLUMNS FROM spans",
        "SHOW COLUMNS FROM edges",
        "SHOW CREATE TABLE span_events",
        "SHOW FUNCTIONS",
        "SHOW datafusion.execution.target_partitions",
        "SHOW ALL",
        "DESCRIBE spans",
        "DESCRIBE metric_histograms",
        "DESC red",
        "EXPLAIN SELECT * FROM spans",
        "EXPLAIN VERBOSE SELECT * FROM edges",
        "EXPLAIN FORMAT TREE SELECT * FROM spans",
        "EXPLAIN SHOW TABLES",
        "EXPLAIN ANALYZE SELECT count(*) FROM spans WHERE service = 'shop'",
        "EXPLAIN ANALYZE VERBOSE SELECT count(*) FROM span_links",
        "SELECT definition FROM information_schema.views WHERE definition IS NOT NULL",
        "WITH s AS (SELECT 1 AS x) SELECT * FROM s UNION ALL SELECT 2",
    ] {
        let rows: usize =
            query(&stored.engine, sql).await.expect(sql).iter().map(|batch| batch.num_rows()).sum();
        assert!(rows > 0, "{sql}");
    }
}

/// Scenario: a statement names a column that is not there, calls a function with the wrong type.
/// Guarantees: the message says what is wrong, as a person would want it.
#[tokio::test]
async fn mistakes_are_explained() {
    let stored = hot(&data()).await;
    for (sql, expected) in [
        (
            "SELECT nam FROM spans",
            expect![[r#"
            No field named nam. Did you mean 'spans.name'?
            Valid fields are spans.trace_id, spans.span_id, spans.parent_span_id, spans.trace_state, spans.flags, spans.name, spans.kind, spans.start_time, spans.end_time, spans.duration_ns, spans.status_code, spans.status_message, spans.is_error, spans.is_entry, spans.http_request_method, spans.http_route, spans.http_response_status_code, spans.url_path, spans.db_system_name, spans.db_namespace, spans.db_operation_name, spans.rpc_system_name, spans.rpc_method, spans.rpc_response_status_code, spans.messaging_system, spans.messaging_destination_name, spans.server_address, spans.peer_service, spans.error_type, spans.events, spans.dropped_events_count, spans.links, spans.dropped_links_count, spans.service, spans.service_namespace, spans.service_instance_id, spans.service_version, spans.environment, spans.attributes, spans.attributes_types, spans.dropped_attributes_count, spans.resource, spans.resource_types, spans.resource_dropped_attributes_count, spans.resource_schema_url, spans.resource_entity_refs, spans.scope_name, spans.scope_version, spans.scope, spans.scope_types, spans.scope_dropped_attributes_count, spans.scope_schema_url, spans.received_at."#]],
        ),
        ("SELECT * FROM span", expect!["table 'firstfault.public.span' not found"]),
        ("SELECT hex(name) FROM spans", expect!["hex takes binary, such as trace_id, not Utf8"]),
        (
            "SELECT has_attribute(name, 'a', 'b') FROM spans",
            expect!["has_attribute takes attributes, resource, scope, events or links first"],
        ),
        (
            "SELECT hdr_quantile(duration_hdr, 95) FROM red",
            expect!["hdr_quantile takes a quantile between 0 and 1, not 95"],
        ),
        ("SELECT 1; SELECT 2", expect!["send one statement at a time"]),
    ] {
        let message = match query(&stored.engine, sql).await {
            Err(error) => error.to_string(),
            Ok(_) => "accepted".to_owned(),
        };
        expected.assert_eq(&message);
    }
}
