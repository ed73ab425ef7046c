//! Data directories, whole and damaged, as an operator finds them.

use super::*;
use crate::engine::Engine;
use crate::engine::tests::visible;
use crate::fs as files;
use crate::ids::{Signal, Table};
use crate::options::Options;
use crate::test_rows::{SECOND, T0, TestRecord, decode, row_names};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use tempfile::TempDir;

async fn open(data_dir: &Path) -> Engine {
    let mut options = Options::new(data_dir);
    options.compaction.is_automatic = false;
    Engine::open(options, decode).await.expect("open").0
}

async fn ingest(engine: &Engine, signal: Signal, id: u32, n_rows: u32) {
    let record = TestRecord { signal, id, n_rows, received_at: T0 + i64::from(id) * SECOND };
    let logged = engine.log(record.to_wal()).await.expect("log");
    engine.insert(logged, record.columns());
}

/// Two segments of spans and of the read model, one of logs, and two records in the log.
async fn filled() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("temporary directory");
    let data_dir = dir.path().join("data");
    let engine = open(&data_dir).await;
    ingest(&engine, Signal::Traces, 1, 3_000).await;
    ingest(&engine, Signal::Logs, 2, 50).await;
    engine.flush().await.expect("flush");
    ingest(&engine, Signal::Traces, 3, 20).await;
    engine.flush().await.expect("flush");
    ingest(&engine, Signal::Logs, 4, 30).await;
    ingest(&engine, Signal::Metrics, 5, 30).await;
    drop(engine);
    (dir, data_dir)
}

fn verified(data_dir: &Path) -> Verified {
    verify(data_dir, &mut |_| {}).expect("verify")
}

fn flip(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).expect("read");
    bytes[at] ^= 0x10;
    std::fs::write(path, bytes).expect("write");
}

/// Scenario: a whole directory is verified while nobody, and while a server has it; and one that is none.
/// Guarantees: everything is counted, progress ends at everything, nothing is changed; the owner is named;
/// nothing is made in a strange directory.
#[tokio::test]
async fn a_whole_directory_is_verified() {
    let (dir, data_dir) = filled().await;
    let mut last = Progress::default();
    let found = verify(&data_dir, &mut |progress| last = progress).expect("verify");
    assert!(found.damage.is_empty() && found.log_unfinished.is_none(), "{found:?}");
    assert!(found.n_segments >= 3 + 2 * 6, "{found:?}");
    assert_eq!((found.n_log_files, found.n_log_records), (1, 2));
    assert_eq!((found.n_segments_without_checksums, found.n_log_records_missing), (0, 0));
    assert_eq!(
        (last.n_bytes, last.n_bytes_all),
        (last.n_bytes_all, found.n_segment_bytes + found.n_log_bytes)
    );
    assert_eq!(verified(&data_dir).n_log_records, 2);

    let engine = open(&data_dir).await;
    let error = verify(&data_dir, &mut |_| {}).expect_err("in use").to_string();
    assert!(error.contains(&format!("pid {}", std::process::id())) && error.contains("stop it"), "{error}");
    drop(engine);
    let empty = dir.path().join("empty");
    std::fs::create_dir(&empty).expect("create");
    let error = verify(&empty, &mut |_| {}).expect_err("nothing there").to_string();
    assert!(error.contains("is no data directory"), "{error}");
    assert!(files::list_files(&empty).expect("list").is_empty());
}

/// Scenario: every kind of file is damaged in turn: a segment changed, cut and gone, its checksums changed, a
/// log record changed, the manifest changed.
/// Guarantees: exactly that is told, with the file's name and what to do, and nothing once it is mended.
#[tokio::test]
async fn each_damage_is_named() {
    let (_dir, data_dir) = filled().await;
    let first = |directory: PathBuf| files::list_files(&directory).expect("list").swap_remove(0);
    let segment = first(files::segment_dir(&data_dir, Table::Spans));
    let n_bytes = std::fs::metadata(&segment).expect("metadata").len() as usize;
    let log = first(files::wal_dir(&data_dir));
    let manifest = files::list_files(&files::manifest_dir(&data_dir)).expect("list").pop().expect("one");
    let checksums = segment.with_extension("parquet.crc");
    let check = |path: &Path, told: &[&str]| {
        let found = verified(&data_dir);
        let [damage] = found.damage.as_slice() else { panic!("{told:?}: {:?}", found.damage) };
        let text = damage.to_string();
        let name = path.display().to_string();
        assert!(text.contains(name.trim_end_matches(".crc")), "{text}");
        assert!(told.iter().all(|told| text.contains(told)), "{text}");
    };
    let cases = [
        (&segment, 0, vec!["at byte 0", "restore"]),
        (&segment, n_bytes / 2, vec!["damaged at byte", "mv"]),
        (&segment, n_bytes - 1, vec!["damaged at byte"]),
        (&checksums, 21, vec!["in its checksum file"]),
        (&log, 40, vec!["byte 20", "checksum", "whole records follow", "quarantine"]),
        (&manifest, 5, vec!["checksum does not fit", "backup"]),
    ];
    for (path, at, told) in cases {
        flip(path, at);
        check(path, &told);
        flip(path, at);
    }
    let whole = std::fs::read(&segment).expect("read");
    std::fs::write(&segment, &whole[..100]).expect("write");
    check(&segment, &["100 bytes where"]);
    std::fs::remove_file(&segment).expect("remove");
    check(&segment, &["is not there"]);
    std::fs::write(&segment, &whole).expect("write");
    assert!(verified(&data_dir).damage.is_empty());
}

/// Scenario: a crash cut the last record of the log; a log file was lost.
/// Guarantees: the former is no damage, for it was not acknowledged; the latter's records are missing.
#[tokio::test]
async fn the_end_of_the_log_may_be_cut() {
    let (_dir, data_dir) = filled().await;
    let log = files::list_files(&files::wal_dir(&data_dir)).expect("list").swap_remove(0);
    let whole = std::fs::read(&log).expect("read");
    std::fs::write(&log, &whole[..whole.len() - 3]).expect("write");
    let found = verified(&data_dir);
    assert!(found.damage.is_empty(), "{:?}", found.damage);
    assert_eq!(found.log_unfinished.expect("a beginning").0, log);
    assert_eq!(found.n_log_records, 1);
    std::fs::write(&log, &whole).expect("write");

    let engine = open(&data_dir).await;
    ingest(&engine, Signal::Logs, 6, 1).await;
    drop(engine);
    std::fs::remove_file(&log).expect("remove");
    assert_eq!(verified(&data_dir).n_log_records_missing, 2);
}

/// Scenario: two log files have the same record; an older one is damaged.
/// Guarantees: each is told with the file and what to do, as a start would, and keeps a backup from being made.
#[tokio::test]
async fn a_log_that_would_stop_a_start_is_told() {
    let (dir, data_dir) = filled().await;
    let log = files::list_files(&files::wal_dir(&data_dir)).expect("list").swap_remove(0);
    let record = TestRecord { signal: Signal::Logs, id: 9, n_rows: 1, received_at: T0 }.to_wal();
    let write = |sequence: u64| {
        let path = log.with_file_name(format!("{sequence:020}.wal"));
        let bytes = crate::wal::Frame { sequence, record: record.clone() }.to_file().expect("a file");
        std::fs::write(&path, bytes).expect("write");
        path
    };
    let assert_told = |path: &Path, told: &str| {
        let found = verified(&data_dir);
        let [damage] = found.damage.as_slice() else { panic!("{:?}", found.damage) };
        let refused = backup(&data_dir, &dir.path().join(told), Segments::Copied).expect_err("damaged");
        for text in [damage.to_string(), refused.to_string()] {
            assert!(text.contains(&path.display().to_string()) && text.contains(told), "{text}");
        }
    };
    let second = write(5);
    assert_told(&second, "an older file holds already");
    std::fs::remove_file(second).expect("remove");
    write(6);
    flip(&log, 40);
    assert_told(&log, "firstfault storage repair");
}

/// Scenario: what is in a directory is asked for, while a server has it.
/// Guarantees: segments, rows, bytes and times of each table are told, and add up by level.
#[tokio::test]
async fn an_inventory_adds_up() {
    let (_dir, data_dir) = filled().await;
    let engine = open(&data_dir).await;
    let found = inventory(&data_dir).expect("inventory");
    let tables: Vec<_> =
        found.tables.iter().map(|table| (table.table, table.n_segments, table.n_rows)).collect();
    assert_eq!(tables[..3], [("spans", 2, 3_020), ("logs", 1, 50), ("metric_points", 0, 0)]);
    assert_eq!((tables[3].0, tables[3].1), ("red", 2));
    assert_eq!(found.tables[0].received, Some((T0 + SECOND, T0 + 3 * SECOND)));
    assert_eq!(found.tables[2].times, None);
    assert!(found.n_log_bytes > 0);
    assert_eq!(found.tables.iter().map(|table| table.n_bytes).sum::<u64>(), engine.stats().segment_bytes);
    for table in &found.tables {
        assert_eq!(table.levels.iter().map(|level| level.n_rows).sum::<u64>(), table.n_rows);
        assert!(table.levels.iter().all(|level| level.n_bytes >= level.segment_bytes_min));
    }
    let levels: Vec<u32> = found.tables[0].levels.iter().map(|level| level.level).collect();
    assert!(levels.is_sorted() && !levels.is_empty(), "{levels:?}");
}

/// Scenario: backups are made, by link and by copy, while requests, flushes and merges go on; each is
/// restored and opened.
/// Guarantees: every record that was acknowledged before its backup began is there once; none is there twice;
/// nothing is told missing or damaged. The server's own segments are untouched.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_has_everything_once() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let data_dir = dir.path().join("data");
    let mut options = Options::new(&data_dir);
    (options.compaction.is_automatic, options.compaction.segments_min) = (false, 2);
    options.wal.commit_delay = std::time::Duration::ZERO;
    let (engine, _) = Engine::open(options, decode).await.expect("open");
    let (n_acknowledged, is_over) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
    let (requests, acknowledged, over) = (engine.clone(), Arc::clone(&n_acknowledged), Arc::clone(&is_over));
    let load = tokio::spawn(async move {
        for id in 1.. {
            if over.load(Ordering::Relaxed) {
                return;
            }
            ingest(&requests, Signal::ALL[id as usize % 3], id, 20).await;
            acknowledged.store(id, Ordering::Release);
        }
    });
    let (work, over) = (engine.clone(), Arc::clone(&is_over));
    let moves = tokio::spawn(async move {
        while !over.load(Ordering::Relaxed) {
            work.flush().await.expect("flush");
            work.compact(T0).await.expect("merge");
        }
    });
    for (round, how) in [Segments::Linked, Segments::Copied].into_iter().cycle().take(8).enumerate() {
        let n_before = n_acknowledged.load(Ordering::Acquire);
        while n_acknowledged.load(Ordering::Acquire) < n_before + 30 {
            tokio::task::yield_now().await;
        }
        let n_sure = n_acknowledged.load(Ordering::Acquire);
        let (to, new) = (dir.path().join(format!("backup-{round}")), dir.path().join(format!("new-{round}")));
        let (from, target) = (data_dir.clone(), to.clone());
        let made = tokio::task::spawn_blocking(move || backup(&from, &target, how)).await.expect("no panic");
        let made = made.expect("backup");
        assert_eq!(made.n_linked, if how == Segments::Linked { made.n_segments } else { 0 });
        let restored = restore(&to, &new).expect("restore");
        assert_eq!((restored.n_segments, restored.n_log_records), (made.n_segments, made.n_log_records));
        let found = verified(&new);
        assert!(found.damage.is_empty() && found.n_log_records_missing == 0, "{found:?}");
        assert!(found.log_unfinished.is_none(), "{found:?}");
        let (copy, recovery) = Engine::open(Options::new(&new), decode).await.expect("open");
        assert_eq!((recovery.n_records_missing, recovery.n_orphans_removed), (0, 0), "{recovery:?}");
        for signal in Signal::ALL {
            let table = Table::from(signal);
            let names = row_names(table, &visible(&copy, table));
            assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "round {round}: a row is there twice");
            for id in (1..=n_sure).filter(|id| Signal::ALL[*id as usize % 3] == signal) {
                let name = format!("{signal}-{id}-19");
                assert!(names.binary_search(&name).is_ok(), "round {round}: {name} of {n_sure} is missing");
            }
        }
    }
    is_over.store(true, Ordering::Relaxed);
    load.await.expect("no panic");
    moves.await.expect("no panic");
    engine.shutdown().await.expect("shutdown");
    drop(engine);
    assert!(verified(&data_dir).damage.is_empty());
}

/// With nothing beside it.
fn backup(data_dir: &Path, to: &Path, how: Segments) -> Result<BackedUp, Error> {
    crate::backup(data_dir, to, how, || Ok(()))
}

fn restore(from: &Path, data_dir: &Path) -> Result<BackedUp, Error> {
    crate::restore(from, data_dir, || Ok(()))
}

/// Scenario: what belongs beside the data cannot be copied.
/// Guarantees: the backup is no whole one, and is refused as such.
#[tokio::test]
async fn a_backup_is_whole_only_with_what_is_beside_it() {
    let (dir, data_dir) = filled().await;
    let (to, new) = (dir.path().join("to"), dir.path().join("new"));
    let failed = crate::backup(&data_dir, &to, Segments::Copied, || Err(Error::Closed));
    assert!(matches!(failed, Err(Error::Closed)), "{failed:?}");
    assert!(matches!(restore(&to, &new), Err(Error::NoBackup { .. })));
}

/// Scenario: places that cannot be used: a backup into what is not empty, a restore of what is no backup, and
/// over data; a backup of a damaged segment.
/// Guarantees: each is refused with the path, and nothing is replaced.
#[tokio::test]
async fn nothing_is_replaced_by_a_backup() {
    let (dir, data_dir) = filled().await;
    let to = dir.path().join("backup");
    let text = |error: Error| error.to_string();
    backup(&data_dir, &to, Segments::Copied).expect("backup");
    assert!(text(backup(&data_dir, &to, Segments::Copied).expect_err("taken")).contains("is not empty"));
    assert!(text(restore(&to, &data_dir).expect_err("data")).contains("is not empty"));
    std::fs::remove_dir_all(to.join("manifest")).expect("remove");
    std::fs::create_dir(to.join("manifest")).expect("create");
    assert!(text(restore(&to, &dir.path().join("new")).expect_err("cut")).contains("no whole backup"));
    assert!(!dir.path().join("new").exists());
    let segment =
        files::list_files(&files::segment_dir(&data_dir, Table::Spans)).expect("list").swap_remove(0);
    flip(&segment, 100);
    let error = backup(&data_dir, &dir.path().join("other"), Segments::Copied).expect_err("damaged");
    assert!(text(error).contains(&segment.display().to_string()));
}
