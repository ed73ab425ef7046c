//! Points of series, gathered by resource, scope and metric.
//!
//! A request names the labels of a series once and a point of OTLP has them all, so gathering can take more memory
//! than the request did. It has a budget, and what does not fit refuses the request.

use super::families::{Families, Kind, Meaning};
use super::labels::{Identity, identity};
use super::messages::{Histogram, Sample, TimeSeries};
use super::{STALE_BITS, exemplars, nanos, native};
use crate::decode::owner::{Owned, Owner, text_of};
use crate::decode::{Error, Report};
use crate::telemetry::Reason;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, DataPointFlags, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge,
    Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, number_data_point,
};
use prost::Message as _;
use std::collections::HashMap;
use std::mem::size_of;

#[derive(Debug)]
pub(super) struct Gathered {
    families: Families,
    budget: Budget,
    owned: Owned<Metrics>,
}

#[derive(Debug)]
struct Budget {
    bytes_left: usize,
    bytes_max: usize,
}

/// The metrics of an owner, in the order in which they first came.
#[derive(Debug, Default)]
struct Metrics {
    places: HashMap<String, usize>,
    all: Vec<Points>,
}

/// The points of a name. Samples and native histograms make metrics of their own.
#[derive(Debug)]
struct Points {
    name: String,
    meaning: Meaning,
    numbers: Vec<NumberDataPoint>,
    native: Vec<ExponentialHistogramDataPoint>,
}

impl Gathered {
    pub(super) fn new(families: Families, bytes_max: usize) -> Self {
        let budget = Budget { bytes_left: bytes_max, bytes_max };
        Self { families, budget, owned: Owned::default() }
    }

    /// Adds a series that has samples or histograms.
    pub(super) fn add(&mut self, series: TimeSeries, report: &mut Report) -> Result<(), Error> {
        let TimeSeries { labels, samples, exemplars, histograms } = series;
        let (n_numbers, n_points) = (samples.len(), samples.len() + histograms.len());
        let Identity { name, owner, attributes } = identity(labels);
        if name.is_empty() {
            report.add(Reason::MetricNameMissing, n_points as u64, || shown(&owner, &attributes));
            return Ok(());
        }
        self.budget.take(series_bytes(&name, &owner, &attributes, n_points))?;
        let mut copies = std::iter::repeat_n(attributes, n_points);
        let mut numbers = numbers(&name, samples, copies.by_ref().take(n_numbers), report);
        let mut native = natives(&name, histograms, copies, &mut self.budget, report)?;
        exemplars::attach(exemplars, &mut numbers, &mut native, report);
        let points = self.points(owner, name)?;
        points.numbers.append(&mut numbers);
        points.native.append(&mut native);
        Ok(())
    }

    pub(super) fn into_request(self) -> ExportMetricsServiceRequest {
        let resource_metrics = self.owned.into_groups().into_iter().map(|(owner, metrics)| {
            let (resource, scope) = owner.into_messages();
            let metrics = metrics.all.into_iter().flat_map(Points::into_metrics).collect();
            let scope_metrics = vec![ScopeMetrics { scope, metrics, ..ScopeMetrics::default() }];
            ResourceMetrics { resource, scope_metrics, ..ResourceMetrics::default() }
        });
        ExportMetricsServiceRequest { resource_metrics: resource_metrics.collect() }
    }

    fn points(&mut self, owner: Owner, name: String) -> Result<&mut Points, Error> {
        let metrics = self.owned.of(owner);
        let place = match metrics.places.get(&name) {
            Some(place) => *place,
            None => {
                let meaning = self.families.meaning(&name);
                self.budget.take(meaning.description.len() + meaning.unit.len())?;
                metrics.places.insert(name.clone(), metrics.all.len());
                metrics.all.push(Points { name, meaning, numbers: Vec::new(), native: Vec::new() });
                metrics.all.len() - 1
            }
        };
        Ok(&mut metrics.all[place])
    }
}

impl Budget {
    fn take(&mut self, bytes: usize) -> Result<(), Error> {
        let left = self.bytes_left.checked_sub(bytes);
        self.bytes_left = left.ok_or(Error::TooLarge { bytes_max: self.bytes_max })?;
        Ok(())
    }
}

impl Points {
    fn into_metrics(self) -> impl Iterator<Item = Metric> {
        let Self { name, meaning, numbers, native } = self;
        let Meaning { kind, type_name, description, unit } = meaning;
        let metadata: Vec<KeyValue> =
            type_name.into_iter().map(|name| text_of("prometheus.type", name)).collect();
        let data = [data_of_numbers(kind, numbers), data_of_native(native)];
        data.into_iter().flatten().map(move |data| Metric {
            name: name.clone(),
            description: description.clone(),
            unit: unit.clone(),
            metadata: metadata.clone(),
            data: Some(data),
        })
    }
}

fn data_of_numbers(kind: Kind, data_points: Vec<NumberDataPoint>) -> Option<Data> {
    if data_points.is_empty() {
        return None;
    }
    Some(match kind {
        Kind::Gauge => Data::Gauge(Gauge { data_points }),
        Kind::Counter | Kind::Sum => Data::Sum(Sum {
            data_points,
            aggregation_temporality: AggregationTemporality::Cumulative as i32,
            is_monotonic: kind == Kind::Counter,
        }),
    })
}

fn data_of_native(data_points: Vec<ExponentialHistogramDataPoint>) -> Option<Data> {
    let aggregation_temporality = AggregationTemporality::Cumulative as i32;
    let has_points = !data_points.is_empty();
    let histogram = ExponentialHistogram { data_points, aggregation_temporality };
    has_points.then_some(Data::ExponentialHistogram(histogram))
}

/// Bytes that the points of a series take, with what they repeat of it.
fn series_bytes(name: &str, owner: &Owner, attributes: &[KeyValue], n_points: usize) -> usize {
    let attribute_bytes =
        attributes.iter().map(|attribute| size_of::<KeyValue>() + attribute.encoded_len()).sum::<usize>();
    let point_bytes = size_of::<ExponentialHistogramDataPoint>() + attribute_bytes;
    let pair_bytes = |(key, text): &(String, String)| size_of::<(String, String)>() + key.len() + text.len();
    let owner_bytes = size_of::<Owner>()
        + owner.resource.iter().map(pair_bytes).sum::<usize>()
        + owner.scope_name.len()
        + owner.scope_version.len();
    // Names and owners are kept twice: in a list, and in the index of the list.
    let own_bytes = size_of::<Points>() + 2 * (name.len() + owner_bytes);
    point_bytes.saturating_mul(n_points).saturating_add(own_bytes)
}

fn numbers(
    name: &str,
    samples: Vec<Sample>,
    copies: impl Iterator<Item = Vec<KeyValue>>,
    report: &mut Report,
) -> Vec<NumberDataPoint> {
    let mut points = Vec::with_capacity(samples.len());
    for (sample, attributes) in samples.into_iter().zip(copies) {
        match nanos(sample.timestamp_ms) {
            Some(time_unix_nano) => points.push(number(sample.value_bits, time_unix_nano, attributes)),
            None => reject_time(name, sample.timestamp_ms, report),
        }
    }
    points
}

fn number(value_bits: u64, time_unix_nano: u64, attributes: Vec<KeyValue>) -> NumberDataPoint {
    let point = NumberDataPoint { attributes, time_unix_nano, ..NumberDataPoint::default() };
    if value_bits == STALE_BITS {
        return NumberDataPoint { flags: DataPointFlags::NoRecordedValueMask as u32, ..point };
    }
    let value = number_data_point::Value::AsDouble(f64::from_bits(value_bits));
    NumberDataPoint { value: Some(value), ..point }
}

fn natives(
    name: &str,
    histograms: Vec<Histogram>,
    copies: impl Iterator<Item = Vec<KeyValue>>,
    budget: &mut Budget,
    report: &mut Report,
) -> Result<Vec<ExponentialHistogramDataPoint>, Error> {
    let mut points = Vec::new();
    for (histogram, attributes) in histograms.into_iter().zip(copies) {
        let Some(time_unix_nano) = nanos(histogram.timestamp_ms) else {
            reject_time(name, histogram.timestamp_ms, report);
            continue;
        };
        match native::point(histogram, time_unix_nano, attributes) {
            Ok(point) => {
                // A few bytes can stand for many empty buckets, so each point is taken before the next is made.
                let n_buckets = n_buckets(&point.positive) + n_buckets(&point.negative);
                budget.take(n_buckets.saturating_mul(size_of::<u64>()))?;
                points.push(point);
            }
            Err(why) => {
                report.add(Reason::NativeHistogramUnusable, 1, || format!("native histogram '{name}' {why}"))
            }
        }
    }
    Ok(points)
}

fn n_buckets(buckets: &Option<Buckets>) -> usize {
    buckets.as_ref().map_or(0, |buckets| buckets.bucket_counts.len())
}

fn reject_time(name: &str, timestamp_ms: i64, report: &mut Report) {
    report.add(Reason::TimestampInvalid, 1, || {
        format!("metric '{name}' has a point at {timestamp_ms} ms, before 1970")
    });
}

/// A series without a name, for a message.
fn shown(owner: &Owner, attributes: &[KeyValue]) -> String {
    let resource = owner.resource.iter().map(|(_, text)| text.as_str());
    let attributes = attributes.iter().map(|attribute| attribute.key.as_str());
    let parts: Vec<&str> = resource.chain(attributes).take(8).collect();
    format!(
        "a series without __name__, with {}",
        if parts.is_empty() { "no label".to_owned() } else { parts.join(", ") }
    )
}
