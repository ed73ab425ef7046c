//! OTLP/gRPC: unary `Export` of three services.
//!
//! The calls are unary and their messages are bytes to us, so the framing (five bytes before the
//! message, status in the trailers) is done here, on the same path as HTTP's bodies: charged as they
//! arrive, inflated off the async thread under the same limit, and refused with OTLP's codes. tonic's
//! own server inflates on the async thread, reads only the first member of a gzip message and calls an
//! oversized one OUT_OF_RANGE, which clients retry for ever.

use super::access;
use super::answer::{Acknowledged, Failure};
use super::body::{self, Bounds};
use super::inflate::Compression;
use crate::decode::Encoding;
use crate::decode::text::printable;
use crate::ingest::{Ingest, Payload};
use crate::telemetry::{Origin, Reason, Transport};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, Request, Response, Version};
use http_body_util::{BodyExt as _, Full};
use storage::Signal;

/// Bytes before each message: a flag for compression and the length.
const FRAME_HEADER_BYTES: usize = 5;
const ENCODINGS: HeaderValue = HeaderValue::from_static("identity,gzip,zstd,deflate");

/// Serves the three services; every other call is UNIMPLEMENTED.
pub(crate) fn service(ingest: Ingest) -> Router {
    Router::new().fallback(answer).with_state(ingest)
}

async fn answer(State(ingest): State<Ingest>, request: Request<Body>) -> Response<Body> {
    let origin = Origin::of(&request, Transport::Grpc);
    let signal = signal_of(request.uri().path());
    if !is_grpc(&request) {
        // JSON is legible to people; only exporters ask for protobuf.
        let encoding = if is_protobuf(request.headers()) { Encoding::Protobuf } else { Encoding::Json };
        let (parts, body) = request.into_parts();
        body::discard_unread(body, &parts.headers).await;
        let failure = Failure::new(Reason::HttpOnGrpcPort, "this port serves OTLP/gRPC".to_owned());
        return ingest.refuse(&origin, signal, failure).http_response(encoding);
    }
    match receive(&ingest, &origin, signal, request).await {
        Ok(response) => response,
        Err(failure) => refusal(&ingest.refuse(&origin, signal, failure)),
    }
}

/// `Err` is for what was refused before `ingest` had the request; `ingest` counts its own refusals.
async fn receive(
    ingest: &Ingest,
    origin: &Origin,
    signal: Option<Signal>,
    request: Request<Body>,
) -> Result<Response<Body>, Failure> {
    let (parts, body) = request.into_parts();
    let payer = access::payer(ingest, &parts.headers, &parts.extensions)?;
    let Some(signal) = signal else { return Err(unknown(parts.uri.path())) };
    let compression = compression_of(&parts.headers)?;
    ingest.check_pressure()?;
    let bytes_max = ingest.limits().request_bytes;
    let bounds = Bounds { bytes_max: bytes_max + FRAME_HEADER_BYTES, timeout: ingest.limits().body_timeout };
    let mut permit = ingest.budget().permit().paid_by(payer);
    let body = body::read(body, &parts.headers, bounds, &mut permit, ingest.clock()).await?;
    let (bytes, compression) = unframe(body, compression, bytes_max)?;
    let payload =
        Payload { signal, origin: origin.clone(), encoding: Encoding::Protobuf, compression, bytes, permit };
    Ok(match ingest.accept(payload).await {
        Ok(acknowledged) => success(&acknowledged),
        Err(failure) => refusal(&failure),
    })
}

/// gRPC needs HTTP/2 and says so in its content type.
fn is_grpc(request: &Request<Body>) -> bool {
    let content_type = request.headers().get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let subtype = content_type.strip_prefix(b"application/grpc");
    let is_proto = subtype.is_some_and(|rest| matches!(rest, [] | [b';', ..]) || rest.starts_with(b"+proto"));
    is_proto && request.method() == Method::POST && request.version() == Version::HTTP_2
}

fn is_protobuf(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/x-protobuf"))
}

pub(super) fn signal_of(path: &str) -> Option<Signal> {
    match path {
        "/opentelemetry.proto.collector.trace.v1.TraceService/Export" => Some(Signal::Traces),
        "/opentelemetry.proto.collector.logs.v1.LogsService/Export" => Some(Signal::Logs),
        "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export" => Some(Signal::Metrics),
        _ => None,
    }
}

/// Profiles have a service in OTLP, of a version that is still in development.
fn unknown(path: &str) -> Failure {
    if path.starts_with("/opentelemetry.proto.collector.profiles.") {
        return Failure::profiles();
    }
    Failure::new(Reason::ServiceUnknown, format!("no such method: {}", printable(path, 120)))
}

/// What a message with the compressed flag is compressed with.
fn compression_of(headers: &HeaderMap) -> Result<Compression, Failure> {
    let Some(value) = headers.get("grpc-encoding") else { return Ok(Compression::None) };
    let name = String::from_utf8_lossy(value.as_bytes());
    Compression::named(&name).ok_or_else(|| Failure::encoding("message encoding", &name))
}

/// The one message of a unary call.
fn unframe(
    mut body: Bytes,
    compression: Compression,
    bytes_max: usize,
) -> Result<(Bytes, Compression), Failure> {
    let malformed = |message: String| Err(Failure::new(Reason::GrpcFrameMalformed, message));
    if body.len() < FRAME_HEADER_BYTES {
        return malformed(format!("call has no whole message: {} bytes", body.len()));
    }
    let flag = body.get_u8();
    let n_bytes = body.get_u32() as usize;
    if n_bytes > bytes_max {
        return Err(Failure::too_large(bytes_max, "as sent"));
    }
    if n_bytes != body.len() {
        return malformed(format!("message announces {n_bytes} bytes and {} came", body.len()));
    }
    match (flag, compression) {
        (0, _) => Ok((body, Compression::None)),
        (1, Compression::None) => {
            malformed("message is compressed, but grpc-encoding names no way".to_owned())
        }
        (1, compression) => Ok((body, compression)),
        _ => malformed(format!("message has flag {flag}")),
    }
}

fn success(acknowledged: &Acknowledged) -> Response<Body> {
    let message = acknowledged.protobuf();
    let mut frame = BytesMut::with_capacity(FRAME_HEADER_BYTES + message.len());
    frame.put_u8(0);
    frame.put_u32(message.len() as u32); // answers are bounded far below 4 GiB
    frame.put(message);
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let body = Full::new(frame.freeze()).with_trailers(std::future::ready(Some(Ok(trailers))));
    let mut response = Response::new(Body::new(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response.headers_mut().insert("grpc-accept-encoding", ENCODINGS);
    response
}

/// Headers only: the status needs no message before it.
fn refusal(failure: &Failure) -> Response<Body> {
    let mut response: Response<Body> = failure.grpc_status().into_http();
    response.headers_mut().insert("grpc-accept-encoding", ENCODINGS);
    response
}
