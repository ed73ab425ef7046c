//! Metrics of each kind with one point.

use crate::clock::now;
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram,
    HistogramDataPoint, Metric, NumberDataPoint, Sum, number_data_point,
};

/// Points begin to count this long before their time.
const SINCE_NS: u64 = 60_000_000_000;

pub(crate) const TEMPORALITIES: [AggregationTemporality; 2] =
    [AggregationTemporality::Delta, AggregationTemporality::Cumulative];

pub(crate) fn metric(name: &str, unit: &str, data: Data) -> Metric {
    Metric { name: name.to_owned(), unit: unit.to_owned(), data: Some(data), ..Metric::default() }
}

pub(crate) fn number(value: Option<i64>, flags: u32) -> NumberDataPoint {
    let time = now();
    NumberDataPoint {
        start_time_unix_nano: time.saturating_sub(SINCE_NS),
        time_unix_nano: time,
        flags,
        value: value.map(number_data_point::Value::AsInt),
        ..NumberDataPoint::default()
    }
}

pub(crate) fn gauge(name: &str, value: i64) -> Metric {
    metric(name, "1", Data::Gauge(Gauge { data_points: vec![number(Some(value), 0)] }))
}

pub(crate) fn sum(name: &str, temporality: AggregationTemporality) -> Metric {
    let sum = Sum {
        data_points: vec![number(Some(7), 0)],
        aggregation_temporality: temporality.into(),
        is_monotonic: true,
    };
    metric(name, "1", Data::Sum(sum))
}

/// Counts of buckets between explicit bounds: one count more than bounds.
pub(crate) fn explicit(bounds: Vec<f64>, counts: Vec<u64>) -> HistogramDataPoint {
    let time = now();
    HistogramDataPoint {
        start_time_unix_nano: time.saturating_sub(SINCE_NS),
        time_unix_nano: time,
        count: counts.iter().sum(),
        sum: Some(bounds.iter().sum()),
        bucket_counts: counts,
        explicit_bounds: bounds,
        ..HistogramDataPoint::default()
    }
}

pub(crate) fn histogram(
    name: &str,
    unit: &str,
    point: HistogramDataPoint,
    temporality: AggregationTemporality,
) -> Metric {
    let histogram = Histogram { data_points: vec![point], aggregation_temporality: temporality.into() };
    metric(name, unit, Data::Histogram(histogram))
}

/// Counts of the positive buckets from an index on.
pub(crate) fn exponential(scale: i32, offset: i32, counts: Vec<u64>) -> ExponentialHistogramDataPoint {
    let time = now();
    ExponentialHistogramDataPoint {
        start_time_unix_nano: time.saturating_sub(SINCE_NS),
        time_unix_nano: time,
        count: counts.iter().sum(),
        sum: Some(1.0),
        scale,
        positive: Some(Buckets { offset, bucket_counts: counts }),
        ..ExponentialHistogramDataPoint::default()
    }
}

pub(crate) fn exponential_histogram(
    name: &str,
    data_points: Vec<ExponentialHistogramDataPoint>,
    temporality: AggregationTemporality,
) -> Metric {
    let histogram = ExponentialHistogram { data_points, aggregation_temporality: temporality.into() };
    metric(name, "s", Data::ExponentialHistogram(histogram))
}
