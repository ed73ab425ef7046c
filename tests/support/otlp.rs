//! Small OTLP requests made by hand.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, metric::Data, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span::SpanKind};
use std::time::{SystemTime, UNIX_EPOCH};

/// Nanoseconds since 1970, now.
#[allow(clippy::disallowed_methods, reason = "test data carries the real time")]
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is after 1970");
    u64::try_from(since.as_nanos()).expect("before the year 2554")
}

pub(crate) fn attribute(key: &str, value: &str) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(text(value)), ..KeyValue::default() }
}

fn text(value: &str) -> AnyValue {
    AnyValue { value: Some(Value::StringValue(value.to_owned())) }
}

/// A server span of 5 ms; `number` decides both ids, so equal numbers are the same span.
pub(crate) fn span(number: u64, is_error: bool) -> Span {
    let start = now() - 10_000_000;
    Span {
        trace_id: u128::from(number + 1).to_be_bytes().to_vec(),
        span_id: (number + 1).to_be_bytes().to_vec(),
        name: "GET /".to_owned(),
        kind: SpanKind::Server.into(),
        start_time_unix_nano: start,
        end_time_unix_nano: start + 5_000_000,
        status: is_error.then(|| Status { code: 2, message: "failed".to_owned() }),
        ..Span::default()
    }
}

/// A log record whose event is named by its number, and whose body has so many bytes.
pub(crate) fn log(number: u64, n_body_bytes: usize) -> LogRecord {
    LogRecord {
        time_unix_nano: now(),
        event_name: format!("{number:012}"),
        body: Some(text(&"x".repeat(n_body_bytes))),
        ..LogRecord::default()
    }
}

/// A point whose value is its number.
pub(crate) fn point(number: u64) -> NumberDataPoint {
    let value = i64::try_from(number).expect("a small number");
    NumberDataPoint {
        time_unix_nano: now(),
        value: Some(number_data_point::Value::AsInt(value)),
        ..NumberDataPoint::default()
    }
}

fn resource(service: &str) -> Option<Resource> {
    Some(Resource { attributes: vec![attribute("service.name", service)], ..Resource::default() })
}

pub(crate) fn logs(service: &str, log_records: Vec<LogRecord>) -> ExportLogsServiceRequest {
    let scope_logs = vec![ScopeLogs { log_records, ..ScopeLogs::default() }];
    let resource_logs = ResourceLogs { resource: resource(service), scope_logs, ..ResourceLogs::default() };
    ExportLogsServiceRequest { resource_logs: vec![resource_logs] }
}

/// Points of one gauge.
pub(crate) fn metrics(service: &str, data_points: Vec<NumberDataPoint>) -> ExportMetricsServiceRequest {
    let data = Some(Data::Gauge(Gauge { data_points }));
    let metrics = vec![Metric { name: format!("{service}.number"), data, ..Metric::default() }];
    let scope_metrics = vec![ScopeMetrics { metrics, ..ScopeMetrics::default() }];
    let resource = resource(service);
    let resource_metrics = ResourceMetrics { resource, scope_metrics, ..ResourceMetrics::default() };
    ExportMetricsServiceRequest { resource_metrics: vec![resource_metrics] }
}

pub(crate) fn traces(service: &str, spans: Vec<Span>) -> ExportTraceServiceRequest {
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    let resource = resource(service);
    let resource_spans = ResourceSpans { resource, scope_spans, ..ResourceSpans::default() };
    ExportTraceServiceRequest { resource_spans: vec![resource_spans] }
}
