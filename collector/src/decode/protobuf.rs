//! Protobuf requests: weighed first, then decoded by prost.
//!
//! prost allocates a whole struct for every two bytes of an empty message, so `weigh` walks the bytes
//! without allocating and adds up what the structs will take. It judges size only: whatever is
//! malformed it leaves to prost, whose error the sender gets.

use super::{Error, Request, decoded_bytes_max};
use opentelemetry_proto::tonic::{common::v1 as common, logs::v1 as logs, metrics::v1 as metrics};
use opentelemetry_proto::tonic::{resource::v1 as resource, trace::v1 as trace};
use std::mem::size_of;
use storage::Signal;

/// Message nesting that prost accepts; deeper requests fail there.
const DEPTH_MAX: usize = 100;

pub(super) fn decode(signal: Signal, body: &bytes::Bytes) -> Result<Request, Error> {
    let bytes_max = decoded_bytes_max(body);
    if weigh(Kind::root(signal), body, bytes_max).is_none() {
        return Err(Error::TooLarge { bytes_max });
    }
    let body = body.clone();
    let request = match signal {
        Signal::Traces => prost_decode(body).map(Request::Traces),
        Signal::Logs => prost_decode(body).map(Request::Logs),
        Signal::Metrics => prost_decode(body).map(Request::Metrics),
    };
    request.map_err(|source| Error::Protobuf { source })
}

fn prost_decode<T: prost::Message + Default>(body: bytes::Bytes) -> Result<T, prost::DecodeError> {
    T::decode(body)
}

/// A message type, as far as its nesting and size matter.
pub(super) trait Shape: Copy {
    /// Bytes of the struct that prost makes of it.
    fn bytes(self) -> usize;

    /// The message type of a field; `None` for text, numbers, bytes and unknown fields.
    fn field(self, number: u64) -> Option<Self>;

    /// Memory for a field that is no message, of `len` bytes on the wire.
    fn scalar_bytes(self, number: u64, len: usize) -> usize;
}

/// The message types of OTLP.
#[derive(Debug, Clone, Copy)]
enum Kind {
    TracesRequest,
    LogsRequest,
    MetricsRequest,
    ResourceSpans,
    ScopeSpans,
    Span,
    Event,
    Link,
    ResourceLogs,
    ScopeLogs,
    LogRecord,
    ResourceMetrics,
    ScopeMetrics,
    Metric,
    NumberPoints,
    Histogram,
    ExponentialHistogram,
    Summary,
    NumberPoint,
    HistogramPoint,
    ExponentialPoint,
    SummaryPoint,
    Buckets,
    Quantile,
    Exemplar,
    Resource,
    EntityRef,
    Scope,
    KeyValue,
    AnyValue,
    ArrayValue,
    KeyValueList,
}

impl Kind {
    fn root(signal: Signal) -> Self {
        match signal {
            Signal::Traces => Self::TracesRequest,
            Signal::Logs => Self::LogsRequest,
            Signal::Metrics => Self::MetricsRequest,
        }
    }
}

impl Shape for Kind {
    fn bytes(self) -> usize {
        match self {
            Self::TracesRequest | Self::LogsRequest | Self::MetricsRequest => 0,
            Self::ResourceSpans => size_of::<trace::ResourceSpans>(),
            Self::ScopeSpans => size_of::<trace::ScopeSpans>(),
            Self::Span => size_of::<trace::Span>(),
            Self::Event => size_of::<trace::span::Event>(),
            Self::Link => size_of::<trace::span::Link>(),
            Self::ResourceLogs => size_of::<logs::ResourceLogs>(),
            Self::ScopeLogs => size_of::<logs::ScopeLogs>(),
            Self::LogRecord => size_of::<logs::LogRecord>(),
            Self::ResourceMetrics => size_of::<metrics::ResourceMetrics>(),
            Self::ScopeMetrics => size_of::<metrics::ScopeMetrics>(),
            Self::Metric => size_of::<metrics::Metric>(),
            Self::NumberPoint => size_of::<metrics::NumberDataPoint>(),
            Self::HistogramPoint => size_of::<metrics::HistogramDataPoint>(),
            Self::ExponentialPoint => size_of::<metrics::ExponentialHistogramDataPoint>(),
            Self::SummaryPoint => size_of::<metrics::SummaryDataPoint>(),
            Self::Quantile => size_of::<metrics::summary_data_point::ValueAtQuantile>(),
            Self::Exemplar => size_of::<metrics::Exemplar>(),
            Self::EntityRef => size_of::<common::EntityRef>(),
            Self::KeyValue => size_of::<common::KeyValue>(),
            Self::AnyValue => size_of::<common::AnyValue>(),
            Self::Resource => size_of::<resource::Resource>(),
            // Held inside their parents.
            Self::Scope | Self::Buckets | Self::NumberPoints | Self::Histogram => 0,
            Self::ExponentialHistogram | Self::Summary | Self::ArrayValue | Self::KeyValueList => 0,
        }
    }

    fn field(self, number: u64) -> Option<Self> {
        let kind = match (self, number) {
            (Self::TracesRequest, 1) => Self::ResourceSpans,
            (Self::LogsRequest, 1) => Self::ResourceLogs,
            (Self::MetricsRequest, 1) => Self::ResourceMetrics,
            (Self::ResourceSpans | Self::ResourceLogs | Self::ResourceMetrics, 1) => Self::Resource,
            (Self::ResourceSpans, 2) => Self::ScopeSpans,
            (Self::ResourceLogs, 2) => Self::ScopeLogs,
            (Self::ResourceMetrics, 2) => Self::ScopeMetrics,
            (Self::ScopeSpans | Self::ScopeLogs | Self::ScopeMetrics, 1) => Self::Scope,
            (Self::ScopeSpans, 2) => Self::Span,
            (Self::ScopeLogs, 2) => Self::LogRecord,
            (Self::ScopeMetrics, 2) => Self::Metric,
            (Self::Span, 9) | (Self::Event, 3) | (Self::Link, 4) => Self::KeyValue,
            (Self::Span, 11) => Self::Event,
            (Self::Span, 13) => Self::Link,
            (Self::LogRecord, 5) => Self::AnyValue,
            (Self::LogRecord, 6) | (Self::Metric, 12) => Self::KeyValue,
            (Self::Metric, 5 | 7) => Self::NumberPoints,
            (Self::Metric, 9) => Self::Histogram,
            (Self::Metric, 10) => Self::ExponentialHistogram,
            (Self::Metric, 11) => Self::Summary,
            (Self::NumberPoints, 1) => Self::NumberPoint,
            (Self::Histogram, 1) => Self::HistogramPoint,
            (Self::ExponentialHistogram, 1) => Self::ExponentialPoint,
            (Self::Summary, 1) => Self::SummaryPoint,
            (Self::NumberPoint, 5) | (Self::HistogramPoint, 8) => Self::Exemplar,
            (Self::ExponentialPoint, 11) => Self::Exemplar,
            (Self::ExponentialPoint, 8 | 9) => Self::Buckets,
            (Self::SummaryPoint, 6) => Self::Quantile,
            (Self::NumberPoint | Self::SummaryPoint | Self::Exemplar, 7) => Self::KeyValue,
            (Self::HistogramPoint, 9) | (Self::ExponentialPoint, 1) => Self::KeyValue,
            (Self::Resource, 1) | (Self::Scope, 3) | (Self::KeyValueList, 1) => Self::KeyValue,
            (Self::Resource, 3) => Self::EntityRef,
            (Self::KeyValue, 2) | (Self::ArrayValue, 1) => Self::AnyValue,
            (Self::AnyValue, 5) => Self::ArrayValue,
            (Self::AnyValue, 6) => Self::KeyValueList,
            _ => return None,
        };
        Some(kind)
    }

    fn scalar_bytes(self, number: u64, len: usize) -> usize {
        match (self, number) {
            (Self::Buckets, 2) => len.saturating_mul(8), // packed varints, one byte each at best
            (Self::EntityRef, 3 | 4) => len + size_of::<String>(),
            _ => len,
        }
    }
}

/// Bytes that the decoded request takes, or `None` when that is more than `bytes_max`. Stops early,
/// with what was found so far, at anything malformed.
pub(super) fn weigh(root: impl Shape, body: &[u8], bytes_max: usize) -> Option<usize> {
    let mut total = 0usize;
    let mut open = vec![(root, body)];
    while let Some((kind, mut rest)) = open.pop() {
        if rest.is_empty() {
            continue;
        }
        let Some(field) = read_field(&mut rest) else { return Some(total) };
        open.push((kind, rest));
        match field {
            Field::Scalar => total += SCALAR_BYTES,
            Field::Delimited(number, payload) => match kind.field(number) {
                Some(child) => {
                    total += child.bytes();
                    open.push((child, payload));
                }
                None => total += kind.scalar_bytes(number, payload.len()),
            },
        }
        if total > bytes_max {
            return None;
        }
        if open.len() > DEPTH_MAX + 1 {
            return Some(total);
        }
    }
    Some(total)
}

/// Bytes of a number in a list: the widest there is.
const SCALAR_BYTES: usize = 8;

enum Field<'a> {
    Scalar,
    Delimited(u64, &'a [u8]),
}

/// The next field, or `None` where prost would fail. The marks of a group, which prost skips, count as
/// scalars, and what is between them as fields of the message around: that can only weigh more.
fn read_field<'a>(bytes: &mut &'a [u8]) -> Option<Field<'a>> {
    let tag = read_varint(bytes)?;
    match tag & 7 {
        0 => read_varint(bytes).map(|_| Field::Scalar),
        1 => take(bytes, 8).map(|_| Field::Scalar),
        5 => take(bytes, 4).map(|_| Field::Scalar),
        3 | 4 => Some(Field::Scalar),
        2 => {
            let len = usize::try_from(read_varint(bytes)?).ok()?;
            Some(Field::Delimited(tag >> 3, take(bytes, len)?))
        }
        _ => None,
    }
}

fn take<'a>(bytes: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(len)?;
    *bytes = rest;
    Some(taken)
}

/// A base-128 number of at most ten bytes; `None` at the end or when it does not end.
fn read_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for (place, byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            *bytes = &bytes[place + 1..];
            return Some(value);
        }
    }
    None
}
