//! The log alone: what the writer promises. `damage` has what becomes of files that are not as it left them,
//! `salvage` what comes back from behind damage.

mod damage;
mod salvage;

use super::*;
use crate::error::Error;
use crate::faults::{Change, Faults, Step};
use crate::options::{WalOptions, WalSync};
use crate::test_rows::{T0, TestRecord, dir_in_memory};
use crate::{Signal, WalRecord, fs};
use bytes::Bytes;
use parking_lot::Mutex;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// Fails the planned steps.
#[derive(Debug, Default)]
struct Plan {
    failing: Mutex<Option<(Step, io::ErrorKind)>>,
    free_bytes: Mutex<Option<u64>>,
    /// Log files in the order of their syncs.
    synced: Mutex<Vec<PathBuf>>,
}

impl Faults for Plan {
    fn before(&self, step: Step) -> io::Result<()> {
        match *self.failing.lock() {
            Some((failing, kind)) if failing == step => Err(kind.into()),
            _ => Ok(()),
        }
    }

    fn after(&self, change: Change<'_>) {
        if let Change::Synced(path) | Change::Renewed(path) = change {
            self.synced.lock().push(path.to_owned());
        }
    }

    fn free_bytes(&self, n_bytes: u64) -> u64 {
        self.free_bytes.lock().unwrap_or(n_bytes)
    }
}

struct Log {
    dir: TempDir,
    plan: Arc<Plan>,
    options: WalOptions,
}

impl Log {
    fn new() -> Self {
        let dir = dir_in_memory();
        fs::create_layout(dir.path()).expect("layout");
        let options = WalOptions { commit_delay: Duration::ZERO, ..WalOptions::default() };
        Self { dir, plan: Arc::default(), options }
    }

    fn start(&self, sequence_next: u64, files: Vec<ledger::ClosedFile>) -> Wal {
        let start = WalStart {
            data_dir: self.dir.path().to_owned(),
            options: self.options.clone(),
            disk_free_bytes_min: 0,
            sequence_next,
            files,
            faults: Arc::clone(&self.plan) as Arc<dyn Faults>,
        };
        Wal::start(start).expect("log starts")
    }

    /// Three small records of all signals in one file.
    async fn small(&self) -> PathBuf {
        let wal = self.start(1, Vec::new());
        for record in small_records() {
            append(&wal, record).await.expect("append");
        }
        wal.close().await;
        self.files().pop().expect("one file")
    }

    fn files(&self) -> Vec<PathBuf> {
        fs::list_files(&fs::wal_dir(self.dir.path())).expect("list")
    }

    fn replay(&self) -> Result<(Vec<Frame>, Replayed), Error> {
        self.replay_with(OldDamage::Refused)
    }

    fn replay_with(&self, old_damage: OldDamage) -> Result<(Vec<Frame>, Replayed), Error> {
        let mut frames = Vec::new();
        let covered = SequenceSet::default();
        let what = Replay { data_dir: self.dir.path(), covered: &covered, old_damage, faults: &*self.plan };
        let replayed = replay(what, |frame| {
            frames.push(frame);
            Ok(())
        })?;
        Ok((frames, replayed))
    }
}

fn small_records() -> [WalRecord; 3] {
    let record = |signal, payload: &'static [u8]| WalRecord {
        signal,
        encoding: 2,
        received_at: T0,
        payload: Bytes::from_static(payload),
    };
    [record(Signal::Traces, b"abc"), record(Signal::Logs, b""), record(Signal::Metrics, &[5; 100])]
}

fn large_record(n_bytes: usize) -> WalRecord {
    let payload: Vec<u8> = (0..n_bytes).map(|idx| ((idx * idx) >> 3) as u8).collect();
    WalRecord { signal: Signal::Logs, encoding: 0, received_at: T0, payload: Bytes::from(payload) }
}

async fn append(wal: &Wal, record: WalRecord) -> Result<u64, Error> {
    let logged = wal.append(PackedRecord::pack(record)?).await?;
    Ok(logged.settle())
}

/// Scenario: a process with a timer for its syncs is killed, and its log taken over.
/// Guarantees: the file is durable before anything follows it, when damage in it would be no torn write.
#[tokio::test]
async fn a_log_that_is_taken_over_is_synced() {
    let mut log = Log::new();
    log.options.sync = WalSync::Interval(Duration::from_secs(3_600));
    let path = log.small().await;
    log.plan.synced.lock().clear();
    let (frames, _) = log.replay().expect("replay");
    assert_eq!(frames.len(), 3);
    assert_eq!(*log.plan.synced.lock(), [path]);
}

/// Scenario: many callers log at once, with payloads of all sizes, over several files.
/// Guarantees: each gets a number of its own, and replay gives back every payload under it.
#[tokio::test]
async fn concurrent_records_come_back_under_their_numbers() {
    let options = WalOptions { file_bytes_max: 1, ..Log::new().options };
    let log = Log { options, ..Log::new() };
    let wal = Arc::new(log.start(1, Vec::new()));
    let mut sent: Vec<(u64, usize)> = Vec::new();
    for wave in 0..4_usize {
        let tasks = (0..50).map(|n| {
            let (wal, n_bytes) = (Arc::clone(&wal), (wave * 50 + n) * 37);
            tokio::spawn(async move { (append(&wal, large_record(n_bytes)).await.expect("append"), n_bytes) })
        });
        sent.extend(futures::future::try_join_all(tasks).await.expect("join"));
    }
    sent.sort_unstable();
    assert!(wal.ledger().fsyncs().0 < 200, "syncs are shared");
    wal.close().await;
    let (frames, replayed) = log.replay().expect("replay");
    assert!(replayed.files.len() >= 4);
    let found: Vec<(u64, usize)> =
        frames.iter().map(|frame| (frame.sequence, frame.record.payload.len())).collect();
    assert_eq!(found, sent);
    assert!(frames.iter().all(|frame| frame.record == large_record(frame.record.payload.len())));
}

/// Scenario: steps of the writer fail in turn.
/// Guarantees: a full disk refuses and recovers without a trace of the refused record; a failed sync
/// or write ends the log for ever, also when the disk would work again.
#[tokio::test(flavor = "multi_thread")]
async fn failures_refuse_or_end_the_log() {
    use io::ErrorKind::{Other, StorageFull};
    let record = || TestRecord { signal: Signal::Logs, id: 1, n_rows: 1, received_at: T0 }.to_wal();
    let cases = [
        (Step::WalCreate, StorageFull, true),
        (Step::WalWrite, StorageFull, true),
        (Step::WalCreate, Other, false),
        (Step::WalWrite, Other, false),
        (Step::WalSync, StorageFull, false),
        (Step::WalSync, Other, false),
    ];
    for (step, kind, is_temporary) in cases {
        let log = Log::new();
        let wal = log.start(1, Vec::new());
        *log.plan.failing.lock() = Some((step, kind));
        let refused = append(&wal, record()).await.expect_err("planned");
        assert_eq!(matches!(refused, Error::DiskFull), is_temporary, "{step:?} {kind}: {refused}");
        *log.plan.failing.lock() = None;
        // A flush of earlier rows closes the file; one without a record must not get in its own way.
        tokio::task::block_in_place(|| wal.rotate_blocking());
        let second = append(&wal, record()).await;
        assert_eq!(second.is_ok(), is_temporary, "{step:?} {kind}: {second:?}");
        assert_eq!(wal.ledger().failure().is_none(), is_temporary);
        wal.close().await;
        if is_temporary {
            assert_eq!(log.replay().expect("replay").0.len(), 1);
        }
    }
}

/// Scenario: the log reaches its bound in bytes; the disk falls below its floor.
/// Guarantees: both refuse with an error that is worth a retry, and accept again afterwards.
#[tokio::test]
async fn bounds_refuse_and_release() {
    let options = WalOptions { bytes_max: 2_000, file_bytes_max: 1, ..Log::new().options };
    let log = Log { options, ..Log::new() };
    let wal = log.start(1, Vec::new());
    let incompressible = || large_record(700);
    let mut n_accepted = 0;
    let refused = loop {
        match append(&wal, incompressible()).await {
            Ok(_) => n_accepted += 1,
            Err(error) => break error,
        }
    };
    assert!(n_accepted >= 1 && matches!(refused, Error::Overloaded { .. }), "{n_accepted} {refused}");
    let all = SequenceSet::from_ranges([(1, n_accepted)]);
    wal.delete_covered(&all).expect("delete");
    append(&wal, incompressible()).await.expect("space was freed");
}

/// Scenario: syncs go by a timer.
/// Guarantees: records are acknowledged before a sync, and the timer syncs them without further work.
#[tokio::test(flavor = "multi_thread")]
async fn a_timer_syncs_what_was_acknowledged() {
    let sync = WalSync::Interval(Duration::from_millis(5));
    let log = Log { options: WalOptions { sync, ..Log::new().options }, ..Log::new() };
    let wal = log.start(1, Vec::new());
    append(&wal, small_records()[0].clone()).await.expect("append");
    while wal.ledger().fsyncs().0 == 0 {
        tokio::task::yield_now().await;
    }
}

proptest! {
    /// Scenario: ranges of numbers are inserted in any order, overlapping and touching.
    /// Guarantees: the set holds exactly the numbers a plain set would, in the fewest ranges.
    #[test]
    fn sequence_sets_are_sets(ranges in prop::collection::vec((0_u64..60, 0_u64..8), 0..20)) {
        let ranges: Vec<(u64, u64)> = ranges.into_iter().map(|(first, n)| (first, first + n)).collect();
        let set = SequenceSet::from_ranges(ranges.iter().copied());
        let plain: BTreeSet<u64> = ranges.iter().flat_map(|&(first, last)| first..=last).collect();
        for sequence in 0..70 {
            prop_assert_eq!(set.contains(sequence), plain.contains(&sequence));
        }
        let missing: Vec<u64> = set.gaps(0, 69).into_iter().flat_map(|(first, last)| first..=last).collect();
        prop_assert_eq!(missing, (0..70).filter(|n| !plain.contains(n)).collect::<Vec<_>>());
        let ranges: Vec<_> = set.ranges().collect();
        prop_assert!(ranges.windows(2).all(|pair| pair[0].1 + 1 < pair[1].0));
    }
}
