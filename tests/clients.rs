//! Real SDKs: what an application did is compared with what was stored. Here are applications as their authors write
//! them; `matrix` has every client with every field, `retry` has clients of a server in trouble.

mod agent;
mod case;
mod counter;
mod matrix;
mod retry;
mod rust_counter;
mod rust_sdk;
mod rust_story;
mod story;

use crate::support::server::Server;
use crate::support::{tool, wait::eventually_eq};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

const N: i64 = 20;
/// A request with data in it is visible at once; the wait is for the last export before exit.
const VISIBLE: Duration = Duration::from_secs(10);

/// Scenario: a Flask application under `opentelemetry-instrument` exports OTLP/HTTP protobuf.
/// Guarantees: spans, logs and metrics arrive complete, with their values, events and correlation.
#[tokio::test]
async fn python_over_http_protobuf() {
    let Some(python) = tool("python_over_http_protobuf", "FIRSTFAULT_TEST_PYTHON") else { return };
    let (_home, server) = Server::fresh("python-http").await;
    let did = run_python(&python, &server.otlp_http(), "http/protobuf").await;
    check_python(&server, &did).await;
}

/// Scenario: the same application exports OTLP/gRPC.
/// Guarantees: the same.
#[tokio::test]
async fn python_over_grpc() {
    let Some(python) = tool("python_over_grpc", "FIRSTFAULT_TEST_PYTHON") else { return };
    let (_home, server) = Server::fresh("python-grpc").await;
    let did = run_python(&python, &server.otlp_grpc(), "grpc").await;
    check_python(&server, &did).await;
}

/// Scenario: a Node service under `@opentelemetry/sdk-node` exports protobuf in chunked bodies.
/// Guarantees: spans, logs and metrics arrive complete, with their values and structured bodies.
#[tokio::test]
async fn node_over_http_protobuf() {
    node("node_over_http_protobuf", "http/protobuf").await;
}

/// Scenario: the same service exports JSON, with 64-bit integers as JSON numbers.
/// Guarantees: the same, and no digit is lost.
#[tokio::test]
async fn node_over_http_json() {
    node("node_over_http_json", "http/json").await;
}

async fn node(test: &str, protocol: &str) {
    let Some(modules) = tool(test, "FIRSTFAULT_TEST_NODE_MODULES") else { return };
    let (_home, server) = Server::fresh(test).await;
    let mut command = client("node", "node/app.js", &server.otlp_http(), protocol);
    command.env("NODE_PATH", modules);
    let did = what_it_did(command).await;
    check_node(&server, &did).await;
}

async fn run_python(python: &PathBuf, endpoint: &str, protocol: &str) -> Value {
    let instrument = python.with_file_name("opentelemetry-instrument");
    let mut command = Command::new(instrument);
    command.arg(python);
    set_up(&mut command, "python/app.py", endpoint, protocol);
    command.env("OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED", "true");
    what_it_did(command).await
}

fn client(program: &str, script: &str, endpoint: &str, protocol: &str) -> Command {
    let mut command = Command::new(program);
    set_up(&mut command, script, endpoint, protocol);
    command
}

/// The environment variables that any SDK understands, and the script with its argument.
fn set_up(command: &mut Command, script: &str, endpoint: &str, protocol: &str) {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(script);
    command.arg(script).arg(N.to_string());
    command.env("OTEL_SERVICE_NAME", "client-under-test");
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
    command.env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol);
    command.env("OTEL_RESOURCE_ATTRIBUTES", "service.version=9.8.7,deployment.environment.name=test");
    for signal in ["TRACES", "METRICS", "LOGS"] {
        command.env(format!("OTEL_{signal}_EXPORTER"), "otlp");
    }
}

/// Runs the application to its end and reads its account of itself.
pub(crate) async fn what_it_did(mut command: Command) -> Value {
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let output = tokio::time::timeout(Duration::from_secs(120), output).await;
    let output = output.expect("the client ends in time").expect("the client starts");
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{stdout}\n{stderr}", output.status);
    let line = stdout.lines().find_map(|line| line.strip_prefix("DID "));
    let line = line.unwrap_or_else(|| panic!("the client did not say what it did:\n{stdout}\n{stderr}"));
    serde_json::from_str(line).expect("the client's account is JSON")
}

async fn check_python(server: &Server, did: &Value) {
    let (orders, failed) = (number(&did["orders"]), number(&did["failed"]));
    assert_eq!((orders, failed), (16, 4), "the application itself");
    expect(server, "SELECT count(*) FROM spans WHERE name = 'price order'", N).await;
    expect(
        server,
        "SELECT count(*) FROM spans WHERE kind = 'server' AND http_route = '/orders/<int:number>'",
        N,
    )
    .await;
    expect(server, "SELECT count(*) FROM spans WHERE kind = 'client' AND http_request_method = 'GET'", N)
        .await;
    expect(
        server,
        "SELECT count(*) FROM spans WHERE kind = 'server' AND http_response_status_code = 500",
        failed,
    )
    .await;
    expect(server, "SELECT count(*) FROM spans WHERE kind = 'server' AND is_error", failed).await;
    expect(server, "SELECT count(*) FROM spans WHERE name = 'price order' AND status_code = 'error'", failed)
        .await;
    expect(
        server,
        "SELECT count(*) FROM spans WHERE name = 'price order' AND attributes['order.number'] = '7' \
         AND attributes['order.weight_kg'] = '3.5' AND attributes['order.express'] = 'false' \
         AND scope_name = 'shop.orders' AND scope_version = '1.2.3' AND events[1]['name'] = 'priced'",
        1,
    )
    .await;
    expect(
        server,
        "SELECT count(*) FROM spans WHERE service = 'client-under-test' AND service_version = '9.8.7' \
         AND environment = 'test' AND resource['telemetry.sdk.language'] = 'python'",
        3 * N,
    )
    .await;
    expect(
        server,
        "SELECT count(*) FROM (SELECT unnest(events) AS event FROM spans WHERE name = 'price order') \
         WHERE event['name'] = 'exception' AND event['attributes']['exception.type'] = 'ValueError'",
        failed,
    )
    .await;
    check_trace_ids(server, did, "price order").await;
    expect(
        server,
        "SELECT count(*) FROM logs WHERE body LIKE 'order % accepted' AND severity = 'info'",
        orders,
    )
    .await;
    expect(
        server,
        "SELECT count(*) FROM logs l JOIN spans s ON l.trace_id = s.trace_id AND l.span_id = s.span_id \
         WHERE l.body LIKE 'order % accepted' AND s.kind = 'server'",
        orders,
    )
    .await;
    let counter = "SELECT max(value_int) FROM metric_points WHERE name = 'shop.orders' AND unit = '{order}' \
                   AND type = 'sum' AND is_monotonic AND attributes['channel'] = 'web'";
    expect(server, counter, orders).await;
    let value_sum = did["value_sum"].as_f64().expect("value_sum") as i64;
    let histogram = "SELECT CAST(max(sum) AS BIGINT) FROM metric_points WHERE name = 'shop.order.value'";
    expect(server, histogram, value_sum).await;
    expect(
        server,
        "SELECT CAST(max(count) AS BIGINT) FROM metric_points WHERE name = 'shop.order.value'",
        orders,
    )
    .await;
    expect(server, "SELECT min(value_int) FROM metric_points WHERE name = 'shop.stock'", -orders).await;
    let service = server.api("/api/v1/services/client-under-test").await;
    let red = &service["red"];
    assert_eq!((number(&red["n_requests"]), number(&red["n_errors"])), (N, failed), "the read model: {red}");
    server.assert_quiet(&[]);
}

async fn check_node(server: &Server, did: &Value) {
    let (served, failed) = (number(&did["served"]), number(&did["failed"]));
    assert_eq!((served, failed), (15, 5), "the application itself");
    expect(server, "SELECT count(*) FROM spans WHERE name = 'pick quote'", N).await;
    expect(server, "SELECT count(*) FROM spans WHERE kind = 'server' AND http_request_method = 'GET'", N)
        .await;
    expect(server, "SELECT count(*) FROM spans WHERE kind = 'client'", N).await;
    expect(
        server,
        "SELECT count(*) FROM spans WHERE kind = 'server' AND http_response_status_code = 500",
        failed,
    )
    .await;
    expect(
        server,
        "SELECT count(*) FROM spans WHERE name = 'pick quote' AND status_code = 'error' AND status_message = 'missing'",
        failed,
    )
    .await;
    expect(
        server,
        "SELECT count(*) FROM spans WHERE attributes['quote.number'] = '7' \
         AND attributes['quote.big'] = '9007199254740991' AND attributes['quote.rare'] = 'true'",
        1,
    )
    .await;
    expect(
        server,
        "SELECT count(*) FROM spans WHERE resource['telemetry.sdk.language'] = 'nodejs' AND environment = 'test'",
        3 * N,
    )
    .await;
    check_trace_ids(server, did, "pick quote").await;
    expect(
        server,
        "SELECT count(*) FROM logs WHERE severity = 'warn' AND severity_text = 'WARN' AND body_type = 'm' \
         AND body LIKE '%served%' AND trace_id IS NOT NULL",
        served,
    )
    .await;
    let counter = "SELECT CAST(max(value) AS BIGINT) FROM metric_points WHERE name = 'quotes.served' \
                   AND attributes['kind'] = 'short'";
    expect(server, counter, served).await;
    let length =
        "SELECT CAST(max(sum) AS BIGINT) FROM metric_points WHERE name = 'quotes.length' AND unit = 'By'";
    expect(server, length, number(&did["length_sum"])).await;
    server.assert_quiet(&[]);
}

/// Each trace id that the application printed is stored, with one span of that name.
async fn check_trace_ids(server: &Server, did: &Value, span_name: &str) {
    for id in did["trace_ids"].as_array().expect("trace ids") {
        let id = id.as_str().expect("trace id");
        let sql = format!("SELECT count(*) FROM spans WHERE trace_id = X'{id}' AND name = '{span_name}'");
        expect(server, &sql, 1).await;
    }
}

async fn expect(server: &Server, sql: &str, n: i64) {
    eventually_eq(sql, VISIBLE, n, || server.number(sql)).await;
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("{value} is not a whole number"))
}
