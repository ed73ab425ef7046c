//! Directories whose log was damaged, opened and repaired.

use super::super::tests::{Lab, Plan, assert_visible, ingest, record};
use super::*;
use crate::engine::Engine;
use crate::test_rows::{T0, TestRecord, decode};
use crate::{Recovery, Signal};
use std::io::ErrorKind::StorageFull;
use std::sync::Arc;

/// Records of all signals in the log, one file or one for each, and the files.
async fn logged(lab: &Lab) -> (Vec<TestRecord>, Vec<PathBuf>) {
    let (engine, _, _) = lab.open().await;
    let records: Vec<TestRecord> = (1..=5).map(|id| record(Signal::ALL[id as usize % 3], id, 10)).collect();
    for &record in &records {
        ingest(&engine, record).await.expect("ingest");
    }
    drop(engine);
    (records, fs::list_files(&fs::wal_dir(&lab.options.data_dir)).expect("list"))
}

/// Changes the payload of the record with this index in a file. Returns all bytes.
fn damage(path: &PathBuf, idx: usize) -> Vec<u8> {
    let mut bytes = std::fs::read(path).expect("read");
    let mut at = 20;
    for _ in 0..idx {
        at += 8 + u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four")) as usize;
    }
    bytes[at + 33] ^= 4;
    std::fs::write(path, &bytes).expect("write");
    bytes
}

fn without(records: &[TestRecord], idx: usize) -> Vec<TestRecord> {
    [&records[..idx], &records[idx + 1..]].concat()
}

/// Scenario: a byte of the second of five records is changed in the newest file; the first of several starts
/// fails at each step that the repair takes, in turn.
/// Guarantees: the other four are there once, before and after further starts; the loss is told once, and
/// counted; every byte of the file is kept, and the log takes on new records.
#[tokio::test]
async fn records_behind_damage_are_kept() {
    let steps = [
        None,
        Some(Step::SegmentWrite),
        Some(Step::ManifestPublish),
        Some(Step::ManifestPublished),
        Some(Step::WalDelete),
        Some(Step::WalNameSync),
    ];
    for step in steps {
        let lab = Lab::new();
        let (records, files) = logged(&lab).await;
        let bytes = damage(&files[0], 1);
        if let Some(step) = step {
            let plan = Arc::new(Plan::default());
            plan.fail(Some((step, StorageFull)));
            Engine::open_with(lab.options.clone(), decode, plan).await.expect_err("planned");
        }
        let (engine, recovery, _) = lab.open().await;
        let mut records = without(&records, 1);
        assert_visible(&engine, &records, &format!("{step:?}"));
        let is_flushed = matches!(step, Some(Step::ManifestPublished | Step::WalDelete | Step::WalNameSync));
        assert_eq!(recovery.n_records_missing, u64::from(!is_flushed), "{step:?}");
        assert_eq!(engine.stats().n_records_missing, recovery.n_records_missing);
        assert_eq!(recovery.damaged_logs.len(), usize::from(step != Some(Step::WalNameSync)), "{step:?}");
        for told in recovery.damaged_logs {
            assert_eq!(
                (told.path, told.n_records, told.n_records_lost),
                (files[0].clone(), 4, u64::from(!is_flushed))
            );
            assert_eq!(std::fs::read(told.kept).expect("kept"), bytes);
        }
        let kept = fs::list_files(&lab.options.data_dir.join("quarantine")).expect("list");
        assert_eq!((kept.len(), files[0].exists()), (1, false), "{step:?}");
        records.push(record(Signal::Logs, 9, 3));
        ingest(&engine, records[4]).await.expect("ingest");
        drop(engine);
        let (engine, recovery, _) = lab.open().await;
        assert_eq!((recovery.n_records_missing, recovery.damaged_logs.len()), (0, 0), "{step:?}");
        assert_visible(&engine, &records, &format!("{step:?}, again"));
    }
}

/// Scenario: the damaged record's rows are in a segment already.
/// Guarantees: nothing is lost, and that is what is told.
#[tokio::test]
async fn damage_to_what_is_stored_loses_nothing() {
    let lab = Lab::new();
    let (engine, _, plan) = lab.open().await;
    let records = [record(Signal::Logs, 1, 10), record(Signal::Traces, 2, 10)];
    ingest(&engine, records[0]).await.expect("ingest");
    ingest(&engine, records[1]).await.expect("ingest");
    plan.fail(Some((Step::WalDelete, StorageFull)));
    engine.flush().await.expect_err("the log file stays");
    drop(engine);
    let files = fs::list_files(&fs::wal_dir(&lab.options.data_dir)).expect("list");
    damage(&files[0], 0);
    let (engine, recovery, _) = lab.open().await;
    assert_visible(&engine, &records, "stored");
    let [told] = &*recovery.damaged_logs else { panic!("{recovery:?}") };
    assert_eq!((recovery.n_records_missing, told.n_records_lost), (0, 0));
}

/// Scenario: a file that is not the newest is damaged: its only record, its header.
/// Guarantees: a start is refused, names the command that repairs, and changes nothing; that command keeps
/// every other record and says what is lost; the next start has nothing to tell.
#[tokio::test]
async fn an_older_file_is_repaired_on_demand() {
    for (at, n_lost) in [(50, 1), (9, 0)] {
        let mut lab = Lab::new();
        lab.options.wal.file_bytes_max = 1;
        let (records, files) = logged(&lab).await;
        assert_eq!(files.len(), 5);
        let mut bytes = std::fs::read(&files[2]).expect("read");
        bytes[at] ^= 4;
        std::fs::write(&files[2], &bytes).expect("write");
        let refused = Engine::open(lab.options.clone(), decode).await.expect_err("refused").to_string();
        assert!(refused.contains(&files[2].display().to_string()), "{refused}");
        assert!(refused.contains("firstfault storage repair"), "{refused}");
        assert_eq!(std::fs::read(&files[2]).expect("read"), bytes);

        let (engine, recovery) = Engine::repair(lab.options.clone(), decode).await.expect("repair");
        let [told] = &*recovery.damaged_logs else { panic!("{recovery:?}") };
        assert_eq!(
            (recovery.n_records_missing, told.n_records_lost, told.n_records),
            (n_lost, n_lost, 1 - n_lost)
        );
        let records = if n_lost == 1 { without(&records, 2) } else { records };
        assert_visible(&engine, &records, "repaired");
        assert_eq!(std::fs::read(&told.kept).expect("kept"), bytes);
        engine.tick(T0).await.expect("tick");
        engine.shutdown().await.expect("shutdown");
        drop(engine);
        let (engine, recovery, _) = lab.open().await;
        assert_eq!(recovery, Recovery::default());
        assert_visible(&engine, &records, "opened again");
    }
}
