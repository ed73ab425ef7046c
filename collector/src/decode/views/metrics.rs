//! Messages of the metrics signal.

use super::{Bounds, Counts, Fields, KeyValues, List, Resource, Scope, Text, View};
use crate::decode::wire::Field;
use opentelemetry_proto::tonic::metrics::v1 as message;
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point as exponential;
use opentelemetry_proto::tonic::metrics::v1::metric::Data as MessageData;
use opentelemetry_proto::tonic::metrics::v1::summary_data_point::ValueAtQuantile;
use opentelemetry_proto::tonic::metrics::v1::{exemplar, number_data_point};

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ResourceMetrics<'a> {
    pub(crate) resource: Option<Resource<'a>>,
    pub(crate) scope_metrics: List<'a, ScopeMetrics<'a>>,
    pub(crate) schema_url: Text<'a>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ScopeMetrics<'a> {
    pub(crate) scope: Option<Scope<'a>>,
    pub(crate) metrics: List<'a, Metric<'a>>,
    pub(crate) schema_url: Text<'a>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Metric<'a> {
    pub(crate) name: Text<'a>,
    pub(crate) description: Text<'a>,
    pub(crate) unit: Text<'a>,
    pub(crate) metadata: KeyValues<'a>,
    pub(crate) data: Option<Data<'a>>,
}

/// The points of a metric, with what is said of all of them.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Data<'a> {
    Gauge { points: List<'a, NumberPoint<'a>> },
    Sum { points: List<'a, NumberPoint<'a>>, temporality: i32, is_monotonic: bool },
    Explicit { points: List<'a, ExplicitPoint<'a>>, temporality: i32 },
    Exponential { points: List<'a, ExponentialPoint<'a>>, temporality: i32 },
    Summary { points: List<'a, SummaryPoint<'a>> },
}

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

impl<'a> View<'a> for ResourceMetrics<'a> {
    type Message = message::ResourceMetrics;

    fn of_message(message: &'a Self::Message) -> Self {
        Self {
            resource: message.resource.as_ref().map(Resource::of_message),
            scope_metrics: List::Messages(&message.scope_metrics),
            schema_url: Text::of(&message.schema_url),
        }
    }

    fn of_wire(message: &'a [u8]) -> Self {
        let mut metrics = Self::default();
        for field in Fields::of(message) {
            match field.number {
                1 => metrics.resource = Some(Resource::of_wire(field.bytes)),
                2 => metrics.scope_metrics.add(field),
                3 => metrics.schema_url = Text::of_wire(field.bytes),
                _ => {}
            }
        }
        metrics
    }
}

impl<'a> View<'a> for ScopeMetrics<'a> {
    type Message = message::ScopeMetrics;

    fn of_message(message: &'a Self::Message) -> Self {
        Self {
            scope: message.scope.as_ref().map(Scope::of_message),
            metrics: List::Messages(&message.metrics),
            schema_url: Text::of(&message.schema_url),
        }
    }

    fn of_wire(message: &'a [u8]) -> Self {
        let mut metrics = Self::default();
        for field in Fields::of(message) {
            match field.number {
                1 => metrics.scope = Some(Scope::of_wire(field.bytes)),
                2 => metrics.metrics.add(field),
                3 => metrics.schema_url = Text::of_wire(field.bytes),
                _ => {}
            }
        }
        metrics
    }
}

impl<'a> View<'a> for Metric<'a> {
    type Message = message::Metric;

    fn of_message(message: &'a Self::Message) -> Self {
        Self {
            name: Text::of(&message.name),
            description: Text::of(&message.description),
            unit: Text::of(&message.unit),
            metadata: List::Messages(&message.metadata),
            data: message.data.as_ref().map(Data::of_message),
        }
    }

    /// Of several types of data the last one counts.
    fn of_wire(message: &'a [u8]) -> Self {
        let mut metric = Self::default();
        for field in Fields::of(message) {
            match field.number {
                1 => metric.name = Text::of_wire(field.bytes),
                2 => metric.description = Text::of_wire(field.bytes),
                3 => metric.unit = Text::of_wire(field.bytes),
                5 | 7 | 9 | 10 | 11 => metric.data = Some(Data::of_wire(field)),
                12 => metric.metadata.add(field),
                _ => {}
            }
        }
        metric
    }
}

impl<'a> Data<'a> {
    fn of_message(message: &'a MessageData) -> Self {
        match message {
            MessageData::Gauge(gauge) => Self::Gauge { points: List::Messages(&gauge.data_points) },
            MessageData::Sum(sum) => Self::Sum {
                points: List::Messages(&sum.data_points),
                temporality: sum.aggregation_temporality,
                is_monotonic: sum.is_monotonic,
            },
            MessageData::Histogram(histogram) => Self::Explicit {
                points: List::Messages(&histogram.data_points),
                temporality: histogram.aggregation_temporality,
            },
            MessageData::ExponentialHistogram(histogram) => Self::Exponential {
                points: List::Messages(&histogram.data_points),
                temporality: histogram.aggregation_temporality,
            },
            MessageData::Summary(summary) => Self::Summary { points: List::Messages(&summary.data_points) },
        }
    }

    /// Points are field 1 of all types, the temporality is field 2, and what only sums say is field 3.
    fn of_wire(data: Field<'a>) -> Self {
        let (mut temporality, mut is_monotonic) = (0, false);
        for field in Fields::of(data.bytes) {
            match field.number {
                2 => temporality = field.i32(),
                3 => is_monotonic = field.bool(),
                _ => {}
            }
        }
        match data.number {
            5 => Self::Gauge { points: List::of_field(data.bytes, 1) },
            7 => Self::Sum { points: List::of_field(data.bytes, 1), temporality, is_monotonic },
            9 => Self::Explicit { points: List::of_field(data.bytes, 1), temporality },
            10 => Self::Exponential { points: List::of_field(data.bytes, 1), temporality },
            _ => Self::Summary { points: List::of_field(data.bytes, 1) },
        }
    }
}

impl<'a> View<'a> for NumberPoint<'a> {
    type Message = message::NumberDataPoint;

    fn of_message(message: &'a Self::Message) -> Self {
        let head = PointHead {
            attributes: List::Messages(&message.attributes),
            start_time_unix_nano: message.start_time_unix_nano,
            time_unix_nano: message.time_unix_nano,
            flags: message.flags,
            exemplars: List::Messages(&message.exemplars),
        };
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
        let head = PointHead {
            attributes: List::Messages(&message.attributes),
            start_time_unix_nano: message.start_time_unix_nano,
            time_unix_nano: message.time_unix_nano,
            flags: message.flags,
            exemplars: List::Messages(&message.exemplars),
        };
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
        let head = PointHead {
            attributes: List::Messages(&message.attributes),
            start_time_unix_nano: message.start_time_unix_nano,
            time_unix_nano: message.time_unix_nano,
            flags: message.flags,
            exemplars: List::Messages(&message.exemplars),
        };
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
