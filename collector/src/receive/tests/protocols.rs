//! Zipkin and remote write beside OTLP/HTTP: answers in their own words, limits, and a life of its own for every
//! request after a kill.

use super::*;
use ::http::header::CONTENT_ENCODING;
use ::http::{HeaderValue, Request, StatusCode};
use expect_test::{Expect, expect};

const ZIPKIN: &str = "/api/v2/spans";
const WRITE: &str = "/api/v1/write";
const PROTOBUF: &str = "application/x-protobuf";

const SPANS: &str = r#"[{"traceId":"d269b633813fc60c","id":"b","kind":"SERVER","name":"get","shared":true,
    "timestamp":1544712660000000,"duration":250,"localEndpoint":{"serviceName":"stock"},
    "annotations":[{"timestamp":1544712660000100,"value":"{\"hit\": {\"n\": 1}}"}],"tags":{"error":"gone"}}]"#;

/// Everything behind the port of OTLP/HTTP.
fn door(server: &Server, is_served: bool) -> Router {
    let ingest = || server.ingest.clone();
    let zipkin = crate::receive::zipkin::router(ingest(), is_served);
    server.http().merge(zipkin).merge(crate::receive::remote_write::router(ingest(), is_served))
}

fn post(path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Request<Body> {
    let request = Request::post(path);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.body(body.into()).unwrap()
}

fn spans(body: impl Into<Body>) -> Request<Body> {
    post(ZIPKIN, &[("content-type", "application/json")], body)
}

/// As Prometheus sends it.
fn write(message: &[u8]) -> Request<Body> {
    let headers = [
        ("content-type", PROTOBUF),
        ("content-encoding", "snappy"),
        ("x-prometheus-remote-write-version", "0.1.0"),
    ];
    post(WRITE, &headers, snap::raw::Encoder::new().compress_vec(message).unwrap())
}

/// A field of bytes, fewer than 128.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2, u8::try_from(bytes.len()).unwrap()][..], bytes].concat()
}

/// A `WriteRequest` of one series with one sample, a second after 1970.
fn series(labels: &[(&str, &str)], value: f64) -> Vec<u8> {
    let label = |(name, value): &(&str, &str)| {
        field(1, &[field(1, name.as_bytes()), field(2, value.as_bytes())].concat())
    };
    let sample = [&[0x09][..], &value.to_le_bytes(), &[0x10, 0xe8, 0x07]].concat();
    let mut message = labels.iter().flat_map(label).collect::<Vec<u8>>();
    message.extend(field(2, &sample));
    field(1, &message)
}

fn orders(value: f64) -> Vec<u8> {
    series(&[("__name__", "orders_total"), ("instance", "shop:80"), ("job", "shop")], value)
}

/// Status, the headers that matter, and the text.
async fn check(router: Router, request: Request<Body>, expected: Expect) {
    let (parts, body) = call(router, request).await;
    let extra: Vec<String> = ["content-type", "allow", "retry-after"]
        .iter()
        .filter_map(|name| Some(format!(" {name}={}", parts.headers.get(*name)?.to_str().unwrap())))
        .collect();
    let text = String::from_utf8(body.to_vec()).unwrap();
    expected.assert_eq(format!("{}{} {text}", parts.status.as_u16(), extra.concat()).trim_end());
}

/// The rows of a statement, one JSON object a line.
async fn rows(server: &Server, sql: &str) -> String {
    let mut stream = server.engine.sql(sql).await.unwrap();
    let mut writer = arrow::json::LineDelimitedWriter::new(Vec::new());
    while let Some(batch) = stream.next().await {
        writer.write(&batch.unwrap()).unwrap();
    }
    writer.finish().unwrap();
    String::from_utf8(writer.into_inner()).unwrap()
}

/// Scenario: spans plain, compressed, and without a content type; samples; and OTLP on the same port.
/// Guarantees: 202 and 204 without a body, rows in the engine, and counts by encoding.
#[tokio::test]
async fn both_are_taken_beside_otlp() {
    let server = Server::start(IngestLimits::default()).await;
    let door = || door(&server, true);
    check(door(), spans(SPANS), expect!["202"]).await;
    let of_id = |id: &str| SPANS.replace("\"b\"", &format!("\"{id}\""));
    let compressed = [
        ("gzip", gzip(of_id("c").as_bytes())),
        ("zstd", zstd(of_id("d").as_bytes())),
        ("deflate", zlib(of_id("e").as_bytes())),
    ];
    for (name, body) in compressed {
        let mut request = spans(body);
        request.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(name));
        check(door(), request, expect!["202"]).await;
    }
    check(door(), post(ZIPKIN, &[], of_id("f")), expect!["202"]).await;
    check(door(), spans("[]"), expect!["202"]).await;
    check(door(), write(&orders(1.0)), expect!["204"]).await;
    check(door(), write(b""), expect!["204"]).await;
    let otlp =
        post("/v1/traces", &[("content-type", PROTOBUF)], prost::Message::encode_to_vec(&traces(2, 0)));
    assert_eq!(call(door(), otlp).await.0.status, StatusCode::OK);
    assert_eq!(Signal::ALL.map(|signal| server.n_stored(signal)), [7, 0, 1]);
    assert_eq!(server.rejections(), []);
    let page = server.telemetry.prometheus(&server.engine.stats());
    for kind in [
        "signal=\"traces\",transport=\"http\",encoding=\"zipkin_json\"} 6",
        "signal=\"metrics\",transport=\"http\",encoding=\"remote_write\"} 2",
    ] {
        assert!(page.contains(kind), "{page}");
    }
}

/// Scenario: requests that are wrong as a whole.
/// Guarantees: the status that tells the sender to drop them, and a line of text with the cause.
#[tokio::test]
async fn wrong_requests_are_refused_in_plain_words() {
    let server = Server::start(IngestLimits::default()).await;
    let door = || door(&server, true);
    check(door(), spans("{}"), expect!["400 content-type=text/plain; charset=utf-8 request is not valid Zipkin v2 JSON: invalid type: map, expected an array at line 1 column 0"]).await;
    check(door(), post(ZIPKIN, &[("content-type", PROTOBUF)], "x"), expect!["415 content-type=text/plain; charset=utf-8 got 'application/x-protobuf'; of Zipkin's formats application/json is supported"]).await;
    check(
        door(),
        Request::get(ZIPKIN).body(Body::empty()).unwrap(),
        expect!["405 content-type=text/plain; charset=utf-8 allow=POST method GET is not allowed, use POST"],
    )
    .await;
    check(door(), write(b"\xff"), expect!["400 content-type=text/plain; charset=utf-8 request is not a valid message of remote write 1.0: failed to decode Protobuf message: invalid varint"]).await;
    check(door(), spans(gzip(SPANS.as_bytes())), expect!["400 content-type=text/plain; charset=utf-8 the body is compressed with gzip, and its headers do not say so; name the compression in Content-Encoding, or switch it off at the sender"]).await;
    let page = ("origin", "https://elsewhere.example.com");
    check(door(), post(ZIPKIN, &[page], SPANS), expect!["415 content-type=text/plain; charset=utf-8 a page sends spans with the content type application/json"]).await;
    let snappy = ("content-encoding", "snappy");
    check(door(), post(ZIPKIN, &[snappy], SPANS), expect!["415 content-type=text/plain; charset=utf-8 content encoding 'snappy' is not supported; supported are zstd, gzip, deflate, identity"]).await;
    check(door(), post(WRITE, &[("content-type", PROTOBUF), snappy], "~~"), expect!["400 content-type=text/plain; charset=utf-8 request body is not a valid snappy block: 2 bytes cannot become 126"]).await;
    check(
        door(),
        post(WRITE, &[("content-type", PROTOBUF)], orders(1.0)),
        expect![
            "415 content-type=text/plain; charset=utf-8 got content encoding 'none'; remote write uses snappy"
        ],
    )
    .await;
    check(door(), post(WRITE, &[("content-type", "application/json"), snappy], "x"), expect!["415 content-type=text/plain; charset=utf-8 got 'application/json'; remote write is application/x-protobuf"]).await;
    let version_2 = ("content-type", "application/x-protobuf;proto=io.prometheus.write.v2.Request");
    check(door(), post(WRITE, &[version_2, snappy], "x"), expect!["415 content-type=text/plain; charset=utf-8 got messages of type 'io.prometheus.write.v2.request'; remote write 1.0 is supported, with prometheus.WriteRequest"]).await;
    let expected = [
        (Reason::ZipkinMalformed, 1),
        (Reason::RemoteWriteMalformed, 1),
        (Reason::SnappyMalformed, 1),
        (Reason::CompressionUndeclared, 1),
        (Reason::ZipkinUnsupported, 2),
        (Reason::RemoteWriteUnsupported, 3),
        (Reason::UnsupportedEncoding, 1),
        (Reason::MethodNotAllowed, 1),
    ];
    assert_eq!(server.rejections(), expected);
    assert_eq!(server.engine.stats().rows_ever.total(), 0);
    let named = ("content-type", "application/x-protobuf; proto=prometheus.WriteRequest");
    let body = snap::raw::Encoder::new().compress_vec(&orders(1.0)).unwrap();
    check(door(), post(WRITE, &[named, snappy], body), expect!["204"]).await;
}

/// Scenario: a good series and one without a name in a request, sent twice; a good span beside one without ids.
/// Guarantees: remote write answers 400 with the reason, each time; Zipkin's senders get their 202. The good ones are
/// stored once, the others counted.
#[tokio::test]
async fn parts_that_cannot_be_stored_are_told() {
    let server = Server::start(IngestLimits::default()).await;
    let message = [orders(1.0), series(&[("job", "shop")], 1.0)].concat();
    let refusal = || {
        expect![
            "400 content-type=text/plain; charset=utf-8 rejected 1 x metric_name_missing: a series without __name__, with shop"
        ]
    };
    check(door(&server, true), write(&message), refusal()).await;
    check(door(&server, true), write(&message), refusal()).await;
    let two = SPANS.replacen('[', r#"[{"name":"nobody","timestamp":1},"#, 1);
    check(door(&server, true), spans(two), expect!["202"]).await;
    assert_eq!(Signal::ALL.map(|signal| server.n_stored(signal)), [1, 0, 1]);
    assert_eq!(server.rejections(), [(Reason::TraceIdInvalid, 1), (Reason::MetricNameMissing, 1)]);
}

/// Scenario: the budget of bytes in flight is taken; then the engine is closed; a body is too large.
/// Guarantees: remote write says 503, which its senders repeat, and never 429, which they drop; what is too large is
/// refused for good.
#[tokio::test]
async fn overload_asks_to_come_again() {
    let limits = IngestLimits { request_bytes: 1 << 20, inflight_bytes: 4 << 20, ..IngestLimits::default() };
    let server = Server::start(limits).await;
    let door = || door(&server, true);
    let mut taken = server.ingest.budget().permit();
    taken.charge(4 << 20).unwrap();
    check(door(), write(&orders(1.0)), expect!["503 content-type=text/plain; charset=utf-8 retry-after=1 requests in flight hold the limit of 4194304 bytes, retry later"]).await;
    check(door(), spans(SPANS), expect!["429 content-type=text/plain; charset=utf-8 retry-after=1 requests in flight hold the limit of 4194304 bytes, retry later"]).await;
    drop(taken);
    check(door(), write(&vec![0; 1 << 21]), expect!["413 content-type=text/plain; charset=utf-8 request is larger than the limit of 1048576 bytes after decompression"]).await;
    check(door(), spans(vec![b' '; (1 << 20) + 1]), expect!["413 content-type=text/plain; charset=utf-8 request is larger than the limit of 1048576 bytes as sent"]).await;
    server.engine.shutdown().await.unwrap();
    let (parts, _) = call(door(), write(&orders(1.0))).await;
    assert_eq!(parts.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(parts.headers.contains_key("retry-after"));
    assert_eq!(server.telemetry.inflight_bytes().load(std::sync::atomic::Ordering::Relaxed), 0);
}

/// Scenario: senders come to a server that does not take their protocol, and to a wrong path of Zipkin's own port.
/// Guarantees: 404, with the setting that would change it; the diagnostics have it, too.
#[tokio::test]
async fn paths_that_are_not_served_say_so() {
    let server = Server::start(IngestLimits::default()).await;
    check(door(&server, false), spans(SPANS), expect!["404 content-type=text/plain; charset=utf-8 no such path: /api/v2/spans; this is a path of Zipkin, whose v2 spans are taken at /api/v2/spans with [zipkin] enabled = true, on this port or that of zipkin.listen; or send OTLP to http://127.0.0.1:4318/v1/traces"]).await;
    check(door(&server, false), write(&orders(1.0)), expect!["404 content-type=text/plain; charset=utf-8 no such path: /api/v1/write; this is a path of Prometheus remote write, which is taken at /api/v1/write with [remote_write] enabled = true; or send OTLP to http://127.0.0.1:4318/v1/metrics"]).await;
    let own_port = || crate::receive::zipkin::service(server.ingest.clone());
    check(own_port(), post("/api/v1/spans", &[], "[]"), expect!["404 content-type=text/plain; charset=utf-8 no such path: /api/v1/spans; this port takes Zipkin's v2 spans at /api/v2/spans; send OTLP to http://127.0.0.1:4318"]).await;
    assert_eq!(server.rejections(), [(Reason::PathUnknown, 3)]);
    check(own_port(), spans(SPANS), expect!["202"]).await;
    assert_eq!(server.n_stored(Signal::Traces), 1);
}

/// Scenario: a request of remote write has a series more than its metric may have; then the process is killed and
/// started again.
/// Guarantees: the sender is told, the first series is stored, and the log leaves out the same one.
#[tokio::test]
async fn series_beyond_the_limit_stay_out_over_a_kill() {
    let server = Server::start(IngestLimits { series_max: 1, ..IngestLimits::default() }).await;
    let other = series(&[("__name__", "orders_total"), ("job", "other")], 2.0);
    let message = [orders(1.0), other].concat();
    check(door(&server, true), write(&message), expect!["400 content-type=text/plain; charset=utf-8 rejected 1 x series_limit: metric 'orders_total' has as many series as limits.series_max allows"]).await;
    let sql = "SELECT service, value FROM metric_points";
    let before = rows(&server, sql).await;
    assert!(before.contains("shop") && before.lines().count() == 1, "{before}");
    let server = server.restart().await;
    assert_eq!(rows(&server, sql).await, before);
}

/// Scenario: spans and samples are acknowledged, the process is killed, started again, and both are sent once more.
/// Guarantees: the log gives the rows that the door gave, and what was sent again is not stored again.
#[tokio::test]
async fn a_kill_changes_nothing() {
    let mut server = Server::start(IngestLimits::default()).await;
    let queries = [
        "SELECT hex(trace_id) AS trace_id, hex(span_id) AS span_id, hex(parent_span_id) AS parent, service, kind, \
         status_message, start_time, duration_ns, events, attributes FROM spans",
        "SELECT name, type, service, service_instance_id, value, time, attributes FROM metric_points",
    ];
    let send = |server: &Server| {
        let (spans, samples) =
            (call(door(server, true), spans(SPANS)), call(door(server, true), write(&orders(2.5))));
        async move { (spans.await.0.status, samples.await.0.status) }
    };
    let expected = (StatusCode::ACCEPTED, StatusCode::NO_CONTENT);
    assert_eq!(send(&server).await, expected);
    let before = [rows(&server, queries[0]).await, rows(&server, queries[1]).await];
    assert!(before.iter().all(|rows| rows.lines().count() == 1), "{before:?}");
    server = server.restart().await;
    assert_eq!([rows(&server, queries[0]).await, rows(&server, queries[1]).await], before);
    assert_eq!(send(&server).await, expected);
    assert_eq!(Signal::ALL.map(|signal| server.n_stored(signal)), [1, 0, 1]);
}
