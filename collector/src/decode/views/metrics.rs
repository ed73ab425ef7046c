//! Messages of the metrics signal, down to the metric.

use super::{
    ExplicitPoint, ExponentialPoint, Fields, KeyValues, List, NumberPoint, Resource, Scope, SummaryPoint,
    Text, View,
};
use crate::decode::wire::Field;
use opentelemetry_proto::tonic::metrics::v1 as message;
use opentelemetry_proto::tonic::metrics::v1::metric::Data as MessageData;

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
