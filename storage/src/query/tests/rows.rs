//! Rows for tests, written as JSON objects that name only the columns that matter.

use crate::columns::Columns;
use crate::ids::Signal;
use crate::schema;
use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::json::ReaderBuilder;
use serde_json::{Map, Value, json};

/// The moment that the tests' times count from: a multiple of a day, so that it starts every step.
pub(super) const EPOCH: i64 = 1_764_028_800_000_000_000;

pub(super) fn millis(ms: i64) -> i64 {
    EPOCH + ms * 1_000_000
}

pub(super) fn trace_id(n: u8) -> [u8; 16] {
    let mut id = [0; 16];
    (id[0], id[15]) = (n.wrapping_mul(37), n);
    id
}

pub(super) fn span_id(n: u8) -> [u8; 8] {
    [0, 0, 0, 0, 0, 0, 1, n]
}

pub(crate) fn hex(id: &[u8]) -> String {
    let mut digits = String::new();
    crate::query::literals::push_hex(&mut digits, id);
    digits
}

/// One span; `more` overrides and adds columns.
#[expect(clippy::too_many_arguments, reason = "one call is one line of a test's table of spans")]
pub(super) fn span(
    trace: u8,
    id: u8,
    parent: Option<u8>,
    service: &str,
    name: &str,
    kind: &str,
    (start_ms, end_ms): (i64, i64),
    more: Value,
) -> Value {
    let is_call = kind == "client" || kind == "producer";
    let is_entry = kind == "server" || kind == "consumer" || (parent.is_none() && !is_call);
    let mut row = json!({
        "trace_id": hex(&trace_id(trace)),
        "span_id": hex(&span_id(id)),
        "parent_span_id": parent.map(|parent| hex(&span_id(parent))),
        "name": name,
        "kind": kind,
        "start_time": millis(start_ms),
        "end_time": millis(end_ms),
        "duration_ns": (end_ms - start_ms) * 1_000_000,
        "status_code": "unset",
        "is_entry": is_entry,
        "service": service,
        "received_at": millis(end_ms),
    });
    merge(&mut row, more);
    row
}

/// One log record.
pub(super) fn log(at_ms: i64, service: &str, severity: &str, body: &str, more: Value) -> Value {
    let number = match severity {
        "trace" => 1,
        "debug" => 5,
        "info" => 9,
        "warn" => 13,
        "error" => 17,
        "fatal" => 21,
        _ => 0,
    };
    let mut row = json!({
        "time": millis(at_ms),
        "severity": severity,
        "severity_number": number,
        "body": body,
        "service": service,
        "received_at": millis(at_ms),
    });
    merge(&mut row, more);
    row
}

/// One metric data point.
pub(super) fn point(
    series: u64,
    service: &str,
    name: &str,
    metric_type: &str,
    at_ms: i64,
    more: Value,
) -> Value {
    let mut row = json!({
        "series_id": series,
        "service": service,
        "name": name,
        "type": metric_type,
        "time": millis(at_ms),
        "received_at": millis(at_ms),
    });
    merge(&mut row, more);
    row
}

/// Rows of a signal's table; columns that a row leaves out are empty, zero or null.
pub(crate) fn columns(signal: Signal, rows: &[Value]) -> Columns {
    Columns::new(signal, batch(schema::of(signal), rows)).expect("the rows fit the schema")
}

fn batch(schema: SchemaRef, rows: &[Value]) -> RecordBatch {
    let full: Vec<Value> = rows.iter().map(|row| filled(&schema, row)).collect();
    let mut decoder =
        ReaderBuilder::new(SchemaRef::clone(&schema)).build_decoder().expect("JSON fits the schema");
    decoder.serialize(&full).expect("rows are JSON of the schema");
    decoder.flush().expect("rows become columns").unwrap_or_else(|| RecordBatch::new_empty(schema))
}

fn filled(schema: &SchemaRef, row: &Value) -> Value {
    let mut full = Map::new();
    for field in schema.fields() {
        let value = row.get(field.name()).cloned().unwrap_or(Value::Null);
        let value = if value.is_null() && !field.is_nullable() { empty(field.data_type()) } else { value };
        full.insert(field.name().clone(), deep(field.data_type(), value));
    }
    for name in row.as_object().expect("a row is an object").keys() {
        assert!(full.contains_key(name), "no column {name}");
    }
    Value::Object(full)
}

/// Fills what the items of lists leave out.
fn deep(data_type: &DataType, value: Value) -> Value {
    match (data_type, value) {
        (DataType::List(item), Value::Array(values)) => {
            values.into_iter().map(|value| deep(item.data_type(), value)).collect()
        }
        (DataType::Struct(fields), Value::Object(mut given)) => {
            for field in fields {
                let missing = given.get(field.name()).is_none_or(Value::is_null);
                if missing && !field.is_nullable() {
                    given.insert(field.name().clone(), empty(field.data_type()));
                }
            }
            Value::Object(given)
        }
        (_, value) => value,
    }
}

fn empty(data_type: &DataType) -> Value {
    match data_type {
        DataType::Utf8 => json!(""),
        DataType::Boolean => json!(false),
        DataType::Map(..) => json!({}),
        DataType::List(_) => json!([]),
        DataType::FixedSizeBinary(n) => json!("00".repeat(*n as usize)),
        _ => json!(0),
    }
}

fn merge(row: &mut Value, more: Value) {
    let (Value::Object(row), Value::Object(more)) = (row, more) else { panic!("rows are objects") };
    row.extend(more);
}
