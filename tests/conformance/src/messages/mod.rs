//! Requests, as small as a check allows. Ids and services are new each time: a server may have data already, and may
//! take the same bytes for a resent request.

pub(crate) mod json;
pub(crate) mod points;

use crate::clock::now;
use crate::wire::Signal;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs, SeverityNumber};
use opentelemetry_proto::tonic::metrics::v1::{Metric, ResourceMetrics, ScopeMetrics};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, span::SpanKind};
use prost::Message as _;

/// A span takes 10 ms, and ended just now.
const SPAN_NS: u64 = 10_000_000;

pub(crate) fn trace_id() -> [u8; 16] {
    rand::random::<u128>().max(1).to_be_bytes()
}

pub(crate) fn span_id() -> [u8; 8] {
    rand::random::<u64>().max(1).to_be_bytes()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn text(value: &str) -> AnyValue {
    AnyValue { value: Some(any_value::Value::StringValue(value.to_owned())) }
}

pub(crate) fn attribute(key: &str, value: AnyValue) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(value), ..KeyValue::default() }
}

pub(crate) fn resource(service: &str) -> Resource {
    Resource { attributes: vec![attribute("service.name", text(service))], ..Resource::default() }
}

pub(crate) fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: "conformance".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    }
}

/// A span that nothing is wrong with.
pub(crate) fn span(name: &str) -> Span {
    let end = now();
    Span {
        trace_id: trace_id().to_vec(),
        span_id: span_id().to_vec(),
        name: name.to_owned(),
        kind: SpanKind::Server.into(),
        start_time_unix_nano: end.saturating_sub(SPAN_NS),
        end_time_unix_nano: end,
        ..Span::default()
    }
}

pub(crate) fn log(body: &str) -> LogRecord {
    LogRecord {
        time_unix_nano: now(),
        observed_time_unix_nano: now(),
        severity_number: SeverityNumber::Info.into(),
        severity_text: "INFO".to_owned(),
        body: Some(text(body)),
        ..LogRecord::default()
    }
}

pub(crate) fn traces(service: &str, spans: Vec<Span>) -> ExportTraceServiceRequest {
    let scope_spans = vec![ScopeSpans { scope: Some(scope()), spans, ..ScopeSpans::default() }];
    let resource = Some(resource(service));
    let resource_spans = vec![ResourceSpans { resource, scope_spans, ..ResourceSpans::default() }];
    ExportTraceServiceRequest { resource_spans }
}

pub(crate) fn logs(service: &str, log_records: Vec<LogRecord>) -> ExportLogsServiceRequest {
    let scope_logs = vec![ScopeLogs { scope: Some(scope()), log_records, ..ScopeLogs::default() }];
    let resource = Some(resource(service));
    let resource_logs = vec![ResourceLogs { resource, scope_logs, ..ResourceLogs::default() }];
    ExportLogsServiceRequest { resource_logs }
}

pub(crate) fn metrics(service: &str, metrics: Vec<Metric>) -> ExportMetricsServiceRequest {
    let scope_metrics = vec![ScopeMetrics { scope: Some(scope()), metrics, ..ScopeMetrics::default() }];
    let resource = Some(resource(service));
    let resource_metrics = vec![ResourceMetrics { resource, scope_metrics, ..ResourceMetrics::default() }];
    ExportMetricsServiceRequest { resource_metrics }
}

/// One good item of a signal, as protobuf.
pub(crate) fn sample(signal: Signal, service: &str) -> Vec<u8> {
    match signal {
        Signal::Traces => traces(service, vec![span("sample")]).encode_to_vec(),
        Signal::Logs => logs(service, vec![log("sample")]).encode_to_vec(),
        Signal::Metrics => metrics(service, vec![points::gauge("conformance.sample", 1)]).encode_to_vec(),
    }
}

/// Bytes that are no export request of any signal: a field that ends behind the end of the body.
pub(crate) const UNDECODABLE_PROTOBUF: &[u8] = b"\x0a\xff\xff\xff\xff\x0fnot whole";

/// Text that is no JSON: it ends too early.
pub(crate) const UNDECODABLE_JSON: &[u8] = b"{\"resourceSpans\": [";
