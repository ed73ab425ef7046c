//! Talking to a server: HTTP/1 with every header in hand, gRPC as raw frames over HTTP/2, bare sockets.
//!
//! Connections are made for one check and end with it. Answers are read up to a bound, and decoded without trust.

pub(crate) mod compress;
pub(crate) mod grpc;
pub(crate) mod http;
mod reply;
pub(crate) mod socket;
mod status;

pub(crate) use reply::Reply;
pub(crate) use status::RpcStatus;

use crate::outcome::{Stop, with_causes};
use crate::target::Address;
use ::http::HeaderMap;
use ::http::header::CONTENT_TYPE;
use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited, StreamBody};
use hyper::body::Incoming;
use std::convert::Infallible;
use std::error::Error;
use std::io;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// What is spoken, as TLS calls it.
const HTTP_1: &[u8] = b"http/1.1";
const HTTP_2: &[u8] = b"h2";
/// Bytes of an answer that are read: twice what any answer may have.
const ANSWER_BYTES_MAX: usize = 8 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    Traces,
    Logs,
    Metrics,
}

impl Signal {
    pub(crate) const ALL: [Self; 3] = [Self::Traces, Self::Logs, Self::Metrics];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Logs => "logs",
            Self::Metrics => "metrics",
        }
    }

    /// The path of OTLP/HTTP.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Traces => "/v1/traces",
            Self::Logs => "/v1/logs",
            Self::Metrics => "/v1/metrics",
        }
    }

    /// The method of OTLP/gRPC.
    pub(crate) fn method(self) -> &'static str {
        match self {
            Self::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            Self::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
            Self::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Protobuf,
    Json,
}

impl Encoding {
    pub(crate) const ALL: [Self; 2] = [Self::Protobuf, Self::Json];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Protobuf => "protobuf",
            Self::Json => "JSON",
        }
    }

    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    #[error("cannot connect to {authority}")]
    Connect {
        authority: String,
        #[source]
        source: io::Error,
    },
    #[error("cannot agree with {authority} on TLS")]
    Tls {
        authority: String,
        #[source]
        source: io::Error,
    },
    #[error("the connection broke before an answer")]
    Broken {
        #[source]
        source: hyper::Error,
    },
    #[error("the answer broke off")]
    Unreadable {
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    #[error("the answer is larger than {} bytes", ANSWER_BYTES_MAX)]
    TooLong,
    #[error("the answer is no gRPC: HTTP status {status}, content type '{content_type}'")]
    NotGrpc { status: u16, content_type: String },
    #[error("the answer is no whole gRPC message: {n_bytes} bytes")]
    BadFrame { n_bytes: usize },
}

impl From<Trouble> for Stop {
    fn from(trouble: Trouble) -> Self {
        Self::Fail(with_causes(&trouble))
    }
}

/// The body of a request.
pub(crate) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// A body with a length.
pub(crate) fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).boxed_unsync()
}

/// A body without a length: over HTTP/1 it is sent in chunks.
pub(crate) fn streamed(chunks: impl Stream<Item = Bytes> + Send + 'static) -> Body {
    StreamBody::new(chunks.map(|chunk| Ok::<_, Infallible>(Frame::data(chunk)))).boxed_unsync()
}

/// The bytes in chunks of a size, without a length before them.
pub(crate) fn in_chunks(bytes: impl Into<Bytes>, chunk_bytes: usize) -> Body {
    let bytes: Bytes = bytes.into();
    let starts = (0..bytes.len()).step_by(chunk_bytes);
    let chunks: Vec<Bytes> =
        starts.map(|start| bytes.slice(start..bytes.len().min(start + chunk_bytes))).collect();
    streamed(stream::iter(chunks))
}

/// The pieces, one after the other, and then nothing, without an end.
pub(crate) fn unfinished(pieces: impl Iterator<Item = Bytes> + Send + 'static) -> Body {
    streamed(stream::iter(pieces).chain(stream::pending()))
}

/// The media type of a message, without parameters.
pub(crate) fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// A connection, encrypted or not.
trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Duplex for S {}

/// Does anything listen there?
pub(crate) async fn reach(address: &Address) -> Result<(), Trouble> {
    connect(address, HTTP_1).await.map(drop)
}

/// A connection on which a protocol is spoken, in TLS where the address asks for it.
async fn connect(address: &Address, protocol: &[u8]) -> Result<Box<dyn Duplex>, Trouble> {
    let stream = connect_bare(address).await?;
    let Some(tls) = address.tls() else { return Ok(Box::new(stream)) };
    match tls.shake(protocol, stream).await {
        Ok(stream) => Ok(Box::new(stream)),
        Err(source) => Err(Trouble::Tls { authority: address.authority(), source }),
    }
}

/// A connection without TLS, whatever the address asks for.
async fn connect_bare(address: &Address) -> Result<TcpStream, Trouble> {
    let authority = address.authority();
    match TcpStream::connect(&authority).await {
        Ok(stream) => Ok(stream),
        Err(source) => Err(Trouble::Connect { authority, source }),
    }
}

/// The bytes of an answer and the trailers after them.
async fn read(body: Incoming) -> Result<(Bytes, HeaderMap), Trouble> {
    let read = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
    let collected = read.map_err(|source| match source.is::<LengthLimitError>() {
        true => Trouble::TooLong,
        false => Trouble::Unreadable { source },
    })?;
    let trailers = collected.trailers().cloned().unwrap_or_default();
    Ok((collected.to_bytes(), trailers))
}

/// Works a connection until it is dropped.
#[derive(Debug)]
struct Driver(JoinHandle<()>);

impl Driver {
    fn start(connection: impl Future<Output = hyper::Result<()>> + Send + 'static) -> Self {
        Self(tokio::spawn(async move {
            // How a connection ended is told by the answers that it gave.
            connection.await.ok();
        }))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}
