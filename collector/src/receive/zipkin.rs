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
use crate::telemetry::Reason;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::any;
use http::{HeaderMap, Request, Response, StatusCode};
use storage::Signal;

const PATH: &str = "/api/v2/spans";
const DOOR: Door = Door { signal: Signal::Traces, encoding: Encoding::ZipkinJson, check };
const UNSERVED: &str =
    "Zipkin is not served on this port: set enabled = true below [zipkin], or send to zipkin.listen";

/// The path beside those of OTLP/HTTP.
pub(crate) fn router(ingest: Ingest, is_served: bool) -> Router {
    match is_served {
        true => Router::new().route(PATH, any(answer)).with_state(ingest),
        false => door::unserved(ingest, PATH, UNSERVED),
    }
}

/// A port that serves nothing else.
pub(crate) fn service(ingest: Ingest) -> Router {
    Router::new().route(PATH, any(answer)).fallback(answer_unknown).with_state(ingest)
}

async fn answer(State(ingest): State<Ingest>, request: Request<Body>) -> Response<Body> {
    match door::receive(&ingest, DOOR, request).await {
        Ok(_) => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::ACCEPTED;
            response
        }
        Err(failure) => failure.plain_response(),
    }
}

async fn answer_unknown(State(ingest): State<Ingest>, request: Request<Body>) -> Response<Body> {
    let path = printable(request.uri().path(), 80);
    super::body::discard(request.into_body()).await;
    let message = format!("no such path: {path} (this port serves Zipkin: POST {PATH})");
    ingest.refuse(None, Failure::new(Reason::PathUnknown, message)).plain_response()
}

/// Without a content type the body is taken for JSON, as Zipkin's servers do.
fn check(headers: &HeaderMap) -> Result<Compression, Failure> {
    let (media_type, _) = door::media_type(headers);
    if !matches!(media_type.as_str(), "" | "application/json") {
        let message = format!(
            "got '{}'; of Zipkin's formats application/json is supported",
            printable(&media_type, 80)
        );
        return Err(Failure::new(Reason::ZipkinUnsupported, message));
    }
    compression_of(headers)
}
