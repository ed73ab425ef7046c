//! Cells of any Arrow type as JSON and as CSV.
//!
//! Nothing is rounded on the way: integers keep all digits, times their nanoseconds; what JSON has no
//! number for (NaN, infinities, decimals) becomes text.

use crate::api::failure::Failure;
use crate::decode::text::hex;
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, SchemaRef,
    TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow::error::ArrowError;
use arrow::util::display::array_value_to_string;
use serde_json::{Map, Value};

/// The columns of a batch, without dictionaries.
pub(in crate::api) struct Cells {
    columns: Vec<ArrayRef>,
}

impl Cells {
    pub(in crate::api) fn of(batch: &RecordBatch) -> Result<Self, Failure> {
        let columns = batch.columns().iter().map(plain).collect::<Result<_, _>>();
        let columns = columns.map_err(|error: ArrowError| {
            tracing::error!(%error, "cannot unpack a column");
            Failure::internal()
        })?;
        Ok(Self { columns })
    }

    pub(in crate::api) fn json(&self, column: usize, row: usize) -> Value {
        json(&self.columns[column], row)
    }

    /// Lines of the first `n_rows` rows.
    pub(super) fn csv(&self, n_rows: usize) -> String {
        let mut lines = String::new();
        for row in 0..n_rows {
            push_line(&mut lines, self.columns.iter().map(|column| csv_cell(&json(column, row))));
        }
        lines
    }
}

fn plain(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    match column.data_type() {
        DataType::Dictionary(_, values) => cast(column, values),
        DataType::RunEndEncoded(_, values) => cast(column, values.data_type()),
        _ => Ok(ArrayRef::clone(column)),
    }
}

fn json(array: &ArrayRef, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Null => Value::Null,
        DataType::Boolean => array.as_boolean().value(row).into(),
        DataType::Int8 => array.as_primitive::<Int8Type>().value(row).into(),
        DataType::Int16 => array.as_primitive::<Int16Type>().value(row).into(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).into(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).into(),
        DataType::UInt8 => array.as_primitive::<UInt8Type>().value(row).into(),
        DataType::UInt16 => array.as_primitive::<UInt16Type>().value(row).into(),
        DataType::UInt32 => array.as_primitive::<UInt32Type>().value(row).into(),
        DataType::UInt64 => array.as_primitive::<UInt64Type>().value(row).into(),
        DataType::Float16 => float(array.as_primitive::<Float16Type>().value(row).to_f64()),
        DataType::Float32 => float(f64::from(array.as_primitive::<Float32Type>().value(row))),
        DataType::Float64 => float(array.as_primitive::<Float64Type>().value(row)),
        DataType::Utf8 => array.as_string::<i32>().value(row).into(),
        DataType::LargeUtf8 => array.as_string::<i64>().value(row).into(),
        DataType::Utf8View => array.as_string_view().value(row).into(),
        DataType::Binary => hex(array.as_binary::<i32>().value(row)).into(),
        DataType::LargeBinary => hex(array.as_binary::<i64>().value(row)).into(),
        DataType::BinaryView => hex(array.as_binary_view().value(row)).into(),
        DataType::FixedSizeBinary(_) => hex(array.as_fixed_size_binary().value(row)).into(),
        DataType::Timestamp(unit, _) => timestamp(array, *unit, row),
        DataType::List(_) => items(&array.as_list::<i32>().value(row)),
        DataType::LargeList(_) => items(&array.as_list::<i64>().value(row)),
        DataType::FixedSizeList(..) => items(&array.as_fixed_size_list().value(row)),
        DataType::Map(..) => map(array, row),
        DataType::Struct(_) => structure(array, row),
        _ => shown(array, row),
    }
}

fn float(value: f64) -> Value {
    match serde_json::Number::from_f64(value) {
        Some(number) => Value::Number(number),
        None if value.is_nan() => "NaN".into(),
        None if value > 0.0 => "Infinity".into(),
        None => "-Infinity".into(),
    }
}

/// RFC 3339 in UTC with the digits that are there.
fn timestamp(array: &ArrayRef, unit: TimeUnit, row: usize) -> Value {
    let read = match unit {
        TimeUnit::Second => {
            jiff::Timestamp::from_second(array.as_primitive::<TimestampSecondType>().value(row))
        }
        TimeUnit::Millisecond => {
            jiff::Timestamp::from_millisecond(array.as_primitive::<TimestampMillisecondType>().value(row))
        }
        TimeUnit::Microsecond => {
            jiff::Timestamp::from_microsecond(array.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        TimeUnit::Nanosecond => {
            let nanos = array.as_primitive::<TimestampNanosecondType>().value(row);
            jiff::Timestamp::from_nanosecond(i128::from(nanos))
        }
    };
    // Beyond the year 9999 there is no RFC 3339.
    read.map_or_else(|_| shown(array, row), |timestamp| timestamp.to_string().into())
}

fn items(items: &ArrayRef) -> Value {
    let Ok(items) = plain(items) else { return Value::Null };
    (0..items.len()).map(|item| json(&items, item)).collect()
}

/// Keys of attribute maps are unique; of other maps the first entry counts.
fn map(array: &ArrayRef, row: usize) -> Value {
    let entries = array.as_map().value(row);
    let (keys, values) = (entries.column(0), entries.column(1));
    let mut members = Map::new();
    for entry in 0..entries.len() {
        members.entry(text(&json(keys, entry))).or_insert_with(|| json(values, entry));
    }
    Value::Object(members)
}

fn structure(array: &ArrayRef, row: usize) -> Value {
    let array = array.as_struct();
    let names = array.fields().iter().map(|field| field.name().clone());
    names.zip(array.columns().iter().map(|column| json(column, row))).collect()
}

/// Dates, durations, decimals and the like as Arrow writes them.
fn shown(array: &ArrayRef, row: usize) -> Value {
    array_value_to_string(array, row).map_or(Value::Null, Value::String)
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The line of column names.
pub(super) fn csv_header(schema: &SchemaRef) -> String {
    let mut line = String::new();
    push_line(&mut line, schema.fields().iter().map(|field| csv_text(field.name())));
    line
}

fn push_line(lines: &mut String, cells: impl Iterator<Item = String>) {
    for (i, cell) in cells.enumerate() {
        if i > 0 {
            lines.push(',');
        }
        lines.push_str(&cell);
    }
    lines.push_str("\r\n");
}

/// Null is an empty cell, an empty text is a quoted one.
fn csv_cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        other => csv_text(&text(other)),
    }
}

/// RFC 4180. Text that a spreadsheet would run as a formula gets an apostrophe in front: telemetry is
/// hostile, and these files are opened by a double click. Numbers are never touched, not even those that come as
/// text: decimals, infinities, attributes.
fn csv_text(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err();
    let guarded = if is_formula { format!("'{text}") } else { text.to_owned() };
    let is_plain =
        !guarded.is_empty() && !guarded.contains([',', '"', '\n', '\r']) && guarded.trim() == guarded;
    if is_plain { guarded } else { format!("\"{}\"", guarded.replace('"', "\"\"")) }
}

#[cfg(test)]
mod tests;
