//! Data points of the five metric types as rows of table `metric_points`.
//!
//! Points of all types are first brought to one flat shape, `Point`, which borrows from the request;
//! columns then read from it whatever the type.

mod exemplars;

use super::attributes::Attributes;
use super::owners::Owners;
use super::series::SeriesHash;
use super::table::{self, Table, optional_times, sent_unix_nanos, text, times, unix_nanos};
use crate::decode::Report;
use crate::decode::validity::is_stale;
use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int32Array, RecordBatch, StructArray, UInt32Array, UInt64Array,
};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::summary_data_point::ValueAtQuantile;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Exemplar, ExponentialHistogramDataPoint, HistogramDataPoint, Metric,
    NumberDataPoint, SummaryDataPoint, number_data_point,
};
use std::sync::Arc;
use storage::schema;

pub(super) fn batch(
    request: &ExportMetricsServiceRequest,
    received_at: i64,
    report: &mut Report,
) -> Result<RecordBatch, ArrowError> {
    let mut owners = Owners::new();
    let rows = rows(request, &mut owners, report);
    let mut table = Table::default();
    push_stream(&rows, &mut table);
    push_times(&rows, &mut table, report);
    push_numbers(&rows, &mut table);
    push_buckets(&rows, &mut table)?;
    push_quantiles(&rows, &mut table)?;
    let exemplars = exemplars::column(&rows, report)?;
    table.push("exemplars", exemplars);
    push_attributes(&rows, &mut table, report)?;
    owners.finish(received_at, &mut table)?;
    table.into_batch(schema::metric_points())
}

/// What the points of one metric have in common.
#[derive(Debug, Clone, Copy)]
struct Stream<'a> {
    metric: &'a Metric,
    type_name: &'static str,
    temporality: Option<&'static str>,
    is_monotonic: Option<bool>,
    hash: SeriesHash,
}

/// A data point of any type.
#[derive(Debug, Clone, Copy)]
struct Point<'a> {
    stream: Stream<'a>,
    series_id: u64,
    attributes: &'a [KeyValue],
    start_time_unix_nano: u64,
    time_unix_nano: u64,
    flags: u32,
    exemplars: &'a [Exemplar],
    value: Option<f64>,
    value_int: Option<i64>,
    count: Option<u64>,
    sum: Option<f64>,
    min: Option<f64>,
    max: Option<f64>,
    explicit: Option<&'a HistogramDataPoint>,
    exponential: Option<&'a ExponentialHistogramDataPoint>,
    quantiles: Option<&'a [ValueAtQuantile]>,
}

fn rows<'a>(
    request: &'a ExportMetricsServiceRequest,
    owners: &mut Owners<'a>,
    report: &mut Report,
) -> Vec<Point<'a>> {
    let mut rows = Vec::new();
    for resource in &request.resource_metrics {
        owners.enter_resource(resource.resource.as_ref(), &resource.schema_url, report);
        let attributes = resource.resource.as_ref().map_or(&[][..], |resource| &resource.attributes);
        let resource_hash = SeriesHash::new().attributes(attributes);
        for scope in &resource.scope_metrics {
            owners.enter_scope(scope.scope.as_ref(), &scope.schema_url, report);
            // Rows do not tell an empty scope from none.
            let named = scope.scope.as_ref().filter(|scope| !is_empty(scope));
            let scope_hash = named.map_or(resource_hash.flag(None), |scope| {
                resource_hash.text(&scope.name).text(&scope.version).attributes(&scope.attributes)
            });
            for metric in &scope.metrics {
                let points = points(metric, scope_hash);
                let metric_bytes = metric_bytes(metric);
                rows.extend(points.into_iter().filter(|_| owners.admit_row(metric_bytes, report)));
            }
        }
    }
    rows
}

fn is_empty(scope: &InstrumentationScope) -> bool {
    scope.name.is_empty() && scope.version.is_empty() && scope.attributes.is_empty()
}

/// Bytes of what each point of the metric repeats.
fn metric_bytes(metric: &Metric) -> usize {
    let metadata: usize = metric.metadata.iter().map(prost::Message::encoded_len).sum();
    metric.name.len() + metric.description.len() + metric.unit.len() + metadata
}

fn points(metric: &Metric, scope_hash: SeriesHash) -> Vec<Point<'_>> {
    let Some(data) = &metric.data else { return Vec::new() };
    let stream = Stream::new(metric, data, scope_hash);
    match data {
        Data::Gauge(gauge) => gauge.data_points.iter().map(|point| Point::number(stream, point)).collect(),
        Data::Sum(sum) => sum.data_points.iter().map(|point| Point::number(stream, point)).collect(),
        Data::Histogram(histogram) => {
            histogram.data_points.iter().map(|point| Point::histogram(stream, point)).collect()
        }
        Data::ExponentialHistogram(histogram) => {
            histogram.data_points.iter().map(|point| Point::exponential(stream, point)).collect()
        }
        Data::Summary(summary) => {
            summary.data_points.iter().map(|point| Point::summary(stream, point)).collect()
        }
    }
}

impl<'a> Stream<'a> {
    fn new(metric: &'a Metric, data: &Data, scope_hash: SeriesHash) -> Self {
        let (type_name, temporality, is_monotonic) = match data {
            Data::Gauge(_) => ("gauge", None, None),
            Data::Sum(sum) => ("sum", Some(sum.aggregation_temporality), Some(sum.is_monotonic)),
            Data::Histogram(histogram) => ("histogram", Some(histogram.aggregation_temporality), None),
            Data::ExponentialHistogram(histogram) => {
                ("exponential_histogram", Some(histogram.aggregation_temporality), None)
            }
            Data::Summary(_) => ("summary", None, None),
        };
        let temporality = temporality.and_then(temporality_name);
        let hash = scope_hash.text(&metric.name).text(&metric.unit).text(type_name);
        let hash = hash.text(temporality.unwrap_or("")).flag(is_monotonic);
        Self { metric, type_name, temporality, is_monotonic, hash }
    }
}

fn temporality_name(temporality: i32) -> Option<&'static str> {
    match AggregationTemporality::try_from(temporality) {
        Ok(AggregationTemporality::Delta) => Some("delta"),
        Ok(AggregationTemporality::Cumulative) => Some("cumulative"),
        Ok(AggregationTemporality::Unspecified) | Err(_) => None,
    }
}

impl<'a> Point<'a> {
    /// A point without any value yet.
    fn new(stream: Stream<'a>, attributes: &'a [KeyValue], times: (u64, u64), flags: u32) -> Self {
        Self {
            stream,
            series_id: stream.hash.attributes(attributes).number(),
            attributes,
            start_time_unix_nano: times.0,
            time_unix_nano: times.1,
            flags,
            exemplars: &[],
            value: None,
            value_int: None,
            count: None,
            sum: None,
            min: None,
            max: None,
            explicit: None,
            exponential: None,
            quantiles: None,
        }
    }

    fn number(stream: Stream<'a>, point: &'a NumberDataPoint) -> Self {
        let times = (point.start_time_unix_nano, point.time_unix_nano);
        let base = Self::new(stream, &point.attributes, times, point.flags);
        let base = Self { exemplars: &point.exemplars, ..base };
        // A point that is marked as not recorded is stale; a value beside the mark means nothing.
        let value = point.value.filter(|_| !is_stale(point.flags));
        match value {
            Some(number_data_point::Value::AsDouble(double)) => Self { value: Some(double), ..base },
            Some(number_data_point::Value::AsInt(int)) => {
                Self { value: Some(int as f64), value_int: Some(int), ..base }
            }
            None => base,
        }
    }

    fn histogram(stream: Stream<'a>, point: &'a HistogramDataPoint) -> Self {
        let times = (point.start_time_unix_nano, point.time_unix_nano);
        let base = Self::new(stream, &point.attributes, times, point.flags);
        let base = Self { exemplars: &point.exemplars, ..base };
        if is_stale(point.flags) {
            return base;
        }
        let (sum, min, max) = (point.sum, point.min, point.max);
        Self { count: Some(point.count), sum, min, max, explicit: Some(point), ..base }
    }

    fn exponential(stream: Stream<'a>, point: &'a ExponentialHistogramDataPoint) -> Self {
        let times = (point.start_time_unix_nano, point.time_unix_nano);
        let base = Self::new(stream, &point.attributes, times, point.flags);
        let base = Self { exemplars: &point.exemplars, ..base };
        if is_stale(point.flags) {
            return base;
        }
        let (sum, min, max) = (point.sum, point.min, point.max);
        Self { count: Some(point.count), sum, min, max, exponential: Some(point), ..base }
    }

    fn summary(stream: Stream<'a>, point: &'a SummaryDataPoint) -> Self {
        let times = (point.start_time_unix_nano, point.time_unix_nano);
        let base = Self::new(stream, &point.attributes, times, point.flags);
        if is_stale(point.flags) {
            return base;
        }
        Self {
            count: Some(point.count),
            sum: Some(point.sum),
            quantiles: Some(&point.quantile_values),
            ..base
        }
    }

    fn positive(&self) -> Option<&'a Buckets> {
        self.exponential?.positive.as_ref()
    }

    fn negative(&self) -> Option<&'a Buckets> {
        self.exponential?.negative.as_ref()
    }
}

fn push_stream(rows: &[Point<'_>], table: &mut Table) {
    table.push("name", text(rows.iter().map(|point| point.stream.metric.name.as_str())));
    table.push("description", text(rows.iter().map(|point| point.stream.metric.description.as_str())));
    table.push("unit", text(rows.iter().map(|point| point.stream.metric.unit.as_str())));
    table.push("type", text(rows.iter().map(|point| point.stream.type_name)));
    table.push("temporality", table::optional_text(rows.iter().map(|point| point.stream.temporality)));
    let is_monotonic: BooleanArray = rows.iter().map(|point| point.stream.is_monotonic).collect();
    table.push("is_monotonic", Arc::new(is_monotonic));
    let series_id = UInt64Array::from_iter_values(rows.iter().map(|point| point.series_id));
    table.push("series_id", Arc::new(series_id));
}

fn push_times(rows: &[Point<'_>], table: &mut Table, report: &mut Report) {
    let starts = rows.iter().map(|point| sent_unix_nanos(point.start_time_unix_nano, report));
    let starts: Vec<Option<i64>> = starts.collect();
    let at: Vec<i64> = rows.iter().map(|point| unix_nanos(point.time_unix_nano, report)).collect();
    table.push("start_time", optional_times(starts.into_iter()));
    table.push("time", times(at.into_iter()));
    table.push("flags", table::counts(rows.iter().map(|point| point.flags)));
}

fn push_numbers(rows: &[Point<'_>], table: &mut Table) {
    table.push("value", doubles(rows.iter().map(|point| point.value)));
    table.push("value_int", table::integers(rows.iter().map(|point| point.value_int)));
    table.push("count", unsigned(rows.iter().map(|point| point.count)));
    table.push("sum", doubles(rows.iter().map(|point| point.sum)));
    table.push("min", doubles(rows.iter().map(|point| point.min)));
    table.push("max", doubles(rows.iter().map(|point| point.max)));
}

fn push_buckets(rows: &[Point<'_>], table: &mut Table) -> Result<(), ArrowError> {
    let lengths = rows.iter().map(|point| point.explicit.map(|explicit| explicit.explicit_bounds.len()));
    let bounds =
        rows.iter().filter_map(|point| point.explicit).flat_map(|explicit| &explicit.explicit_bounds);
    let bounds: ArrayRef = Arc::new(Float64Array::from_iter_values(bounds.copied()));
    table.push("explicit_bounds", table::list(&column_type("explicit_bounds")?, lengths, bounds)?);
    push_counts("bucket_counts", rows, table, |point| {
        point.explicit.map(|explicit| explicit.bucket_counts.as_slice())
    })?;
    push_counts("positive_counts", rows, table, |point| {
        point.positive().map(|buckets| buckets.bucket_counts.as_slice())
    })?;
    push_counts("negative_counts", rows, table, |point| {
        point.negative().map(|buckets| buckets.bucket_counts.as_slice())
    })?;
    table.push(
        "scale",
        small(rows.iter().map(|point| point.exponential.map(|exponential| exponential.scale))),
    );
    table.push(
        "positive_offset",
        small(rows.iter().map(|point| point.positive().map(|buckets| buckets.offset))),
    );
    table.push(
        "negative_offset",
        small(rows.iter().map(|point| point.negative().map(|buckets| buckets.offset))),
    );
    table.push("zero_count", unsigned(rows.iter().map(|point| point.exponential.map(|e| e.zero_count))));
    table.push(
        "zero_threshold",
        doubles(rows.iter().map(|point| point.exponential.map(|e| e.zero_threshold))),
    );
    Ok(())
}

fn push_counts<'a>(
    name: &'static str,
    rows: &[Point<'a>],
    table: &mut Table,
    counts: impl Fn(&Point<'a>) -> Option<&'a [u64]>,
) -> Result<(), ArrowError> {
    let lengths = rows.iter().map(|point| counts(point).map(<[u64]>::len));
    let values = rows.iter().filter_map(&counts).flatten().copied();
    let values: ArrayRef = Arc::new(UInt64Array::from_iter_values(values));
    table.push(name, table::list(&column_type(name)?, lengths, values)?);
    Ok(())
}

fn push_quantiles(rows: &[Point<'_>], table: &mut Table) -> Result<(), ArrowError> {
    let lengths = rows.iter().map(|point| point.quantiles.map(<[ValueAtQuantile]>::len));
    let all: Vec<&ValueAtQuantile> = rows.iter().filter_map(|point| point.quantiles).flatten().collect();
    let quantile = Float64Array::from_iter_values(all.iter().map(|value| value.quantile));
    let value = Float64Array::from_iter_values(all.iter().map(|value| value.value));
    let columns: Vec<ArrayRef> = vec![Arc::new(quantile), Arc::new(value)];
    let values = StructArray::try_new(schema::quantile_fields(), columns, None)?;
    table.push("quantiles", table::list(&column_type("quantiles")?, lengths, Arc::new(values))?);
    Ok(())
}

fn push_attributes(rows: &[Point<'_>], table: &mut Table, report: &mut Report) -> Result<(), ArrowError> {
    let mut attributes = Attributes::new();
    let mut metadata = Attributes::new();
    for point in rows {
        attributes.append(point.attributes, report);
        metadata.append(&point.stream.metric.metadata, report);
    }
    let n_dropped = UInt32Array::from_iter_values(attributes.n_dropped().iter().copied());
    table.push("dropped_attributes_count", Arc::new(n_dropped));
    let (map, types) = attributes.finish()?;
    table.push("attributes", map);
    table.push("attributes_types", types);
    let (map, types) = metadata.finish()?;
    table.push("metadata", map);
    table.push("metadata_types", types);
    Ok(())
}

fn column_type(name: &str) -> Result<DataType, ArrowError> {
    Ok(schema::metric_points().field_with_name(name)?.data_type().clone())
}

fn doubles(values: impl Iterator<Item = Option<f64>>) -> ArrayRef {
    Arc::new(values.collect::<Float64Array>())
}

fn unsigned(values: impl Iterator<Item = Option<u64>>) -> ArrayRef {
    Arc::new(values.collect::<UInt64Array>())
}

fn small(values: impl Iterator<Item = Option<i32>>) -> ArrayRef {
    Arc::new(values.collect::<Int32Array>())
}
