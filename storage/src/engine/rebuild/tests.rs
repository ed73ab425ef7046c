//! Rebuilt read models against those that were kept as rows came.

use super::*;
use crate::columns::WalRecord;
use crate::engine::Engine;
use crate::engine::tests::{self as engines, Lab, Plan, assert_visible, record, visible};
use crate::engine::waiting::tests::{assert_edges, ingest, ingest_record, open};
use crate::ids::Table;
use crate::query::{RedBy, RedQuery, TimeRange};
use crate::read_models::edges_tests::{CallSpan, any_spans, span};
use crate::read_models::tests::red_tables;
use crate::read_models::{Folder, Resolution};
use crate::segment::key_columns;
use crate::test_rows::{SECOND, T0, TestRecord};
use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::{
    SortColumn, concat_batches, filter_record_batch, lexsort_to_indices, take_record_batch,
};
use arrow::datatypes::TimestampNanosecondType;
use parking_lot::Mutex;
use proptest::prelude::*;
use serde_json::json;
use std::path::PathBuf;
use std::sync::atomic::{AtomicIsize, Ordering};
use std::time::Duration;

const HOUR: i64 = 3_600 * SECOND;

/// What queries see of a read model, every cell once, in order.
fn cells(engine: &Engine, table: Table) -> RecordBatch {
    let (schema, rows) = (table.schema(), visible(engine, table));
    let rows = concat_batches(&schema, &rows).expect("one schema");
    let keys = key_columns(table).iter();
    let keys = keys.map(|name| SortColumn { values: Arc::clone(&rows[*name]), options: None });
    let order = lexsort_to_indices(&keys.collect::<Vec<_>>(), None).expect("keys have an order");
    let mut folder = Folder::of(table).expect("a read model");
    let sorted = take_record_batch(&rows, &order).expect("places of rows");
    let mut folded = vec![folder.add(&sorted).expect("cells add up")];
    folded.extend(folder.finish());
    concat_batches(&schema, &folded).expect("one schema")
}

fn all_cells(engine: &Engine) -> Vec<RecordBatch> {
    Table::read_models().map(|table| cells(engine, table)).collect()
}

/// What pages are made of.
async fn answers(engine: &Engine) -> Vec<String> {
    let range = TimeRange { from: T0 - HOUR, to: T0 + 10 * HOUR };
    let (only, by, step) = (Vec::new(), RedBy::ALL.to_vec(), Duration::from_secs(60));
    let red = RedQuery { range, only, entry_only: false, by, step };
    let groups = engine.red(&red).await.expect("reads").groups;
    let edges = engine.edges(range, None).await.expect("reads").edges;
    let instances = engine.service_instances(range, None).await.expect("reads");
    let mut answers: Vec<String> = groups.iter().map(|group| format!("{group:?}")).collect();
    answers.extend(edges.iter().map(|edge| format!("{edge:?}")));
    answers.extend(instances.iter().map(|instance| format!("{instance:?}")));
    answers.sort();
    answers
}

/// Once the tasks of the last engine's queries have let go of it.
async fn rebuilt(lab: &Lab, options: Options, now: i64) -> Rebuilt {
    free(lab).await;
    rebuild_read_models(options, now, |_| {}, || false).await.expect("rebuilds")
}

async fn free(lab: &Lab) {
    while DirectoryLock::acquire(&lab.options.data_dir).is_err() {
        tokio::task::yield_now().await;
    }
}

/// Changes the manifest of a directory that no engine has open.
async fn change_manifest(lab: &Lab, change: impl FnOnce(&mut Manifest)) {
    free(lab).await;
    let data_dir = &lab.options.data_dir;
    let mut manifest = Manifest::load(data_dir).expect("load");
    manifest.version += 1;
    change(&mut manifest);
    manifest.write_alone(data_dir).expect("write");
}

/// Leaves no read model.
fn forget(manifest: &mut Manifest) {
    manifest.segments.retain(|segment| segment.table.signal().is_some());
}

/// A log record of an instance of a service.
async fn ingest_log(engine: &Engine, service: usize, received_at: i64) {
    let row = json!({
        "time": received_at - SECOND,
        "body": "done",
        "service": format!("service-{service}"),
        "service_instance_id": "a",
        "received_at": received_at,
    });
    let payload = serde_json::to_vec(&[row]).expect("JSON").into();
    ingest_record(engine, WalRecord { signal: Signal::Logs, encoding: 0, received_at, payload }).await;
}

/// How a directory is rebuilt.
#[derive(Debug, Clone, Copy)]
struct How {
    /// Without the read models that were there.
    is_forgotten: bool,
    /// In so little memory that everything happens in many parts.
    is_small: bool,
}

/// Spans in requests, up to a minute late, each followed by what happens to the engine. Twice the process is killed, and
/// read models are made again.
async fn live(drawn: Vec<CallSpan>, delays: Vec<i64>, steps: Vec<(usize, u8)>, how: How) {
    let lab = Lab::in_memory();
    let mut late: Vec<(i64, CallSpan)> =
        drawn.into_iter().zip(delays).map(|(span, delay)| (span.received_s + delay, span)).collect();
    late.sort_by_key(|(at, _)| *at);
    let mut waiting = late.into_iter().map(|(_, span)| span);
    let mut engine = open(&lab).await;
    for (idx, steps) in steps.chunks(steps.len().div_ceil(2)).enumerate() {
        for &(n_spans, event) in steps {
            let spans: Vec<CallSpan> = waiting.by_ref().take(n_spans).collect();
            ingest(&engine, &spans).await;
            ingest_log(&engine, n_spans, T0 + i64::from(event) * 600 * SECOND).await;
            match event {
                0..=2 => engine.flush().await.expect("flushes"),
                3 => {
                    engine.compact(T0).await.expect("merges");
                }
                4 => {
                    drop(engine);
                    free(&lab).await;
                    engine = open(&lab).await;
                }
                _ => {}
            }
        }
        let (wanted, wanted_answers) = (all_cells(&engine), answers(&engine).await);
        drop(engine);
        if how.is_forgotten {
            change_manifest(&lab, forget).await;
        }
        let mut options = lab.options.clone();
        if how.is_small {
            (options.hot.bytes_soft, options.hot.bytes_hard) = (20_000, 20_000);
        }
        rebuilt(&lab, options, T0).await;
        engine = open(&lab).await;
        assert_eq!(all_cells(&engine), wanted, "rebuild {idx}");
        assert_eq!(answers(&engine).await, wanted_answers, "rebuild {idx}");
    }
    engine.flush().await.expect("flushes");
    assert_edges(&engine, "in the end");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Scenario: spans of calls, up to a minute late and some sent twice, and logs come in any requests, between
    /// flushes, merges and kills; twice, with rows in the log, read models are made again, in much or little memory, of
    /// nothing or in the place of those that were there.
    /// Guarantees: every cell of every table is the one that was kept as rows came, and so are the answers; calls
    /// whose other side comes afterwards are those that comparing all spans gives.
    #[test]
    fn rebuilt_equal_streamed(
        drawn in any_spans(),
        delays in prop::collection::vec(0..60_i64, 60),
        steps in prop::collection::vec((1..7_usize, 0..10_u8), 12..20),
        is_forgotten in any::<bool>(),
        is_small in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
        runtime.block_on(live(drawn, delays, steps, How { is_forgotten, is_small }));
    }
}

/// The widest buckets: as long as days go by in these tests.
const WIDEST: Resolution = Resolution::ALL[Resolution::ALL.len() - 1];
const WIDTH: i64 = WIDEST.bucket_ns();
const WIDTH_S: i64 = WIDTH / SECOND;

/// In each of six times of [`WIDTH`] a call and its answer, an entry span that ended four times before it came, and a
/// log record; the spans of the first three have expired.
async fn half_expired() -> (Lab, Engine) {
    let mut lab = Lab::in_memory();
    lab.options.retention.traces = Duration::from_secs(3 * WIDTH_S as u64);
    let engine = open(&lab).await;
    for time in 0..6_u8 {
        let received_s = i64::from(time) * WIDTH_S + WIDTH_S / 2;
        let at = |span: CallSpan| CallSpan { received_s, ..span };
        let call = CallSpan { peer: 1, ..at(span(time + 1, 1, None, "client", 0)) };
        let answer = at(span(time + 1, 2, Some(1), "server", 1));
        let late = CallSpan { start_ms: -4 * WIDTH_S * 1_000, ..at(span(time + 100, 1, None, "server", 2)) };
        ingest(&engine, &[call, answer, late]).await;
        ingest_log(&engine, 1, T0 + received_s * SECOND).await;
        engine.flush().await.expect("flushes");
    }
    engine.tick(T0 + 5 * WIDTH + WIDTH * 3 / 4).await.expect("expires");
    assert_eq!(visible(&engine, Table::Spans).iter().map(RecordBatch::num_rows).sum::<usize>(), 9);
    (lab, engine)
}

/// The rows of buckets that begin at a moment or later; of logs all.
fn since(rows: &RecordBatch, at: i64) -> RecordBatch {
    let buckets = rows["bucket"].as_primitive::<TimestampNanosecondType>();
    let is_log = |row: usize| {
        rows.column_by_name("signal").is_some_and(|signals| signals.as_string::<i32>().value(row) == "logs")
    };
    let is_chosen = |row: usize| Some(buckets.value(row) >= at || is_log(row));
    let flags: BooleanArray = (0..rows.num_rows()).map(is_chosen).collect();
    filter_record_batch(rows, &flags).expect("a flag for each row")
}

/// Scenario: spans are kept for less long than read models, whose segments have buckets of both times; read models are
/// made again, and once more after all of them were lost, one of them with a note that it lacked rows.
/// Guarantees: buckets before the first border after what has left stay as they were, later ones are whole, also with rows
/// that came late for a bucket that stays; what was made again no longer counts as lacking.
#[tokio::test]
async fn older_buckets_stay() {
    let (lab, engine) = half_expired().await;
    let (border, now) = (T0 + 3 * WIDTH, T0 + 6 * WIDTH - 1);
    engine.compact(now).await.expect("merges");
    let straddles = |segment: &Arc<SegmentMeta>| segment.time_min < border && segment.time_max >= border;
    for table in [Table::Red(Resolution::TenSeconds), Table::ServiceRed(Resolution::Hour)] {
        assert!(engine.snapshot(table).segments.iter().any(straddles), "{table:?}");
    }
    let wanted = all_cells(&engine);
    drop(engine);
    let found = rebuilt(&lab, lab.options.clone(), now).await;
    assert_eq!(found.kept_before, [(Signal::Traces, border)]);
    assert_eq!(found.n_rows, RowsEver { traces: 9, logs: 6, metrics: 0 });
    let engine = open(&lab).await;
    assert_eq!(all_cells(&engine), wanted);
    drop(engine);

    let fine = Table::Red(Resolution::TenSeconds);
    let lose = |manifest: &mut Manifest| {
        forget(manifest);
        manifest.note_lacking(fine, T0 + 5 * WIDTH);
    };
    change_manifest(&lab, lose).await;
    rebuilt(&lab, lab.options.clone(), now).await;
    let engine = open(&lab).await;
    assert_eq!(all_cells(&engine), wanted.iter().map(|rows| since(rows, border)).collect::<Vec<_>>());
    assert!(all_cells(&engine).iter().all(|rows| rows.num_rows() > 0));
    assert_eq!(engine.complete_from(fine), border);
}

/// Scenario: rows that were received eight days apart; tens of seconds are kept for seven.
/// Guarantees: cells live as long as they would have: those of the first day are in segments of their own, and those
/// that would expire at once are not written, which is noted.
#[tokio::test]
async fn rebuilt_cells_live_no_longer() {
    let mut lab = Lab::in_memory();
    lab.options.retention.traces = Duration::from_secs(30 * 86_400);
    let engine = open(&lab).await;
    for day in [0, 8] {
        let at = |span: CallSpan| CallSpan { received_s: day * 86_400, ..span };
        let trace = day as u8 + 1;
        ingest(&engine, &[at(span(trace, 1, None, "client", 0)), at(span(trace, 2, Some(1), "server", 1))])
            .await;
        engine.flush().await.expect("flushes");
    }
    drop(engine);
    let last = T0 + 8 * 24 * HOUR;
    rebuilt(&lab, lab.options.clone(), last).await;
    let engine = open(&lab).await;
    let received = |table: Table| -> Vec<i64> {
        engine.snapshot(table).segments.iter().map(|segment| segment.received_max).collect()
    };
    for model in [Table::Red, Table::ServiceRed, Table::EdgeRed] {
        assert_eq!(received(model(Resolution::Minute)), [T0, last]);
        assert_eq!(received(model(Resolution::TenSeconds)), [last]);
    }
    assert_eq!(received(Table::ServiceSeen), [T0, last]);
    assert_eq!(engine.complete_from(Table::Red(Resolution::TenSeconds)), T0 + 10 * SECOND);
    assert_eq!(engine.complete_from(Table::Red(Resolution::Minute)), i64::MIN);
}

/// Two generations in segments, whose spans call each other, and a third in the log.
async fn filled() -> (Lab, [TestRecord; 5]) {
    let lab = Lab::in_memory();
    let (engine, _, _) = lab.open().await;
    let records = [
        record(Signal::Traces, 2, 30),
        record(Signal::Logs, 1, 20),
        record(Signal::Traces, 3, 30),
        record(Signal::Metrics, 4, 10),
        record(Signal::Traces, 5, 20),
    ];
    for (idx, record) in records.into_iter().enumerate() {
        engines::ingest(&engine, record).await.expect("ingest");
        if idx == 1 || idx == 3 {
            engine.flush().await.expect("flush");
        }
    }
    (lab, records)
}

/// Scenario: the process dies at each step of a rebuild in turn; afterwards one is not disturbed.
/// Guarantees: after each start every cell is there once, as brute force over the rows finds it; a whole rebuild leaves
/// no file that nobody needs.
#[tokio::test]
async fn a_crash_at_any_step_leaves_the_one_or_the_other() {
    let (lab, records) = filled().await;
    let (engine, _, _) = lab.open().await;
    let wanted = all_cells(&engine);
    drop(engine);
    let steps = [
        Step::SegmentWrite,
        Step::SegmentSync,
        Step::ChecksumsWrite,
        Step::SegmentPublish,
        Step::SegmentNameSync,
        Step::ManifestWrite,
        Step::ManifestSync,
        Step::ManifestPublish,
        Step::ManifestNameSync,
        Step::ManifestPublished,
        Step::SegmentDelete,
    ];
    for step in steps {
        free(&lab).await;
        let plan = Arc::new(Plan::default());
        plan.crash_at(step);
        let rebuilt = rebuild_with(lab.options.clone(), T0, |_| {}, || false, plan).await;
        assert_eq!(rebuilt.is_ok(), step == Step::SegmentDelete, "{step:?}: {rebuilt:?}");
        let (engine, recovery, _) = lab.open().await;
        assert_eq!(recovery.n_records_replayed, 1, "{step:?}");
        assert_visible(&engine, &records, &format!("{step:?}"));
        assert_eq!(all_cells(&engine), wanted, "{step:?}");
    }
    rebuilt(&lab, lab.options.clone(), T0).await;
    let (engine, recovery, _) = lab.open().await;
    assert_eq!(recovery.n_orphans_removed, 0);
    assert_eq!(all_cells(&engine), wanted);
}

/// All files of segments and manifests.
fn files(lab: &Lab) -> Vec<PathBuf> {
    let data_dir = &lab.options.data_dir;
    let directories = Table::ALL.map(|table| fs::segment_dir(data_dir, table));
    let directories = directories.into_iter().chain([fs::manifest_dir(data_dir)]);
    directories.flat_map(|path| fs::list_files(&path).expect("list")).collect()
}

/// Scenario: a rebuild is asked for while an engine has the directory, then where there is no data, then stopped at
/// each moment at which it can be, and then not.
/// Guarantees: each of these says why and changes nothing; in the end all progress is made, in order.
#[tokio::test]
async fn it_can_be_refused_and_stopped() {
    let (lab, _) = filled().await;
    let (engine, _, _) = lab.open().await;
    let (options, before) = (&lab.options, files(&lab));
    let refused = rebuild_read_models(options.clone(), T0, |_| {}, || false).await.expect_err("in use");
    assert!(matches!(refused, Error::Locked { .. }), "{refused}");
    drop(engine);
    let empty = Options { data_dir: options.data_dir.join("nothing"), ..options.clone() };
    let refused = rebuild_read_models(empty, T0, |_| {}, || false).await.expect_err("empty");
    assert!(matches!(refused, Error::NoData { .. }), "{refused}");

    free(&lab).await;
    let mut n_stopped = 0;
    loop {
        let (n_left, told) = (AtomicIsize::new(n_stopped), Arc::new(Mutex::new(Vec::new())));
        let tell = Arc::clone(&told);
        let is_stopped = move || n_left.fetch_sub(1, Ordering::Relaxed) <= 0;
        let tried = rebuild_read_models(options.clone(), T0, move |now| tell.lock().push(now), is_stopped);
        match tried.await {
            Err(Error::Stopped) => assert_eq!(files(&lab), before),
            Err(error) => panic!("{error}"),
            Ok(rebuilt) => {
                let told = told.lock();
                assert!(told.is_sorted_by_key(|progress: &Progress| progress.n_bytes), "{told:?}");
                assert!(told.last().is_some_and(|last| last.n_bytes == last.n_bytes_all), "{told:?}");
                assert_eq!(rebuilt.n_rows, RowsEver { traces: 60, logs: 20, metrics: 10 });
                assert!(rebuilt.n_segments_before > 0 && rebuilt.kept_before.is_empty(), "{rebuilt:?}");
                break;
            }
        }
        n_stopped += 1;
    }
    assert!(n_stopped > 4, "{n_stopped}");
}

/// Scenario: a segment of spans is damaged; an operator follows the advice that comes with it, and rebuilds again.
/// Guarantees: the first time nothing changes; then the spans that are lost are still counted, since what is known of
/// their time stays.
#[tokio::test]
async fn lost_rows_stay_counted() {
    let (lab, _) = filled().await;
    let (engine, _, _) = lab.open().await;
    let wanted: Vec<RecordBatch> = red_tables().map(|table| cells(&engine, table)).collect();
    let segment = engine.snapshot(Table::Spans).segments[0].file_path(&lab.options.data_dir);
    drop(engine);
    let mut bytes = std::fs::read(&segment).expect("read");
    bytes.iter_mut().skip(4).take(600).for_each(|byte| *byte ^= 0xff);
    std::fs::write(&segment, bytes).expect("write");
    free(&lab).await;
    let before = files(&lab);
    let failed = rebuild_read_models(lab.options.clone(), T0, |_| {}, || false).await.expect_err("damaged");
    let Error::SegmentDamaged { path, .. } = &failed else { panic!("{failed}") };
    assert_eq!((path, files(&lab)), (&segment, before));
    std::fs::rename(&segment, segment.with_extension("parquet.damaged")).expect("rename");
    let found = rebuilt(&lab, lab.options.clone(), T0).await;
    assert_eq!(found.kept_before, [(Signal::Traces, T0 + WIDTH)]);
    let (engine, _, _) = lab.open().await;
    let found: Vec<RecordBatch> = red_tables().map(|table| cells(&engine, table)).collect();
    assert_eq!(found, wanted);
}
