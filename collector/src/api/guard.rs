//! What every request passes and every answer carries: host check, login, panic barrier, security headers.

use super::failure::Failure;
use super::{Api, login};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;

/// No inline script or style: telemetry that became markup by a mistake of ours would still not run.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
connect-src 'self'; img-src 'self' data:; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const SECURITY_HEADERS: [(HeaderName, &str); 5] = [
    (CONTENT_SECURITY_POLICY, CONTENT_POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Which names a request may call us by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hosts {
    /// Names of this machine only. A page elsewhere whose name was made to point here (DNS rebinding)
    /// would otherwise read everything through its visitor's browser.
    Local,
    /// The operator opened the port to others, under names that we cannot know.
    Any,
}

impl Hosts {
    pub(crate) fn of(bound: SocketAddr, allow_public: bool) -> Self {
        if bound.ip().is_loopback() && !allow_public { Self::Local } else { Self::Any }
    }

    fn allow(self, uri: &Uri, headers: &HeaderMap) -> bool {
        let header = || headers.get(HOST).map(|host| host.to_str().unwrap_or_default());
        // Browsers always name a host; without one the request is a tool's.
        let authority = uri.authority().map(|authority| authority.as_str()).or_else(header);
        self == Self::Any || authority.is_none_or(is_local)
    }
}

/// `localhost`, a name below it, or a loopback address, with or without a port.
fn is_local(authority: &str) -> bool {
    if let Ok(address) = authority.parse::<SocketAddr>() {
        return address.ip().is_loopback();
    }
    if let Ok(address) = authority.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        return address.is_loopback();
    }
    let name = authority.split_once(':').map_or(authority, |(name, _)| name).to_ascii_lowercase();
    let name = name.trim_end_matches('.');
    name == "localhost" || name.ends_with(".localhost")
}

pub(super) async fn guard(State(api): State<Api>, request: Request, next: Next) -> Response {
    let mut response = if !api.settings.hosts.allow(request.uri(), request.headers()) {
        foreign_host().into_response()
    } else if let Some(refusal) = login::refusal(&api, &request) {
        refusal
    } else {
        let path = request.uri().path().to_owned();
        match AssertUnwindSafe(next.run(request)).catch_unwind().await {
            Ok(response) => response,
            Err(_) => {
                // The panic's own message went to standard error.
                tracing::error!(path, "a handler panicked");
                Failure::internal().into_response()
            }
        }
    };
    let headers = response.headers_mut();
    for (name, value) in SECURITY_HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // Answers of the API are true for a moment; the UI's files say otherwise themselves.
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

fn foreign_host() -> Failure {
    let message = "the Host header names a host that is not this machine";
    Failure::new(StatusCode::MISDIRECTED_REQUEST, "host_not_allowed", message).hint(
        "open the dashboard as http://localhost or by a loopback address, or set listen.allow_public = true",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: ways to call a loopback address, and names that only end like one.
    /// Guarantees: the former pass, the latter are foreign; an open port takes any.
    #[test]
    fn knows_local_names() {
        for host in [
            "localhost",
            "localhost:4320",
            "LOCALHOST.",
            "app.localhost:1",
            "127.0.0.1:4320",
            "127.9.9.9",
            "[::1]:4320",
            "::1",
        ] {
            assert!(is_local(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "localhost.evil.example",
            "notlocalhost",
            "10.0.0.1:4320",
            "[fe80::1]:1",
            "127.0.0.1.evil.example:80",
        ] {
            assert!(!is_local(host), "{host}");
        }
        let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static("evil.example"))]);
        assert!(!Hosts::Local.allow(&Uri::from_static("/"), &headers));
        assert!(Hosts::Any.allow(&Uri::from_static("/"), &headers));
        assert!(Hosts::Local.allow(&Uri::from_static("/"), &HeaderMap::new()));
        assert!(!Hosts::Local.allow(&Uri::from_static("http://evil.example/"), &HeaderMap::new()));
    }
}
