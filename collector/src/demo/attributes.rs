//! Attributes as SDKs write them, in both generations of semantic conventions.
//!
//! `otlp`, `logs` and `metrics` take every attribute from here. Names follow the public conventions; what
//! belongs to the shop itself starts with `shop.`.

use super::faults::FAILING_TIER;
use super::rng::Rng;
use super::span::{Activity, Call, DemoSpan, Failure, Instance, Message, Visitor};
use super::topology::{Consumer, External, Operation, Protocol, Query, Semconv};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, KeyValueList, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;

pub(super) fn text(key: &str, value: impl Into<String>) -> KeyValue {
    with_value(key, Value::StringValue(value.into()))
}

pub(super) fn int(key: &str, value: impl TryInto<i64>) -> KeyValue {
    with_value(key, Value::IntValue(value.try_into().unwrap_or(i64::MAX)))
}

pub(super) fn boolean(key: &str, value: bool) -> KeyValue {
    with_value(key, Value::BoolValue(value))
}

pub(super) fn double(key: &str, value: f64) -> KeyValue {
    with_value(key, Value::DoubleValue(value))
}

pub(super) fn map(values: Vec<KeyValue>) -> Value {
    Value::KvlistValue(KeyValueList { values })
}

pub(super) fn nested(key: &str, values: Vec<KeyValue>) -> KeyValue {
    with_value(key, map(values))
}

pub(super) fn of_resource(instance: &Instance) -> Resource {
    let service = instance.service;
    let (pod, id, node) = identity(instance);
    let environment = match service.semconv {
        Semconv::Current => "deployment.environment.name",
        Semconv::Old => "deployment.environment",
    };
    let attributes = vec![
        text("service.name", service.name),
        text("service.namespace", "shop"),
        text("service.version", instance.version()),
        text("service.instance.id", id),
        text(environment, "production"),
        text("host.name", node),
        text("k8s.namespace.name", "shop"),
        text("k8s.pod.name", pod),
        text("telemetry.sdk.name", "opentelemetry"),
        text("telemetry.sdk.language", service.sdk.0),
        text("telemetry.sdk.version", service.sdk.1),
    ];
    Resource { attributes, ..Resource::default() }
}

pub(super) fn of_span(span: &DemoSpan) -> Vec<KeyValue> {
    let mut attributes = match span.activity {
        Activity::Serve(operation) => served(operation, span),
        Activity::Inside(_) => Vec::new(),
        Activity::Call(call) => called(&call, span),
        Activity::Query(query) => queried(query, span.instance.service.semconv),
        Activity::Publish(message) => published(&message),
        Activity::Consume(message, consumer) => consumed(&message, consumer, span),
        Activity::Request(external) => requested(external, span),
    };
    if let Some(failure) = span.failure.filter(|_| span.is_error()) {
        attributes.push(text("error.type", failure.error_type));
    }
    attributes
}

/// What the duration of serving a request is recorded under.
pub(super) fn of_server_metric(
    operation: &Operation,
    failure: Option<Failure>,
    semconv: Semconv,
) -> Vec<KeyValue> {
    let status = failure.map_or(200, |failure| failure.status);
    let mut attributes = match (&operation.protocol, semconv) {
        (Protocol::Http { method, route }, Semconv::Current) => vec![
            text("http.request.method", *method),
            text("http.route", *route),
            int("http.response.status_code", status),
            text("url.scheme", "http"),
        ],
        (Protocol::Http { method, route }, Semconv::Old) => vec![
            text("http.method", *method),
            text("http.route", *route),
            int("http.status_code", status),
            text("http.scheme", "http"),
        ],
        (Protocol::Grpc { method }, _) => vec![
            text("rpc.system.name", "grpc"),
            text("rpc.method", *method),
            text("rpc.response.status_code", grpc_status(failure)),
        ],
    };
    let fault = failure.filter(|failure| failure.is_fault());
    attributes.extend(fault.map(|failure| text("error.type", failure.error_type)));
    attributes
}

pub(super) fn of_query_metric(query: &Query, semconv: Semconv) -> Vec<KeyValue> {
    let store = query.store;
    let keys = match semconv {
        Semconv::Current => ["db.system.name", "db.namespace", "db.operation.name", "db.collection.name"],
        Semconv::Old => ["db.system", "db.name", "db.operation", "db.sql.table"],
    };
    let values = [Some(store.system), store.namespace, Some(query.operation), Some(query.collection)];
    let present = keys.into_iter().zip(values);
    present.filter_map(|(key, value)| value.map(|value| text(key, value))).collect()
}

fn with_value(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

/// Pod name, instance id and node, which look random but are the same for the same instance.
fn identity(instance: &Instance) -> (String, String, String) {
    let name =
        instance.service.name.bytes().fold(0, |hash: u64, byte| hash.wrapping_mul(31) + u64::from(byte));
    let mut deployed = Rng::new(&[name, u64::from(instance.generation)]);
    let mut started = Rng::new(&[name, u64::from(instance.generation), u64::from(instance.number)]);
    let set = deployed.next_u64() >> 28;
    let pod = format!("{}-{:09x}-{:05x}", instance.service.name, set, started.below(1 << 20));
    let (high, low) = (started.next_u64(), started.next_u64());
    let id = format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        low >> 48 & 0xfff,
        low & 0xffff_ffff_ffff
    );
    (pod, id, format!("node-{}", 1 + started.below(6)))
}

fn served(operation: &Operation, span: &DemoSpan) -> Vec<KeyValue> {
    let mut attributes = match (&operation.protocol, span.instance.service.semconv) {
        (Protocol::Http { method, route }, Semconv::Current) => served_http(method, route, span),
        (Protocol::Http { method, route }, Semconv::Old) => served_http_old(method, route, span),
        (Protocol::Grpc { method }, _) => called_grpc(method, span.failure),
    };
    attributes.extend(of_visitor(&span.visitor));
    attributes
}

fn served_http(method: &str, route: &str, span: &DemoSpan) -> Vec<KeyValue> {
    let mut attributes = vec![
        text("http.request.method", method),
        text("http.route", route),
        text("url.scheme", "http"),
        text("url.path", path(route, &span.visitor)),
        int("http.response.status_code", status(span)),
        text("network.protocol.version", "1.1"),
        text("server.address", host(span.instance.service.name)),
        int("server.port", span.instance.service.port),
    ];
    if span.parent.is_none() {
        attributes.push(text("client.address", span.visitor.address.as_str()));
        attributes.push(text("user_agent.original", span.visitor.agent));
    }
    attributes
}

fn served_http_old(method: &str, route: &str, span: &DemoSpan) -> Vec<KeyValue> {
    vec![
        text("http.method", method),
        text("http.route", route),
        text("http.scheme", "http"),
        text("http.target", path(route, &span.visitor)),
        int("http.status_code", status(span)),
        text("http.flavor", "1.1"),
        text("net.host.name", host(span.instance.service.name)),
        int("net.host.port", span.instance.service.port),
    ]
}

fn called(call: &Call, span: &DemoSpan) -> Vec<KeyValue> {
    let callee = call.to.service;
    let mut attributes = match call.to.protocol {
        Protocol::Http { method, route } => {
            called_http(method, &path(route, &span.visitor), callee.name, span)
        }
        Protocol::Grpc { method } => called_grpc(method, span.failure),
    };
    attributes.push(text("server.address", host(callee.name)));
    attributes.push(int("server.port", callee.port));
    if call.resend > 0 {
        attributes.push(int("http.request.resend_count", call.resend));
    }
    attributes
}

fn called_http(method: &str, path: &str, service: &str, span: &DemoSpan) -> Vec<KeyValue> {
    vec![
        text("http.request.method", method),
        text("url.full", format!("http://{}:8080{path}", host(service))),
        int("http.response.status_code", status(span)),
        text("network.protocol.version", "1.1"),
    ]
}

fn called_grpc(method: &str, failure: Option<Failure>) -> Vec<KeyValue> {
    vec![
        text("rpc.system.name", "grpc"),
        text("rpc.method", method),
        text("rpc.response.status_code", grpc_status(failure)),
    ]
}

fn queried(query: &Query, semconv: Semconv) -> Vec<KeyValue> {
    let mut attributes = of_query_metric(query, semconv);
    let keys = match semconv {
        Semconv::Current => ["db.query.text", "server.address", "server.port"],
        Semconv::Old => ["db.statement", "net.peer.name", "net.peer.port"],
    };
    attributes.push(text(keys[0], query.text));
    attributes.push(text(keys[1], query.store.name));
    attributes.push(int(keys[2], query.store.port));
    attributes
}

fn published(message: &Message) -> Vec<KeyValue> {
    vec![
        text("messaging.system", message.topic.system),
        text("messaging.destination.name", message.topic.name),
        text("messaging.operation.name", "send"),
        text("messaging.operation.type", "send"),
        text("messaging.destination.partition.id", message.partition.to_string()),
        int("messaging.kafka.offset", message.offset),
        text("server.address", message.topic.host),
    ]
}

fn consumed(message: &Message, consumer: &Consumer, span: &DemoSpan) -> Vec<KeyValue> {
    let mut attributes = vec![
        text("messaging.system", message.topic.system),
        text("messaging.destination.name", message.topic.name),
        text("messaging.operation.name", "process"),
        text("messaging.operation.type", "process"),
        text("messaging.consumer.group.name", consumer.group),
        text("messaging.destination.partition.id", message.partition.to_string()),
        int("messaging.kafka.offset", message.offset),
    ];
    attributes.extend(of_visitor(&span.visitor));
    attributes
}

fn requested(external: &External, span: &DemoSpan) -> Vec<KeyValue> {
    let mut attributes = vec![
        text("http.request.method", external.method),
        text("url.full", format!("https://{}{}", external.host, external.path)),
        text("server.address", external.host),
        int("server.port", 443),
        int("http.response.status_code", status(span)),
        text("network.protocol.version", "2"),
    ];
    attributes.extend(of_visitor(&span.visitor));
    attributes
}

/// What every service knows of the visitor, from baggage.
fn of_visitor(visitor: &Visitor) -> [KeyValue; 4] {
    [
        text("shop.tenant.tier", visitor.tier),
        text("shop.region", visitor.region),
        int("shop.cart.n_items", visitor.n_items),
        boolean("shop.feature.fast_lane", visitor.tier == FAILING_TIER && visitor.user.is_multiple_of(2)),
    ]
}

fn path(route: &str, visitor: &Visitor) -> String {
    let id = if route.starts_with("/carts") { visitor.user } else { visitor.product };
    route.replace("{id}", &id.to_string())
}

fn host(service: &str) -> String {
    format!("{service}.shop.internal")
}

fn status(span: &DemoSpan) -> u16 {
    span.failure.map_or(200, |failure| failure.status)
}

fn grpc_status(failure: Option<Failure>) -> &'static str {
    match failure.map(|failure| failure.status) {
        None => "OK",
        Some(402 | 409) => "FAILED_PRECONDITION",
        Some(404) => "NOT_FOUND",
        Some(500) => "INTERNAL",
        Some(_) => "UNAVAILABLE",
    }
}
