//! Reads all rows that are stored, and makes cells of them, in bounded memory.
//!
//! Cells of operations, services and instances do not depend on the order of rows: segments are read one after the
//! other. Calls are paired within some time from when their spans were received, as they were when these came, so that
//! spans must come in that order: halves of a stretch of time at once are read from all segments that have some, and
//! sorted. Whatever has become large is written and forgotten, as by a flush.

use super::Task;
use super::output::Output;
use super::received::{RECEIVED_AT, ReceivedSpans};
use crate::error::Error;
use crate::ids::{Signal, Table};
use crate::manifest::Manifest;
use crate::merge_choice::window_ns;
use crate::options::Options;
use crate::read_models::{
    Delta, Halves, HalvesByReceipt, KnownServices, Pairing, ReadModels, SPAN_COLUMNS, item_columns,
};
use crate::segment::{self, ANY_TIME, SegmentMeta};
use crate::stats::RowsEver;
use crate::upkeep::Progress;
use arrow::array::RecordBatch;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;

/// Memory that the halves of a span take, with the names in them, about: how many spans are asked for at once.
const SPAN_BYTES: u64 = 128;
/// Rows after which cells are written only because there are very many different ones, which must not make them share
/// a name. A flush every few seconds would do so too.
const CROWDED_ROWS_MIN: u64 = 256 << 10;

/// What a replay came to, besides what it wrote.
pub(super) struct Replayed {
    pub(super) n_rows: RowsEver,
    /// As in the manifest.
    pub(super) settled_until: Option<i64>,
}

pub(super) fn replay<'a>(
    task: Task<'a>,
    manifest: &Manifest,
    output: &mut Output<'a>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Replayed, Error> {
    let n_bytes_of = |table: Table| -> u64 {
        manifest.segments.iter().filter(|segment| segment.table == table).map(|segment| segment.n_bytes).sum()
    };
    let n_bytes_items = Signal::ALL.map(|signal| n_bytes_of(Table::from(signal))).iter().sum::<u64>();
    let retention = &task.options.retention;
    let mut known = KnownServices::default();
    known.keep(&task.options.kept, i64::MAX);
    let windows = Table::read_models().map(|table| window_ns(retention.of(table)));
    let mut replay = Replay {
        task,
        manifest,
        output,
        progress,
        pairing: Pairing::within(task.options.hot.bytes_hard),
        making: Making::new(Arc::new(known)),
        together_ns: windows.min().unwrap_or(i64::MAX),
        n_bytes: 0,
        n_bytes_all: n_bytes_items + n_bytes_of(Table::Spans),
    };
    let (n_rows, spans) = replay.items()?;
    let settled_until = replay.calls(&spans, n_rows.traces)?;
    Ok(Replayed { n_rows, settled_until })
}

struct Replay<'r, 'a> {
    task: Task<'a>,
    manifest: &'r Manifest,
    output: &'r mut Output<'a>,
    progress: &'r mut dyn FnMut(Progress),
    pairing: Pairing,
    making: Making,
    /// Rows received in different stretches of this do not come into one segment, which would expire with its newest.
    together_ns: i64,
    n_bytes: u64,
    n_bytes_all: u64,
}

/// Cells in the making.
struct Making {
    models: ReadModels,
    /// Services that have a place in these, from those that were written before.
    known: Arc<KnownServices>,
    /// Rows, or parts of calls.
    n_taken: u64,
    received_max: i64,
}

impl Making {
    fn new(known: Arc<KnownServices>) -> Self {
        let models = ReadModels::knowing(Arc::clone(&known));
        Self { models, known, n_taken: 0, received_max: i64::MIN }
    }

    /// What follows when these are written.
    fn next(&self) -> Self {
        let mut known = Arc::clone(&self.known);
        if self.n_taken > 0 {
            Arc::make_mut(&mut known).note(self.models.services(), self.received_max);
        }
        Self::new(known)
    }

    /// Takes all of some rows but the calls.
    fn items(&mut self, signal: Signal, rows: &RecordBatch, received_max: i64, pairing: &mut Pairing) {
        self.models.take(Delta::of_items(signal, rows), pairing);
        self.n_taken += rows.num_rows() as u64;
        self.received_max = self.received_max.max(received_max);
    }

    fn calls(&mut self, halves: Halves, received_max: i64, pairing: &mut Pairing) {
        self.models.take_calls(halves, pairing);
        self.n_taken += 1;
        self.received_max = self.received_max.max(received_max);
    }

    /// Half of the memory is left for the rows that are made of cells.
    fn is_full(&self, options: &Options) -> bool {
        self.models.n_bytes() >= options.hot.bytes_soft / 2
            || (self.n_taken >= CROWDED_ROWS_MIN && self.models.is_crowded())
    }
}

impl Replay<'_, '_> {
    fn items(&mut self) -> Result<(RowsEver, ReceivedSpans), Error> {
        let (mut n_rows, mut spans) = (RowsEver::default(), ReceivedSpans::default());
        for signal in Signal::ALL {
            let mut segments = self.manifest.segments_of(Table::from(signal));
            segments.sort_by_key(|segment| (segment.received_max, segment.id));
            for segment in segments {
                self.turn(segment.received_max)?;
                self.items_of(signal, &segment, &mut spans)?;
                n_rows.add(signal, segment.n_rows);
            }
        }
        self.write()?;
        Ok((n_rows, spans))
    }

    fn items_of(
        &mut self,
        signal: Signal,
        segment: &Arc<SegmentMeta>,
        spans: &mut ReceivedSpans,
    ) -> Result<(), Error> {
        let data_dir = &self.task.options.data_dir;
        let mut names = item_columns(signal);
        names.push(RECEIVED_AT);
        let (n_bytes_before, mut n_rows) = (self.n_bytes, 0);
        segment::read_some(segment, data_dir, &names, ANY_TIME, &mut |rows| {
            n_rows += rows.num_rows() as u64;
            if signal == Signal::Traces {
                spans.add(segment, rows);
            }
            self.making.items(signal, rows, segment.received_max, &mut self.pairing);
            self.tell(n_bytes_before + share(segment.n_bytes, n_rows, segment.n_rows));
            self.go_on().map(ControlFlow::Continue)
        })?;
        if n_rows != segment.n_rows {
            let place = format!("(it has {n_rows} rows where the manifest says {})", segment.n_rows);
            return Err(Error::SegmentDamaged { path: segment.file_path(data_dir), place });
        }
        Ok(())
    }

    /// Returns until when halves are settled, if there are any.
    fn calls(&mut self, spans: &ReceivedSpans, n_spans: u64) -> Result<Option<i64>, Error> {
        let n_rows_max = (self.halves_bytes_max() / SPAN_BYTES).max(1);
        let (n_bytes_before, mut n_rows) = (self.n_bytes, 0);
        let n_bytes_spans = self.n_bytes_all - n_bytes_before;
        for window in spans.windows(n_rows_max, self.together_ns) {
            self.turn(window.received.start)?;
            self.calls_of(spans, window.received)?;
            n_rows += window.n_rows;
            self.tell(n_bytes_before + share(n_bytes_spans, n_rows, n_spans));
        }
        let next = self.making.next();
        let mut models = std::mem::replace(&mut self.making, next).models;
        let until = self.manifest.edges_settled_until.unwrap_or(i64::MIN);
        let settled_until = models.settle_until(&mut self.pairing, until);
        self.output.write(&models, spans.received_max())?;
        Ok(Some(settled_until).filter(|&at| at > i64::MIN))
    }

    /// Takes the calls of a stretch of time, in parts if they are too many at once.
    fn calls_of(&mut self, spans: &ReceivedSpans, time: Range<i64>) -> Result<(), Error> {
        let width = time.end.saturating_sub(time.start);
        if width <= Pairing::ANY_ORDER_NS {
            return self.calls_in_any_order(spans, &time);
        }
        if let Some(halves) = self.gather(spans, &time)? {
            return self.calls_in_order(halves);
        }
        let half = (width / 2 / Pairing::ANY_ORDER_NS).max(1) * Pairing::ANY_ORDER_NS;
        let middle = time.start.saturating_add(half);
        self.calls_of(spans, time.start..middle)?;
        self.calls_of(spans, middle..time.end)
    }

    /// None if they take too much memory.
    fn gather(&self, spans: &ReceivedSpans, time: &Range<i64>) -> Result<Option<HalvesByReceipt>, Error> {
        let (data_dir, n_bytes_max) = (&self.task.options.data_dir, self.halves_bytes_max());
        let (mut halves, mut has_room) = (HalvesByReceipt::new(), true);
        for (segment, received) in spans.within(time) {
            segment::read_some(segment, data_dir, &SPAN_COLUMNS, received, &mut |rows| {
                self.task.go_on()?;
                halves.add(Halves::of(rows));
                has_room = halves.n_bytes() <= n_bytes_max;
                Ok(if has_room { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
            })?;
            if !has_room {
                return Ok(None);
            }
        }
        Ok(Some(halves))
    }

    fn calls_in_order(&mut self, halves: HalvesByReceipt) -> Result<(), Error> {
        let received_max = halves.received_max();
        for part in halves.in_order() {
            self.making.calls(part, received_max, &mut self.pairing);
            self.go_on()?;
        }
        Ok(())
    }

    fn calls_in_any_order(&mut self, spans: &ReceivedSpans, time: &Range<i64>) -> Result<(), Error> {
        let data_dir = &self.task.options.data_dir;
        for (segment, received) in spans.within(time) {
            segment::read_some(segment, data_dir, &SPAN_COLUMNS, received, &mut |rows| {
                let halves = Halves::of(rows);
                let received_max = halves.received_max();
                self.making.calls(halves, received_max, &mut self.pairing);
                self.go_on().map(ControlFlow::Continue)
            })?;
        }
        Ok(())
    }

    /// Memory for halves that are being sorted: what an engine needs for rows and queries is not needed here.
    fn halves_bytes_max(&self) -> u64 {
        self.task.options.hot.bytes_hard / 2
    }

    fn go_on(&mut self) -> Result<(), Error> {
        self.task.go_on()?;
        if self.making.is_full(self.task.options) { self.write() } else { Ok(()) }
    }

    /// Before rows that were received then: writes what must not live as long as they do.
    fn turn(&mut self, received_at: i64) -> Result<(), Error> {
        let stretch = |at: i64| at.div_euclid(self.together_ns);
        let is_same = stretch(self.making.received_max) == stretch(received_at);
        if is_same { Ok(()) } else { self.write() }
    }

    fn write(&mut self) -> Result<(), Error> {
        let next = self.making.next();
        let mut making = std::mem::replace(&mut self.making, next);
        if making.n_taken == 0 {
            return Ok(());
        }
        making.models.settle(&mut self.pairing);
        self.output.write(&making.models, making.received_max)
    }

    fn tell(&mut self, n_bytes: u64) {
        self.n_bytes = n_bytes;
        (self.progress)(Progress { n_bytes, n_bytes_all: self.n_bytes_all });
    }
}

/// As many of some bytes as there are rows of all.
fn share(n_bytes: u64, n_rows: u64, n_rows_all: u64) -> u64 {
    let share = u128::from(n_bytes) * u128::from(n_rows) / u128::from(n_rows_all.max(1));
    u64::try_from(share).unwrap_or(u64::MAX).min(n_bytes)
}
