//! Real Zipkin clients: what they did is compared with what was stored.

use crate::clients::what_it_did;
use crate::support::browser::free_port;
use crate::support::server::{Home, Server};
use crate::support::tool;
use crate::support::wait::eventually_eq;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;

const TOKEN: &str = "token-of-the-zipkin-clients";
const N: i64 = 20;
const VISIBLE: Duration = Duration::from_secs(10);

/// Scenario: OpenTelemetry's Zipkin exporter and py_zipkin send to the port that Zipkin has for itself.
/// Guarantees: spans arrive complete: ids, times, kinds, status, events, tags, scope, resource and endpoints; both halves
/// of a shared span are there, and the service map has the call between them.
#[tokio::test]
async fn zipkin_clients_are_understood() {
    let Some(python) = tool("zipkin_clients_are_understood", "FIRSTFAULT_TEST_PYTHON") else { return };
    let address = format!("127.0.0.1:{}", free_port());
    let home = Home::new("zipkin", &format!("[zipkin]\nenabled = true\nlisten = \"{address}\"\n"));
    let server = home.start().await;
    let did = run(&python, &format!("http://{address}/api/v2/spans")).await;
    assert_eq!((&did["orders"], &did["failed"], &did["exports_failed"]), (&json!(16), &json!(4), &json!(0)));
    check_orders(&server).await;
    check_accounts(&server, &did).await;
    check_shared(&server, &did["shared"]).await;
    server.assert_quiet(&[]);
}

/// Scenario: a server without Zipkin, and one that takes it on the port of OTLP/HTTP.
/// Guarantees: the first says what to set, the second takes spans beside OTLP.
#[tokio::test]
async fn zipkin_is_asked_for_and_shares_a_port() {
    let span = json!([{"traceId": "d269b633813fc60c", "id": "b", "name": "x", "timestamp": 1}]);
    let (_home, server) = Server::fresh("zipkin-off").await;
    let (status, text) = post(&server, &span).await;
    assert!(status == 404 && text.contains("[zipkin] enabled = true"), "{status} {text}");
    let home = Home::new("zipkin-shared", "[zipkin]\nenabled = true\n");
    let server = home.start().await;
    assert_eq!(post(&server, &span).await, (202, String::new()));
    assert_eq!(server.number("SELECT count(*) FROM spans WHERE name = 'x'").await, 1);
}

/// Scenario: Zipkin has a port of its own and the server wants tokens. Spans come with one and without, one to another
/// path, and somebody speaks TLS to it.
/// Guarantees: the port asks and tells like the others; what it refuses is in the list with its name.
#[tokio::test]
async fn the_port_of_zipkin_keeps_the_rules_of_the_others() {
    let dir = tempfile::tempdir().expect("a folder");
    let secret = dir.path().join("token");
    std::fs::write(&secret, TOKEN).expect("written");
    let address = format!("127.0.0.1:{}", free_port());
    let home = Home::new(
        "zipkin-port",
        &format!(
            "[zipkin]\nenabled = true\nlisten = \"{address}\"\n\
             [[auth.tokens]]\nname = \"shop\"\nsecret_file = {secret:?}\n"
        ),
    );
    let server = home.start().await;
    let span = json!([{"traceId": "d269b633813fc60c", "id": "b", "name": "x", "timestamp": 1}]);
    let send = |path: &str| server.http.post(format!("http://{address}{path}")).json(&span);
    assert_eq!(send("/api/v2/spans").send().await.expect("an answer").status(), 401);
    let answer = send("/api/v1/spans").bearer_auth(TOKEN).send().await.expect("an answer");
    assert_eq!(answer.status(), 404);
    assert!(answer.text().await.expect("text").contains("at /api/v2/spans"));
    assert_eq!(send("/api/v2/spans").bearer_auth(TOKEN).send().await.expect("an answer").status(), 202);
    assert!(say_hello(&address).await.contains("plain text"));
    assert_eq!(server.number("SELECT count(*) FROM spans").await, 1);
    let list = server.api("/api/v1/ingest/rejections").await;
    let recent = list["recent"].as_array().expect("a list").iter();
    let shown: Vec<String> = recent.map(|one| format!("{} {}", one["transport"], one["reason"])).collect();
    let reasons = ["tls_on_plaintext_port", "path_unknown", "unauthenticated"];
    assert_eq!(shown, reasons.map(|reason| format!("\"zipkin\" \"{reason}\"")));
    server.assert_quiet(&[]);
}

/// What a client of TLS is answered.
async fn say_hello(address: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("connects");
    stream.write_all(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").await.expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("it ends");
    String::from_utf8_lossy(&answer).into_owned()
}

async fn post(server: &Server, body: &Value) -> (u16, String) {
    let request = server.http.post(format!("{}/api/v2/spans", server.otlp_http())).json(body);
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.text().await.expect("text"))
}

async fn run(python: &Path, endpoint: &str) -> Value {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/clients/python/zipkin.py");
    let mut command = Command::new(python);
    command.arg(script).arg(endpoint).arg(N.to_string());
    what_it_did(command).await
}

async fn check_orders(server: &Server) {
    let whole = "service = 'zipkin-otel' AND service_version = '9.8.7' AND environment = 'test' \
                 AND resource['telemetry.sdk.language'] = 'python' AND scope_name = 'shop.orders' \
                 AND scope_version = '1.2.3' AND attributes['network.local.address'] = '127.0.0.1' \
                 AND attributes['network.local.port'] = '8080' AND attributes['zipkin.debug'] = 'true'";
    expect(server, &format!("SELECT count(*) FROM spans WHERE {whole}"), 2 * N).await;
    let taken_out = "attributes['otel.status_code'] IS NULL AND attributes['error'] IS NULL \
                     AND attributes['otel.scope.name'] IS NULL AND attributes['service.version'] IS NULL";
    expect(server, &format!("SELECT count(*) FROM spans WHERE {whole} AND {taken_out}"), 2 * N).await;
    let entries = "SELECT count(*) FROM spans WHERE name = 'POST /orders' AND kind = 'server' AND is_entry \
                   AND http_request_method = 'POST' AND status_code = 'unset'";
    expect(server, entries, N).await;
    let calls = "SELECT count(*) FROM spans c JOIN spans e ON c.parent_span_id = e.span_id AND c.trace_id = e.trace_id \
                 WHERE c.name = 'charge' AND c.kind = 'client' AND c.peer_service = 'payments' AND e.kind = 'server'";
    expect(server, calls, N).await;
    let failed = "SELECT count(*) FROM spans WHERE name = 'charge' AND is_error AND status_code = 'error' \
                  AND status_message = concat('card of order ', attributes['order.number'], ' expired')";
    expect(server, failed, N / 5).await;
    let seventh = "SELECT count(*) FROM spans WHERE attributes['order.number'] = '7' \
                   AND attributes['order.express'] = 'false' AND events[1]['name'] = 'charged' \
                   AND events[1]['attributes']['cents'] = '700' AND events[1]['attributes']['currency'] = 'EUR'";
    expect(server, seventh, 1).await;
}

/// Each span that the application gave an account of, with its own times.
async fn check_accounts(server: &Server, did: &Value) {
    let spans = did["spans"].as_array().expect("spans");
    assert_eq!(spans.len() as i64, 2 * N);
    for span in spans {
        let text = |key: &str| span[key].as_str().expect("text");
        let micros = |key: &str| span[key].as_i64().expect("microseconds");
        let sql = format!(
            "SELECT count(*) FROM spans WHERE trace_id = X'{}' AND span_id = X'{}' AND name = '{}' \
             AND CAST(start_time AS BIGINT) = {} AND duration_ns = {}",
            text("trace_id"),
            text("span_id"),
            text("name"),
            micros("start_us") * 1_000,
            micros("duration_us") * 1_000
        );
        expect(server, &sql, 1).await;
    }
}

/// The client's half keeps the id; the server's hangs below it, and what the server did below the server's.
async fn check_shared(server: &Server, shared: &Value) {
    let text = |key: &str| shared[key].as_str().expect("text");
    let (trace, id) = (format!("X'0000000000000000{}'", text("trace_id")), format!("X'{}'", text("span_id")));
    let client = format!(
        "SELECT count(*) FROM spans WHERE trace_id = {trace} AND span_id = {id} AND service = 'zipkin-shop' \
         AND kind = 'client' AND peer_service = 'zipkin-stock' AND attributes['network.peer.address'] = '10.1.2.3' \
         AND attributes['network.peer.port'] = '443'"
    );
    expect(server, &client, 1).await;
    let halves = format!(
        "SELECT count(*) FROM (SELECT span_id FROM spans WHERE trace_id = {trace} AND parent_span_id = {id} \
         AND span_id <> {id} AND service = 'zipkin-stock' AND kind = 'server' AND name = 'serve' \
         AND attributes['zipkin.shared'] = 'true') s JOIN (SELECT parent_span_id FROM spans WHERE name = 'look up' \
         AND attributes['shelf'] = 'a' AND events[1]['name'] = 'found') c ON c.parent_span_id = s.span_id"
    );
    expect(server, &halves, 1).await;
    let edge = "SELECT count(*) FROM edges WHERE caller = 'zipkin-shop' AND callee = 'zipkin-stock' \
                AND callee_kind = 'service'";
    expect(server, edge, 1).await;
}

async fn expect(server: &Server, sql: &str, n: i64) {
    eventually_eq(sql, VISIBLE, n, || server.number(sql)).await;
}
