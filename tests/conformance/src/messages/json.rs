//! Requests in OTLP/JSON, written by hand: what is wrong in them is wrong on purpose.

use super::{hex, span_id, trace_id};
use crate::clock::now;
use crate::wire::Signal;
use serde_json::{Value, json};

pub(crate) fn resource(service: &str) -> Value {
    json!({ "attributes": [{ "key": "service.name", "value": { "stringValue": service } }] })
}

/// A span that nothing is wrong with.
pub(crate) fn span(name: &str) -> Value {
    span_of(&hex(&trace_id()), &hex(&span_id()), name)
}

/// A span with ids as they are given.
pub(crate) fn span_of(trace_id: &str, span_id: &str, name: &str) -> Value {
    let end = now();
    json!({
        "traceId": trace_id,
        "spanId": span_id,
        "name": name,
        "kind": 2,
        "startTimeUnixNano": end.saturating_sub(10_000_000).to_string(),
        "endTimeUnixNano": end.to_string(),
    })
}

pub(crate) fn log(body: &str) -> Value {
    json!({
        "timeUnixNano": now().to_string(),
        "observedTimeUnixNano": now().to_string(),
        "severityNumber": 9,
        "body": { "stringValue": body },
    })
}

/// A gauge with one point.
pub(crate) fn gauge(name: &str, value: Value) -> Value {
    let point = json!({ "timeUnixNano": now().to_string(), "asInt": value });
    json!({ "name": name, "unit": "1", "gauge": { "dataPoints": [point] } })
}

pub(crate) fn traces(service: &str, spans: Vec<Value>) -> Value {
    json!({ "resourceSpans": [{ "resource": resource(service), "scopeSpans": [{ "spans": spans }] }] })
}

pub(crate) fn logs(service: &str, records: Vec<Value>) -> Value {
    json!({ "resourceLogs": [{ "resource": resource(service), "scopeLogs": [{ "logRecords": records }] }] })
}

pub(crate) fn metrics(service: &str, metrics: Vec<Value>) -> Value {
    json!({ "resourceMetrics": [{ "resource": resource(service), "scopeMetrics": [{ "metrics": metrics }] }] })
}

/// One good item of a signal.
pub(crate) fn sample(signal: Signal, service: &str) -> Value {
    match signal {
        Signal::Traces => traces(service, vec![span("sample")]),
        Signal::Logs => logs(service, vec![log("sample")]),
        Signal::Metrics => metrics(service, vec![gauge("conformance.sample", json!("1"))]),
    }
}
