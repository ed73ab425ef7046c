//! Users: the dashboard and the API ask for HTTP Basic credentials where the configuration has any.
//!
//! The browser asks its user once and sends the answer with every request of the page. `/healthz` and `/readyz` stay
//! open, because what watches a process has no account, and they say nothing about anybody's data.

use super::Api;
use super::failure::Failure;
use crate::auth::Denied;
use crate::serve::Peer;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::WWW_AUTHENTICATE;
use http::{HeaderValue, StatusCode};

const CHALLENGE: HeaderValue = HeaderValue::from_static("Basic realm=\"Firstfault\", charset=\"UTF-8\"");

/// The answer to somebody who may not look, or none.
pub(super) fn refusal(api: &Api, request: &Request) -> Option<Response> {
    if matches!(request.uri().path(), "/healthz" | "/readyz") {
        return None;
    }
    let peer = request.extensions().get::<Peer>();
    let now = api.settings.clock.instant();
    let denied = api.settings.gate.viewer(request.headers(), peer, now).err()?;
    if denied == Denied::Unknown {
        // A few a minute for each address at most: more are told to come back later.
        let address = peer.map(|peer| tracing::field::display(peer.address.ip()));
        tracing::info!(address, "somebody with unknown credentials wants to look");
    }
    Some(answer(denied))
}

fn answer(denied: Denied) -> Response {
    if let Denied::TooManyFailures { retry_after } = denied {
        let failure = Failure::new(StatusCode::TOO_MANY_REQUESTS, "too_many_failures", denied.to_string());
        return failure.retry_after(retry_after).into_response();
    }
    let failure = Failure::new(StatusCode::UNAUTHORIZED, "unauthenticated", denied.to_string())
        .hint("look as one of [[auth.users]]; commands take --user, and the password in FIRSTFAULT_PASSWORD");
    let mut response = failure.into_response();
    response.headers_mut().insert(WWW_AUTHENTICATE, CHALLENGE);
    response
}
