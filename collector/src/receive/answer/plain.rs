//! The same answers for protocols that have no message for them: a status, and a line of text where it is needed.

use super::{Acknowledged, Failure};
use axum::body::Body;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};

impl Failure {
    pub(crate) fn plain_response(&self) -> Response<Body> {
        let (_, status) = self.codes();
        self.with_headers(plain_response(status, &self.text()))
    }
}

impl Acknowledged {
    /// Why items were rejected; `None` where all were stored.
    pub(crate) fn rejection(&self) -> Option<&str> {
        self.message().filter(|_| self.n_rejected > 0)
    }
}

pub(crate) fn plain_response(status: StatusCode, message: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("{message}\n")));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
