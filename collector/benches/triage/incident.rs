//! The spans of a shop whose ledger waits for a lock from some moment on, which fails all who ask it.
//!
//! Half an hour is healthy, then ten minutes are not: checkouts of one tier in one region fail at the ledger's database,
//! and everything above reports it; other checkouts wait somewhat longer there. Nothing is drawn at random that does
//! not follow from the number of a trace, so that every run has the same spans.

use crate::attributes::{REGION, TIER, attributes, mixed, pair, word_of_trace};
use crate::intake::{SECOND, T0};
use collector::bench::Request;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;
use std::collections::BTreeMap;
use storage::Signal;

/// Who is to be named.
pub(crate) const ORIGIN: &str = "ledger";
/// Who complains.
pub(crate) const FRONT: &str = "gateway";
/// When it begins, and when the last trace does, unix nanos.
pub(crate) const FAULT_AT: i64 = T0 + 1_800 * SECOND;
pub(crate) const END: i64 = T0 + 2_400 * SECOND;
/// Attributes of each resource.
pub(crate) const N_OF_RESOURCE: usize = 8;
/// Spans of a request, as a gateway before the server gathers them.
const SPANS_PER_REQUEST: usize = 8_000;
const N_INSTANCES: u64 = 3;
const SERVER: i32 = 2;
const CLIENT: i32 = 3;
const INTERNAL: i32 = 1;
const ERROR: i32 = 2;
/// What the lock costs those who get it in the end, and those who do not, in microseconds.
const WAITS_US: u64 = 40_000;
const GIVES_UP_US: u64 = 800_000;

/// A span of a kind of trace.
#[derive(Debug)]
struct Step {
    /// Place of the parent; of the first it is its own.
    parent: usize,
    service: &'static str,
    name: &'static str,
    kind: i32,
    /// Time of its own, in microseconds.
    own_us: u64,
}

const fn step(parent: usize, service: &'static str, name: &'static str, kind: i32, own_us: u64) -> Step {
    Step { parent, service, name, kind, own_us }
}

const CHECKOUT: [Step; 12] = [
    step(0, FRONT, "POST /checkout", SERVER, 900),
    step(0, FRONT, "POST checkout", CLIENT, 400),
    step(1, "checkout", "POST /orders", SERVER, 3_000),
    step(2, "checkout", "GET cart", CLIENT, 300),
    step(3, "cart", "GET /carts/{id}", SERVER, 2_500),
    step(2, "checkout", "POST payment", CLIENT, 300),
    step(5, "payment", "POST /charges", SERVER, 6_000),
    step(6, "payment", "ledger.Ledger/Book", CLIENT, 200),
    step(7, ORIGIN, "ledger.Ledger/Book", SERVER, 1_500),
    step(8, ORIGIN, "INSERT entries", CLIENT, 4_000),
    step(2, "checkout", "POST inventory", CLIENT, 300),
    step(10, "inventory", "POST /reservations", SERVER, 3_500),
];
/// Where the lock is waited for, and who reports it: those above.
const LOCKED: usize = 9;

const PRODUCTS: [Step; 8] = [
    step(0, FRONT, "GET /products", SERVER, 700),
    step(0, FRONT, "GET catalog", CLIENT, 300),
    step(1, "catalog", "GET /products", SERVER, 2_000),
    step(2, "catalog", "SELECT products", CLIENT, 3_000),
    step(0, FRONT, "GET pricing", CLIENT, 300),
    step(4, "pricing", "GET /prices", SERVER, 1_500),
    step(5, "pricing", "discounts", INTERNAL, 900),
    step(5, "pricing", "GET prices", CLIENT, 600),
];

/// Requests, trace by trace.
#[derive(Debug)]
pub(crate) struct Incident {
    n_spans_wanted: usize,
    n_spans: usize,
    n_traces: u64,
    /// Between the starts of two traces.
    gap_ns: i64,
}

impl Incident {
    pub(crate) fn new(n_spans: usize) -> Self {
        // Of five traces three are checkouts.
        let n_traces = (n_spans * 5).div_ceil(3 * CHECKOUT.len() + 2 * PRODUCTS.len()).max(1);
        let gap_ns = (END - T0) / i64::try_from(n_traces).unwrap_or(i64::MAX).saturating_add(1);
        Self { n_spans_wanted: n_spans, n_spans: 0, n_traces: 0, gap_ns }
    }

    pub(crate) fn n_spans(&self) -> usize {
        self.n_spans
    }

    pub(crate) fn n_traces(&self) -> u64 {
        self.n_traces
    }

    /// Whole traces, as they came in; none when all are made.
    pub(crate) fn next_request(&mut self) -> Option<Request> {
        let mut by_sender: BTreeMap<(&'static str, u64), Vec<Span>> = BTreeMap::new();
        let mut n_items = 0;
        while n_items < SPANS_PER_REQUEST && self.n_spans < self.n_spans_wanted {
            let number = self.n_traces;
            let at = T0 + self.gap_ns * number.cast_signed();
            let steps: &[Step] = if number % 5 < 3 { &CHECKOUT } else { &PRODUCTS };
            for (step, span) in steps.iter().zip(trace(steps, number, at)) {
                by_sender.entry((step.service, number % N_INSTANCES)).or_default().push(span);
            }
            self.n_traces += 1;
            self.n_spans += steps.len();
            n_items += steps.len();
        }
        (n_items > 0).then(|| request(by_sender, n_items))
    }
}

fn request(by_sender: BTreeMap<(&'static str, u64), Vec<Span>>, n_items: usize) -> Request {
    let of_sender = |((service, instance), spans): ((&'static str, u64), Vec<Span>)| ResourceSpans {
        resource: Some(resource(service, instance)),
        scope_spans: vec![ScopeSpans { spans, ..ScopeSpans::default() }],
        ..ResourceSpans::default()
    };
    let message =
        ExportTraceServiceRequest { resource_spans: by_sender.into_iter().map(of_sender).collect() };
    Request { signal: Signal::Traces, n_items, payload: message.encode_to_vec().into(), trace_id: None }
}

fn resource(service: &str, instance: u64) -> Resource {
    let of: [(&str, String); N_OF_RESOURCE] = [
        ("service.name", service.to_owned()),
        ("service.version", "4.2.0".to_owned()),
        ("service.instance.id", format!("{service}-{instance}")),
        ("k8s.pod.name", format!("{service}-{instance}")),
        ("host.name", format!("node-{instance}")),
        ("deployment.environment.name", "production".to_owned()),
        ("telemetry.sdk.language", "java".to_owned()),
        ("os.type", "linux".to_owned()),
    ];
    let attributes = of.into_iter().map(|(key, text)| pair(key, Value::StringValue(text))).collect();
    Resource { attributes, ..Resource::default() }
}

/// The spans of a trace, one for each step.
fn trace(steps: &[Step], number: u64, at: i64) -> Vec<Span> {
    let is_locked = at >= FAULT_AT && steps.len() == CHECKOUT.len();
    let fails = is_locked && word_of_trace(TIER, number) == 0 && word_of_trace(REGION, number) == 0;
    let own_us = |place: usize| {
        let usual = steps[place].own_us;
        // Between half and one and a half of it.
        let own = usual / 2 + mixed(number * 64 + place as u64) % usual;
        match (is_locked && place == LOCKED, fails) {
            (true, true) => GIVES_UP_US,
            (true, false) => own + WAITS_US,
            (false, _) => own,
        }
    };
    let own_us: Vec<u64> = (0..steps.len()).map(own_us).collect();
    let mut whole_us = own_us.clone();
    for place in (1..steps.len()).rev() {
        whole_us[steps[place].parent] += whole_us[place];
    }
    // Children run one after the other, after half of their parent's own time.
    let mut free_us: Vec<u64> = own_us.iter().map(|own| own / 2).collect();
    let mut from_us = vec![0; steps.len()];
    for place in 1..steps.len() {
        let parent = steps[place].parent;
        from_us[place] = from_us[parent] + free_us[parent];
        free_us[parent] += whole_us[place];
    }
    let failed = if fails { above(steps, LOCKED) } else { Vec::new() };
    let span = |place: usize| {
        let start = at.cast_unsigned() + from_us[place] * 1_000;
        let parent = (place > 0).then(|| span_id(number, steps[place].parent));
        Span {
            trace_id: trace_id(number),
            span_id: span_id(number, place),
            parent_span_id: parent.unwrap_or_default(),
            name: steps[place].name.to_owned(),
            kind: steps[place].kind,
            start_time_unix_nano: start,
            end_time_unix_nano: start + whole_us[place] * 1_000,
            attributes: of_span(steps, place, number),
            status: failed.contains(&place).then(|| Status {
                code: ERROR,
                message: if place == LOCKED { "lock wait timed out" } else { "" }.to_owned(),
            }),
            ..Span::default()
        }
    };
    (0..steps.len()).map(span).collect()
}

/// A step and all that waits for it.
fn above(steps: &[Step], place: usize) -> Vec<usize> {
    let mut all = vec![place];
    let mut at = place;
    while at > 0 {
        at = steps[at].parent;
        all.push(at);
    }
    all
}

fn of_span(steps: &[Step], place: usize, number: u64) -> Vec<KeyValue> {
    let mut all = attributes(number, number * 16 + place as u64);
    if steps[place].kind == CLIENT && steps.iter().skip(place + 1).all(|step| step.parent != place) {
        // What is asked does not send spans; it takes the place of another attribute.
        all.pop();
        all.push(pair("db.system.name", Value::StringValue("postgresql".to_owned())));
    }
    all
}

fn trace_id(number: u64) -> Vec<u8> {
    let id = (u128::from(mixed(number)) << 64) | u128::from(mixed(!number));
    id.to_be_bytes().to_vec()
}

fn span_id(number: u64, place: usize) -> Vec<u8> {
    (mixed(number * 16 + place as u64) | 1).to_be_bytes().to_vec()
}
