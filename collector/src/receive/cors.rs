//! Telemetry from pages: browsers ask before they send to another origin, and the configuration says which may.
//!
//! Only the port of OTLP/HTTP answers such questions. Cookies and a browser's own credentials never come along, because
//! nothing here allows that: a page that sends has the token itself. An origin that is not named gets no header, so
//! that the browser keeps the answer from it; its question is counted, or its owner would never find out.

use super::answer::Failure;
use super::http::signal_of;
use crate::decode::Encoding;
use crate::decode::text::printable;
use crate::ingest::Ingest;
use crate::telemetry::{Origin, Reason, Transport};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::middleware::{Next, from_fn_with_state};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use std::sync::Arc;

/// What exporters send, and the context that instrumented pages add to every request.
const HEADERS: HeaderValue = HeaderValue::from_static(
    "content-type, content-encoding, authorization, traceparent, tracestate, baggage",
);
/// What an exporter wants to know of an answer.
const EXPOSED: HeaderValue = HeaderValue::from_static("retry-after");
/// Seconds for which a browser need not ask again.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// Which pages may send.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Origins {
    #[default]
    None,
    /// As browsers write them: scheme, host, and the port where it is not the usual one.
    Named(Vec<HeaderValue>),
    Any,
}

impl Origins {
    /// What the answer allows, where it allows anything.
    fn allow(&self, origin: &HeaderValue) -> Option<HeaderValue> {
        match self {
            Self::Named(origins) => origins.contains(origin).then(|| origin.clone()),
            Self::Any => Some(HeaderValue::from_static("*")),
            Self::None => None,
        }
    }
}

#[derive(Debug)]
struct Shared {
    origins: Origins,
    ingest: Ingest,
}

/// The router, for pages of these origins as well.
pub(crate) fn open_to(origins: Origins, router: Router, ingest: Ingest) -> Router {
    router.layer(from_fn_with_state(Arc::new(Shared { origins, ingest }), answer))
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request<Body>, next: Next) -> Response<Body> {
    let Some(origin) = request.headers().get(ORIGIN).cloned() else { return next.run(request).await };
    let allowed = shared.origins.allow(&origin);
    let mut response = match (is_question(&request), &allowed) {
        (true, Some(_)) => permission(),
        (true, None) => shared.refuse(&origin, &request),
        // Refusals too: a page that may send may know why it was refused.
        (false, _) => next.run(request).await,
    };
    let headers = response.headers_mut();
    if matches!(shared.origins, Origins::Named(_)) {
        headers.append(VARY, HeaderValue::from_static("origin"));
    }
    if let Some(allowed) = allowed {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
    response
}

/// A preflight: asked without credentials, and before anything is sent.
fn is_question(request: &Request<Body>) -> bool {
    request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

fn permission() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
    headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    response
}

impl Shared {
    fn refuse(&self, page: &HeaderValue, request: &Request<Body>) -> Response<Body> {
        let page = printable(&String::from_utf8_lossy(page.as_bytes()), 120);
        let message = format!("pages of {page} may not send here");
        let failure = Failure::new(Reason::OriginNotAllowed, message);
        let origin = Origin::of(request, Transport::Http);
        self.ingest.refuse(&origin, signal_of(request.uri().path()), failure).http_response(Encoding::Json)
    }
}
