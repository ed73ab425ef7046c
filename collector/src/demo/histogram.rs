//! The two histograms of OTLP as an SDK fills them: explicit buckets (cumulative) and exponential (delta).
//!
//! `metrics` records into them and asks for data points. No names, units or clocks here.

use super::span::DemoSpan;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogramDataPoint, HistogramDataPoint, exemplar,
};
use std::collections::BTreeMap;

/// From when to when a data point counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interval {
    pub from_ns: i64,
    pub to_ns: i64,
}

/// Counts since the stream began, with one exemplar per bucket of the last interval.
#[derive(Clone, Debug)]
pub(super) struct Explicit {
    /// Upper bounds, included, in the unit of the metric.
    bounds: Vec<f64>,
    counts: Vec<u64>,
    sum: f64,
    min: f64,
    max: f64,
    exemplars: BTreeMap<usize, Exemplar>,
}

/// Counts of one interval at a fixed scale.
#[derive(Clone, Debug, Default)]
pub(super) struct Exponential {
    counts: BTreeMap<i32, u64>,
    n_zero: u64,
    sum: f64,
    min: f64,
    max: f64,
}

/// Sixteen buckets per power of two: a relative error of at most 2.2 %.
const SCALE: i32 = 4;

/// The default bounds of HTTP durations, in seconds.
const BOUNDS_S: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

impl Explicit {
    /// `per_second` converts the default bounds to the unit of the metric.
    pub(super) fn new(per_second: f64) -> Explicit {
        let bounds: Vec<f64> = BOUNDS_S.iter().map(|bound| bound * per_second).collect();
        let counts = vec![0; bounds.len() + 1];
        Explicit { bounds, counts, sum: 0.0, min: f64::INFINITY, max: 0.0, exemplars: BTreeMap::new() }
    }

    pub(super) fn record(&mut self, value: f64, span: &DemoSpan) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        self.counts[bucket] += 1;
        self.sum += value;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.exemplars.insert(bucket, exemplar(value, span));
    }

    pub(super) fn collect(&mut self, attributes: Vec<KeyValue>, interval: Interval) -> HistogramDataPoint {
        HistogramDataPoint {
            attributes,
            start_time_unix_nano: interval.from_ns.unsigned_abs(),
            time_unix_nano: interval.to_ns.unsigned_abs(),
            count: self.counts.iter().sum(),
            sum: Some(self.sum),
            bucket_counts: self.counts.clone(),
            explicit_bounds: self.bounds.clone(),
            exemplars: std::mem::take(&mut self.exemplars).into_values().collect(),
            flags: 0,
            min: Some(self.min),
            max: Some(self.max),
        }
    }
}

impl Exponential {
    pub(super) fn record(&mut self, value: f64) {
        let is_first = self.is_empty();
        self.min = if is_first { value } else { self.min.min(value) };
        self.max = if is_first { value } else { self.max.max(value) };
        self.sum += value;
        if value > 0.0 {
            *self.counts.entry(index(value)).or_default() += 1;
        } else {
            self.n_zero += 1;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.counts.is_empty() && self.n_zero == 0
    }

    /// The point of the interval; the next interval starts from nothing.
    pub(super) fn collect(
        &mut self,
        attributes: Vec<KeyValue>,
        interval: Interval,
    ) -> ExponentialHistogramDataPoint {
        let taken = std::mem::take(self);
        ExponentialHistogramDataPoint {
            attributes,
            start_time_unix_nano: interval.from_ns.unsigned_abs(),
            time_unix_nano: interval.to_ns.unsigned_abs(),
            count: taken.counts.values().sum::<u64>() + taken.n_zero,
            sum: Some(taken.sum),
            scale: SCALE,
            zero_count: taken.n_zero,
            positive: Some(buckets(&taken.counts)),
            min: Some(taken.min),
            max: Some(taken.max),
            ..ExponentialHistogramDataPoint::default()
        }
    }
}

/// Bucket `i` holds values above `base^i` and up to `base^(i + 1)`, where `base` is `2^(2^-SCALE)`.
fn index(value: f64) -> i32 {
    (value.log2() * f64::from(1 << SCALE)).ceil() as i32 - 1
}

fn buckets(counts: &BTreeMap<i32, u64>) -> Buckets {
    let (Some(first), Some(last)) = (counts.keys().next(), counts.keys().next_back()) else {
        return Buckets::default();
    };
    let bucket_counts = (*first..=*last).map(|index| counts.get(&index).copied().unwrap_or(0)).collect();
    Buckets { offset: *first, bucket_counts }
}

fn exemplar(value: f64, span: &DemoSpan) -> Exemplar {
    Exemplar {
        filtered_attributes: Vec::new(),
        time_unix_nano: span.end_ns.unsigned_abs(),
        span_id: span.span_id.to_vec(),
        trace_id: span.trace_id.to_vec(),
        value: Some(exemplar::Value::AsDouble(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: values on, just above and just below powers of the base, and zero.
    /// Guarantees: upper bounds belong to the bucket, and nothing is lost.
    #[test]
    fn exponential_buckets_include_their_upper_bound() {
        let base = 2f64.powf(1.0 / 16.0);
        assert_eq!([index(1.0), index(2.0), index(base * 0.999), index(base * 1.001)], [-1, 15, 0, 1]);
        let mut histogram = Exponential::default();
        [0.0, 1.0, 2.0, 2.0].into_iter().for_each(|value| histogram.record(value));
        let point = histogram.collect(Vec::new(), Interval { from_ns: 1, to_ns: 2 });
        let positive = point.positive.unwrap();
        assert_eq!((point.count, point.zero_count, positive.offset), (4, 1, -1));
        assert_eq!((positive.bucket_counts.len(), positive.bucket_counts[16]), (17, 2));
        assert!(histogram.is_empty());
    }
}
