//! The server's graph of calls against the demo's own knowledge of who called whom.

use super::super::faults::{FaultChoice, Script};
use super::super::otlp::{self, Request};
use super::super::span::{Activity, DemoSpan};
use super::super::topology::EDGES;
use super::super::world::{Batch, World};
use super::{SECOND_NS, START_NS};
use crate::decode::Encoding;
use crate::replay;
use prost::Message;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use storage::{Engine, Options, Peer, PeerKind, Signal, TimeRange, WalRecord};

/// How long the shop is open, and how far the server looks.
const OPEN_NS: i64 = 300 * SECOND_NS;
const LATER_NS: i64 = 1_800 * SECOND_NS;

/// What all calls from one to another came to. Numbers, and sums of nanoseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Calls {
    n: u64,
    n_errors: u64,
    n_callee_spans: u64,
    n_callee_errors: u64,
    sum_ns: i64,
    callee_sum_ns: i64,
    gap_sum_ns: i64,
    errors: BTreeMap<String, u64>,
}

type Graph = BTreeMap<(String, String), Calls>;

/// All that a few minutes with every fault came to, until the last visitor is gone, in the order of time.
fn story() -> Vec<Batch> {
    let script = Script {
        choice: FaultChoice::Script,
        start_ns: START_NS,
        after_ns: 30 * SECOND_NS,
        for_ns: 60 * SECOND_NS,
    };
    let mut world = World::new(11, 8.0, script);
    let mut batches = Vec::new();
    while !(world.is_closed() && world.is_empty()) {
        if world.advanced_to_ns() >= START_NS + OPEN_NS {
            world.close();
        }
        let next = world.advanced_to_ns() + 20 * SECOND_NS;
        batches.push(world.advance(next));
    }
    batches
}

/// The graph by the demo's own word: each call with the span that served it, each message with those who took it up.
fn told(spans: &[DemoSpan]) -> Graph {
    let mut served: HashMap<[u8; 8], &DemoSpan> = HashMap::new();
    let mut by_id: HashMap<[u8; 8], &DemoSpan> = HashMap::new();
    for span in spans {
        by_id.insert(span.span_id, span);
        if let (Activity::Serve(_), Some(parent)) = (span.activity, span.parent) {
            served.insert(parent.span_id, span);
        }
    }
    let mut graph = Graph::new();
    for span in spans {
        let Some((caller, callee)) = super::edge(span) else { continue };
        let calls = graph.entry((caller.to_owned(), callee.to_owned())).or_default();
        calls.count(span);
        match span.activity {
            Activity::Call(_) => {
                let served = served[&span.span_id];
                calls.n_callee_errors += u64::from(served.is_error());
                calls.callee_sum_ns += served.duration_ns();
                calls.pair((span.duration_ns() - served.duration_ns()).max(0));
            }
            Activity::Consume(..) => {
                let sent = by_id[&span.parent.expect("consumers have a producer").span_id];
                calls.pair((span.start_ns - sent.end_ns).max(0));
            }
            _ => {}
        }
    }
    graph
}

impl Calls {
    fn count(&mut self, span: &DemoSpan) {
        self.n += 1;
        self.sum_ns += span.duration_ns();
        if let Some(failure) = span.failure.filter(|_| span.is_error()) {
            self.n_errors += 1;
            *self.errors.entry(failure.error_type.to_owned()).or_default() += 1;
        }
    }

    fn pair(&mut self, gap_ns: i64) {
        self.n_callee_spans += 1;
        self.gap_sum_ns += gap_ns;
    }
}

/// An engine with all that was sent, in the order it was sent or backwards, half of it in segments.
async fn engine(dir: &std::path::Path, batches: &[Batch], is_backwards: bool) -> Engine {
    let decode = |record| replay::rows(record).map_err(Into::into);
    let (engine, _) = Engine::open(Options::new(dir), decode).await.expect("opens");
    let mut requests: Vec<Vec<u8>> = batches.iter().flat_map(otlp::requests).filter_map(traces).collect();
    if is_backwards {
        requests.reverse();
    }
    let half = requests.len() / 2;
    for (n, request) in requests.into_iter().enumerate() {
        if n == half {
            engine.flush().await.expect("flushes");
        }
        store(&engine, request, START_NS + OPEN_NS).await;
    }
    engine
}

fn traces(request: Request) -> Option<Vec<u8>> {
    match request {
        Request::Traces(body, _) => Some(body.encode_to_vec()),
        Request::Logs(..) | Request::Metrics(..) => None,
    }
}

async fn store(engine: &Engine, payload: Vec<u8>, received_at: i64) {
    let (signal, encoding) = (Signal::Traces, Encoding::Protobuf.code());
    let record = WalRecord { signal, encoding, received_at, payload: payload.into() };
    let columns = replay::rows(record.clone()).expect("valid");
    let logged = engine.log(record).await.expect("logged");
    engine.insert(logged, columns);
}

/// The name that the demo has for a peer: that of a store is its host's.
fn name(peer: &Peer) -> String {
    let named = match peer.kind {
        PeerKind::Database => &peer.address,
        PeerKind::Service | PeerKind::Messaging | PeerKind::External => &peer.name,
    };
    named.split(':').next().unwrap_or_default().to_owned()
}

/// The graph as the server has it.
async fn counted(engine: &Engine) -> Graph {
    let range = TimeRange { from: START_NS, to: START_NS + LATER_NS };
    let mut graph = Graph::new();
    for edge in engine.edges(range, None).await.expect("reads").edges {
        let (callee, gap) = (edge.callee_totals.unwrap_or_default(), edge.gap_totals.unwrap_or_default());
        let calls = Calls {
            n: edge.totals.n,
            n_errors: edge.totals.n_errors,
            n_callee_spans: gap.n,
            n_callee_errors: callee.n_errors,
            sum_ns: edge.totals.sum_ns,
            callee_sum_ns: callee.sum_ns,
            gap_sum_ns: gap.sum_ns,
            errors: edge.errors.into_iter().collect(),
        };
        let ends = (name(&edge.caller), name(&edge.callee));
        assert!(graph.insert(ends.clone(), calls).is_none(), "{ends:?} are two edges");
    }
    graph
}

/// Scenario: five minutes of the shop with every fault are sent in order and backwards, half into segments.
/// Guarantees: the edges are exactly those of the declared map; calls, errors by type, both sides' durations and the
/// time between them are to the nanosecond what the demo did.
#[tokio::test]
async fn the_servers_graph_is_the_demos() {
    let batches = story();
    let spans: Vec<DemoSpan> = batches.iter().flat_map(|batch| batch.spans.iter().cloned()).collect();
    let told = told(&spans);
    let ends: BTreeSet<(&str, &str)> =
        told.keys().map(|(caller, callee)| (caller.as_str(), callee.as_str())).collect();
    assert_eq!(ends, EDGES.into_iter().collect());
    assert!(told.values().map(|calls| calls.n_errors).sum::<u64>() > 50);
    for is_backwards in [false, true] {
        let dir = tempfile::tempdir().expect("a folder");
        let engine = engine(dir.path(), &batches, is_backwards).await;
        let counted = counted(&engine).await;
        assert_eq!(counted.keys().collect::<Vec<_>>(), told.keys().collect::<Vec<_>>());
        for (ends, calls) in &counted {
            assert_eq!(calls, &told[ends], "{ends:?}, backwards: {is_backwards}");
        }
    }
}
