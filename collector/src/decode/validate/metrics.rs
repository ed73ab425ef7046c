//! Validity of metric data points.

use crate::decode::Report;
use crate::decode::views::{
    Bounds, Buckets, Counts, Data, ExplicitPoint, ExponentialPoint, Metric, NumberPoint, Text,
};
use crate::telemetry::Reason;
use opentelemetry_proto::tonic::metrics::v1::{AggregationTemporality, DataPointFlags};

/// True for a point that says "nothing was recorded": stale, not zero.
pub(crate) fn is_stale(flags: u32) -> bool {
    flags & DataPointFlags::NoRecordedValueMask as u32 != 0
}

/// May points of the metric be kept? Without a temporality it loses all of them, each counted.
pub(crate) fn is_metric(metric: &Metric<'_>, report: &mut Report) -> bool {
    let (temporality, n_points) = match metric.data {
        None | Some(Data::Gauge { .. } | Data::Summary { .. }) => return true,
        Some(Data::Sum { points, temporality, .. }) => (temporality, points.len()),
        Some(Data::Explicit { points, temporality }) => (temporality, points.len()),
        Some(Data::Exponential { points, temporality }) => (temporality, points.len()),
    };
    match AggregationTemporality::try_from(temporality) {
        Ok(AggregationTemporality::Delta | AggregationTemporality::Cumulative) => true,
        _ if n_points == 0 => true,
        _ => {
            report.add(Reason::TemporalityUnspecified, n_points as u64, || {
                format!("metric '{}' has aggregation_temporality {temporality}", metric.name)
            });
            false
        }
    }
}

pub(crate) fn is_number_point(name: Text<'_>, point: &NumberPoint<'_>, report: &mut Report) -> bool {
    if point.value.is_none() && !is_stale(point.head.flags) {
        report.add(Reason::PointWithoutValue, 1, || format!("metric '{name}' has a point without a value"));
        return false;
    }
    true
}

pub(crate) fn is_explicit_point(name: Text<'_>, point: &ExplicitPoint<'_>, report: &mut Report) -> bool {
    if is_stale(point.head.flags) {
        return true;
    }
    let (n_counts, n_bounds) = (point.buckets.counts.len(), point.buckets.bounds.len());
    if (n_counts != 0 || n_bounds != 0) && n_counts != n_bounds + 1 {
        report.add(Reason::HistogramBucketsInconsistent, 1, || {
            format!("metric '{name}' has {n_counts} bucket counts and {n_bounds} bounds")
        });
        return false;
    }
    if !is_increasing(point.buckets.bounds) {
        report.add(Reason::HistogramBoundsUnordered, 1, || {
            format!("metric '{name}' has bounds that are not strictly increasing")
        });
        return false;
    }
    n_counts == 0 || is_sum(name, point.statistics.count, sum_of(point.buckets.counts), report)
}

pub(crate) fn is_exponential_point(
    name: Text<'_>,
    point: &ExponentialPoint<'_>,
    report: &mut Report,
) -> bool {
    if is_stale(point.head.flags) {
        return true;
    }
    let mut sum = u128::from(point.buckets.zero_count);
    for buckets in [point.buckets.positive, point.buckets.negative].into_iter().flatten() {
        if !is_in_range(name, point.buckets.scale, buckets, report) {
            return false;
        }
        sum += sum_of(buckets.counts);
    }
    is_sum(name, point.statistics.count, sum, report)
}

fn is_sum(name: Text<'_>, count: u64, sum: u128, report: &mut Report) -> bool {
    let is_sum = u128::from(count) == sum;
    if !is_sum {
        report.add(Reason::HistogramCountMismatch, 1, || {
            format!("metric '{name}' has count {count}, but its buckets hold {sum}")
        });
    }
    is_sum
}

/// Bucket `i` holds the values in `(2^(i * 2^-scale), 2^((i + 1) * 2^-scale)]`; one that holds no
/// 64-bit float at all cannot have counted anything.
fn is_in_range(name: Text<'_>, scale: i32, buckets: Buckets<'_>, report: &mut Report) -> bool {
    let log2_width = (-f64::from(scale)).exp2();
    for (place, _) in buckets.counts.iter().enumerate().filter(|(_, count)| *count != 0) {
        let index = f64::from(buckets.offset) + place as f64;
        let (log2_low, log2_high) = (index * log2_width, (index + 1.0) * log2_width);
        if !(log2_high >= LOG2_MIN && log2_low < LOG2_MAX) {
            report.add(Reason::ExponentialIndexOutOfRange, 1, || {
                format!("metric '{name}' counts in bucket {index} at scale {scale}")
            });
            return false;
        }
    }
    true
}

/// Exponent of the smallest positive 64-bit float, subnormal.
const LOG2_MIN: f64 = -1074.0;
/// Exponent that no 64-bit float reaches.
const LOG2_MAX: f64 = 1024.0;

/// Also false where a bound is not a number.
fn is_increasing(bounds: Bounds<'_>) -> bool {
    let mut before: Option<f64> = None;
    for bound in bounds.iter() {
        if bound.is_nan() || before.is_some_and(|before| before >= bound) {
            return false;
        }
        before = Some(bound);
    }
    true
}

/// Cannot overflow: a request holds far fewer than 2^64 counts.
fn sum_of(counts: Counts<'_>) -> u128 {
    counts.iter().map(u128::from).sum()
}
