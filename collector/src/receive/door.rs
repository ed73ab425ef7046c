//! One path of a protocol beside OTLP.
//!
//! It does what the doors of OTLP do, in the same order and within the same bounds; how the answer is put is up to
//! the protocol. A path that is not served says so: who sends there has a configuration to change.

use super::answer::{Acknowledged, Failure};
use super::body::{self, Bounds};
use super::inflate::Compression;
use crate::decode::Encoding;
use crate::decode::text::printable;
use crate::ingest::{Ingest, Payload};
use crate::telemetry::{Reason, Transport};
use axum::Router;
use axum::body::Body;
use axum::routing::any;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, Method, Request};
use storage::Signal;

#[derive(Debug, Clone, Copy)]
pub(super) struct Door {
    pub(super) signal: Signal,
    pub(super) encoding: Encoding,
    /// Judges a request by its headers.
    pub(super) check: fn(&HeaderMap) -> Result<Compression, Failure>,
}

/// Takes a request. What is refused is counted already.
pub(super) async fn receive(
    ingest: &Ingest,
    door: Door,
    request: Request<Body>,
) -> Result<Acknowledged, Failure> {
    let Door { signal, encoding, .. } = door;
    let refuse = |failure| ingest.refuse(Some(signal), failure);
    let (parts, body) = request.into_parts();
    let compression = match check(ingest, door, &parts) {
        Ok(compression) => compression,
        Err(failure) => {
            body::discard(body).await;
            return Err(refuse(failure));
        }
    };
    let bounds = Bounds { bytes_max: ingest.limits().request_bytes, timeout: ingest.limits().body_timeout };
    let mut permit = ingest.budget().permit();
    let read = body::read(body, &parts.headers, bounds, &mut permit, ingest.clock()).await;
    let bytes = read.map_err(refuse)?;
    let payload = Payload { signal, transport: Transport::Http, encoding, compression, bytes, permit };
    ingest.accept(payload).await
}

/// All that can be known before the body is read.
fn check(ingest: &Ingest, door: Door, parts: &Parts) -> Result<Compression, Failure> {
    if parts.method != Method::POST {
        let message = format!("method {} is not allowed, use POST", printable(parts.method.as_str(), 20));
        return Err(Failure::new(Reason::MethodNotAllowed, message));
    }
    let compression = (door.check)(&parts.headers)?;
    ingest.check_pressure()?;
    Ok(compression)
}

/// The media type of the body in lower case, empty where there is none, and its parameters.
pub(super) fn media_type(headers: &HeaderMap) -> (String, Vec<String>) {
    let value = headers.get(CONTENT_TYPE).map_or("", |value| value.to_str().unwrap_or("?"));
    let mut parts = value.split(';').map(|part| part.trim().to_ascii_lowercase());
    (parts.next().unwrap_or_default(), parts.collect())
}

/// A path that is not served here; `message` says what to do about it.
pub(super) fn unserved(ingest: Ingest, path: &'static str, message: &'static str) -> Router {
    let answer = move |request: Request<Body>| async move {
        body::discard(request.into_body()).await;
        ingest.refuse(None, Failure::new(Reason::PathUnknown, message.to_owned())).plain_response()
    };
    Router::new().route(path, any(answer))
}
