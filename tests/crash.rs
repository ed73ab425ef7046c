//! `kill -9` under load: what was acknowledged is there, exactly once.

use crate::support::otlp;
use crate::support::server::{Home, Server, signal};
use crate::support::wait::eventually_eq;
use prost::Message;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinSet;

const N_SENDERS: u64 = 4;
const SPANS_PER_REQUEST: u64 = 50;
/// Rounds of load and kill over the same data directory.
const ROUNDS: u64 = 3;

/// Scenario: four clients send spans without a pause, the process is killed with SIGKILL, started
/// again, and so on; flushes happen all the time because the interval is short.
/// Guarantees: after each restart every acknowledged span is stored exactly once, and a span that
/// was never acknowledged is stored at most once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_spans_survive_kill_9_exactly_once() {
    let home = Home::new("crash", "[storage]\nflush_interval = \"1s\"\n");
    let acknowledged = Arc::new(Mutex::new(BTreeSet::new()));
    let next = Arc::new(AtomicU64::new(0));
    for round in 0..ROUNDS {
        let server = home.start().await;
        assert_stored(&server, &acknowledged, round).await;
        load_then_kill(server, &acknowledged, &next, (round + 1) * 4_000).await;
    }
    let server = home.start().await;
    assert_stored(&server, &acknowledged, ROUNDS).await;
    server.assert_quiet(&["cut the unfinished end of the log"]);
}

/// Sends until `n` spans are acknowledged in all, then kills the server with requests in flight.
async fn load_then_kill(
    server: Server,
    acknowledged: &Arc<Mutex<BTreeSet<u64>>>,
    next: &Arc<AtomicU64>,
    n_spans: u64,
) {
    let mut senders = JoinSet::new();
    for _ in 0..N_SENDERS {
        let (http, url) = (server.http.clone(), format!("{}/v1/traces", server.otlp_http()));
        let (acknowledged, next) = (Arc::clone(acknowledged), Arc::clone(next));
        senders.spawn(async move {
            loop {
                let first = next.fetch_add(SPANS_PER_REQUEST, Ordering::SeqCst);
                let numbers = first..first + SPANS_PER_REQUEST;
                let spans = numbers.clone().map(|number| otlp::span(number, false)).collect();
                let body = otlp::traces("crash", spans).encode_to_vec();
                let request = http.post(&url).header("content-type", "application/x-protobuf").body(body);
                match request.send().await {
                    Ok(answer) if answer.status().is_success() => {
                        acknowledged.lock().expect("lock").extend(numbers);
                    }
                    // The kill cuts the connection: not acknowledged.
                    _ => return,
                }
            }
        });
    }
    let pid = server.pid();
    eventually_eq("enough spans are acknowledged", Duration::from_secs(60), true, || {
        let enough = acknowledged.lock().expect("lock").len() as u64 >= n_spans;
        async move { enough }
    })
    .await;
    signal(pid, "KILL");
    while senders.join_next().await.is_some() {}
    server.kill();
}

async fn assert_stored(server: &Server, acknowledged: &Mutex<BTreeSet<u64>>, round: u64) {
    let acknowledged = acknowledged.lock().expect("lock").clone();
    let twice = "SELECT count(*) FROM (SELECT span_id FROM spans GROUP BY span_id HAVING count(*) > 1)";
    assert_eq!(server.number(twice).await, 0, "round {round}: spans stored twice");
    let mut stored = BTreeSet::new();
    let last = acknowledged.last().map_or(0, |last| last + 1);
    // In pieces, because one JSON answer is bounded.
    for first in (0..last).step_by(5_000) {
        let sql = format!(
            "SELECT hex(span_id) FROM spans WHERE span_id >= X'{:016x}' AND span_id < X'{:016x}' LIMIT 10000",
            first + 1,
            first + 5_001
        );
        for row in server.sql(&sql).await {
            let id = u64::from_str_radix(row[0].as_str().expect("hex text"), 16).expect("hex");
            stored.insert(id - 1);
        }
    }
    let lost: Vec<_> = acknowledged.difference(&stored).take(5).collect();
    assert!(lost.is_empty(), "round {round}: acknowledged but lost: {lost:?} ...");
}
