//! Real clients and a server in trouble: overloaded, restarted, and killed between storing a request and answering it.
//! What an exporter calls delivered is stored, nothing is stored twice, and whoever may send again does.
//!
//! All clients count at the same time, against one server. None of them is told that anything is wrong.

use super::case::{Case, Protocol, Tools};
use super::counter::{Account, Counter};
use crate::support::ports;
use crate::support::relay::Relay;
use crate::support::server::{Home, Server};
use crate::support::wait::{eventually, eventually_eq};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

/// Longest wait for any condition.
const LIMIT: Duration = Duration::from_secs(90);
/// Spans of every client that prove that it sends again.
const N_MORE: i64 = 25;
/// Of requests in flight; one request may hold all of it.
const BUDGET_BYTES: usize = 8 << 20;

/// Scenario: while six clients begin to send, a slow request holds the whole budget of bytes in flight; when every
/// client was told to come back later, it goes away.
/// Guarantees: all of them come back, with everything, once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_outlast_an_overloaded_server() {
    let Some(tools) = Tools::find("clients_outlast_an_overloaded_server") else { return };
    let limits = format!("request_bytes = \"{BUDGET_BYTES}B\"\ninflight_bytes = \"{BUDGET_BYTES}B\"\n");
    let home = Home::new("overloaded", &format!("{ROWS}{limits}"));
    let server = home.start().await;
    let mut counters = start_all(&tools, |case| case.endpoint(&server)).await;
    let slow = fill_budget(&server).await;
    go(&mut counters).await;
    until("every client tries again", || counters.iter().all(|counter| counter.n_retries() > 0)).await;
    drop(slow);
    progress(&server, &counters).await;
    finish_all(&server, counters, |_| false).await;
    assert!(reasons(&server).await.contains("overloaded"), "the clients were refused");
    server.assert_quiet(&[]);
}

/// Scenario: while six clients send, the server ends by SIGTERM and starts again on the same ports, twice; each
/// time every client has met the closed port.
/// Guarantees: everything that was called delivered is stored once, and all but one send everything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_outlast_a_restart() {
    let Some(tools) = Tools::find("clients_outlast_a_restart") else { return };
    let home = Home::listening("restarted", ROWS, ports::unused());
    let mut server = home.start().await;
    let mut counters = start_all(&tools, |case| case.endpoint(&server)).await;
    go(&mut counters).await;
    progress(&server, &counters).await;
    for _ in 0..2 {
        let before: Vec<_> = counters.iter().map(Counter::n_retries).collect();
        server.assert_quiet(&[]);
        let status = server.stop().await;
        assert!(status.success(), "{status}");
        let has_met = |(counter, before): (&Counter, &usize)| counter.n_retries() > *before;
        until("every client meets a closed port", || counters.iter().zip(&before).all(has_met)).await;
        server = home.start().await;
        progress(&server, &counters).await;
    }
    finish_all(&server, counters, Case::gives_up_when_cut).await;
    server.assert_quiet(&[]);
}

/// Scenario: while six clients send, their answers are lost: the requests are stored, then every connection is cut.
/// The first time that is all; then the server is killed with SIGKILL before the cut, and starts again when every
/// client is back, twice.
/// Guarantees: what the clients send again is known, also from the log of the killed one, and stored once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_outlast_kill_9_between_storing_and_answering() {
    let Some(tools) = Tools::find("clients_outlast_kill_9_between_storing_and_answering") else { return };
    let home = Home::new("killed", ROWS);
    let mut server = home.start().await;
    let relays = Relays::start().await;
    relays.lead_to(&server);
    let mut counters = start_all(&tools, |case| relays.endpoint(case)).await;
    go(&mut counters).await;
    progress(&server, &counters).await;
    for is_killed in [false, true, true] {
        let n_resent = if is_killed { 0 } else { server.metric("firstfault_resent_requests_total").await };
        let n_held = relays.hold_an_answer_of_each().await;
        if is_killed {
            relays.lead_nowhere();
            server.kill();
            relays.cut();
            relays.until_all_are_back().await;
            server = home.start().await;
            relays.lead_to(&server);
        } else {
            relays.cut();
        }
        progress(&server, &counters).await;
        let n_resent = server.metric("firstfault_resent_requests_total").await - n_resent;
        assert!(n_resent >= n_held, "{n_held} stored requests were not answered, {n_resent} came again");
    }
    finish_all(&server, counters, Case::gives_up_when_cut).await;
    server.assert_quiet(&["cut the unfinished end of the log"]);
}

/// One answer shows all numbers of a client. To be followed by more keys of the section.
const ROWS: &str = "[limits]\nquery_rows = 1000000\n";

/// Ready to begin.
async fn start_all(tools: &Tools, endpoint: impl Fn(Case) -> String) -> Vec<Counter> {
    let counters: Vec<_> =
        Case::one_of_each().into_iter().map(|case| Counter::start(case, endpoint(case), tools)).collect();
    until("every client is ready", || counters.iter().all(Counter::is_ready)).await;
    counters
}

async fn go(counters: &mut [Counter]) {
    for counter in counters {
        counter.go().await;
    }
}

/// Compares what each client says it delivered with what is stored. All of them are told to end before the first one
/// is waited for.
async fn finish_all(server: &Server, counters: Vec<Counter>, may_give_up: impl Fn(&Case) -> bool) {
    let finish = |counter: Counter| async move { (counter.case, counter.finish().await) };
    for (case, account) in futures::future::join_all(counters.into_iter().map(finish)).await {
        check(server, case, &account).await;
        let n_failed = account.n_failed();
        assert!(n_failed == 0 || may_give_up(&case), "{}: {n_failed} items were given up", case.name());
    }
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    eventually_eq(what, LIMIT, true, || async { condition() }).await;
}

/// Waits until more of every client is stored.
async fn progress(server: &Server, counters: &[Counter]) {
    let before = n_stored(server).await;
    let stored = |stored: &BTreeMap<String, i64>, counter: &Counter| {
        stored.get(&counter.case.name()).copied().unwrap_or_default()
    };
    eventually("every client sends", LIMIT, || async {
        let now = n_stored(server).await;
        let sends = |counter: &Counter| stored(&now, counter) >= stored(&before, counter) + N_MORE;
        counters.iter().all(sends).then_some(())
    })
    .await;
}

/// Spans by service.
async fn n_stored(server: &Server) -> BTreeMap<String, i64> {
    let rows = server.sql("SELECT service, count(*) FROM spans GROUP BY service").await;
    let pair = |row: &Vec<serde_json::Value>| Some((row[0].as_str()?.to_owned(), row[1].as_i64()?));
    rows.iter().map(|row| pair(row).unwrap_or_else(|| panic!("{row:?}"))).collect()
}

async fn reasons(server: &Server) -> BTreeSet<String> {
    let log = server.api("/api/v1/ingest/rejections").await;
    let reasons = log["by_reason"].as_array().expect("reasons").iter();
    reasons.map(|reason| reason["reason"].as_str().expect("a reason").to_owned()).collect()
}

/// Sends all of the largest request but its last byte.
async fn fill_budget(server: &Server) -> TcpStream {
    let address = server.otlp_http().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).await.expect("connects");
    let head = format!(
        "POST /v1/traces HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/x-protobuf\r\n\
         content-length: {BUDGET_BYTES}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    stream.write_all(&vec![0; BUDGET_BYTES - 1]).await.expect("sent");
    let n_bytes = || server.metric("firstfault_inflight_bytes");
    eventually_eq("the budget is used up", LIMIT, BUDGET_BYTES as u64 - 1, n_bytes).await;
    stream
}

impl Account {
    fn n_failed(&self) -> usize {
        [&self.spans, &self.logs, &self.metrics].map(|outcome| outcome.failed.len()).iter().sum()
    }
}

/// Where the numbers of a signal are found.
struct Kind {
    table: &'static str,
    number: &'static str,
    time: &'static str,
}

const SPANS: Kind =
    Kind { table: "spans", number: "attribute_int(attributes, 'number')", time: "start_time" };
const LOGS: Kind = Kind { table: "logs", number: "attribute_int(attributes, 'number')", time: "time" };
const METRICS: Kind = Kind { table: "metric_points", number: "value_int", time: "time" };

/// What was delivered is there, nothing is there twice, and nothing that was never counted.
async fn check(server: &Server, case: Case, account: &Account) {
    assert!(account.counted >= N_MORE, "{}: counted to {}", case.name(), account.counted);
    for (kind, outcome) in [(SPANS, &account.spans), (LOGS, &account.logs), (METRICS, &account.metrics)] {
        let what = format!("{}: {}", case.name(), kind.table);
        let stored = kind.stored(server, case).await;
        let numbers: BTreeSet<_> = stored.keys().map(|(number, _)| *number).collect();
        let twice: Vec<_> = stored.iter().filter(|(_, n)| **n > 1).take(5).collect();
        assert!(twice.is_empty(), "{what}: stored twice: {twice:?} ...");
        let is_once = kind.table == METRICS.table || numbers.len() == stored.len();
        assert!(is_once, "{what}: {} rows of {} numbers", stored.len(), numbers.len());
        let lost: Vec<_> = outcome.delivered.difference(&numbers).take(5).collect();
        assert!(lost.is_empty(), "{what}: delivered but lost: {lost:?} ...");
        let told: BTreeSet<_> = outcome.delivered.union(&outcome.failed).copied().collect();
        let counted: BTreeSet<_> = (0..account.counted).collect();
        assert_eq!(told, counted, "{what}: told by the exporter");
        let strange: Vec<_> = numbers.difference(&told).take(5).collect();
        assert!(strange.is_empty(), "{what}: stored but never sent: {strange:?} ...");
    }
}

impl Kind {
    /// How often each number is stored, with its time: the value of a gauge is sent again at the end, as a new point.
    async fn stored(&self, server: &Server, case: Case) -> BTreeMap<(i64, i64), usize> {
        let Self { table, number, time } = self;
        let service = case.name();
        let sql = format!("SELECT {number}, CAST({time} AS BIGINT) FROM {table} WHERE service = '{service}'");
        let mut stored = BTreeMap::new();
        for row in server.sql(&sql).await {
            let number = |idx: usize| row[idx].as_i64().unwrap_or_else(|| panic!("{table}: {row:?}"));
            *stored.entry((number(0), number(1))).or_default() += 1;
        }
        stored
    }
}

/// One for each protocol.
struct Relays {
    grpc: Relay,
    http: Relay,
}

impl Relays {
    async fn start() -> Self {
        Self { grpc: Relay::start().await, http: Relay::start().await }
    }

    fn endpoint(&self, case: Case) -> String {
        match case.protocol {
            Protocol::Grpc => self.grpc.url.clone(),
            Protocol::HttpProtobuf | Protocol::HttpJson => self.http.url.clone(),
        }
    }

    fn lead_to(&self, server: &Server) {
        self.grpc.lead_to(&server.otlp_grpc());
        self.http.lead_to(&server.otlp_http());
    }

    fn lead_nowhere(&self) {
        self.grpc.lead_nowhere();
        self.http.lead_nowhere();
    }

    fn cut(&self) {
        self.grpc.cut();
        self.http.cut();
    }

    /// Each client has sent a request that is stored, and waits for its answer. Tells how many of them will certainly
    /// send it again: what is kept back over HTTP/1 is an answer, over HTTP/2 it can be something less.
    async fn hold_an_answer_of_each(&self) -> u64 {
        self.grpc.hold();
        self.http.hold();
        let [n_grpc, n_http] = n_clients();
        until("an answer of each client is kept back", || {
            self.grpc.n_held() >= n_grpc && self.http.n_held() >= n_http
        })
        .await;
        n_http as u64
    }

    async fn until_all_are_back(&self) {
        let [n_grpc, n_http] = n_clients();
        until("every client is back", || self.grpc.n_waiting() >= n_grpc && self.http.n_waiting() >= n_http)
            .await;
    }
}

/// Over gRPC and over HTTP.
fn n_clients() -> [usize; 2] {
    let cases = Case::one_of_each();
    let n_grpc = cases.iter().filter(|case| case.protocol == Protocol::Grpc).count();
    [n_grpc, cases.len() - n_grpc]
}
