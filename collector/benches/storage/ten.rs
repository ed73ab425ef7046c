//! The workload of other stores' published figures: traces of ten spans, ten attributes each, a thousand spans a
//! request. User, client and path are drawn from a million, 65,536 and 10,000 values, times are random to the
//! nanosecond; the other attributes have few values or one.

use crate::wide::{text, traces};
use collector::bench::Request;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

const SPANS_PER_TRACE: usize = 10;
const TRACES_PER_REQUEST: usize = 100;
const N_SERVICES: usize = 8;
const N_ROUTES: u32 = 12;

/// Requests without an end; the same seed gives the same ones.
#[derive(Debug)]
pub(crate) struct Ten {
    rng: StdRng,
}

impl Ten {
    pub(crate) fn new(seed: u64) -> Self {
        Self { rng: StdRng::seed_from_u64(seed) }
    }

    /// Whole traces that end at `now` (unix nanos), from one service.
    pub(crate) fn request(&mut self, now: i64) -> Request {
        let service = self.rng.random_range(0..N_SERVICES);
        let of_resource = [
            ("service.name", text(format!("service-{service}"))),
            ("service.version", text("1.4.2")),
            ("service.instance.id", text(format!("service-{service}-0"))),
            ("telemetry.sdk.language", text("rust")),
        ];
        let resource = Resource { attributes: attributes(of_resource), ..Resource::default() };
        let spans = (0..TRACES_PER_REQUEST).flat_map(|_| self.trace(now.unsigned_abs()));
        traces(Some(resource), spans.collect())
    }

    /// A root and its children, each below one that came before.
    fn trace(&mut self, now: u64) -> Vec<Span> {
        let trace_id = self.rng.random::<u128>().to_be_bytes().to_vec();
        let mut spans: Vec<Span> = Vec::with_capacity(SPANS_PER_TRACE);
        for _ in 0..SPANS_PER_TRACE {
            let parent = match spans.len() {
                0 => None,
                n => Some(&spans[self.rng.random_range(0..n)]),
            };
            let (from, to) = match parent {
                Some(parent) => (parent.start_time_unix_nano, parent.end_time_unix_nano),
                None => (now - self.rng.random_range(1_000_000..400_000_000), now),
            };
            let start = self.rng.random_range(from..=from + (to - from) / 2);
            let end = self.rng.random_range(start..=to);
            let parent_span_id = parent.map(|parent| parent.span_id.clone()).unwrap_or_default();
            spans.push(self.span(trace_id.clone(), parent_span_id, start, end));
        }
        spans
    }

    fn span(&mut self, trace_id: Vec<u8>, parent_span_id: Vec<u8>, start: u64, end: u64) -> Span {
        let rng = &mut self.rng;
        let route = rng.random_range(0..N_ROUTES);
        let of_span = [
            ("user.id", text(format!("user-{}", rng.random_range(0..1_000_000)))),
            ("client.address", text(format!("10.7.{}.{}", rng.random::<u8>(), rng.random::<u8>()))),
            ("url.path", text(format!("/api/items/{}", rng.random_range(0..10_000)))),
            ("k8s.pod.name", text(format!("pod-{}", rng.random_range(0..64)))),
            ("http.route", text(format!("/api/route-{route}/{{id}}"))),
            ("http.request.method", text("GET")),
            ("url.scheme", text("https")),
            ("network.protocol.version", text("1.1")),
            ("user_agent.original", text("Mozilla/5.0 (X11; Linux x86_64)")),
            ("http.response.status_code", AnyValue { value: Some(Value::IntValue(200)) }),
        ];
        Span {
            trace_id,
            span_id: rng.random_range(1..u64::MAX).to_be_bytes().to_vec(),
            parent_span_id,
            name: format!("GET /api/route-{route}/{{id}}"),
            kind: 2,
            start_time_unix_nano: start,
            end_time_unix_nano: end,
            attributes: attributes(of_span),
            ..Span::default()
        }
    }
}

fn attributes<const N: usize>(pairs: [(&str, AnyValue); N]) -> Vec<KeyValue> {
    let pair = |(key, value): (&str, AnyValue)| KeyValue {
        key: key.to_owned(),
        value: Some(value),
        ..KeyValue::default()
    };
    pairs.map(pair).to_vec()
}
