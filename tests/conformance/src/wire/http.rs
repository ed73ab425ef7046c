//! OTLP/HTTP over HTTP/1.1.

use super::{Body, Driver, Encoding, HTTP_1, Signal, Trouble, connect, media_type, read, whole};
use crate::target::{Address, Target};
use bytes::Bytes;
use http::header::HOST;
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

/// An answer, whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// Without parameters.
    pub(crate) fn media_type(&self) -> String {
        media_type(&self.headers)
    }

    /// A header as text; nothing where it is absent.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A request under construction.
#[derive(Debug)]
pub(crate) struct Call {
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Body,
}

impl Call {
    /// An export with its body as it is sent.
    pub(crate) fn export(signal: Signal, encoding: Encoding, body: impl Into<Bytes>) -> Self {
        Self::post(signal.path(), encoding, body)
    }

    pub(crate) fn post(path: &str, encoding: Encoding, body: impl Into<Bytes>) -> Self {
        Self::new(Method::POST, path).header("content-type", encoding.content_type()).body(whole(body))
    }

    /// A request without a body.
    pub(crate) fn new(method: Method, path: &str) -> Self {
        Self { method, path: path.to_owned(), headers: HeaderMap::new(), body: whole(Bytes::new()) }
    }

    pub(crate) fn method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    /// Sets a header, whatever it was before.
    pub(crate) fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.insert(name, HeaderValue::from_static(value));
        self
    }

    pub(crate) fn compressed(self, encoding: &'static str) -> Self {
        self.header("content-encoding", encoding)
    }

    pub(crate) fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// Sends it to the target, on a connection of its own.
    pub(crate) async fn send(self, target: &Target) -> Result<Answer, Trouble> {
        self.send_to(target.http(), target.headers()).await
    }

    pub(crate) async fn send_to(self, address: &Address, headers: &HeaderMap) -> Result<Answer, Trouble> {
        Connection::open(address).await?.send(self, headers).await
    }

    fn request(self, address: &Address, headers: &HeaderMap) -> Request<Body> {
        let mut request = Request::new(self.body);
        *request.method_mut() = self.method;
        *request.uri_mut() =
            Uri::try_from(address.path(&self.path)).expect("a path below a base that was parsed");
        *request.headers_mut() = self.headers;
        request.headers_mut().extend(headers.clone());
        let host = HeaderValue::try_from(address.authority()).expect("an authority that was parsed");
        request.headers_mut().insert(HOST, host);
        request
    }
}

/// A connection kept alive; closed when dropped.
#[derive(Debug)]
pub(crate) struct Connection {
    sender: http1::SendRequest<Body>,
    address: Address,
    _driver: Driver,
}

impl Connection {
    pub(crate) async fn open(address: &Address) -> Result<Self, Trouble> {
        let io = TokioIo::new(connect(address, HTTP_1).await?);
        let opened = http1::handshake(io).await;
        let (sender, connection) = opened.map_err(|source| Trouble::Broken { source })?;
        Ok(Self { sender, address: address.clone(), _driver: Driver::start(connection) })
    }

    /// Sends a request and reads its answer to the end.
    pub(crate) async fn send(&mut self, call: Call, headers: &HeaderMap) -> Result<Answer, Trouble> {
        let request = call.request(&self.address, headers);
        self.sender.ready().await.map_err(|source| Trouble::Broken { source })?;
        let answer = self.sender.send_request(request).await;
        let (parts, body) = answer.map_err(|source| Trouble::Broken { source })?.into_parts();
        let (body, _) = read(body).await?;
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
    }
}
