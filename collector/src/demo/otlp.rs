//! From the model's spans, logs and metrics to OTLP requests, as the shop's SDKs and a gateway would send.
//!
//! One request per service and signal, one resource per instance inside it, at most `ITEMS_MAX` items. Knows
//! nothing of sockets; `send` takes the requests as they are.

use super::attributes::{self, text};
use super::logs::DemoLog;
use super::metrics::ServiceMetrics;
use super::span::{Activity, DemoSpan, Failure, Instance};
use super::topology::{Protocol, Semconv};
use super::world::Batch;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::logs::v1::{ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{Metric, ResourceMetrics, ScopeMetrics};
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use std::collections::BTreeMap;

/// A request with the number of items it carries.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Request {
    Traces(ExportTraceServiceRequest, usize),
    Logs(ExportLogsServiceRequest, usize),
    Metrics(ExportMetricsServiceRequest, usize),
}

/// The batch size of SDKs: small enough that a lost request loses little.
const ITEMS_MAX: usize = 512;

const SCHEMA_CURRENT: &str = "https://opentelemetry.io/schemas/1.40.0";
const SCHEMA_OLD: &str = "https://opentelemetry.io/schemas/1.11.0";

/// Sampled, and it is known whether the parent is remote (bits 0 and 8); bit 9 says that it is.
const FLAGS_LOCAL: u32 = 0x101;
const FLAGS_REMOTE: u32 = 0x301;

pub(super) fn requests(batch: &Batch) -> Vec<Request> {
    let mut requests = Vec::new();
    for chunk in chunks(&batch.spans, |span| span.instance) {
        let resource_spans = chunk.iter().map(|(instance, spans)| resource_spans(instance, spans)).collect();
        requests.push(Request::Traces(ExportTraceServiceRequest { resource_spans }, n_items(&chunk)));
    }
    for chunk in chunks(&batch.logs, |log| log.instance) {
        let resource_logs = chunk.iter().map(|(instance, logs)| resource_logs(instance, logs)).collect();
        requests.push(Request::Logs(ExportLogsServiceRequest { resource_logs }, n_items(&chunk)));
    }
    for chunk in chunks(&batch.metrics, |metrics| metrics.instance) {
        requests.push(metrics_request(&chunk));
    }
    requests
}

pub(super) fn span(span: &DemoSpan) -> Span {
    Span {
        trace_id: span.trace_id.to_vec(),
        span_id: span.span_id.to_vec(),
        parent_span_id: span.parent.map_or_else(Vec::new, |parent| parent.span_id.to_vec()),
        flags: if span.parent.is_some_and(|parent| parent.is_remote) { FLAGS_REMOTE } else { FLAGS_LOCAL },
        name: span_name(span),
        kind: kind(&span.activity).into(),
        start_time_unix_nano: span.start_ns.unsigned_abs(),
        end_time_unix_nano: span.end_ns.unsigned_abs(),
        attributes: attributes::of_span(span),
        events: span.failure.and_then(|failure| exception(span, failure)).into_iter().collect(),
        links: link(span).into_iter().collect(),
        status: Some(status(span)),
        ..Span::default()
    }
}

/// Items of one instance.
type Group<'a, T> = (Instance, Vec<&'a T>);

/// Chunks of at most `ITEMS_MAX` items; no chunk holds two services.
fn chunks<T>(items: &[T], instance_of: impl Fn(&T) -> Instance) -> Vec<Vec<Group<'_, T>>> {
    let mut groups: BTreeMap<_, Group<'_, T>> = BTreeMap::new();
    for item in items {
        let instance = instance_of(item);
        groups.entry(instance.key()).or_insert_with(|| (instance, Vec::new())).1.push(item);
    }
    let mut chunks: Vec<Vec<Group<'_, T>>> = Vec::new();
    for (instance, items) in groups.into_values() {
        for part in items.chunks(ITEMS_MAX) {
            let group = (instance, part.to_vec());
            match chunks.last_mut().filter(|chunk| fits(chunk, &group)) {
                Some(chunk) => chunk.push(group),
                None => chunks.push(vec![group]),
            }
        }
    }
    chunks
}

fn fits<T>(chunk: &[Group<'_, T>], group: &Group<'_, T>) -> bool {
    n_items(chunk) + group.1.len() <= ITEMS_MAX
        && chunk.iter().all(|(instance, _)| instance.service.name == group.0.service.name)
}

fn n_items<T>(chunk: &[Group<'_, T>]) -> usize {
    chunk.iter().map(|(_, items)| items.len()).sum()
}

fn resource_spans(instance: &Instance, spans: &[&DemoSpan]) -> ResourceSpans {
    let spans = spans.iter().map(|one| span(one)).collect();
    ResourceSpans {
        resource: Some(attributes::of_resource(instance)),
        scope_spans: vec![ScopeSpans { scope: Some(scope(instance)), spans, schema_url: String::new() }],
        schema_url: schema_url(instance),
    }
}

fn resource_logs(instance: &Instance, logs: &[&DemoLog]) -> ResourceLogs {
    let log_records = logs.iter().map(|log| log.record.clone()).collect();
    ResourceLogs {
        resource: Some(attributes::of_resource(instance)),
        scope_logs: vec![ScopeLogs { scope: Some(scope(instance)), log_records, schema_url: String::new() }],
        schema_url: schema_url(instance),
    }
}

fn metrics_request(chunk: &[Group<'_, ServiceMetrics>]) -> Request {
    let collected = chunk.iter().flat_map(|(instance, all)| all.iter().map(move |one| (instance, one)));
    let n_points = collected.clone().map(|(_, one)| one.n_points).sum();
    let resource_metrics =
        collected.map(|(instance, one)| resource_metrics(instance, &one.metrics)).collect();
    Request::Metrics(ExportMetricsServiceRequest { resource_metrics }, n_points)
}

fn resource_metrics(instance: &Instance, metrics: &[Metric]) -> ResourceMetrics {
    let scope = Some(scope(instance));
    ResourceMetrics {
        resource: Some(attributes::of_resource(instance)),
        scope_metrics: vec![ScopeMetrics { scope, metrics: metrics.to_vec(), schema_url: String::new() }],
        schema_url: schema_url(instance),
    }
}

fn scope(instance: &Instance) -> InstrumentationScope {
    let service = instance.service;
    let (name, version) = (service.scope.to_owned(), service.sdk.1.to_owned());
    InstrumentationScope { name, version, ..InstrumentationScope::default() }
}

fn schema_url(instance: &Instance) -> String {
    match instance.service.semconv {
        Semconv::Current => SCHEMA_CURRENT.to_owned(),
        Semconv::Old => SCHEMA_OLD.to_owned(),
    }
}

fn span_name(span: &DemoSpan) -> String {
    match span.activity {
        Activity::Serve(operation) => operation.name(),
        Activity::Inside(name) => name.to_owned(),
        Activity::Call(call) => match call.to.protocol {
            Protocol::Http { method, .. } => method.to_owned(),
            Protocol::Grpc { method } => method.to_owned(),
        },
        Activity::Query(query) => query.name(),
        Activity::Publish(message) => format!("send {}", message.topic.name),
        Activity::Consume(message, _) => format!("process {}", message.topic.name),
        Activity::Request(external) => external.method.to_owned(),
    }
}

fn kind(activity: &Activity) -> SpanKind {
    match activity {
        Activity::Serve(_) => SpanKind::Server,
        Activity::Inside(_) => SpanKind::Internal,
        Activity::Call(_) | Activity::Query(_) | Activity::Request(_) => SpanKind::Client,
        Activity::Publish(_) => SpanKind::Producer,
        Activity::Consume(..) => SpanKind::Consumer,
    }
}

/// The exception is recorded where it was thrown, just before the span ends.
fn exception(span: &DemoSpan, failure: Failure) -> Option<Event> {
    let thrown = failure.exception?;
    let service = span.instance.service.name;
    let stack = format!("{thrown}: {}\n    at {service} {}", failure.message, span_name(span));
    Some(Event {
        time_unix_nano: (span.end_ns - span.duration_ns() / 50).unsigned_abs(),
        name: "exception".to_owned(),
        attributes: vec![
            text("exception.type", thrown),
            text("exception.message", failure.message),
            text("exception.stacktrace", stack),
        ],
        dropped_attributes_count: 0,
    })
}

/// A consumer is a child of its producer and links to it as well, as messaging libraries do.
fn link(span: &DemoSpan) -> Option<Link> {
    let producer = span.parent.filter(|_| matches!(span.activity, Activity::Consume(..)))?;
    let (trace_id, span_id) = (span.trace_id.to_vec(), producer.span_id.to_vec());
    Some(Link { trace_id, span_id, flags: FLAGS_REMOTE, ..Link::default() })
}

fn status(span: &DemoSpan) -> Status {
    match span.failure.filter(|_| span.is_error()) {
        Some(failure) => Status { message: failure.message.to_owned(), code: StatusCode::Error.into() },
        None => Status::default(),
    }
}
