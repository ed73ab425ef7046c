//! Prometheus remote write 1.0: POST of one snappy block that holds a `prometheus.WriteRequest`.
//!
//! Senders look at nothing but the status: they drop what is answered with 4xx, 429 included unless they are told
//! otherwise, and repeat what is answered with 5xx. So overload is 503 here. Where a part of a request cannot be
//! stored the rest is, and the answer is 400 with the reason, which senders write into their logs.

use super::answer::{Failure, plain_response};
use super::door::{self, Door};
use super::inflate::Compression;
use crate::decode::Encoding;
use crate::decode::text::printable;
use crate::ingest::Ingest;
use crate::telemetry::{Reason, Transport};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::any;
use http::header::CONTENT_ENCODING;
use http::{HeaderMap, Request, Response, StatusCode};
use storage::Signal;

pub(super) const PATH: &str = "/api/v1/write";
const DOOR: Door =
    Door { signal: Signal::Metrics, transport: Transport::Http, encoding: Encoding::RemoteWrite, check };

/// The path beside those of OTLP/HTTP.
pub(crate) fn router(ingest: Ingest, is_served: bool) -> Router {
    match is_served {
        true => Router::new().route(PATH, any(answer)).with_state(ingest),
        false => door::unserved(ingest, PATH),
    }
}

async fn answer(State(ingest): State<Ingest>, request: Request<Body>) -> Response<Body> {
    match door::receive(&ingest, DOOR, request).await {
        Ok(acknowledged) => match acknowledged.rejection() {
            Some(message) => plain_response(StatusCode::BAD_REQUEST, message),
            None => stored(),
        },
        Err(failure) => refused(&failure),
    }
}

fn stored() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

fn refused(failure: &Failure) -> Response<Body> {
    let mut response = failure.plain_response();
    if response.status() == StatusCode::TOO_MANY_REQUESTS {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    response
}

/// `X-Prometheus-Remote-Write-Version` says nothing that the content type does not.
fn check(headers: &HeaderMap) -> Result<Compression, Failure> {
    let unsupported = |message| Err(Failure::new(Reason::RemoteWriteUnsupported, message));
    let (media_type, parameters) = door::media_type(headers);
    if media_type != "application/x-protobuf" {
        return unsupported(format!(
            "got '{}'; remote write is application/x-protobuf",
            printable(&media_type, 80)
        ));
    }
    let message_type = parameters.iter().find_map(|parameter| parameter.strip_prefix("proto="));
    if let Some(other) = message_type.filter(|message_type| *message_type != "prometheus.writerequest") {
        return unsupported(format!(
            "got messages of type '{}'; remote write 1.0 is supported, with prometheus.WriteRequest",
            printable(other, 80)
        ));
    }
    let encoding = headers.get(CONTENT_ENCODING).map_or("none", |value| value.to_str().unwrap_or("?"));
    if !encoding.trim().eq_ignore_ascii_case("snappy") {
        return unsupported(format!(
            "got content encoding '{}'; remote write uses snappy",
            printable(encoding, 40)
        ));
    }
    Ok(Compression::Snappy)
}
