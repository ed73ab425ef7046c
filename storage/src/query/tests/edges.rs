//! Edges between services, databases, queues and external hosts.

use super::engines::{Data, everywhere, hot};
use super::rows::{millis, span};
use crate::query::{Edge, EdgeDirection, TimeRange};
use expect_test::{Expect, expect};
use serde_json::{Value, json};
use std::fmt::Write as _;

fn minute() -> TimeRange {
    TimeRange { from: millis(0), to: millis(60_000) }
}

fn data() -> Data {
    let mut spans = Vec::new();
    for n in 1..=10_u8 {
        let t = 1_000 + i64::from(n) * 100;
        let db =
            json!({ "db_system_name": "postgresql", "db_namespace": "orders", "server_address": "db:5432" });
        let cache = json!({ "db_system_name": "redis", "server_address": "cache" });
        let queue = json!({ "messaging_system": "kafka", "messaging_destination_name": "mail" });
        let failed = json!({ "is_error": n == 1, "error_type": "timeout", "peer_service": "shop" });
        let sized = json!({ "server_address": "api.bank", "attributes_types": "i",
            "attributes": { "http.request.body.size": "100" } });
        spans.extend([
            span(n, 1, None, "web", "GET /", "server", (t, t + 90), json!({})),
            // Answered by the shop: an edge with the caller's 80 ms and the shop's 60.
            span(n, 2, Some(1), "web", "call", "client", (t, t + 80), failed),
            span(n, 3, Some(2), "shop", "pay", "server", (t + 10, t + 70), json!({ "is_error": true })),
            // Databases that send no spans.
            span(n, 4, Some(3), "shop", "SELECT", "client", (t + 10, t + 30), db),
            span(n, 5, Some(3), "shop", "GET", "client", (t + 30, t + 31), cache),
            // A queue whose consumer is seen half of the time.
            span(n, 6, Some(3), "shop", "send", "producer", (t + 31, t + 33), queue),
            // Work within the service, and a call to the outside.
            span(
                n,
                7,
                Some(3),
                "shop",
                "inner",
                "internal",
                (t + 33, t + 40),
                json!({ "server_address": "x" }),
            ),
            span(n, 8, Some(3), "shop", "POST", "client", (t + 40, t + 60), sized),
        ]);
        if n % 2 == 0 {
            spans.push(span(n, 9, Some(6), "mail", "receive", "consumer", (t + 533, t + 600), json!({})));
        }
    }
    Data { spans, ..Data::default() }
}

fn told(edge: &Edge) -> String {
    let ms = |ns: Option<i64>| ns.map_or("-".to_owned(), |ns| format!("{:.0}ms", ns as f64 / 1e6));
    let arrow = if edge.direction == EdgeDirection::Call { "->" } else { "=>" };
    let (totals, callee) = (&edge.totals, edge.callee_totals.as_ref());
    let mut text = format!(
        "{} {arrow} {} ({:?}) {}/{} {}",
        edge.caller.label(),
        edge.callee.label(),
        edge.callee.kind,
        totals.n_errors,
        totals.n,
        ms(totals.p50_ns),
    );
    if let Some(callee) = callee {
        write!(text, ", callee {}/{} {}", callee.n_errors, callee.n, ms(callee.p50_ns)).expect("writes");
    }
    if let Some(gap) = &edge.gap_totals {
        write!(text, ", gap {} {}", gap.n, ms(gap.p50_ns)).expect("writes");
    }
    if edge.n_sized > 0 {
        write!(text, ", {} B of {}", edge.n_bytes_request, edge.n_sized).expect("writes");
    }
    if !edge.errors.is_empty() {
        write!(text, ", {:?}", edge.errors).expect("writes");
    }
    text
}

async fn check(data: &Data, range: TimeRange, service: Option<&str>, expected: Expect) {
    let mut first = None;
    for stored in everywhere(data).await {
        let answer = stored.engine.edges(range, service).await.expect("reads");
        let text: String = answer.edges.iter().map(|edge| told(edge) + "\n").collect();
        assert_eq!(*first.get_or_insert_with(|| text.clone()), text, "{}", stored.place);
    }
    expected.assert_eq(&first.unwrap_or_default());
}

/// Scenario: calls between services, to silent databases, queues and hosts; all, and one service's.
/// Guarantees: one edge a pair, with what both sides saw; a call that was answered is no call to a peer without spans.
#[tokio::test]
async fn draws_edges_with_both_sides() {
    check(
        &data(),
        minute(),
        None,
        expect![[r#"
            shop -> postgresql orders (Database) 0/10 20ms
            shop -> redis cache (Database) 0/10 1ms
            shop -> kafka mail (Messaging) 0/10 2ms
            shop -> api.bank (External) 0/10 20ms, 1000 B of 10
            web -> shop (Service) 1/10 80ms, callee 10/10 60ms, gap 10 20ms, [("timeout", 1)]
            kafka mail => mail (Service) 0/5 67ms, gap 5 500ms
        "#]],
    )
    .await;
    check(
        &data(),
        minute(),
        Some("mail"),
        expect![[r#"
            kafka mail => mail (Service) 0/5 67ms, gap 5 500ms
        "#]],
    )
    .await;
    check(
        &data(),
        minute(),
        Some("web"),
        expect![[r#"
            web -> shop (Service) 1/10 80ms, callee 10/10 60ms, gap 10 20ms, [("timeout", 1)]
        "#]],
    )
    .await;
    check(&data(), minute(), Some("' OR '1'='1"), expect![[""]]).await;
}

fn client(n: u8, caller: &str, more: Value) -> Value {
    span(n, 1, None, caller, "call", "client", (0, 10), more)
}

fn server(n: u8, service: &str) -> Value {
    span(n, 2, Some(1), service, "serve", "server", (1, 9), json!({}))
}

/// Scenario: calls to an address at which one service answers, and two; to everybody's own `localhost`; to a name that
/// no service has; databases without namespace or server.
/// Guarantees: each peer has one node: unanswered calls belong to the only one that they can be meant for, and to no
/// other.
#[tokio::test]
async fn each_peer_is_one_node() {
    let host = |host: &str| json!({ "server_address": host });
    let named = |name: &str, host: &str| json!({ "peer_service": name, "server_address": host });
    let database = |namespace: Option<&str>, host: Option<&str>| json!({ "db_system_name": "mysql", "db_namespace": namespace, "server_address": host });
    let spans = vec![
        client(1, "web", host("shop:80")),
        server(1, "shop"),
        client(2, "web", host("shop:80")),
        client(3, "app", host("shop:80")),
        client(4, "app", named("Shop of ours", "shop:80")),
        // A balancer, behind which two answer.
        client(5, "web", host("edge")),
        server(5, "cart"),
        client(6, "web", host("edge")),
        server(6, "mail"),
        client(7, "app", host("edge")),
        client(8, "app", named("mail", "edge")),
        // A proxy beside each.
        client(9, "web", host("localhost:1")),
        server(9, "mail"),
        client(10, "web", host("localhost:1")),
        client(11, "app", host("localhost:1")),
        client(12, "app", database(Some("orders"), Some("db"))),
        client(13, "app", database(None, Some("db"))),
        client(14, "app", database(Some("orders"), None)),
    ];
    check(
        &Data { spans, ..Data::default() },
        minute(),
        None,
        expect![[r#"
            app -> mysql orders (Database) 0/3 10ms
            web -> mail (Service) 0/3 10ms, callee 0/2 8ms, gap 2 2ms
            app -> shop (Service) 0/2 10ms
            web -> shop (Service) 0/2 10ms, callee 0/1 8ms, gap 1 2ms
            app -> mail (Service) 0/1 10ms
            app -> edge (External) 0/1 10ms
            app -> localhost:1 (External) 0/1 10ms
            web -> cart (Service) 0/1 10ms, callee 0/1 8ms, gap 1 2ms
        "#]],
    )
    .await;
}

/// Scenario: the statement shown for edges is run.
/// Guarantees: it gives the same calls, by the names that rows have.
#[tokio::test]
async fn the_statement_shown_counts_the_same() {
    let stored = hot(&data()).await;
    let answer = stored.engine.edges(minute(), Some("shop")).await.expect("reads");
    let table = super::table(&stored.engine, &answer.sql).await;
    let n_rows = table.lines().filter(|line| line.contains("shop")).count();
    assert_eq!(n_rows, answer.edges.len(), "{table}");
}

/// Scenario: two services ask one database, one of them also a shop that answers.
/// Guarantees: the database has the calls of both, and quantiles of them together; who tells of its own side is not
/// there.
#[tokio::test]
async fn peers_without_spans_have_the_calls_of_all() {
    let database = || json!({ "db_system_name": "mysql", "db_namespace": "orders", "server_address": "db" });
    let slow = span(3, 1, None, "web", "call", "client", (0, 500), database());
    let spans = vec![
        client(1, "app", database()),
        client(2, "app", database()),
        slow,
        client(4, "web", json!({})),
        server(4, "shop"),
    ];
    for stored in everywhere(&Data { spans, ..Data::default() }).await {
        let answer = stored.engine.edges(minute(), None).await.expect("reads");
        let [(peer, totals)] = answer.callees.as_slice() else { panic!("{:?}", answer.callees) };
        assert_eq!((peer.label().as_str(), totals.n, totals.sum_ns), ("mysql orders", 3, 520_000_000));
        for (quantile, wanted) in [(totals.p50_ns, 10_000_000), (totals.p99_ns, 500_000_000)] {
            let off = (quantile.expect("has calls") - wanted).abs();
            assert!(off * 100 <= wanted, "{}: {quantile:?} is not {wanted}", stored.place);
        }
    }
}
