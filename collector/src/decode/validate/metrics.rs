//! Validity of metric data points.

use super::{Flaw, keep};
use crate::decode::Report;
use crate::telemetry::Reason;
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, DataPointFlags, ExponentialHistogramDataPoint, HistogramDataPoint, Metric,
    NumberDataPoint,
};

/// True for a point that says "nothing was recorded": stale, not zero.
pub(crate) fn is_stale(flags: u32) -> bool {
    flags & DataPointFlags::NoRecordedValueMask as u32 != 0
}

/// Removes the metric's invalid points and counts them.
pub(super) fn retain_valid(metric: &mut Metric, report: &mut Report) {
    let name = metric.name.as_str();
    match &mut metric.data {
        None | Some(Data::Summary(_)) => {}
        Some(Data::Gauge(gauge)) => {
            gauge.data_points.retain(|point| keep(check_number(name, point), report));
        }
        Some(Data::Sum(sum)) => {
            let temporality = check_temporality(name, sum.aggregation_temporality);
            retain(&mut sum.data_points, temporality, report, |point| check_number(name, point));
        }
        Some(Data::Histogram(histogram)) => {
            let temporality = check_temporality(name, histogram.aggregation_temporality);
            retain(&mut histogram.data_points, temporality, report, |point| check_histogram(name, point));
        }
        Some(Data::ExponentialHistogram(histogram)) => {
            let temporality = check_temporality(name, histogram.aggregation_temporality);
            retain(&mut histogram.data_points, temporality, report, |point| check_exponential(name, point));
        }
    }
}

/// A metric without a temporality loses all its points, each counted.
fn retain<T>(
    points: &mut Vec<T>,
    temporality: Result<(), Flaw>,
    report: &mut Report,
    check: impl Fn(&T) -> Result<(), Flaw>,
) {
    match temporality {
        Ok(()) => points.retain(|point| keep(check(point), report)),
        Err(_) if points.is_empty() => {}
        Err(flaw) => {
            report.add(flaw.reason, points.len() as u64, || flaw.example);
            points.clear();
        }
    }
}

fn check_temporality(name: &str, temporality: i32) -> Result<(), Flaw> {
    match AggregationTemporality::try_from(temporality) {
        Ok(AggregationTemporality::Delta | AggregationTemporality::Cumulative) => Ok(()),
        _ => Err(Flaw::new(
            Reason::TemporalityUnspecified,
            format!("metric '{name}' has aggregation_temporality {temporality}"),
        )),
    }
}

fn check_number(name: &str, point: &NumberDataPoint) -> Result<(), Flaw> {
    if point.value.is_none() && !is_stale(point.flags) {
        return Err(Flaw::new(
            Reason::PointWithoutValue,
            format!("metric '{name}' has a point without a value"),
        ));
    }
    Ok(())
}

fn check_histogram(name: &str, point: &HistogramDataPoint) -> Result<(), Flaw> {
    if is_stale(point.flags) {
        return Ok(());
    }
    let (n_counts, n_bounds) = (point.bucket_counts.len(), point.explicit_bounds.len());
    if (n_counts != 0 || n_bounds != 0) && n_counts != n_bounds + 1 {
        let example = format!("metric '{name}' has {n_counts} bucket counts and {n_bounds} bounds");
        return Err(Flaw::new(Reason::HistogramBucketsInconsistent, example));
    }
    if !is_increasing(&point.explicit_bounds) {
        let example = format!("metric '{name}' has bounds that are not strictly increasing");
        return Err(Flaw::new(Reason::HistogramBoundsUnordered, example));
    }
    if n_counts != 0 {
        check_count(name, point.count, sum_of(&point.bucket_counts))?;
    }
    Ok(())
}

fn check_exponential(name: &str, point: &ExponentialHistogramDataPoint) -> Result<(), Flaw> {
    if is_stale(point.flags) {
        return Ok(());
    }
    let mut sum = u128::from(point.zero_count);
    for buckets in [&point.positive, &point.negative].into_iter().flatten() {
        check_index_range(name, point.scale, buckets)?;
        sum += sum_of(&buckets.bucket_counts);
    }
    check_count(name, point.count, sum)
}

fn check_count(name: &str, count: u64, sum: u128) -> Result<(), Flaw> {
    if u128::from(count) == sum {
        return Ok(());
    }
    let example = format!("metric '{name}' has count {count}, but its buckets hold {sum}");
    Err(Flaw::new(Reason::HistogramCountMismatch, example))
}

/// Bucket `i` holds the values in `(2^(i * 2^-scale), 2^((i + 1) * 2^-scale)]`; one that holds no
/// 64-bit float at all cannot have counted anything.
fn check_index_range(name: &str, scale: i32, buckets: &Buckets) -> Result<(), Flaw> {
    let log2_width = (-f64::from(scale)).exp2();
    for (place, _) in buckets.bucket_counts.iter().enumerate().filter(|(_, count)| **count != 0) {
        let index = f64::from(buckets.offset) + place as f64;
        let (log2_low, log2_high) = (index * log2_width, (index + 1.0) * log2_width);
        if !(log2_high >= LOG2_MIN && log2_low < LOG2_MAX) {
            let example = format!("metric '{name}' counts in bucket {index} at scale {scale}");
            return Err(Flaw::new(Reason::ExponentialIndexOutOfRange, example));
        }
    }
    Ok(())
}

/// Exponent of the smallest positive 64-bit float, subnormal.
const LOG2_MIN: f64 = -1074.0;
/// Exponent that no 64-bit float reaches.
const LOG2_MAX: f64 = 1024.0;

/// Also false where a bound is not a number.
fn is_increasing(bounds: &[f64]) -> bool {
    !bounds.iter().any(|bound| bound.is_nan()) && bounds.windows(2).all(|pair| pair[0] < pair[1])
}

/// Cannot overflow: a request holds far fewer than 2^64 counts.
fn sum_of(counts: &[u64]) -> u128 {
    counts.iter().map(|count| u128::from(*count)).sum()
}
