//! The same answers for protocols that have no message for them: a status, and a line of text where it is needed.

use super::{Acknowledged, Failure, whole_seconds};
use crate::telemetry::Reason;
use axum::body::Body;
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};

impl Failure {
    pub(crate) fn plain_response(&self) -> Response<Body> {
        let (_, status) = self.codes();
        let mut response = plain_response(status, &self.message);
        if let Some(after) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(whole_seconds(after)));
        }
        if self.reason == Reason::MethodNotAllowed {
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        }
        response
    }
}

impl Acknowledged {
    /// Why items were rejected; `None` where all were stored.
    pub(crate) fn rejection(&self) -> Option<&str> {
        self.message.as_deref().filter(|_| self.n_rejected > 0)
    }
}

pub(crate) fn plain_response(status: StatusCode, message: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("{message}\n")));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
