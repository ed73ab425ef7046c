//! Bodies of OTLP/HTTP in protobuf: items of one resource together, about a thousand in a body.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;
use serde_json::Value;
use std::collections::HashMap;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    Traces,
    Logs,
    Metrics,
}

impl Signal {
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Traces => "/v1/traces",
            Self::Logs => "/v1/logs",
            Self::Metrics => "/v1/metrics",
        }
    }
}

/// One request.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) signal: Signal,
    pub(crate) n_items: u64,
    pub(crate) bytes: Vec<u8>,
}

/// What a request has many of.
pub(crate) trait Item: Sized {
    fn body(owned: Vec<(Resource, Vec<Self>)>, n_items: u64) -> Body;
}

impl Item for Span {
    fn body(owned: Vec<(Resource, Vec<Self>)>, n_items: u64) -> Body {
        let resource_spans = owned.into_iter().map(|(resource, spans)| ResourceSpans {
            resource: Some(resource),
            scope_spans: vec![ScopeSpans { spans, ..ScopeSpans::default() }],
            ..ResourceSpans::default()
        });
        let request = ExportTraceServiceRequest { resource_spans: resource_spans.collect() };
        Body { signal: Signal::Traces, n_items, bytes: request.encode_to_vec() }
    }
}

impl Item for LogRecord {
    fn body(owned: Vec<(Resource, Vec<Self>)>, n_items: u64) -> Body {
        let resource_logs = owned.into_iter().map(|(resource, log_records)| ResourceLogs {
            resource: Some(resource),
            scope_logs: vec![ScopeLogs { log_records, ..ScopeLogs::default() }],
            ..ResourceLogs::default()
        });
        let request = ExportLogsServiceRequest { resource_logs: resource_logs.collect() };
        Body { signal: Signal::Logs, n_items, bytes: request.encode_to_vec() }
    }
}

impl Item for Metric {
    fn body(owned: Vec<(Resource, Vec<Self>)>, n_items: u64) -> Body {
        let resource_metrics = owned.into_iter().map(|(resource, metrics)| ResourceMetrics {
            resource: Some(resource),
            scope_metrics: vec![ScopeMetrics { metrics, ..ScopeMetrics::default() }],
            ..ResourceMetrics::default()
        });
        let request = ExportMetricsServiceRequest { resource_metrics: resource_metrics.collect() };
        Body { signal: Signal::Metrics, n_items, bytes: request.encode_to_vec() }
    }
}

/// Items that wait for their request, by their resource.
#[derive(Debug)]
pub(crate) struct Pending<T> {
    places: HashMap<String, usize>,
    owned: Vec<(Resource, Vec<T>)>,
    n_items: usize,
}

impl<T: Item> Pending<T> {
    pub(crate) fn new() -> Self {
        Self { places: HashMap::new(), owned: Vec::new(), n_items: 0 }
    }

    pub(crate) fn n_items(&self) -> usize {
        self.n_items
    }

    /// Equal keys are of one resource, which is made once for each request.
    pub(crate) fn push(&mut self, key: &str, resource: impl FnOnce() -> Vec<KeyValue>, item: T) {
        let place = match self.places.get(key) {
            Some(place) => *place,
            None => {
                self.places.insert(key.to_owned(), self.owned.len());
                self.owned.push((Resource { attributes: resource(), ..Resource::default() }, Vec::new()));
                self.owned.len() - 1
            }
        };
        self.owned[place].1.push(item);
        self.n_items += 1;
    }

    /// The request of all that waits, if anything does.
    pub(crate) fn take(&mut self) -> Option<Body> {
        let taken = std::mem::replace(self, Self::new());
        (taken.n_items > 0).then(|| T::body(taken.owned, taken.n_items as u64))
    }
}

/// A number at a moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Point {
    pub(crate) at: i64,
    pub(crate) value: f64,
}

pub(crate) fn gauge(name: &str, unit: &str, point: Point, attributes: Vec<KeyValue>) -> Metric {
    let data_points = vec![number(point, attributes)];
    metric(name, unit, Data::Gauge(Gauge { data_points }))
}

/// A count of events: those since `since` that the point is of, alone (`Delta`) or with all before (`Cumulative`).
pub(crate) fn count(
    name: &str,
    unit: &str,
    since: i64,
    point: Point,
    attributes: Vec<KeyValue>,
    temporality: AggregationTemporality,
) -> Metric {
    let data_point = NumberDataPoint { start_time_unix_nano: unsigned(since), ..number(point, attributes) };
    let sum = Sum {
        data_points: vec![data_point],
        aggregation_temporality: temporality.into(),
        is_monotonic: true,
    };
    metric(name, unit, Data::Sum(sum))
}

fn metric(name: &str, unit: &str, data: Data) -> Metric {
    Metric { name: name.to_owned(), unit: unit.to_owned(), data: Some(data), ..Metric::default() }
}

fn number(point: Point, attributes: Vec<KeyValue>) -> NumberDataPoint {
    NumberDataPoint {
        attributes,
        time_unix_nano: unsigned(point.at),
        value: Some(Number::AsDouble(point.value)),
        ..NumberDataPoint::default()
    }
}

/// Times before 1970 are 1970.
pub(crate) fn unsigned(unix_nanos: i64) -> u64 {
    u64::try_from(unix_nanos).unwrap_or(0)
}

pub(crate) fn attribute(key: &str, value: &str) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(text(value)), ..KeyValue::default() }
}

pub(crate) fn text(value: &str) -> AnyValue {
    AnyValue { value: Some(Any::StringValue(value.to_owned())) }
}

/// Attributes that are written as a JSON object; none where there is no object.
pub(crate) fn attributes(object: &str) -> Vec<KeyValue> {
    match serde_json::from_str(object) {
        Ok(Value::Object(members)) => members.into_iter().map(key_value).collect(),
        _ => Vec::new(),
    }
}

fn key_value((key, value): (String, Value)) -> KeyValue {
    KeyValue { key, value: Some(any(value)), ..KeyValue::default() }
}

fn any(value: Value) -> AnyValue {
    let value = match value {
        Value::Null => None,
        Value::Bool(value) => Some(Any::BoolValue(value)),
        Value::Number(number) => Some(match number.as_i64() {
            Some(value) => Any::IntValue(value),
            None => Any::DoubleValue(number.as_f64().unwrap_or(f64::NAN)),
        }),
        Value::String(value) => Some(Any::StringValue(value)),
        Value::Array(values) => {
            Some(Any::ArrayValue(ArrayValue { values: values.into_iter().map(any).collect() }))
        }
        Value::Object(members) => {
            Some(Any::KvlistValue(KeyValueList { values: members.into_iter().map(key_value).collect() }))
        }
    };
    AnyValue { value }
}

/// The 16 bytes of a trace id in hexadecimal; none of what is no such id, for the server to refuse.
pub(crate) fn trace_id(hex: &str) -> Vec<u8> {
    match u128::from_str_radix(hex, 16) {
        Ok(id) => id.to_be_bytes().to_vec(),
        Err(_) => Vec::new(),
    }
}

/// The 8 bytes of a span id.
pub(crate) fn span_id(hex: &str) -> Vec<u8> {
    match u64::from_str_radix(hex, 16) {
        Ok(id) => id.to_be_bytes().to_vec(),
        Err(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: spans of two resources, in turn.
    /// Guarantees: each resource is made once and has its own spans, and afterwards nothing waits.
    #[test]
    fn spans_of_one_resource_are_together() {
        let mut pending = Pending::new();
        let mut n_made = 0;
        for (place, pod) in ["a", "b", "a"].into_iter().enumerate() {
            let resource = || {
                n_made += 1;
                vec![attribute("service.name", pod)]
            };
            pending.push(pod, resource, Span { name: place.to_string(), ..Span::default() });
        }
        assert_eq!((n_made, pending.n_items()), (2, 3));
        let body = pending.take().expect("a body");
        assert!(pending.take().is_none());
        assert_eq!((body.signal, body.n_items), (Signal::Traces, 3));
        let request = ExportTraceServiceRequest::decode(body.bytes.as_slice()).expect("decodes");
        let names = |owner: &ResourceSpans| -> Vec<String> {
            owner.scope_spans[0].spans.iter().map(|span| span.name.clone()).collect()
        };
        let named: Vec<Vec<String>> = request.resource_spans.iter().map(names).collect();
        assert_eq!(named, [vec!["0", "2"], vec!["1"]]);
    }

    /// Scenario: attributes as JSON, of every kind, and what is none; ids, and what is none.
    /// Guarantees: values keep their kind; nothing is made up.
    #[test]
    fn json_and_ids_are_taken_as_they_are() {
        let read =
            attributes(r#"{"s": "x", "i": 1, "d": 0.5, "b": true, "n": null, "l": [1], "m": {"k": "v"}}"#);
        let kinds: Vec<(&str, Option<Any>)> = read
            .iter()
            .map(|pair| (pair.key.as_str(), pair.value.clone().and_then(|any| any.value)))
            .collect();
        assert_eq!(kinds[0], ("s", Some(Any::StringValue("x".to_owned()))));
        assert_eq!(kinds[1], ("i", Some(Any::IntValue(1))));
        assert_eq!(kinds[2], ("d", Some(Any::DoubleValue(0.5))));
        assert_eq!(kinds[3], ("b", Some(Any::BoolValue(true))));
        assert_eq!(kinds[4], ("n", None));
        assert!(matches!(&kinds[5].1, Some(Any::ArrayValue(list)) if list.values.len() == 1));
        assert!(matches!(&kinds[6].1, Some(Any::KvlistValue(map)) if map.values[0].key == "k"));
        assert!(attributes("").is_empty() && attributes("[1]").is_empty());
        assert_eq!(span_id("00000000000000ff"), [0, 0, 0, 0, 0, 0, 0, 255]);
        assert_eq!(trace_id("ff").len(), 16);
        assert!(trace_id("none").is_empty() && span_id("").is_empty());
    }
}
