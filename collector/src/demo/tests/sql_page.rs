//! `docs/sql.md`, held against an engine with the demo's data: its statements run, its columns are there.

use super::super::faults::{FaultChoice, Script};
use super::super::otlp::{self, Request};
use super::super::world::{Batch, World};
use super::SECOND_NS;
use crate::clock::Clock;
use crate::decode::Encoding;
use crate::replay;
use arrow::array::AsArray;
use arrow::record_batch::RecordBatch;
use prost::Message;
use serde_json::json;
use std::collections::BTreeSet;
use storage::{Engine, Options, Signal, WalRecord};

const PAGE: &str = include_str!("../../../../docs/sql.md");
const SHARED: &str = "columns-of-every-item";

/// Ten minutes of the shop up to now, something failing in the middle; half in segments, half in memory.
pub(super) async fn engine(dir: &std::path::Path) -> Engine {
    let decode = |record| replay::rows(record).map_err(Into::into);
    let (engine, _) = Engine::open(Options::new(dir), decode).await.expect("opens");
    let end_ns = Clock.now();
    let start_ns = end_ns - 600 * SECOND_NS;
    let script =
        Script { choice: FaultChoice::Script, start_ns, after_ns: 120 * SECOND_NS, for_ns: 180 * SECOND_NS };
    let mut world = World::new(3, 10.0, script);
    store_all(&engine, &world.advance(start_ns + 300 * SECOND_NS)).await;
    engine.flush().await.expect("flushes");
    store_all(&engine, &world.advance(end_ns)).await;
    let exemplar = json!({"timeUnixNano": end_ns.to_string(), "asDouble": 0.7, "traceId": "5b8efff798038103d269b633813fc60c",
                          "spanId": "eee19b7ec3c1b174"});
    let point = json!({"timeUnixNano": end_ns.to_string(), "asDouble": 1.5, "exemplars": [exemplar]});
    let metric = json!({"name": "checkout.value", "unit": "EUR", "sum": {"dataPoints": [point], "aggregationTemporality": 1}});
    let metrics = json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]});
    store(&engine, Signal::Metrics, Encoding::Json, metrics.to_string().into_bytes()).await;
    engine
}

async fn store_all(engine: &Engine, batch: &Batch) {
    for request in otlp::requests(batch) {
        let (signal, payload) = match request {
            Request::Traces(body, _) => (Signal::Traces, body.encode_to_vec()),
            Request::Logs(body, _) => (Signal::Logs, body.encode_to_vec()),
            Request::Metrics(body, _) => (Signal::Metrics, body.encode_to_vec()),
        };
        store(engine, signal, Encoding::Protobuf, payload).await;
    }
}

async fn store(engine: &Engine, signal: Signal, encoding: Encoding, payload: Vec<u8>) {
    let record =
        WalRecord { signal, encoding: encoding.code(), received_at: Clock.now(), payload: payload.into() };
    let columns = replay::rows(record.clone()).expect("valid");
    let logged = engine.log(record).await.expect("logged");
    engine.insert(logged, columns);
}

async fn rows(engine: &Engine, sql: &str) -> Vec<RecordBatch> {
    let mut stream = engine.sql(sql).await.unwrap_or_else(|error| panic!("{sql}\n{error}"));
    let mut batches = Vec::new();
    while let Some(batch) = stream.next().await {
        batches.push(batch.unwrap_or_else(|error| panic!("{sql}\n{error}")));
    }
    batches
}

/// Scenario: every statement of the page, over the demo's data.
/// Guarantees: each is answered, with at least one row.
#[tokio::test]
async fn the_pages_statements_are_answered() {
    let dir = tempfile::tempdir().expect("a folder");
    let engine = engine(dir.path()).await;
    let statements: Vec<&str> =
        PAGE.split("```sql\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(statements.len() >= 10);
    for sql in statements {
        let n_rows: usize = rows(&engine, sql).await.iter().map(RecordBatch::num_rows).sum();
        assert!(n_rows > 0, "no rows:\n{sql}");
    }
}

/// Scenario: the tables of columns on the page, and those that the engine knows.
/// Guarantees: no column is missing and none is made up.
#[tokio::test]
async fn the_pages_columns_are_those_there_are() {
    let dir = tempfile::tempdir().expect("a folder");
    let decode = |record| replay::rows(record).map_err(Into::into);
    let (engine, _) = Engine::open(Options::new(dir.path()), decode).await.expect("opens");
    let shared = documented(section("### Columns of every item"));
    let names = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'";
    let names = texts(&rows(&engine, names).await);
    assert!(names.len() >= 18);
    for name in names {
        let own = section(&format!("### `{name}`"));
        let other = own.split("the same columns as [`").nth(1).and_then(|rest| rest.split('`').next());
        let own = other.map_or(own, |other| section(&format!("### `{other}`")));
        let mut page = documented(own);
        if own.contains(SHARED) {
            page.extend(shared.iter().cloned());
        }
        let there = format!("SELECT column_name FROM information_schema.columns WHERE table_name = '{name}'");
        let there: BTreeSet<String> = texts(&rows(&engine, &there).await).into_iter().collect();
        assert_eq!(page, there, "{name}");
    }
}

/// What stands below a heading, up to the next one.
fn section(heading: &str) -> &'static str {
    let (_, rest) = PAGE.split_once(&format!("{heading}\n")).unwrap_or_else(|| panic!("no {heading}"));
    rest.split("\n#").next().unwrap_or_default()
}

/// The names in the first cells of a section's table.
fn documented(section: &str) -> BTreeSet<String> {
    let cells = section.lines().filter_map(|line| line.strip_prefix("| `")?.split(" |").next());
    cells.flat_map(|cell| cell.split(", ")).map(|name| name.trim_matches('`').to_owned()).collect()
}

fn texts(batches: &[RecordBatch]) -> Vec<String> {
    let columns = batches.iter().map(|batch| batch.column(0).as_string::<i32>());
    columns.flat_map(|column| column.iter().flatten().map(str::to_owned).collect::<Vec<_>>()).collect()
}
