//! Bad input and bad circumstances at the real sockets: a clear answer, and nothing else is lost.

use crate::support::otlp;
use crate::support::server::{Home, Server};
use crate::support::wait::eventually_eq;
use flate2::{Compression, write::GzEncoder};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use prost::Message;
use serde_json::{Value, json};
use std::fs::OpenOptions;
use std::io::Write;
use std::process::Output;
use std::time::Duration;
use tonic::Code;

struct Bad {
    what: &'static str,
    path: &'static str,
    content_type: &'static str,
    encoding: Option<&'static str>,
    body: Vec<u8>,
    status: u16,
    /// A part of the message that names the cause.
    says: &'static str,
}

/// Scenario: requests that no client should send arrive on the OTLP/HTTP port.
/// Guarantees: each gets the protocol's own status and a message that names the cause, in the
/// request's encoding; good requests before, between and after are stored; every refusal is counted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_http_requests_are_named_and_lose_nothing() {
    let (_home, server) = Server::fresh("bad-http").await;
    let mut number = 0;
    for bad in bad_requests() {
        send_good(&server, number).await;
        number += 1;
        let (status, content_type, body) = send(&server, &bad).await;
        assert_eq!(status, bad.status, "{}", bad.what);
        let message = if bad.content_type.starts_with("application/json") {
            assert!(content_type.starts_with("application/json"), "{}: answered in {content_type}", bad.what);
            let status: Value = serde_json::from_slice(&body).expect("a Status as JSON");
            status["message"].as_str().expect("a message").to_owned()
        } else {
            String::from_utf8_lossy(&body).into_owned()
        };
        assert!(
            message.to_lowercase().contains(bad.says),
            "{}: {message:?} does not say {:?}",
            bad.what,
            bad.says
        );
    }
    send_good(&server, number).await;
    let stored = || server.number("SELECT count(*) FROM spans");
    eventually_eq("good spans are stored", Duration::from_secs(5), number as i64 + 1, stored).await;
    let status = server.api("/api/v1/status").await;
    let refused: u64 =
        status["rejections"].as_array().expect("rejections").iter().filter_map(|one| one["n"].as_u64()).sum();
    assert_eq!(refused, number, "refusals in the status: {status}");
}

fn bad_requests() -> Vec<Bad> {
    let (protobuf, json) = ("application/x-protobuf", "application/json");
    let good = otlp::traces("bad", vec![otlp::span(999, false)]).encode_to_vec();
    let zipped = gzip(&good);
    let bad = |what, content_type, encoding, body, status, says| Bad {
        what,
        path: "/v1/traces",
        content_type,
        encoding,
        body,
        status,
        says,
    };
    vec![
        bad("malformed protobuf", protobuf, None, b"\x0a\xff\xff\xff\xff\x0fnope".to_vec(), 400, "protobuf"),
        bad("malformed JSON", json, None, b"{\"resourceSpans\": [".to_vec(), 400, "json"),
        bad("an enum by name", json, None, enum_by_name(), 400, "kind"),
        bad("another content type", "text/plain", None, good.clone(), 415, "text/plain"),
        bad("another encoding", json, Some("br"), good.clone(), 415, "br"),
        bad("truncated gzip", protobuf, Some("gzip"), zipped[..zipped.len() / 2].to_vec(), 400, "gzip"),
        bad("gzip that is none", json, Some("gzip"), good.clone(), 400, "gzip"),
        bad("a gzip bomb", json, Some("gzip"), gzip(&vec![b' '; 65 * 1024 * 1024]), 413, "64"),
        Bad { path: "/v1/profiles-of-mine", ..bad("an unknown path", json, None, good, 404, "/v1/traces") },
    ]
}

/// Scenario: ids of the wrong length, and a service that sends half good, half bad spans.
/// Guarantees: exactly the bad items are rejected, the answer counts them, the others are stored.
#[tokio::test]
async fn bad_items_are_rejected_one_by_one() {
    let (_home, server) = Server::fresh("bad-items").await;
    let mut spans: Vec<_> = (0..4).map(|number| otlp::span(number, false)).collect();
    spans[1].trace_id.pop();
    spans[2].span_id = vec![0; 8];
    let mut client = TraceServiceClient::connect(server.otlp_grpc()).await.expect("connects");
    let answer = client.export(otlp::traces("half", spans)).await.expect("accepted").into_inner();
    let partial = answer.partial_success.expect("partial success");
    assert_eq!(partial.rejected_spans, 2, "{partial:?}");
    assert!(partial.error_message.contains("trace_id"), "{partial:?}");
    assert_eq!(server.number("SELECT count(*) FROM spans").await, 2);
}

/// Scenario: a request is stored, the server ends in order and starts again, and the same request comes; twice.
/// Guarantees: it is stored once, and known each time, though no log tells of it any more.
#[tokio::test]
async fn a_request_is_known_after_a_restart() {
    let home = Home::new("resent", "");
    let body = otlp::traces("resent", vec![otlp::span(1, false)]).encode_to_vec();
    for n_resent in [0, 1, 1] {
        let server = home.start().await;
        let request = server.http.post(format!("{}/v1/traces", server.otlp_http())).body(body.clone());
        let answer =
            request.header("content-type", "application/x-protobuf").send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        assert_eq!(server.number("SELECT count(*) FROM spans").await, 1);
        assert_eq!(server.metric("firstfault_resent_requests_total").await, n_resent);
        server.assert_quiet(&[]);
        assert!(server.stop().await.success());
    }
}

/// Scenario: gRPC with a message larger than the limit, and an unknown method.
/// Guarantees: RESOURCE_EXHAUSTED and UNIMPLEMENTED, and the connection serves the next request.
#[tokio::test]
async fn grpc_errors_are_the_protocols_own() {
    let home = Home::new("grpc-errors", "[limits]\nrequest_bytes = \"1MiB\"\n");
    let server = home.start().await;
    let mut client = TraceServiceClient::connect(server.otlp_grpc()).await.expect("connects");
    let mut large = otlp::span(1, false);
    large.name = "x".repeat(2 * 1024 * 1024);
    let error = client.export(otlp::traces("large", vec![large])).await.expect_err("too large");
    assert_eq!(error.code(), Code::ResourceExhausted, "{error:?}");
    client.export(otlp::traces("small", vec![otlp::span(2, false)])).await.expect("the next one is accepted");
    assert_eq!(server.number("SELECT count(*) FROM spans").await, 1);
}

/// Scenario: a second process on the same data directory, and one on a port in use.
/// Guarantees: both end with an error that names the directory, or the setting and the address.
#[tokio::test]
async fn a_second_process_is_refused_by_name() {
    let (home, server) = Server::fresh("second").await;
    let message = failure(home.command().output().expect("the binary starts"));
    assert!(message.contains(&home.data_dir().display().to_string()), "{message}");
    assert!(message.contains(&server.pid().to_string()), "who holds it: {message}");
    let taken = server.otlp_http().trim_start_matches("http://").to_owned();
    let other = Home::new("port", "");
    let output =
        other.command().env("FIRSTFAULT_LISTEN_OTLP_GRPC", &taken).output().expect("the binary starts");
    let message = failure(output);
    assert!(message.contains(&taken) && message.contains("otlp_grpc"), "{message}");
}

/// Scenario: garbage follows the last whole record of the log, as after a torn write.
/// Guarantees: the start says what was cut, whatever was acknowledged is there, new data is accepted.
#[tokio::test]
async fn a_torn_log_tail_is_cut_and_said() {
    let (home, server) = Server::fresh("torn").await;
    send_good(&server, 1).await;
    server.kill();
    let mut logs: Vec<_> = std::fs::read_dir(home.data_dir().join("wal")).expect("wal folder").collect();
    logs.sort_by_key(|entry| entry.as_ref().expect("entry").file_name());
    let last = logs.pop().expect("a log file").expect("entry").path();
    OpenOptions::new()
        .append(true)
        .open(&last)
        .expect("log opens")
        .write_all(b"torn write")
        .expect("appended");
    let server = home.start().await;
    assert_eq!(server.number("SELECT count(*) FROM spans").await, 1);
    send_good(&server, 2).await;
    assert_eq!(server.number("SELECT count(*) FROM spans").await, 2);
    assert!(server.log().contains(" n_bytes_cut=10 "), "how many bytes were cut: {}", server.log());
}

/// Scenario: SIGTERM right after an acknowledgement.
/// Guarantees: the process ends by itself with success, and nothing is missing after the next start.
#[tokio::test]
async fn sigterm_drains_and_flushes() {
    let (home, server) = Server::fresh("sigterm").await;
    for number in 0..20 {
        send_good(&server, number).await;
    }
    server.assert_quiet(&[]);
    let status = server.stop().await;
    assert!(status.success(), "{status}");
    let server = home.start().await;
    assert_eq!(server.number("SELECT count(*) FROM spans").await, 20);
    server.assert_quiet(&[]);
}

async fn send_good(server: &Server, number: u64) {
    let body = otlp::traces("good", vec![otlp::span(number, false)]).encode_to_vec();
    let request = server.http.post(format!("{}/v1/traces", server.otlp_http()));
    let answer =
        request.header("content-type", "application/x-protobuf").body(body).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
}

async fn send(server: &Server, bad: &Bad) -> (u16, String, Vec<u8>) {
    let mut request = server
        .http
        .post(format!("{}{}", server.otlp_http(), bad.path))
        .header("content-type", bad.content_type)
        .body(bad.body.clone());
    if let Some(encoding) = bad.encoding {
        request = request.header("content-encoding", encoding);
    }
    let answer = request.send().await.unwrap_or_else(|error| panic!("{}: {error}", bad.what));
    let content_type = answer.headers()["content-type"].to_str().expect("text").to_owned();
    (answer.status().as_u16(), content_type, answer.bytes().await.expect("a body").to_vec())
}

fn enum_by_name() -> Vec<u8> {
    let span = json!({
        "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174",
        "name": "x", "kind": "SPAN_KIND_SERVER",
    });
    json!({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).to_string().into_bytes()
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).expect("gzip");
    encoder.finish().expect("gzip")
}

fn failure(output: Output) -> String {
    assert!(!output.status.success(), "it started");
    format!("{}{}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout))
}
