//! Edges between services, databases, queues and external hosts.

use super::engines::{Data, everywhere};
use super::rows::{millis, span};
use crate::query::TimeRange;
use expect_test::{Expect, expect};
use serde_json::json;
use std::fmt::Write as _;

fn data() -> Data {
    let mut spans = Vec::new();
    for n in 0..10_u8 {
        let t = 1_000 + i64::from(n) * 100;
        let db =
            json!({ "db_system_name": "postgresql", "db_namespace": "orders", "server_address": "db:5432" });
        let cache = json!({ "db_system_name": "redis", "server_address": "cache" });
        let queue = json!({ "messaging_system": "kafka", "messaging_destination_name": "mail" });
        let failed = json!({ "is_error": n == 0, "peer_service": "shop" });
        spans.extend([
            span(n, 1, None, "web", "GET /", "server", (t, t + 90), json!({})),
            // Answered by the shop: an edge with the caller's 80 ms, no virtual node.
            span(n, 2, Some(1), "web", "call", "client", (t, t + 80), failed),
            span(n, 3, Some(2), "shop", "pay", "server", (t + 10, t + 70), json!({ "is_error": true })),
            // Databases that send no spans.
            span(n, 4, Some(3), "shop", "SELECT", "client", (t + 10, t + 30), db),
            span(n, 5, Some(3), "shop", "GET", "client", (t + 30, t + 31), cache),
            // A queue whose consumer is seen half of the time.
            span(n, 6, Some(3), "shop", "send", "producer", (t + 31, t + 33), queue),
            // A call within the service, and one to the outside.
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
            span(
                n,
                8,
                Some(3),
                "shop",
                "POST",
                "client",
                (t + 40, t + 60),
                json!({ "server_address": "api.bank" }),
            ),
        ]);
        if n % 2 == 0 {
            spans.push(span(n, 9, Some(6), "mail", "receive", "consumer", (t + 500, t + 600), json!({})));
        }
    }
    Data { spans, ..Data::default() }
}

async fn check(range: TimeRange, service: Option<&str>, expected: Expect) {
    let mut first = None;
    for stored in everywhere(&data()).await {
        let mut text = String::new();
        for edge in stored.engine.edges(range, service).await.expect("reads") {
            let (n, n_errors) = (edge.totals.n, edge.totals.n_errors);
            let p50 = edge.totals.p50_ns.expect("has calls") as f64 / 1e6;
            writeln!(
                text,
                "{} -> {} ({:?}) {n_errors}/{n} {p50:.0}ms",
                edge.caller, edge.callee, edge.callee_kind
            )
            .expect("writes");
        }
        assert_eq!(*first.get_or_insert_with(|| text.clone()), text, "{}", stored.place);
    }
    expected.assert_eq(&first.unwrap_or_default());
}

/// Scenario: calls between services, to silent databases, queues and hosts; all, and one service's.
/// Guarantees: one edge a pair with the caller's view; a call that was answered is no virtual node.
#[tokio::test]
async fn draws_edges_and_virtual_nodes() {
    let range = TimeRange { from: millis(0), to: millis(60_000) };
    check(
        range,
        None,
        expect![[r#"
        shop -> api.bank (External) 0/10 20ms
        shop -> postgresql orders (Database) 0/10 20ms
        shop -> redis cache (Database) 0/10 1ms
        web -> shop (Service) 1/10 80ms
        shop -> kafka mail (Messaging) 0/5 2ms
        shop -> mail (Service) 0/5 2ms
    "#]],
    )
    .await;
    check(
        range,
        Some("mail"),
        expect![[r#"
        shop -> mail (Service) 0/5 2ms
    "#]],
    )
    .await;
    check(
        range,
        Some("web"),
        expect![[r#"
        web -> shop (Service) 1/10 80ms
    "#]],
    )
    .await;
    check(range, Some("' OR '1'='1"), expect![[""]]).await;
}

/// Scenario: a window that cuts through calls.
/// Guarantees: a call counts where its answer starts, also when the caller started before.
#[tokio::test]
async fn counts_calls_by_their_answer() {
    check(
        TimeRange { from: millis(1_905), to: millis(1_911) },
        None,
        expect![[r#"
        shop -> postgresql orders (Database) 0/1 20ms
        web -> shop (Service) 0/1 80ms
    "#]],
    )
    .await;
}
