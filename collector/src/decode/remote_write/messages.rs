//! The messages of remote write 1.0, `prometheus.WriteRequest` and what is in it.
//!
//! Numbers that may be marked as stale are kept as their bits: the mark is a NaN, and arithmetic may change it.
//! Alternatives of one number, integer or float, are two fields of which one is set.

use crate::decode::protobuf::{Shape, Type};
use std::mem::size_of;

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    pub(super) timeseries: Vec<TimeSeries>,
    #[prost(message, repeated, tag = "3")]
    pub(super) metadata: Vec<Metadata>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct TimeSeries {
    #[prost(message, repeated, tag = "1")]
    pub(super) labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    pub(super) samples: Vec<Sample>,
    #[prost(message, repeated, tag = "3")]
    pub(super) exemplars: Vec<Exemplar>,
    #[prost(message, repeated, tag = "4")]
    pub(super) histograms: Vec<Histogram>,
}

#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub(super) struct Label {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) value: String,
}

#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub(super) struct Sample {
    #[prost(fixed64, tag = "1")]
    pub(super) value_bits: u64,
    #[prost(int64, tag = "2")]
    pub(super) timestamp_ms: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Exemplar {
    #[prost(message, repeated, tag = "1")]
    pub(super) labels: Vec<Label>,
    #[prost(double, tag = "2")]
    pub(super) value: f64,
    #[prost(int64, tag = "3")]
    pub(super) timestamp_ms: i64,
}

/// A native histogram; counts are integers or floats throughout.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Histogram {
    #[prost(uint64, optional, tag = "1")]
    pub(super) count_int: Option<u64>,
    #[prost(double, optional, tag = "2")]
    pub(super) count_float: Option<f64>,
    #[prost(fixed64, tag = "3")]
    pub(super) sum_bits: u64,
    #[prost(sint32, tag = "4")]
    pub(super) schema: i32,
    #[prost(double, tag = "5")]
    pub(super) zero_threshold: f64,
    #[prost(uint64, optional, tag = "6")]
    pub(super) zero_count_int: Option<u64>,
    #[prost(double, optional, tag = "7")]
    pub(super) zero_count_float: Option<f64>,
    #[prost(message, repeated, tag = "8")]
    pub(super) negative_spans: Vec<BucketSpan>,
    #[prost(sint64, repeated, tag = "9")]
    pub(super) negative_deltas: Vec<i64>,
    #[prost(double, repeated, tag = "10")]
    pub(super) negative_counts: Vec<f64>,
    #[prost(message, repeated, tag = "11")]
    pub(super) positive_spans: Vec<BucketSpan>,
    #[prost(sint64, repeated, tag = "12")]
    pub(super) positive_deltas: Vec<i64>,
    #[prost(double, repeated, tag = "13")]
    pub(super) positive_counts: Vec<f64>,
    #[prost(int32, tag = "14")]
    pub(super) reset_hint: i32,
    #[prost(int64, tag = "15")]
    pub(super) timestamp_ms: i64,
}

/// So many buckets in a row, this far behind the end of the row before.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub(super) struct BucketSpan {
    #[prost(sint32, tag = "1")]
    pub(super) offset: i32,
    #[prost(uint32, tag = "2")]
    pub(super) length: u32,
}

/// What is known of all series of a metric family.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(super) struct Metadata {
    #[prost(int32, tag = "1")]
    pub(super) metric_type: i32,
    #[prost(string, tag = "2")]
    pub(super) family: String,
    #[prost(string, tag = "4")]
    pub(super) help: String,
    #[prost(string, tag = "5")]
    pub(super) unit: String,
}

/// The message types above, for weighing a request before it is decoded.
#[derive(Debug, Clone, Copy)]
pub(super) enum MessageKind {
    WriteRequest,
    TimeSeries,
    Label,
    Sample,
    Exemplar,
    Histogram,
    BucketSpan,
    Metadata,
}

impl Shape for MessageKind {
    fn bytes(self) -> usize {
        match self {
            Self::WriteRequest => 0,
            Self::TimeSeries => size_of::<TimeSeries>(),
            Self::Label => size_of::<Label>(),
            Self::Sample => size_of::<Sample>(),
            Self::Exemplar => size_of::<Exemplar>(),
            Self::Histogram => size_of::<Histogram>(),
            Self::BucketSpan => size_of::<BucketSpan>(),
            Self::Metadata => size_of::<Metadata>(),
        }
    }

    fn field(self, number: u32) -> Type<Self> {
        match (self, number) {
            (Self::WriteRequest, 1) => Type::Many(Self::TimeSeries),
            (Self::WriteRequest, 3) => Type::Many(Self::Metadata),
            (Self::TimeSeries | Self::Exemplar, 1) => Type::Many(Self::Label),
            (Self::TimeSeries, 2) => Type::Many(Self::Sample),
            (Self::TimeSeries, 3) => Type::Many(Self::Exemplar),
            (Self::TimeSeries, 4) => Type::Many(Self::Histogram),
            (Self::Histogram, 8 | 11) => Type::Many(Self::BucketSpan),
            (Self::Histogram, 9 | 12) => Type::PackedVarints,
            (Self::Histogram, 10 | 13) => Type::PackedFixed64,
            (Self::Label, 1 | 2) | (Self::Metadata, 2 | 4 | 5) => Type::Text,
            // Numbers weigh the same, whatever they are.
            _ => Type::Unknown,
        }
    }
}
