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
use storage::{Engine, Options, Signal, TimeRange, WalRecord};

/// How long the shop is open, and when the server looks: after calls have waited for their answers long enough.
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
    let script =
        Script { choice: FaultChoice::Script, start_ns: START_NS, after_ns: 60 * SECOND_NS, for_ns: 120 * SECOND_NS };
    let mut world = World::new(11, 12.0, script);
    let mut batches = Vec::new();
    while !(world.is_closed() && world.is_empty()) {
        if world.advanced_to_ns() >= START_NS + OPEN_NS {
            world.close();
        }
        let next = world.advanced_to_ns() + 5 * SECOND_NS;
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
