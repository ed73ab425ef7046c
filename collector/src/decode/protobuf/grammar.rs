//! What messages are made of, and how much memory prost takes for each part; and the messages of OTLP.

use opentelemetry_proto::tonic::{common::v1 as common, logs::v1 as logs, metrics::v1 as metrics};
use opentelemetry_proto::tonic::{resource::v1 as resource, trace::v1 as trace};
use std::mem::size_of;
use storage::Signal;

/// The message types of a protocol.
pub(in crate::decode) trait Shape: Copy {
    /// Bytes of the struct that prost makes of it.
    fn bytes(self) -> usize;

    /// What the field of that number holds.
    fn field(self, number: u32) -> Type<Self>;
}

/// The message types of OTLP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    TracesRequest,
    LogsRequest,
    MetricsRequest,
    ResourceSpans,
    ScopeSpans,
    Span,
    Event,
    Link,
    Status,
    ResourceLogs,
    ScopeLogs,
    LogRecord,
    ResourceMetrics,
    ScopeMetrics,
    Metric,
    /// Of a gauge or a sum; a gauge has only the points.
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

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::decode) enum Type<K> {
    /// A message of which there is one; a second one would be merged into it.
    One(K),
    Many(K),
    Text,
    Texts,
    Bytes,
    Varint,
    Fixed32,
    Fixed64,
    /// Numbers of eight bytes, one behind the other.
    PackedFixed64,
    PackedVarints,
    Unknown,
}

/// Memory for a number in a list: the widest there is.
pub(super) const NUMBER_BYTES: usize = 8;

impl<K> Type<K> {
    /// Memory for a field that is no message, of `len` bytes on the wire.
    pub(super) fn bytes(self, len: usize) -> usize {
        match self {
            Self::PackedVarints => len.saturating_mul(NUMBER_BYTES), // a byte each at best
            Self::Texts => len.saturating_add(size_of::<String>()),
            _ => len,
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
            Self::Scope | Self::Status | Self::Buckets | Self::NumberPoints | Self::Histogram => 0,
            Self::ExponentialHistogram | Self::Summary | Self::ArrayValue | Self::KeyValueList => 0,
        }
    }

    #[inline]
    fn field(self, number: u32) -> Type<Self> {
        match self {
            Self::TracesRequest => only(number, Self::ResourceSpans),
            Self::LogsRequest => only(number, Self::ResourceLogs),
            Self::MetricsRequest => only(number, Self::ResourceMetrics),
            Self::ResourceSpans => below(number, Self::Resource, Self::ScopeSpans),
            Self::ResourceLogs => below(number, Self::Resource, Self::ScopeLogs),
            Self::ResourceMetrics => below(number, Self::Resource, Self::ScopeMetrics),
            Self::ScopeSpans => below(number, Self::Scope, Self::Span),
            Self::ScopeLogs => below(number, Self::Scope, Self::LogRecord),
            Self::ScopeMetrics => below(number, Self::Scope, Self::Metric),
            Self::Span | Self::Event | Self::Link | Self::Status => self.field_of_trace(number),
            Self::LogRecord => match number {
                1 | 11 => Type::Fixed64,
                2 | 7 => Type::Varint,
                3 | 12 => Type::Text,
                5 => Type::One(Self::AnyValue),
                6 => Type::Many(Self::KeyValue),
                8 => Type::Fixed32,
                9 | 10 => Type::Bytes,
                _ => Type::Unknown,
            },
            Self::Resource | Self::EntityRef | Self::Scope | Self::KeyValue => self.field_of_all(number),
            Self::AnyValue | Self::ArrayValue | Self::KeyValueList => self.field_of_all(number),
            _ => self.field_of_metric(number),
        }
    }
}

impl Kind {
    pub(super) fn root(signal: Signal) -> Self {
        match signal {
            Signal::Traces => Self::TracesRequest,
            Signal::Logs => Self::LogsRequest,
            Signal::Metrics => Self::MetricsRequest,
        }
    }

    #[inline]
    fn field_of_trace(self, number: u32) -> Type<Self> {
        match (self, number) {
            (Self::Span, 1 | 2 | 4) | (Self::Link, 1 | 2) => Type::Bytes,
            (Self::Span, 3 | 5) | (Self::Event | Self::Status, 2) | (Self::Link, 3) => Type::Text,
            (Self::Span, 6 | 10 | 12 | 14) | (Self::Status, 3) => Type::Varint,
            (Self::Event, 4) | (Self::Link, 5) => Type::Varint,
            (Self::Span, 7 | 8) | (Self::Event, 1) => Type::Fixed64,
            (Self::Span, 9) | (Self::Event, 3) | (Self::Link, 4) => Type::Many(Self::KeyValue),
            (Self::Span, 11) => Type::Many(Self::Event),
            (Self::Span, 13) => Type::Many(Self::Link),
            (Self::Span, 15) => Type::One(Self::Status),
            (Self::Span, 16) | (Self::Link, 6) => Type::Fixed32,
            _ => Type::Unknown,
        }
    }

    #[inline]
    fn field_of_all(self, number: u32) -> Type<Self> {
        match (self, number) {
            (Self::KeyValue, 1) | (Self::AnyValue, 1) | (Self::Scope | Self::EntityRef, 1 | 2) => Type::Text,
            (Self::KeyValue, 2) => Type::One(Self::AnyValue),
            (Self::KeyValue, 3) | (Self::AnyValue, 2 | 3 | 8) => Type::Varint,
            (Self::Resource, 2) | (Self::Scope, 4) => Type::Varint,
            (Self::AnyValue, 4) => Type::Fixed64,
            (Self::AnyValue, 5) => Type::One(Self::ArrayValue),
            (Self::AnyValue, 6) => Type::One(Self::KeyValueList),
            (Self::AnyValue, 7) => Type::Bytes,
            (Self::ArrayValue, 1) => Type::Many(Self::AnyValue),
            (Self::Resource | Self::KeyValueList, 1) | (Self::Scope, 3) => Type::Many(Self::KeyValue),
            (Self::Resource, 3) => Type::Many(Self::EntityRef),
            (Self::EntityRef, 3 | 4) => Type::Texts,
            _ => Type::Unknown,
        }
    }

    fn field_of_metric(self, number: u32) -> Type<Self> {
        match (self, number) {
            (Self::Metric, 1..=3) => Type::Text,
            (Self::Metric, 5 | 7) => Type::One(Self::NumberPoints),
            (Self::Metric, 9) => Type::One(Self::Histogram),
            (Self::Metric, 10) => Type::One(Self::ExponentialHistogram),
            (Self::Metric, 11) => Type::One(Self::Summary),
            (Self::NumberPoints, 1) => Type::Many(Self::NumberPoint),
            (Self::Histogram, 1) => Type::Many(Self::HistogramPoint),
            (Self::ExponentialHistogram, 1) => Type::Many(Self::ExponentialPoint),
            (Self::Summary, 1) => Type::Many(Self::SummaryPoint),
            (Self::NumberPoints, 2 | 3) | (Self::Histogram | Self::ExponentialHistogram, 2) => Type::Varint,
            (Self::NumberPoint, 2..=4 | 6) | (Self::SummaryPoint, 2..=5) => Type::Fixed64,
            (Self::HistogramPoint, 2..=5 | 11 | 12) => Type::Fixed64,
            (Self::ExponentialPoint, 2..=5 | 7 | 12..=14) => Type::Fixed64,
            (Self::Quantile, 1 | 2) | (Self::Exemplar, 2 | 3 | 6) => Type::Fixed64,
            (Self::NumberPoint | Self::SummaryPoint, 8) | (Self::HistogramPoint, 10) => Type::Varint,
            (Self::ExponentialPoint, 6 | 10) | (Self::Buckets, 1) => Type::Varint,
            (Self::HistogramPoint, 6 | 7) => Type::PackedFixed64,
            (Self::Buckets, 2) => Type::PackedVarints,
            (Self::ExponentialPoint, 8 | 9) => Type::One(Self::Buckets),
            (Self::SummaryPoint, 6) => Type::Many(Self::Quantile),
            (Self::NumberPoint, 5) | (Self::HistogramPoint, 8) => Type::Many(Self::Exemplar),
            (Self::ExponentialPoint, 11) => Type::Many(Self::Exemplar),
            (Self::Exemplar, 4 | 5) => Type::Bytes,
            (Self::NumberPoint | Self::SummaryPoint | Self::Exemplar, 7) => Type::Many(Self::KeyValue),
            (Self::HistogramPoint, 9) | (Self::ExponentialPoint, 1) => Type::Many(Self::KeyValue),
            (Self::Metric, 12) => Type::Many(Self::KeyValue),
            _ => Type::Unknown,
        }
    }
}

/// The fields of a request.
fn only(number: u32, resource: Kind) -> Type<Kind> {
    if number == 1 { Type::Many(resource) } else { Type::Unknown }
}

/// The fields of a resource's or a scope's items.
fn below(number: u32, owner: Kind, items: Kind) -> Type<Kind> {
    match number {
        1 => Type::One(owner),
        2 => Type::Many(items),
        3 => Type::Text,
        _ => Type::Unknown,
    }
}
