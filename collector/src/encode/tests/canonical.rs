//! Requests beside what comes back of them, member by member: nothing of a valid item is lost, but for what
//! the head of `encode` names.

use super::{encode, generated, rows};
use crate::decode::Encoding;
use crate::decode::validity::{is_span_id, is_stale, is_trace_id};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogramDataPoint, HistogramDataPoint, SummaryDataPoint,
};
use proptest::prelude::*;
use prost::Message;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use storage::Signal;

/// The items of a request and of what comes back of it, each below its owners.
fn check(signal: Signal, request: &impl Message, sent: &Value) {
    let batch = rows(signal, Encoding::Protobuf, request.encode_to_vec());
    let back = encode(signal, &batch).expect("encodes");
    let (sent, back) = (items(signal, sent), items(signal, &back));
    for (sent, back) in sent.iter().zip(&back) {
        assert_eq!(sent, back);
    }
    assert_eq!(sent.len(), back.len());
}

/// Every item with its resource and scope, and a point with its metric, as text, sorted.
fn items(signal: Signal, request: &Value) -> Vec<String> {
    let (resources, scopes, of_scope) = match signal {
        Signal::Traces => ("resourceSpans", "scopeSpans", "spans"),
        Signal::Logs => ("resourceLogs", "scopeLogs", "logRecords"),
        Signal::Metrics => ("resourceMetrics", "scopeMetrics", "metrics"),
    };
    let mut all = Vec::new();
    for (_, resource) in apart(request, resources) {
        for (resource, scope) in apart(&resource, scopes) {
            for (scope, item) in apart(&scope, of_scope) {
                let owners = json!([plain(&resource), plain(&scope)]);
                match signal {
                    Signal::Metrics => {
                        all.extend(points(&item).into_iter().map(|point| json!([owners, point])));
                    }
                    Signal::Traces | Signal::Logs => all.push(json!([owners, plain(&item)])),
                }
            }
        }
    }
    let mut all: Vec<String> = all.iter().map(Value::to_string).collect();
    all.sort();
    all
}

/// Each item of a list, with what else its owner says.
fn apart(owner: &Value, list: &str) -> Vec<(Value, Value)> {
    let mut head = owner.clone();
    let items = head.as_object_mut().and_then(|head| head.remove(list)).unwrap_or_default();
    let items = items.as_array().cloned().unwrap_or_default();
    items.into_iter().map(|item| (head.clone(), item)).collect()
}

fn points(metric: &Value) -> Vec<Value> {
    let names = ["gauge", "sum", "histogram", "exponentialHistogram", "summary"];
    let Some(name) = names.into_iter().find(|name| metric[*name].is_object()) else { return Vec::new() };
    let mut head = metric.clone();
    let data = head.as_object_mut().and_then(|head| head.remove(name)).unwrap_or_default();
    let points = apart(&data, "dataPoints").into_iter();
    points.map(|(data, point)| json!([plain(&head), name, plain(&data), plain(&point)])).collect()
}

/// Members whose presence says something, also where the value is the type's default.
const CHOSEN: [&str; 13] = [
    "stringValue",
    "boolValue",
    "intValue",
    "doubleValue",
    "bytesValue",
    "arrayValue",
    "kvlistValue",
    "asInt",
    "asDouble",
    "min",
    "max",
    "positive",
    "negative",
];

/// Without what says nothing, with members sorted and numbers in one form; of repeated keys the first.
fn plain(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| (name, deduplicated(name, plain(value))));
            let members: BTreeMap<&String, Value> =
                members.filter(|(name, value)| !says_nothing(name, value)).collect();
            Value::Object(
                members.into_iter().map(|(name, value)| (name.clone(), value)).collect::<Map<_, _>>(),
            )
        }
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Number(number) => json!(number.as_f64()),
        other => other.clone(),
    }
}

fn says_nothing(name: &str, value: &Value) -> bool {
    if value.is_null() || CHOSEN.contains(&name) {
        return value.is_null();
    }
    let is_long = name.ends_with("UnixNano") || name == "count" || name == "zeroCount";
    match value {
        Value::Bool(flag) => !flag,
        // Not so of -0, which has a sign.
        Value::Number(number) => number.as_f64().is_some_and(|number| number.to_bits() == 0),
        Value::String(text) => text.is_empty() || (is_long && text == "0"),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Null => true,
    }
}

fn deduplicated(name: &str, value: Value) -> Value {
    match value {
        Value::Array(mut items) if ["attributes", "metadata", "filteredAttributes"].contains(&name) => {
            let mut seen = BTreeSet::new();
            items.retain(|item| seen.insert(item["key"].to_string()));
            Value::Array(items)
        }
        other => other,
    }
}

/// What the head of `encode` says of ids and exemplars.
fn normal_spans(mut request: ExportTraceServiceRequest) -> ExportTraceServiceRequest {
    let scopes = request.resource_spans.iter_mut().flat_map(|resource| &mut resource.scope_spans);
    for span in scopes.flat_map(|scope| &mut scope.spans) {
        blank(&mut span.parent_span_id, is_span_id, 0);
        for link in &mut span.links {
            blank(&mut link.trace_id, is_trace_id, 16);
            blank(&mut link.span_id, is_span_id, 8);
        }
    }
    request
}

fn normal_logs(mut request: ExportLogsServiceRequest) -> ExportLogsServiceRequest {
    let scopes = request.resource_logs.iter_mut().flat_map(|resource| &mut resource.scope_logs);
    for log in scopes.flat_map(|scope| &mut scope.log_records) {
        blank(&mut log.trace_id, is_trace_id, 0);
        blank(&mut log.span_id, is_span_id, 0);
    }
    request
}

fn normal_metrics(mut request: ExportMetricsServiceRequest) -> ExportMetricsServiceRequest {
    let scopes = request.resource_metrics.iter_mut().flat_map(|resource| &mut resource.scope_metrics);
    for metric in scopes.flat_map(|scope| &mut scope.metrics) {
        match &mut metric.data {
            None => {}
            Some(Data::Gauge(gauge)) => gauge.data_points.iter_mut().for_each(|point| {
                point.value = point.value.filter(|_| !is_stale(point.flags));
                normal_exemplars(&mut point.exemplars);
            }),
            Some(Data::Sum(sum)) => sum.data_points.iter_mut().for_each(|point| {
                point.value = point.value.filter(|_| !is_stale(point.flags));
                normal_exemplars(&mut point.exemplars);
            }),
            Some(Data::Histogram(histogram)) => histogram.data_points.iter_mut().for_each(normal_explicit),
            Some(Data::ExponentialHistogram(histogram)) => {
                histogram.data_points.iter_mut().for_each(normal_exponential);
            }
            Some(Data::Summary(summary)) => summary.data_points.iter_mut().for_each(normal_summary),
        }
    }
    request
}

fn normal_explicit(point: &mut HistogramDataPoint) {
    normal_exemplars(&mut point.exemplars);
    if is_stale(point.flags) {
        *point = HistogramDataPoint {
            attributes: std::mem::take(&mut point.attributes),
            start_time_unix_nano: point.start_time_unix_nano,
            time_unix_nano: point.time_unix_nano,
            exemplars: std::mem::take(&mut point.exemplars),
            flags: point.flags,
            ..HistogramDataPoint::default()
        };
    }
}

fn normal_exponential(point: &mut ExponentialHistogramDataPoint) {
    normal_exemplars(&mut point.exemplars);
    if is_stale(point.flags) {
        *point = ExponentialHistogramDataPoint {
            attributes: std::mem::take(&mut point.attributes),
            start_time_unix_nano: point.start_time_unix_nano,
            time_unix_nano: point.time_unix_nano,
            exemplars: std::mem::take(&mut point.exemplars),
            flags: point.flags,
            ..ExponentialHistogramDataPoint::default()
        };
    }
}

fn normal_summary(point: &mut SummaryDataPoint) {
    if is_stale(point.flags) {
        (point.count, point.sum) = (0, 0.0);
        point.quantile_values.clear();
    }
}

fn normal_exemplars(exemplars: &mut Vec<Exemplar>) {
    exemplars.retain(|exemplar| exemplar.value.is_some());
    for exemplar in exemplars {
        blank(&mut exemplar.trace_id, is_trace_id, 0);
        blank(&mut exemplar.span_id, is_span_id, 0);
    }
}

/// Makes an id that is none so many zeros.
fn blank(id: &mut Vec<u8>, is_valid: fn(&[u8]) -> bool, n_bytes: usize) {
    if !is_valid(id) {
        *id = vec![0; n_bytes];
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Scenario: generated trace requests, with every field of resources, scopes, spans, events and links.
    /// Guarantees: what is exported has all that was sent.
    #[test]
    fn every_field_of_spans_comes_back(request in generated::valid_traces()) {
        let sent = generated::json::traces(&normal_spans(request.clone()));
        check(Signal::Traces, &request, &sent);
    }

    /// Scenario and guarantees: as above, for log records.
    #[test]
    fn every_field_of_logs_comes_back(request in generated::logs::valid_requests()) {
        let sent = generated::json::logs(&normal_logs(request.clone()));
        check(Signal::Logs, &request, &sent);
    }

    /// Scenario and guarantees: as above, for metrics of the five types, their points and exemplars.
    #[test]
    fn every_field_of_metrics_comes_back(request in generated::metrics::valid_requests()) {
        let sent = generated::json::metrics(&normal_metrics(request.clone()));
        check(Signal::Metrics, &request, &sent);
    }
}

/// Scenario: a span of a kind and a status that nobody knows yet, and rows of an older program without the
/// column of entity references.
/// Guarantees: the numbers come back; the rows are taken as rows without any.
#[test]
fn what_has_no_name_and_what_is_not_there() {
    let body = br#"{"resourceSpans":[{"resource":{"entityRefs":[{"type":"host"}]},"scopeSpans":[{"spans":[
        {"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","kind":6,"status":{"code":-3}}]}]}]}"#;
    let mut batch = rows(Signal::Traces, Encoding::Json, body.to_vec());
    let back = encode(Signal::Traces, &batch).expect("encodes");
    let span = &back["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    assert_eq!((&span["kind"], &span["status"]["code"]), (&json!(6), &json!(-3)));
    assert_eq!(back["resourceSpans"][0]["resource"]["entityRefs"], json!([{ "type": "host" }]));
    let column = batch.schema().index_of("resource_entity_refs").expect("there");
    batch.remove_column(column);
    let back = encode(Signal::Traces, &batch).expect("encodes");
    assert_eq!(back["resourceSpans"][0].get("resource"), None);
}
