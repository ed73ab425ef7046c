//! One path of a protocol beside OTLP.
//!
//! It does what the doors of OTLP do, in the same order and within the same bounds; how the answer is put is up to
//! the protocol. A path that is not served says so: who sends there has a configuration to change.

use super::access;
use super::answer::{Acknowledged, Failure};
use super::body::{self, Bounds};
use super::inflate::Compression;
use crate::auth::Payer;
use crate::decode::Encoding;
use crate::decode::text::printable;
use crate::ingest::{Ingest, Payload};
use crate::telemetry::{Origin, Reason, Transport};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::any;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response};
use storage::Signal;

#[derive(Debug, Clone, Copy)]
pub(super) struct Door {
    pub(super) signal: Signal,
    pub(super) transport: Transport,
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
    let Door { signal, transport, encoding, .. } = door;
    let origin = Origin::of(&request, transport);
    let refuse = |failure| ingest.refuse(&origin, Some(signal), failure);
    let (parts, body) = request.into_parts();
    let (payer, compression) = match check(ingest, door, &parts) {
        Ok(checked) => checked,
        Err(failure) => {
            body::discard_unread(body, &parts.headers).await;
            return Err(refuse(failure));
        }
    };
    let bounds = Bounds { bytes_max: ingest.limits().request_bytes, timeout: ingest.limits().body_timeout };
    let mut permit = ingest.budget().permit().paid_by(payer);
    let read = body::read(body, &parts.headers, bounds, &mut permit, ingest.clock()).await;
    let bytes = read.map_err(refuse)?;
    ingest.accept(Payload { signal, origin, encoding, compression, bytes, permit }).await
}

/// All that can be known before the body is read.
fn check(ingest: &Ingest, door: Door, parts: &Parts) -> Result<(Payer, Compression), Failure> {
    let payer = access::payer(ingest, &parts.headers, &parts.extensions)?;
    if parts.method != Method::POST {
        let message = format!("method {} is not allowed, use POST", printable(parts.method.as_str(), 20));
        return Err(Failure::new(Reason::MethodNotAllowed, message));
    }
    let compression = (door.check)(&parts.headers)?;
    ingest.check_pressure()?;
    Ok((payer, compression))
}

/// The media type of the body in lower case, empty where there is none, and its parameters.
pub(super) fn media_type(headers: &HeaderMap) -> (String, Vec<String>) {
    let value = headers.get(CONTENT_TYPE).map_or("", |value| value.to_str().unwrap_or("?"));
    let mut parts = value.split(';').map(|part| part.trim().to_ascii_lowercase());
    (parts.next().unwrap_or_default(), parts.collect())
}

/// The path of a protocol that is not served on the port of OTLP/HTTP. Its senders read plain text, and no `Status`.
pub(super) fn unserved(ingest: Ingest, path: &'static str) -> Router {
    let answer = |State(ingest): State<Ingest>, request: Request<Body>| async move {
        unknown(&ingest, Transport::Http, request).await
    };
    Router::new().route(path, any(answer)).with_state(ingest)
}

/// Refuses a path that there is not; what to do about it is said by its hint.
pub(super) async fn unknown(ingest: &Ingest, transport: Transport, request: Request<Body>) -> Response<Body> {
    let origin = Origin::of(&request, transport);
    let failure = match access::payer(ingest, request.headers(), request.extensions()) {
        Ok(_) => Failure::path(request.uri().path()),
        Err(failure) => failure,
    };
    let (parts, body) = request.into_parts();
    body::discard_unread(body, &parts.headers).await;
    ingest.refuse(&origin, None, failure).plain_response()
}
