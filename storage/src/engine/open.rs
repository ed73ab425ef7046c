//! Brings a data directory back, whatever moment the last process died at.

use super::damaged_log::{DamagedLog, put_aside};
use super::from_log::{Decoder, FromLog, insert_from_log};
use super::known::find_known;
use super::store::Store;
use super::waiting::find_waiting;
use super::{Engine, Inner, segments};
use crate::columns::{Columns, WalRecord};
use crate::disk;
use crate::error::Error;
use crate::faults::{Faults, Step};
use crate::fs::{self, DirectoryLock};
use crate::manifest::Manifest;
use crate::options::Options;
use crate::query::QueryContext;
use crate::receipts::Receipts;
use crate::runtime::OwnRuntime;
use crate::segment::CheckedSegments;
use crate::wal::{OldDamage, Replay, Replayed, SequenceSet, Wal, WalStart, first_sequences, replay};
use bytes::Bytes;
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use parking_lot::Mutex;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Ranges of missing numbers that are named in the log; their count is told whatever it is.
const RANGES_TOLD_MAX: usize = 20;

/// What opening a directory found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Records whose rows were decoded again, and those rows.
    pub n_records_replayed: u64,
    pub n_rows_replayed: u64,
    /// Records that segments held already.
    pub n_records_skipped: u64,
    /// Records that could not be decoded; each is in the quarantine directory.
    pub n_records_undecodable: u64,
    /// Records that the log should hold but does not: a log file was damaged or removed, or syncs went by
    /// a timer and power failed.
    pub n_records_missing: u64,
    /// Log files that had bytes which are no records; each is in the log and in the quarantine directory.
    pub damaged_logs: Vec<DamagedLog>,
    /// Unfinished end of the newest log file, moved to the quarantine directory.
    pub wal_bytes_cut: u64,
    /// Files that no manifest names, left by a flush or expiry that did not finish.
    pub n_orphans_removed: u64,
    /// Damaged or missing segments that the operator chose to go on without; each is in the log.
    pub n_segments_given_up: u64,
    /// Receipts of records whose rows are in segments, oldest first; all others were replayed.
    pub receipts: Vec<Bytes>,
}

impl Engine {
    /// As [`Engine::open`], with failures to order.
    pub(crate) async fn open_with<D>(
        options: Options,
        decode: D,
        faults: Arc<dyn Faults>,
    ) -> Result<(Self, Recovery), Error>
    where
        D: Fn(WalRecord) -> Result<Columns, Box<dyn std::error::Error + Send + Sync>> + Send + 'static,
    {
        Self::open_as(options, decode, OldDamage::Refused, faults).await
    }

    pub(super) async fn open_as<D>(
        options: Options,
        decode: D,
        old_damage: OldDamage,
        faults: Arc<dyn Faults>,
    ) -> Result<(Self, Recovery), Error>
    where
        D: Fn(WalRecord) -> Result<Columns, Box<dyn std::error::Error + Send + Sync>> + Send + 'static,
    {
        options.validate()?;
        let runtime = OwnRuntime::start("storage-work")?;
        let handle = runtime.handle().clone();
        let decoder = Decoder::new(decode);
        let open = handle.spawn_blocking(move || open(options, decoder, old_damage, faults, runtime));
        let opened = open.await.map_err(|error| Error::Background { reason: error.to_string() })?;
        let (inner, recovery) = opened?;
        Ok((Self { inner: Arc::new(inner) }, recovery))
    }
}

fn open(
    options: Options,
    decoder: Decoder,
    old_damage: OldDamage,
    faults: Arc<dyn Faults>,
    runtime: OwnRuntime,
) -> Result<(Inner, Recovery), Error> {
    fs::create_dir(&options.data_dir)?;
    let lock = DirectoryLock::acquire(&options.data_dir)?;
    let Found { manifest, n_segments_given_up, n_orphans_removed } = find(&options.data_dir, &*faults)?;
    segments::tell_outdated(&manifest);
    let receipts = Receipts::load(&options.data_dir, &manifest.covered, &*faults)?;
    let mut recovery =
        Recovery { n_segments_given_up, n_orphans_removed, receipts: receipts.said(), ..Recovery::default() };

    let object_store: Arc<dyn ObjectStore> = local_store(&options.data_dir)?;
    let checked = Arc::new(CheckedSegments::new(Arc::clone(&object_store), options.data_dir.clone()));
    let reading: Arc<dyn ObjectStore> = Arc::<CheckedSegments>::clone(&checked);
    let query = QueryContext::start(&options, &reading)?;
    let (data_dir, handle) = (options.data_dir.clone(), runtime.handle().clone());
    let store =
        Store::new(data_dir, object_store, checked, manifest, handle, Arc::clone(&faults), &options.hot);
    store.start_with(find_known(&store.manifest(), &options));
    store.work.lock().receipts = receipts;
    find_waiting(&store);
    let replayed = replay_into(&store, &decoder, &options, old_damage, &mut recovery)?;
    let wal = start_wal(&options, &store, replayed, &faults)?;

    let inner = Inner {
        options,
        wal,
        store,
        decoder,
        query,
        faults,
        is_flush_scheduled: false.into(),
        is_compaction_scheduled: false.into(),
        merging: Mutex::default(),
        lost: Mutex::default(),
        is_stopping: false.into(),
        runtime,
        _lock: lock,
    };
    inner.look_at_disk();
    inner.wal.delete_covered(&inner.store.manifest().covered)?;
    Ok((inner, recovery))
}

/// What a directory holds that belongs to whoever asks.
pub(super) struct Found {
    pub(super) manifest: Manifest,
    pub(super) n_segments_given_up: u64,
    pub(super) n_orphans_removed: u64,
}

/// The newest manifest, without what an operator gave up. All that it names is there, and nothing else is left.
pub(super) fn find(data_dir: &Path, faults: &dyn Faults) -> Result<Found, Error> {
    fs::create_layout(data_dir)?;
    let mut manifest = Manifest::load(data_dir)?;
    // The process that wrote it may have been killed before its name was durable; what follows deletes
    // files because of it.
    let manifests = fs::manifest_dir(data_dir);
    disk::sync_names(&manifests, Step::ManifestNameSync, faults)
        .map_err(|source| Error::io("sync directory", &manifests, source))?;
    let n_segments_given_up = segments::give_up(data_dir, &mut manifest);
    segments::check(data_dir, &manifest)?;
    let n_orphans_removed = segments::remove_orphans(data_dir, &manifest, faults)?;
    Ok(Found { manifest, n_segments_given_up, n_orphans_removed })
}

pub(super) fn local_store(data_dir: &Path) -> Result<Arc<dyn ObjectStore>, Error> {
    let open = LocalFileSystem::new_with_prefix(data_dir);
    let fail = |source| Error::io("open", data_dir, std::io::Error::other(source));
    Ok(Arc::new(open.map_err(fail)?))
}

fn replay_into(
    store: &Store,
    decoder: &Decoder,
    options: &Options,
    old_damage: OldDamage,
    recovery: &mut Recovery,
) -> Result<Replayed, Error> {
    let covered = store.manifest().covered.clone();
    let (data_dir, faults) = (&options.data_dir, &*store.faults);
    // A flush began each file, and with it a generation, which let names in anew.
    let mut generations = first_sequences(data_dir)?.into_iter().skip(1).peekable();
    let mut replayed = replay(Replay { data_dir, covered: &covered, old_damage, faults }, |frame| {
        let mut is_next = false;
        while generations.next_if(|first| *first <= frame.sequence).is_some() {
            is_next = true;
        }
        if is_next {
            store.renew_room();
        }
        match insert_from_log(store, decoder, frame)? {
            FromLog::Rows { n_rows } => recovery.n_rows_replayed += n_rows,
            FromLog::Undecodable => recovery.n_records_undecodable += 1,
        }
        // A long log must not fill the memory that it was written to relieve.
        match store.n_bytes_hot() >= options.hot.bytes_soft {
            true => store.flush(|| ()),
            false => Ok(()),
        }
    })?;
    recovery.n_records_replayed = replayed.n_records - recovery.n_records_undecodable;
    recovery.n_records_skipped = replayed.n_skipped;
    recovery.wal_bytes_cut = replayed.n_bytes_cut;
    let missing = cover_missing(store, &covered, &replayed.sequences);
    recovery.n_records_missing = missing.n_within(0, u64::MAX);
    recovery.damaged_logs = put_aside(store, std::mem::take(&mut replayed.damaged), &missing)?;
    Ok(replayed)
}

/// Numbers that neither the log nor a segment holds are gone. They are told once, then counted as
/// covered.
fn cover_missing(store: &Store, covered: &SequenceSet, in_log: &SequenceSet) -> SequenceSet {
    let mut known = covered.clone();
    known.insert_all(in_log);
    let missing = SequenceSet::from_ranges(known.gaps(1, known.max().unwrap_or(0)));
    let n_missing = missing.n_within(0, u64::MAX);
    if n_missing > 0 {
        let ranges: Vec<(u64, u64)> = missing.ranges().take(RANGES_TOLD_MAX).collect();
        tracing::error!(n_missing, missing = ?ranges, "log records are missing");
        store.figures.n_records_missing.fetch_add(n_missing, Ordering::Relaxed);
        store.cover(&missing);
    }
    missing
}

fn start_wal(
    options: &Options,
    store: &Store,
    replayed: Replayed,
    faults: &Arc<dyn Faults>,
) -> Result<Wal, Error> {
    let covered_max = store.manifest().covered.max();
    let sequence_next = replayed.sequences.max().max(covered_max).unwrap_or(0) + 1;
    Wal::start(WalStart {
        data_dir: options.data_dir.clone(),
        options: options.wal.clone(),
        disk_free_bytes_min: options.disk_free_bytes_min,
        sequence_next,
        files: replayed.files,
        faults: Arc::clone(faults),
    })
}
