//! Limits of queries: deadline, memory, number, cancellation.

use super::engines::{Data, with_options};
use super::query;
use crate::error::Error;
use futures::future::join_all;
use futures::poll;
use std::pin::pin;
use std::time::Duration;

/// Statements that would run for minutes to hours: pairs of rows with a large and a small build side, keys
/// that are all equal, and a join under a join.
const ENDLESS: [&str; 4] = [
    "SELECT count(*) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b \
     WHERE (a.value * b.value) % 7 = 3",
    "SELECT count(*) FROM generate_series(1, 1000) a, generate_series(1, 10000000000) b \
     WHERE (a.value * b.value) % 7 = 3",
    "SELECT count(*) FROM (SELECT value % 1 AS k FROM generate_series(1, 1000000)) a \
     JOIN (SELECT value % 1 AS k FROM generate_series(1, 1000000)) b USING (k)",
    "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b, \
     generate_series(1, 100000) c",
];

/// Windows over a million rows that would run for minutes to hours, in the statement's own task: a median that
/// shrinks, one that grows, and the first one again below a repartition, in a task that holds nothing but a thread.
const ENDLESS_WINDOWS: [&str; 3] = [
    "SELECT median(value) OVER (ORDER BY value ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) \
       FROM generate_series(1, 1000000)",
    "SELECT m FROM (SELECT median(value) OVER (ORDER BY value) AS m FROM generate_series(1, 1000000)) WHERE m < 0",
    "SELECT max(m) FROM (SELECT median(value) OVER \
       (ORDER BY value ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS m FROM generate_series(1, 1000000))",
];

/// Scenario: windows over a million rows run beyond the deadline; then a client leaves one.
/// Guarantees: each stops close to it and says so, and its place is free again; so it is when the client has left.
#[tokio::test]
async fn windows_stop_at_the_deadline() {
    let stored = with_options(&Data::default(), |options| {
        options.query.timeout = Duration::from_secs(2);
        options.query.concurrent_max = 1;
    })
    .await;
    for sql in ENDLESS_WINDOWS {
        let started_at = tokio::time::Instant::now();
        let error = query(&stored.engine, sql).await.expect_err("never ends");
        assert!(matches!(error, Error::QueryTimeout), "{sql}: {error:?}");
        query(&stored.engine, "SELECT 1").await.unwrap_or_else(|error| panic!("after {sql}: {error}"));
        let took = started_at.elapsed();
        assert!(took < Duration::from_secs(8), "{sql}: {took:?}");
        drop(stored.engine.sql(sql).await.expect("starts"));
        query(&stored.engine, "SELECT 1").await.unwrap_or_else(|error| panic!("left {sql}: {error}"));
    }
}

/// Scenario: windows that keep all their rows get more of them than fit into memory: many numbers, long texts.
/// Guarantees: each is stopped, and told that it was the window that asked.
#[tokio::test]
async fn windows_ask_for_memory() {
    let stored = with_options(&Data::default(), |options| options.query.memory_bytes = 16 << 20).await;
    let numbers =
        "SELECT max(n + value) FROM (SELECT count(*) OVER () AS n, value FROM generate_series(1, 2000000))";
    let texts = format!(
        "SELECT max(n + length(t)) FROM (SELECT count(*) OVER () AS n, t FROM \
           (SELECT arrow_cast('{}' || value::text, 'Utf8View') AS t FROM generate_series(1, 20000)))",
        "x".repeat(1_000)
    );
    for sql in [numbers, texts.as_str()] {
        let error = query(&stored.engine, sql).await.expect_err("needs 32 MB");
        let is_window = matches!(&error, Error::QueryMemory { message } if message.contains("in a window"));
        assert!(is_window, "{sql}: {error:?}");
    }
}

/// Scenario: statements run beyond the deadline.
/// Guarantees: each stops and says so, and its place and its threads are free again.
#[tokio::test]
async fn stops_at_the_deadline() {
    let stored = with_options(&Data::default(), |options| {
        options.query.timeout = Duration::from_millis(500);
        options.query.concurrent_max = 1;
    })
    .await;
    for sql in ENDLESS {
        let error = query(&stored.engine, sql).await.expect_err("never ends");
        assert!(matches!(error, Error::QueryTimeout), "{sql}: {error:?}");
        query(&stored.engine, "SELECT 1").await.unwrap_or_else(|error| panic!("after {sql}: {error}"));
    }
}

/// Scenario: a sort needs more memory than queries have, and there is no disk for it.
/// Guarantees: it is stopped as such, not the process.
#[tokio::test]
async fn stops_at_the_memory_bound() {
    let stored = with_options(&Data::default(), |options| {
        options.query.memory_bytes = 1 << 20;
        options.query.spill_bytes_max = 0;
    })
    .await;
    let sql = "SELECT value, count(*) FROM generate_series(1, 5000000) GROUP BY value ORDER BY value DESC";
    let error = query(&stored.engine, sql).await.expect_err("needs more than 1 MiB");
    assert!(matches!(error, Error::QueryMemory { .. }), "{error:?}");
}

/// Scenario: one query runs, as many as may wait do wait, one more comes; then the first is dropped.
/// Guarantees: the one too many is refused at once; dropping a stream stops its query and lets the
/// next one run.
#[tokio::test]
async fn refuses_too_many_and_frees_places() {
    let stored = with_options(&Data::default(), |options| options.query.concurrent_max = 1).await;
    let engine = &stored.engine;
    let running = engine.sql("SELECT * FROM generate_series(1, 1000000000000)").await.expect("starts");
    let mut waiting = pin!(join_all((0..8).map(|_| query(engine, "SELECT 1"))));
    assert!(poll!(&mut waiting).is_pending());
    let refused = engine.sql("SELECT 2").await.map(|_| ());
    assert!(matches!(refused, Err(Error::TooManyQueries)), "{refused:?}");
    drop(running);
    for answer in waiting.await {
        answer.expect("runs once the first is gone");
    }
}
