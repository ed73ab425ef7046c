//! Search of traces: conditions, order, summaries, hostile text.

use super::engines::{Data, everywhere, hot};
use super::rows::{hex, millis, span, span_id, trace_id};
use super::table;
use crate::query::{TimeRange, TraceOrder, TraceSearch, TraceSummary};
use expect_test::{Expect, expect};
use serde_json::{Value, json};
use std::fmt::Write as _;

const HOSTILE: &str = "it's \\ \"quoted\"; DROP TABLE spans; --\n\u{0}\u{202e}";

/// Five traces: a plain one, a slow one, one with three errors, one whose root is missing, one that
/// starts before the range.
fn data() -> Data {
    let attribute = |column: &str, key: &str, value: &str| json!({ column: { key: value } });
    let spans = vec![
        span(1, 1, None, "web", "GET /", "server", (1_000, 1_100), attribute("attributes", "user.id", "u1")),
        span(1, 2, Some(1), "web", "call", "client", (1_010, 1_090), json!({})),
        span(
            1,
            3,
            Some(2),
            "shop",
            "pay",
            "server",
            (1_020, 1_080),
            attribute("resource", "host.name", "h1"),
        ),
        span(2, 1, None, "web", "GET /slow", "server", (2_000, 7_000), attribute("scope", "lib", "flask")),
        span(2, 2, Some(1), "shop", "pay", "server", (2_100, 2_200), event("exception.type", "Timeout")),
        span(3, 1, None, "web", "GET /", "server", (3_000, 3_300), json!({ "is_error": true })),
        span(3, 2, Some(1), "shop", "pay", "server", (3_010, 3_290), json!({ "is_error": true })),
        span(3, 3, Some(2), "shop", "query", "client", (3_020, 3_280), json!({ "is_error": true })),
        span(4, 2, Some(1), "shop", "pay", "server", (4_050, 4_150), link("follows", "yes")),
        span(4, 3, Some(1), "mail", "send", "server", (4_040, 4_140), json!({ "is_error": true })),
        span(5, 1, None, "web", HOSTILE, "server", (-200_000, 5_500), json!({})),
        span(
            5,
            2,
            Some(1),
            "shop",
            "late",
            "internal",
            (5_000, 5_500),
            attribute("attributes", HOSTILE, HOSTILE),
        ),
        span(6, 1, None, "web", "GET /", "server", (90_000, 90_100), json!({})),
    ];
    Data { spans, ..Data::default() }
}

fn event(key: &str, value: &str) -> Value {
    json!({ "events": [{ "time": millis(0), "name": "a", "attributes": {} },
                       { "time": millis(0), "name": "b", "attributes": { key: value, "other": "x" } }] })
}

fn link(key: &str, value: &str) -> Value {
    json!({ "links": [{ "trace_id": hex(&trace_id(9)), "span_id": "0000000000000001", "attributes": { key: value } }] })
}

fn search() -> TraceSearch {
    TraceSearch {
        range: TimeRange { from: millis(0), to: millis(60_000) },
        service: None,
        operation: None,
        is_error: None,
        duration_ns_min: None,
        duration_ns_max: None,
        attributes: Vec::new(),
        order: TraceOrder::Newest,
        limit: 10,
    }
}

fn line(trace: &TraceSummary) -> String {
    let services: Vec<String> = trace
        .services
        .iter()
        .map(|service| format!("{}:{}/{}", service.service, service.n_errors, service.n_spans))
        .collect();
    format!(
        "{} {} {:?}{} +{}ms {}ms {}/{} [{}]",
        trace.trace_id[15],
        trace.root_service,
        trace.root_operation,
        if trace.root_missing { " (no root)" } else { "" },
        (trace.started_at - millis(0)) / 1_000_000,
        trace.duration_ns / 1_000_000,
        trace.n_errors,
        trace.n_spans,
        services.join(" ")
    )
}

async fn check(change: impl Fn(&mut TraceSearch), expected: Expect) {
    let mut search = search();
    change(&mut search);
    let mut first = None;
    for stored in everywhere(&data()).await {
        let hits = stored.engine.search_traces(&search).await.expect("searches");
        let mut text = String::new();
        for trace in &hits.traces {
            writeln!(text, "{}", line(trace)).expect("writes");
        }
        if hits.truncated {
            text.push_str("...\n");
        }
        let ids: Vec<u8> = hits.traces.iter().map(|trace| trace.trace_id[15]).collect();
        assert_eq!(shown(&table(&stored.engine, &hits.sql).await), ids, "{}\n{}", stored.place, hits.sql);
        assert_eq!(*first.get_or_insert_with(|| text.clone()), text, "{}", stored.place);
    }
    expected.assert_eq(&first.unwrap_or_default());
}

/// The traces in the answer of a hit's own statement, by the last byte of their id.
fn shown(table: &str) -> Vec<u8> {
    let cells = table.lines().skip(3).filter_map(|line| line.split('|').nth(1));
    cells.map(|id| u8::from_str_radix(&id.trim()[30..], 16).expect("hex")).collect()
}

/// Scenario: everything in a range, in each order, and with a limit.
/// Guarantees: summaries cover whole traces, also the part before the range; the order is the one
/// asked for; more than the limit is said.
#[tokio::test]
async fn orders_and_summarises_whole_traces() {
    check(|_| {}, expect![[r#"
        4 mail "send" (no root) +4040ms 110ms 1/2 [mail:1/1 shop:0/1]
        3 web "GET /" +3000ms 300ms 3/3 [shop:2/2 web:1/1]
        2 web "GET /slow" +2000ms 5000ms 0/2 [shop:0/1 web:0/1]
        1 web "GET /" +1000ms 100ms 0/3 [web:0/2 shop:0/1]
        5 web "it's \\ \"quoted\"; DROP TABLE spans; --\n\0\u{202e}" +-200000ms 205500ms 0/2 [shop:0/1 web:0/1]
    "#]]).await;
    check(|search| search.order = TraceOrder::Slowest, expect![[r#"
        5 web "it's \\ \"quoted\"; DROP TABLE spans; --\n\0\u{202e}" +-200000ms 205500ms 0/2 [shop:0/1 web:0/1]
        2 web "GET /slow" +2000ms 5000ms 0/2 [shop:0/1 web:0/1]
        3 web "GET /" +3000ms 300ms 3/3 [shop:2/2 web:1/1]
        4 mail "send" (no root) +4040ms 110ms 1/2 [mail:1/1 shop:0/1]
        1 web "GET /" +1000ms 100ms 0/3 [web:0/2 shop:0/1]
    "#]]).await;
    check(|search| search.order = TraceOrder::MostErrors, expect![[r#"
        3 web "GET /" +3000ms 300ms 3/3 [shop:2/2 web:1/1]
        4 mail "send" (no root) +4040ms 110ms 1/2 [mail:1/1 shop:0/1]
        2 web "GET /slow" +2000ms 5000ms 0/2 [shop:0/1 web:0/1]
        1 web "GET /" +1000ms 100ms 0/3 [web:0/2 shop:0/1]
        5 web "it's \\ \"quoted\"; DROP TABLE spans; --\n\0\u{202e}" +-200000ms 205500ms 0/2 [shop:0/1 web:0/1]
    "#]]).await;
    check(|search| search.limit = 2, expect![[r#"
        4 mail "send" (no root) +4040ms 110ms 1/2 [mail:1/1 shop:0/1]
        5 web "it's \\ \"quoted\"; DROP TABLE spans; --\n\0\u{202e}" +-200000ms 205500ms 0/2 [shop:0/1 web:0/1]
        ...
    "#]]).await;
    check(
        |search| search.range = TimeRange { from: millis(2_000), to: millis(2_001) },
        expect![[r#"
        2 web "GET /slow" +2000ms 5000ms 0/2 [shop:0/1 web:0/1]
    "#]],
    )
    .await;
    check(|search| search.range.to = search.range.from, expect![[""]]).await;
}

/// Scenario: conditions that no single span of a trace meets together, though the trace as a whole does.
/// Guarantees: one span must meet them all.
#[tokio::test]
async fn one_span_meets_all_conditions() {
    check(|search| search.service = Some("shop".into()), expect![[r#"
        4 mail "send" (no root) +4040ms 110ms 1/2 [mail:1/1 shop:0/1]
        3 web "GET /" +3000ms 300ms 3/3 [shop:2/2 web:1/1]
        2 web "GET /slow" +2000ms 5000ms 0/2 [shop:0/1 web:0/1]
        1 web "GET /" +1000ms 100ms 0/3 [web:0/2 shop:0/1]
        5 web "it's \\ \"quoted\"; DROP TABLE spans; --\n\0\u{202e}" +-200000ms 205500ms 0/2 [shop:0/1 web:0/1]
    "#]]).await;
    check(
        |search| {
            search.service = Some("web".into());
            search.operation = Some("pay".into());
        },
        expect![[""]],
    )
    .await;
    check(
        |search| {
            search.service = Some("shop".into());
            search.is_error = Some(true);
        },
        expect![[r#"
            3 web "GET /" +3000ms 300ms 3/3 [shop:2/2 web:1/1]
        "#]],
    )
    .await;
    check(
        |search| {
            search.service = Some("shop".into());
            search.duration_ns_min = Some(90_000_000);
            search.duration_ns_max = Some(100_000_000);
        },
        expect![[r#"
            4 mail "send" (no root) +4040ms 110ms 1/2 [mail:1/1 shop:0/1]
            2 web "GET /slow" +2000ms 5000ms 0/2 [shop:0/1 web:0/1]
        "#]],
    )
    .await;
    check(|search| search.is_error = Some(false), expect![[r#"
        4 mail "send" (no root) +4040ms 110ms 1/2 [mail:1/1 shop:0/1]
        2 web "GET /slow" +2000ms 5000ms 0/2 [shop:0/1 web:0/1]
        1 web "GET /" +1000ms 100ms 0/3 [web:0/2 shop:0/1]
        5 web "it's \\ \"quoted\"; DROP TABLE spans; --\n\0\u{202e}" +-200000ms 205500ms 0/2 [shop:0/1 web:0/1]
    "#]]).await;
}

/// Scenario: pairs on the span, the resource, the scope, an event, a link; a pair nobody has; two pairs.
/// Guarantees: each is found where it is, by exact value, and all of several must be there.
#[tokio::test]
async fn finds_attributes_in_five_places() {
    let pair = |key: &str, value: &str| {
        let pair = (key.to_owned(), value.to_owned());
        move |search: &mut TraceSearch| search.attributes.push(pair.clone())
    };
    check(
        pair("user.id", "u1"),
        expect![[r#"
        1 web "GET /" +1000ms 100ms 0/3 [web:0/2 shop:0/1]
    "#]],
    )
    .await;
    check(
        pair("host.name", "h1"),
        expect![[r#"
        1 web "GET /" +1000ms 100ms 0/3 [web:0/2 shop:0/1]
    "#]],
    )
    .await;
    check(
        pair("lib", "flask"),
        expect![[r#"
        2 web "GET /slow" +2000ms 5000ms 0/2 [shop:0/1 web:0/1]
    "#]],
    )
    .await;
    check(
        pair("exception.type", "Timeout"),
        expect![[r#"
        2 web "GET /slow" +2000ms 5000ms 0/2 [shop:0/1 web:0/1]
    "#]],
    )
    .await;
    check(
        pair("follows", "yes"),
        expect![[r#"
        4 mail "send" (no root) +4040ms 110ms 1/2 [mail:1/1 shop:0/1]
    "#]],
    )
    .await;
    check(pair("user.id", "u"), expect![[""]]).await;
    check(
        |search| {
            pair("exception.type", "Timeout")(search);
            pair("other", "y")(search);
        },
        expect![[""]],
    )
    .await;
}

/// Scenario: service, operation, key and value are made to break out of a statement.
/// Guarantees: they match what is stored literally, and only that.
#[tokio::test]
async fn hostile_text_is_only_text() {
    check(
        |search| {
            search.attributes.push((HOSTILE.into(), HOSTILE.into()));
        },
        expect![[r#"
            5 web "it's \\ \"quoted\"; DROP TABLE spans; --\n\0\u{202e}" +-200000ms 205500ms 0/2 [shop:0/1 web:0/1]
        "#]],
    )
    .await;
    check(|search| search.service = Some("' OR '1'='1".into()), expect![[""]]).await;
    check(|search| search.attributes.push(("x', 'y') OR true --".into(), "z".into())), expect![[""]]).await;
}

/// Scenario: an old client sent a status code under its old name; a new one is searched for.
/// Guarantees: the promoted column answers.
#[tokio::test]
async fn promoted_columns_answer_to_current_names() {
    let old = json!({ "attributes": { "http.status_code": "503" }, "http_response_status_code": 503 });
    let spans = vec![span(1, 1, None, "web", "GET /", "server", (1_000, 1_100), old)];
    let stored = hot(&Data { spans, ..Data::default() }).await;
    for (value, n) in [("503", 1), ("500", 0), ("5x", 0)] {
        let attributes = vec![("http.response.status_code".to_owned(), value.to_owned())];
        let hits =
            stored.engine.search_traces(&TraceSearch { attributes, ..search() }).await.expect("searches");
        assert_eq!(hits.traces.len(), n, "{value}");
    }
}

/// Scenario: a trace is read by id, whole and with a bound; one that is not there.
/// Guarantees: all its spans and no other's, by start time, parents first.
#[tokio::test]
async fn reads_a_trace_by_id() {
    for stored in everywhere(&data()).await {
        let starts = async |id, max| {
            let batches = stored.engine.trace(trace_id(id), max).await.expect("reads");
            let mut ids = Vec::new();
            for batch in &batches {
                assert_eq!(batch.schema().fields(), crate::schema::spans().fields());
                let column = batch.column_by_name("span_id").expect("a column");
                let column = arrow::array::AsArray::as_fixed_size_binary(column);
                ids.extend(column.iter().map(|id| id.expect("not null")[7]));
            }
            ids
        };
        assert_eq!(starts(1, 100).await, [1, 2, 3], "{}", stored.place);
        assert_eq!(starts(1, 2).await, [1, 2], "{}", stored.place);
        assert_eq!(starts(4, 100).await, [3, 2], "{}", stored.place);
        assert_eq!(starts(99, 100).await, [0_u8; 0], "{}", stored.place);
    }
}

/// Scenario: single spans are read by both ids: one that is there, one of another trace, none.
/// Guarantees: exactly the row that the whole trace holds, or nothing.
#[tokio::test]
async fn reads_a_span_by_its_ids() {
    for stored in everywhere(&data()).await {
        let trace = stored.engine.trace(trace_id(1), 100).await.expect("reads");
        let trace = arrow::compute::concat_batches(&crate::schema::spans(), &trace).expect("one schema");
        for (row, id) in [1, 2, 3].into_iter().enumerate() {
            let span = stored.engine.span(trace_id(1), span_id(id)).await.expect("reads").expect("is there");
            assert_eq!(span.columns(), trace.slice(row, 1).columns(), "{}: span {id}", stored.place);
        }
        for (trace, span) in [(99, 1), (1, 99)] {
            let found = stored.engine.span(trace_id(trace), span_id(span)).await.expect("reads");
            assert!(found.is_none(), "{}: {found:?}", stored.place);
        }
    }
}
