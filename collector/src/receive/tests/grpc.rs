//! The gRPC door: answers, limits and compression, against the official client.

use super::*;
use ::http::{Request, StatusCode, Version};
use expect_test::expect;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, metric,
};
use prost::Message as _;
use std::time::Duration;
use tonic::Code;
use tonic::codec::CompressionEncoding;
use tonic_types::StatusExt as _;

const TRACE_EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

fn frame(flag: u8, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[flag][..], &length, message].concat()
}

fn request(path: &str, body: Vec<u8>) -> Request<Body> {
    Request::post(path)
        .version(Version::HTTP_2)
        .header("content-type", "application/grpc")
        .body(Body::from(body))
        .unwrap()
}

/// The status of a call that was answered with headers only.
async fn refused(server: &Server, request: Request<Body>) -> tonic::Status {
    let (parts, body) = call(server.grpc(), request).await;
    assert_eq!((parts.status, body.len()), (StatusCode::OK, 0));
    tonic::Status::from_header_map(&parts.headers).unwrap()
}

fn logs(n: usize) -> ExportLogsServiceRequest {
    let scope_logs = vec![ScopeLogs { log_records: vec![LogRecord::default(); n], ..ScopeLogs::default() }];
    ExportLogsServiceRequest { resource_logs: vec![ResourceLogs { scope_logs, ..ResourceLogs::default() }] }
}

fn metrics(n: usize) -> ExportMetricsServiceRequest {
    let point = NumberDataPoint { value: Some(Value::AsInt(1)), ..NumberDataPoint::default() };
    let data = Some(metric::Data::Gauge(Gauge { data_points: vec![point; n] }));
    let scope_metrics =
        vec![ScopeMetrics { metrics: vec![Metric { data, ..Metric::default() }], ..ScopeMetrics::default() }];
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics { scope_metrics, ..ResourceMetrics::default() }],
    }
}

/// Scenario: the official client exports each signal, plain and gzipped.
/// Guarantees: OK with partial_success unset, and every row is in the engine.
#[tokio::test]
async fn all_signals_through_the_official_client() {
    let server = Server::start(IngestLimits::default()).await;
    for (n, encoding) in [(0, None), (1, Some(CompressionEncoding::Gzip))] {
        let mut traces_client = TraceServiceClient::new(server.grpc());
        let mut logs_client = LogsServiceClient::new(server.grpc());
        let mut metrics_client = MetricsServiceClient::new(server.grpc());
        if let Some(encoding) = encoding {
            traces_client = traces_client.send_compressed(encoding).accept_compressed(encoding);
            logs_client = logs_client.send_compressed(encoding);
            metrics_client = metrics_client.send_compressed(encoding);
        }
        let response = traces_client.export(traces(2 + n, 0)).await.unwrap().into_inner();
        assert_eq!(response, ExportTraceServiceResponse { partial_success: None });
        let response = logs_client.export(logs(3 + n)).await.unwrap().into_inner();
        assert_eq!(response, ExportLogsServiceResponse { partial_success: None });
        let response = metrics_client.export(metrics(4 + n)).await.unwrap().into_inner();
        assert_eq!(response, ExportMetricsServiceResponse { partial_success: None });
    }
    assert_eq!(Signal::ALL.map(|signal| server.n_stored(signal)), [5, 7, 9]);
}

/// Scenario: a message in each other way that is taken, and bombs of 64 MiB in both.
/// Guarantees: the rows are in the engine; the bombs are refused for good.
#[tokio::test]
async fn zstd_and_deflate_are_taken() {
    let server = Server::start(small()).await;
    let ways: [(&'static str, Compress); 2] = [("zstd", zstd), ("deflate", zlib)];
    for (n, (name, compress)) in (1..).zip(ways) {
        let compressed = |message: &[u8]| {
            let mut request = request(TRACE_EXPORT, frame(1, &compress(message)));
            request.headers_mut().insert("grpc-encoding", name.parse().unwrap());
            request
        };
        let whole = compressed(&traces(n, 0).encode_to_vec());
        let (parts, body) = call(server.grpc(), whole).await;
        assert_eq!((parts.status, &body[..]), (StatusCode::OK, &[0; 5][..]), "{name}");
        let status = refused(&server, compressed(&vec![0; 64 << 20])).await;
        assert_eq!(status.code(), Code::ResourceExhausted, "{name}: {}", status.message());
    }
    assert_eq!(server.n_stored(Signal::Traces), 3);
}

/// Scenario: a request in part invalid, and an empty one.
/// Guarantees: OK with the exact count and a message; emptiness is a full success.
#[tokio::test]
async fn partial_success_and_empty_requests() {
    let server = Server::start(IngestLimits::default()).await;
    let mut client = TraceServiceClient::new(server.grpc());
    let response = client.export(traces(1, 2)).await.unwrap().into_inner();
    let error_message =
        "rejected 2 x trace_id_invalid: span 'nameless\u{fffd}' has trace_id of 0 bytes ''".to_owned();
    assert_eq!(
        response.partial_success,
        Some(ExportTracePartialSuccess { rejected_spans: 2, error_message })
    );
    let response = client.export(ExportTraceServiceRequest::default()).await.unwrap().into_inner();
    assert_eq!(response.partial_success, None);
}

/// Scenario: a message that is no export request, and broken frames.
/// Guarantees: INVALID_ARGUMENT with BadRequest; nothing is stored.
#[tokio::test]
async fn bad_data_is_an_invalid_argument() {
    let server = Server::start(IngestLimits::default()).await;
    let status = refused(&server, request(TRACE_EXPORT, frame(0, b"\xff\xff"))).await;
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(status.get_details_bad_request().unwrap().field_violations[0].field, "protobuf_malformed");
    let two = [frame(0, b""), frame(0, b"")].concat();
    let mut messages = Vec::new();
    for body in [Vec::new(), vec![0, 0], frame(7, b""), frame(1, b"x"), two, frame(0, b"abc")[..6].to_vec()] {
        let status = refused(&server, request(TRACE_EXPORT, body)).await;
        assert_eq!(status.code(), Code::InvalidArgument);
        messages.push(status.message().to_owned());
    }
    expect![[r#"
        call has no whole message: 0 bytes
        call has no whole message: 2 bytes
        message has flag 7
        message is compressed, but grpc-encoding names no way
        message announces 0 bytes and 5 came
        message announces 3 bytes and 1 came"#]]
    .assert_eq(&messages.join("\n"));
    let mut gzipped = request(TRACE_EXPORT, frame(1, &gzip(b"whole")[..8]));
    gzipped.headers_mut().insert("grpc-encoding", "gzip".parse().unwrap());
    assert_eq!(refused(&server, gzipped).await.code(), Code::InvalidArgument);
    assert_eq!(server.engine.stats().rows_ever.total(), 0);
}

/// Scenario: calls of services and methods that are not served, and an unknown message encoding.
/// Guarantees: UNIMPLEMENTED, with the encodings that are served.
#[tokio::test]
async fn unknown_calls_are_unimplemented() {
    let server = Server::start(IngestLimits::default()).await;
    let profiles = "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export";
    let status = refused(&server, request(profiles, frame(0, b""))).await;
    assert_eq!((status.code(), status.message()), (Code::Unimplemented, "profiles are not supported"));
    for path in ["/opentelemetry.proto.collector.trace.v1.TraceService/Import", "/"] {
        assert_eq!(
            refused(&server, request(path, frame(0, b""))).await.code(),
            Code::Unimplemented,
            "{path}"
        );
    }
    let mut snappy = request(TRACE_EXPORT, frame(1, b"x"));
    snappy.headers_mut().insert("grpc-encoding", "snappy".parse().unwrap());
    let (parts, _) = call(server.grpc(), snappy).await;
    assert_eq!(tonic::Status::from_header_map(&parts.headers).unwrap().code(), Code::Unimplemented);
    assert_eq!(parts.headers["grpc-accept-encoding"], "identity,gzip,zstd,deflate");
    let expected =
        [(Reason::UnsupportedEncoding, 1), (Reason::ServiceUnknown, 2), (Reason::ProfilesUnsupported, 1)];
    assert_eq!(server.rejections(), expected);
}

fn small() -> IngestLimits {
    IngestLimits { request_bytes: 1 << 20, inflight_bytes: 4 << 20, ..IngestLimits::default() }
}

/// Scenario: a message over the limit as sent, one that announces 4 GiB, and a bomb of 64 MiB.
/// Guarantees: RESOURCE_EXHAUSTED without RetryInfo.
#[tokio::test]
async fn oversized_messages_are_refused_for_good() {
    let server = Server::start(small()).await;
    let mut announced = frame(0, b"");
    announced[1..5].copy_from_slice(&u32::MAX.to_be_bytes());
    let mut bomb = request(TRACE_EXPORT, frame(1, &bomb(64)));
    bomb.headers_mut().insert("grpc-encoding", "gzip".parse().unwrap());
    let over = request(TRACE_EXPORT, frame(0, &vec![0; (1 << 20) + 1]));
    for request in [over, request(TRACE_EXPORT, announced), bomb] {
        let status = refused(&server, request).await;
        assert_eq!(status.code(), Code::ResourceExhausted, "{}", status.message());
        assert!(status.get_details_retry_info().is_none());
    }
    let exactly = request(TRACE_EXPORT, frame(0, &vec![0; 1 << 20]));
    assert_eq!(refused(&server, exactly).await.code(), Code::InvalidArgument);
}

/// Scenario: the budget of bytes in flight is taken.
/// Guarantees: UNAVAILABLE with RetryInfo, which every client retries.
#[tokio::test]
async fn overload_is_unavailable_with_retry_info() {
    let server = Server::start(small()).await;
    let mut taken = server.ingest.budget().permit();
    taken.charge(4 << 20).unwrap();
    let status = refused(&server, request(TRACE_EXPORT, frame(0, &traces(1, 0).encode_to_vec()))).await;
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(status.get_details_retry_info().unwrap().retry_delay, Some(Duration::from_secs(1)));
}

/// Scenario: messages that were compressed by the application, with and without gRPC's own compression, and JSON.
/// Guarantees: INVALID_ARGUMENT that says what happened and what to do.
#[tokio::test]
async fn common_mistakes_are_named() {
    let server = Server::start(IngestLimits::default()).await;
    let body = traces(1, 0).encode_to_vec();
    let mut twice = request(TRACE_EXPORT, frame(1, &zstd(&gzip(&body))));
    twice.headers_mut().insert("grpc-encoding", "zstd".parse().unwrap());
    let mut messages = Vec::new();
    for request in [
        twice,
        request(TRACE_EXPORT, frame(0, &gzip(&body))),
        request(TRACE_EXPORT, frame(0, br#"{"resourceSpans":[]}"#)),
    ] {
        let status = refused(&server, request).await;
        assert_eq!(status.code(), Code::InvalidArgument);
        messages.push(status.message().to_owned());
    }
    expect![[r#"
        the body is still gzip after decompression: it was compressed twice; switch compression off in one place, the exporter or what is between it and here
        the body is compressed with gzip, and its headers do not say so; have the gRPC library compress the message, not the application before it
        the body is JSON, and it was sent as protobuf; messages of gRPC are protobuf; JSON is taken over HTTP, at http://127.0.0.1:4318"#]]
    .assert_eq(&messages.join("\n"));
}

/// Scenario: OTLP/HTTP clients that were pointed at the gRPC port, in both encodings.
/// Guarantees: they get a Status in their encoding that names the mistake; the diagnostics do too.
#[tokio::test]
async fn http_on_the_grpc_port_is_named() {
    let server = Server::start(IngestLimits::default()).await;
    for content_type in ["application/json", "application/x-protobuf"] {
        let request =
            Request::post("/v1/traces").header("content-type", content_type).body(Body::from("{}")).unwrap();
        let (parts, body) = call(server.grpc(), request).await;
        assert_eq!(
            (parts.status.as_u16(), parts.headers["content-type"].to_str().unwrap()),
            (400, content_type)
        );
        let says = "this port serves OTLP/gRPC; send OTLP/HTTP to http://127.0.0.1:4318";
        assert!(String::from_utf8_lossy(&body).contains(says), "{body:?}");
    }
    let browser = Request::get("/").body(Body::empty()).unwrap();
    assert_eq!(call(server.grpc(), browser).await.0.headers["content-type"], "application/json");
    assert_eq!(server.rejections(), [(Reason::HttpOnGrpcPort, 3)]);
}
