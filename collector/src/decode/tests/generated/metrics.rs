//! Generated metrics requests.

use super::{attributes, id, resource, scope};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::summary_data_point::ValueAtQuantile;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint,
    Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary, SummaryDataPoint, exemplar,
    number_data_point,
};
use proptest::prelude::*;

/// Some points are invalid, and some metrics have no temporality.
pub(crate) fn requests() -> impl Strategy<Value = ExportMetricsServiceRequest> {
    prop::collection::vec(resource_metrics(false), 0..3)
        .prop_map(|resource_metrics| ExportMetricsServiceRequest { resource_metrics })
}

/// Nothing is refused or clamped; names number the metrics.
pub(crate) fn valid_requests() -> impl Strategy<Value = ExportMetricsServiceRequest> {
    prop::collection::vec(resource_metrics(true), 1..3).prop_map(|mut resource_metrics| {
        let scopes = resource_metrics.iter_mut().flat_map(|resource| &mut resource.scope_metrics);
        for (number, metric) in (1..).zip(scopes.flat_map(|scope| &mut scope.metrics)) {
            metric.name = format!("{number:05}");
        }
        ExportMetricsServiceRequest { resource_metrics }
    })
}

fn resource_metrics(is_valid: bool) -> impl Strategy<Value = ResourceMetrics> {
    (resource(), prop::collection::vec(scope_metrics(is_valid), 0..3), ".{0,8}").prop_map(
        |(resource, scope_metrics, schema_url)| ResourceMetrics { resource, scope_metrics, schema_url },
    )
}

fn scope_metrics(is_valid: bool) -> impl Strategy<Value = ScopeMetrics> {
    (scope(), prop::collection::vec(metric(is_valid), 0..3), ".{0,3}")
        .prop_map(|(scope, metrics, schema_url)| ScopeMetrics { scope, metrics, schema_url })
}

fn metric(is_valid: bool) -> impl Strategy<Value = Metric> {
    let temporality = move || if is_valid { 1..3_i32 } else { 0..4_i32 };
    let data = prop_oneof![
        prop::collection::vec(number(is_valid), 0..3)
            .prop_map(|data_points| Data::Gauge(Gauge { data_points })),
        (prop::collection::vec(number(is_valid), 0..3), temporality(), any::<bool>()).prop_map(
            |(data_points, aggregation_temporality, is_monotonic)| {
                Data::Sum(Sum { data_points, aggregation_temporality, is_monotonic })
            }
        ),
        (prop::collection::vec(histogram(is_valid), 0..3), temporality()).prop_map(
            |(data_points, aggregation_temporality)| {
                Data::Histogram(Histogram { data_points, aggregation_temporality })
            }
        ),
        (prop::collection::vec(exponential(is_valid), 0..3), temporality()).prop_map(
            |(data_points, aggregation_temporality)| {
                Data::ExponentialHistogram(ExponentialHistogram { data_points, aggregation_temporality })
            }
        ),
        prop::collection::vec(summary(is_valid), 0..3)
            .prop_map(|data_points| Data::Summary(Summary { data_points })),
    ];
    (".{0,4}", ".{0,4}", ".{0,4}", attributes(), prop::option::of(data)).prop_map(
        |(name, description, unit, metadata, data)| Metric { name, description, unit, metadata, data },
    )
}

/// Times that Arrow holds, where they must be valid.
fn time(is_valid: bool) -> impl Strategy<Value = u64> {
    let max = if is_valid { i64::MAX as u64 } else { u64::MAX };
    prop_oneof![3 => 0..=max, 1 => Just(0)]
}

/// For fields that are absent where they are zero: prost takes minus zero for that, too.
fn unmarked() -> impl Strategy<Value = f64> {
    double().prop_map(|double| double + 0.0)
}

/// JSON knows one NaN only.
fn double() -> impl Strategy<Value = f64> {
    prop::num::f64::ANY.prop_map(|double| if double.is_nan() { f64::NAN } else { double })
}

/// Now and then the mark of what was not recorded.
fn flags() -> impl Strategy<Value = u32> {
    prop_oneof![4 => Just(0), 1 => Just(1), 1 => any::<u32>()]
}

fn exemplars(is_valid: bool) -> impl Strategy<Value = Vec<Exemplar>> {
    let value = prop_oneof![
        double().prop_map(exemplar::Value::AsDouble),
        any::<i64>().prop_map(exemplar::Value::AsInt)
    ];
    let exemplar = (time(is_valid), prop::option::of(value), id(16), id(8), attributes());
    let exemplar = exemplar.prop_map(|(time_unix_nano, value, trace_id, span_id, filtered_attributes)| {
        Exemplar { filtered_attributes, time_unix_nano, span_id, trace_id, value }
    });
    prop::collection::vec(exemplar, 0..3)
}

fn number(is_valid: bool) -> impl Strategy<Value = NumberDataPoint> {
    let value = prop_oneof![
        double().prop_map(number_data_point::Value::AsDouble),
        any::<i64>().prop_map(number_data_point::Value::AsInt)
    ];
    let times = (time(is_valid), time(is_valid));
    (attributes(), times, prop::option::of(value), exemplars(is_valid), flags()).prop_map(
        move |(attributes, times, value, exemplars, flags)| NumberDataPoint {
            attributes,
            start_time_unix_nano: times.0,
            time_unix_nano: times.1,
            exemplars,
            // A point without a value must say so.
            flags: if is_valid && value.is_none() { flags | 1 } else { flags },
            value,
        },
    )
}

fn statistics() -> impl Strategy<Value = [Option<f64>; 3]> {
    prop::array::uniform3(prop::option::of(double()))
}

fn histogram(is_valid: bool) -> impl Strategy<Value = HistogramDataPoint> {
    let buckets = prop_oneof![
        Just((vec![], vec![])),
        Just((vec![7], vec![])),
        prop::collection::vec(0..u64::MAX / 8, 4).prop_map(|counts| (counts, vec![-1.5, 0.1, f64::INFINITY])),
    ];
    let broken = (prop::collection::vec(any::<u64>(), 0..4), prop::collection::vec(double(), 0..4));
    let buckets = prop_oneof![3 => buckets, u32::from(!is_valid) => broken];
    let times = (time(is_valid), time(is_valid));
    (attributes(), times, buckets, statistics(), exemplars(is_valid), flags()).prop_map(
        |(attributes, times, (bucket_counts, explicit_bounds), [sum, min, max], exemplars, flags)| {
            HistogramDataPoint {
                attributes,
                start_time_unix_nano: times.0,
                time_unix_nano: times.1,
                count: bucket_counts.iter().fold(0, |sum: u64, count| sum.wrapping_add(*count)),
                sum,
                bucket_counts,
                explicit_bounds,
                exemplars,
                flags,
                min,
                max,
            }
        },
    )
}

fn exponential(is_valid: bool) -> impl Strategy<Value = ExponentialHistogramDataPoint> {
    let offset = move || if is_valid { -20..20_i32 } else { -2_000..2_000_i32 };
    let buckets = move || {
        let buckets = (offset(), prop::collection::vec(0..1_000_000_u64, 0..4));
        prop::option::of(buckets.prop_map(|(offset, bucket_counts)| Buckets { offset, bucket_counts }))
    };
    let shape = (-2..5_i32, any::<u32>(), 0.0..1.0, buckets(), buckets());
    let times = (time(is_valid), time(is_valid));
    (attributes(), times, shape, statistics(), exemplars(is_valid), flags()).prop_map(
        |(attributes, times, shape, [sum, min, max], exemplars, flags)| {
            let (scale, zero_count, zero_threshold, positive, negative) = shape;
            let counts = [&positive, &negative].into_iter().flatten().flat_map(|side| &side.bucket_counts);
            ExponentialHistogramDataPoint {
                attributes,
                start_time_unix_nano: times.0,
                time_unix_nano: times.1,
                count: u64::from(zero_count) + counts.sum::<u64>(),
                sum,
                scale,
                zero_count: zero_count.into(),
                positive,
                negative,
                flags,
                exemplars,
                min,
                max,
                zero_threshold,
            }
        },
    )
}

fn summary(is_valid: bool) -> impl Strategy<Value = SummaryDataPoint> {
    let quantile = (unmarked(), unmarked()).prop_map(|(quantile, value)| ValueAtQuantile { quantile, value });
    let values = (any::<u64>(), unmarked(), prop::collection::vec(quantile, 0..3));
    (attributes(), (time(is_valid), time(is_valid)), values, flags()).prop_map(
        |(attributes, times, (count, sum, quantile_values), flags)| SummaryDataPoint {
            attributes,
            start_time_unix_nano: times.0,
            time_unix_nano: times.1,
            count,
            sum,
            quantile_values,
            flags,
        },
    )
}
