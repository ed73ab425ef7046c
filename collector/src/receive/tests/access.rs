//! Who is let in at the doors, what they are told, and what browsers are allowed.

use super::*;
use crate::auth::{Credential, Gate, Kind, Rates, Secrets};
use crate::receive::cors::{self, Origins};
use ::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, WWW_AUTHENTICATE};
use ::http::{HeaderValue, Method, Request, StatusCode, Version};
use expect_test::expect;
use prost::Message as _;
use std::time::Duration;
use tonic_types::{RpcStatusExt as _, StatusExt as _, pb};

const TOKEN: &str = "0123456789abcdef-ci";
const LOG: &str = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"x"}}]}]}]}"#;

/// A server that knows one token.
async fn guarded(rates: Rates) -> Server {
    let mut server = Server::start(IngestLimits::default()).await;
    let secrets = Secrets::parse(Kind::Token, "ci", TOKEN).unwrap();
    let credential = Credential { kind: Kind::Token, name: "ci".to_owned(), secrets, rates };
    server.ingest = server.ingest.guarded_by(Arc::new(Gate::new(vec![credential], false)));
    server
}

fn post(path: &str, content_type: &str, token: Option<&str>, body: impl Into<Body>) -> Request<Body> {
    let mut request = Request::post(path).header(CONTENT_TYPE, content_type);
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    request.body(body.into()).unwrap()
}

/// A call of the trace service, as a client of gRPC makes it.
fn export(token: Option<&str>, n_spans: usize) -> Request<Body> {
    let message = traces(n_spans, 0).encode_to_vec();
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    let mut request = post(path, "application/grpc", token, [&[0][..], &length, &message].concat());
    *request.version_mut() = Version::HTTP_2;
    request
}

/// Scenario: requests without a token, with a wrong one and with the right one, over HTTP, in both encodings, for
/// paths that exist and one that does not.
/// Guarantees: strangers get 401 with a challenge and a Status in their encoding, wherever they ask, and their bodies
/// count for nothing; the token is let in and not repeated.
#[tokio::test]
async fn http_asks_for_a_token() {
    let server = guarded(Rates::default()).await;
    let (parts, body) = call(server.http(), post("/v1/logs", "application/json", None, LOG)).await;
    assert_eq!(parts.status, StatusCode::UNAUTHORIZED);
    expect![[r#"Bearer realm="firstfault", Basic realm="firstfault", charset="UTF-8""#]]
        .assert_eq(parts.headers[WWW_AUTHENTICATE].to_str().unwrap());
    expect![[r#"{"code":16,"message":"no credentials came with the request","details":[]}"#]]
        .assert_eq(&String::from_utf8_lossy(&body));
    let wrong = post("/v1/traces", "application/x-protobuf", Some("wrong-token-of-mine"), vec![0xff; 10]);
    let (parts, body) = call(server.http(), wrong).await;
    let status = pb::Status::decode(body).unwrap();
    assert_eq!(parts.headers[CONTENT_TYPE], "application/x-protobuf");
    assert_eq!((parts.status, status.code), (StatusCode::UNAUTHORIZED, tonic::Code::Unauthenticated as i32));
    assert_eq!(status.message, "the credentials are not known");
    let elsewhere = post("/v1/nothing", "application/json", None, "");
    assert_eq!(call(server.http(), elsewhere).await.0.status, StatusCode::UNAUTHORIZED);
    let right = post("/v1/logs", "application/json", Some(TOKEN), LOG);
    let (parts, body) = call(server.http(), right).await;
    assert_eq!((parts.status, &body[..]), (StatusCode::OK, &b"{}"[..]));
    assert_eq!(server.rejections(), [(Reason::Unauthenticated, 3)]);
    assert_eq!(server.engine.stats().rows_ever.total(), 1);
}

/// Scenario: the same over gRPC.
/// Guarantees: UNAUTHENTICATED, which no client retries; the token is let in.
#[tokio::test]
async fn grpc_asks_for_a_token() {
    let server = guarded(Rates::default()).await;
    for token in [None, Some("wrong-token-of-mine")] {
        let (parts, _) = call(server.grpc(), export(token, 1)).await;
        let status = tonic::Status::from_header_map(&parts.headers).unwrap();
        assert_eq!(status.code(), tonic::Code::Unauthenticated, "{status:?}");
    }
    let (parts, _) = call(server.grpc(), export(Some(TOKEN), 2)).await;
    assert_eq!(parts.status, StatusCode::OK);
    assert_eq!(server.n_stored(Signal::Traces), 2);
    assert_eq!(server.rejections(), [(Reason::Unauthenticated, 2)]);
}

/// Scenario: a token that may send one item a second sends a hundred, then again, at either door.
/// Guarantees: the first request is stored whole; the next ones are told to come later, each in the protocol's own
/// words, with the time that is owed, and are counted by their reason.
#[tokio::test]
async fn rates_are_kept_at_both_doors() {
    let server = guarded(Rates { items_per_second: Some(1), bytes_per_second: None }).await;
    let body = || traces(100, 0).encode_to_vec();
    let request = || post("/v1/traces", "application/x-protobuf", Some(TOKEN), body());
    assert_eq!(call(server.http(), request()).await.0.status, StatusCode::OK);
    let (parts, body) = call(server.http(), request()).await;
    assert_eq!(parts.status, StatusCode::TOO_MANY_REQUESTS);
    let status = pb::Status::decode(body).unwrap();
    assert_eq!(status.code, tonic::Code::Unavailable as i32);
    assert_eq!(status.message, "'ci' has sent more than its rates allow, retry later");
    let owed = status.get_details_retry_info().unwrap().retry_delay.unwrap();
    assert!((Duration::from_secs(60)..Duration::from_secs(100)).contains(&owed), "{owed:?}");
    let seconds: u64 = parts.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((60..=100).contains(&seconds), "{seconds}");
    let (parts, _) = call(server.grpc(), export(Some(TOKEN), 1)).await;
    let status = tonic::Status::from_header_map(&parts.headers).unwrap();
    assert_eq!(status.code(), tonic::Code::Unavailable);
    assert!(status.get_details_retry_info().unwrap().retry_delay.is_some());
    assert_eq!(server.rejections(), [(Reason::RateLimited, 2)]);
    assert_eq!(server.n_stored(Signal::Traces), 100);
}

/// Scenario: a token that may send a thousand bytes a second sends ten thousand that are no protobuf.
/// Guarantees: bytes are paid for whether or not they were of use.
#[tokio::test]
async fn refused_bytes_are_paid_for() {
    let server = guarded(Rates { items_per_second: None, bytes_per_second: Some(1_000) }).await;
    let request = || post("/v1/traces", "application/x-protobuf", Some(TOKEN), vec![0xff; 10_000]);
    assert_eq!(call(server.http(), request()).await.0.status, StatusCode::BAD_REQUEST);
    assert_eq!(call(server.http(), request()).await.0.status, StatusCode::TOO_MANY_REQUESTS);
}

/// Scenario: the paths of Zipkin and of remote write are asked for without a token, where they are served and where
/// they are not; then a token that may send one item a second sends a hundred, and more over both.
/// Guarantees: strangers get 401 with a challenge, in plain words; who owes is told to come later, each in the status
/// that its sender repeats.
#[tokio::test]
async fn protocols_beside_otlp_ask_too() {
    let server = guarded(Rates { items_per_second: Some(1), bytes_per_second: None }).await;
    let door = |is_served| {
        let zipkin = crate::receive::zipkin::router(server.ingest.clone(), is_served);
        let remote_write = crate::receive::remote_write::router(server.ingest.clone(), is_served);
        server.http().merge(zipkin).merge(remote_write)
    };
    let spans = |token| post("/api/v2/spans", "application/json", token, "[]");
    let samples = |token| post("/api/v1/write", "application/x-protobuf", token, "");
    for is_served in [true, false] {
        for request in [spans(None), samples(None)] {
            let (parts, body) = call(door(is_served), request).await;
            assert_eq!(parts.status, StatusCode::UNAUTHORIZED);
            assert!(parts.headers.contains_key(WWW_AUTHENTICATE));
            assert_eq!(&body[..], b"no credentials came with the request\n");
        }
    }
    assert_eq!(call(door(true), spans(Some(TOKEN))).await.0.status, StatusCode::ACCEPTED);
    let body = traces(100, 0).encode_to_vec();
    let otlp = post("/v1/traces", "application/x-protobuf", Some(TOKEN), body);
    assert_eq!(call(door(true), otlp).await.0.status, StatusCode::OK);
    for (request, status) in [
        (spans(Some(TOKEN)), StatusCode::TOO_MANY_REQUESTS),
        (samples(Some(TOKEN)), StatusCode::SERVICE_UNAVAILABLE),
    ] {
        let (parts, _) = call(door(true), request).await;
        assert_eq!(parts.status, status);
        assert!(parts.headers.contains_key("retry-after"));
    }
    assert_eq!(server.rejections(), [(Reason::Unauthenticated, 4), (Reason::RateLimited, 2)]);
}

fn from_page(request: Request<Body>, origin: &'static str) -> Request<Body> {
    let mut request = request;
    request.headers_mut().insert("origin", HeaderValue::from_static(origin));
    request
}

fn preflight(origin: &'static str) -> Request<Body> {
    let request = Request::builder().method(Method::OPTIONS).uri("/v1/traces");
    let request = request
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type,x-other");
    from_page(request.body(Body::empty()).unwrap(), origin)
}

fn cors_headers(headers: &HeaderMap) -> String {
    let lines = headers.iter().filter(|(name, _)| name.as_str().starts_with("access-") || *name == "vary");
    let mut lines: Vec<_> =
        lines.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    lines.sort();
    lines.join("\n")
}

fn named(origin: &'static str) -> Origins {
    Origins::Named(vec![HeaderValue::from_static(origin)])
}

/// Scenario: pages of a named origin and of another ask whether they may send, and send, to a server that wants a
/// token.
/// Guarantees: the question needs none and is answered for the named origin only; its answers carry the headers,
/// refusals too; the other gets none, and its question is counted.
#[tokio::test]
async fn pages_of_named_origins_may_send() {
    let server = guarded(Rates::default()).await;
    let router = || cors::open_to(named("https://app.example.com"), server.http(), server.ingest.clone());
    let (parts, body) = call(router(), preflight("https://app.example.com")).await;
    assert_eq!((parts.status, body.len()), (StatusCode::NO_CONTENT, 0));
    expect![[r#"
        access-control-allow-headers: content-type, content-encoding, authorization, traceparent, tracestate, baggage
        access-control-allow-methods: POST
        access-control-allow-origin: https://app.example.com
        access-control-expose-headers: retry-after
        access-control-max-age: 600
        vary: origin"#]]
    .assert_eq(&cors_headers(&parts.headers));
    let own = expect![[r#"
        access-control-allow-origin: https://app.example.com
        access-control-expose-headers: retry-after
        vary: origin"#]];
    for (token, status) in [(Some(TOKEN), StatusCode::OK), (None, StatusCode::UNAUTHORIZED)] {
        let request = from_page(post("/v1/logs", "application/json", token, LOG), "https://app.example.com");
        let (parts, _) = call(router(), request).await;
        assert_eq!(parts.status, status);
        own.assert_eq(&cors_headers(&parts.headers));
    }
    for origin in
        ["https://evil.example.com", "http://app.example.com", "https://app.example.com.evil", "null"]
    {
        let (parts, body) = call(router(), preflight(origin)).await;
        assert_eq!(
            (parts.status, cors_headers(&parts.headers).as_str()),
            (StatusCode::FORBIDDEN, "vary: origin")
        );
        assert!(String::from_utf8_lossy(&body).contains(origin));
    }
    assert_eq!(server.rejections(), [(Reason::Unauthenticated, 1), (Reason::OriginNotAllowed, 4)]);
}

/// Scenario: any origin is allowed; none is; a client that is no browser asks nothing.
/// Guarantees: the star for the first, no header for the others, and other clients see no difference.
#[tokio::test]
async fn any_origin_and_none() {
    let server = Server::start(IngestLimits::default()).await;
    let router = |origins| cors::open_to(origins, server.http(), server.ingest.clone());
    let (parts, _) = call(router(Origins::Any), preflight("https://a.example")).await;
    assert_eq!(parts.status, StatusCode::NO_CONTENT);
    assert_eq!(parts.headers["access-control-allow-origin"], "*");
    let (parts, _) = call(router(Origins::None), preflight("https://a.example")).await;
    assert_eq!((parts.status, cors_headers(&parts.headers).as_str()), (StatusCode::FORBIDDEN, ""));
    for origins in [Origins::Any, Origins::None, named("https://a.example")] {
        let (parts, _) = call(router(origins), post("/v1/logs", "application/json", None, LOG)).await;
        assert_eq!((parts.status, cors_headers(&parts.headers).as_str()), (StatusCode::OK, ""));
    }
}
