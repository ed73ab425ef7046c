//! Rows of table `spans` as a trace request.

use super::Error;
use super::attributes::{attributes, id, long};
use super::cells::Cells;
use super::grouped::{Object, put};
use super::owners::{Owned, owner};
use serde_json::{Value, json};

pub(super) fn request(cells: Cells<'_>) -> Result<Value, Error> {
    let mut owned: Owned<Vec<Value>> = Owned::default();
    for row in 0..cells.n_rows() {
        let span = span(cells, row)?;
        owner(&mut owned, cells, row)?.push(span);
    }
    let scopes = owned.finish("scopeSpans", |scopes| scopes.finish("spans", Value::Array));
    Ok(json!({ "resourceSpans": scopes }))
}

fn span(cells: Cells<'_>, row: usize) -> Result<Value, Error> {
    let mut span = Object::new();
    put(&mut span, "traceId", id(cells.bytes("trace_id", row)?));
    put(&mut span, "spanId", id(cells.bytes("span_id", row)?));
    put(&mut span, "parentSpanId", id(cells.bytes("parent_span_id", row)?));
    put(&mut span, "traceState", json!(cells.text("trace_state", row)?));
    put(&mut span, "flags", json!(cells.uint32("flags", row)?));
    put(&mut span, "name", json!(cells.text("name", row)?));
    put(&mut span, "kind", json!(kind(cells.text("kind", row)?)));
    put(&mut span, "startTimeUnixNano", long(cells.time("start_time", row)?));
    put(&mut span, "endTimeUnixNano", long(cells.time("end_time", row)?));
    put(&mut span, "attributes", attributes(cells, "attributes", row)?);
    put(&mut span, "droppedAttributesCount", json!(cells.uint32("dropped_attributes_count", row)?));
    let (events, range) = cells.items("events", row)?;
    put(&mut span, "events", range.map(|row| event(events, row)).collect::<Result<_, _>>()?);
    put(&mut span, "droppedEventsCount", json!(cells.uint32("dropped_events_count", row)?));
    let (links, range) = cells.items("links", row)?;
    put(&mut span, "links", range.map(|row| link(links, row)).collect::<Result<_, _>>()?);
    put(&mut span, "droppedLinksCount", json!(cells.uint32("dropped_links_count", row)?));
    put(&mut span, "status", status(cells, row)?);
    Ok(Value::Object(span))
}

fn event(events: Cells<'_>, row: usize) -> Result<Value, Error> {
    let mut event = Object::new();
    put(&mut event, "timeUnixNano", long(events.time("time", row)?));
    put(&mut event, "name", json!(events.text("name", row)?));
    put(&mut event, "attributes", attributes(events, "attributes", row)?);
    put(&mut event, "droppedAttributesCount", json!(events.uint32("dropped_attributes_count", row)?));
    Ok(Value::Object(event))
}

fn link(links: Cells<'_>, row: usize) -> Result<Value, Error> {
    let mut link = Object::new();
    put(&mut link, "traceId", id(links.bytes("trace_id", row)?));
    put(&mut link, "spanId", id(links.bytes("span_id", row)?));
    put(&mut link, "traceState", json!(links.text("trace_state", row)?));
    put(&mut link, "flags", json!(links.uint32("flags", row)?));
    put(&mut link, "attributes", attributes(links, "attributes", row)?);
    put(&mut link, "droppedAttributesCount", json!(links.uint32("dropped_attributes_count", row)?));
    Ok(Value::Object(link))
}

fn status(cells: Cells<'_>, row: usize) -> Result<Value, Error> {
    let mut status = Object::new();
    put(&mut status, "message", json!(cells.text("status_message", row)?));
    let code = match cells.text("status_code", row)? {
        "unset" => 0,
        "ok" => 1,
        "error" => 2,
        other => number(other),
    };
    put(&mut status, "code", json!(code));
    Ok(Value::Object(status))
}

fn kind(name: &str) -> i32 {
    match name {
        "unspecified" => 0,
        "internal" => 1,
        "server" => 2,
        "client" => 3,
        "producer" => 4,
        "consumer" => 5,
        other => number(other),
    }
}

/// One that had no name when it was stored.
fn number(text: &str) -> i32 {
    text.parse().unwrap_or(0)
}
