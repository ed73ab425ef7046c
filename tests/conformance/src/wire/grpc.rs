//! OTLP/gRPC as frames over HTTP/2, made by hand: clients of libraries send nothing that is wrong.

use super::{Body, Driver, HTTP_2, RpcStatus, Signal, Trouble, connect, media_type, read, whole};
use crate::target::{Address, Target};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, TE};
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tonic::Code;

/// Bytes before each message: a flag for compression and the length.
const FRAME_HEADER_BYTES: usize = 5;

/// What a call came to.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: RpcStatus,
    /// Empty where there is none.
    pub(crate) message: Bytes,
}

impl Answer {
    pub(crate) fn code(&self) -> Code {
        Code::from_i32(self.status.code)
    }
}

/// A unary call under construction.
#[derive(Debug)]
pub(crate) struct Call {
    method: &'static str,
    encoding: Option<&'static str>,
    body: Body,
}

impl Call {
    /// An export of one message that is not compressed.
    pub(crate) fn export(signal: Signal, message: &[u8]) -> Self {
        Self::new(signal.method(), whole(frame(0, message)))
    }

    /// An export of one message that is compressed already.
    pub(crate) fn compressed(signal: Signal, encoding: &'static str, message: &[u8]) -> Self {
        Self { encoding: Some(encoding), ..Self::new(signal.method(), whole(frame(1, message))) }
    }

    /// Any method, any bytes.
    pub(crate) fn new(method: &'static str, body: Body) -> Self {
        Self { method, encoding: None, body }
    }

    /// Sends it to the target, on a connection of its own.
    pub(crate) async fn send(self, target: &Target) -> Result<Answer, Trouble> {
        Connection::open(target.grpc()).await?.send(self, target.headers()).await
    }

    fn request(self, address: &Address, headers: &HeaderMap) -> Request<Body> {
        let mut request = Request::new(self.body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = Uri::try_from(address.url(self.method)).expect("a URL that was parsed");
        let own = request.headers_mut();
        own.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        own.insert(TE, HeaderValue::from_static("trailers"));
        if let Some(encoding) = self.encoding {
            own.insert("grpc-encoding", HeaderValue::from_static(encoding));
        }
        own.extend(headers.clone());
        request
    }
}

/// A message with its five bytes before it.
pub(crate) fn frame(flag: u8, message: &[u8]) -> Bytes {
    let n_bytes = u32::try_from(message.len()).expect("messages of checks are far smaller than 4 GiB");
    Bytes::from([&frame_header(flag, n_bytes)[..], message].concat())
}

/// The five bytes before a message.
pub(crate) fn frame_header(flag: u8, n_bytes: u32) -> [u8; FRAME_HEADER_BYTES] {
    let [a, b, c, d] = n_bytes.to_be_bytes();
    [flag, a, b, c, d]
}

/// An HTTP/2 connection for several calls; closed when dropped.
#[derive(Debug)]
pub(crate) struct Connection {
    sender: http2::SendRequest<Body>,
    address: Address,
    _driver: Driver,
}

impl Connection {
    pub(crate) async fn open(address: &Address) -> Result<Self, Trouble> {
        let io = TokioIo::new(connect(address, HTTP_2).await?);
        let opened = http2::handshake(TokioExecutor::new(), io).await;
        let (sender, connection) = opened.map_err(|source| Trouble::Broken { source })?;
        Ok(Self { sender, address: address.clone(), _driver: Driver::start(connection) })
    }

    /// Makes a call and reads its answer to the end; others may be under way.
    pub(crate) async fn send(&self, call: Call, headers: &HeaderMap) -> Result<Answer, Trouble> {
        let request = call.request(&self.address, headers);
        let mut sender = self.sender.clone();
        sender.ready().await.map_err(|source| Trouble::Broken { source })?;
        let answer = sender.send_request(request).await;
        let (parts, body) = answer.map_err(|source| Trouble::Broken { source })?.into_parts();
        let (body, trailers) = read(body).await?;
        // A refusal without a message has its status among the headers.
        let status = RpcStatus::of_grpc(&trailers).or_else(|| RpcStatus::of_grpc(&parts.headers));
        let status = status.ok_or_else(|| Trouble::NotGrpc {
            status: parts.status.as_u16(),
            content_type: media_type(&parts.headers),
        })?;
        Ok(Answer { status, message: unframe(body)? })
    }
}

/// The one message of an answer, which nobody asked to be compressed.
fn unframe(body: Bytes) -> Result<Bytes, Trouble> {
    if body.is_empty() {
        return Ok(body);
    }
    let Some((header, message)) = body.split_first_chunk::<FRAME_HEADER_BYTES>() else {
        return Err(Trouble::BadFrame { n_bytes: body.len() });
    };
    let announced = u32::try_from(message.len()).map(|n_bytes| frame_header(0, n_bytes));
    if announced.ok().as_ref() != Some(header) {
        return Err(Trouble::BadFrame { n_bytes: body.len() });
    }
    Ok(body.slice(FRAME_HEADER_BYTES..))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: a whole message, none, and broken ones.
    /// Guarantees: only a whole message, or none at all, is taken.
    #[test]
    fn one_whole_message_is_taken() {
        assert_eq!(unframe(frame(0, b"whole")).expect("whole"), "whole");
        assert_eq!(unframe(Bytes::new()).expect("none"), "");
        for bytes in [&b"\0\0\0"[..], b"\0\0\0\0\x05four", b"\x01\0\0\0\x01x", b"\0\0\0\0\x01xy"] {
            assert!(unframe(Bytes::copy_from_slice(bytes)).is_err(), "{bytes:?}");
        }
    }
}
