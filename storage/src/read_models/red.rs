//! Rate, errors and duration per series and 10 seconds, computed from spans as they come in.
//!
//! A request's spans are first summed up by themselves, outside any lock, and then melted into the
//! hot cells, which are shared with snapshots and copied only where a snapshot still holds one.

use super::hdr::SparseHistogram;
use crate::columns::column;
use crate::schema;
use arrow::array::{
    Array, ArrayRef, AsArray, BinaryBuilder, BooleanBuilder, Int64Builder, RecordBatch, StringBuilder,
    TimestampNanosecondBuilder, UInt64Builder,
};
use arrow::datatypes::{Int64Type, TimestampNanosecondType};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Width of a cell in time: fine enough for a 10 s evaluation, coarse enough to stay small.
pub(crate) const BUCKET_NS: i64 = 10_000_000_000;
/// Series that one generation of the hot tables keeps apart. Names come from clients: a service that
/// puts ids into its operations must not make the read model as large as the spans.
const SERIES_MAX: usize = 10_000;
/// Up to here operations are given up but services kept apart; beyond, services are given up too.
const SERIES_OVERFLOW_MAX: usize = 2 * SERIES_MAX;
/// Stands for what was given up.
const OVERFLOW_NAME: &str = "other";
/// What a cell's maps and pointers take besides its key and histogram.
const CELL_OVERHEAD_BYTES: usize = 256;

/// What is counted apart, but for time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Series {
    service: String,
    operation: String,
    kind: String,
    is_entry: bool,
    service_version: String,
}

/// The same, borrowed from a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct SeriesRef<'a> {
    service: &'a str,
    operation: &'a str,
    kind: &'a str,
    is_entry: bool,
    service_version: &'a str,
}

/// A series and the start of a bucket.
type CellKey = (Arc<Series>, i64);

#[derive(Debug, Clone, Default)]
struct Cell {
    n_spans: u64,
    n_errors: u64,
    sum_ns: i64,
    durations: SparseHistogram,
}

/// A batch of spans, summed up.
#[derive(Debug)]
pub(crate) struct RedDelta<'a> {
    cells: HashMap<(SeriesRef<'a>, i64), Cell>,
}

/// The read model of the rows that are in memory.
#[derive(Debug, Default)]
pub(crate) struct RedCells {
    series: HashSet<Arc<Series>>,
    cells: HashMap<CellKey, Arc<Cell>>,
    n_bytes: usize,
    n_spans_overflow: u64,
}

/// The cells of one moment, to be turned into rows without holding anybody up.
#[derive(Debug)]
pub(crate) struct RedSnapshot {
    cells: Vec<(CellKey, Arc<Cell>)>,
}

impl<'a> RedDelta<'a> {
    /// Sums up a batch of the spans table.
    pub(crate) fn of(spans: &'a RecordBatch) -> Self {
        let text = |name| column(spans, name).as_string::<i32>();
        let (service, operation, kind) = (text("service"), text("name"), text("kind"));
        let version = text("service_version");
        let (is_entry, is_error) =
            (column(spans, "is_entry").as_boolean(), column(spans, "is_error").as_boolean());
        let end_time = column(spans, "end_time").as_primitive::<TimestampNanosecondType>();
        let duration_ns = column(spans, "duration_ns").as_primitive::<Int64Type>();
        let mut cells: HashMap<_, Cell> = HashMap::new();
        for row in 0..spans.num_rows() {
            let series = SeriesRef {
                service: service.value(row),
                operation: operation.value(row),
                kind: kind.value(row),
                is_entry: is_entry.value(row),
                service_version: if version.is_null(row) { "" } else { version.value(row) },
            };
            let cell = cells.entry((series, bucket_of(end_time.value(row)))).or_default();
            cell.record(duration_ns.value(row), is_error.value(row));
        }
        Self { cells }
    }
}

impl RedCells {
    /// Adds what a batch came to.
    pub(crate) fn merge(&mut self, delta: RedDelta<'_>) {
        for ((series, bucket), cell) in delta.cells {
            let series = self.admit(series, cell.n_spans);
            match self.cells.entry((series, bucket)) {
                Entry::Occupied(mut entry) => {
                    let own = Arc::make_mut(entry.get_mut());
                    let n_bytes_before = own.durations.n_bytes();
                    own.add(&cell);
                    self.n_bytes += own.durations.n_bytes() - n_bytes_before;
                }
                Entry::Vacant(entry) => {
                    self.n_bytes += CELL_OVERHEAD_BYTES + cell.durations.n_bytes();
                    entry.insert(Arc::new(cell));
                }
            }
        }
    }

    pub(crate) fn n_bytes(&self) -> u64 {
        self.n_bytes as u64
    }

    /// Spans counted under `other`.
    pub(crate) fn n_spans_overflow(&self) -> u64 {
        self.n_spans_overflow
    }

    pub(crate) fn snapshot(&self) -> RedSnapshot {
        let cells = self
            .cells
            .iter()
            .map(|((series, bucket), cell)| ((Arc::clone(series), *bucket), Arc::clone(cell)));
        RedSnapshot { cells: cells.collect() }
    }

    /// The series' own name, or the one it shares when there are too many.
    fn admit(&mut self, wanted: SeriesRef<'_>, n_spans: u64) -> Arc<Series> {
        let operation_given_up = SeriesRef { operation: OVERFLOW_NAME, service_version: "", ..wanted };
        let all_given_up = SeriesRef { service: OVERFLOW_NAME, ..operation_given_up };
        let offers =
            [(wanted, SERIES_MAX), (operation_given_up, SERIES_OVERFLOW_MAX), (all_given_up, usize::MAX)];
        for (offer, n_series_max) in offers {
            let series = offer.to_series();
            if let Some(known) = self.series.get(&series) {
                let known = Arc::clone(known);
                self.count_overflow(offer != wanted, n_spans);
                return known;
            }
            if self.series.len() < n_series_max {
                self.n_bytes += series.n_bytes();
                let series = Arc::new(series);
                self.series.insert(Arc::clone(&series));
                self.count_overflow(offer != wanted, n_spans);
                return series;
            }
        }
        unreachable!("the last offer has no bound")
    }

    fn count_overflow(&mut self, is_overflow: bool, n_spans: u64) {
        if is_overflow {
            self.n_spans_overflow += n_spans;
        }
    }
}

impl RedSnapshot {
    /// Rows of the red table, one per cell; none when there are none.
    pub(crate) fn to_batch(&self) -> Option<RecordBatch> {
        if self.cells.is_empty() {
            return None;
        }
        let mut rows = RowBuilder::default();
        for ((series, bucket), cell) in &self.cells {
            rows.push(series, *bucket, cell);
        }
        Some(rows.finish())
    }
}

impl SeriesRef<'_> {
    fn to_series(self) -> Series {
        Series {
            service: self.service.to_owned(),
            operation: self.operation.to_owned(),
            kind: self.kind.to_owned(),
            is_entry: self.is_entry,
            service_version: self.service_version.to_owned(),
        }
    }
}

impl Series {
    fn n_bytes(&self) -> usize {
        let texts = [&self.service, &self.operation, &self.kind, &self.service_version];
        size_of::<Self>() + texts.iter().map(|text| text.capacity()).sum::<usize>()
    }
}

impl Cell {
    fn record(&mut self, duration_ns: i64, is_error: bool) {
        self.n_spans += 1;
        self.n_errors += u64::from(is_error);
        self.sum_ns = self.sum_ns.saturating_add(duration_ns);
        self.durations.record(duration_ns);
    }

    fn add(&mut self, other: &Self) {
        self.n_spans += other.n_spans;
        self.n_errors += other.n_errors;
        self.sum_ns = self.sum_ns.saturating_add(other.sum_ns);
        self.durations.add(&other.durations);
    }
}

/// The start of the bucket that a moment lies in, also before 1970.
fn bucket_of(unix_nanos: i64) -> i64 {
    unix_nanos.div_euclid(BUCKET_NS).saturating_mul(BUCKET_NS)
}

/// Columns of the red table in the making.
#[derive(Default)]
struct RowBuilder {
    bucket: TimestampNanosecondBuilder,
    service: StringBuilder,
    operation: StringBuilder,
    kind: StringBuilder,
    is_entry: BooleanBuilder,
    service_version: StringBuilder,
    n_spans: UInt64Builder,
    n_errors: UInt64Builder,
    sum_ns: Int64Builder,
    duration_hdr: BinaryBuilder,
}

impl RowBuilder {
    fn push(&mut self, series: &Series, bucket: i64, cell: &Cell) {
        self.bucket.append_value(bucket);
        self.service.append_value(&series.service);
        self.operation.append_value(&series.operation);
        self.kind.append_value(&series.kind);
        self.is_entry.append_value(series.is_entry);
        self.service_version.append_value(&series.service_version);
        self.n_spans.append_value(cell.n_spans);
        self.n_errors.append_value(cell.n_errors);
        self.sum_ns.append_value(cell.sum_ns);
        self.duration_hdr.append_value(cell.durations.encode());
    }

    fn finish(mut self) -> RecordBatch {
        let bucket = self.bucket.finish().with_timezone(schema::TIME_ZONE);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(bucket),
            Arc::new(self.service.finish()),
            Arc::new(self.operation.finish()),
            Arc::new(self.kind.finish()),
            Arc::new(self.is_entry.finish()),
            Arc::new(self.service_version.finish()),
            Arc::new(self.n_spans.finish()),
            Arc::new(self.n_errors.finish()),
            Arc::new(self.sum_ns.finish()),
            Arc::new(self.duration_hdr.finish()),
        ];
        RecordBatch::try_new(schema::red(), columns).expect("the builders are those of the schema")
    }
}
