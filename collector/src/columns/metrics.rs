//! Data points of the five metric types as rows of table `metric_points`.
//!
//! Points of all types are first brought to one shape, `Point`; columns then read from it whatever the type.
//! What is said of a metric is written once and repeated for its points, as resources and scopes are.

mod exemplars;
mod streams;

use super::attributes::Attributes;
use super::limits::Limits;
use super::owners::Owners;
use super::series::{Scratch, SeriesHash};
use super::table::{self, Table, optional_times, sent_unix_nanos, times, unix_nanos};
use crate::decode::Report;
use crate::decode::validity::{
    is_explicit_point, is_exponential_point, is_metric, is_number_point, is_stale,
};
use crate::decode::views::{
    Buckets, Counts, Data, Explicit, Exponential, List, Metric, Number, PointHead, Quantile, ResourceMetrics,
    Scope, Statistics,
};
use arrow::array::{ArrayRef, Float64Array, Int32Array, RecordBatch, StructArray, UInt32Array, UInt64Array};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use std::sync::Arc;
use storage::schema;
use streams::{Stream, Streams};

pub(super) fn batch<'a>(
    resources: List<'a, ResourceMetrics<'a>>,
    received_at: i64,
    limits: Limits,
    report: &mut Report,
) -> Result<RecordBatch, ArrowError> {
    let mut rows = Rows::new(limits);
    rows.read(resources, report);
    let Rows { owners, streams, points, .. } = rows;
    let mut table = Table::default();
    push_times(&points, &mut table, report);
    push_numbers(&points, &mut table);
    push_buckets(&points, &mut table)?;
    push_quantiles(&points, &mut table)?;
    let exemplars = exemplars::column(&points, limits, report)?;
    table.push("exemplars", exemplars);
    push_attributes(&points, limits, &mut table, report)?;
    streams.finish(&mut table)?;
    owners.finish(received_at, &mut table)?;
    table.into_batch(schema::metric_points())
}

/// A data point of any type.
#[derive(Debug, Clone, Copy)]
struct Point<'a> {
    series_id: u64,
    head: PointHead<'a>,
    values: Values<'a>,
}

/// What a point has measured.
#[derive(Debug, Clone, Copy)]
enum Values<'a> {
    /// Marked as not recorded: whatever stands beside the mark means nothing.
    Stale,
    Number(Number),
    Explicit(Statistics, Explicit<'a>),
    Exponential(Statistics, Exponential<'a>),
    Summary(Statistics, List<'a, Quantile>),
}

/// The points of a request, and who they belong to.
#[derive(Debug)]
struct Rows<'a> {
    owners: Owners<'a>,
    streams: Streams<'a>,
    points: Vec<Point<'a>>,
    scratch: Scratch<'a>,
}

impl<'a> Rows<'a> {
    fn new(limits: Limits) -> Self {
        Self {
            owners: Owners::new(limits),
            streams: Streams::new(limits),
            points: Vec::new(),
            scratch: Scratch::new(),
        }
    }

    fn read(&mut self, resources: List<'a, ResourceMetrics<'a>>, report: &mut Report) {
        for resource in resources {
            self.owners.enter_resource(resource.resource, resource.schema_url, report);
            let attributes = resource.resource.unwrap_or_default().attributes;
            let resource_hash = SeriesHash::new().attributes(attributes, &mut self.scratch);
            for scope in resource.scope_metrics {
                self.owners.enter_scope(scope.scope, scope.schema_url, report);
                let scope_hash = self.scope_hash(resource_hash, scope.scope);
                for metric in scope.metrics {
                    self.read_metric(&metric, scope_hash, report);
                }
            }
        }
    }

    /// Rows do not tell an empty scope from none.
    fn scope_hash(&mut self, resource_hash: SeriesHash, scope: Option<Scope<'a>>) -> SeriesHash {
        let is_empty = |scope: &Scope<'_>| {
            scope.name.is_empty() && scope.version.is_empty() && scope.attributes.is_empty()
        };
        match scope.filter(|scope| !is_empty(scope)) {
            None => resource_hash.flag(None),
            Some(scope) => {
                let named = resource_hash.text(scope.name).text(scope.version);
                named.attributes(scope.attributes, &mut self.scratch)
            }
        }
    }

    fn read_metric(&mut self, metric: &Metric<'a>, scope_hash: SeriesHash, report: &mut Report) {
        let Some(data) = metric.data else { return };
        if !is_metric(metric, report) {
            return;
        }
        let stream = Stream::new(metric, &data, scope_hash);
        self.streams.enter(metric, &stream, report);
        match data {
            Data::Gauge { points } | Data::Sum { points, .. } => {
                for point in points {
                    if is_number_point(metric.name, &point, report) {
                        self.add(stream, point.head, point.value.map(Values::Number), report);
                    }
                }
            }
            Data::Explicit { points, .. } => {
                for point in points {
                    if is_explicit_point(metric.name, &point, report) {
                        let values = Values::Explicit(point.statistics, point.buckets);
                        self.add(stream, point.head, Some(values), report);
                    }
                }
            }
            Data::Exponential { points, .. } => {
                for point in points {
                    if is_exponential_point(metric.name, &point, report) {
                        let values = Values::Exponential(point.statistics, point.buckets);
                        self.add(stream, point.head, Some(values), report);
                    }
                }
            }
            Data::Summary { points } => {
                for point in points {
                    let values = Values::Summary(point.statistics, point.quantiles);
                    self.add(stream, point.head, Some(values), report);
                }
            }
        }
    }

    fn add(&mut self, stream: Stream, head: PointHead<'a>, values: Option<Values<'a>>, report: &mut Report) {
        if !self.owners.admit_row(self.streams.own_bytes(), report) {
            return;
        }
        let series_id = stream.hash.attributes(head.attributes, &mut self.scratch).number();
        let values = values.filter(|_| !is_stale(head.flags)).unwrap_or(Values::Stale);
        self.streams.count_row();
        self.points.push(Point { series_id, head, values });
    }
}

impl<'a> Point<'a> {
    fn value(&self) -> Option<f64> {
        match self.values {
            Values::Number(Number::Double(double)) => Some(double),
            Values::Number(Number::Int(int)) => Some(int as f64),
            _ => None,
        }
    }

    fn value_int(&self) -> Option<i64> {
        match self.values {
            Values::Number(Number::Int(int)) => Some(int),
            _ => None,
        }
    }

    fn statistics(&self) -> Option<Statistics> {
        match self.values {
            Values::Explicit(statistics, _)
            | Values::Exponential(statistics, _)
            | Values::Summary(statistics, _) => Some(statistics),
            Values::Stale | Values::Number(_) => None,
        }
    }

    fn explicit(&self) -> Option<Explicit<'a>> {
        match self.values {
            Values::Explicit(_, buckets) => Some(buckets),
            _ => None,
        }
    }

    fn exponential(&self) -> Option<Exponential<'a>> {
        match self.values {
            Values::Exponential(_, buckets) => Some(buckets),
            _ => None,
        }
    }

    fn positive(&self) -> Option<Buckets<'a>> {
        self.exponential()?.positive
    }

    fn negative(&self) -> Option<Buckets<'a>> {
        self.exponential()?.negative
    }

    fn quantiles(&self) -> Option<List<'a, Quantile>> {
        match self.values {
            Values::Summary(_, quantiles) => Some(quantiles),
            _ => None,
        }
    }
}

fn push_times(points: &[Point<'_>], table: &mut Table, report: &mut Report) {
    let starts = points.iter().map(|point| sent_unix_nanos(point.head.start_time_unix_nano, report));
    let starts: Vec<Option<i64>> = starts.collect();
    let at: Vec<i64> = points.iter().map(|point| unix_nanos(point.head.time_unix_nano, report)).collect();
    table.push("start_time", optional_times(starts.into_iter()));
    table.push("time", times(at.into_iter()));
    table.push("flags", table::counts(points.iter().map(|point| point.head.flags)));
    let series_id = UInt64Array::from_iter_values(points.iter().map(|point| point.series_id));
    table.push("series_id", Arc::new(series_id));
}

fn push_numbers(points: &[Point<'_>], table: &mut Table) {
    table.push("value", doubles(points.iter().map(Point::value)));
    table.push("value_int", table::integers(points.iter().map(Point::value_int)));
    let statistics = || points.iter().map(Point::statistics);
    table.push("count", unsigned(statistics().map(|statistics| Some(statistics?.count))));
    table.push("sum", doubles(statistics().map(|statistics| statistics?.sum)));
    table.push("min", doubles(statistics().map(|statistics| statistics?.min)));
    table.push("max", doubles(statistics().map(|statistics| statistics?.max)));
}

fn push_buckets(points: &[Point<'_>], table: &mut Table) -> Result<(), ArrowError> {
    let lengths = points.iter().map(|point| Some(point.explicit()?.bounds.len()));
    let bounds = points.iter().filter_map(Point::explicit).flat_map(|explicit| explicit.bounds.iter());
    let bounds: ArrayRef = Arc::new(Float64Array::from_iter_values(bounds));
    table.push("explicit_bounds", table::list(&column_type("explicit_bounds")?, lengths, bounds)?);
    push_counts("bucket_counts", points, table, |point| Some(point.explicit()?.counts))?;
    push_counts("positive_counts", points, table, |point| Some(point.positive()?.counts))?;
    push_counts("negative_counts", points, table, |point| Some(point.negative()?.counts))?;
    table.push("positive_offset", small(points.iter().map(|point| Some(point.positive()?.offset))));
    table.push("negative_offset", small(points.iter().map(|point| Some(point.negative()?.offset))));
    let exponential = || points.iter().map(Point::exponential);
    table.push("scale", small(exponential().map(|exponential| Some(exponential?.scale))));
    table.push("zero_count", unsigned(exponential().map(|exponential| Some(exponential?.zero_count))));
    table.push("zero_threshold", doubles(exponential().map(|exponential| Some(exponential?.zero_threshold))));
    Ok(())
}

fn push_counts<'a>(
    name: &'static str,
    points: &[Point<'a>],
    table: &mut Table,
    counts: impl Fn(&Point<'a>) -> Option<Counts<'a>>,
) -> Result<(), ArrowError> {
    let lengths = points.iter().map(|point| counts(point).map(Counts::len));
    let values = points.iter().filter_map(&counts).flat_map(Counts::iter);
    let values: ArrayRef = Arc::new(UInt64Array::from_iter_values(values));
    table.push(name, table::list(&column_type(name)?, lengths, values)?);
    Ok(())
}

fn push_quantiles(points: &[Point<'_>], table: &mut Table) -> Result<(), ArrowError> {
    let lengths = points.iter().map(|point| point.quantiles().map(List::len));
    let all: Vec<Quantile> = points.iter().filter_map(Point::quantiles).flatten().collect();
    let quantile = Float64Array::from_iter_values(all.iter().map(|value| value.quantile));
    let value = Float64Array::from_iter_values(all.iter().map(|value| value.value));
    let columns: Vec<ArrayRef> = vec![Arc::new(quantile), Arc::new(value)];
    let values = StructArray::try_new(schema::quantile_fields(), columns, None)?;
    table.push("quantiles", table::list(&column_type("quantiles")?, lengths, Arc::new(values))?);
    Ok(())
}

fn push_attributes(
    points: &[Point<'_>],
    limits: Limits,
    table: &mut Table,
    report: &mut Report,
) -> Result<(), ArrowError> {
    let mut attributes = Attributes::new(limits);
    points.iter().for_each(|point| attributes.append(point.head.attributes, report));
    let n_dropped = UInt32Array::from_iter_values(attributes.n_dropped().iter().copied());
    table.push("dropped_attributes_count", Arc::new(n_dropped));
    let (map, types) = attributes.finish()?;
    table.push("attributes", map);
    table.push("attributes_types", types);
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
