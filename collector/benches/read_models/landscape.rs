//! Spans of many services with many operations each, of which every one is asked for in every stretch of time.
//!
//! A fifth of the operations are asked for by other services, which makes trees of calls in three widths; another
//! fifth asks a database. Durations differ by operation, one request in a hundred is slow and one fails. A service has
//! three instances, which take turns by the hour, and a version a week.

use crate::intake::SECOND;
use crate::wide::{text, traces};
use collector::bench::Request;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

/// Spans of a request, as SDKs send them.
const SPANS_PER_REQUEST: usize = 512;
/// Operations that differ in whether they are asked for by services, ask a database, or neither.
const N_KINDS: usize = 5;
pub(crate) const HOUR_NS: i64 = 3_600 * SECOND;
const SERVER: i32 = 2;
const CLIENT: i32 = 3;
const ERROR: i32 = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shape {
    pub(crate) n_services: usize,
    pub(crate) n_operations: usize,
}

/// Some time, and how many spans of each operation end in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) n_each: u32,
}

/// Spans without an end; the same seed gives the same ones for the same windows.
#[derive(Debug)]
pub(crate) struct Landscape {
    shape: Shape,
    rng: StdRng,
}

/// Where a span belongs, and when it ends.
struct Place<'a> {
    trace_id: &'a [u8],
    parent_span_id: &'a [u8],
    end: u64,
    duration: u64,
}

pub(crate) fn service_name(service: usize) -> String {
    format!("service-{service:03}")
}

pub(crate) fn operation_name(operation: usize) -> String {
    format!("GET /api/operation-{operation:02}/{{id}}")
}

impl Landscape {
    pub(crate) fn new(seed: u64, shape: Shape) -> Self {
        Self { shape, rng: StdRng::seed_from_u64(seed) }
    }

    /// All that ends in a window, in requests of one service each.
    pub(crate) fn requests(&mut self, window: Window) -> Vec<Request> {
        let mut spans: Vec<Vec<Span>> = vec![Vec::new(); self.shape.n_services];
        for _ in 0..window.n_each {
            for operation in 0..self.shape.n_operations {
                match operation % N_KINDS {
                    0 => self.tree(operation, window, &mut spans),
                    kind => self.alone(operation, kind == 1, window, &mut spans),
                }
            }
        }
        let of_service = |(service, spans)| in_requests(&resource(service, window.from), spans);
        spans.into_iter().enumerate().flat_map(of_service).collect()
    }

    /// One trace through all services: each but the first is asked by one before it.
    fn tree(&mut self, operation: usize, window: Window, spans: &mut [Vec<Span>]) {
        let (trace_id, end) = (self.trace_id(), self.end(window));
        let width = 2 + operation / N_KINDS % 3;
        let mut servers: Vec<Vec<u8>> = Vec::with_capacity(spans.len());
        for service in 0..spans.len() {
            let duration = self.duration(operation);
            let mut parent_span_id = Vec::new();
            if service > 0 {
                let caller = (service - 1) / width;
                let call = Place {
                    trace_id: &trace_id,
                    parent_span_id: &servers[caller],
                    end,
                    duration: duration + self.rng.random_range(100_000..3_000_000_u64),
                };
                let call = self.call(&call, service);
                parent_span_id.clone_from(&call.span_id);
                spans[caller].push(call);
            }
            let place =
                Place { trace_id: &trace_id, parent_span_id: &parent_span_id, end: end - 50_000, duration };
            let server = self.server(&place, operation);
            servers.push(server.span_id.clone());
            spans[service].push(server);
        }
    }

    /// A trace of each service's own.
    fn alone(&mut self, operation: usize, asks_database: bool, window: Window, spans: &mut [Vec<Span>]) {
        for (service, spans) in spans.iter_mut().enumerate() {
            let (trace_id, end, duration) = (self.trace_id(), self.end(window), self.duration(operation));
            let place = Place { trace_id: &trace_id, parent_span_id: &[], end, duration };
            let server = self.server(&place, operation);
            if asks_database {
                let place = Place { parent_span_id: &server.span_id, duration: duration / 3, ..place };
                let query = self.query(&place, service);
                spans.push(query);
            }
            spans.push(server);
        }
    }

    fn server(&mut self, place: &Place<'_>, operation: usize) -> Span {
        let is_error = self.rng.random_bool(0.01);
        let of_span = vec![
            attribute("http.request.method", text("GET")),
            attribute("http.route", text(format!("/api/operation-{operation:02}/{{id}}"))),
            attribute("http.response.status_code", number(if is_error { 500 } else { 200 })),
        ];
        let status = is_error.then(|| Status { code: ERROR, ..Status::default() });
        Span { name: operation_name(operation), status, ..self.span(place, SERVER, of_span) }
    }

    fn call(&mut self, place: &Place<'_>, callee: usize) -> Span {
        let of_span = vec![
            attribute("http.request.method", text("GET")),
            attribute("server.address", text(format!("{}.internal", service_name(callee)))),
            attribute("http.response.status_code", number(200)),
        ];
        Span { name: "GET".to_owned(), ..self.span(place, CLIENT, of_span) }
    }

    fn query(&mut self, place: &Place<'_>, service: usize) -> Span {
        let of_span = vec![
            attribute("db.system.name", text("postgresql")),
            attribute("db.namespace", text(service_name(service))),
            attribute("server.address", text(format!("db-{}.internal", service % 20))),
        ];
        Span { name: "SELECT items".to_owned(), ..self.span(place, CLIENT, of_span) }
    }

    fn span(&mut self, place: &Place<'_>, kind: i32, attributes: Vec<KeyValue>) -> Span {
        Span {
            trace_id: place.trace_id.to_vec(),
            span_id: self.rng.random_range(1..u64::MAX).to_be_bytes().to_vec(),
            parent_span_id: place.parent_span_id.to_vec(),
            kind,
            start_time_unix_nano: place.end - place.duration,
            end_time_unix_nano: place.end,
            attributes,
            ..Span::default()
        }
    }

    fn trace_id(&mut self) -> Vec<u8> {
        self.rng.random::<u128>().to_be_bytes().to_vec()
    }

    fn end(&mut self, window: Window) -> u64 {
        self.rng.random_range(window.from..window.to).unsigned_abs()
    }

    /// 1 ms to half a second, by the operation; one in a hundred takes ten times as long.
    fn duration(&mut self, operation: usize) -> u64 {
        let usual_ns = (2_000_000_u64 << (operation % 8)) as f64;
        let slow = if self.rng.random_bool(0.01) { 10.0 } else { 1.0 };
        (usual_ns * self.rng.random_range(0.5..2.0_f64) * slow) as u64
    }
}

fn in_requests(resource: &Resource, mut spans: Vec<Span>) -> Vec<Request> {
    let mut requests = Vec::new();
    while !spans.is_empty() {
        let rest = spans.split_off(spans.len().min(SPANS_PER_REQUEST));
        requests.push(traces(Some(resource.clone()), std::mem::replace(&mut spans, rest)));
    }
    requests
}

fn resource(service: usize, at: i64) -> Resource {
    let hour = at.div_euclid(HOUR_NS);
    let name = service_name(service);
    let attributes = vec![
        attribute("service.instance.id", text(format!("{name}-{}", hour % 3))),
        attribute("service.name", text(name)),
        attribute("service.version", text(format!("1.{}.0", hour / 168 % 100))),
        attribute("deployment.environment.name", text("production")),
        attribute("telemetry.sdk.language", text("rust")),
        attribute("telemetry.sdk.name", text("opentelemetry")),
        attribute("telemetry.sdk.version", text("0.33.0")),
    ];
    Resource { attributes, ..Resource::default() }
}

fn attribute(key: &str, value: AnyValue) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(value), ..KeyValue::default() }
}

fn number(value: i64) -> AnyValue {
    AnyValue { value: Some(Value::IntValue(value)) }
}
