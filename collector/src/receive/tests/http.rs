//! The HTTP door: answers in the encoding of the request, limits, and what is refused.

use super::*;
use crate::telemetry::{Origin, Transport};
use ::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use ::http::{HeaderMap, Request, StatusCode};
use expect_test::{Expect, expect};
use futures::StreamExt as _;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;
use std::time::Duration;
use tonic_types::{RpcStatusExt as _, pb};

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

const LOG_JSON: &str = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"x"}}]}]}]}"#;
const METRIC_JSON: &str = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","gauge":{"dataPoints":[{"asInt":1}]}}]}]}]}"#;
const SPAN_JSON: &str = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174"}]}]}]}"#;

fn post(path: &str, content_type: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post(path).header(CONTENT_TYPE, content_type).body(body.into()).unwrap()
}

fn encoded(mut request: Request<Body>, encoding: &'static str) -> Request<Body> {
    request.headers_mut().insert(CONTENT_ENCODING, encoding.parse().unwrap());
    request
}

/// Status, content type and body of the answer; a protobuf body as its message or `Status`.
fn shown(parts: &::http::response::Parts, body: &Bytes) -> String {
    let content_type = parts.headers[CONTENT_TYPE].to_str().unwrap();
    let text = match content_type {
        JSON => String::from_utf8(body.to_vec()).unwrap(),
        _ if parts.status.is_success() => {
            format!("{:?}", ExportTraceServiceResponse::decode(body.clone()).unwrap())
        }
        _ => {
            let status = pb::Status::decode(body.clone()).unwrap();
            let details: Vec<_> = status.details.iter().map(|detail| detail.type_url.as_str()).collect();
            format!("Status {{ code: {}, message: {:?}, details: {details:?} }}", status.code, status.message)
        }
    };
    let extra: Vec<String> = ["allow", "accept-encoding", "retry-after"]
        .iter()
        .filter_map(|name| Some(format!(" {name}={}", parts.headers.get(*name)?.to_str().unwrap())))
        .collect();
    let text = text.replace('\u{fffd}', "?"); // this file is ASCII
    format!("{} {content_type}{} {text}", parts.status.as_u16(), extra.concat())
}

async fn check(server: &Server, request: Request<Body>, expected: Expect) {
    let (parts, body) = call(server.http(), request).await;
    expected.assert_eq(&shown(&parts, &body));
}

/// Scenario: each signal in each encoding, plain and gzipped, with parameters on the content type.
/// Guarantees: 200 in the request's encoding, partial_success unset, and the row is in the engine.
#[tokio::test]
async fn all_signals_and_encodings() {
    let server = Server::start(IngestLimits::default()).await;
    for (path, json) in [("/v1/traces", SPAN_JSON), ("/v1/logs", LOG_JSON), ("/v1/metrics", METRIC_JSON)] {
        check(
            &server,
            post(path, "application/json; charset=utf-8", json),
            expect!["200 application/json {}"],
        )
        .await;
        check(
            &server,
            encoded(post(path, JSON, gzip(format!("{json} ").as_bytes())), "gzip"),
            expect!["200 application/json {}"],
        )
        .await;
        check(
            &server,
            encoded(post(path, JSON, format!("{json}  ")), "identity"),
            expect!["200 application/json {}"],
        )
        .await;
    }
    let (body, other) = (traces(2, 0).encode_to_vec(), traces(3, 0).encode_to_vec());
    let done = || expect!["200 application/x-protobuf ExportTraceServiceResponse { partial_success: None }"];
    check(&server, post("/v1/traces", "Application/X-Protobuf;q=1", body), done()).await;
    check(&server, encoded(post("/v1/traces", PROTOBUF, gzip(&other)), "gzip"), done()).await;
    assert_eq!(Signal::ALL.map(|signal| server.n_stored(signal)), [8, 3, 3]);
    assert_eq!(server.rejections(), []);
}

/// Scenario: a full success on the wire, and empty requests in both encodings; spans sent as metrics.
/// Guarantees: the protobuf answer has no bytes at all, and emptiness is no error, but for JSON of no bytes; who mixed the
/// signals up is told.
#[tokio::test]
async fn full_success_is_empty() {
    let server = Server::start(IngestLimits::default()).await;
    let (parts, body) = call(server.http(), post("/v1/traces", PROTOBUF, traces(1, 0).encode_to_vec())).await;
    assert_eq!((parts.status, body.len()), (StatusCode::OK, 0));
    for (content_type, body) in [(PROTOBUF, ""), (JSON, "{}"), (JSON, r#"{"resourceSpans":[]}"#)] {
        let (parts, _) = call(server.http(), post("/v1/traces", content_type, body)).await;
        assert_eq!(parts.status, StatusCode::OK, "{content_type} {body}");
    }
    let (parts, told) = call(server.http(), post("/v1/traces", JSON, "")).await;
    assert_eq!(parts.status, StatusCode::BAD_REQUEST, "no bytes are no JSON");
    assert!(String::from_utf8_lossy(&told).contains("an empty request is {}"));
    let (parts, told) =
        call(server.http(), post("/v1/metrics", PROTOBUF, traces(1, 0).encode_to_vec())).await;
    assert_eq!(parts.status, StatusCode::BAD_REQUEST);
    let told = String::from_utf8_lossy(&told).into_owned();
    assert!(
        told.contains("the body is an export request of traces, and it was sent as one of metrics"),
        "{told}"
    );
    let gzipped = encoded(post("/v1/traces", PROTOBUF, gzip(b"")), "gzip");
    assert_eq!(call(server.http(), gzipped).await.0.status, StatusCode::OK);
}

/// Scenario: valid spans and invalid ones in one request.
/// Guarantees: 200, the exact count, the reason in printable English; the counters agree.
#[tokio::test]
async fn partial_success_counts_exactly() {
    let server = Server::start(IngestLimits::default()).await;
    let body = traces(3, 2).encode_to_vec();
    check(
        &server,
        post("/v1/traces", PROTOBUF, body),
        expect![[r#"200 application/x-protobuf ExportTraceServiceResponse { partial_success: Some(ExportTracePartialSuccess { rejected_spans: 2, error_message: "rejected 2 x trace_id_invalid: span 'nameless?' has trace_id of 0 bytes ''" }) }"#]],
    )
    .await;
    assert_eq!(server.n_stored(Signal::Traces), 3);
    assert_eq!(server.rejections(), [(Reason::TraceIdInvalid, 2)]);
    let metric = METRIC_JSON.replace(r#"{"asInt":1}"#, "{}");
    check(
        &server,
        post("/v1/metrics", JSON, metric),
        expect![[r#"200 application/json {"partialSuccess":{"rejectedDataPoints":"1","errorMessage":"rejected 1 x point_without_value: metric 'm' has a point without a value"}}"#]],
    )
    .await;
    let page = server.telemetry.prometheus(&server.engine.stats());
    assert!(page.contains("firstfault_rejected_items_total{signal=\"traces\"} 2\n"), "{page}");
    assert!(page.contains("firstfault_rejected_items_total{signal=\"metrics\"} 1\n"), "{page}");
}

/// Scenario: a body whose keys are snake_case.
/// Guarantees: 200 with a warning that rejects nothing, and an entry in the diagnostics.
#[tokio::test]
async fn snake_case_is_warned_about() {
    let server = Server::start(IngestLimits::default()).await;
    check(
        &server,
        post("/v1/traces", JSON, r#"{"resource_spans":[]}"#),
        expect![[r#"200 application/json {"partialSuccess":{"rejectedSpans":"0","errorMessage":"warning 1 x json_snake_case_key: ignored unknown keys 'resource_spans': OTLP/JSON keys are lowerCamelCase"}}"#]],
    )
    .await;
    assert_eq!(server.rejections(), [(Reason::JsonSnakeCaseKey, 1)]);
}

/// Scenario: requests that are wrong as a whole, in both encodings.
/// Guarantees: the right status; the body is a google.rpc.Status in the request's encoding with the
/// details that belong to it; each is counted under its reason.
#[tokio::test]
async fn refusals_speak_the_protocol() {
    let server = Server::start(IngestLimits::default()).await;
    let traces_path = "/v1/traces";
    check(&server, post(traces_path, JSON, "{\n]"), expect![[r#"400 application/json {"code":3,"message":"request is not valid OTLP/JSON: key must be a string at line 2 column 1","details":[{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"json_malformed","description":"request is not valid OTLP/JSON: key must be a string at line 2 column 1"}]}]}"#]]).await;
    check(&server, post(traces_path, PROTOBUF, "\x7f"), expect![[r#"400 application/x-protobuf Status { code: 3, message: "request is not a valid protobuf message: failed to decode Protobuf message: invalid wire type value: 7", details: ["type.googleapis.com/google.rpc.BadRequest"] }"#]]).await;
    check(&server, encoded(post(traces_path, PROTOBUF, "no gzip"), "gzip"), expect![[r#"400 application/x-protobuf Status { code: 3, message: "request body is not valid gzip: unexpected end of file", details: ["type.googleapis.com/google.rpc.BadRequest"] }"#]]).await;
    check(&server, post("/v1/trace", JSON, "{}"), expect![[r#"404 application/json {"code":5,"message":"no such path: /v1/trace; did you mean /v1/traces?","details":[]}"#]]).await;
    check(&server, post("/", PROTOBUF, ""), expect![[r#"404 application/x-protobuf Status { code: 5, message: "no such path: /; the path is missing: SDKs add it to OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318, and take OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:4318/v1/traces as it is", details: [] }"#]]).await;
    check(&server, post("/v1development/profiles", PROTOBUF, ""), expect![[r#"404 application/x-protobuf Status { code: 12, message: "profiles are not supported", details: [] }"#]]).await;
    check(&server, Request::get("/v1/logs").body(Body::empty()).unwrap(), expect![[r#"405 application/json allow=POST {"code":12,"message":"method GET is not allowed, use POST","details":[]}"#]]).await;
    check(&server, post(traces_path, "text/plain", "x"), expect![[r#"415 application/json {"code":3,"message":"got 'text/plain'; supported are application/x-protobuf and application/json","details":[{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"unsupported_media_type","description":"got 'text/plain'; supported are application/x-protobuf and application/json"}]}]}"#]]).await;
    check(&server, Request::post(traces_path).body(Body::empty()).unwrap(), expect![[r#"415 application/json {"code":3,"message":"got no content type; supported are application/x-protobuf and application/json","details":[{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"unsupported_media_type","description":"got no content type; supported are application/x-protobuf and application/json"}]}]}"#]]).await;
    for (encoding, says) in [
        ("br", "content encoding 'br' is not supported; supported are zstd, gzip, deflate, identity"),
        ("gzip, gzip", "compress once"),
    ] {
        let (parts, body) = call(server.http(), encoded(post(traces_path, PROTOBUF, "x"), encoding)).await;
        let status = pb::Status::decode(body).unwrap();
        assert_eq!(
            (parts.status.as_u16(), parts.headers["accept-encoding"].to_str().unwrap()),
            (415, "zstd, gzip, deflate, identity")
        );
        assert!(status.message.contains(says), "{}", status.message);
    }
    let expected = [
        (Reason::ProtobufMalformed, 1),
        (Reason::JsonMalformed, 1),
        (Reason::GzipMalformed, 1),
        (Reason::UnsupportedMediaType, 2),
        (Reason::UnsupportedEncoding, 2),
        (Reason::MethodNotAllowed, 1),
        (Reason::PathUnknown, 2),
        (Reason::ProfilesUnsupported, 1),
    ];
    assert_eq!(server.rejections(), expected);
    assert_eq!(server.engine.stats().rows_ever.total(), 0);
}

/// Scenario: every compression that is taken, as headers name it, also beside one that changes nothing.
/// Guarantees: 200, and every row is in the engine.
#[tokio::test]
async fn every_compression_is_taken() {
    let server = Server::start(IngestLimits::default()).await;
    let mut n_spans = 0;
    let ways: [(&'static str, Compress); 6] = [
        ("gzip", gzip),
        ("x-gzip", gzip),
        ("zstd", zstd),
        ("ZSTD", zstd),
        ("deflate", zlib),
        ("identity, zstd", zstd),
    ];
    for (n, (name, compress)) in (1..).zip(ways) {
        let body = compress(&traces(n, 0).encode_to_vec());
        let (parts, answer) = call(server.http(), encoded(post("/v1/traces", PROTOBUF, body), name)).await;
        assert_eq!((parts.status, answer.len()), (StatusCode::OK, 0), "{name}: {answer:?}");
        n_spans += n as u64;
    }
    assert_eq!(server.n_stored(Signal::Traces), n_spans);
    assert_eq!(server.rejections(), []);
}

/// Scenario: bodies that were compressed twice, compressed without a word of it, or sent under the other encoding's
/// name.
/// Guarantees: 400 that says what happened and what to do, counted under a reason of its own; the ring has the path
/// and the hint.
#[tokio::test]
async fn common_mistakes_are_named() {
    let server = Server::start(IngestLimits::default()).await;
    let body = traces(1, 0).encode_to_vec();
    let twice = encoded(post("/v1/traces", PROTOBUF, gzip(&gzip(&body))), "gzip");
    check(&server, twice, expect![[r#"400 application/x-protobuf Status { code: 3, message: "the body is still gzip after decompression: it was compressed twice; switch compression off in one place, the exporter or what is between it and here", details: ["type.googleapis.com/google.rpc.BadRequest"] }"#]]).await;
    check(&server, post("/v1/logs", JSON, gzip(LOG_JSON.as_bytes())), expect![[r#"400 application/json {"code":3,"message":"the body is compressed with gzip, and its headers do not say so; name the compression in Content-Encoding, or switch it off at the sender","details":[{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"compression_undeclared","description":"the body is compressed with gzip, and its headers do not say so; name the compression in Content-Encoding, or switch it off at the sender"}]}]}"#]]).await;
    check(&server, post("/v1/traces", PROTOBUF, SPAN_JSON), expect![[r#"400 application/x-protobuf Status { code: 3, message: "the body is JSON, and it was sent as protobuf; set Content-Type to application/json", details: ["type.googleapis.com/google.rpc.BadRequest"] }"#]]).await;
    check(&server, post("/v1/traces", JSON, body), expect![[r#"400 application/json {"code":3,"message":"the body is binary, and it was sent as JSON; set Content-Type to application/x-protobuf","details":[{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"protobuf_as_json","description":"the body is binary, and it was sent as JSON; set Content-Type to application/x-protobuf"}]}]}"#]]).await;
    let expected = [
        (Reason::JsonAsProtobuf, 1),
        (Reason::ProtobufAsJson, 1),
        (Reason::CompressedTwice, 1),
        (Reason::CompressionUndeclared, 1),
    ];
    assert_eq!(server.rejections(), expected);
    let (_, ring) = server.telemetry.rejected();
    let (newest, oldest) = (&ring[0], &ring[3]);
    assert_eq!((newest.origin.path.as_str(), newest.signal), ("/v1/traces", Some(Signal::Traces)));
    assert_eq!(newest.hint.as_deref(), Some("set Content-Type to application/x-protobuf"));
    assert_eq!((oldest.reason, oldest.n), (Reason::CompressedTwice, 1));
}

/// Scenario: a body in many chunks without a length, plain and gzipped in two members.
/// Guarantees: read whole.
#[tokio::test]
async fn chunked_bodies_are_read_whole() {
    let server = Server::start(IngestLimits::default()).await;
    let (body, zipped) = (traces(50, 0).encode_to_vec(), traces(51, 0).encode_to_vec());
    let (front, back) = zipped.split_at(zipped.len() / 2);
    let members = [gzip(front), gzip(back)].concat();
    for (bytes, encoding) in [(body, "identity"), (members, "gzip")] {
        let chunks: Vec<Result<Bytes, std::io::Error>> =
            bytes.chunks(7).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
        let request = post("/v1/traces", PROTOBUF, Body::from_stream(futures::stream::iter(chunks)));
        let (parts, _) = call(server.http(), encoded(request, encoding)).await;
        assert_eq!(parts.status, StatusCode::OK, "{encoding}");
    }
    assert_eq!(server.n_stored(Signal::Traces), 101);
}

fn small() -> IngestLimits {
    IngestLimits { request_bytes: 1 << 20, inflight_bytes: 4 << 20, ..IngestLimits::default() }
}

/// Scenario: bodies over the limit: announced, unannounced, and a bomb of 64 MiB.
/// Guarantees: 413 with a Status and no delay; nothing stays charged.
#[tokio::test]
async fn oversized_bodies_are_refused() {
    let server = Server::start(small()).await;
    let over = vec![0u8; (1 << 20) + 1];
    let stream = Body::from_stream(futures::stream::iter(
        over.chunks(4096)
            .map(|chunk| Ok::<_, std::io::Error>(Bytes::copy_from_slice(chunk)))
            .collect::<Vec<_>>(),
    ));
    for (request, when) in [
        (post("/v1/traces", PROTOBUF, over.clone()), "as sent"),
        (post("/v1/traces", PROTOBUF, stream), "as sent"),
        (encoded(post("/v1/traces", PROTOBUF, bomb(64)), "gzip"), "after decompression"),
        (encoded(post("/v1/traces", PROTOBUF, zstd(&vec![0; 64 << 20])), "zstd"), "after decompression"),
        (encoded(post("/v1/traces", PROTOBUF, zlib(&vec![0; 64 << 20])), "deflate"), "after decompression"),
    ] {
        let (parts, body) = call(server.http(), request).await;
        let status = pb::Status::decode(body).unwrap();
        assert_eq!((parts.status.as_u16(), status.code), (413, tonic::Code::ResourceExhausted as i32));
        assert_eq!(status.message, format!("request is larger than the limit of 1048576 bytes {when}"));
        assert!(status.get_details_retry_info().is_none() && !parts.headers.contains_key("retry-after"));
    }
    assert_eq!(server.rejections(), [(Reason::RequestTooLarge, 5)]);
    assert_eq!(server.telemetry.inflight_bytes().load(std::sync::atomic::Ordering::Relaxed), 0);
}

/// Scenario: the budget of bytes in flight is taken, then free again.
/// Guarantees: 429 with Retry-After and RetryInfo meanwhile, in either encoding; success afterwards.
#[tokio::test]
async fn overload_asks_to_retry() {
    let server = Server::start(small()).await;
    let mut taken = server.ingest.budget().permit();
    taken.charge((4 << 20) - 10).unwrap();
    let request = || post("/v1/traces", PROTOBUF, traces(1, 0).encode_to_vec());
    let (parts, body) = call(server.http(), request()).await;
    assert_eq!((parts.status.as_u16(), &parts.headers["retry-after"]), (429, &"1".parse().unwrap()));
    let status = pb::Status::decode(body).unwrap();
    assert_eq!(status.code, tonic::Code::Unavailable as i32);
    assert_eq!(status.get_details_retry_info().unwrap().retry_delay, Some(Duration::from_secs(1)));
    check(&server, post("/v1/traces", JSON, SPAN_JSON), expect![[r#"429 application/json retry-after=1 {"code":14,"message":"requests in flight hold the limit of 4194304 bytes, retry later","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"1s"}]}"#]]).await;
    drop(taken);
    assert_eq!(call(server.http(), request()).await.0.status, StatusCode::OK);
    assert_eq!(server.n_stored(Signal::Traces), 1);
}

/// Scenario: the engine is shut down while clients still send.
/// Guarantees: 503 with a delay: the data is the client's to keep.
#[tokio::test]
async fn a_closed_engine_asks_to_retry() {
    let server = Server::start(small()).await;
    server.engine.shutdown().await.unwrap();
    let (parts, body) = call(server.http(), post("/v1/logs", JSON, LOG_JSON)).await;
    assert_eq!(parts.status, StatusCode::SERVICE_UNAVAILABLE, "{body:?}");
    assert!(parts.headers.contains_key("retry-after"));
    assert_eq!(server.rejections(), [(Reason::StorageUnavailable, 1)]);
}

/// Scenario: a body that stops arriving, and one that breaks off.
/// Guarantees: cut by the deadline or the break, refused with codes that clients retry.
#[tokio::test]
async fn unfinished_bodies_are_cut() {
    let server = Server::start(IngestLimits { body_timeout: Duration::from_millis(20), ..small() }).await;
    let first = || futures::stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"\x0a"))]);
    let broken = first().chain(futures::stream::iter([Err(std::io::Error::other("reset"))]));
    let request = post("/v1/traces", PROTOBUF, Body::from_stream(broken));
    assert_eq!(call(server.http(), request).await.0.status, StatusCode::SERVICE_UNAVAILABLE);
    let stuck = first().chain(futures::stream::pending());
    let router = server.http();
    let request = post("/v1/traces", PROTOBUF, Body::from_stream(stuck));
    assert_eq!(call(router, request).await.0.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(server.rejections(), [(Reason::BodyUnreadable, 1), (Reason::BodyTooSlow, 1)]);
}

/// A request that announces `announced` bytes, sends the first ones and then nothing.
fn stalled(announced: usize, first: usize) -> Request<Body> {
    let sent = futures::stream::iter([Ok::<_, std::io::Error>(Bytes::from(vec![0x0a; first]))]);
    let body = Body::from_stream(sent.chain(futures::stream::pending()));
    let mut request = post("/v1/traces", PROTOBUF, body);
    request.headers_mut().insert("content-length", announced.into());
    request
}

/// Scenario: clients announce bodies that would fill the budget, and send a byte each.
/// Guarantees: others are served meanwhile: what is only announced holds nothing.
#[tokio::test]
async fn announcing_holds_no_budget() {
    let server = Server::start(small()).await;
    let slow: Vec<_> = (0..4).map(|_| tokio::spawn(call(server.http(), stalled(1 << 20, 1)))).collect();
    let inflight = server.telemetry.inflight_bytes();
    while inflight.load(std::sync::atomic::Ordering::Relaxed) < 4 {
        tokio::task::yield_now().await;
    }
    let request = post("/v1/traces", PROTOBUF, traces(1, 0).encode_to_vec());
    assert_eq!(call(server.http(), request).await.0.status, StatusCode::OK);
    slow.iter().for_each(tokio::task::JoinHandle::abort);
}

/// Scenario: a request of which the bytes fit beside another request, and the rows do not; then it comes alone.
/// Guarantees: it is told to come again and stores nothing; alone it is taken, and everything is given back.
#[tokio::test]
async fn rows_are_charged() {
    let server = Server::start(small()).await;
    let body = traces(2000, 0).encode_to_vec();
    let mut other = server.ingest.budget().permit();
    other.charge((4 << 20) - 2 * body.len() as u64).unwrap();
    let (parts, _) = call(server.http(), post("/v1/traces", PROTOBUF, body.clone())).await;
    assert_eq!(parts.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(parts.headers.contains_key("retry-after"));
    assert_eq!(server.rejections(), [(Reason::Overloaded, 1)]);
    assert_eq!(server.n_stored(Signal::Traces), 0);
    drop(other);
    let (parts, _) = call(server.http(), post("/v1/traces", PROTOBUF, body)).await;
    assert_eq!(parts.status, StatusCode::OK);
    assert_eq!(server.n_stored(Signal::Traces), 2000);
    assert_eq!(server.telemetry.inflight_bytes().load(std::sync::atomic::Ordering::Relaxed), 0);
}

/// Scenario: a body stalls after half a megabyte came at once, which has earned it eight seconds at the slowest rate.
/// Guarantees: the pause alone ends it, with a code that clients retry, and its bytes are given back.
#[tokio::test]
async fn a_stalled_body_is_cut() {
    let server = Server::start(IngestLimits { body_timeout: Duration::from_millis(50), ..small() }).await;
    let answered = call(server.http(), stalled(1 << 20, 512 << 10));
    let answered = tokio::time::timeout(Duration::from_secs(4), answered).await.expect("in time");
    assert_eq!(answered.0.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(server.rejections(), [(Reason::BodyTooSlow, 1)]);
    assert_eq!(server.telemetry.inflight_bytes().load(std::sync::atomic::Ordering::Relaxed), 0);
}

/// Scenario: a client that goes away once its request has been handed over.
/// Guarantees: the request is stored and counted all the same, and its bytes are given back.
#[tokio::test]
async fn a_client_that_leaves_changes_nothing() {
    let server = Server::start(IngestLimits::default()).await;
    let payload = crate::ingest::Payload {
        signal: Signal::Traces,
        origin: Origin::new(None, Transport::Http, "/v1/traces"),
        encoding: crate::decode::Encoding::Protobuf,
        compression: crate::receive::Compression::None,
        bytes: traces(5, 0).encode_to_vec().into(),
        permit: server.ingest.budget().permit(),
    };
    // Polled once and dropped, as a connection's task does when its client leaves.
    let mut accepting = Box::pin(server.ingest.accept(payload));
    assert!(futures::poll!(&mut accepting).is_pending());
    drop(accepting);
    server.ingest.drain().await;
    assert_eq!(server.n_stored(Signal::Traces), 5);
    assert_eq!(server.telemetry.snapshot(0).signals[0].n_accepted, 5);
}

/// Scenario: a gRPC client that was pointed at the HTTP port.
/// Guarantees: it gets a gRPC status that names the mistake, and the diagnostics do too.
#[tokio::test]
async fn grpc_on_the_http_port_is_named() {
    let server = Server::start(IngestLimits::default()).await;
    let path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    let (parts, _) = call(server.http(), post(path, "application/grpc", "\0\0\0\0\0")).await;
    let status = tonic::Status::from_header_map(&parts.headers).unwrap();
    assert_eq!(status.code(), tonic::Code::Unimplemented);
    assert!(status.message().contains("4317"), "{}", status.message());
    assert_eq!(server.rejections(), [(Reason::GrpcOnHttpPort, 1)]);
}

/// Scenario: one hundred requests at once.
/// Guarantees: all are answered, and every span is there.
#[tokio::test]
async fn requests_are_served_side_by_side() {
    let server = Server::start(IngestLimits::default()).await;
    let requests =
        (1..=100).map(|n| call(server.http(), post("/v1/traces", PROTOBUF, traces(n, 1).encode_to_vec())));
    let answers = futures::future::join_all(requests).await;
    assert!(answers.iter().all(|(parts, _)| parts.status == StatusCode::OK));
    assert_eq!(server.n_stored(Signal::Traces), 5_050);
    assert_eq!(server.rejections(), [(Reason::TraceIdInvalid, 100)]);
}

/// Scenario: content types and encodings as clients spell them.
/// Guarantees: headers without meaning change nothing.
#[tokio::test]
async fn harmless_headers_are_harmless() {
    let server = Server::start(IngestLimits::default()).await;
    let mut request = encoded(post("/v1/logs", JSON, LOG_JSON), "identity");
    let mut headers = HeaderMap::new();
    headers.insert("accept", "text/html".parse().unwrap());
    headers.insert("expect", "100-continue".parse().unwrap());
    headers.insert("x-scope-orgid", "tenant".parse().unwrap());
    request.headers_mut().extend(headers);
    assert_eq!(call(server.http(), request).await.0.status, StatusCode::OK);
}

/// Scenario: the same request again, several at once, gzipped, with rejected items, after a kill, after a flush and
/// a kill, after an end in order; then one more span.
/// Guarantees: it is stored once, and answered each time as it was the first time.
#[tokio::test]
async fn a_resent_request_is_stored_once() {
    let mut server = Server::start(IngestLimits::default()).await;
    let body = traces(2, 1).encode_to_vec();
    let send = |server: &Server| call(server.http(), post("/v1/traces", PROTOBUF, body.clone()));
    let all = futures::future::join_all((0..8).map(|_| send(&server))).await;
    let (first_parts, first) = &all[0];
    assert_eq!(first_parts.status, StatusCode::OK);
    for (parts, answer) in &all {
        assert_eq!((parts.status, answer), (StatusCode::OK, first));
    }
    let zipped = encoded(post("/v1/traces", PROTOBUF, gzip(&body)), "gzip");
    assert_eq!(&call(server.http(), zipped).await.1, first);
    assert_eq!(server.n_stored(Signal::Traces), 2);
    server = server.restart().await;
    assert_eq!(&send(&server).await.1, first, "as it was answered before the kill");
    for end in ["flush", "shutdown", "nothing new"] {
        match end {
            "flush" => server.engine.flush().await.unwrap(),
            _ => server.engine.shutdown().await.unwrap(),
        }
        assert_eq!(server.engine.stats().wal_bytes, 0, "{end}: the log does not have it any more");
        server = server.restart().await;
        assert_eq!(&send(&server).await.1, first, "{end}");
    }
    let n_stored = server.n_stored(Signal::Traces);
    call(server.http(), post("/v1/traces", PROTOBUF, traces(3, 1).encode_to_vec())).await;
    assert_eq!((n_stored, server.n_stored(Signal::Traces)), (2, 5), "another request is no resent one");
}

/// Scenario: a script sends the same log record and the same point each time, without a time or an id; the server is
/// killed in between. Then the same with a time.
/// Guarantees: what could have happened twice is stored each time; what says when it happened is stored once.
#[tokio::test]
async fn what_says_no_time_is_no_resent_request() {
    let mut server = Server::start(IngestLimits::default()).await;
    let log = |time: &str| {
        format!(
            r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"body":{{"stringValue":"done"}}{time}}}]}}]}}]}}"#
        )
    };
    let gauge = |time: &str| format!(r#"{{"name":"m","gauge":{{"dataPoints":[{{"asInt":1{time}}}]}}}}"#);
    let metric = |time: &str| {
        format!(r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{}]}}]}}]}}"#, gauge(time))
    };
    for n_sent in 1..=3 {
        call(server.http(), post("/v1/logs", JSON, log(""))).await;
        call(server.http(), post("/v1/metrics", JSON, metric(r#","timeUnixNano":"0""#))).await;
        assert_eq!((server.n_stored(Signal::Logs), server.n_stored(Signal::Metrics)), (n_sent, n_sent));
        if n_sent == 2 {
            server = server.restart().await;
        }
    }
    for _ in 0..2 {
        for time in [r#","observedTimeUnixNano":"5""#, r#","traceId":"5b8efff798038103d269b633813fc60c""#] {
            call(server.http(), post("/v1/logs", JSON, log(time))).await;
        }
        call(server.http(), post("/v1/metrics", JSON, metric(r#","timeUnixNano":"5""#))).await;
    }
    assert_eq!((server.n_stored(Signal::Logs), server.n_stored(Signal::Metrics)), (5, 4));
}

/// Scenario: a metric with more series than it may have; then the server is killed, and the request sent again.
/// Guarantees: points of series beyond are rejected and stay so when the log is replayed, and the answer is the same.
#[tokio::test]
async fn series_beyond_the_limit_are_rejected_for_good() {
    let mut server = Server::start(IngestLimits { series_max: 2, ..IngestLimits::default() }).await;
    let point = |n: usize| {
        format!(
            r#"{{"asInt":1,"timeUnixNano":"1","attributes":[{{"key":"user","value":{{"intValue":{n}}}}}]}}"#
        )
    };
    let points: Vec<String> = (0..5).map(point).collect();
    let gauge = format!(r#"{{"name":"m","gauge":{{"dataPoints":[{}]}}}}"#, points.join(","));
    let body = format!(r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{gauge}]}}]}}]}}"#);
    let send = |server: &Server| call(server.http(), post("/v1/metrics", JSON, body.clone()));
    let (parts, first) = send(&server).await;
    assert_eq!(parts.status, StatusCode::OK);
    let text = String::from_utf8(first.to_vec()).unwrap();
    assert!(text.contains("rejected 3 x series_limit: metric 'm' has as many series"), "{text}");
    assert_eq!(server.rejections(), [(Reason::SeriesLimit, 3)]);
    assert_eq!(server.n_stored(Signal::Metrics), 2);
    server = server.restart().await;
    assert_eq!(server.n_stored(Signal::Metrics), 2, "as before the restart");
    assert_eq!(send(&server).await.1, first);
    assert_eq!(server.n_stored(Signal::Metrics), 2);
}
