//! Tests of edge blame.

use super::*;
use crate::Tables;
use crate::test_rows::{MS, SpanRow, spans, tables};
use proptest::prelude::*;

/// One call of web to cart within a request, before the window for small traces and in it for those from 100 on.
struct Call {
    client_ms: i64,
    /// `None`: the far side sent no span.
    server_ms: Option<i64>,
    error: Option<&'static str>,
}

/// A request whose calls follow each other.
fn request(trace: u128, calls: &[Call]) -> Vec<SpanRow> {
    let mut at = trace as i64 * MS;
    let fails = calls.last().is_some_and(|call| call.error.is_some());
    let mut rows = vec![SpanRow::new(trace, 1, "web", "GET").kind("server")];
    for (number, call) in calls.iter().enumerate() {
        let id = 10 * (number as u64 + 1);
        let mut client = SpanRow::new(trace, id, "web", "call").kind("client").child_of(1);
        client = client.at(at, at + call.client_ms * MS);
        rows.push(if let Some(error) = call.error { client.failed(error) } else { client });
        if let Some(server_ms) = call.server_ms {
            let server = SpanRow::new(trace, id + 1, "cart", "add").kind("server").child_of(id);
            rows.push(server.at(at, at + server_ms * MS));
        }
        at += call.client_ms * MS;
    }
    rows[0] = rows[0].clone().at(trace as i64 * MS, at);
    if fails {
        rows[0] = rows[0].clone().failed("bad");
    }
    rows
}

fn ok(client_ms: i64, server_ms: i64) -> Call {
    Call { client_ms, server_ms: Some(server_ms), error: None }
}

fn failed(client_ms: i64, server_ms: Option<i64>, error: &'static str) -> Call {
    Call { client_ms, server_ms, error: Some(error) }
}

/// Forty requests before, by `ok(10, 8)`, and forty now.
fn blames(now: impl Fn(u128) -> Vec<Call>) -> (Tables, Vec<EdgeBlame>) {
    let mut rows: Vec<_> = (1..=40).flat_map(|trace| request(trace, &[ok(10, 8)])).collect();
    rows.extend((100..140).flat_map(|trace| request(trace, &now(trace))));
    let tables = tables(&[spans(&rows)]);
    let blames = edge_blame(&tables.traces);
    (tables, blames)
}

/// Scenario: calls take longer on the way; or in the callee.
/// Guarantees: each is told apart, with the time, and the parts add up.
#[test]
fn the_way_and_the_callee_are_told_apart() {
    let (_, slow_way) = blames(|_| vec![ok(60, 8)]);
    assert_eq!(slow_way[0].hints, [EdgeHint::SlowBetween { more_ns: 50 * MS }]);
    assert_eq!((slow_way[0].excess_ns, slow_way[0].between_ns, slow_way[0].callee_ns), (50 * MS, 50 * MS, 0));
    assert_eq!(slow_way[0].lost_ns_per_trace, 50 * MS);
    let (_, slow_callee) = blames(|_| vec![ok(60, 58)]);
    assert_eq!(slow_callee[0].hints, [EdgeHint::SlowCallee { more_ns: 50 * MS }]);
    assert_eq!((slow_callee[0].between_ns, slow_callee[0].callee_ns), (0, 50 * MS));
}

/// Scenario: each call is tried three times, each given up after a second, while the callee works on.
/// Guarantees: timeouts with their time, the storm with its factor; of one logical call that failed.
#[test]
fn timeouts_and_retries_are_told() {
    let (_, blames) = blames(|_| (0..3).map(|_| failed(1_000, Some(3_000), "no answer")).collect());
    let blame = &blames[0];
    assert_eq!((blame.now.n_attempts, blame.now.n_logical, blame.now.n_failed), (120, 40, 40));
    assert_eq!(blame.share_of_failed, 1.0);
    assert!(blame.hints.contains(&EdgeHint::Timeouts { n: 120, after_ns: Some(1_000 * MS) }), "{blame:?}");
    assert!(blame.hints.contains(&EdgeHint::RetryStorm { attempts_per_call: 3.0, before: 1.0 }), "{blame:?}");
}

/// Scenario: a call fails and its second attempt succeeds; two calls of one kind run at the same time and both fail.
/// Guarantees: the first is one logical call that went well, the others are two.
#[test]
fn the_last_attempt_decides() {
    let (_, retried) = blames(|_| vec![failed(5, Some(4), "reset"), ok(10, 8)]);
    assert_eq!(
        (retried[0].now.n_logical, retried[0].now.n_failed, retried[0].now.n_failed_attempts),
        (40, 0, 40)
    );
    let both = request(100, &[failed(5, None, "reset"), failed(5, None, "reset")]);
    let both: Vec<_> =
        both.into_iter().map(|row| SpanRow { start: 100 * MS, end: 105 * MS, ..row }).collect();
    let blames = edge_blame(&tables(&[spans(&both)]).traces);
    assert_eq!((blames[0].now.n_logical, blames[0].now.n_failed), (2, 2));
    assert_eq!(blames[0].hints, [EdgeHint::New]);
}

/// Scenario: calls end at once without reaching the callee; a pool gives no connection.
/// Guarantees: an open breaker in the one case, an exhausted pool in the other, although it is called a timeout.
#[test]
fn breakers_and_pools_are_told() {
    let half = |trace: u128, call: Call| vec![if trace.is_multiple_of(2) { call } else { ok(10, 8) }];
    let (_, open) = blames(|trace| half(trace, failed(0, None, "unavailable")));
    let blame = &open[0];
    assert!(matches!(blame.edge.callee, Callee::Service(_)) && open.len() == 1, "{open:?}");
    assert_eq!((blame.now.n_failed, blame.now.n_unseen), (20, 20));
    assert_eq!(blame.hints, [EdgeHint::FailFast { n: 20 }]);
    let (_, pool) = blames(|trace| half(trace, failed(30, Some(8), "timed out waiting for pool")));
    assert!(pool[0].hints.contains(&EdgeHint::PoolExhausted { n: 20 }), "{:?}", pool[0].hints);
}

/// Scenario: all three callees of one caller answer late; or one callee does for three callers.
/// Guarantees: the time on the way is the caller's in the one case, the callee's in the other.
#[test]
fn whoever_has_all_edges_raised_has_the_time() {
    let call = |trace: u128, caller: &str, callee: &str, way_ms: i64| {
        let at = trace as i64 * MS;
        let client = SpanRow::new(trace, 1, caller, "call").kind("client").at(at, at + (5 + way_ms) * MS);
        [client, SpanRow::new(trace, 2, callee, "serve").kind("server").child_of(1).at(at, at + 5 * MS)]
    };
    let shares = |edges: &[(&str, &str, i64)]| {
        let mut rows = Vec::new();
        for (at, (caller, callee, way_ms)) in edges.iter().enumerate() {
            rows.extend(call(at as u128 + 1, caller, callee, 1));
            rows.extend(call(at as u128 + 101, caller, callee, *way_ms));
        }
        let blames = edge_blame(&tables(&[spans(&rows)]).traces);
        blames
            .iter()
            .filter(|blame| blame.between_ns > MS)
            .map(|blame| blame.share_of_caller)
            .collect::<Vec<_>>()
    };
    let of_caller = shares(&[("a", "x", 50), ("a", "y", 50), ("b", "x", 1), ("b", "y", 1)]);
    assert!(of_caller.iter().all(|share| *share > 0.6) && of_caller.len() == 2, "{of_caller:?}");
    let of_callee = shares(&[("a", "x", 50), ("b", "x", 50), ("a", "y", 1), ("b", "y", 1)]);
    assert!(of_callee.iter().all(|share| *share < 0.1) && of_callee.len() == 2, "{of_callee:?}");
}

proptest! {
    /// Scenario: any calls before and now.
    /// Guarantees: the excess is the sum of its parts, attempts are no fewer than calls, and order changes nothing.
    #[test]
    fn parts_add_up(calls in prop::collection::vec((0..90i64, prop::option::of(0..99i64), any::<bool>()), 1..60), shift in 0..99usize) {
        let mut rows = Vec::new();
        for (at, of_one) in calls.chunks(3).enumerate() {
            let of_one: Vec<_> = of_one.iter().map(|(client_ms, server_ms, fails)| Call {
                client_ms: *client_ms,
                server_ms: *server_ms,
                error: fails.then_some("no"),
            }).collect();
            rows.extend(request(if at % 2 == 0 { at as u128 + 1 } else { at as u128 + 101 }, &of_one));
        }
        let found = edge_blame(&tables(&[spans(&rows)]).traces);
        for blame in &found {
            prop_assert_eq!(blame.excess_ns, blame.callee_ns + blame.between_ns + blame.unseen_ns);
            prop_assert!(blame.now.n_failed <= blame.now.n_logical && blame.now.n_logical <= blame.now.n_attempts);
        }
        let n_rows = rows.len();
        rows.rotate_left(shift % n_rows);
        rows.push(SpanRow::new(u128::MAX, 1, "other", "job").at(0, 1));
        prop_assert_eq!(edge_blame(&tables(&[spans(&rows)]).traces).len(), found.len());
    }
}
