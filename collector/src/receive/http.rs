//! OTLP/HTTP: POST of protobuf or JSON to one path per signal.

use super::answer::Failure;
use super::body::{self, Bounds};
use super::inflate::Compression;
use crate::decode::Encoding;
use crate::decode::text::printable;
use crate::ingest::{Ingest, Payload};
use crate::telemetry::{Reason, Transport};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, Method, Request, Response};
use storage::Signal;

/// Serves the three paths; everything else is answered with a `Status`, too.
pub(crate) fn router(ingest: Ingest) -> Router {
    Router::new().fallback(answer).with_state(ingest)
}

async fn answer(State(ingest): State<Ingest>, request: Request<Body>) -> Response<Body> {
    let signal = signal_of(request.uri().path());
    let encoding = encoding_of(request.headers());
    if is_grpc(request.headers()) {
        let message =
            "this port serves OTLP/HTTP; OTLP/gRPC has a port of its own, 4317 by default".to_owned();
        let failure = ingest.refuse(signal, Failure::new(Reason::GrpcOnHttpPort, message));
        return failure.grpc_status().into_http();
    }
    // An encoding that was not understood cannot be answered in; JSON is legible to people.
    let answer_encoding = encoding.as_ref().copied().unwrap_or(Encoding::Json);
    match receive(&ingest, signal, encoding, request).await {
        Ok(response) => response,
        Err(failure) => ingest.refuse(signal, failure).http_response(answer_encoding),
    }
}

/// `Err` is for what was refused before `ingest` had the request; `ingest` counts its own refusals.
async fn receive(
    ingest: &Ingest,
    signal: Option<Signal>,
    encoding: Result<Encoding, Failure>,
    request: Request<Body>,
) -> Result<Response<Body>, Failure> {
    let (parts, body) = request.into_parts();
    let checked = check(ingest, signal, encoding, &parts.method, parts.uri.path(), &parts.headers);
    let bounds = Bounds { bytes_max: ingest.limits().request_bytes, timeout: ingest.limits().body_timeout };
    let (signal, encoding, compression) = match checked {
        Ok(checked) => checked,
        Err(failure) => {
            body::discard(body).await;
            return Err(failure);
        }
    };
    let mut permit = ingest.budget().permit();
    let bytes = body::read(body, &parts.headers, bounds, &mut permit, ingest.clock()).await?;
    let payload = Payload { signal, transport: Transport::Http, encoding, compression, bytes, permit };
    Ok(match ingest.accept(payload).await {
        Ok(acknowledged) => acknowledged.http_response(encoding),
        Err(failure) => failure.http_response(encoding),
    })
}

/// All that can be known before the body is read.
fn check(
    ingest: &Ingest,
    signal: Option<Signal>,
    encoding: Result<Encoding, Failure>,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
) -> Result<(Signal, Encoding, Compression), Failure> {
    let Some(signal) = signal else {
        let message =
            format!("no such path: {} (there are /v1/traces, /v1/logs, /v1/metrics)", printable(path, 80));
        return Err(Failure::new(Reason::PathUnknown, message));
    };
    if method != Method::POST {
        let message = format!("method {} is not allowed, use POST", printable(method.as_str(), 20));
        return Err(Failure::new(Reason::MethodNotAllowed, message));
    }
    let encoding = encoding?;
    let compression = compression_of(headers)?;
    ingest.check_pressure()?;
    Ok((signal, encoding, compression))
}

fn signal_of(path: &str) -> Option<Signal> {
    match path {
        "/v1/traces" => Some(Signal::Traces),
        "/v1/logs" => Some(Signal::Logs),
        "/v1/metrics" => Some(Signal::Metrics),
        _ => None,
    }
}

fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

/// The media type decides; its parameters (`; charset=utf-8`) say nothing new.
fn encoding_of(headers: &HeaderMap) -> Result<Encoding, Failure> {
    let value = headers.get(CONTENT_TYPE).map(|value| value.to_str().unwrap_or("?"));
    let media_type = value
        .and_then(|value| value.split(';').next())
        .map(|media_type| media_type.trim().to_ascii_lowercase());
    match media_type.as_deref() {
        Some("application/x-protobuf") => Ok(Encoding::Protobuf),
        Some("application/json") => Ok(Encoding::Json),
        other => {
            let got =
                other.map_or("no content type".to_owned(), |other| format!("'{}'", printable(other, 80)));
            let message = format!("got {got}; supported are application/x-protobuf and application/json");
            Err(Failure::new(Reason::UnsupportedMediaType, message))
        }
    }
}

pub(super) fn compression_of(headers: &HeaderMap) -> Result<Compression, Failure> {
    let mut compression = Compression::None;
    let values = headers.get_all(CONTENT_ENCODING).iter().map(|value| value.to_str().unwrap_or("?"));
    for name in values.flat_map(|value| value.split(',')).map(str::trim) {
        compression = match name.to_ascii_lowercase().as_str() {
            "" | "identity" => compression,
            "gzip" | "x-gzip" if compression == Compression::None => Compression::Gzip,
            _ => {
                let name = printable(name, 40);
                let message = format!(
                    "content encoding '{name}' is not supported here; supported are gzip and identity"
                );
                return Err(Failure::new(Reason::UnsupportedEncoding, message));
            }
        };
    }
    Ok(compression)
}
