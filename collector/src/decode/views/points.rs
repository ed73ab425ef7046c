//! Data points of metrics, and what is in them.

use super::{Bounds, Counts, Fields, KeyValues, List, View};
use opentelemetry_proto::tonic::metrics::v1 as message;
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point as exponential;
use opentelemetry_proto::tonic::metrics::v1::summary_data_point::ValueAtQuantile;
use opentelemetry_proto::tonic::metrics::v1::{exemplar, number_data_point};

/// What points of all types have.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PointHead<'a> {
    pub(crate) attributes: KeyValues<'a>,
    pub(crate) start_time_unix_nano: u64,
    pub(crate) time_unix_nano: u64,
    pub(crate) flags: u32,
    pub(crate) exemplars: List<'a, Exemplar<'a>>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    Double(f64),
    Int(i64),
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct NumberPoint<'a> {
    pub(crate) head: PointHead<'a>,
    pub(crate) value: Option<Number>,
}

/// What points of histograms, and of summaries in part, say of all values.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Statistics {
    pub(crate) count: u64,
    pub(crate) sum: Option<f64>,
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ExplicitPoint<'a> {
    pub(crate) head: PointHead<'a>,
    pub(crate) statistics: Statistics,
    pub(crate) buckets: Explicit<'a>,
}

/// Buckets between bounds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Explicit<'a> {
    pub(crate) counts: Counts<'a>,
    pub(crate) bounds: Bounds<'a>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ExponentialPoint<'a> {
    pub(crate) head: PointHead<'a>,
    pub(crate) statistics: Statistics,
    pub(crate) buckets: Exponential<'a>,
}

/// Buckets of widths that grow.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Exponential<'a> {
    pub(crate) scale: i32,
    pub(crate) zero_count: u64,
    pub(crate) zero_threshold: f64,
    pub(crate) positive: Option<Buckets<'a>>,
    pub(crate) negative: Option<Buckets<'a>>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Buckets<'a> {
    pub(crate) offset: i32,
    pub(crate) counts: Counts<'a>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SummaryPoint<'a> {
    pub(crate) head: PointHead<'a>,
    /// With a sum always, and without the least and the largest value.
    pub(crate) statistics: Statistics,
    pub(crate) quantiles: List<'a, Quantile>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Quantile {
    pub(crate) quantile: f64,
    pub(crate) value: f64,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Exemplar<'a> {
    pub(crate) filtered_attributes: KeyValues<'a>,
    pub(crate) time_unix_nano: u64,
    pub(crate) value: Option<Number>,
    pub(crate) span_id: &'a [u8],
    pub(crate) trace_id: &'a [u8],
}

/// The head of a message of a point with exemplars. Messages have it in fields of their own, each type for itself.
macro_rules! head {
    ($message:ident) => {
        PointHead {
            attributes: List::Messages(&$message.attributes),
            start_time_unix_nano: $message.start_time_unix_nano,
            time_unix_nano: $message.time_unix_nano,
            flags: $message.flags,
            exemplars: List::Messages(&$message.exemplars),
        }
    };
}

impl<'a> View<'a> for NumberPoint<'a> {
    type Message = message::NumberDataPoint;

    fn of_message(message: &'a Self::Message) -> Self {
        let head = head!(message);
        let value = message.value.map(|value| match value {
            number_data_point::Value::AsDouble(double) => Number::Double(double),
            number_data_point::Value::AsInt(int) => Number::Int(int),
        });
        Self { head, value }
    }

    fn of_wire(message: &'a [u8]) -> Self {
        let mut point = Self::default();
        for field in Fields::of(message) {
            match field.number {
                2 => point.head.start_time_unix_nano = field.u64(),
                3 => point.head.time_unix_nano = field.u64(),
                4 => point.value = Some(Number::Double(field.f64())),
                5 => point.head.exemplars.add(field),
                6 => point.value = Some(Number::Int(field.i64())),
                7 => point.head.attributes.add(field),
                8 => point.head.flags = field.u32(),
                _ => {}
            }
        }
        point
    }
}

impl<'a> View<'a> for ExplicitPoint<'a> {
    type Message = message::HistogramDataPoint;

    fn of_message(message: &'a Self::Message) -> Self {
        let head = head!(message);
        let (count, sum, min, max) = (message.count, message.sum, message.min, message.max);
        let buckets = Explicit {
            counts: Counts::Decoded(&message.bucket_counts),
            bounds: Bounds::Decoded(&message.explicit_bounds),
        };
        Self { head, statistics: Statistics { count, sum, min, max }, buckets }
    }

    fn of_wire(message: &'a [u8]) -> Self {
        let mut point = Self::default();
        for field in Fields::of(message) {
            match field.number {
                2 => point.head.start_time_unix_nano = field.u64(),
                3 => point.head.time_unix_nano = field.u64(),
                4 => point.statistics.count = field.u64(),
                5 => point.statistics.sum = Some(field.f64()),
                6 => point.buckets.counts = Counts::Fixed(field.bytes),
                7 => point.buckets.bounds = Bounds::Fixed(field.bytes),
                8 => point.head.exemplars.add(field),
                9 => point.head.attributes.add(field),
                10 => point.head.flags = field.u32(),
                11 => point.statistics.min = Some(field.f64()),
                12 => point.statistics.max = Some(field.f64()),
                _ => {}
            }
        }
        point
    }
}

impl<'a> View<'a> for ExponentialPoint<'a> {
    type Message = message::ExponentialHistogramDataPoint;

    fn of_message(message: &'a Self::Message) -> Self {
        let head = head!(message);
        let (count, sum, min, max) = (message.count, message.sum, message.min, message.max);
        let buckets = Exponential {
            scale: message.scale,
            zero_count: message.zero_count,
            zero_threshold: message.zero_threshold,
            positive: message.positive.as_ref().map(Buckets::of_message),
            negative: message.negative.as_ref().map(Buckets::of_message),
        };
        Self { head, statistics: Statistics { count, sum, min, max }, buckets }
    }

    fn of_wire(message: &'a [u8]) -> Self {
        let mut point = Self::default();
        for field in Fields::of(message) {
            match field.number {
                1 => point.head.attributes.add(field),
                2 => point.head.start_time_unix_nano = field.u64(),
                3 => point.head.time_unix_nano = field.u64(),
                4 => point.statistics.count = field.u64(),
                5 => point.statistics.sum = Some(field.f64()),
                6 => point.buckets.scale = field.sint32(),
                7 => point.buckets.zero_count = field.u64(),
                8 => point.buckets.positive = Some(Buckets::of_wire(field.bytes)),
                9 => point.buckets.negative = Some(Buckets::of_wire(field.bytes)),
                10 => point.head.flags = field.u32(),
                11 => point.head.exemplars.add(field),
                12 => point.statistics.min = Some(field.f64()),
                13 => point.statistics.max = Some(field.f64()),
                14 => point.buckets.zero_threshold = field.f64(),
                _ => {}
            }
        }
        point
    }
}

impl<'a> View<'a> for Buckets<'a> {
    type Message = exponential::Buckets;

    fn of_message(message: &'a Self::Message) -> Self {
        Self { offset: message.offset, counts: Counts::Decoded(&message.bucket_counts) }
    }

    fn of_wire(message: &'a [u8]) -> Self {
        let mut buckets = Self::default();
        for field in Fields::of(message) {
            match field.number {
                1 => buckets.offset = field.sint32(),
                2 => buckets.counts = Counts::Varints(field.bytes),
                _ => {}
            }
        }
        buckets
    }
}

impl<'a> View<'a> for SummaryPoint<'a> {
    type Message = message::SummaryDataPoint;

    fn of_message(message: &'a Self::Message) -> Self {
        let head = PointHead {
            attributes: List::Messages(&message.attributes),
            start_time_unix_nano: message.start_time_unix_nano,
            time_unix_nano: message.time_unix_nano,
            flags: message.flags,
            exemplars: List::default(),
        };
        let statistics = Statistics { count: message.count, sum: Some(message.sum), ..Statistics::default() };
        Self { head, statistics, quantiles: List::Messages(&message.quantile_values) }
    }

    fn of_wire(message: &'a [u8]) -> Self {
        let mut point = Self::default();
        point.statistics.sum = Some(0.0);
        for field in Fields::of(message) {
            match field.number {
                2 => point.head.start_time_unix_nano = field.u64(),
                3 => point.head.time_unix_nano = field.u64(),
                4 => point.statistics.count = field.u64(),
                5 => point.statistics.sum = Some(field.f64()),
                6 => point.quantiles.add(field),
                7 => point.head.attributes.add(field),
                8 => point.head.flags = field.u32(),
                _ => {}
            }
        }
        point
    }
}

impl<'a> View<'a> for Quantile {
    type Message = ValueAtQuantile;

    fn of_message(message: &'a Self::Message) -> Self {
        Self { quantile: message.quantile, value: message.value }
    }

    fn of_wire(message: &'a [u8]) -> Self {
        let mut quantile = Self::default();
        for field in Fields::of(message) {
            match field.number {
                1 => quantile.quantile = field.f64(),
                2 => quantile.value = field.f64(),
                _ => {}
            }
        }
        quantile
    }
}

impl<'a> View<'a> for Exemplar<'a> {
    type Message = message::Exemplar;

    fn of_message(message: &'a Self::Message) -> Self {
        let value = message.value.map(|value| match value {
            exemplar::Value::AsDouble(double) => Number::Double(double),
            exemplar::Value::AsInt(int) => Number::Int(int),
        });
        Self {
            filtered_attributes: List::Messages(&message.filtered_attributes),
            time_unix_nano: message.time_unix_nano,
            value,
            span_id: &message.span_id,
            trace_id: &message.trace_id,
        }
    }

    fn of_wire(message: &'a [u8]) -> Self {
        let mut exemplar = Self::default();
        for field in Fields::of(message) {
            match field.number {
                2 => exemplar.time_unix_nano = field.u64(),
                3 => exemplar.value = Some(Number::Double(field.f64())),
                4 => exemplar.span_id = field.bytes,
                5 => exemplar.trace_id = field.bytes,
                6 => exemplar.value = Some(Number::Int(field.i64())),
                7 => exemplar.filtered_attributes.add(field),
                _ => {}
            }
        }
        exemplar
    }
}
