//! Zipkin: POST of a list of v2 spans in JSON.
//!
//! Zipkin's servers answer 202 and nothing more, since their clients read nothing more. What is rejected of a
//! request is counted, and told by `/metrics` and the dashboard.

use super::answer::Failure;
use super::door::{self, Door};
use super::http::compression_of;
use super::inflate::Compression;
use crate::decode::Encoding;
use crate::decode::text::printable;
use crate::ingest::Ingest;
use crate::telemetry::{Reason, Transport};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::any;
use http::header::ORIGIN;
use http::{HeaderMap, Request, Response, StatusCode};
use storage::Signal;

pub(super) const PATH: &str = "/api/v2/spans";
/// Beside those of OTLP/HTTP.
const SHARED: Door =
    Door { signal: Signal::Traces, transport: Transport::Http, encoding: Encoding::ZipkinJson, check };
/// On a port of its own.
const OWN: Door = Door { transport: Transport::Zipkin, ..SHARED };

/// The path beside those of OTLP/HTTP.
pub(crate) fn router(ingest: Ingest, is_served: bool) -> Router {
    if !is_served {
        return door::unserved(ingest, PATH);
    }
    let answer = |State(ingest): State<Ingest>, request: Request<Body>| answer(ingest, SHARED, request);
    Router::new().route(PATH, any(answer)).with_state(ingest)
}

/// A port that serves nothing else.
pub(crate) fn service(ingest: Ingest) -> Router {
    let answer = |State(ingest): State<Ingest>, request: Request<Body>| answer(ingest, OWN, request);
    let answer_unknown = |State(ingest): State<Ingest>, request: Request<Body>| async move {
        door::unknown(&ingest, Transport::Zipkin, request).await
    };
    Router::new().route(PATH, any(answer)).fallback(answer_unknown).with_state(ingest)
}

async fn answer(ingest: Ingest, door: Door, request: Request<Body>) -> Response<Body> {
    match door::receive(&ingest, door, request).await {
        Ok(_) => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::ACCEPTED;
            response
        }
        Err(failure) => failure.plain_response(),
    }
}

/// Without a content type the body is taken for JSON, as Zipkin's servers do; not from pages, though, which could send
/// such a request to another origin without asking.
fn check(headers: &HeaderMap) -> Result<Compression, Failure> {
    let (media_type, _) = door::media_type(headers);
    if media_type.is_empty() && headers.contains_key(ORIGIN) {
        let message = "a page sends spans with the content type application/json".to_owned();
        return Err(Failure::new(Reason::ZipkinUnsupported, message));
    }
    if !matches!(media_type.as_str(), "" | "application/json") {
        let message = format!(
            "got '{}'; of Zipkin's formats application/json is supported",
            printable(&media_type, 80)
        );
        return Err(Failure::new(Reason::ZipkinUnsupported, message));
    }
    compression_of(headers)
}
