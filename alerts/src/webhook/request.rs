//! What one attempt sends, as data: made without a socket, so that tests and people can look at it.

use super::{kinds::Mail, target::ReceiverUrl};

/// A notification on its way, as it lies in the outbox.
#[derive(Debug, Clone, Copy)]
pub(super) struct Letter<'a> {
    pub(super) id: &'a str,
    pub(super) body: &'a [u8],
    /// The moment of the attempt, in unix nanoseconds.
    pub(super) at: i64,
}

#[derive(Debug)]
pub(super) enum Outgoing<'a> {
    /// One to each member of a cluster; whoever takes it tells the others.
    Http(Vec<HttpRequest<'a>>),
    Mail(MailRequest<'a>),
}

/// All of them are POST.
#[derive(Debug)]
pub(super) struct HttpRequest<'a> {
    pub(super) target: &'a ReceiverUrl,
    pub(super) headers: Vec<Header>,
    pub(super) body: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) name: &'static str,
    pub(super) value: String,
    pub(super) is_secret: bool,
}

impl Header {
    pub(super) fn new(name: &'static str, value: impl Into<String>) -> Self {
        Self { name, value: value.into(), is_secret: false }
    }

    pub(super) fn secret(name: &'static str, value: impl Into<String>) -> Self {
        Self { name, value: value.into(), is_secret: true }
    }

    pub(super) fn json() -> Self {
        Self::new("content-type", "application/json")
    }
}

/// A message with its envelope.
#[derive(Debug)]
pub(super) struct MailRequest<'a> {
    pub(super) mail: &'a Mail,
    pub(super) message: &'a [u8],
}

/// A request as people see it: without secrets, and without the path and query that may hold some.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownRequest {
    /// `POST` or `MAIL`.
    pub method: &'static str,
    pub targets: Vec<String>,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl ShownRequest {
    /// Nothing was sent.
    pub(super) fn none(why: String) -> Self {
        Self { method: "NONE", targets: Vec::new(), headers: Vec::new(), body: why }
    }
}

/// In the place of a secret.
pub(super) const HIDDEN: &str = "***";

impl Outgoing<'_> {
    /// `body` is what is shown of it.
    pub(super) fn shown(&self, body: &[u8]) -> ShownRequest {
        let body = String::from_utf8_lossy(body).into_owned();
        match self {
            Self::Http(requests) => ShownRequest {
                method: "POST",
                targets: requests.iter().map(|request| request.target.to_string()).collect(),
                headers: requests
                    .first()
                    .map_or_else(Vec::new, |request| request.headers.iter().map(Header::shown).collect()),
                body,
            },
            Self::Mail(request) => ShownRequest {
                method: "MAIL",
                targets: vec![request.mail.to_string()],
                headers: Vec::new(),
                body,
            },
        }
    }
}

impl Header {
    fn shown(&self) -> (String, String) {
        let value = if self.is_secret { HIDDEN } else { self.value.as_str() };
        (self.name.to_owned(), value.to_owned())
    }
}
