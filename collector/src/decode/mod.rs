//! From the bytes of an OTLP request to views of its items, and the rules that items must keep.
//!
//! Protobuf is looked through once and then read where it lies; JSON goes through a decoder of our own that
//! keeps to the specification's mapping and ends in prost's messages, as does protobuf that is out of the
//! ordinary. Zipkin's spans and Prometheus' remote writes are two encodings more: `zipkin` and `remote_write`
//! make the same messages of them. All are read through the same views and judged by the same rules, so a span
//! is kept or rejected alike whichever way it came. Decoding depends on the bytes alone: `ingest` reads a
//! request at the door with it and `replay` a record of the write-ahead log, and both must come to the same
//! rows. It must never allocate more than a bounded multiple of the request's size.

mod json;
mod owner;
mod protobuf;
mod remote_write;
mod report;
pub(crate) mod text;
mod validate;
pub(crate) mod views;
mod wire;
mod zipkin;
/// The rules on items, for those who go through them.
pub(crate) mod validity {
    pub(crate) use super::validate::{
        is_explicit_point, is_exponential_point, is_metric, is_number_point, is_span, is_span_id, is_stale,
        is_trace_id, is_zero, shown,
    };
}
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use report::Report;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use storage::Signal;
use views::{List, ResourceLogs, ResourceMetrics, ResourceSpans};

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

/// A request that can be gone through; only `decode` makes one. Its items are not judged yet.
#[derive(Debug)]
pub(crate) struct Decoded(Form);

/// What a request is read from.
#[derive(Debug)]
enum Form {
    Messages(Request),
    /// Bytes that were looked through.
    Wire {
        signal: Signal,
        body: Bytes,
    },
}

/// The resources of a request, and all items below them.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Resources<'a> {
    Traces(List<'a, ResourceSpans<'a>>),
    Logs(List<'a, ResourceLogs<'a>>),
    Metrics(List<'a, ResourceMetrics<'a>>),
}

impl Decoded {
    pub(crate) fn resources(&self) -> Resources<'_> {
        match &self.0 {
            Form::Messages(request) => request.resources(),
            Form::Wire { signal: Signal::Traces, body } => Resources::Traces(List::of_field(body, 1)),
            Form::Wire { signal: Signal::Logs, body } => Resources::Logs(List::of_field(body, 1)),
            Form::Wire { signal: Signal::Metrics, body } => Resources::Metrics(List::of_field(body, 1)),
        }
    }

    /// The request in protobuf, whatever it came in.
    pub(crate) fn to_protobuf(&self) -> Vec<u8> {
        match &self.0 {
            Form::Messages(Request::Traces(request)) => prost::Message::encode_to_vec(request),
            Form::Messages(Request::Logs(request)) => prost::Message::encode_to_vec(request),
            Form::Messages(Request::Metrics(request)) => prost::Message::encode_to_vec(request),
            Form::Wire { body, .. } => body.to_vec(),
        }
    }
}

impl Request {
    fn resources(&self) -> Resources<'_> {
        match self {
            Self::Traces(request) => Resources::Traces(List::Messages(&request.resource_spans)),
            Self::Logs(request) => Resources::Logs(List::Messages(&request.resource_logs)),
            Self::Metrics(request) => Resources::Metrics(List::Messages(&request.resource_metrics)),
        }
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

impl Error {
    /// What to say where the decoders' own bounds on nesting were met, of which they say little.
    pub(crate) fn nested_too_deep(&self) -> Option<String> {
        // Neither library has a kind for it. What a sender wrote never begins or ends their messages.
        let (is_it, bound) = match self {
            Self::Json { source } | Self::Zipkin { source } => (
                source.to_string().starts_with("recursion limit exceeded"),
                "127 brackets inside each other are read, of a value in an attribute 39 arrays",
            ),
            Self::Protobuf { source } | Self::RemoteWrite { source } => (
                source.to_string().ends_with("recursion limit reached"),
                "100 messages inside each other are read, of a value in an attribute 47 arrays",
            ),
            Self::OtherSignal { .. } | Self::TooLarge { .. } => return None,
        };
        is_it.then(|| format!("request is nested too deep: at most {bound}"))
    }
}

/// Reads a request. What is amiss with the whole of it is an error or goes into `report`.
pub(crate) fn decode(
    signal: Signal,
    encoding: Encoding,
    body: &Bytes,
    report: &mut Report,
) -> Result<Decoded, Error> {
    let request = match (encoding, signal) {
        (Encoding::Protobuf, _) => return protobuf::decode(signal, body).map(Decoded),
        (Encoding::Json, _) => json::decode(signal, body, report)?,
        (Encoding::ZipkinJson, Signal::Traces) => zipkin::decode(body, report)?,
        (Encoding::RemoteWrite, Signal::Metrics) => remote_write::decode(body, report)?,
        (Encoding::ZipkinJson | Encoding::RemoteWrite, _) => {
            return Err(Error::OtherSignal { encoding, signal });
        }
    };
    Ok(Decoded(Form::Messages(request)))
}

/// As `decode` for protobuf, but through prost whatever the request is like: what `decode` is held against.
pub(crate) fn decode_by_prost(signal: Signal, body: &Bytes) -> Result<Decoded, Error> {
    protobuf::decode_by_prost(signal, body).map(|request| Decoded(Form::Messages(request)))
}

/// Does `decode` read this protobuf without prost?
pub(crate) fn is_plain(signal: Signal, body: &[u8]) -> bool {
    protobuf::is_plain(signal, body)
}

/// Bytes that a decoded request may take: eight times its length covers every honest request, and a
/// floor keeps small ones from being measured at all closely. Without it two bytes of protobuf, an
/// empty span, would become hundreds of memory.
fn decoded_bytes_max(body: &[u8]) -> usize {
    const FLOOR: usize = 16 << 20;
    body.len().saturating_mul(8).saturating_add(FLOOR)
}
