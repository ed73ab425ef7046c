//! From the bytes of an OTLP request to validated messages.
//!
//! Protobuf goes through prost, JSON through a decoder of our own that keeps to the specification's
//! mapping; both end in the same message types and pass the same validity rules, so a span is kept or
//! rejected alike whichever way it came. Zipkin's spans and Prometheus' remote writes are two encodings
//! more: `zipkin` and `remote_write` make the same messages of them. Decoding depends on the bytes alone:
//! `ingest` reads a request at the door with it and `replay` a record of the write-ahead log, and both must
//! come to the same rows. It must never allocate more than a bounded multiple of the request's size.

mod json;
mod owner;
mod protobuf;
mod remote_write;
mod report;
pub(crate) mod text;
mod validate;
mod zipkin;
/// Rules on ids, for the columns that keep or blank them.
pub(crate) mod validity {
    pub(crate) use super::validate::{is_span_id, is_stale, is_trace_id, is_zero, shown};
}
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use report::Report;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use storage::Signal;

/// How a request's bytes are to be read; the number is what the write-ahead log keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Protobuf,
    Json,
    /// A list of Zipkin's v2 spans.
    ZipkinJson,
    /// `prometheus.WriteRequest` of remote write 1.0, inflated.
    RemoteWrite,
}

impl Encoding {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Protobuf => "protobuf",
            Self::Json => "json",
            Self::ZipkinJson => "zipkin_json",
            Self::RemoteWrite => "remote_write",
        }
    }

    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Protobuf => 0,
            Self::Json => 1,
            Self::ZipkinJson => 2,
            Self::RemoteWrite => 3,
        }
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Protobuf),
            1 => Some(Self::Json),
            2 => Some(Self::ZipkinJson),
            3 => Some(Self::RemoteWrite),
            _ => None,
        }
    }
}

/// An export request of any signal, as decoded.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Request {
    Traces(ExportTraceServiceRequest),
    Logs(ExportLogsServiceRequest),
    Metrics(ExportMetricsServiceRequest),
}

/// A request whose every item keeps the rules of its signal; only `decode` makes one.
#[derive(Debug)]
pub(crate) struct Validated(Request);

impl Validated {
    pub(crate) fn request(&self) -> &Request {
        &self.0
    }
}

/// Why a request could not be read as a whole.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("request is not a valid protobuf message")]
    Protobuf {
        #[source]
        source: prost::DecodeError,
    },
    #[error("request is not valid OTLP/JSON")]
    Json {
        #[source]
        source: serde_json::Error,
    },
    #[error("request is not valid Zipkin v2 JSON")]
    Zipkin {
        #[source]
        source: serde_json::Error,
    },
    #[error("request is not a valid message of remote write 1.0")]
    RemoteWrite {
        #[source]
        source: prost::DecodeError,
    },
    #[error("a request of encoding {} has no {signal}", encoding.name())]
    OtherSignal { encoding: Encoding, signal: Signal },
    #[error("request would take more than {bytes_max} bytes of memory when decoded")]
    TooLarge { bytes_max: usize },
}

/// Reads a request and sorts out its invalid items into `report`.
pub(crate) fn decode(
    signal: Signal,
    encoding: Encoding,
    body: &Bytes,
    report: &mut Report,
) -> Result<Validated, Error> {
    let mut request = match (encoding, signal) {
        (Encoding::Protobuf, _) => protobuf::decode(signal, body)?,
        (Encoding::Json, _) => json::decode(signal, body, report)?,
        (Encoding::ZipkinJson, Signal::Traces) => zipkin::decode(body, report)?,
        (Encoding::RemoteWrite, Signal::Metrics) => remote_write::decode(body, report)?,
        (Encoding::ZipkinJson | Encoding::RemoteWrite, _) => {
            return Err(Error::OtherSignal { encoding, signal });
        }
    };
    validate::retain_valid(&mut request, report);
    Ok(Validated(request))
}

/// Bytes that a decoded request may take: eight times its length covers every honest request, and a
/// floor keeps small ones from being measured at all closely. Without it two bytes of protobuf, an
/// empty span, would become hundreds of memory.
fn decoded_bytes_max(body: &[u8]) -> usize {
    const FLOOR: usize = 16 << 20;
    body.len().saturating_mul(8).saturating_add(FLOOR)
}
