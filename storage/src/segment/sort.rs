//! The order of rows inside a segment.
//!
//! Rows that are read together, or that resemble each other, stand together: the spans of a trace,
//! the logs of a service by time, the points of a series by time.

use crate::columns::column;
use crate::ids::Table;
use arrow::array::{AsArray, RecordBatch, StringArray};
use arrow::datatypes::{TimestampNanosecondType, UInt64Type};
use std::collections::HashMap;

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

/// Every row's place, in the order of the table's segments.
pub(super) fn sorted_places(table: Table, batches: &[RecordBatch]) -> Vec<Place> {
    let mut keys = Vec::with_capacity(batches.iter().map(RecordBatch::num_rows).sum());
    let majors = majors(table, batches);
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
        Table::Red => "bucket",
    }
}

/// The columns that rows are sorted by, most important first.
pub(super) fn key_columns(table: Table) -> &'static [&'static str] {
    match table {
        Table::Spans => &["trace_id", "start_time"],
        Table::Logs => &["service", "time"],
        Table::MetricPoints => &["name", "series_id", "time"],
        Table::Red => &["service", "operation", "bucket"],
    }
}

/// Per batch and row, what keeps rows together.
fn majors(table: Table, batches: &[RecordBatch]) -> Vec<Vec<u128>> {
    match table {
        Table::Spans => batches.iter().map(trace_ids).collect(),
        Table::Logs => ranks(batches, "service"),
        Table::MetricPoints => with_minor(ranks(batches, "name"), batches.iter().map(series_ids)),
        Table::Red => with_minor(ranks(batches, "service"), ranks(batches, "operation")),
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
