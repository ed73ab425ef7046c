//! A service that was there before, in the middle of a flood of names.

use crate::columns::{Columns, WalRecord};
use crate::engine::tests::{Lab, Plan, visible};
use crate::engine::{Engine, Faults};
use crate::faults::Step;
use crate::ids::{Signal, Table};
use crate::query::{SliQuery, TimeRange};
use crate::read_models::Resolution;
use crate::schema;
use crate::test_rows::{SECOND, T0, batch, fixed_binary, texts, times};
use arrow::array::{ArrayRef, AsArray, BooleanArray};
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// More services than a generation keeps apart.
const FLOOD: u32 = 31_000;

/// Names of services, one span each: a number and what follows it.
fn decode(record: WalRecord) -> Result<Columns, Cause> {
    let (n, prefix) = record.payload.split_first_chunk::<4>().ok_or("no number")?;
    let (n, prefix) = (u32::from_le_bytes(*n), std::str::from_utf8(prefix)?);
    let n_rows = n as usize;
    let services: Vec<String> = (0..n).map(|n| format!("{prefix}{n}")).collect();
    let ids: Vec<u128> = (1..=u128::from(n)).collect();
    let trace_ids: Vec<u8> = ids.iter().flat_map(|id| id.to_be_bytes()).collect();
    let span_ids: Vec<u8> = ids.iter().flat_map(|id| (*id as u64).to_be_bytes()).collect();
    let columns = vec![
        ("service", texts(&services)),
        ("name", texts(&vec!["GET /"; n_rows])),
        ("kind", texts(&vec!["server"; n_rows])),
        ("is_entry", Arc::new(BooleanArray::from(vec![true; n_rows])) as ArrayRef),
        ("trace_id", fixed_binary(&trace_ids, 16)),
        ("span_id", fixed_binary(&span_ids, 8)),
        ("start_time", times(&vec![T0; n_rows])),
        ("end_time", times(&vec![T0; n_rows])),
        ("received_at", times(&vec![record.received_at; n_rows])),
    ];
    Ok(Columns::new(Signal::Traces, batch(schema::spans(), n_rows, columns))?)
}

fn lab() -> Lab {
    let mut lab = Lab::new();
    // Flushes come when a test says so.
    (lab.options.hot.bytes_soft, lab.options.hot.bytes_hard) = (1 << 30, 1 << 30);
    lab
}

async fn open(lab: &Lab) -> (Engine, Arc<Plan>) {
    let plan = Arc::new(Plan::default());
    let faults = Arc::clone(&plan) as Arc<dyn Faults>;
    (Engine::open_with(lab.options.clone(), decode, faults).await.expect("opens").0, plan)
}

async fn ingest(engine: &Engine, n: u32, prefix: &str, second: i64) {
    let payload = [&n.to_le_bytes()[..], prefix.as_bytes()].concat().into();
    let record =
        WalRecord { signal: Signal::Traces, encoding: 0, received_at: T0 + second * SECOND, payload };
    let logged = engine.log(record.clone()).await.expect("logs");
    engine.insert(logged, decode(record).expect("decodes"));
}

fn services(engine: &Engine) -> BTreeSet<String> {
    let rows = visible(engine, Table::ServiceRed(Resolution::TenSeconds));
    let names = rows.iter().flat_map(|rows| rows["service"].as_string::<i32>().iter().flatten());
    names.map(str::to_owned).collect()
}

/// Spans that are counted under these names.
fn n_spans(engine: &Engine, service: &str) -> u64 {
    let rows = visible(engine, Table::ServiceRed(Resolution::TenSeconds));
    let of_batch = |rows: &arrow::array::RecordBatch| -> u64 {
        let n = rows["n_spans"].as_primitive::<arrow::datatypes::UInt64Type>();
        let names = rows["service"].as_string::<i32>();
        (0..rows.num_rows()).filter(|row| names.value(*row) == service).map(|row| n.value(row)).sum()
    };
    rows.iter().map(of_batch).sum()
}

/// Steps of ten seconds in which events of a service may be missing.
async fn folded(engine: &Engine, service: &str) -> Vec<i64> {
    let query = SliQuery {
        range: TimeRange { from: T0, to: T0 + 20 * SECOND },
        service: service.to_owned(),
        operation: None,
        attributes: Vec::new(),
        threshold_ns: None,
        step: Duration::from_secs(10),
    };
    engine.sli(&query).await.expect("reads").folded
}

/// Scenario: a service sends; rows are flushed, and in one life the engine is opened again. Then more new services come
/// than are kept apart, before the service sends again.
/// Guarantees: what the service sends is counted as its own both times; the newest of the new ones share a name that no
/// service has by accident.
#[tokio::test]
async fn a_known_service_is_seen_through_a_flood() {
    for is_reopened in [false, true] {
        let lab = lab();
        let (mut engine, _) = open(&lab).await;
        ingest(&engine, 1, "cart-", 1).await;
        engine.flush().await.expect("flushes");
        if is_reopened {
            drop(engine);
            engine = open(&lab).await.0;
        }
        ingest(&engine, FLOOD, "random-", 2).await;
        ingest(&engine, 1, "cart-", 3).await;
        ingest(&engine, 1, "new-", 4).await;
        assert_eq!(n_spans(&engine, "cart-0"), 2, "reopened: {is_reopened}");
        let services = services(&engine);
        assert!(services.contains("(other)") && !services.contains("other"));
        assert!(!services.contains("new-0"));
        assert_eq!(n_spans(&engine, "(other)"), u64::from(FLOOD) - 30_000 + 1);
    }
}

/// Scenario: the first thing that comes is a flood; a service that somebody watches follows, named when the engine
/// opened, or later.
/// Guarantees: it is counted as its own from then on, and the engine says from when on; whoever asks for events of
/// another one reads in which steps some may be missing.
#[tokio::test]
async fn a_watched_service_is_never_folded() {
    let mut lab = lab();
    lab.options.kept = [("cart-0".to_owned(), BTreeSet::new())].into();
    let (engine, _) = open(&lab).await;
    engine.keep_services(&lab.options.kept, T0);
    ingest(&engine, FLOOD, "random-", 1).await;
    ingest(&engine, 1, "cart-", 2).await;
    ingest(&engine, 1, "shop-", 3).await;
    assert_eq!((n_spans(&engine, "cart-0"), n_spans(&engine, "shop-0")), (1, 0));
    let wanted = ["cart-0", "shop-0"].map(|service| (service.to_owned(), BTreeSet::new()));
    engine.keep_services(&wanted.into(), T0 + 5);
    ingest(&engine, 1, "shop-", 4).await;
    assert_eq!((n_spans(&engine, "cart-0"), n_spans(&engine, "shop-0")), (1, 1));
    assert_eq!((folded(&engine, "cart-0").await, folded(&engine, "shop-0").await), (vec![], vec![T0]));
    assert_eq!(folded(&engine, "never-seen").await, [T0]);
    assert_eq!(engine.kept_since("shop-0", None), Some(T0 + 5));
    assert_eq!((engine.kept_since("shop-0", Some("GET /")), engine.kept_since("new", None)), (None, None));
}

/// Scenario: new services come in two generations, of which the first cannot be flushed; the process ends, and the log
/// is replayed.
/// Guarantees: what the read models say is what they said before.
#[tokio::test]
async fn replay_counts_names_as_they_were_counted() {
    let lab = lab();
    let (engine, plan) = open(&lab).await;
    ingest(&engine, 20_000, "early-", 1).await;
    plan.fail(Some((Step::SegmentWrite, io::ErrorKind::StorageFull)));
    engine.flush().await.expect_err("planned");
    ingest(&engine, 20_000, "late-", 2).await;
    let before = services(&engine);
    assert_eq!(before.len(), 40_000);
    drop(engine);
    let (engine, _) = open(&lab).await;
    assert!(services(&engine) == before, "{} services", services(&engine).len());
}
