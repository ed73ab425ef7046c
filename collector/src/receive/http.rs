//! OTLP/HTTP: POST of protobuf or JSON to one path per signal.

use super::access;
use super::answer::Failure;
use super::body::{self, Bounds};
use super::grpc;
use super::inflate::Compression;
use crate::auth::Payer;
use crate::decode::Encoding;
use crate::decode::text::printable;
use crate::ingest::{Ingest, Payload};
use crate::telemetry::{Origin, Reason, Transport};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::middleware::{Next, from_fn_with_state};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, Method, Request, Response};
use storage::Signal;

/// Serves the three paths; everything else is answered with a `Status`, too. Whatever is asked for, senders are asked
/// first who they are.
pub(crate) fn router(ingest: Ingest) -> Router {
    let asking = from_fn_with_state(ingest.clone(), ask);
    Router::new().fallback(answer).layer(asking).with_state(ingest)
}

/// Finds out who sends, for those who answer, or refuses.
async fn ask(State(ingest): State<Ingest>, mut request: Request<Body>, next: Next) -> Response<Body> {
    match access::payer(&ingest, request.headers(), request.extensions()) {
        Ok(payer) => {
            request.extensions_mut().insert(payer);
            next.run(request).await
        }
        Err(failure) => {
            let origin = Origin::of(&request, Transport::Http);
            let signal = signal_of(request.uri().path());
            let encoding = encoding_of(request.headers()).unwrap_or(Encoding::Json);
            let (parts, body) = request.into_parts();
            body::discard_unread(body, &parts.headers).await;
            ingest.refuse(&origin, signal, failure).http_response(encoding)
        }
    }
}

async fn answer(State(ingest): State<Ingest>, request: Request<Body>) -> Response<Body> {
    let origin = Origin::of(&request, Transport::Http);
    let signal = signal_of(request.uri().path());
    let encoding = encoding_of(request.headers());
    if is_grpc(request.headers()) {
        let signal = grpc::signal_of(request.uri().path());
        let failure = Failure::new(Reason::GrpcOnHttpPort, "this port serves OTLP/HTTP".to_owned());
        return ingest.refuse(&origin, signal, failure).grpc_status().into_http();
    }
    // An encoding that was not understood cannot be answered in; JSON is legible to people.
    let answer_encoding = encoding.as_ref().copied().unwrap_or(Encoding::Json);
    match receive(&ingest, &origin, signal, encoding, request).await {
        Ok(response) => response,
        Err(failure) => ingest.refuse(&origin, signal, failure).http_response(answer_encoding),
    }
}

/// `Err` is for what was refused before `ingest` had the request; `ingest` counts its own refusals.
async fn receive(
    ingest: &Ingest,
    origin: &Origin,
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
            body::discard_unread(body, &parts.headers).await;
            return Err(failure);
        }
    };
    let payer = parts.extensions.get::<Payer>().cloned().unwrap_or_default();
    let mut permit = ingest.budget().permit().paid_by(payer);
    let bytes = body::read(body, &parts.headers, bounds, &mut permit, ingest.clock()).await?;
    let payload = Payload { signal, origin: origin.clone(), encoding, compression, bytes, permit };
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
    let Some(signal) = signal else { return Err(unknown(path)) };
    if method != Method::POST {
        let message = format!("method {} is not allowed, use POST", printable(method.as_str(), 20));
        return Err(Failure::new(Reason::MethodNotAllowed, message));
    }
    let encoding = encoding?;
    let compression = compression_of(headers)?;
    ingest.check_pressure()?;
    Ok((signal, encoding, compression))
}

pub(super) fn signal_of(path: &str) -> Option<Signal> {
    match path {
        "/v1/traces" => Some(Signal::Traces),
        "/v1/logs" => Some(Signal::Logs),
        "/v1/metrics" => Some(Signal::Metrics),
        _ => None,
    }
}

/// Profiles have a path in OTLP, of a version that is still in development; it was asked for as it should be.
fn unknown(path: &str) -> Failure {
    match path {
        "/v1development/profiles" | "/v1/profiles" => Failure::profiles(),
        _ => Failure::path(path),
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
    let values = headers.get_all(CONTENT_ENCODING).iter().map(|value| value.to_str().unwrap_or("?"));
    let mut compression = Compression::None;
    for name in values.flat_map(|value| value.split(',')).map(str::trim).filter(|name| !name.is_empty()) {
        let named = Compression::named(&name.to_ascii_lowercase());
        compression = match (compression, named) {
            (compression, Some(Compression::None)) => compression,
            (Compression::None, Some(named)) => named,
            (_, Some(_)) => {
                let message = "more than one content encoding is not supported, compress once".to_owned();
                return Err(Failure::new(Reason::UnsupportedEncoding, message));
            }
            (_, None) => return Err(Failure::encoding("content encoding", name)),
        };
    }
    Ok(compression)
}
