//! Rows of table `logs` as a log request.

use super::Error;
use super::attributes::{any_value, attributes, id, long};
use super::cells::Cells;
use super::grouped::{Object, put};
use super::owners::{Owned, owner};
use serde_json::{Value, json};

pub(super) fn request(cells: Cells<'_>) -> Result<Value, Error> {
    let mut owned: Owned<Vec<Value>> = Owned::default();
    for row in 0..cells.n_rows() {
        let record = record(cells, row)?;
        owner(&mut owned, cells, row)?.push(record);
    }
    let scopes = owned.finish("scopeLogs", |scopes| scopes.finish("logRecords", Value::Array));
    Ok(json!({ "resourceLogs": scopes }))
}

fn record(cells: Cells<'_>, row: usize) -> Result<Value, Error> {
    let mut record = Object::new();
    let (time, source) = (cells.time("time", row)?, cells.text("time_source", row)?);
    let observed = cells.time("observed_time", row)?;
    match source {
        "event" => put(&mut record, "timeUnixNano", long(time)),
        // Otherwise it would be that of the next receipt.
        _ => put(&mut record, "observedTimeUnixNano", long(time)),
    }
    if let Some(observed) = observed {
        put(&mut record, "observedTimeUnixNano", long(Some(observed)));
    }
    put(&mut record, "severityNumber", json!(cells.int32("severity_number", row)?));
    put(&mut record, "severityText", json!(cells.text("severity_text", row)?));
    let letter = cells.text("body_type", row)?.chars().next().unwrap_or('s');
    if let Some(body) = any_value(letter, cells.text("body", row)?) {
        record.insert("body".to_owned(), body);
    }
    put(&mut record, "eventName", json!(cells.text("event_name", row)?));
    put(&mut record, "traceId", id(cells.bytes("trace_id", row)?));
    put(&mut record, "spanId", id(cells.bytes("span_id", row)?));
    put(&mut record, "flags", json!(cells.uint32("flags", row)?));
    put(&mut record, "attributes", attributes(cells, "attributes", row)?);
    put(&mut record, "droppedAttributesCount", json!(cells.uint32("dropped_attributes_count", row)?));
    Ok(Value::Object(record))
}
