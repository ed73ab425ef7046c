//! Edges of whole engines against brute force over their spans.

use crate::columns::{Columns, WalRecord};
use crate::engine::Engine;
use crate::engine::tests::{Lab, visible};
use crate::ids::{Signal, Table};
use crate::query::tests::rows::columns;
use crate::read_models::Resolution;
use crate::read_models::edges_tests::{CallSpan, any_spans, brute_force, folded, span};
use crate::test_rows::{SECOND, T0};
use proptest::prelude::*;
use serde_json::Value;

type Cause = Box<dyn std::error::Error + Send + Sync>;

fn decode(record: WalRecord) -> Result<Columns, Cause> {
    let rows: Vec<Value> = serde_json::from_slice(&record.payload)?;
    Ok(columns(record.signal, &rows))
}

pub(in crate::engine) async fn open(lab: &Lab) -> Engine {
    Engine::open(lab.options.clone(), decode).await.expect("opens").0
}

fn request(spans: &[CallSpan]) -> WalRecord {
    let rows: Vec<Value> = spans.iter().map(CallSpan::row).collect();
    let received_at = T0 + spans.iter().map(|span| span.received_s).max().unwrap_or(0) * SECOND;
    let payload = serde_json::to_vec(&rows).expect("JSON").into();
    WalRecord { signal: Signal::Traces, encoding: 0, received_at, payload }
}

pub(in crate::engine) async fn ingest(engine: &Engine, spans: &[CallSpan]) {
    ingest_record(engine, request(spans)).await;
}

/// Of any signal, with rows as JSON.
pub(in crate::engine) async fn ingest_record(engine: &Engine, record: WalRecord) {
    let columns = decode(record.clone()).expect("decodes");
    let logged = engine.log(record).await.expect("logs");
    engine.insert(logged, columns);
}

pub(in crate::engine) fn assert_edges(engine: &Engine, context: &str) {
    let spans = visible(engine, Table::Spans);
    for resolution in Resolution::ALL {
        let found = folded(&visible(engine, Table::EdgeRed(resolution)));
        assert_eq!(found, brute_force(&spans, resolution), "{context}: {resolution:?}");
    }
}

/// Spans in requests, up to a minute late; after each what happens to the engine.
async fn live(drawn: Vec<CallSpan>, delays: Vec<i64>, steps: Vec<(usize, u8)>) {
    let lab = Lab::in_memory();
    let mut late: Vec<(i64, CallSpan)> =
        drawn.into_iter().zip(delays).map(|(span, delay)| (span.received_s + delay, span)).collect();
    late.sort_by_key(|(at, _)| *at);
    let mut waiting = late.into_iter().map(|(_, span)| span);
    let mut engine = open(&lab).await;
    for (n_spans, event) in steps {
        let spans: Vec<CallSpan> = waiting.by_ref().take(n_spans).collect();
        ingest(&engine, &spans).await;
        match event {
            0 | 1 => engine.flush().await.expect("flushes"),
            2 => {
                engine.compact(T0).await.expect("merges");
            }
            3 => {
                // As a kill: nothing is flushed.
                drop(engine);
                engine = open(&lab).await;
            }
            4 => {
                engine.shutdown().await.expect("shuts down");
                drop(engine);
                engine = open(&lab).await;
            }
            _ => continue,
        }
        assert_edges(&engine, &format!("after {event}"));
    }
    engine.flush().await.expect("flushes");
    assert_edges(&engine, "in the end");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Scenario: spans of calls, up to a minute late, in any requests, between flushes, merges, kills and restarts.
    /// Guarantees: at every moment the edges of each resolution are those that comparing all spans gives.
    #[test]
    fn edges_equal_brute_force_through_any_life(
        drawn in any_spans(),
        delays in prop::collection::vec(0..60_i64, 60),
        steps in prop::collection::vec((1..7_usize, 0..10_u8), 12..24),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
        runtime.block_on(live(drawn, delays, steps));
    }
}

/// Scenario: a call and its answer come before and after a flush and a kill; another call waits while its span goes to
/// a segment, and is given up in the next generation; then the process is killed.
/// Guarantees: what waited waits again, a pair counts once, and what was given up is not given up again.
#[tokio::test]
async fn what_waited_waits_again() {
    let lab = Lab::new();
    let engine = open(&lab).await;
    let call = |id| CallSpan { peer: 1, ..span(1, id, None, "client", 0) };
    ingest(&engine, &[call(1), call(2)]).await;
    engine.flush().await.expect("flushes");
    assert_eq!(engine.stats().edges.n_waiting, 2);
    drop(engine);
    let engine = open(&lab).await;
    assert_eq!(engine.stats().edges.n_waiting, 2);
    assert_edges(&engine, "reopened");
    ingest(&engine, &[CallSpan { received_s: 100, ..span(1, 3, Some(1), "server", 1) }]).await;
    assert_eq!((engine.stats().edges.n_waiting, engine.stats().edges.n_paired), (1, 1));
    drop(engine);
    let engine = open(&lab).await;
    assert_eq!((engine.stats().edges.n_waiting, engine.stats().edges.n_paired), (1, 1));
    ingest(&engine, &[CallSpan { received_s: 130, ..span(2, 9, None, "internal", 1) }]).await;
    assert_eq!(engine.stats().edges.n_waiting, 0);
    assert_edges(&engine, "given up");
    engine.flush().await.expect("flushes");
    drop(engine);
    let engine = open(&lab).await;
    assert_eq!(engine.stats().edges.n_waiting, 0);
    assert_edges(&engine, "in the end");
}

/// Scenario: a segment with halves that waited cannot be read when the engine opens.
/// Guarantees: the engine opens all the same; the calls of others are not touched.
#[tokio::test]
async fn a_damaged_segment_does_not_keep_the_engine_from_opening() {
    let lab = Lab::new();
    let engine = open(&lab).await;
    ingest(&engine, &[CallSpan { peer: 1, ..span(1, 1, None, "client", 0) }]).await;
    engine.flush().await.expect("flushes");
    ingest(&engine, &[CallSpan { peer: 2, ..span(1, 2, None, "client", 0) }]).await;
    engine.flush().await.expect("flushes");
    let segment = engine.snapshot(Table::Spans).segments[0].file_path(&lab.options.data_dir);
    drop(engine);
    let mut bytes = std::fs::read(&segment).expect("read");
    bytes.iter_mut().skip(4).take(600).for_each(|byte| *byte ^= 0xff);
    std::fs::write(&segment, bytes).expect("write");
    let engine = open(&lab).await;
    assert_eq!(engine.stats().edges.n_waiting, 1);
}
