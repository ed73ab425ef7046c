//! The engine's handle: what callers may do, and in which order it happens.
//!
//! `open` brings a directory back (`segments` checks its files, `waiting` finds halves of calls in them, `known` services, `damaged_log` puts aside what the log cannot keep),
//! `store` holds what is visible, `flush` moves it to disk,
//! `compact` merges what is there, `rebuild` makes read models again while no engine is open, `from_log` turns log records into rows when no request does. This file ties them to the log and to threads:
//! logging happens on the log's thread, everything that takes long on the engine's own runtime, so
//! that ingest waits for neither queries nor flushes.

mod compact;
mod damaged_log;
mod flush;
mod from_log;
mod known;
mod open;
mod rebuild;
mod segments;
mod store;
mod waiting;

#[cfg(test)]
mod simulation;
#[cfg(test)]
pub(crate) mod tests;
#[cfg(test)]
mod upgrades;

pub use damaged_log::DamagedLog;
pub use open::Recovery;
pub use rebuild::{Rebuilt, rebuild_read_models};
pub(crate) use segments::check_segment;

use crate::columns::{Columns, Logged, WalRecord};
use crate::error::Error;
use crate::faults::{Faults, NoFaults};
use crate::fs::{self, DirectoryLock};
use crate::hot::Snapshot;
use crate::ids::Table;
use crate::options::{Options, Retention};
use crate::query::QueryContext;
use crate::read_models::KeptServices;
use crate::runtime::OwnRuntime;
use crate::stats::Stats;
use crate::wal::{OldDamage, PackedRecord, Wal};
use compact::Merging;
use from_log::{Decoder, Lost};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use store::Store;

/// What a client should wait after a refusal: about the time of one flush.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Payloads up to this size are compressed where they are, larger ones off the async thread: at
/// 1 GB/s this is a quarter of a millisecond.
const PACK_INLINE_BYTES_MAX: usize = 256 << 10;

/// An open data directory. Clones are the same engine; the last one to go closes it.
#[derive(Debug, Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

/// Fields are dropped in order: the log's thread ends before the directory is unlocked.
#[derive(Debug)]
struct Inner {
    options: Options,
    wal: Wal,
    store: Store,
    decoder: Decoder,
    query: QueryContext,
    faults: Arc<dyn Faults>,
    is_flush_scheduled: AtomicBool,
    is_compaction_scheduled: AtomicBool,
    merging: Mutex<Merging>,
    lost: Mutex<Lost>,
    is_stopping: AtomicBool,
    runtime: OwnRuntime,
    _lock: DirectoryLock,
}

/// Background work that is due; it is over when this goes, also by a panic.
struct Scheduled<'a>(&'a AtomicBool);

impl Drop for Scheduled<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Engine {
    /// Locks the directory, reads the manifest, replays the log through `decode`, removes orphans.
    pub async fn open<D>(options: Options, decode: D) -> Result<(Self, Recovery), Error>
    where
        D: Fn(WalRecord) -> Result<Columns, Box<dyn std::error::Error + Send + Sync>> + Send + 'static,
    {
        Self::open_with(options, decode, Arc::new(NoFaults)).await
    }

    /// As [`Engine::open`], and goes on without what cannot be read of older log files, too, which `open`
    /// refuses. What was lost is told.
    pub async fn repair<D>(options: Options, decode: D) -> Result<(Self, Recovery), Error>
    where
        D: Fn(WalRecord) -> Result<Columns, Box<dyn std::error::Error + Send + Sync>> + Send + 'static,
    {
        Self::open_as(options, decode, OldDamage::Repaired, Arc::new(NoFaults)).await
    }

    /// Makes a record durable: on disk when it returns (after a shared sync).
    pub async fn log(&self, record: WalRecord) -> Result<Logged, Error> {
        if self.inner.wal.ledger().is_failed() {
            return Err(Error::WalFailed);
        }
        self.inner.refuse_above_hard_limit()?;
        let packed = pack(record).await?;
        self.inner.wal.append(packed).await
    }

    /// Makes the rows of a logged record visible to queries, and to the read model.
    pub fn insert(&self, logged: Logged, columns: Columns) {
        let sequence = logged.settle();
        let n_bytes_active = self.inner.store.insert(sequence, columns);
        if n_bytes_active >= self.inner.options.hot.bytes_soft {
            self.flush_in_background();
        }
    }

    /// Services and operations whose spans the read models never count under others, whatever names come in. Takes the
    /// place of what was kept before; what is new in it is kept from `now` (unix nanos) on.
    pub fn keep_services(&self, kept: &KeptServices, now: i64) {
        self.inner.store.keep(kept, now);
    }

    /// Would `log` refuse now? For admission before any work is done.
    pub fn pressure(&self) -> Result<(), Error> {
        let ledger = self.inner.wal.ledger();
        if ledger.is_failed() {
            return Err(Error::WalFailed);
        }
        if ledger.disk_free_bytes() < self.inner.options.disk_free_bytes_min {
            return Err(Error::DiskFull);
        }
        if ledger.n_bytes() >= self.inner.options.wal.bytes_max {
            return Err(Error::Overloaded { retry_after: RETRY_AFTER });
        }
        self.inner.refuse_above_hard_limit()
    }

    /// Timer work at `now` (unix nanos): adopt records that lost their request, flush by size and
    /// age, expire segments, and start merging small ones in the background. Call it about once a second; a failure stands in the stats and loses
    /// nothing. The next call tries again, but for a flush: each attempt writes all rows, so the pause between two
    /// doubles from a second up to a minute.
    pub async fn tick(&self, now: i64) -> Result<(), Error> {
        let work = move |inner: &Inner| Ok((inner.tick(now), inner.is_merge_due(now)));
        let (ticked, is_merge_due) = self.run_blocking(work).await?;
        if is_merge_due {
            self.compact_in_background(now);
        }
        ticked
    }

    /// Moves all rows in memory to segments.
    pub async fn flush(&self) -> Result<(), Error> {
        self.run_blocking(|inner| inner.flush()).await
    }

    /// Ends the log, then flushes; afterwards `log` fails and queries still work.
    pub async fn shutdown(&self) -> Result<(), Error> {
        self.inner.is_stopping.store(true, Ordering::Release);
        self.inner.wal.close().await;
        self.run_blocking(|inner| {
            // What can be stored is, even if the log no longer has everything.
            let adopted = inner.adopt_abandoned(true);
            adopted.and(inner.flush())
        })
        .await
    }

    /// For how long what is kept.
    pub fn retention(&self) -> &Retention {
        &self.inner.options.retention
    }

    pub fn stats(&self) -> Stats {
        let mut stats = self.inner.store.stats();
        let ledger = self.inner.wal.ledger();
        stats.wal_bytes = ledger.n_bytes();
        stats.disk_free_bytes = ledger.disk_free_bytes();
        stats.disk_reserve_bytes = self.inner.options.disk_free_bytes_min;
        (stats.n_fsyncs, stats.fsync_ns_last, stats.fsync_ns_max) = ledger.fsyncs();
        stats.last_error = ledger.failure().or(stats.last_error);
        stats
    }

    /// All rows of a table at this moment.
    pub(crate) fn snapshot(&self, table: Table) -> Snapshot {
        self.inner.store.snapshot(table)
    }

    /// From this moment on a read model lacks no row for a segment that has left.
    pub(crate) fn complete_from(&self, table: Table) -> i64 {
        let manifest = self.inner.store.manifest();
        match (manifest.lacking.get(&table), table.resolution()) {
            (Some(at), Some(resolution)) => resolution.bucket_of(*at).saturating_add(resolution.bucket_ns()),
            _ => i64::MIN,
        }
    }

    /// From when on nothing of a service, or of an operation of it, was counted under others; none where that may be.
    pub(crate) fn kept_since(&self, service: &str, operation: Option<&str>) -> Option<i64> {
        self.inner.store.kept_since(service, operation)
    }

    /// Where queries run, so that neither ingest nor flushes wait for them.
    pub(crate) fn query_context(&self) -> &QueryContext {
        &self.inner.query
    }

    /// Starts a flush unless one is due already. After a failure only the timer tries again, so that
    /// a full disk is not asked with every request.
    fn flush_in_background(&self) {
        let inner = &self.inner;
        if inner.store.is_flush_failing() || inner.is_flush_scheduled.swap(true, Ordering::AcqRel) {
            return;
        }
        let inner = Arc::clone(inner);
        self.inner.runtime.handle().spawn_blocking(move || {
            let inner = &inner;
            let _scheduled = Scheduled(&inner.is_flush_scheduled);
            if let Err(error) = inner.flush() {
                tracing::warn!(error = error.chain(), "cannot flush, rows stay in memory");
            }
        });
    }

    async fn run_blocking<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Inner) -> Result<T, Error> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        let run = self.inner.runtime.handle().spawn_blocking(move || work(&inner));
        run.await.map_err(|error| Error::Background { reason: error.to_string() })?
    }
}

impl Inner {
    fn tick(&self, now: i64) -> Result<(), Error> {
        self.look_at_disk();
        // Each is tried even if another fails; the first failure is told.
        let adopted = self.adopt_abandoned(false);
        let flushed =
            if self.store.is_flush_due(&self.options.hot, now) { self.flush_again(now) } else { Ok(()) };
        let expired = self.fatal_if_uncertain(self.store.expire(&self.options.retention, now));
        adopted.and(flushed).and(expired)
    }

    /// As `flush`, unless one failed that is not to be tried again yet.
    fn flush_again(&self, now: i64) -> Result<(), Error> {
        if self.store.is_pausing(now) {
            return Ok(());
        }
        let flushed = self.flush();
        self.store.note_attempt(flushed.is_ok(), now);
        flushed
    }

    /// Closed log files go once the segments that cover them are durable.
    fn flush(&self) -> Result<(), Error> {
        let flushed = self.store.flush(|| self.wal.rotate_blocking());
        self.fatal_if_uncertain(flushed)?;
        self.wal.delete_covered(&self.store.manifest().covered)
    }

    /// A manifest that may or may not be the newest must not be followed by another guess.
    fn fatal_if_uncertain(&self, result: Result<(), Error>) -> Result<(), Error> {
        if let Err(error @ (Error::ManifestUncertain { .. } | Error::ManifestConflict { .. })) = &result {
            self.wal.ledger().fail(error.chain());
        }
        result
    }

    fn look_at_disk(&self) {
        match fs::free_bytes(&self.options.data_dir) {
            Ok(n_bytes) => self.wal.ledger().set_disk_free_bytes(self.faults.free_bytes(n_bytes)),
            Err(error) => tracing::warn!(%error, "cannot learn how full the disk is"),
        }
    }

    fn refuse_above_hard_limit(&self) -> Result<(), Error> {
        match self.store.n_bytes_held() >= self.options.hot.bytes_hard {
            true => Err(Error::Overloaded { retry_after: RETRY_AFTER }),
            false => Ok(()),
        }
    }
}

async fn pack(record: WalRecord) -> Result<PackedRecord, Error> {
    if record.payload.len() <= PACK_INLINE_BYTES_MAX {
        return PackedRecord::pack(record);
    }
    let pack = tokio::task::spawn_blocking(move || PackedRecord::pack(record));
    pack.await.map_err(|error| Error::Background { reason: error.to_string() })?
}
