//! What clients are told, in each protocol's own words.
//!
//! The table of codes decides whether a client keeps its data and retries or drops it, so a transient
//! fault must never get a permanent code, nor the other way round. Texts are bounded and printable.

mod plain;

pub(crate) use plain::plain_response;

use super::inflate::Compression;
use crate::decode::Encoding;
use crate::decode::text::printable;
use crate::telemetry::Reason;
use axum::body::Body;
use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message as _;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::time::Duration;
use storage::Signal;
use tonic::Code;
use tonic_types::{ErrorDetails, StatusExt as _, pb};

/// Bytes of a message to a client; answers stay far below the protocol's 4 MiB.
const MESSAGE_BYTES_MAX: usize = 16 << 10;

/// How a sender may say who it is.
const CHALLENGES: &str = "Bearer realm=\"firstfault\", Basic realm=\"firstfault\", charset=\"UTF-8\"";

/// A refused request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    reason: Reason,
    message: String,
    /// What to change at the sender, where its mistake was recognised.
    hint: Option<String>,
    retry_after: Option<Duration>,
}

impl Failure {
    /// A failure that repeating the request would meet again.
    pub(crate) fn new(reason: Reason, message: String) -> Self {
        Self { reason, message: bounded(message), hint: None, retry_after: None }
    }

    /// A failure that passes.
    pub(crate) fn retry(reason: Reason, message: String, after: Duration) -> Self {
        Self { retry_after: Some(after), ..Self::new(reason, message) }
    }

    /// The failure with what to do about it.
    pub(crate) fn hinted(self, hint: Option<String>) -> Self {
        Self { hint: hint.map(bounded), ..self }
    }

    pub(crate) fn too_large(bytes_max: usize, when: &str) -> Self {
        Self::new(
            Reason::RequestTooLarge,
            format!("request is larger than the limit of {bytes_max} bytes {when}"),
        )
    }

    /// An encoding of the body that is not taken; `what` is its header in words.
    pub(super) fn encoding(what: &str, name: &str) -> Self {
        let (name, accepted) = (printable(name, 40), Compression::ACCEPTED);
        let message = format!("{what} '{name}' is not supported; supported are {accepted}");
        Self::new(Reason::UnsupportedEncoding, message)
    }

    pub(super) fn path(path: &str) -> Self {
        Self::new(Reason::PathUnknown, format!("no such path: {}", printable(path, 80)))
    }

    pub(super) fn profiles() -> Self {
        Self::new(Reason::ProfilesUnsupported, "profiles are not supported".to_owned())
    }

    pub(crate) fn reason(&self) -> Reason {
        self.reason
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    #[cfg(test)]
    pub(crate) fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// What happened and what to do about it, as the client is told.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        match &self.hint {
            Some(hint) => Cow::Owned(format!("{}; {hint}", self.message)),
            None => Cow::Borrowed(&self.message),
        }
    }

    #[cfg(test)]
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    fn codes(&self) -> (Code, StatusCode) {
        match self.reason {
            Reason::UnsupportedMediaType | Reason::ZipkinUnsupported | Reason::RemoteWriteUnsupported => {
                (Code::InvalidArgument, StatusCode::UNSUPPORTED_MEDIA_TYPE)
            }
            Reason::UnsupportedEncoding => (Code::Unimplemented, StatusCode::UNSUPPORTED_MEDIA_TYPE),
            Reason::MethodNotAllowed => (Code::Unimplemented, StatusCode::METHOD_NOT_ALLOWED),
            Reason::PathUnknown | Reason::OtlpOnApiPort => (Code::NotFound, StatusCode::NOT_FOUND),
            Reason::ServiceUnknown | Reason::GrpcOnHttpPort | Reason::ProfilesUnsupported => {
                (Code::Unimplemented, StatusCode::NOT_FOUND)
            }
            Reason::RequestTooLarge => (Code::ResourceExhausted, StatusCode::PAYLOAD_TOO_LARGE),
            Reason::Overloaded | Reason::RateLimited => (Code::Unavailable, StatusCode::TOO_MANY_REQUESTS),
            Reason::Unauthenticated => (Code::Unauthenticated, StatusCode::UNAUTHORIZED),
            Reason::OriginNotAllowed => (Code::PermissionDenied, StatusCode::FORBIDDEN),
            Reason::StorageUnavailable | Reason::BodyUnreadable | Reason::BodyTooSlow => {
                (Code::Unavailable, StatusCode::SERVICE_UNAVAILABLE)
            }
            Reason::Internal => (Code::Internal, StatusCode::INTERNAL_SERVER_ERROR),
            _ => (Code::InvalidArgument, StatusCode::BAD_REQUEST),
        }
    }

    /// The failure as gRPC has it; over HTTP its details are the body.
    pub(crate) fn grpc_status(&self) -> tonic::Status {
        let ((code, _), text) = (self.codes(), self.text());
        match (code, self.retry_after) {
            (Code::Unavailable, Some(after)) => {
                tonic::Status::with_error_details(code, text, ErrorDetails::with_retry_info(Some(after)))
            }
            (Code::InvalidArgument, _) => {
                let details = ErrorDetails::with_bad_request_violation(self.reason.name(), &*text);
                tonic::Status::with_error_details(code, text, details)
            }
            _ => tonic::Status::new(code, text),
        }
    }

    /// The failure as OTLP/HTTP has it: a `google.rpc.Status` in the request's encoding.
    pub(crate) fn http_response(&self, encoding: Encoding) -> Response<Body> {
        let (_, status) = self.codes();
        let body = match encoding {
            Encoding::Protobuf | Encoding::RemoteWrite => Bytes::from(self.rpc_status().encode_to_vec()),
            Encoding::Json | Encoding::ZipkinJson => Bytes::from(self.json_status().to_string()),
        };
        self.with_headers(respond(status, encoding, body))
    }

    /// What HTTP itself has words for, whatever the protocol.
    fn with_headers(&self, mut response: Response<Body>) -> Response<Body> {
        let headers = response.headers_mut();
        if let Some(after) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(whole_seconds(after)));
        }
        match self.reason {
            Reason::MethodNotAllowed => headers.insert(ALLOW, HeaderValue::from_static("POST")),
            Reason::UnsupportedEncoding => {
                headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(Compression::ACCEPTED))
            }
            Reason::Unauthenticated => headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGES)),
            _ => None,
        };
        response
    }

    fn rpc_status(&self) -> pb::Status {
        let status = self.grpc_status();
        // tonic keeps the details as the encoded google.rpc.Status, and nothing where there are none.
        pb::Status::decode(status.details()).ok().filter(|status| status.code != 0).unwrap_or_else(|| {
            pb::Status { code: status.code() as i32, message: self.text().into_owned(), details: Vec::new() }
        })
    }

    fn json_status(&self) -> Value {
        let ((code, _), text) = (self.codes(), self.text());
        let detail = match (code, self.retry_after) {
            (Code::Unavailable, Some(after)) => Some(json!({
                "@type": "type.googleapis.com/google.rpc.RetryInfo",
                "retryDelay": format!("{}s", after.as_secs_f64()),
            })),
            (Code::InvalidArgument, _) => Some(json!({
                "@type": "type.googleapis.com/google.rpc.BadRequest",
                "fieldViolations": [{ "field": self.reason.name(), "description": text }],
            })),
            _ => None,
        };
        json!({ "code": code as i32, "message": text, "details": Vec::from_iter(detail) })
    }
}

/// A request that was stored, wholly or in part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Acknowledged {
    signal: Signal,
    n_rejected: u64,
    /// Why items were rejected, or a warning; `None` where all is well.
    message: Option<String>,
}

impl Acknowledged {
    pub(crate) fn new(signal: Signal, n_rejected: u64, message: Option<String>) -> Self {
        Self { signal, n_rejected, message: message.map(bounded) }
    }

    pub(crate) fn signal(&self) -> Signal {
        self.signal
    }

    pub(crate) fn n_rejected(&self) -> u64 {
        self.n_rejected
    }

    pub(crate) fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// Bytes of text that it holds.
    pub(crate) fn message_bytes(&self) -> usize {
        self.message.as_ref().map_or(0, String::len)
    }

    /// The export response. Those of the three signals differ in the names of their fields only, so
    /// that on the wire one type does for all.
    pub(crate) fn protobuf(&self) -> Bytes {
        let partial_success = self.message.as_ref().map(|message| ExportTracePartialSuccess {
            rejected_spans: i64::try_from(self.n_rejected).unwrap_or(i64::MAX),
            error_message: message.clone(),
        });
        Bytes::from(ExportTraceServiceResponse { partial_success }.encode_to_vec())
    }

    pub(crate) fn http_response(&self, encoding: Encoding) -> Response<Body> {
        let body = match encoding {
            Encoding::Protobuf | Encoding::RemoteWrite => self.protobuf(),
            Encoding::Json | Encoding::ZipkinJson => Bytes::from(self.json().to_string()),
        };
        respond(StatusCode::OK, encoding, body)
    }

    fn json(&self) -> Value {
        let Some(message) = &self.message else { return json!({}) };
        let rejected = match self.signal {
            Signal::Traces => "rejectedSpans",
            Signal::Logs => "rejectedLogRecords",
            Signal::Metrics => "rejectedDataPoints",
        };
        json!({ "partialSuccess": { rejected: self.n_rejected.to_string(), "errorMessage": message } })
    }
}

pub(crate) fn content_type(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Protobuf | Encoding::RemoteWrite => "application/x-protobuf",
        Encoding::Json | Encoding::ZipkinJson => "application/json",
    }
}

fn respond(status: StatusCode, encoding: Encoding, body: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type(encoding)));
    response
}

/// `Retry-After` knows whole seconds; zero would invite the client back at once.
fn whole_seconds(after: Duration) -> u64 {
    after.as_millis().div_ceil(1000).clamp(1, 3600) as u64
}

fn bounded(mut message: String) -> String {
    message.truncate(message.floor_char_boundary(MESSAGE_BYTES_MAX));
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::Class;

    /// Scenario: a failure for each reason that refuses a request.
    /// Guarantees: codes that clients retry go with a delay, permanent codes without; over the size
    /// limit there is no RetryInfo.
    #[test]
    fn codes_and_delays_go_together() {
        for reason in Reason::ALL.iter().filter(|reason| reason.class() == Class::Request) {
            let failure = Failure::new(*reason, "why".to_owned());
            let (code, status) = failure.codes();
            let is_retried = matches!(status.as_u16(), 429 | 502 | 503 | 504);
            assert_eq!(is_retried, code == Code::Unavailable, "{reason:?}");
            assert!(status.is_client_error() || status.is_server_error());
            let status = failure.rpc_status();
            assert_eq!((status.code, status.message.as_str()), (code as i32, "why"));
        }
    }

    /// Scenario: a failure of each kind of details with what to do about it, in both encodings and over gRPC.
    /// Guarantees: every answer says both; what is counted is the message alone.
    #[test]
    fn hints_are_answered() {
        for reason in [Reason::PathUnknown, Reason::CompressedTwice, Reason::Overloaded] {
            let failure = Failure::retry(reason, "what".to_owned(), Duration::from_secs(1));
            let failure = failure.hinted(Some("do".to_owned()));
            assert_eq!((failure.message(), failure.hint()), ("what", Some("do")));
            assert_eq!(
                (failure.grpc_status().message(), failure.json_status()["message"].as_str()),
                ("what; do", Some("what; do"))
            );
            assert_eq!(failure.rpc_status().message, "what; do");
        }
    }

    /// Scenario: a message of a megabyte, and delays around a second.
    /// Guarantees: answers stay small; the header's delay is never zero and never too early.
    #[test]
    fn answers_are_bounded() {
        let acknowledged = Acknowledged::new(Signal::Logs, 1, Some("\u{e9}".repeat(1 << 20)));
        assert!(acknowledged.protobuf().len() < MESSAGE_BYTES_MAX + 100);
        let seconds = [0, 1, 999, 1000, 1001].map(|ms| whole_seconds(Duration::from_millis(ms)));
        assert_eq!(seconds, [1, 1, 1, 1, 2]);
    }
}
