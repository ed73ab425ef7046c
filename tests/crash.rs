//! `kill -9` under load: what was acknowledged is there, exactly once.
//!
//! `FIRSTFAULT_CRASH_ROUNDS=5000` kills that often instead of 200 times. A failure shows the seed;
//! `FIRSTFAULT_CRASH_SEED` draws the same moments again, as far as a real machine repeats itself.

use crate::support::otlp;
use crate::support::server::{Home, Server, signal};
use crate::support::wait::eventually_eq;
use prost::Message;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinSet;

const N_SENDERS: u64 = 4;
const ITEMS_PER_REQUEST: u64 = 50;
/// Kills in all.
const ROUNDS: u64 = 200;
/// Kills of one data directory; the next round begins an empty one, so that looking for every item stays quick.
const ROUNDS_PER_LIFE: u64 = 20;
/// Flushed as often as the configuration allows, and two segments are enough for a merge.
const CONFIG: &str = "[storage]\nflush_interval = \"1s\"\nhot_bytes = \"8MiB\"\n[compaction]\nsegments = 2\n";
/// Bytes of a log's body: with the small one rows are flushed because they are old, with the large one because few
/// requests fill the memory.
const BODY_BYTES: [usize; 2] = [200, 4_000];
const LIMIT: Duration = Duration::from_secs(60);

/// Scenario: four clients send spans, logs and points without a pause, the process is killed with SIGKILL
/// at random moments, some of them when segments were just merged, started again, and so on.
/// Guarantees: after each restart every acknowledged item is stored exactly once, one that was never
/// acknowledged at most once, and the read model counts the spans that are there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[allow(clippy::print_stdout, reason = "a failure shows the seed")]
async fn acknowledged_items_survive_kill_9_exactly_once() {
    let number = |name| std::env::var(name).ok().map(|text| text.parse().expect("a number"));
    let seed = number("FIRSTFAULT_CRASH_SEED").unwrap_or_else(otlp::now);
    let n_rounds = number("FIRSTFAULT_CRASH_ROUNDS").unwrap_or(ROUNDS);
    println!("FIRSTFAULT_CRASH_SEED={seed} FIRSTFAULT_CRASH_ROUNDS={n_rounds}");
    let mut draws = StdRng::seed_from_u64(seed);
    let mut n_acknowledged = 0;
    for first in (0..n_rounds).step_by(ROUNDS_PER_LIFE as usize) {
        let rounds = first..(first + ROUNDS_PER_LIFE).min(n_rounds);
        n_acknowledged += live(rounds, &mut draws).await;
    }
    println!("{n_rounds} kills, {n_acknowledged} acknowledged items, none lost, none twice");
}

/// Kills the server of one data directory again and again. Returns how many items were acknowledged.
#[allow(clippy::print_stdout, reason = "a failure shows the moment")]
async fn live(rounds: Range<u64>, draws: &mut StdRng) -> u64 {
    let n_lives = rounds.start / ROUNDS_PER_LIFE;
    let body_bytes = BODY_BYTES[n_lives as usize % BODY_BYTES.len()];
    let (home, load) = (Home::new("crash", CONFIG), Arc::new(Load::of(body_bytes)));
    for round in rounds.clone() {
        let server = home.start().await;
        load.assert_stored(&server, round).await;
        let moment = Moment::draw(draws, round);
        println!("round {round}: {moment:?}");
        load_then_kill(server, &load, moment).await;
    }
    let server = home.start().await;
    load.checked_to.store(0, Ordering::SeqCst);
    load.assert_stored(&server, rounds.end).await;
    server.assert_quiet(&["cut the unfinished end of the log"]);
    load.n_acknowledged()
}

/// When to kill: after so many acknowledged items, so many merges, and so many items more.
#[derive(Debug)]
struct Moment {
    n_items: u64,
    n_merges: u64,
    n_items_after: u64,
}

impl Moment {
    /// Every fifth round, but for the first of a life, waits for a merge.
    fn draw(draws: &mut StdRng, round: u64) -> Self {
        Self {
            n_items: draws.random_range(..2_000),
            n_merges: u64::from(round % 5 == 4),
            n_items_after: draws.random_range(..500),
        }
    }
}

/// What is sent: numbered items, those of a request of one kind.
#[derive(Debug, Default)]
struct Load {
    next: AtomicU64,
    acknowledged: Mutex<BTreeSet<u64>>,
    /// Numbers below were looked for after an earlier round.
    checked_to: AtomicU64,
    /// Of a log's body.
    body_bytes: usize,
}

/// Where items of one kind come in and where they are found.
struct Kind {
    path: &'static str,
    table: &'static str,
    /// The number plus `offset`, in SQL.
    number: &'static str,
    offset: u64,
}

const KINDS: [Kind; 3] = [
    // Ids are never zero.
    Kind { path: "traces", table: "spans", number: "concat('0x', hex(span_id))", offset: 1 },
    Kind { path: "logs", table: "logs", number: "event_name", offset: 0 },
    Kind { path: "metrics", table: "metric_points", number: "CAST(value_int AS VARCHAR)", offset: 0 },
];

impl Load {
    fn of(body_bytes: usize) -> Self {
        Self { body_bytes, ..Self::default() }
    }

    fn n_acknowledged(&self) -> u64 {
        self.acknowledged.lock().expect("lock").len() as u64
    }

    /// Waits until the server has acknowledged so many more.
    async fn acknowledge_more(&self, n_items: u64) {
        let n_wanted = self.n_acknowledged() + n_items;
        eventually_eq("enough items are acknowledged", LIMIT, true, || async {
            self.n_acknowledged() >= n_wanted
        })
        .await;
    }

    /// Sends until nobody answers.
    async fn send(&self, server: &(reqwest::Client, String)) {
        let (http, address) = server;
        loop {
            let first = self.next.fetch_add(ITEMS_PER_REQUEST, Ordering::SeqCst);
            let numbers = first..first + ITEMS_PER_REQUEST;
            let url = format!("{address}/v1/{}", KINDS[kind_of(first)].path);
            let request = http.post(url).header("content-type", "application/x-protobuf");
            match request.body(body(numbers.clone(), self.body_bytes)).send().await {
                Ok(answer) if answer.status().is_success() => {
                    self.acknowledged.lock().expect("lock").extend(numbers);
                }
                // Memory is full: to be sent again by whoever cares.
                Ok(answer) if answer.status() == 429 || answer.status() == 503 => {}
                // The kill cuts the connection: not acknowledged.
                _ => return,
            }
        }
    }

    /// What was acknowledged since the last time is there, nothing is there twice, and nothing is gone.
    async fn assert_stored(&self, server: &Server, round: u64) {
        let acknowledged = self.acknowledged.lock().expect("lock").clone();
        let from = self.checked_to.swap(self.next.load(Ordering::SeqCst), Ordering::SeqCst);
        for (idx, kind) in KINDS.iter().enumerate() {
            let Kind { table, number, .. } = kind;
            let twice = format!("SELECT count(*) - count(DISTINCT {number}) FROM {table}");
            assert_eq!(server.number(&twice).await, 0, "round {round}: {table} stored twice");
            let of_kind = acknowledged.iter().filter(|&&number| kind_of(number) == idx);
            let n_stored = server.number(&format!("SELECT count(*) FROM {table}")).await;
            assert!(n_stored >= of_kind.clone().count() as i64, "round {round}: {table}: {n_stored} stored");
            let stored = kind.stored(server, from, acknowledged.last().map_or(0, |last| last + 1)).await;
            let lost: Vec<_> =
                of_kind.filter(|&&number| number >= from && !stored.contains(&number)).take(5).collect();
            assert!(lost.is_empty(), "round {round}: {table} acknowledged but lost: {lost:?} ...");
        }
        let counted = server.number("SELECT CAST(coalesce(sum(n_spans), 0) AS BIGINT) FROM red").await;
        let n_spans = server.number("SELECT count(*) FROM spans").await;
        assert_eq!(counted, n_spans, "round {round}: spans in the read model");
    }
}

impl Kind {
    /// Numbers of stored items in a range, in pieces, because one JSON answer is bounded.
    async fn stored(&self, server: &Server, from: u64, to: u64) -> BTreeSet<u64> {
        let mut stored = BTreeSet::new();
        for first in (from..to).step_by(25_000) {
            let (low, high) = (first + self.offset, (first + 25_000).min(to) + self.offset);
            let bounds = match self.table {
                "spans" => format!("span_id >= X'{low:016x}' AND span_id < X'{high:016x}'"),
                "logs" => format!("event_name >= '{low:012}' AND event_name < '{high:012}'"),
                _ => format!("value_int >= {low} AND value_int < {high}"),
            };
            let sql = format!("SELECT {} FROM {} WHERE {bounds} LIMIT 10000", self.number, self.table);
            let rows = server.sql(&sql).await;
            stored.extend(rows.iter().map(|row| self.parse(row[0].as_str().expect("text")) - self.offset));
        }
        stored
    }

    fn parse(&self, text: &str) -> u64 {
        let number = match text.strip_prefix("0x") {
            Some(hex) => u64::from_str_radix(hex, 16),
            None => text.parse(),
        };
        number.unwrap_or_else(|error| panic!("{}: {text:?}: {error}", self.table))
    }
}

/// Requests of the three kinds take turns.
fn kind_of(number: u64) -> usize {
    (number / ITEMS_PER_REQUEST % KINDS.len() as u64) as usize
}

fn body(numbers: Range<u64>, body_bytes: usize) -> Vec<u8> {
    match KINDS[kind_of(numbers.start)].table {
        "spans" => otlp::traces("crash", numbers.map(|n| otlp::span(n, false)).collect()).encode_to_vec(),
        "logs" => otlp::logs("crash", numbers.map(|n| otlp::log(n, body_bytes)).collect()).encode_to_vec(),
        _ => otlp::metrics("crash", numbers.map(otlp::point).collect()).encode_to_vec(),
    }
}

/// Sends until the moment has come, then kills the server with requests in flight.
async fn load_then_kill(server: Server, load: &Arc<Load>, moment: Moment) {
    let mut senders = JoinSet::new();
    for _ in 0..N_SENDERS {
        let (load, target) = (Arc::clone(load), (server.http.clone(), server.otlp_http()));
        senders.spawn(async move { load.send(&target).await });
    }
    load.acknowledge_more(moment.n_items).await;
    eventually_eq("segments are merged", LIMIT, true, || async {
        n_merges(&server).await >= moment.n_merges
    })
    .await;
    load.acknowledge_more(moment.n_items_after).await;
    signal(server.pid(), "KILL");
    while senders.join_next().await.is_some() {}
    server.kill();
}

async fn n_merges(server: &Server) -> u64 {
    let page = server.http.get(format!("{}/metrics", server.dashboard())).send().await.expect("answer");
    let page = page.text().await.expect("text");
    let line = page.lines().find(|line| line.starts_with("firstfault_merges_total"));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or_else(|| panic!("{page}"))
}
