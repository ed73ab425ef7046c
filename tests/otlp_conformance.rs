//! The checklist of OTLP against the real binary, and against servers that are wrong on purpose.

use crate::support::authority::{Authority, tls_section};
use crate::support::fixtures;
use crate::support::server::{Home, Server};
use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use conformance::{Outcome, Settings, Target, Verdict};
use std::collections::BTreeMap;

/// Lines that no black box can show; `docs/conformance.md` says what shows them.
const NOT_FROM_OUTSIDE: [u8; 2] = [33, 38];
/// The line of the examples, which need fixtures.
const EXAMPLES: u8 = 42;
/// Lines that speak over every kind of connection: HTTP/1, HTTP/2, gRPC and bare sockets, and read back.
const OF_CONNECTIONS: [u8; 10] = [1, 2, 4, 6, 10, 17, 29, 40, 46, 48];
const TOKEN: &str = "token-of-the-conformance-suite";
/// The lines of bombs.
const BOMBS: [u8; 2] = [7, 8];
/// MiB that a server may have had in memory after a bomb of a gibibyte, with a limit of 64 MiB.
const PEAK_MIB_MAX: u64 = 512;

fn settings(server: &Server) -> Settings {
    Settings {
        endpoint: server.otlp_http(),
        grpc: Some(server.otlp_grpc()),
        query: Some(server.dashboard()),
        ..Settings::default()
    }
}

async fn check(settings: &Settings) -> Vec<Outcome> {
    let target = Target::new(settings).expect("a target");
    conformance::run(&target, &mut |_| {}).await
}

/// Scenario: the whole checklist runs against Firstfault with its default limits.
/// Guarantees: every line passes, but for those that cannot be seen from outside; the server warns of nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn firstfault_conforms() {
    let (_home, server) = Server::fresh("conformance").await;
    let examples = fixtures::find("firstfault_conforms, line 42", "otlp/examples");
    let outcomes = check(&Settings { examples: examples.clone(), ..settings(&server) }).await;
    assert_eq!(outcomes.len(), 48, "the checklist");
    let is_skipped =
        |number: &u8| NOT_FROM_OUTSIDE.contains(number) || (*number == EXAMPLES && examples.is_none());
    let others: Vec<Outcome> = outcomes
        .into_iter()
        .filter(|outcome| match outcome.verdict {
            Verdict::Pass => is_skipped(&outcome.number),
            Verdict::Fail => true,
            Verdict::Skip => !is_skipped(&outcome.number),
        })
        .collect();
    assert!(others.is_empty(), "\n{}", conformance::table(&others));
    server.assert_quiet(&[]);
}

/// Scenario: a server speaks TLS at every port and wants a token; it is checked with both, with another token, and with
/// another authority.
/// Guarantees: with both every line passes; without the token lines fail by what the server answers, without the
/// authority there is nothing to check, and no message tells the token.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn firstfault_conforms_behind_tls_and_tokens() {
    let (authority, dir) = (Authority::new("ours"), tempfile::tempdir().expect("a folder"));
    authority.certify().write(dir.path());
    let written = |name: &str, text: String| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    };
    let token = written("token", TOKEN.to_owned());
    let section = format!("[[auth.tokens]]\nname = \"suite\"\nsecret_file = {token:?}\n");
    let home = Home::new("conformance-tls", &tls_section(dir.path(), &section));
    let server = home.start_for(authority.client().build().expect("a client")).await;
    let settings = Settings {
        ca: Some(written("ca.pem", authority.pem())),
        headers: vec![format!("authorization: Bearer {TOKEN}")],
        only: OF_CONNECTIONS.to_vec(),
        ..settings(&server)
    };
    let outcomes = check(&settings).await;
    let has_passed = outcomes.iter().all(|outcome| outcome.verdict == Verdict::Pass);
    assert!(has_passed && outcomes.len() == OF_CONNECTIONS.len(), "\n{}", conformance::table(&outcomes));

    let headers = vec![format!("authorization: Bearer not-{TOKEN}")];
    let outcomes = check(&Settings { headers, only: vec![1, 2], ..settings.clone() }).await;
    assert!(
        outcomes.iter().all(|outcome| outcome.verdict == Verdict::Fail),
        "{}",
        conformance::table(&outcomes)
    );
    assert!(!conformance::table(&outcomes).contains(TOKEN), "{}", conformance::table(&outcomes));
    let ca = Some(written("other.pem", Authority::new("theirs").pem()));
    let stranger = Target::new(&Settings { ca, ..settings }).expect("a target");
    let error = conformance::reach(&stranger).await.expect_err("not certified by them").to_string();
    assert!(error.contains("certificate"), "{error}");
    server.assert_quiet(&[]);
}

/// Scenario: a mebibyte of gzip that holds a gibibyte, over HTTP and gRPC.
/// Guarantees: it is refused, and the process never held more than a few times its limit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bomb_is_refused_with_bounded_memory() {
    let (_home, server) = Server::fresh("bomb").await;
    let outcomes = check(&Settings { only: BOMBS.to_vec(), ..settings(&server) }).await;
    assert!(
        outcomes.iter().all(|outcome| outcome.verdict == Verdict::Pass),
        "\n{}",
        conformance::table(&outcomes)
    );
    let peak_mib = peak_mib(server.pid());
    assert!(peak_mib < PEAK_MIB_MAX, "the process had {peak_mib} MiB in memory");
}

/// The most that a process has had in memory.
fn peak_mib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the process runs");
    let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
    kib.expect("a peak").trim().parse::<u64>().expect("a number") / 1024
}

/// Serves on a free port, and gives its address.
async fn serve(app: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("address"));
    tokio::spawn(async move { axum::serve(listener, app).await.expect("the app serves") });
    url
}

async fn verdicts(app: Router, lines: &[u8]) -> BTreeMap<u8, Verdict> {
    let endpoint = serve(app).await;
    let grpc = Some(endpoint.clone());
    let outcomes = check(&Settings { endpoint, grpc, only: lines.to_vec(), ..Settings::default() }).await;
    outcomes.into_iter().map(|outcome| (outcome.number, outcome.verdict)).collect()
}

/// Scenario: a server that answers everything with 200 and a JSON text, and speaks no gRPC.
/// Guarantees: the lines that it breaks fail, those that nobody can see are skipped, and the others pass.
#[tokio::test]
async fn a_server_that_takes_anything_fails() {
    async fn takes_anything(_: Bytes) -> Response {
        ([(CONTENT_TYPE, "text/plain")], "{\"partialSuccess\":{}}").into_response()
    }
    let expected = BTreeMap::from([
        (1, Verdict::Fail),
        (2, Verdict::Fail),
        (5, Verdict::Fail),
        (6, Verdict::Fail),
        (10, Verdict::Fail),
        (11, Verdict::Fail),
        (15, Verdict::Fail),
        (16, Verdict::Fail),
        (17, Verdict::Fail),
        (20, Verdict::Pass),
        (22, Verdict::Fail),
        (26, Verdict::Pass),
        (29, Verdict::Skip),
        (33, Verdict::Skip),
        (42, Verdict::Skip),
        (44, Verdict::Pass),
        (46, Verdict::Fail),
    ]);
    let lines: Vec<u8> = expected.keys().copied().collect();
    assert_eq!(verdicts(Router::new().fallback(takes_anything), &lines).await, expected);
}

/// Scenario: a server that says of every request that one item was rejected, in the request's own encoding.
/// Guarantees: counts are compared with what was sent, and success that is set without need is seen.
#[tokio::test]
async fn a_server_that_counts_wrongly_fails() {
    /// `partial_success` with one rejected item and the message "no".
    const ONE_REJECTED: &[u8] = b"\x0a\x06\x08\x01\x12\x02no";
    async fn rejects_one(headers: HeaderMap, _: Bytes) -> Response {
        let content_type = headers[CONTENT_TYPE].clone();
        let body: &'static [u8] = match content_type == "application/json" {
            true => br#"{"partialSuccess":{"rejectedSpans":"1","errorMessage":"no"}}"#,
            false => ONE_REJECTED,
        };
        ([(CONTENT_TYPE, content_type)], body).into_response()
    }
    let expected = BTreeMap::from([
        (2, Verdict::Fail),
        (11, Verdict::Fail),
        (13, Verdict::Pass),
        (20, Verdict::Fail),
        (24, Verdict::Fail),
        (34, Verdict::Pass),
    ]);
    let lines: Vec<u8> = expected.keys().copied().collect();
    assert_eq!(verdicts(Router::new().fallback(rejects_one), &lines).await, expected);
}
