//! What is visible: rows in memory and the manifest's segments, changed together.
//!
//! One mutex guards both, so that a snapshot sees every row exactly once: in the active generation, in the frozen one,
//! or in a segment. An insert adds what its request came to under it, all of which is summed up before; a snapshot
//! takes pointers, to batches and to parts of the read models, and rows are made of these outside. Who freezes a
//! generation first settles the halves of calls that are overdue: few, since every insert settles those whose time
//! its own rows bring to an end; and lets go what names some thousand peers that nobody holds any more. A second mutex lets
//! one flush or expiry happen at a time; it is never taken while the first is held.

use crate::columns::Columns;
use crate::faults::Faults;
use crate::hot::{Arrival, Generation, Snapshot};
use crate::ids::{Signal, Table};
use crate::manifest::Manifest;
use crate::options::HotOptions;
use crate::read_models::{KeptServices, KnownServices, ModelCells, Pairing};
use crate::receipts::Receipts;
use crate::segment::{CheckedSegments, SegmentMeta};
use crate::stats::Stats;
use crate::wal::SequenceSet;
use object_store::ObjectStore;
use parking_lot::Mutex;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::runtime::Handle;

#[derive(Debug)]
pub(super) struct Store {
    pub(super) data_dir: PathBuf,
    pub(super) object_store: Arc<dyn ObjectStore>,
    /// What queries read segments through: it must know each before a manifest shows it to them.
    pub(super) checked: Arc<CheckedSegments>,
    pub(super) faults: Arc<dyn Faults>,
    /// Drives the object store's futures from blocking threads.
    pub(super) handle: Handle,
    pub(super) state: Mutex<State>,
    pub(super) work: Mutex<Work>,
    pub(super) figures: Figures,
    /// Set while flushes of the timer fail.
    pause: Mutex<Option<Pause>>,
    /// Number of the next segment. Flushes and merges write side by side, so each takes its numbers before
    /// it writes; those of a failed one are not used again before a restart has removed its files.
    segment_id_next: AtomicU64,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) active: Generation,
    /// When the timer first saw rows in `active`.
    pub(super) active_since: Option<i64>,
    /// Being written to segments, or waiting for the next attempt.
    pub(super) frozen: Option<Arc<Generation>>,
    /// Halves of calls, of whichever generation their rows are.
    pub(super) pairing: Pairing,
    /// Services that have a place in the active generation and in the next, whatever comes.
    pub(super) known: Arc<KnownServices>,
    pub(super) manifest: Arc<Manifest>,
}

/// Between two attempts of a flush.
#[derive(Debug, Clone, Copy)]
struct Pause {
    since: i64,
    ns: i64,
}

/// The first pause, and the longest.
const PAUSE_NS_MIN: i64 = 1_000_000_000;
const PAUSE_NS_MAX: i64 = 60 * PAUSE_NS_MIN;

/// What only one flush or expiry at a time may touch.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// Segments that no manifest names, but perhaps a running query.
    pub(super) graveyard: Vec<Arc<SegmentMeta>>,
    /// The manifest on disk may be ahead of the one in memory. Another flush could overwrite or
    /// remove what that one names, so only a restart goes on.
    pub(super) is_uncertain: bool,
    /// Of records that the manifest covers, as they are on disk.
    pub(super) receipts: Receipts,
}

#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) n_bytes_hot: AtomicU64,
    /// Of halves of calls.
    pub(super) n_bytes_waiting: AtomicU64,
    pub(super) n_flushes: AtomicU64,
    pub(super) n_flushes_failed: AtomicU64,
    pub(super) is_flush_failing: AtomicBool,
    pub(super) n_segments_expired: AtomicU64,
    pub(super) n_segments_displaced: AtomicU64,
    pub(super) n_merges: AtomicU64,
    pub(super) n_segments_merged: AtomicU64,
    pub(super) n_merges_failed: AtomicU64,
    pub(super) n_records_adopted: AtomicU64,
    pub(super) n_records_undecodable: AtomicU64,
    pub(super) n_records_missing: AtomicU64,
    /// Of generations that are gone.
    pub(super) n_spans_red_overflow: AtomicU64,
    pub(super) n_items_seen_overflow: AtomicU64,
    pub(super) last_error: Mutex<Option<String>>,
}

impl Store {
    pub(super) fn new(
        data_dir: PathBuf,
        object_store: Arc<dyn ObjectStore>,
        checked: Arc<CheckedSegments>,
        manifest: Manifest,
        handle: Handle,
        faults: Arc<dyn Faults>,
        hot: &HotOptions,
    ) -> Self {
        for segment in &manifest.segments {
            checked.admit(segment);
        }
        let segment_id_next = AtomicU64::new(manifest.segment_id_next);
        let manifest = Arc::new(manifest);
        let pairing = Pairing::within(hot.bytes_hard);
        let state = State {
            active: Generation::default(),
            active_since: None,
            frozen: None,
            pairing,
            known: Arc::default(),
            manifest,
        };
        let (state, work, figures) = (Mutex::new(state), Mutex::default(), Figures::default());
        let pause = Mutex::default();
        Self { data_dir, object_store, checked, faults, handle, state, work, figures, pause, segment_id_next }
    }

    /// A number that no other segment of this process gets.
    pub(super) fn next_segment_id(&self) -> u64 {
        self.segment_id_next.fetch_add(1, Ordering::Relaxed)
    }

    /// What a manifest must say: above every number that a segment of it has.
    pub(super) fn segment_id_next(&self) -> u64 {
        self.segment_id_next.load(Ordering::Relaxed)
    }

    /// Makes rows visible. Returns the memory that the active generation takes now.
    pub(super) fn insert(&self, sequence: u64, mut columns: Columns) -> u64 {
        let (signal, receipt) = (columns.signal(), columns.take_receipt());
        let batch = columns.into_batch();
        let arrival = Arrival::of(signal, &batch);
        let (n_bytes_active, mut melt) = {
            let mut state = self.state.lock();
            let State { active, pairing, .. } = &mut *state;
            let n_bytes_more = active.insert(sequence, arrival, pairing);
            if let Some(receipt) = receipt {
                active.keep_receipt(sequence, receipt);
            }
            self.figures.n_bytes_hot.fetch_add(n_bytes_more, Ordering::Relaxed);
            self.figures.n_bytes_waiting.store(pairing.n_bytes(), Ordering::Relaxed);
            (state.active.n_bytes(), state.active.start_melt(signal))
        };
        while let Some(job) = melt {
            let melted = job.run();
            let mut state = self.state.lock();
            let n_bytes_before = state.active.n_bytes();
            state.active.finish_melt(melted);
            self.figures.recount(n_bytes_before, state.active.n_bytes());
            melt = state.active.start_melt(signal);
        }
        n_bytes_active
    }

    /// Services that have a place, before any row comes.
    pub(super) fn start_with(&self, services: KnownServices) {
        let mut state = self.state.lock();
        let State { active, known, .. } = &mut *state;
        *known = Arc::new(services);
        active.know(Arc::clone(known));
    }

    /// Services that have a place from now on.
    pub(super) fn keep(&self, kept: &KeptServices, now: i64) {
        let mut state = self.state.lock();
        let State { active, known, .. } = &mut *state;
        Arc::make_mut(known).keep(kept, now);
        active.know(Arc::clone(known));
    }

    pub(super) fn kept_since(&self, service: &str, operation: Option<&str>) -> Option<i64> {
        self.state.lock().known.kept_since(service, operation)
    }

    /// Counts names as the next generation did that the last process had, whose rows now follow in this one.
    pub(super) fn renew_room(&self) {
        let mut state = self.state.lock();
        let State { active, known, .. } = &mut *state;
        let n_bytes_before = active.n_bytes();
        active.tell(Arc::make_mut(known));
        active.renew_room(Arc::clone(known));
        self.figures.recount(n_bytes_before, active.n_bytes());
    }

    /// Counts records as done that have no rows to give.
    pub(super) fn cover(&self, sequences: &SequenceSet) {
        self.state.lock().active.cover(sequences);
    }

    /// Is the record's part done, in memory or on disk?
    pub(super) fn is_covered(&self, sequence: u64) -> bool {
        let state = self.state.lock();
        let generations = std::iter::once(&state.active).chain(state.frozen.as_deref());
        let mut hot = generations.map(|generation| generation.sequences());
        state.manifest.covered.contains(sequence) || hot.any(|hot| hot.contains(sequence))
    }

    pub(super) fn manifest(&self) -> Arc<Manifest> {
        Arc::clone(&self.state.lock().manifest)
    }

    /// All rows of a table at one moment.
    pub(super) fn snapshot(&self, table: Table) -> Snapshot {
        match table.signal() {
            Some(signal) => self.snapshot_rows(table, signal),
            None => self.snapshot_cells(table),
        }
    }

    fn snapshot_rows(&self, table: Table, signal: Signal) -> Snapshot {
        let (batches, manifest) = {
            let state = self.state.lock();
            let generations = std::iter::once(&state.active).chain(state.frozen.as_deref());
            let batches = generations.flat_map(|generation| generation.batches(signal)).cloned().collect();
            (batches, Arc::clone(&state.manifest))
        };
        Snapshot { batches, cells: Vec::new(), segments: manifest.segments_of(table) }
    }

    /// Under the lock only pointers to parts are taken; who wants rows of them makes those outside of it.
    fn snapshot_cells(&self, table: Table) -> Snapshot {
        let (cells, manifest) = {
            let state = self.state.lock();
            let generations = std::iter::once(&state.active).chain(state.frozen.as_deref());
            let cells = generations.filter_map(|generation| generation.models().cells(table));
            let cells: Vec<_> = cells.chain(ModelCells::waiting(&state.pairing, table)).collect();
            (cells, Arc::clone(&state.manifest))
        };
        Snapshot { batches: Vec::new(), cells, segments: manifest.segments_of(table) }
    }

    pub(super) fn n_bytes_hot(&self) -> u64 {
        self.figures.n_bytes_hot.load(Ordering::Relaxed)
    }

    /// Memory that a bound holds for: rows, read models, and halves of calls, which no flush frees.
    pub(super) fn n_bytes_held(&self) -> u64 {
        self.n_bytes_hot() + self.figures.n_bytes_waiting.load(Ordering::Relaxed)
    }

    /// Did the newest flush fail?
    pub(super) fn is_flush_failing(&self) -> bool {
        self.figures.is_flush_failing.load(Ordering::Acquire)
    }

    /// Did a flush fail so lately that another attempt is not due? Not if the clock was set back since.
    pub(super) fn is_pausing(&self, now: i64) -> bool {
        let is_over = |pause: Pause| !(pause.since..pause.since.saturating_add(pause.ns)).contains(&now);
        self.is_flush_failing() && self.pause.lock().is_some_and(|pause| !is_over(pause))
    }

    /// The timer has tried to flush.
    pub(super) fn note_attempt(&self, is_ok: bool, now: i64) {
        let mut pause = self.pause.lock();
        let next_ns = pause.map_or(PAUSE_NS_MIN, |pause| (pause.ns * 2).min(PAUSE_NS_MAX));
        *pause = (!is_ok).then_some(Pause { since: now, ns: next_ns });
    }

    /// Is there anything to flush that has become large or old enough?
    pub(super) fn is_flush_due(&self, options: &HotOptions, now: i64) -> bool {
        let mut state = self.state.lock();
        if state.frozen.is_some() {
            return true;
        }
        if state.active.is_empty() {
            return false;
        }
        let since = *state.active_since.get_or_insert(now);
        let age_ns = u128::try_from(now.saturating_sub(since)).unwrap_or(0);
        state.active.n_bytes() >= options.bytes_soft || age_ns >= options.flush_interval.as_nanos()
    }

    /// All figures but the log's.
    pub(super) fn stats(&self) -> Stats {
        let load = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
        let figures = &self.figures;
        let mut stats = Stats {
            hot_bytes: self.n_bytes_hot(),
            n_flushes: load(&figures.n_flushes),
            n_flushes_failed: load(&figures.n_flushes_failed),
            n_segments_expired: load(&figures.n_segments_expired),
            n_segments_displaced: load(&figures.n_segments_displaced),
            n_merges: load(&figures.n_merges),
            n_segments_merged: load(&figures.n_segments_merged),
            n_merges_failed: load(&figures.n_merges_failed),
            n_records_adopted: load(&figures.n_records_adopted),
            n_records_undecodable: load(&figures.n_records_undecodable),
            n_records_missing: load(&figures.n_records_missing),
            n_spans_red_overflow: load(&figures.n_spans_red_overflow),
            n_items_seen_overflow: load(&figures.n_items_seen_overflow),
            last_error: figures.last_error.lock().clone(),
            ..Stats::default()
        };
        let state = self.state.lock();
        stats.rows_ever = state.manifest.rows_ever;
        stats.edges = state.pairing.stats();
        for generation in std::iter::once(&state.active).chain(state.frozen.as_deref()) {
            stats.n_spans_red_overflow += generation.models().n_spans_overflow();
            stats.n_items_seen_overflow += generation.models().n_items_overflow();
            for signal in Signal::ALL {
                stats.hot_rows += generation.n_rows(signal);
                stats.rows_ever.add(signal, generation.n_rows(signal));
            }
        }
        let manifest = Arc::clone(&state.manifest);
        drop(state);
        stats.n_segments = manifest.segments.len() as u64;
        stats.segment_bytes = manifest.segments.iter().map(|segment| segment.n_bytes).sum();
        stats
    }
}

impl Figures {
    /// Follows a generation whose memory changed.
    pub(super) fn recount(&self, n_bytes_before: u64, n_bytes_after: u64) {
        if n_bytes_after >= n_bytes_before {
            self.n_bytes_hot.fetch_add(n_bytes_after - n_bytes_before, Ordering::Relaxed);
        } else {
            self.n_bytes_hot.fetch_sub(n_bytes_before - n_bytes_after, Ordering::Relaxed);
        }
    }
}
