//! Merges of segments, with failures and crashes to order.

use crate::engine::tests::{Lab, Plan, assert_visible, ingest, n_tables, record};
use crate::engine::*;
use crate::faults::Step;
use crate::test_rows::{SECOND, T0, TestRecord};
use crate::{Recovery, Signal};
use std::io;
use std::path::Path;

/// An engine with three segments of every table.
async fn segmented(lab: &Lab) -> (Engine, Arc<Plan>, Vec<TestRecord>) {
    let (engine, _, plan) = lab.open().await;
    let mut records = Vec::new();
    for flush in 0..3 {
        for signal in Signal::ALL {
            records.push(record(signal, records.len() as u32 + 1, 20 + flush));
            ingest(&engine, records[records.len() - 1]).await.expect("ingest");
        }
        engine.flush().await.expect("flush");
    }
    assert_eq!(engine.stats().n_segments, 3 * n_tables(&engine));
    (engine, plan, records)
}

fn n_files(lab: &Lab) -> usize {
    let directories = Table::ALL.map(|table| fs::segment_dir(&lab.options.data_dir, table));
    directories.iter().map(|directory| fs::list_files(directory).expect("list").len()).sum()
}

/// Scenario: segments are merged while a query holds one of them, then again, then after a restart.
/// Guarantees: every row is there once, the read model too; a file goes when nobody reads it; there is
/// one segment per table, and a second time nothing to do.
#[tokio::test]
async fn merged_segments_hold_every_row_once() {
    let lab = Lab::new();
    let (engine, _, records) = segmented(&lab).await;
    let (held, n_tables) = (engine.snapshot(Table::Spans), n_tables(&engine));
    assert_eq!(engine.compact(T0).await.expect("merge"), n_tables);
    assert_visible(&engine, &records, "merged");
    let stats = engine.stats();
    let wanted = (n_tables, n_tables, 3 * n_tables);
    assert_eq!((stats.n_segments, stats.n_merges, stats.n_segments_merged), wanted);
    assert_eq!(n_files(&lab) as u64, 2 * (n_tables + 3), "those of the spans are held");
    assert!(held.segments.iter().all(|segment| segment.file_path(&lab.options.data_dir).exists()));
    drop(held);
    assert_eq!(engine.compact(T0).await.expect("nothing to do"), 0);
    assert_eq!(n_files(&lab) as u64, 2 * n_tables);
    drop(engine);
    let (engine, recovery, _) = lab.open().await;
    assert_eq!(Recovery { n_records_skipped: 0, ..recovery }, Recovery::default());
    assert_visible(&engine, &records, "reopened");
    // Numbers go on where they were.
    ingest(&engine, record(Signal::Logs, 99, 5)).await.expect("ingest");
    engine.flush().await.expect("flush");
    assert_visible(&engine, &[records, vec![record(Signal::Logs, 99, 5)]].concat(), "later");
}

/// Scenario: the process dies at each step of a merge in turn.
/// Guarantees: after a restart every row is there once and no file is left over; the next merge works.
#[tokio::test]
async fn a_crash_at_any_step_of_a_merge_loses_and_doubles_nothing() {
    let steps = [
        Step::SegmentWrite,
        Step::ChecksumsWrite,
        Step::SegmentPublish,
        Step::ManifestPublish,
        Step::ManifestPublished,
        Step::SegmentDelete,
    ];
    for step in steps {
        let lab = Lab::new();
        let (engine, plan, records) = segmented(&lab).await;
        plan.crash_at(step);
        engine.compact(T0).await.expect_err("dead");
        drop(engine);
        let (engine, recovery, _) = lab.open().await;
        assert_visible(&engine, &records, &format!("{step:?}"));
        assert_eq!(recovery.n_records_replayed, 0, "{step:?}");
        assert_eq!(n_files(&lab) as u64, 2 * engine.stats().n_segments, "{step:?}");
        engine.compact(T0).await.expect("merge");
        assert_eq!(engine.stats().n_segments, n_tables(&engine), "{step:?}");
        assert_visible(&engine, &records, &format!("{step:?}, merged"));
    }
}

/// Scenario: a merge fails for want of space, at each of its steps; rows come and are flushed meanwhile.
/// Guarantees: nothing is left of it, flushes are not disturbed, the stats count it, and the next works.
#[tokio::test]
async fn a_failing_merge_leaves_segments_as_they_are() {
    for step in [Step::SegmentWrite, Step::ChecksumsWrite, Step::SegmentPublish, Step::ManifestPublish] {
        let lab = Lab::new();
        let (engine, plan, mut records) = segmented(&lab).await;
        plan.fail(Some((step, io::ErrorKind::StorageFull)));
        engine.compact(T0).await.expect_err("planned");
        plan.fail(None);
        let n_tables = n_tables(&engine);
        assert_eq!(n_files(&lab) as u64, 2 * 3 * n_tables, "{step:?}");
        assert_eq!((engine.stats().n_merges_failed, engine.stats().last_error), (1, None));
        records.push(record(Signal::Logs, 99, 5));
        ingest(&engine, record(Signal::Logs, 99, 5)).await.expect("ingest");
        engine.flush().await.expect("flush");
        assert_eq!(engine.compact(T0).await.expect("merge"), n_tables);
        assert_visible(&engine, &records, &format!("{step:?}"));
    }
}

/// Scenario: one of the inputs is damaged.
/// Guarantees: the merge says which, its rows go nowhere, and it is left alone from then on while others
/// are merged.
#[tokio::test]
async fn a_damaged_segment_is_not_merged() {
    let lab = Lab::new();
    let (engine, _, _) = segmented(&lab).await;
    let path = engine.snapshot(Table::Logs).segments[2].file_path(&lab.options.data_dir);
    let mut bytes = std::fs::read(&path).expect("read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, &bytes).expect("write");
    let error = engine.compact(T0).await.expect_err("damaged");
    assert!(matches!(&error, Error::SegmentDamaged { path: found, .. } if *found == path), "{error:?}");
    engine.compact(T0).await.expect("the others");
    for table in Table::ALL {
        let n_segments = engine.snapshot(table).segments.len();
        assert!(n_segments <= 1 || (table, n_segments) == (Table::Logs, 2), "{table:?}: {n_segments}");
    }
    assert_eq!(engine.stats().n_segments, n_tables(&engine) + 1);
    assert_eq!(std::fs::read(&path).expect("read"), bytes);
}

/// Scenario: one of the inputs cannot be read: its checksums are gone, it is gone, the disk refuses.
/// Guarantees: the merge says which, and that one alone is not merged from then on.
#[tokio::test]
async fn an_unreadable_segment_is_not_merged() {
    let remove = |path: &Path| std::fs::remove_file(path).expect("remove");
    let ruins: [&dyn Fn(&Path); 3] = [
        &|path| remove(&path.with_extension("parquet.crc")),
        &remove,
        // A directory can be opened, and gives an error where it is read.
        &|path| {
            remove(path);
            std::fs::create_dir(path).expect("create");
        },
    ];
    for (idx, ruin) in ruins.into_iter().enumerate() {
        let lab = Lab::new();
        let (engine, _, _) = segmented(&lab).await;
        let path = engine.snapshot(Table::Spans).segments[2].file_path(&lab.options.data_dir);
        ruin(&path);
        let error = engine.compact(T0).await.expect_err("unreadable").to_string();
        assert!(error.contains(&path.display().to_string()), "{idx}: {error}");
        engine.compact(T0 + 3_600 * SECOND).await.expect("the others");
        assert_eq!(engine.snapshot(Table::Spans).segments.len(), 2, "{idx}");
        assert_eq!(engine.stats().n_segments, n_tables(&engine) + 1, "{idx}");
    }
}

/// Scenario: a merge fails for a reason that names no input.
/// Guarantees: its inputs are left alone for a while, others are merged at once.
#[tokio::test]
async fn a_merge_that_fails_does_not_keep_others_waiting() {
    let lab = Lab::new();
    let (engine, plan, records) = segmented(&lab).await;
    plan.fail(Some((Step::SegmentWrite, io::ErrorKind::Other)));
    engine.compact(T0).await.expect_err("planned");
    plan.fail(None);
    assert_eq!(engine.compact(T0).await.expect("the others"), n_tables(&engine) - 1);
    assert_eq!(engine.compact(T0 + 59 * SECOND).await.expect("nothing yet"), 0);
    assert_eq!(engine.compact(T0 + 60 * SECOND).await.expect("again"), 1);
    assert_visible(&engine, &records, "merged");
}

/// Scenario: segments expire while they are merged.
/// Guarantees: their rows do not come back.
#[tokio::test]
async fn what_expires_meanwhile_stays_away() {
    let lab = Lab::new();
    let (engine, _, _) = segmented(&lab).await;
    let inputs = engine.snapshot(Table::Logs).segments;
    engine.tick(T0 + 30 * 86_400 * SECOND).await.expect("tick");
    assert!(engine.snapshot(Table::Logs).segments.is_empty());
    engine.inner.store.merge(&inputs, &|| false).expect("no failure");
    assert!(engine.snapshot(Table::Logs).segments.is_empty());
    drop(inputs);
    engine.tick(T0 + 30 * 86_400 * SECOND).await.expect("tick");
    assert_eq!(n_files(&lab) as u64, 2 * engine.stats().n_segments);
}

/// Scenario: merges are left to the timer.
/// Guarantees: they happen, beside inserts and flushes, and nothing is lost or doubled.
#[tokio::test]
async fn the_timer_merges_in_the_background() {
    let mut lab = Lab::new();
    lab.options.compaction.is_automatic = true;
    let (engine, _, mut records) = segmented(&lab).await;
    let merge = async {
        while engine.stats().n_merges < 8 {
            records.push(record(Signal::ALL[records.len() % 3], records.len() as u32 + 1, 5));
            ingest(&engine, records[records.len() - 1]).await.expect("ingest");
            engine.flush().await.expect("flush");
            engine.tick(T0).await.expect("tick");
        }
    };
    tokio::time::timeout(Duration::from_secs(60), merge).await.expect("merged in the end");
    assert_visible(&engine, &records, "merged");
}
