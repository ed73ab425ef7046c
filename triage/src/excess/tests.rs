//! Which service has more than its callees explain, on small graphs whose answer is plain.

use super::{Excess, excess};
use crate::test_rows::{MS, MetricRow, input, metrics};
use crate::{Call, Limits, Scope, Symptom, Tables, TriageInput};

/// Requests, latency and availability of a node, every 10 ms: ten times before, then ten times as told.
fn node(name: &str, (requests, latency_s, availability): (f64, f64, f64)) -> Vec<MetricRow> {
    let at = |at: i64, requests, latency, availability| {
        let time = 10 * at * MS;
        [
            MetricRow::gauge(name, "requests", time, requests).with("statistic", "Sum"),
            MetricRow::gauge(name, "latency", time, latency).with("statistic", "Average"),
            MetricRow::gauge(name, "latency", time, 99.0).with("statistic", "p99"),
            MetricRow::gauge(name, "availability", time, availability).with("statistic", "Average"),
        ]
    };
    let before = (0..10).flat_map(|time| at(time, 100.0, 1.0, 100.0));
    before.chain((10..20).flat_map(|time| at(time, requests, latency_s, availability))).collect()
}

/// `web` calls `cart`, which calls `db` and `cache`; `mail` stands apart.
fn found(rows: &[MetricRow], symptom: Option<Symptom>) -> Excess {
    let call = |(caller, callee): (&str, &str)| Call { caller: caller.into(), callee: callee.into() };
    let calls = [("web", "cart"), ("cart", "db"), ("cart", "cache")].map(call);
    let scope = Scope { service: Some("web".into()), operation: None, symptom };
    let metrics = [metrics(rows)];
    let input = TriageInput { metrics: &metrics, calls: &calls, scope: &scope, ..input(&[]) };
    excess(&input, &Tables::read(&input, &Limits::default()).expect("readable rows")).expect("series")
}

fn own(excess: &Excess) -> Vec<(&str, i64)> {
    excess.nodes.iter().map(|node| (node.node.as_str(), node.own.round() as i64)).collect()
}

/// Scenario: the database is half a second slower, which its callers wait for; the cart adds a little of its own, and
/// a node outside of the graph is slowest of all.
/// Guarantees: waiting cancels out, shares add up to one, and what the target does not reach comes after what it does.
#[test]
fn waiting_for_others_is_not_ones_own() {
    let rows = [
        node("web", (100.0, 1.6, 100.0)),
        node("cart", (100.0, 1.6, 100.0)),
        node("db", (100.0, 1.5, 100.0)),
        node("cache", (100.0, 1.0, 100.0)),
        node("mail", (100.0, 9.0, 100.0)),
    ]
    .concat();
    let excess = found(&rows, None);
    assert_eq!(own(&excess), [("db", 500), ("cart", 100), ("web", 0), ("cache", 0), ("mail", 8_000)]);
    assert_eq!(excess.symptom, Symptom::Latency);
    assert!((excess.nodes.iter().map(|node| node.share).sum::<f64>() - 1.0).abs() < 1e-9);
    assert!((excess.strength - 600.0 / 1_000.0 / 0.005).abs() < 1e-6, "{}", excess.strength);
}

/// Scenario: one request in ten fails in a node that appeared with the fault, or in one that was always there.
/// Guarantees: the new node is its caller's doing; the other one is guilty itself.
#[test]
fn a_node_that_appeared_is_its_callers_doing() {
    let failing = |name| node(name, (100.0, 1.0, 90.0));
    let rows = [failing("web"), failing("cart"), failing("db")].concat();
    assert_eq!(own(&found(&rows, Some(Symptom::Availability)))[0], ("db", 100));
    let fresh: Vec<_> = failing("db").split_off(40);
    let rows = [failing("web"), failing("cart"), fresh].concat();
    let excess = found(&rows, Some(Symptom::Availability));
    assert_eq!(own(&excess)[0], ("cart", 100));
    assert!(excess.nodes.iter().any(|node| node.node == "db" && node.is_new && node.share == 0.0));
}

/// Scenario: the slowest node sent its metrics without a name.
/// Guarantees: it is nobody's suspect, and weighs nothing; a service that is called alike is one.
#[test]
fn the_nameless_are_not_suspected() {
    let slow = |name| node(name, (100.0, 9.0, 100.0));
    let rows =
        [node("web", (100.0, 1.5, 100.0)), slow("unknown_service"), slow("unknown_service:java")].concat();
    let excess = found(&rows, None);
    assert_eq!(own(&excess)[0], ("web", 500));
    assert!(excess.nodes.iter().all(|node| !node.node.starts_with("unknown_service")), "{excess:?}");
    let rows = [rows, slow("unknown_services")].concat();
    assert!(found(&rows, None).nodes.iter().any(|node| node.node == "unknown_services"));
}

/// Scenario: an ordinary day.
/// Guarantees: the strength says that nothing is wrong.
#[test]
fn an_ordinary_day_has_no_strength() {
    let excess = found(&node("web", (100.0, 1.001, 100.0)), None);
    assert!(excess.strength < 1.0, "{}", excess.strength);
}
