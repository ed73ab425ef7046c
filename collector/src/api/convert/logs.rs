//! Log records, their histogram, and attributes.

use super::super::failure::Failure;
use super::super::rows::{Table, non_empty, non_null};
use super::plain::plain;
use crate::columns;
use crate::decode::text::hex;
use arrow::array::{Array, RecordBatch};
use std::time::Duration;
use storage::{LogHits, LogSearch, TimeRange};
use wire::{AttributeType, Severity, UnixNanos};

pub(in super::super) fn log_list(hits: LogHits, search: &LogSearch) -> Result<wire::LogList, Failure> {
    Ok(wire::LogList {
        from: UnixNanos(search.range.from),
        to: UnixNanos(search.range.to),
        rows: log_rows(&hits.rows)?,
        truncated: hits.truncated,
        n_matched: hits.n_matched,
        step_s: super::step_s(search.step),
        histogram: log_buckets(&hits.histogram, search.range, search.step),
        sql: hits.sql,
    })
}

/// An attribute map of a row, in the order in which it was sent.
pub(super) fn attributes(
    table: Table<'_>,
    map: &'static str,
    types: &'static str,
    row: usize,
) -> Result<Vec<wire::Attribute>, Failure> {
    let (map, types) = (table.map(map)?, table.text(types)?);
    let types = if types.is_valid(row) { types.value(row) } else { "" };
    let attribute = |(key, letter, value): (&str, char, &str)| wire::Attribute {
        key: key.to_owned(),
        value_type: attribute_type(letter),
        value: value.to_owned(),
    };
    Ok(columns::attributes::read(map, row, types).map(attribute).collect())
}

/// See `storage::schema::ATTRIBUTE_TYPES_DOC`.
fn attribute_type(letter: char) -> AttributeType {
    match letter {
        'i' => AttributeType::Int,
        'd' => AttributeType::Double,
        'b' => AttributeType::Bool,
        'x' => AttributeType::Bytes,
        'a' => AttributeType::Array,
        'm' => AttributeType::Map,
        'e' => AttributeType::Empty,
        _ => AttributeType::String,
    }
}

fn log_rows(batches: &[RecordBatch]) -> Result<Vec<wire::LogRow>, Failure> {
    let mut rows = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            rows.push(log_row(Table::Batch(batch), row)?);
        }
    }
    Ok(rows)
}

fn log_row(table: Table<'_>, row: usize) -> Result<wire::LogRow, Failure> {
    Ok(wire::LogRow {
        at: UnixNanos(table.time("time")?.value(row)),
        service: table.text("service")?.value(row).to_owned(),
        severity: severity(table.text("severity")?.value(row)),
        severity_text: non_empty(table.text("severity_text")?, row),
        severity_number: table.int32("severity_number")?.value(row),
        body: plain(table.text("body_type")?.value(row), table.text("body")?.value(row)).into_owned(),
        event_name: non_empty(table.text("event_name")?, row),
        trace_id: non_null(table.bytes("trace_id")?, row).map(hex),
        span_id: non_null(table.bytes("span_id")?, row).map(hex),
        attributes: attributes(table, "attributes", "attributes_types", row)?,
        resource: attributes(table, "resource", "resource_types", row)?,
    })
}

fn severity(name: &str) -> Severity {
    match name {
        "trace" => Severity::Trace,
        "debug" => Severity::Debug,
        "info" => Severity::Info,
        "warn" => Severity::Warn,
        "error" => Severity::Error,
        "fatal" => Severity::Fatal,
        _ => Severity::Unset,
    }
}

/// One bucket for every step of the range. `counts` are in order of time.
fn log_buckets(counts: &[(i64, String, u64)], range: TimeRange, step: Duration) -> Vec<wire::LogBucket> {
    super::steps(range, step).map(|at| log_bucket(counts, at)).collect()
}

fn log_bucket(counts: &[(i64, String, u64)], at: i64) -> wire::LogBucket {
    let first = counts.partition_point(|(start, ..)| *start < at);
    let here = counts[first..].iter().take_while(|(start, ..)| *start == at);
    let mut bucket = wire::LogBucket {
        at: UnixNanos(at),
        n_unset: 0,
        n_trace: 0,
        n_debug: 0,
        n_info: 0,
        n_warn: 0,
        n_error: 0,
        n_fatal: 0,
    };
    for (_, name, n) in here {
        let count = match severity(name) {
            Severity::Unset => &mut bucket.n_unset,
            Severity::Trace => &mut bucket.n_trace,
            Severity::Debug => &mut bucket.n_debug,
            Severity::Info => &mut bucket.n_info,
            Severity::Warn => &mut bucket.n_warn,
            Severity::Error => &mut bucket.n_error,
            Severity::Fatal => &mut bucket.n_fatal,
        };
        *count += n;
    }
    bucket
}
