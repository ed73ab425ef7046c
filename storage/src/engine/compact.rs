//! Merges segments while everything else goes on.
//!
//! A merge reads and writes without holding what flushes need; only the swap in the manifest waits for its
//! turn. The rows change their place in one version of the manifest, so that a snapshot sees each of them
//! once. A crash before leaves a file that no manifest names, one after it the merged ones: the next start
//! removes either. Which segments to merge is said in `crate::merge_choice`.

use super::store::{Store, Work};
use super::{Engine, Inner, Scheduled};
use crate::error::Error;
use crate::manifest::Manifest;
use crate::merge_choice;
use crate::segment::{self, SegmentMeta};
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Pause after a failed merge: a full disk is not emptied in a second.
const RETRY_AFTER_NS: i64 = 60_000_000_000;

/// What only one merge at a time may touch.
#[derive(Debug, Default)]
pub(super) struct Merging {
    /// Segments left alone, by number, and the moment that ends it, unix nanos; that of damaged ones never
    /// comes. Others are merged meanwhile.
    set_aside: HashMap<u64, i64>,
    /// Before this moment, unix nanos, the timer starts no merge.
    retry_at: Option<i64>,
}

impl Engine {
    /// Merges small segments until none is due at `now` (unix nanos). Returns how many merges that took.
    pub async fn compact(&self, now: i64) -> Result<u64, Error> {
        self.run_blocking(move |inner| inner.compact(now, &|| inner.is_stopping())).await
    }

    /// As `compact`, without waiting for it.
    pub(super) fn compact_in_background(&self, now: i64) {
        if self.inner.is_compaction_scheduled.swap(true, Ordering::AcqRel) {
            return;
        }
        let inner = Arc::clone(&self.inner);
        self.inner.runtime.handle().spawn_blocking(move || {
            let inner = &inner;
            let _scheduled = Scheduled(&inner.is_compaction_scheduled);
            // When nobody else has the engine, nobody waits for this.
            let is_stopped = || inner.is_stopping() || Arc::strong_count(inner) == 1;
            match inner.compact(now, &is_stopped) {
                Ok(_) | Err(Error::Closed) => {}
                Err(error) => {
                    tracing::warn!(error = error.chain(), "cannot merge segments, they stay as they are");
                }
            }
        });
    }
}

impl Inner {
    pub(super) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Acquire)
    }

    /// Is there anything that the timer should merge?
    pub(super) fn is_merge_due(&self, now: i64) -> bool {
        // Who has the lock is merging.
        let Some(merging) = self.merging.try_lock() else { return false };
        self.options.compaction.is_automatic
            && !self.is_stopping()
            && merging.retry_at.is_none_or(|retry_at| now >= retry_at)
            && self.next_merge(&merging, now).is_some()
    }

    fn compact(&self, now: i64, is_stopped: &dyn Fn() -> bool) -> Result<u64, Error> {
        let mut merging = self.merging.lock();
        let mut n_merges = 0;
        while let Some(inputs) = self.next_merge(&merging, now) {
            if is_stopped() {
                return Err(Error::Closed);
            }
            let merged = self.store.merge(&inputs, is_stopped);
            if let Err(error) = &merged {
                merging.note_failure(error, &inputs, &self.store, now);
            }
            self.fatal_if_uncertain(merged)?;
            n_merges += 1;
        }
        merging.retry_at = None;
        self.store.bury(&mut self.store.work.lock())?;
        Ok(n_merges)
    }

    /// None also if the disk has no room for what it would write.
    fn next_merge(&self, merging: &Merging, now: i64) -> Option<Vec<Arc<SegmentMeta>>> {
        let (options, manifest) = (&self.options, self.store.manifest());
        let may_be_read =
            |segment: &SegmentMeta| merging.set_aside.get(&segment.id).is_none_or(|&until| now >= until);
        let inputs = merge_choice::pick(
            &manifest.segments,
            &options.compaction,
            &options.retention,
            now,
            may_be_read,
        )?;
        let n_bytes: u64 = inputs.iter().map(|input| input.n_bytes).sum();
        let has_room =
            self.wal.ledger().disk_free_bytes() >= options.disk_free_bytes_min.saturating_add(n_bytes);
        has_room.then_some(inputs)
    }
}

impl Merging {
    fn note_failure(&mut self, error: &Error, inputs: &[Arc<SegmentMeta>], store: &Store, now: i64) {
        if matches!(error, Error::Closed) {
            return;
        }
        store.figures.n_merges_failed.fetch_add(1, Ordering::Relaxed);
        let retry_at = now.saturating_add(RETRY_AFTER_NS);
        if is_everybodys(error) {
            self.retry_at = Some(retry_at);
            return;
        }
        self.set_aside.retain(|_, &mut until| now < until);
        let until = if is_damage(error) { i64::MAX } else { retry_at };
        let named = inputs.iter().find(|input| is_about(error, input, &store.data_dir));
        let ids = named.map_or(inputs, std::slice::from_ref).iter().map(|input| input.id);
        self.set_aside.extend(ids.map(|id| (id, until)));
    }
}

/// Would any other merge fail as well?
fn is_everybodys(error: &Error) -> bool {
    matches!(error, Error::ManifestUncertain { .. } | Error::ManifestConflict { .. } | Error::RestartNeeded)
        || error.is_out_of_space()
}

fn is_damage(error: &Error) -> bool {
    matches!(error, Error::SegmentDamaged { .. } | Error::SegmentMissing { .. })
}

/// Does the failure name a file of this segment?
fn is_about(error: &Error, segment: &SegmentMeta, data_dir: &Path) -> bool {
    let (Error::SegmentDamaged { path, .. } | Error::SegmentMissing { path } | Error::Io { path, .. }) =
        error
    else {
        return false;
    };
    segment.file_path(data_dir) == *path || segment.checksums_file_path(data_dir).as_ref() == Some(path)
}

impl Store {
    /// Puts one segment with all their rows in the place of these.
    pub(super) fn merge(
        &self,
        inputs: &[Arc<SegmentMeta>],
        is_stopped: &dyn Fn() -> bool,
    ) -> Result<(), Error> {
        let id = self.next_segment_id();
        let merged = segment::merge(inputs, id, &self.data_dir, &*self.faults, is_stopped)?;
        let merged = Arc::new(merged);
        self.checked.admit(&merged);
        let mut work = self.work.lock();
        let swapped = self.swap(&mut work, inputs, &merged);
        match &swapped {
            Ok(true) => {
                self.figures.n_merges.fetch_add(1, Ordering::Relaxed);
                self.figures.n_segments_merged.fetch_add(inputs.len() as u64, Ordering::Relaxed);
            }
            // A manifest that perhaps names it must find it.
            Err(_) if work.is_uncertain => {}
            Ok(false) | Err(_) => self.remove_unpublished(std::slice::from_ref(&merged)),
        }
        swapped.map(|_| ())
    }

    /// False if some of them have expired meanwhile.
    fn swap(
        &self,
        work: &mut Work,
        inputs: &[Arc<SegmentMeta>],
        merged: &Arc<SegmentMeta>,
    ) -> Result<bool, Error> {
        let manifest = self.manifest();
        let ids: HashSet<u64> = inputs.iter().map(|input| input.id).collect();
        let (replaced, mut segments): (Vec<_>, Vec<_>) =
            manifest.segments.iter().cloned().partition(|segment| ids.contains(&segment.id));
        if replaced.len() < inputs.len() {
            return Ok(false);
        }
        segments.push(Arc::clone(merged));
        let (version, segment_id_next) = (manifest.version + 1, self.segment_id_next());
        let next = Manifest { version, segment_id_next, segments, ..(*manifest).clone() };
        self.publish(work, next, |_| {})?;
        work.graveyard.extend(replaced);
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
