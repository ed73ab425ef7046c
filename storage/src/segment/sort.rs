//! The order of rows inside a segment.
//!
//! Rows that are read together, or that resemble each other, stand together: the spans of a trace,
//! the logs of a service by time, the points of a series by time. Cells of a read model are in the order of their whole
//! keys, so that those of one key are neighbours: a merge makes one of them.

use crate::columns::column;
use crate::ids::{Signal, Table};
use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{TimestampNanosecondType, UInt64Type};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, Rows, SortField};
use std::collections::HashMap;
use std::sync::Arc;

/// Where a row is: batch and row within.
pub(super) type Place = (usize, usize);

/// Compared as a whole; batch and row come last, so that equal rows keep the order they came in.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    major: u128,
    time: i64,
    batch_idx: u32,
    row_idx: u32,
}

/// Makes keys of different batches that compare as their rows do.
pub(super) struct KeyMaker {
    pub(super) table: Table,
    converter: RowConverter,
}

impl KeyMaker {
    pub(super) fn new(table: Table) -> Result<Self, ArrowError> {
        let empty = RecordBatch::new_empty(table.schema());
        let fields = key_columns(table).iter().map(|name| column(&empty, name).data_type().clone());
        let converter = RowConverter::new(fields.map(SortField::new).collect())?;
        Ok(Self { table, converter })
    }

    pub(super) fn of(&self, batch: &RecordBatch) -> Result<Rows, ArrowError> {
        let columns = key_columns(self.table).iter().map(|name| Arc::clone(column(batch, name)));
        self.converter.convert_columns(&columns.collect::<Vec<ArrayRef>>())
    }
}

/// Every row's place, in the order of the table's segments.
pub(super) fn sorted_places(table: Table, batches: &[RecordBatch]) -> Result<Vec<Place>, ArrowError> {
    match table.signal() {
        Some(signal) => Ok(sorted_items(signal, batches)),
        None => sorted_cells(table, batches),
    }
}

fn sorted_cells(table: Table, batches: &[RecordBatch]) -> Result<Vec<Place>, ArrowError> {
    let maker = KeyMaker::new(table)?;
    let keys = batches.iter().map(|batch| maker.of(batch)).collect::<Result<Vec<Rows>, _>>()?;
    let mut places: Vec<Place> = Vec::new();
    for (batch_idx, keys) in keys.iter().enumerate() {
        places.extend((0..keys.num_rows()).map(|row_idx| (batch_idx, row_idx)));
    }
    places.sort_unstable_by(|one, other| {
        let (key, other_key) = (keys[one.0].row(one.1), keys[other.0].row(other.1));
        key.cmp(&other_key).then_with(|| one.cmp(other))
    });
    Ok(places)
}

fn sorted_items(signal: Signal, batches: &[RecordBatch]) -> Vec<Place> {
    let table = Table::from(signal);
    let mut keys = Vec::with_capacity(batches.iter().map(RecordBatch::num_rows).sum());
    let majors = majors(signal, batches);
    for ((batch_idx, batch), majors) in batches.iter().enumerate().zip(majors) {
        let times = column(batch, time_column(table)).as_primitive::<TimestampNanosecondType>();
        let rows = majors.into_iter().zip(times.values()).enumerate();
        keys.extend(rows.map(|(row_idx, (major, &time))| Key {
            major,
            time,
            batch_idx: batch_idx as u32,
            row_idx: row_idx as u32,
        }));
    }
    keys.sort_unstable();
    keys.into_iter().map(|key| (key.batch_idx as usize, key.row_idx as usize)).collect()
}

/// The column whose order counts after what keeps rows together, and which bounds a segment in time.
pub(crate) fn time_column(table: Table) -> &'static str {
    match table {
        Table::Spans => "start_time",
        Table::Logs | Table::MetricPoints => "time",
        Table::Red(_) | Table::ServiceRed(_) | Table::EdgeRed(_) | Table::ServiceSeen => "bucket",
    }
}

/// The columns that rows are sorted by, most important first. Of a read model these are all that tell cells apart; what
/// the others hold is counted.
pub(crate) fn key_columns(table: Table) -> &'static [&'static str] {
    match table {
        Table::Spans => &["trace_id", "start_time"],
        Table::Logs => &["service", "time"],
        Table::MetricPoints => &["name", "series_id", "time"],
        Table::Red(_) => &[
            "service",
            "operation",
            "kind",
            "is_entry",
            "status_class",
            "service_version",
            "environment",
            "instance",
            "bucket",
        ],
        Table::ServiceRed(_) => &["service", "service_version", "environment", "bucket"],
        Table::EdgeRed(_) => &[
            "caller",
            "callee",
            "callee_kind",
            "callee_detail",
            "address",
            "direction",
            "error_type",
            "bucket",
        ],
        Table::ServiceSeen => &[
            "service",
            "service_namespace",
            "environment",
            "service_version",
            "instance",
            "language",
            "sdk_name",
            "sdk_version",
            "signal",
            "bucket",
        ],
    }
}

/// Per batch and row, what keeps rows together.
fn majors(signal: Signal, batches: &[RecordBatch]) -> Vec<Vec<u128>> {
    match signal {
        Signal::Traces => batches.iter().map(trace_ids).collect(),
        Signal::Logs => ranks(batches, "service"),
        Signal::Metrics => with_minor(ranks(batches, "name"), batches.iter().map(series_ids)),
    }
}

fn trace_ids(batch: &RecordBatch) -> Vec<u128> {
    let ids = column(batch, "trace_id").as_fixed_size_binary();
    ids.iter().map(|id| id.and_then(|id| id.try_into().ok()).map_or(0, u128::from_be_bytes)).collect()
}

fn series_ids(batch: &RecordBatch) -> Vec<u128> {
    let ids = column(batch, "series_id").as_primitive::<UInt64Type>();
    ids.values().iter().map(|&id| u128::from(id)).collect()
}

fn with_minor(majors: Vec<Vec<u128>>, minors: impl IntoIterator<Item = Vec<u128>>) -> Vec<Vec<u128>> {
    let pair = |(majors, minors): (Vec<u128>, Vec<u128>)| {
        majors.into_iter().zip(minors).map(|(major, minor)| major << 64 | minor).collect()
    };
    majors.into_iter().zip(minors).map(pair).collect()
}

/// Replaces text by its rank among all texts of the column: numbers compare faster.
fn ranks(batches: &[RecordBatch], name: &str) -> Vec<Vec<u128>> {
    let columns: Vec<&StringArray> = batches.iter().map(|batch| column(batch, name).as_string()).collect();
    let mut rank_of: HashMap<&str, u128> = HashMap::new();
    for text in columns.iter().flat_map(|column| column.iter()) {
        rank_of.insert(text.unwrap_or_default(), 0);
    }
    let mut texts: Vec<&str> = rank_of.keys().copied().collect();
    texts.sort_unstable();
    rank_of.extend(texts.into_iter().zip(0..));
    let rank = |text: Option<&str>| rank_of[text.unwrap_or_default()];
    columns.iter().map(|column| column.iter().map(rank).collect()).collect()
}
