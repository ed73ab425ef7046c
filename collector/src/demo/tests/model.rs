//! Traces are causally sound, the map is the declared one, and a seed tells one story.

use super::super::faults::FaultChoice;
use super::super::otlp;
use super::super::span::{Activity, DemoSpan};
use super::super::topology::{EDGES, SERVICES};
use super::super::world::World;
use super::{SECOND_NS, START_NS, edge, live, script};
use std::collections::{BTreeSet, HashMap, HashSet};

/// Scenario: ten minutes with all faults.
/// Guarantees: the edges and services seen are exactly those declared.
#[test]
fn the_map_is_the_declared_one() {
    let batch = live(7, FaultChoice::Script, 40.0, 600, 10 * SECOND_NS);
    let seen: BTreeSet<_> = batch.spans.iter().filter_map(edge).collect();
    assert_eq!(seen, EDGES.into_iter().collect());
    let services: BTreeSet<_> = batch.spans.iter().map(|span| span.instance.service.name).collect();
    assert_eq!(services, SERVICES.into_iter().map(|service| service.name).collect());
}

/// Scenario: ten minutes with all faults, traces still under way at the end left out.
/// Guarantees: each trace is one tree with unique ids, served calls come from the client span that made them,
/// children lie within their parents, and consumers start after their producer.
#[test]
fn traces_are_causally_correct() {
    let batch = live(7, FaultChoice::Script, 20.0, 600, 10 * SECOND_NS);
    let mut n_checked = 0;
    for trace in complete_traces(&batch.spans) {
        let by_id: HashMap<_, _> = trace.iter().map(|span| (span.span_id, *span)).collect();
        assert_eq!(by_id.len(), trace.len(), "span ids are unique");
        assert_eq!(trace.iter().filter(|span| span.parent.is_none()).count(), 1);
        for span in &trace {
            assert!(span.start_ns < span.end_ns);
            if let Some(parent) = span.parent {
                check_child(span, by_id[&parent.span_id], parent.is_remote);
                n_checked += 1;
            }
        }
    }
    assert!(n_checked > 50_000, "{n_checked}");
}

fn check_child(child: &DemoSpan, parent: &DemoSpan, is_remote: bool) {
    if let Activity::Consume(..) = child.activity {
        assert!(matches!(parent.activity, Activity::Publish(_)) && is_remote);
        assert!(parent.end_ns <= child.start_ns);
        return;
    }
    assert!(parent.start_ns < child.start_ns && child.end_ns <= parent.end_ns, "{child:?} in {parent:?}");
    match (parent.activity, child.activity) {
        (Activity::Call(call), Activity::Serve(operation)) => {
            assert!(std::ptr::eq(call.to, operation) && is_remote);
        }
        (Activity::Serve(_) | Activity::Consume(..), _) => {
            assert_eq!(parent.instance.key(), child.instance.key());
            assert!(!is_remote);
        }
        (parent, child) => panic!("{child:?} under {parent:?}"),
    }
}

/// Traces whose visit ended well before the last span did.
fn complete_traces(spans: &[DemoSpan]) -> Vec<Vec<&DemoSpan>> {
    let last_ns = spans.iter().map(|span| span.end_ns).max().unwrap_or(0);
    let mut traces: HashMap<[u8; 16], Vec<&DemoSpan>> = HashMap::new();
    for span in spans {
        traces.entry(span.trace_id).or_default().push(span);
    }
    let is_complete =
        |trace: &Vec<&DemoSpan>| trace.iter().all(|span| span.start_ns < last_ns - 30 * SECOND_NS);
    traces.into_values().filter(is_complete).collect()
}

/// Scenario: two runs of the same seed, a third of another.
/// Guarantees: the same seed gives the same requests, byte for byte; another seed shares no trace.
#[test]
fn a_seed_tells_one_story() {
    let requests = |seed| otlp::requests(&live(seed, FaultChoice::Script, 20.0, 200, 10 * SECOND_NS));
    assert_eq!(requests(3), requests(3));
    let ids = |seed| -> HashSet<_> {
        live(seed, FaultChoice::None, 20.0, 60, 10 * SECOND_NS)
            .spans
            .iter()
            .map(|span| span.trace_id)
            .collect()
    };
    assert!(ids(3).is_disjoint(&ids(4)));
}

/// Scenario: the same minutes in steps of 200 ms, as live, and of ten seconds, as history.
/// Guarantees: the same spans in the same order, the same logs and the same metrics.
#[test]
fn the_step_does_not_change_the_story() {
    let live_steps = live(5, FaultChoice::SlowQuery, 15.0, 330, SECOND_NS / 5);
    let long_steps = live(5, FaultChoice::SlowQuery, 15.0, 330, 10 * SECOND_NS);
    let spans = |spans: &[DemoSpan]| spans.iter().map(otlp::span).collect::<Vec<_>>();
    assert_eq!(spans(&live_steps.spans), spans(&long_steps.spans));
    let metrics =
        |batch: &super::Batch| batch.metrics.iter().map(|one| one.metrics.clone()).collect::<Vec<_>>();
    assert_eq!(metrics(&live_steps), metrics(&long_steps));
    let logs = |batch: &super::Batch| -> Vec<_> {
        let mut logs: Vec<_> = batch.logs.iter().map(|log| format!("{:?}", log.record)).collect();
        logs.sort();
        logs
    };
    assert_eq!(logs(&live_steps), logs(&long_steps));
}

/// Scenario: a shop at 30 visits per second that closes its doors.
/// Guarantees: the rate is kept, nobody arrives after closing, and everybody who was inside finishes.
#[test]
fn visits_keep_the_rate_and_finish() {
    let mut world = World::new(1, 30.0, script(FaultChoice::None));
    world.advance(START_NS + 300 * SECOND_NS);
    let n_arrived = world.n_arrived();
    assert!((8_600..9_400).contains(&n_arrived), "{n_arrived}");
    assert!(!world.is_empty());
    world.close();
    let rest = world.advance(START_NS + 400 * SECOND_NS);
    assert!(!rest.spans.is_empty() && world.is_empty());
    assert_eq!(world.n_arrived(), n_arrived);
    assert!(!world.collect_rest().metrics.is_empty());
}
