//! Attributes in columns of their own: the same answers wherever the values are, and only what is needed is
//! read.

use super::engines::{Data, Stored, everywhere, with_options};
use super::logs::search as log_search;
use super::rows::{log, millis, span};
use super::{query, table};
use crate::query::{LogSearch, TimeRange, TraceOrder, TraceSearch};
use arrow::array::{Array, AsArray, RecordBatch};
use serde_json::{Map, Value, json};

/// Rows of a half; more than enough for frequent keys to get columns.
const N: usize = 120;

/// Entries with their types, as they are stored.
fn attributes(column: &str, entries: &[(&str, char, String)]) -> Vec<(String, Value)> {
    let map: Map<String, Value> =
        entries.iter().map(|(key, _, text)| ((*key).to_owned(), json!(text))).collect();
    let types: String = entries.iter().map(|(_, letter, _)| *letter).collect();
    vec![(column.to_owned(), Value::Object(map)), (format!("{column}_types"), json!(types))]
}

/// Half of the rows come from a service that sends numbers where the other sends text, and has keys that
/// the other has not; halves of `everywhere` are these services.
fn more(n: usize) -> Value {
    let is_shop = n.is_multiple_of(2);
    let mut own = vec![
        ("http.route", 's', format!("/r{}", n % 7)),
        ("status", if is_shop { 'i' } else { 's' }, format!("{}", 200 + n % 5 * 100)),
        (
            "ratio",
            if n.is_multiple_of(3) { 'i' } else { 'd' },
            if n.is_multiple_of(3) { "1".into() } else { "0.5".into() },
        ),
        ("odd", 'i', if n == 11 { "007".to_owned() } else { n.to_string() }),
        ("empty", 'e', String::new()),
        ("it's \"odd\"", 's', format!("v{}", n % 2)),
    ];
    if is_shop {
        own.push(("only.shop", 's', format!("s{}", n % 4)));
    }
    if n.is_multiple_of(60) {
        own.push(("rare", 'b', "true".to_owned()));
    }
    let columns = attributes("attributes", &own)
        .into_iter()
        .chain(attributes("resource", &[("host.name", 's', format!("h{}", n % 3))]))
        .chain(attributes("scope", &[("lib", 's', if is_shop { "otel" } else { "other" }.to_owned())]));
    let mut row = Value::Object(columns.collect());
    if n == 50 {
        row["events"] = json!([{ "time": millis(0), "name": "e", "attributes": { "status": "event" } }]);
    }
    row
}

fn data() -> Data {
    let service = |n: usize| if n.is_multiple_of(2) { "shop" } else { "web" };
    let spans = (0..2 * N).map(|n| {
        let start = n as i64 * 10;
        span(n as u8, 1, None, service(n), "pay", "server", (start, start + 5), more(n))
    });
    let mut logs: Vec<Value> =
        (0..2 * N).map(|n| log(n as i64 * 10, service(n), "info", "x", more(n))).collect();
    for log in &mut logs {
        log.as_object_mut().expect("a row").remove("events");
    }
    Data { spans: spans.collect(), logs, ..Data::default() }
}

/// Conditions and columns over keys with one type, several, none in some segments, none anywhere.
const STATEMENTS: [&str; 21] = [
    "SELECT count(*) FROM spans WHERE attributes['http.route'] = '/r3'",
    "SELECT count(*) FROM spans WHERE attributes['http.route'] IN ('/r1', '/r2', '/none')",
    "SELECT count(*) FROM spans WHERE attributes['http.route'] LIKE '/r%' AND NOT (attributes['http.route'] = '/r1')",
    "SELECT count(*) FROM spans WHERE attributes['status'] = '500'",
    "SELECT count(*) FROM spans WHERE attributes['status'] <> '500' AND service = 'web'",
    "SELECT count(*) FROM spans WHERE '0500' = attributes['status']",
    "SELECT count(*) FROM spans WHERE attribute_int(attributes, 'status') >= 400",
    "SELECT sum(attribute_int(attributes, 'odd')), sum(attribute_double(attributes, 'ratio')) FROM spans",
    "SELECT count(*) FROM spans WHERE CAST(attributes['status'] AS BIGINT) BETWEEN 300 AND 400",
    "SELECT count(*) FROM spans WHERE attributes['odd'] = '007' OR attributes['odd'] = '12'",
    "SELECT count(*) FROM spans WHERE NOT (attributes['only.shop'] = 's0')",
    "SELECT count(*) FROM spans WHERE attributes['only.shop'] IS NULL AND attributes['nope'] IS NULL",
    "SELECT count(*) FROM spans WHERE attributes['rare'] = 'true' OR attributes['nope'] = 'x'",
    "SELECT count(*) FROM spans WHERE NOT has_attribute(attributes, 'status', '300')",
    "SELECT count(*) FROM spans WHERE has_attribute(events, 'status', 'event') OR has_attribute(resource, 'status', 'event')",
    "SELECT attributes['status'] AS status, resource['host.name'] AS host, count(*) FROM spans GROUP BY 1, 2 ORDER BY 1, 2",
    "SELECT attributes['ratio'] || scope['lib'] AS x, attributes['empty'], attributes['it''s \"odd\"'], attributes['nope'] \
     FROM spans ORDER BY start_time LIMIT 9",
    "SELECT a.attributes['http.route'] AS route, count(*) FROM spans a JOIN logs b \
     ON a.attributes['odd'] = b.attributes['odd'] WHERE b.resource['host.name'] = 'h1' GROUP BY 1 ORDER BY 1",
    "SELECT cardinality(attributes) AS n, map_keys(attributes) AS keys, count(*) FROM spans GROUP BY 1, 2 ORDER BY 1, 2",
    "SELECT attributes, attributes_types, resource, scope FROM spans WHERE attributes['rare'] = 'true' ORDER BY start_time",
    "SELECT attributes['status'], row_number() OVER (PARTITION BY attributes['status'] ORDER BY time) AS n, attributes \
     FROM logs WHERE resource['host.name'] = 'h2' ORDER BY time LIMIT 7",
];

/// Scenario: statements that ask and show attributes of all kinds, over rows in memory, in segments with
/// different columns, merged, and after a restart.
/// Guarantees: the answers do not depend on where a value is.
#[tokio::test]
async fn answers_do_not_depend_on_columns() {
    let stored = everywhere(&data()).await;
    for sql in STATEMENTS {
        let first = table(&stored[0].engine, sql).await;
        for other in &stored[1..] {
            assert_eq!(table(&other.engine, sql).await, first, "{}: {sql}", other.place);
        }
    }
}

/// Every row of a table with its attributes and their types, in order.
async fn rows(stored: &Stored, name: &str, time: &str) -> Vec<String> {
    let sql = format!(
        "SELECT attributes, attributes_types, resource, resource_types, scope, scope_types FROM {name} \
         ORDER BY {time}"
    );
    let batches = query(&stored.engine, &sql).await.expect("reads");
    batches.iter().flat_map(|batch| (0..batch.num_rows()).map(|row| row_text(batch, row))).collect()
}

fn row_text(batch: &RecordBatch, row: usize) -> String {
    let mut text = String::new();
    for column in batch.columns() {
        match column.as_map_opt() {
            Some(maps) => {
                let entries = maps.value(row);
                for entry in 0..entries.len() {
                    let cell = |idx: usize| entries.column(idx).as_string::<i32>().value(entry).to_owned();
                    text.push_str(&format!("{:?}={:?} ", cell(0), cell(1)));
                }
            }
            None => text.push_str(column.as_string::<i32>().value(row)),
        }
    }
    text
}

/// Scenario: the maps of all rows are read from every place.
/// Guarantees: keys, their order, values and types are those that were sent.
#[tokio::test]
async fn maps_are_whole_everywhere() {
    let stored = everywhere(&data()).await;
    for (name, time) in [("spans", "start_time"), ("logs", "time")] {
        let first = rows(&stored[0], name, time).await;
        assert_eq!(first.len(), 2 * N);
        assert!(first[1].contains("\"status\"=\"300\""), "{}", first[1]);
        for other in &stored[1..] {
            assert_eq!(rows(other, name, time).await, first, "{} {name}", other.place);
        }
    }
}

/// Scenario: the search of traces and of logs asks for attributes of each kind.
/// Guarantees: the hits do not depend on where a value is.
#[tokio::test]
async fn searches_do_not_depend_on_columns() {
    let range = TimeRange { from: millis(0), to: millis(60_000) };
    let stored = everywhere(&data()).await;
    for (key, value) in [
        ("http.route", "/r3"),
        ("status", "500"),
        ("host.name", "h1"),
        ("lib", "otel"),
        ("rare", "true"),
        ("status", "event"),
        ("nope", "x"),
    ] {
        let attributes = vec![(key.to_owned(), value.to_owned())];
        let mut first = None;
        for place in &stored {
            let search = TraceSearch {
                range,
                service: None,
                operation: None,
                is_error: None,
                duration_ns_min: None,
                duration_ns_max: None,
                attributes: attributes.clone(),
                order: TraceOrder::Newest,
                limit: 1_000,
            };
            let traces = place.engine.search_traces(&search).await.expect("searches").traces;
            let attributes = attributes.clone();
            let search = LogSearch { range, attributes, limit: 1_000, ..log_search() };
            let n_logs = place.engine.search_logs(&search).await.expect("searches").n_matched;
            let found = (traces.len(), n_logs);
            assert_eq!(*first.get_or_insert(found), found, "{}: {key}", place.place);
        }
        let (n_traces, n_logs) = first.expect("there are places");
        assert_eq!(n_traces == 0 && n_logs == 0, key == "nope", "{key}");
    }
}

/// One segment with one row group of many pages, beside rows in memory.
async fn large() -> Stored {
    let service = |n: usize| if n < 20_000 { "a" } else { "b" };
    let rows = |range: std::ops::Range<usize>| {
        let logs = range.map(|n| {
            let entries = [
                ("wide", 's', format!("{n:0>200}")),
                ("code", 'i', (n / 10_000).to_string()),
                ("other", 's', format!("{}", n % 10)),
            ];
            let resource = attributes("resource", &[("service.name", 's', service(n).to_owned())]);
            let columns = attributes("attributes", &entries).into_iter().chain(resource);
            log(n as i64, service(n), "info", "x", Value::Object(columns.collect()))
        });
        Data { logs: logs.collect(), ..Data::default() }
    };
    let stored = with_options(&rows(0..30_000), |_| {}).await;
    stored.engine.flush().await.expect("flushes");
    stored.insert(&rows(30_000..30_010)).await;
    stored
}

/// A figure of the scan of files, from the plan with its metrics: the number after "total" if there are two.
fn figure(plan: &str, name: &str) -> f64 {
    let scan = plan.split("file_type=parquet").nth(1).expect("files are read");
    let text = scan.split(&format!(" {name}=")).nth(1).unwrap_or_else(|| panic!("no {name} in {plan}"));
    let text = text.split([',', ']']).next().unwrap_or_default();
    let text = text.split_once("total").map_or(text, |(_, matched)| matched);
    let words: Vec<&str> = text.split_whitespace().collect();
    let at = words.iter().position(|word| word.parse::<f64>().is_ok()).expect("there is a number");
    let unit = match words.get(at + 1) {
        Some(&"K") => 1e3,
        Some(&"M") => 1e6,
        _ => 1.0,
    };
    words[at].parse::<f64>().expect("it was tried") * unit
}

async fn analyzed(stored: &Stored, sql: &str) -> String {
    table(&stored.engine, &format!("EXPLAIN ANALYZE {sql}")).await
}

/// Scenario: one attribute of three is asked and shown, with rows in memory beside the segment.
/// Guarantees: the segment's other attributes are not read.
#[tokio::test]
async fn reads_only_the_column_it_needs() {
    let stored = large().await;
    let all = figure(&analyzed(&stored, "SELECT attributes FROM logs").await, "bytes_scanned");
    for sql in [
        "SELECT attributes['other'], count(*) FROM logs GROUP BY 1",
        "SELECT attributes['other'] FROM logs",
        "SELECT max(attribute_int(attributes, 'code')) FROM logs",
        "SELECT time, CAST(attributes['code'] AS BIGINT) FROM logs ORDER BY attributes['other'] LIMIT 3",
        "SELECT count(*) FROM logs WHERE attributes['other'] = '3' AND has_attribute(attributes, 'code', '1')",
        "SELECT count(DISTINCT a.attributes['code']) FROM logs a JOIN logs b ON a.attributes['other'] = b.attributes['code']",
    ] {
        let plan = analyzed(&stored, sql).await;
        let one = figure(&plan, "bytes_scanned");
        assert!(one * 2.0 < all, "{one} of {all} bytes\n{plan}");
    }
}

/// Scenario: conditions that rows of some pages satisfy, of none, and on a key that no row has.
/// Guarantees: statistics skip pages and row groups, whether the value is text or a number; for a key that
/// is nowhere, no page is read.
#[tokio::test]
async fn conditions_on_attributes_prune() {
    let stored = large().await;
    for (condition, n_pages, n_rows) in [
        ("attributes['code'] = '1'", 2.0, 10_000.0),
        ("'1' = attributes['code']", 2.0, 10_000.0),
        ("attributes['code'] IN ('1', '7')", 2.0, 10_000.0),
        ("attribute_int(attributes, 'code') = 1", 2.0, 10_000.0),
        ("attribute_int(attributes, 'code') < 1 AND service = 'a'", 2.0, 10_000.0),
        ("has_attribute(attributes, 'code', '1')", 2.0, 10_000.0),
        ("attributes['wide'] >= '1'", 0.0, 0.0),
        // The column `service` tells it.
        ("resource['service.name'] = 'b'", 2.0, 10_000.0),
        ("has_attribute(resource, 'service.name', 'b') AND attributes['code'] = '2'", 2.0, 10_000.0),
    ] {
        let plan = analyzed(&stored, &format!("SELECT count(*) FROM logs WHERE {condition}")).await;
        let found = (figure(&plan, "page_index_pages_pruned"), figure(&plan, "pushdown_rows_matched"));
        assert_eq!(found, (n_pages, n_rows), "{condition}\n{plan}");
    }
    for condition in [
        "attributes['code'] = '9'",
        "attributes['code'] = '01'",
        "attributes['nope'] = 'x'",
        "resource['service.name'] = 'c'",
    ] {
        let plan = analyzed(&stored, &format!("SELECT body FROM logs WHERE {condition}")).await;
        let n_groups = figure(&plan, "row_groups_pruned_statistics");
        assert_eq!((n_groups, figure(&plan, "bytes_scanned")), (0.0, 0.0), "{condition}\n{plan}");
    }
}
