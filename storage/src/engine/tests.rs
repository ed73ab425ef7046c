//! The engine as a whole, with failures and crashes to order.

use super::*;
use crate::faults::Step;
use crate::options::{Compaction, WalOptions};
use crate::read_models::tests::{brute_force, merged, red_tables};
use crate::read_models::{Resolution, Wanted, edges_tests};
use crate::segment::tests::read_segment;
use crate::test_rows::{SECOND, T0, TestRecord, decode, dir_in_memory, row_names};
use crate::{Recovery, Signal};
use arrow::array::RecordBatch;
use parking_lot::Mutex;
use std::io;
use tempfile::TempDir;

/// What goes wrong, and when.
#[derive(Debug, Default)]
pub(super) struct Plan {
    state: Mutex<PlanState>,
}

#[derive(Debug, Default)]
struct PlanState {
    crash_at: Option<Step>,
    is_dead: bool,
    failing: Option<(Step, io::ErrorKind)>,
    /// Panics there, once.
    panics_at: Option<Step>,
    free_bytes: Option<u64>,
}

impl Plan {
    pub(super) fn crash_at(&self, step: Step) {
        self.state.lock().crash_at = Some(step);
    }

    pub(super) fn fail(&self, failing: Option<(Step, io::ErrorKind)>) {
        self.state.lock().failing = failing;
    }
}

impl Faults for Plan {
    fn before(&self, step: Step) -> io::Result<()> {
        let mut state = self.state.lock();
        state.is_dead |= state.crash_at == Some(step);
        if state.is_dead {
            return Err(io::Error::other("process is dead"));
        }
        if state.panics_at.take_if(|panics_at| *panics_at == step).is_some() {
            drop(state);
            panic!("planned at {step:?}");
        }
        if let Some((failing, kind)) = state.failing
            && failing == step
        {
            return Err(kind.into());
        }
        Ok(())
    }

    fn free_bytes(&self, n_bytes: u64) -> u64 {
        self.state.lock().free_bytes.unwrap_or(n_bytes)
    }
}

/// A data directory that outlives its engines.
pub(super) struct Lab {
    pub(super) options: Options,
    /// Removed when the lab goes.
    _dir: TempDir,
}

impl Lab {
    pub(super) fn new() -> Self {
        Self::within(tempfile::tempdir().expect("temporary directory"))
    }

    pub(super) fn in_memory() -> Self {
        Self::within(dir_in_memory())
    }

    fn within(dir: TempDir) -> Self {
        let mut options = Options::new(dir.path().join("data"));
        options.disk_free_bytes_min = 0;
        // Merges come when a test says so.
        options.compaction = Compaction { is_automatic: false, segments_min: 2, ..Compaction::default() };
        options.wal = WalOptions { commit_delay: Duration::ZERO, ..WalOptions::default() };
        Self { options, _dir: dir }
    }

    pub(super) async fn open(&self) -> (Engine, Recovery, Arc<Plan>) {
        let plan = Arc::new(Plan::default());
        let opened =
            Engine::open_with(self.options.clone(), decode, Arc::clone(&plan) as Arc<dyn Faults>).await;
        let (engine, recovery) = opened.expect("open");
        (engine, recovery, plan)
    }
}

pub(super) fn record(signal: Signal, id: u32, n_rows: u32) -> TestRecord {
    TestRecord { signal, id, n_rows, received_at: T0 + i64::from(id) * SECOND }
}

/// Logs and inserts, as the collector does.
pub(super) async fn ingest(engine: &Engine, record: TestRecord) -> Result<(), Error> {
    let logged = engine.log(record.to_wal()).await?;
    engine.insert(logged, record.columns());
    Ok(())
}

/// Everything a query would see of a table.
pub(crate) fn visible(engine: &Engine, table: Table) -> Vec<RecordBatch> {
    let snapshot = engine.snapshot(table);
    let data_dir = &engine.inner.options.data_dir;
    let stored = snapshot.segments.iter().flat_map(|segment| read_segment(segment, data_dir));
    stored.chain(snapshot.hot(&Wanted::default())).collect()
}

/// Exactly the rows of these records are visible, each once, and the read models agree with them.
pub(super) fn assert_visible(engine: &Engine, records: &[TestRecord], context: &str) {
    assert_rows_visible(engine, records, context);
    let spans = visible(engine, Table::Spans);
    assert_read_models(engine, &spans, context);
    // Coarser ones are made of it.
    let finest = Resolution::TenSeconds;
    let edges = edges_tests::folded(&visible(engine, Table::EdgeRed(finest)));
    assert_eq!(edges, edges_tests::brute_force(&spans, finest), "{context}: edges");
}

/// The read models have exactly these spans.
pub(super) fn assert_read_models(engine: &Engine, spans: &[RecordBatch], context: &str) {
    for table in red_tables() {
        let wanted = brute_force(table, spans);
        assert_eq!(merged(table, &visible(engine, table)), wanted, "{context}: {table:?}");
    }
}

/// Exactly the rows of these records are visible, each once.
pub(super) fn assert_rows_visible(engine: &Engine, records: &[TestRecord], context: &str) {
    for signal in Signal::ALL {
        let of_signal = records.iter().filter(|record| record.signal == signal);
        let mut wanted: Vec<String> = of_signal.flat_map(|record| record.row_names()).collect();
        wanted.sort();
        let table = Table::from(signal);
        assert_eq!(row_names(table, &visible(engine, table)), wanted, "{context}: {signal}");
        assert_eq!(engine.stats().rows_ever.of(signal), wanted.len() as u64, "{context}: {signal}");
    }
}

/// Tables that have segments.
pub(super) fn n_tables(engine: &Engine) -> u64 {
    let has_segments = |table: &Table| !engine.snapshot(*table).segments.is_empty();
    Table::ALL.iter().filter(|table| has_segments(table)).count() as u64
}

fn three_records() -> [TestRecord; 3] {
    [record(Signal::Traces, 1, 30), record(Signal::Logs, 2, 20), record(Signal::Metrics, 3, 10)]
}

/// Scenario: rows are inserted, flushed, more are inserted, the engine is shut down and opened again.
/// Guarantees: rows are visible at once and exactly once at every point; a clean start replays
/// nothing and finds no log.
#[tokio::test]
async fn rows_are_visible_once_from_insert_to_reopen() {
    let lab = Lab::new();
    let (engine, _, _) = lab.open().await;
    let mut records = Vec::new();
    for (idx, record) in three_records().into_iter().enumerate() {
        ingest(&engine, record).await.expect("ingest");
        records.push(record);
        assert_visible(&engine, &records, "hot");
        if idx == 1 {
            engine.flush().await.expect("flush");
            assert_visible(&engine, &records, "flushed");
        }
    }
    engine.shutdown().await.expect("shutdown");
    let late = engine.log(records[0].to_wal()).await.expect_err("closed");
    assert!(matches!(late, Error::Closed), "{late}");
    assert_visible(&engine, &records, "shut down");
    assert_eq!(engine.stats().hot_bytes, 0);
    drop(engine);
    let (engine, recovery, _) = lab.open().await;
    assert_eq!(recovery, Recovery::default());
    assert_eq!(engine.stats().wal_bytes, 0);
    assert_visible(&engine, &records, "reopened");
}

/// Scenario: the process dies at each step of a flush in turn, after rows were acknowledged.
/// Guarantees: after a restart every acknowledged row is there exactly once, files of the unfinished
/// flush are gone, and the next flush works.
#[tokio::test]
async fn a_crash_at_any_step_of_a_flush_loses_and_doubles_nothing() {
    let steps = [
        Step::SegmentWrite,
        Step::ChecksumsWrite,
        Step::SegmentPublish,
        Step::ManifestPublish,
        Step::ManifestPublished,
        Step::WalDelete,
    ];
    for step in steps {
        let lab = Lab::new();
        let (engine, _, plan) = lab.open().await;
        let records = three_records();
        ingest(&engine, records[0]).await.expect("ingest");
        engine.flush().await.expect("first flush");
        ingest(&engine, records[1]).await.expect("ingest");
        ingest(&engine, records[2]).await.expect("ingest");
        plan.crash_at(step);
        engine.flush().await.expect_err("dead");
        drop(engine);
        let (engine, recovery, _) = lab.open().await;
        assert_visible(&engine, &records, &format!("{step:?}"));
        let is_published = matches!(step, Step::ManifestPublished | Step::WalDelete);
        assert_eq!(recovery.n_records_replayed, if is_published { 0 } else { 2 }, "{step:?}");
        engine.flush().await.expect("flush");
        assert_visible(&engine, &records, &format!("{step:?}, flushed"));
        drop(engine);
        let (engine, recovery, _) = lab.open().await;
        assert_eq!((recovery.n_records_replayed, recovery.n_orphans_removed), (0, 0), "{step:?}");
        assert_visible(&engine, &records, &format!("{step:?}, reopened"));
    }
}

/// Scenario: writing segments or manifests fails for a while.
/// Guarantees: rows stay readable in memory and on the log, later rows are still taken, the stats say
/// what is wrong, and the first flush that works stores all of it.
#[tokio::test]
async fn a_failing_flush_keeps_rows_and_is_retried() {
    for step in [Step::SegmentWrite, Step::ChecksumsWrite, Step::SegmentPublish, Step::ManifestPublish] {
        let lab = Lab::new();
        let (engine, _, plan) = lab.open().await;
        let records = three_records();
        ingest(&engine, records[0]).await.expect("ingest");
        plan.fail(Some((step, io::ErrorKind::StorageFull)));
        engine.flush().await.expect_err("planned");
        let left = Table::ALL.map(|table| fs::segment_dir(&lab.options.data_dir, table));
        assert!(left.iter().all(|directory| fs::list_files(directory).expect("list").is_empty()), "{step:?}");
        ingest(&engine, records[1]).await.expect("ingest");
        engine.tick(T0).await.expect_err("planned");
        let stats = engine.stats();
        assert!(stats.last_error.is_some() && stats.n_flushes_failed == 2, "{stats:?}");
        assert_visible(&engine, &records[..2], "while failing");
        plan.fail(None);
        engine.tick(T0 + SECOND).await.expect("works again");
        assert_visible(&engine, &records[..2], "stored");
        let stats = engine.stats();
        assert_eq!((stats.last_error, stats.hot_bytes), (None, 0));
    }
}

/// Scenario: the disk is full for minutes, while the timer ticks every second; then there is room again.
/// Guarantees: the pauses between attempts double from a second to a minute; within a minute of room all is stored.
#[tokio::test]
async fn a_failing_flush_is_tried_ever_more_seldom() {
    let lab = Lab::new();
    let (engine, _, plan) = lab.open().await;
    let records = three_records();
    ingest(&engine, records[0]).await.expect("ingest");
    plan.fail(Some((Step::SegmentWrite, io::ErrorKind::StorageFull)));
    let mut attempts = Vec::new();
    // What is there first becomes old enough.
    engine.tick(T0).await.expect("nothing is due");
    for second in 60..400 {
        let failed = engine.tick(T0 + second * SECOND).await.is_err();
        if failed {
            attempts.push(second - 60);
        }
        assert!(engine.stats().n_flushes_failed == attempts.len() as u64, "{second}");
    }
    assert_eq!(attempts, [0, 1, 3, 7, 15, 31, 63, 123, 183, 243, 303]);
    assert!(engine.stats().last_error.is_some());
    plan.fail(None);
    for second in 400..460 {
        engine.tick(T0 + second * SECOND).await.expect("works or waits");
    }
    assert_eq!((engine.stats().n_flushes, engine.stats().last_error), (1, None));
    assert_visible(&engine, &records[..1], "stored");
    plan.fail(Some((Step::SegmentWrite, io::ErrorKind::StorageFull)));
    ingest(&engine, records[1]).await.expect("ingest");
    for (second, is_tried) in [(500, false), (560, true), (561, true), (562, false)] {
        assert_eq!(engine.tick(T0 + second * SECOND).await.is_err(), is_tried, "it begins anew: {second}");
    }
    assert!(engine.tick(T0).await.is_err(), "a clock that is set back does not keep rows in memory");
}

/// Scenario: a flush that ran because memory was full panics.
/// Guarantees: the next request that finds memory full starts another, which stores all rows.
#[tokio::test]
async fn a_flush_that_panics_is_followed_by_another() {
    let mut lab = Lab::new();
    lab.options.hot.bytes_soft = 1;
    let (engine, _, plan) = lab.open().await;
    plan.state.lock().panics_at = Some(Step::SegmentWrite);
    let mut records = Vec::new();
    let insert_until_stored = async {
        while engine.stats().n_flushes == 0 {
            records.push(record(Signal::Logs, records.len() as u32, 3));
            ingest(&engine, records[records.len() - 1]).await.expect("ingest");
        }
    };
    tokio::time::timeout(Duration::from_secs(20), insert_until_stored).await.expect("flushed in the end");
    engine.flush().await.expect("flush");
    assert_visible(&engine, &records, "stored");
}

/// Scenario: a flush died in the middle of a file.
/// Guarantees: what it left is removed when the directory is opened, and counted.
#[tokio::test]
async fn unfinished_files_are_removed_at_the_start() {
    let lab = Lab::new();
    let (engine, _, _) = lab.open().await;
    drop(engine);
    let directory = fs::segment_dir(&lab.options.data_dir, Table::Logs);
    for name in ["00000000000000000009.parquet.new", "00000000000000000009.parquet.crc"] {
        std::fs::write(directory.join(name), "PAR1").expect("write");
    }
    let (_, recovery, _) = lab.open().await;
    assert_eq!(recovery.n_orphans_removed, 2);
    assert!(fs::list_files(&directory).expect("list").is_empty());
}

/// Scenario: a request goes away between log and insert.
/// Guarantees: the next tick makes its rows visible from the log, once, and its file can be deleted.
#[tokio::test]
async fn a_record_without_a_request_is_adopted() {
    let lab = Lab::new();
    let (engine, _, _) = lab.open().await;
    let records = three_records();
    ingest(&engine, records[0]).await.expect("ingest");
    drop(engine.log(records[1].to_wal()).await.expect("log"));
    ingest(&engine, records[2]).await.expect("ingest");
    engine.tick(T0).await.expect("tick");
    assert_visible(&engine, &records, "adopted");
    assert_eq!(engine.stats().n_records_adopted, 1);
    engine.flush().await.expect("flush");
    assert_eq!(engine.stats().wal_bytes, 0);
    assert_visible(&engine, &records, "flushed");
}

/// Scenario: the log is damaged where a record is whose request went away; later it is whole again.
/// Guarantees: the tick tells of it and leaves nothing else undone, and once the record can be read its
/// rows are visible.
#[tokio::test]
async fn a_lost_record_is_looked_for_until_it_is_read() {
    let lab = Lab::new();
    let (engine, _, _) = lab.open().await;
    let records = three_records();
    ingest(&engine, records[0]).await.expect("ingest");
    drop(engine.log(records[1].to_wal()).await.expect("log"));
    let path = fs::list_files(&fs::wal_dir(&lab.options.data_dir)).expect("list").pop().expect("one");
    let whole = std::fs::read(&path).expect("read");
    let mut damaged = whole.clone();
    damaged[whole.len() - 1] ^= 1;
    std::fs::write(&path, &damaged).expect("write");
    for now in [T0, T0 + 60 * SECOND] {
        let error = engine.tick(now).await.expect_err("unreadable").to_string();
        assert!(error.contains(&path.display().to_string()), "{error}");
    }
    assert_eq!((engine.stats().n_records_adopted, engine.stats().n_flushes), (0, 1));
    std::fs::write(&path, &whole).expect("write");
    engine.tick(T0).await.expect("tick");
    assert_visible(&engine, &records[..2], "adopted");
    assert_eq!(engine.stats().n_records_adopted, 1);
}

/// Scenario: a record whose request went away stays unreadable for minutes; then another request goes away;
/// then both can be read.
/// Guarantees: every tick tells of it, but the log is not searched at each; at once for a new record, and
/// within a minute for one that was looked for in vain.
#[tokio::test]
async fn a_lost_record_is_looked_for_ever_more_seldom() {
    let lab = Lab::new();
    let (engine, _, _) = lab.open().await;
    let records = three_records();
    drop(engine.log(records[0].to_wal()).await.expect("log"));
    let path = fs::list_files(&fs::wal_dir(&lab.options.data_dir)).expect("list").pop().expect("one");
    let hidden = path.with_extension("hidden");
    std::fs::rename(&path, &hidden).expect("hide");
    for _ in 0..200 {
        let error = engine.tick(T0).await.expect_err("not there");
        assert!(matches!(error, Error::RecordsLost { n_records: 1, sequence_first: 1, .. }), "{error}");
    }
    std::fs::rename(&hidden, &path).expect("back");
    let mut n_ticks = 1;
    while engine.tick(T0).await.is_err() {
        n_ticks += 1;
    }
    assert!((2..=61).contains(&n_ticks), "{n_ticks} ticks");
    assert_visible(&engine, &records[..1], "found");
    std::fs::rename(&path, &hidden).expect("hide");
    drop(engine.log(records[1].to_wal()).await.expect("log"));
    engine.tick(T0).await.expect_err("not there");
    engine.tick(T0).await.expect_err("not looked for");
    std::fs::rename(&hidden, &path).expect("back");
    drop(engine.log(records[2].to_wal()).await.expect("log"));
    engine.tick(T0).await.expect("both are looked for");
    assert_visible(&engine, &records, "all");
}

/// Scenario: a second engine opens the directory while the first lives, and again afterwards.
/// Guarantees: it is refused with the path and the owner's pid; the lock goes with its owner.
#[tokio::test]
async fn a_second_engine_is_refused() {
    let lab = Lab::new();
    let (engine, _, _) = lab.open().await;
    let error = Engine::open(lab.options.clone(), decode).await.expect_err("locked").to_string();
    assert!(error.contains(&lab.options.data_dir.display().to_string()), "{error}");
    assert!(error.contains(&format!("pid {}", std::process::id())), "{error}");
    drop(engine);
    lab.open().await;
}

/// Scenario: records in the log cannot be decoded: one is refused, one makes the decoder panic.
/// Guarantees: the engine starts, says how many, keeps their bytes, shows the rest, and does not meet
/// them again.
#[tokio::test]
async fn undecodable_records_are_put_aside() {
    let lab = Lab::new();
    let (engine, _, _) = lab.open().await;
    let records = three_records();
    for record in records {
        ingest(&engine, record).await.expect("ingest");
    }
    drop(engine);
    let picky = |record: crate::WalRecord| match record.signal {
        Signal::Logs => Err("no logs today".into()),
        Signal::Metrics => panic!("no metrics either"),
        Signal::Traces => decode(record),
    };
    let (engine, recovery) = Engine::open(lab.options.clone(), picky).await.expect("open");
    assert_eq!((recovery.n_records_replayed, recovery.n_records_undecodable), (1, 2));
    assert_visible(&engine, &records[..1], "the rest");
    let kept = fs::list_files(&lab.options.data_dir.join("quarantine")).expect("list");
    assert_eq!(kept.len(), 2);
    engine.shutdown().await.expect("shutdown");
    drop(engine);
    let (_, recovery, _) = lab.open().await;
    assert_eq!(recovery, Recovery::default());
}

/// Scenario: a log holds more than memory may; the engine opens.
/// Guarantees: replay flushes on the way, and every row is visible once.
#[tokio::test]
async fn a_long_log_is_replayed_in_parts() {
    let mut lab = Lab::new();
    let (engine, _, _) = lab.open().await;
    let records: Vec<TestRecord> = (0..40).map(|id| record(Signal::ALL[id as usize % 3], id, 50)).collect();
    for &record in &records {
        ingest(&engine, record).await.expect("ingest");
    }
    let hot_bytes = engine.stats().hot_bytes;
    drop(engine);
    lab.options.hot.bytes_soft = hot_bytes / 5;
    let (engine, recovery, _) = lab.open().await;
    assert_eq!(recovery.n_records_replayed, 40);
    assert!(engine.stats().n_flushes >= 3, "{:?}", engine.stats());
    assert_visible(&engine, &records, "replayed");
}

/// Scenario: thousands of requests bring one row each.
/// Guarantees: queries see few batches, all rows, and an honest account of their memory.
#[tokio::test]
async fn small_requests_become_few_batches() {
    let lab = Lab::new();
    let (engine, _, _) = lab.open().await;
    let records: Vec<TestRecord> = (0..3_000).map(|id| record(Signal::Logs, id, 1)).collect();
    for (record, sequence) in records.iter().zip(1..) {
        engine.inner.store.insert(sequence, record.columns());
    }
    let n_batches = engine.snapshot(Table::Logs).batches.len();
    assert!(n_batches < 50, "{n_batches} batches");
    assert_visible(&engine, &records, "melted");
    engine.flush().await.expect("flush");
    assert_eq!(engine.stats().hot_bytes, 0);
}

/// Scenario: time passes the age of a flush, and then each table's retention, while a query still
/// holds a segment.
/// Guarantees: rows are flushed by age; expired segments leave the manifest first; the file of one in
/// use stays until the query is done; a restart finds nothing to remove.
#[tokio::test]
async fn age_flushes_and_then_expires() {
    let lab = Lab::new();
    let (engine, _, _) = lab.open().await;
    for record in three_records() {
        ingest(&engine, record).await.expect("ingest");
    }
    engine.tick(T0).await.expect("tick");
    assert_eq!(engine.stats().n_segments, 0);
    engine.tick(T0 + 60 * SECOND).await.expect("tick");
    let n_tables = n_tables(&engine);
    assert!(n_tables >= 9 && engine.stats().n_segments == n_tables, "{n_tables} tables");
    let n_finest = Table::ALL
        .iter()
        .filter(|table| table.resolution() == Some(Resolution::TenSeconds))
        .filter(|table| !engine.snapshot(**table).segments.is_empty());
    let n_leaving = 3 + n_finest.count() as u64;
    let held = engine.snapshot(Table::Spans);
    let path = held.segments[0].file_path(&lab.options.data_dir);
    engine.tick(T0 + 8 * 86_400 * SECOND).await.expect("tick");
    let stats = engine.stats();
    let wanted = (n_tables - n_leaving, n_leaving);
    assert_eq!((stats.n_segments, stats.n_segments_expired), wanted, "coarse read models live longer");
    let red = |resolution| engine.complete_from(Table::Red(resolution));
    assert!(
        red(Resolution::TenSeconds) > T0 - 60 * SECOND && red(Resolution::TenSeconds) <= T0 + 10 * SECOND
    );
    assert_eq!((red(Resolution::Minute), red(Resolution::Hour)), (i64::MIN, i64::MIN));
    assert_eq!(stats.rows_ever.total(), 60);
    assert!(path.exists(), "a query still reads it");
    drop(held);
    engine.tick(T0 + 8 * 86_400 * SECOND).await.expect("tick");
    assert!(!path.exists());
    engine.shutdown().await.expect("shutdown");
    drop(engine);
    let (engine, recovery, _) = lab.open().await;
    assert_eq!(recovery, Recovery::default());
    assert_eq!(engine.stats().rows_ever.total(), 60);
}

/// Scenario: more bytes of spans are stored than are kept, with other rows and rows in memory beside them;
/// then a restart.
/// Guarantees: the segments received first leave, until the rest fits; hot rows, other tables and the read
/// model stay; what left does not come back.
#[tokio::test]
async fn surplus_bytes_are_displaced() {
    let mut lab = Lab::new();
    let (engine, _, _) = lab.open().await;
    let records: Vec<TestRecord> = (0..4).map(|id| record(Signal::Traces, id, 50)).collect();
    for &record in &records {
        ingest(&engine, record).await.expect("ingest");
        engine.flush().await.expect("flush");
    }
    ingest(&engine, record(Signal::Logs, 9, 50)).await.expect("ingest");
    engine.flush().await.expect("flush");
    let mut segments = engine.snapshot(Table::Spans).segments;
    segments.sort_by_key(|segment| (segment.received_max, segment.id));
    let (newest, wanted) = (segments[2].n_bytes + segments[3].n_bytes, segments[2..].to_vec());
    drop(engine);
    lab.options.retention.bytes_max.traces = Some(newest);
    let (engine, _, _) = lab.open().await;
    ingest(&engine, record(Signal::Traces, 10, 50)).await.expect("ingest");
    engine.tick(T0).await.expect("tick");
    let stats = engine.stats();
    assert_eq!((stats.n_segments_displaced, stats.n_segments_expired), (2, 0));
    let snapshot = engine.snapshot(Table::Spans);
    let ids = |segments: &[Arc<crate::segment::SegmentMeta>]| {
        segments.iter().map(|segment| segment.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&snapshot.segments), ids(&wanted));
    assert_eq!(snapshot.batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 50);
    assert_eq!(visible(&engine, Table::Logs).iter().map(RecordBatch::num_rows).sum::<usize>(), 50);
    for table in red_tables() {
        assert_eq!(engine.snapshot(table).segments.len(), 4, "{table:?}");
    }
    drop((snapshot, engine));
    let (engine, recovery, _) = lab.open().await;
    assert_eq!((recovery.n_orphans_removed, recovery.n_records_missing), (0, 0));
    assert_eq!(engine.snapshot(Table::Spans).segments.len(), 2);
}

/// Scenario: memory reaches its hard limit; the disk falls below its floor.
/// Guarantees: both are seen by `pressure` and `log` alike, and pass.
#[tokio::test]
async fn pressure_is_felt_before_and_at_the_log() {
    let mut lab = Lab::new();
    lab.options.disk_free_bytes_min = 1_000;
    (lab.options.hot.bytes_soft, lab.options.hot.bytes_hard) = (1, 1);
    let (engine, _, plan) = lab.open().await;
    plan.state.lock().free_bytes = Some(999);
    let refused = engine.log(record(Signal::Logs, 1, 1).to_wal()).await.expect_err("no room");
    assert!(matches!(refused, Error::DiskFull), "{refused}");
    assert!(matches!(engine.pressure(), Err(Error::DiskFull)));
    plan.state.lock().free_bytes = None;
    engine.tick(T0).await.expect("tick");
    engine.pressure().expect("room again");

    plan.fail(Some((Step::SegmentWrite, io::ErrorKind::StorageFull)));
    ingest(&engine, record(Signal::Logs, 1, 1)).await.expect("the first row fits");
    assert!(matches!(engine.pressure(), Err(Error::Overloaded { .. })));
    let refused = engine.log(record(Signal::Logs, 2, 1).to_wal()).await.expect_err("memory is full");
    assert!(refused.is_retryable(), "{refused}");
    plan.fail(None);
    engine.flush().await.expect("flush");
    engine.pressure().expect("memory again");
}

/// Scenario: files that the engine relies on are damaged or missing.
/// Guarantees: the start is refused and the message names the file; nothing is removed.
#[tokio::test]
async fn damage_is_refused_by_name() {
    let lab = Lab::new();
    let (engine, _, _) = lab.open().await;
    ingest(&engine, three_records()[0]).await.expect("ingest");
    engine.shutdown().await.expect("shutdown");
    drop(engine);
    let manifest =
        fs::list_files(&fs::manifest_dir(&lab.options.data_dir)).expect("list").pop().expect("one");
    let files = fs::list_files(&fs::segment_dir(&lab.options.data_dir, Table::Spans)).expect("list");
    let [segment, checksums] = files.try_into().expect("a segment and its checksums");
    for (path, told) in [(manifest, "cannot be read"), (segment, "bytes where"), (checksums, "checksum file")]
    {
        let whole = std::fs::read(&path).expect("read");
        std::fs::write(&path, &whole[..whole.len() / 2]).expect("write");
        let error = Engine::open(lab.options.clone(), decode).await.expect_err("damaged").to_string();
        let name = path.display().to_string();
        let is_named = error.contains(name.trim_end_matches(".crc")) && error.contains(told);
        assert!(is_named, "{error}");
        std::fs::write(&path, &whole).expect("write");
    }
    let (engine, _, _) = lab.open().await;
    assert_visible(&engine, &three_records()[..1], "untouched");
}

/// Scenario: manifests are lost, the newest or all, after flushes whose log files are gone.
/// Guarantees: the start is refused with what to do, and no segment is removed; with the manifests back,
/// every row is there.
#[tokio::test]
async fn a_lost_manifest_removes_no_segment() {
    let lab = Lab::new();
    let (engine, _, _) = lab.open().await;
    for id in 0..4 {
        ingest(&engine, record(Signal::Traces, id, 50)).await.expect("ingest");
        engine.flush().await.expect("flush");
    }
    ingest(&engine, record(Signal::Traces, 9, 50)).await.expect("ingest");
    drop(engine);
    let data_dir = lab.options.data_dir.clone();
    let list = |directory: &str| {
        let mut names: Vec<_> =
            std::fs::read_dir(data_dir.join(directory)).unwrap().map(|entry| entry.unwrap().path()).collect();
        names.sort();
        names
    };
    let (manifests, segments) = (list("manifest"), list("segments/spans"));
    let aside = tempfile::tempdir().expect("a folder");
    for n_lost in [1, manifests.len()] {
        let lost = &manifests[manifests.len() - n_lost..];
        for path in lost {
            std::fs::copy(path, aside.path().join(path.file_name().unwrap())).expect("copy");
            std::fs::remove_file(path).expect("remove");
        }
        let refused =
            Engine::open(lab.options.clone(), decode).await.map(|_| ()).expect_err("a manifest is missing");
        assert!(matches!(refused, Error::ManifestBehind { .. }), "{refused}");
        assert_eq!(list("segments/spans"), segments, "{n_lost} lost");
        for path in lost {
            std::fs::copy(aside.path().join(path.file_name().unwrap()), path).expect("copy back");
        }
    }
    let (engine, _, _) = lab.open().await;
    assert_eq!(visible(&engine, Table::Spans).iter().map(RecordBatch::num_rows).sum::<usize>(), 250);
}
