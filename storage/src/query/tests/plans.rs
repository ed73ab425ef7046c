//! Plans: what is pruned, what is refused.

use super::engines::{Data, Stored, hot, with_options};
use super::rows::{hex, log, span, trace_id};
use super::{plan, query, table};
use crate::error::Error;
use serde_json::json;

/// Spans of two segments, the second an hour after the first.
async fn two_segments() -> Stored {
    let spans = |hour: i64| {
        let spans = (1..=4_u8).map(|n| {
            let start = hour * 3_600_000 + i64::from(n);
            span(n, hour as u8 + 1, None, "shop", "pay", "server", (start, start + 1), json!({}))
        });
        Data { spans: spans.collect(), ..Data::default() }
    };
    let stored = hot(&spans(0)).await;
    stored.engine.flush().await.expect("flushes");
    stored.insert(&spans(1)).await;
    stored.engine.flush().await.expect("flushes");
    stored
}

fn n_files(plan: &str) -> usize {
    plan.matches("segments/spans/").count()
}

/// Scenario: a query's time range covers both segments, one, none; its conditions hide the time.
/// Guarantees: segments that cannot hold matching rows are not even named in the plan.
#[tokio::test]
async fn opens_only_segments_of_the_time_range() {
    let stored = two_segments().await;
    for (condition, n) in [
        ("service = 'shop'", 2),
        ("start_time >= TIMESTAMP '2025-11-25T00:30:00Z'", 1),
        ("start_time < TIMESTAMP '2025-11-25T00:30:00Z' AND service = 'shop'", 1),
        ("end_time > TIMESTAMP '2025-11-25T02:00:00Z'", 0),
        ("start_time > now() + INTERVAL '1 hour'", 0),
        ("start_time > TIMESTAMP '2025-11-25T00:30:00Z' OR service = 'x'", 2),
    ] {
        let plan = plan(&stored.engine, &format!("SELECT name FROM spans WHERE {condition}")).await;
        assert_eq!(n_files(&plan), n, "{condition}\n{plan}");
    }
}

/// Scenario: a trace is looked up by id, alone and in a list of a page of traces.
/// Guarantees: the id prunes row groups and pages as it is stored, without a cast, and the reader
/// filters the rows itself.
#[tokio::test]
async fn ids_prune_inside_segments() {
    let stored = two_segments().await;
    let ids: Vec<String> = (1..=200).map(|n| format!("X'{}'", hex(&trace_id(n)))).collect();
    for condition in [format!("trace_id = {}", ids[0]), format!("trace_id IN ({})", ids.join(", "))] {
        let plan = plan(&stored.engine, &format!("SELECT name FROM spans WHERE {condition}")).await;
        assert!(plan.contains("pruning_predicate=") && plan.contains("trace_id_min"), "{plan}");
        assert!(!plan.contains("CAST") && !plan.contains("FilterExec"), "{plan}");
    }
}

/// Scenario: all rows are counted.
/// Guarantees: the manifest and the batches know; no file is opened.
#[tokio::test]
async fn counting_opens_nothing() {
    let stored = two_segments().await;
    let plan = plan(&stored.engine, "SELECT count(*) FROM spans").await;
    assert!(plan.contains("8 as count(*)"), "{plan}");
}

/// Scenario: statements of each shape that can nest, as large as is let through; in a debug build on
/// threads with the usual stack.
/// Guarantees: they are answered.
#[tokio::test]
async fn large_statements_are_answered() {
    let stored = hot(&Data::default()).await;
    for sql in [
        format!("SELECT duration_ns{} FROM spans", "+1".repeat(990)),
        format!("SELECT name{} FROM spans", "||name".repeat(330)),
        format!("SELECT duration_ns{} FROM spans", "::bigint".repeat(490)),
        format!("SELECT count(*) FROM spans WHERE {} is_error", "is_entry OR ".repeat(980)),
        format!("SELECT count(*) FROM spans WHERE is_error{}", " IS NOT NULL".repeat(300)),
        format!(
            "SELECT count(*) FROM spans WHERE name = 'x'{}",
            " AND name <> 'y' OR kind = 'z'".repeat(160)
        ),
        format!("SELECT CASE {} END FROM spans", "WHEN duration_ns > 1 THEN 'a' ".repeat(300)),
        format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(320)),
        format!("SELECT count(*) FROM spans WHERE duration_ns IN (1{})", ", 1234567".repeat(10_000)),
        "SELECT concat(service, ' ', name, ' ', kind) || replace(name, 'e', 'E') FROM spans".to_owned(),
        "SELECT service, string_agg(name, ',') FROM spans GROUP BY service".to_owned(),
        "SELECT a + 1 AS a FROM (SELECT a + 1 AS a FROM (SELECT 1 AS a)) AS t".to_owned(),
    ] {
        let answer = query(&stored.engine, &sql).await;
        assert!(answer.is_ok(), "{}: {:?}", &sql[..60], answer.err());
    }
}

/// Scenario: statements made to exhaust the stack, the planner or the memory.
/// Guarantees: each is refused as a mistake of its author.
#[tokio::test]
async fn statement_bombs_are_refused() {
    let stored = hot(&Data::default()).await;
    let doubling: Vec<String> = (1..=24)
        .map(|n| format!("t{n} AS (SELECT * FROM t{m} UNION ALL SELECT * FROM t{m})", m = n - 1))
        .collect();
    for sql in [
        format!("SELECT 1{}", "+1".repeat(100_000)),
        format!("SELECT {}1", "- ".repeat(10_000)),
        format!("SELECT {}1{}", "(".repeat(400), ")".repeat(400)),
        format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(10_000)),
        format!("SELECT 1 FROM spans{}", (0..200).map(|n| format!(", logs l{n}")).collect::<String>()),
        format!("WITH t0 AS (SELECT 1 AS x), {} SELECT * FROM t24", doubling.join(", ")),
        format!("SELECT '{}'", "x".repeat(600_000)),
        "SELECT repeat('x', 2000000000)".to_owned(),
        "SELECT range(0, 1000000000000)".to_owned(),
        "SELECT 'unclosed".to_owned(),
        "SELECT length(string_agg(name, 'x') OVER ()) FROM spans".to_owned(),
        "SELECT cardinality(array_agg(name) OVER (ORDER BY duration_ns)) FROM spans".to_owned(),
        format!("SELECT length(concat(name{})) FROM spans", ", name".repeat(1_100)),
        format!("SELECT length(x) FROM {}spans{}", "(SELECT x || x AS x FROM ".repeat(11), ")".repeat(11))
            .replace("FROM spans", "FROM (SELECT name AS x FROM spans)"),
        "SELECT replace(replace(name, 'e', name), 'e', name) FROM spans".to_owned(),
        "SELECT a + 1 AS a FROM (SELECT a + 1 AS a FROM (SELECT 1 AS a))".to_owned(),
        "SELECT a + 1 AS a FROM (SELECT a + 1 AS a FROM (SELECT 1 AS a)) WHERE a > 0".to_owned(),
    ] {
        let error = query(&stored.engine, &sql).await.expect_err(&sql[..sql.len().min(20)]);
        assert!(matches!(error, Error::BadQuery { .. }), "{}: {error:?}", &sql[..sql.len().min(20)]);
    }
}

/// Scenario: one query names a table twice while rows keep coming in.
/// Guarantees: both sides see the same moment.
#[tokio::test]
async fn a_query_sees_one_moment() {
    let stored = with_options(&Data::default(), |_| {}).await;
    let writer = async {
        for n in 0..40 {
            let logs = vec![log(n, "shop", "info", "line", json!({}))];
            stored.insert(&Data { logs, ..Data::default() }).await;
        }
    };
    let reader = async {
        for _ in 0..20 {
            let sql = "SELECT (SELECT count(*) FROM logs) = (SELECT count(body) FROM logs WHERE body <> '') AS same";
            assert!(table(&stored.engine, sql).await.contains("true"));
        }
    };
    futures::join!(writer, reader);
}
