//! Moves rows from memory to segments, and expired segments away.
//!
//! A flush freezes the active generation, writes its segments, and publishes them in one manifest
//! version with the log records they cover, whose receipts are on disk before; only then are the rows let go. If any step fails the
//! generation stays frozen and readable, and the next flush starts over with it.

use super::store::{State, Store, Work};
use crate::error::Error;
use crate::faults::Step;
use crate::hot::Generation;
use crate::ids::{Signal, Table};
use crate::manifest::{self, Manifest};
use crate::options::Retention;
use crate::retention::{self, Divided};
use crate::segment::{self, SegmentMeta, SegmentSource};
use arrow::array::RecordBatch;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Rows of one table on their way to a segment.
struct TableRows {
    batches: Vec<RecordBatch>,
    n_bytes: u64,
}

impl Store {
    /// Writes what an earlier flush left, then all rows in memory. `before_freeze` runs between.
    /// Blocks; for a thread that may.
    pub(super) fn flush(&self, before_freeze: impl FnOnce()) -> Result<(), Error> {
        let mut work = self.work.lock();
        let flushed = self.flush_frozen(&mut work).and_then(|()| {
            if self.state.lock().active.is_empty() {
                return Ok(());
            }
            before_freeze();
            self.freeze();
            self.flush_frozen(&mut work)
        });
        self.note_outcome(&flushed);
        flushed
    }

    /// Publishes a manifest without the segments that retention lets go, then deletes files that nobody
    /// reads any more.
    pub(super) fn expire(&self, retention: &Retention, now: i64) -> Result<(), Error> {
        let mut work = self.work.lock();
        let manifest = self.manifest();
        let Divided { live, expired, displaced } = retention::divide(&manifest.segments, retention, now);
        let (n_expired, n_displaced) = (expired.len() as u64, displaced.len() as u64);
        if n_expired + n_displaced > 0 {
            let mut next = Manifest { version: manifest.version + 1, segments: live, ..(*manifest).clone() };
            expired.iter().chain(&displaced).for_each(|segment| next.note_leaving(segment));
            self.publish(&mut work, next, |_| {})?;
            self.figures.n_segments_expired.fetch_add(n_expired, Ordering::Relaxed);
            self.figures.n_segments_displaced.fetch_add(n_displaced, Ordering::Relaxed);
            work.graveyard.extend(expired.into_iter().chain(displaced));
        }
        drop(manifest);
        self.bury(&mut work)
    }

    /// Later rows go to a new generation.
    fn freeze(&self) {
        let mut state = self.state.lock();
        assert!(state.frozen.is_none(), "a frozen generation is flushed before the next is frozen");
        let State { active, pairing, known, .. } = &mut *state;
        let n_bytes_before = active.n_bytes();
        active.settle(pairing);
        self.figures.recount(n_bytes_before, active.n_bytes());
        self.figures.n_bytes_waiting.store(pairing.n_bytes(), Ordering::Relaxed);
        active.tell(Arc::make_mut(known));
        let next = Generation::after(active, Arc::clone(known));
        state.frozen = Some(Arc::new(std::mem::replace(&mut state.active, next)));
        state.active_since = None;
    }

    fn flush_frozen(&self, work: &mut Work) -> Result<(), Error> {
        let Some(frozen) = self.state.lock().frozen.clone() else { return Ok(()) };
        if work.is_uncertain {
            return Err(Error::RestartNeeded);
        }
        let manifest = self.manifest();
        let receipts = work.receipts.followed_by(frozen.receipts());
        if !frozen.receipts().is_empty() {
            receipts.write(&self.data_dir, &*self.faults)?;
        }
        let segments = self.write_segments(&frozen)?;
        let next =
            Manifest { segment_id_next: self.segment_id_next(), ..following(&manifest, &frozen, &segments) };
        if let Err(error) = self.publish(work, next, |state| state.frozen = None) {
            if !work.is_uncertain {
                self.remove_unpublished(&segments);
            }
            return Err(error);
        }
        work.receipts = receipts;
        let figures = &self.figures;
        figures.n_bytes_hot.fetch_sub(frozen.n_bytes(), Ordering::Relaxed);
        figures.n_spans_red_overflow.fetch_add(frozen.models().n_spans_overflow(), Ordering::Relaxed);
        figures.n_items_seen_overflow.fetch_add(frozen.models().n_items_overflow(), Ordering::Relaxed);
        figures.n_flushes.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn write_segments(&self, frozen: &Generation) -> Result<Vec<Arc<SegmentMeta>>, Error> {
        let mut segments: Vec<Arc<SegmentMeta>> = Vec::new();
        // One after the other, since rows of read models are only made here; those they are made of come first.
        for table in Table::ALL {
            let TableRows { batches, n_bytes } = table_rows(frozen, table);
            if batches.is_empty() {
                continue;
            }
            let id = self.next_segment_id();
            let received_max = received_max(table, &batches, &segments);
            let source = SegmentSource { id, table, batches: &batches, n_bytes, received_max };
            match segment::write(&source, &self.data_dir, &*self.faults) {
                Ok(segment) => {
                    self.checked.admit(&segment);
                    segments.push(Arc::new(segment));
                }
                Err(error) => {
                    self.remove_unpublished(&segments);
                    return Err(error);
                }
            }
        }
        Ok(segments)
    }

    /// Makes a manifest the truth on disk, then in memory, where `also` changes in the same moment.
    pub(super) fn publish(
        &self,
        work: &mut Work,
        next: Manifest,
        also: impl FnOnce(&mut State),
    ) -> Result<(), Error> {
        if work.is_uncertain {
            return Err(Error::RestartNeeded);
        }
        if let Err(error) = self.publish_on_disk(&next) {
            work.is_uncertain =
                matches!(error, Error::ManifestUncertain { .. } | Error::ManifestConflict { .. });
            return Err(error);
        }
        {
            let mut state = self.state.lock();
            state.manifest = Arc::new(next);
            also(&mut state);
        }
        if let Err(error) = manifest::prune(&self.data_dir, &*self.faults) {
            tracing::warn!(error = error.chain(), "cannot remove old manifests");
        }
        Ok(())
    }

    fn publish_on_disk(&self, next: &Manifest) -> Result<(), Error> {
        let version = next.version;
        self.handle.block_on(next.publish(&*self.object_store, &self.data_dir, &*self.faults))?;
        let uncertain = |source| {
            let source = Error::io("publish manifest in", &self.data_dir, source);
            Error::ManifestUncertain { version, source: Box::new(source) }
        };
        self.faults.before(Step::ManifestPublished).map_err(uncertain)
    }

    /// Deletes segments that no running query holds; others wait for the next time.
    pub(super) fn bury(&self, work: &mut Work) -> Result<(), Error> {
        let mut first_error = Ok(());
        work.graveyard.retain(|segment| {
            if Arc::strong_count(segment) > 1 {
                return true;
            }
            let removed = self.remove(segment);
            let is_left = removed.is_err();
            if first_error.is_ok() {
                first_error = removed;
            }
            is_left
        });
        first_error
    }

    fn remove(&self, segment: &SegmentMeta) -> Result<(), Error> {
        self.checked.forget(segment);
        segment::remove(segment, &self.data_dir, &*self.faults)
    }

    /// What fails here is an orphan, which the next start removes.
    pub(super) fn remove_unpublished(&self, segments: &[Arc<SegmentMeta>]) {
        for segment in segments {
            if let Err(error) = self.remove(segment) {
                tracing::warn!(error = error.chain(), "cannot remove unpublished segment");
            }
        }
    }

    fn note_outcome(&self, flushed: &Result<(), Error>) {
        let figures = &self.figures;
        figures.is_flush_failing.store(flushed.is_err(), Ordering::Release);
        figures.n_flushes_failed.fetch_add(u64::from(flushed.is_err()), Ordering::Relaxed);
        *figures.last_error.lock() = flushed.as_ref().err().map(Error::chain);
    }
}

fn table_rows(generation: &Generation, table: Table) -> TableRows {
    match table.signal() {
        Some(signal) => TableRows {
            batches: generation.batches(signal).cloned().collect(),
            n_bytes: generation.n_bytes_of(signal),
        },
        None => {
            let made = generation.models().cells(table).and_then(|cells| cells.to_batch());
            let n_bytes = made.as_ref().map_or(0, |batch| batch.get_array_memory_size() as u64);
            TableRows { batches: Vec::from_iter(made), n_bytes }
        }
    }
}

/// When the newest row was received. The rows of a read model do not say: they are as young as those they were made
/// of, whose segments come before.
fn received_max(table: Table, batches: &[RecordBatch], before: &[Arc<SegmentMeta>]) -> i64 {
    let newest = |is_source: fn(Table) -> bool| {
        let sources = before.iter().filter(|segment| is_source(segment.table));
        sources.map(|segment| segment.received_max).max()
    };
    let of_spans = || if table == Table::ServiceSeen { None } else { newest(|table| table == Table::Spans) };
    segment::received_max(table, batches)
        .or_else(of_spans)
        .or_else(|| newest(|table| table.signal().is_some()))
        .unwrap_or(i64::MAX)
}

/// The version in which these segments take the place of the generation.
fn following(manifest: &Manifest, frozen: &Generation, segments: &[Arc<SegmentMeta>]) -> Manifest {
    let mut next = manifest.clone();
    next.version += 1;
    next.covered.insert_all(frozen.sequences());
    next.edges_settled_until = frozen.edges_settled_until().or(next.edges_settled_until);
    for signal in Signal::ALL {
        next.rows_ever.add(signal, frozen.n_rows(signal));
    }
    next.segments.extend(segments.iter().cloned());
    next
}
