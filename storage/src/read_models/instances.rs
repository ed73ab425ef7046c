//! Which instances of which services were seen, hour by hour, by any signal.
//!
//! As with rate and errors, the rows of a request are first summed up by themselves, outside any lock, and then melted
//! into the hot cells.

use super::known::KnownServices;
use super::owners::{self, Owner, Owners};
use super::shared::{Entries, SharedMap};
use super::{OTHERS, Resolution};
use crate::columns::column;
use crate::ids::Signal;
use crate::schema;
use arrow::array::{
    ArrayRef, AsArray, RecordBatch, StringBuilder, TimestampNanosecondBuilder, UInt64Builder,
};
use arrow::datatypes::TimestampNanosecondType;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Instances of one service that one generation of the hot tables keeps apart: a service whose every process has a
/// random id must not push others out.
const OF_SERVICE_MAX: usize = 1_000;
/// Instances of all services.
const INSTANCES_MAX: usize = 10_000;
/// Room beyond these for services that gave up their instances, and then their versions and all else.
const ROOM: usize = 250;
/// Instances of known services, which are kept apart whatever others take.
const OF_KNOWN_MAX: usize = 4_000;
/// What a cell's map takes besides its key.
const CELL_OVERHEAD_BYTES: usize = 96;

/// What is counted apart, but for signal and time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Instance {
    service: String,
    namespace: String,
    environment: String,
    version: String,
    instance: String,
    language: String,
    sdk_name: String,
    sdk_version: String,
}

/// An instance, what it sent, and the start of an hour.
type CellKey = (Arc<Instance>, Signal, i64);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cell {
    n_items: u64,
    first_at: i64,
    last_at: i64,
}

/// A batch of a signal, summed up.
#[derive(Debug)]
pub(crate) struct SeenDelta<'a> {
    signal: Signal,
    cells: HashMap<(Owner<'a>, i64), Cell>,
}

/// The read model of the rows that are in memory.
#[derive(Debug, Default)]
pub(crate) struct SeenCells {
    instances: HashSet<Arc<Instance>>,
    /// Instances that were let in, by service, of all, and of known services.
    n_of_service: HashMap<String, usize>,
    n_let_in: usize,
    n_of_known: usize,
    cells: SharedMap<CellKey, Cell>,
    n_bytes: usize,
    n_items_overflow: u64,
    is_crowded: bool,
}

/// The cells of one moment, to be turned into rows without holding anybody up.
#[derive(Debug)]
pub(crate) struct SeenSnapshot {
    cells: Entries<CellKey, Cell>,
}

impl<'a> SeenDelta<'a> {
    /// Sums up a batch of a signal's table, or of the columns of [`columns_of`] of one.
    pub(crate) fn of(signal: Signal, batch: &'a RecordBatch) -> Self {
        let owners = Owners::of(batch);
        let times = column(batch, time_column(signal)).as_primitive::<TimestampNanosecondType>().values();
        let mut cells = HashMap::new();
        for run in owners.runs() {
            add_run(&mut cells, owners.owner(run.start), &times[run]);
        }
        Self { signal, cells }
    }
}

/// The columns of a signal's table that are read.
pub(crate) fn columns_of(signal: Signal) -> Vec<&'static str> {
    owners::COLUMNS.into_iter().chain([time_column(signal)]).collect()
}

/// Adds the times of one owner's rows, which seldom span more than an hour.
fn add_run<'a>(cells: &mut HashMap<(Owner<'a>, i64), Cell>, owner: Owner<'a>, times: &[i64]) {
    let mut rest = times;
    while let Some(&first) = rest.first() {
        let hour = hour_of(first);
        let n = rest.iter().position(|at| hour_of(*at) != hour).unwrap_or(rest.len());
        let (same, later) = rest.split_at(n);
        let start = Cell { n_items: 0, first_at: first, last_at: first };
        cells.entry((owner, hour)).or_insert(start).add(Cell::of(same, first));
        rest = later;
    }
}

/// When an item of a signal happened: a span when it ended, as in the other read models.
fn time_column(signal: Signal) -> &'static str {
    match signal {
        Signal::Traces => "end_time",
        Signal::Logs | Signal::Metrics => "time",
    }
}

fn hour_of(unix_nanos: i64) -> i64 {
    Resolution::Hour.bucket_of(unix_nanos)
}

impl Cell {
    /// Of items at these times, the first of which is given.
    fn of(times: &[i64], first: i64) -> Self {
        let start = Self { n_items: times.len() as u64, first_at: first, last_at: first };
        times.iter().fold(start, |cell, &at| Self {
            first_at: cell.first_at.min(at),
            last_at: cell.last_at.max(at),
            ..cell
        })
    }

    fn add(&mut self, other: Self) {
        self.n_items += other.n_items;
        self.first_at = self.first_at.min(other.first_at);
        self.last_at = self.last_at.max(other.last_at);
    }
}

impl SeenCells {
    /// Adds what a batch came to. Known services have a place, whatever else came before.
    pub(crate) fn merge(&mut self, delta: SeenDelta<'_>, known: &KnownServices) {
        let signal = delta.signal;
        for ((owner, hour), cell) in delta.cells {
            let instance = self.admit(owner, cell.n_items, known.has(owner.service));
            let key = (instance, signal, hour);
            if let Some(before) = self.cells.get_mut(&key) {
                before.add(cell);
            } else {
                self.n_bytes += CELL_OVERHEAD_BYTES + size_of::<(CellKey, Cell)>();
                self.cells.get_or_insert_with(key, || cell);
            }
        }
    }

    pub(crate) fn n_bytes(&self) -> u64 {
        self.n_bytes as u64
    }

    /// Is half of the room for instances taken?
    pub(crate) fn is_crowded(&self) -> bool {
        self.is_crowded
    }

    /// The services that have a place, each with its instances.
    pub(crate) fn services(&self) -> impl Iterator<Item = (&str, usize)> {
        self.n_of_service.iter().map(|(service, n)| (service.as_str(), *n))
    }

    /// Lets in as many more as if nothing had come yet.
    pub(crate) fn renew_room(&mut self) {
        let services = self.n_of_service.drain();
        self.n_bytes -= services.map(|(service, _)| service.len() + CELL_OVERHEAD_BYTES).sum::<usize>();
        (self.n_let_in, self.n_of_known, self.is_crowded) = (0, 0, false);
    }

    /// Items counted under `(other)`.
    pub(crate) fn n_items_overflow(&self) -> u64 {
        self.n_items_overflow
    }

    pub(crate) fn snapshot(&self) -> SeenSnapshot {
        SeenSnapshot { cells: self.cells.share() }
    }

    /// The instance's own name, or the one it shares when there are too many.
    fn admit(&mut self, wanted: Owner<'_>, n_items: u64, is_known: bool) -> Arc<Instance> {
        let unnamed = Owner { instance: OTHERS, ..wanted };
        let service = Owner { service: wanted.service, instance: OTHERS, ..Owner::default() };
        let nobody = Owner { service: OTHERS, ..service };
        let offers = [
            (wanted, OF_SERVICE_MAX, INSTANCES_MAX),
            (unnamed, OF_SERVICE_MAX + ROOM, INSTANCES_MAX + ROOM),
            (service, usize::MAX, INSTANCES_MAX + 2 * ROOM),
            (nobody, usize::MAX, usize::MAX),
        ];
        for (offer, of_service_max, instances_max) in offers {
            let instance = Instance::of(offer);
            if let Some(known) = self.instances.get(&instance) {
                let known = Arc::clone(known);
                self.count_overflow(offer != wanted, n_items);
                return known;
            }
            let n_of_service = self.n_of_service.get(offer.service).copied();
            let has_room = self.n_let_in < instances_max || (is_known && self.n_of_known < OF_KNOWN_MAX);
            let is_placed = offer == service && (is_known || n_of_service.is_some());
            if is_placed || (has_room && n_of_service.unwrap_or(0) < of_service_max) {
                self.count_overflow(offer != wanted, n_items);
                self.n_of_known += usize::from(is_known);
                return self.insert(instance);
            }
        }
        unreachable!("the last offer has no bound")
    }

    fn insert(&mut self, instance: Instance) -> Arc<Instance> {
        self.n_bytes += instance.n_bytes();
        let mut n_of_service = 1;
        match self.n_of_service.get_mut(&instance.service) {
            Some(n) => {
                *n += 1;
                n_of_service = *n;
            }
            None => {
                self.n_bytes += instance.service.len() + CELL_OVERHEAD_BYTES;
                self.n_of_service.insert(instance.service.clone(), 1);
            }
        }
        self.n_let_in += 1;
        let instance = Arc::new(instance);
        self.instances.insert(Arc::clone(&instance));
        self.is_crowded |= n_of_service >= OF_SERVICE_MAX / 2 || self.n_let_in >= INSTANCES_MAX / 2;
        instance
    }

    fn count_overflow(&mut self, is_overflow: bool, n_items: u64) {
        if is_overflow {
            self.n_items_overflow += n_items;
        }
    }
}

impl SeenSnapshot {
    /// Rows of the table, one per cell; none when there are none.
    pub(crate) fn to_batch(&self) -> Option<RecordBatch> {
        if self.cells.is_empty() {
            return None;
        }
        let mut rows = RowBuilder::default();
        for ((instance, signal, hour), cell) in self.cells.iter() {
            rows.push(instance, *signal, *hour, *cell);
        }
        Some(rows.finish())
    }
}

impl Instance {
    fn of(owner: Owner<'_>) -> Self {
        Self {
            service: owner.service.to_owned(),
            namespace: owner.namespace.to_owned(),
            environment: owner.environment.to_owned(),
            version: owner.version.to_owned(),
            instance: owner.instance.to_owned(),
            language: owner.language.to_owned(),
            sdk_name: owner.sdk_name.to_owned(),
            sdk_version: owner.sdk_version.to_owned(),
        }
    }

    /// In the order of the table's columns.
    fn texts(&self) -> [&str; 8] {
        let Self { service, namespace, environment, version, instance, language, sdk_name, sdk_version } =
            self;
        [service, namespace, environment, version, instance, language, sdk_name, sdk_version]
    }

    fn n_bytes(&self) -> usize {
        size_of::<Self>() + CELL_OVERHEAD_BYTES + self.texts().iter().map(|text| text.len()).sum::<usize>()
    }
}

/// Columns of the table in the making.
#[derive(Default)]
struct RowBuilder {
    bucket: TimestampNanosecondBuilder,
    texts: [StringBuilder; 8],
    signal: StringBuilder,
    n_items: UInt64Builder,
    first_at: TimestampNanosecondBuilder,
    last_at: TimestampNanosecondBuilder,
}

impl RowBuilder {
    fn push(&mut self, instance: &Instance, signal: Signal, hour: i64, cell: Cell) {
        self.bucket.append_value(hour);
        for (column, text) in self.texts.iter_mut().zip(instance.texts()) {
            column.append_value(text);
        }
        self.signal.append_value(signal.name());
        self.n_items.append_value(cell.n_items);
        self.first_at.append_value(cell.first_at);
        self.last_at.append_value(cell.last_at);
    }

    fn finish(mut self) -> RecordBatch {
        let times = |mut column: TimestampNanosecondBuilder| -> ArrayRef {
            Arc::new(column.finish().with_timezone(schema::TIME_ZONE))
        };
        let mut columns: Vec<ArrayRef> = vec![times(self.bucket)];
        columns.extend(self.texts.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef));
        columns.push(Arc::new(self.signal.finish()));
        columns.push(Arc::new(self.n_items.finish()));
        columns.extend([times(self.first_at), times(self.last_at)]);
        RecordBatch::try_new(schema::service_instances(), columns)
            .expect("the builders are those of the schema")
    }
}

#[cfg(test)]
mod tests;
