//! Tests of graphs put together from edges.

use super::*;
use alerts::{Ownership, OwnershipSpec};
use proptest::prelude::*;
use std::collections::HashSet;
use storage::RedGroup;

const RANGE: TimeRange = TimeRange { from: 0, to: 100_000_000_000 };

fn totals(n: u64) -> RedTotals {
    RedTotals {
        n,
        n_adjusted_q16: n << 16,
        sum_ns: n as i64 * 1_000,
        p50_ns: Some(7),
        ..RedTotals::default()
    }
}

fn peer(kind: PeerKind, name: &str) -> Peer {
    Peer { kind, name: name.to_owned(), detail: String::new(), address: String::new() }
}

fn service(name: &str) -> Peer {
    peer(PeerKind::Service, name)
}

fn edge(caller: Peer, callee: Peer, n: u64) -> Edge {
    let direction = match caller.kind {
        PeerKind::Messaging => EdgeDirection::Deliver,
        _ => EdgeDirection::Call,
    };
    Edge {
        caller,
        callee,
        direction,
        totals: totals(n),
        callee_totals: None,
        gap_totals: None,
        errors: Vec::new(),
        n_bytes_request: 0,
        n_sized: 0,
    }
}

fn drawn(edges: Vec<Edge>, served: &[(&str, u64)], around: Option<(&str, u32)>, limit: usize) -> Drawn {
    let callees = edges.iter().map(|edge| (edge.callee.clone(), edge.totals)).collect();
    let group = |(name, n): &(&str, u64)| RedGroup {
        service: (*name).to_owned(),
        total: totals(*n),
        ..RedGroup::default()
    };
    let text = String::new;
    Drawn {
        range: RANGE,
        edges: EdgesAnswer { edges, callees, counted: RANGE, is_coarser: false, sql: text() },
        served: RedAnswer {
            groups: served.iter().map(group).collect(),
            counted: RANGE,
            is_coarser: false,
            sql: text(),
            points_sql: text(),
        },
        owners: BTreeMap::new(),
        around: around.map(|(service, depth)| Around { service: service.to_owned(), depth }),
        limit,
    }
}

/// The shop asks a bank and hands mail to a queue, from which a worker takes it.
fn shop() -> Vec<Edge> {
    let queue = || peer(PeerKind::Messaging, "mail");
    vec![
        edge(service("web"), service("shop"), 10),
        edge(service("shop"), peer(PeerKind::External, "bank"), 4),
        edge(service("shop"), queue(), 6),
        edge(queue(), service("worker"), 5),
        edge(service("web"), service("legacy"), 1),
    ]
}

fn ids(graph: &wire::Graph) -> Vec<&str> {
    graph.nodes.iter().map(|node| node.id.as_str()).collect()
}

/// Scenario: services that sent spans, one that only its caller tells of, a queue and a host.
/// Guarantees: instrumented services have what they served, all others the calls to them, per second of the range.
#[test]
fn nodes_have_what_they_served_or_were_asked() {
    let graph = graph(&drawn(shop(), &[("web", 20), ("shop", 10), ("worker", 5)], None, 100));
    assert_eq!(
        ids(&graph),
        [
            "external/bank",
            "messaging/mail",
            "service/legacy",
            "service/shop",
            "service/web",
            "service/worker"
        ]
    );
    let figures: Vec<_> =
        graph.nodes.iter().map(|node| (node.red.n_requests, node.is_instrumented, node.distance)).collect();
    let [told, sent] = [false, true];
    let wanted = [(4, told), (6, told), (1, told), (10, sent), (20, sent), (5, sent)];
    assert_eq!(figures, wanted.map(|(n, is_instrumented)| (n, is_instrumented, None)));
    assert_eq!((graph.nodes[4].red.rate_per_s, graph.nodes[4].red.mean_ns), (0.2, Some(1_000)));
    let delivered = &graph.edges[0];
    assert_eq!((delivered.caller.as_str(), delivered.callee.as_str()), ("messaging/mail", "service/worker"));
    assert_eq!((delivered.direction, delivered.red.n_requests), (wire::EdgeDirection::Deliver, 5));
}

/// Scenario: it is told whose a service is, and whose another one of the name of a host.
/// Guarantees: the service's node has its owner, and no other node has one.
#[test]
fn services_have_their_owners() {
    let owned_by = |owner: &str| {
        let spec = OwnershipSpec { owner: Some(owner.to_owned()), ..OwnershipSpec::default() };
        let ownership = Ownership::new(spec).expect("valid");
        Owned { ownership, updated_at: None, overrides_api: false }
    };
    let owners = [("shop", "payments"), ("bank", "finance")];
    let owners = owners.map(|(service, owner)| (service.to_owned(), owned_by(owner)));
    let drawn = Drawn { owners: BTreeMap::from(owners), ..drawn(shop(), &[("shop", 10)], None, 100) };
    let graph = graph(&drawn);
    let told = graph.nodes.iter().filter_map(|node| Some((node.id.as_str(), node.owner.as_deref()?)));
    assert_eq!(told.collect::<Vec<_>>(), [("service/shop", "payments")]);
}

/// Scenario: neighbourhoods of several depths, a limit within one, and a service that has nothing to do with others.
/// Guarantees: nodes are those within the depth, the nearest stay where there are too many, then the busiest; edges
/// have both their ends.
#[test]
fn a_neighbourhood_is_the_nearest_and_busiest() {
    let served = [("web", 20), ("shop", 10), ("worker", 5)];
    let around = |service, depth, limit| graph(&drawn(shop(), &served, Some((service, depth)), limit));
    assert_eq!(ids(&around("worker", 1, 9)), ["messaging/mail", "service/worker"]);
    let two = around("worker", 2, 9);
    assert_eq!(ids(&two), ["messaging/mail", "service/shop", "service/worker"]);
    assert_eq!(two.nodes.iter().map(|node| node.distance).collect::<Vec<_>>(), [Some(1), Some(2), Some(0)]);
    assert_eq!((two.edges.len(), two.n_nodes, two.truncated), (2, 3, false));
    let cut = around("shop", 2, 3);
    assert_eq!(
        (ids(&cut), cut.n_nodes, cut.truncated),
        (vec!["messaging/mail", "service/shop", "service/web"], 6, true)
    );
    assert_eq!(cut.edges.len(), 2);
    let alone = drawn(shop(), &served, Some(("batch", 3)), 9);
    assert_eq!(alone.missing(), Some("batch"));
    assert_eq!(ids(&graph(&alone)), ["service/batch"]);
    assert_eq!(drawn(shop(), &served, Some(("legacy", 3)), 9).missing(), None);
}

proptest! {
    /// Scenario: any edges between a few services, in any order, around any of them.
    /// Guarantees: the graph does not depend on the order of edges, no node is there twice, and every edge has both
    /// its ends.
    #[test]
    fn graphs_are_sound_and_stable(
        (calls, mixed) in prop::collection::btree_set((0..6_u8, 0..6_u8), 0..20).prop_flat_map(|calls| {
            let calls: Vec<(u8, u8)> = calls.into_iter().collect();
            (Just(calls.clone()), Just(calls).prop_shuffle())
        }),
        depth in 1..4_u32,
        limit in 1..8_usize,
    ) {
        let edges = |calls: &[(u8, u8)]| -> Vec<Edge> {
            let name = |n: u8| service(&format!("s{n}"));
            calls.iter().map(|&(a, b)| edge(name(a), name(b), u64::from(a + b) + 1)).collect()
        };
        let around = Some(("s3", depth));
        let one = graph(&drawn(edges(&calls), &[], around, limit));
        let mut other = drawn(edges(&mixed), &[], around, limit);
        // What storage gives is added up whichever way edges come.
        other.edges.callees = drawn(edges(&calls), &[], around, limit).edges.callees;
        prop_assert_eq!(&one, &graph(&other));
        let ids: HashSet<&str> = one.nodes.iter().map(|node| node.id.as_str()).collect();
        prop_assert_eq!(ids.len(), one.nodes.len());
        prop_assert!(one.nodes.len() <= limit);
        prop_assert!(ids.contains("service/s3"));
        for edge in &one.edges {
            prop_assert!(ids.contains(edge.caller.as_str()) && ids.contains(edge.callee.as_str()));
        }
    }
}
