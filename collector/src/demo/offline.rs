//! The shop's requests without a server to send them to, in the time of the simulation.

use super::faults::{FaultChoice, Script};
use super::otlp;
use super::world::World;
use bytes::Bytes;
use prost::Message;
use storage::Signal;

/// A healthy shop.
#[derive(Debug)]
pub struct Shop {
    world: World,
}

/// What an exporter would send, in protobuf.
#[derive(Clone, Debug)]
pub struct Request {
    pub signal: Signal,
    /// Spans, log records or data points.
    pub n_items: usize,
    pub payload: Bytes,
    /// Of its first span.
    pub trace_id: Option<[u8; 16]>,
}

impl Shop {
    /// `rate_per_s` are visits; each is a trace. Time begins at `start_ns`, unix nanos.
    pub fn new(seed: u64, rate_per_s: f64, start_ns: i64) -> Self {
        let script = Script { choice: FaultChoice::None, start_ns, after_ns: 0, for_ns: 1 };
        Self { world: World::new(seed, rate_per_s, script) }
    }

    /// All that is sent until `to_ns`.
    pub fn advance(&mut self, to_ns: i64) -> Vec<Request> {
        otlp::requests(&self.world.advance(to_ns)).iter().map(encode).collect()
    }
}

fn encode(request: &otlp::Request) -> Request {
    let (signal, n_items, payload, trace_id) = match request {
        otlp::Request::Traces(request, n) => {
            let spans = || request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
            let first = spans().flat_map(|scope| &scope.spans).next();
            let trace_id = first.and_then(|span| span.trace_id.as_slice().try_into().ok());
            (Signal::Traces, *n, request.encode_to_vec(), trace_id)
        }
        otlp::Request::Logs(request, n) => (Signal::Logs, *n, request.encode_to_vec(), None),
        otlp::Request::Metrics(request, n) => (Signal::Metrics, *n, request.encode_to_vec(), None),
    };
    Request { signal, n_items, payload: Bytes::from(payload), trace_id }
}
