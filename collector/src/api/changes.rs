//! What a request must be to change something: JSON of a bounded size, and not from a page of another site.
//!
//! A browser sends its user's credentials along with requests of any page. A form cannot send JSON, and a script asks
//! before it sends JSON, `PUT` or `DELETE` to another origin, which this port never allows; the `Origin` header is
//! looked at all the same, so that no single rule of browsers stands between a foreign page and the state.

use super::failure::Failure;
use axum::body::{Body, to_bytes};
use http::header::{CONTENT_TYPE, HOST, ORIGIN};
use http::{HeaderMap, StatusCode, Uri};
use serde::de::DeserializeOwned;
use std::time::Duration;

/// For the whole body. It is small, so a client this slow has gone.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// The body that a path takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected {
    pub(super) bytes_max: usize,
    /// A JSON object, for hints.
    pub(super) example: &'static str,
}

/// Refuses what a page of another origin sends. Requests of other clients have no origin.
pub(super) fn check_origin(uri: &Uri, headers: &HeaderMap) -> Result<(), Failure> {
    let Some(origin) = headers.get(ORIGIN) else { return Ok(()) };
    let host = || headers.get(HOST).and_then(|host| host.to_str().ok());
    let own = uri.authority().map(|authority| authority.as_str()).or_else(host);
    let of_page = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    if of_page.zip(own).is_some_and(|(page, own)| page.eq_ignore_ascii_case(own)) {
        return Ok(());
    }
    let message = "a page of another origin may not change anything here";
    Err(Failure::new(StatusCode::FORBIDDEN, "origin_not_allowed", message).hint(
        "send it from the dashboard's own address or without a browser; a proxy must pass the Host header on",
    ))
}

pub(super) fn check_content_type(headers: &HeaderMap, expected: Expected) -> Result<(), Failure> {
    let sent = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = sent.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let message = format!("the body is {sent:?}, not application/json");
    Err(Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message)
        .hint(format!("send Content-Type: application/json and {}", expected.example)))
}

/// The value that a body holds as JSON.
pub(super) async fn read_json<T: DeserializeOwned>(body: Body, expected: Expected) -> Result<T, Failure> {
    let bytes_max = expected.bytes_max;
    let Ok(read) = tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, bytes_max)).await else {
        let message = format!("the body did not arrive within {} s", BODY_TIMEOUT.as_secs());
        return Err(Failure::new(StatusCode::REQUEST_TIMEOUT, "body_too_slow", message));
    };
    let bytes = read.map_err(|error| unreadable(&error, bytes_max))?;
    serde_json::from_slice(&bytes).map_err(|error| {
        Failure::bad_request(format!("the body is not as expected: {error}"))
            .hint(format!("send a JSON object such as {}", expected.example))
    })
}

fn unreadable(error: &axum::Error, bytes_max: usize) -> Failure {
    let source = std::error::Error::source(error);
    if source.is_some_and(|source| source.is::<http_body_util::LengthLimitError>()) {
        let message = format!("the body is larger than {bytes_max} bytes");
        return Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message);
    }
    Failure::bad_request(format!("the body cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    /// Scenario: requests without an origin, from the dashboard's own page by name or address, and from elsewhere.
    /// Guarantees: the first two may change something; other hosts, other ports and pages without an origin may not.
    #[test]
    fn pages_of_other_origins_are_refused() {
        let check = |host: &'static str, origin: Option<&'static str>| {
            let mut headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static(host))]);
            headers.extend(origin.map(|origin| (ORIGIN, HeaderValue::from_static(origin))));
            check_origin(&Uri::from_static("/api/v1/releases"), &headers).is_ok()
        };
        assert!(check("localhost:4320", None));
        assert!(check("localhost:4320", Some("http://localhost:4320")));
        assert!(check("Firstfault.example", Some("https://firstfault.example")));
        for origin in ["http://localhost:3000", "https://evil.example", "null", "", "localhost:4320"] {
            assert!(!check("localhost:4320", Some(origin)), "{origin}");
        }
        let uri = Uri::from_static("https://firstfault.example/api/v1/releases");
        let headers =
            HeaderMap::from_iter([(ORIGIN, HeaderValue::from_static("https://firstfault.example"))]);
        assert!(check_origin(&uri, &headers).is_ok());
    }
}
