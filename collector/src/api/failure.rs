//! The one shape of every error answer: a status, a stable code, a sentence, and what to do.
//!
//! | status | code | when |
//! |---|---|---|
//! | 400 | `bad_request` | a parameter, a body or a statement is wrong |
//! | 400 | `read_only` | a statement that would change something |
//! | 401 | `unauthenticated` | there are users, and the request has the credentials of none |
//! | 403 | `origin_not_allowed` | a page of another origin wants to change something |
//! | 404 | `not_found` | nothing is stored under that name, or there is no such path |
//! | 405 | `method_not_allowed` | the path exists, the method does not |
//! | 408 | `body_too_slow` | the request's body did not arrive in time |
//! | 409 | `configured` | the configuration says what the request would set |
//! | 409 | `exists` | another objective has the id |
//! | 409 | `too_many` | as many as are kept are there |
//! | 409 | `illegal_move` | an incident, or a silence, that is not in a state for that |
//! | 409 | `waiting`, `overtaken` | a notification that cannot be sent again now |
//! | 409 | `receiver_gone`, `receiver_unknown` | its receiver is not called, or not configured |
//! | 413 | `body_too_large` | the request's body is larger than the API takes |
//! | 415 | `unsupported_media_type` | the request's body is not `application/json` |
//! | 421 | `host_not_allowed` | a name in `Host` that does not belong to a loopback address |
//! | 429 | `too_many_failures` | too many wrong passwords came from the address; `Retry-After` says when |
//! | 500 | `internal` | a fault of ours; the log has the details |
//! | 500 | `segment_damaged` | stored data is damaged; the message names the file and the way out |
//! | 503 | `starting`, `shutting_down` | not ready yet, or no longer |
//! | 503 | `overloaded` | too many queries at once; `Retry-After` says when |
//! | 504 | `query_timeout` | the query took longer than `limits.query_timeout` |
//! | 507 | `query_memory` | the query needed more than `limits.query_memory` |
//! | 507 | `query_disk` | the query needed more than `limits.query_spill`, or the disk is almost full |

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use std::time::Duration;
use wire::{ApiError, ErrorBody, FieldProblem};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) hint: Option<String>,
    pub(super) retry_after: Option<Duration>,
    /// What is wrong with what was sent, one by one.
    pub(super) problems: Vec<FieldProblem>,
}

impl Failure {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        let (message, problems) = (message.into(), Vec::new());
        Self { status, code, message, hint: None, retry_after: None, problems }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// A fault of ours. The caller has logged what it was.
    pub(super) fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the server failed to answer")
            .hint("the server's log has the details")
    }

    pub(super) fn starting() -> Self {
        let message = "the server is starting: it replays what was acknowledged before the last stop";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "starting", message).retry_after(Duration::from_secs(1))
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(super) fn problems(mut self, problems: Vec<FieldProblem>) -> Self {
        self.problems = problems;
        self
    }

    pub(super) fn retry_after(mut self, retry_after: Duration) -> Self {
        self.retry_after = Some(retry_after);
        self
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Self { status, code, message, hint, retry_after, problems } = self;
        let error = ApiError { code: code.to_owned(), message, hint, problems };
        let mut response = (status, Json(ErrorBody { error })).into_response();
        if let Some(retry_after) = retry_after {
            // Whole seconds, rounded up: zero would invite an attempt at once.
            let seconds = retry_after.as_secs() + u64::from(retry_after.subsec_nanos() > 0);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        response
    }
}
