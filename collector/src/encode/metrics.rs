//! Rows of table `metric_points` as a metrics request.

use super::Error;
use super::attributes::{attributes, double_value, id, long};
use super::cells::Cells;
use super::grouped::{Grouped, Object, put};
use super::owners::{Owned, owner};
use serde_json::{Value, json};

/// Points below what is said of their metric, and below what is said of all its points.
type Metrics = Grouped<Points>;

/// Name of the message that holds the points, its other members, and the points.
#[derive(Debug, Default)]
struct Points {
    data: &'static str,
    members: Object,
    points: Vec<Value>,
}

pub(super) fn request(cells: Cells<'_>) -> Result<Value, Error> {
    let mut owned: Owned<Metrics> = Owned::default();
    for row in 0..cells.n_rows() {
        let (data, members) = stream(cells, row)?;
        let mut head = metric(cells, row)?;
        // Metrics of one name and different types are different metrics; the mark goes at the end.
        head.insert(DATA.to_owned(), json!([data, members]));
        let of_metric = owner(&mut owned, cells, row)?.entry(head);
        (of_metric.data, of_metric.members) = (data, members);
        of_metric.points.push(point(cells, data, row)?);
    }
    let metrics = |metrics: Metrics| unmarked(metrics.finish(DATA, data));
    Ok(json!({ "resourceMetrics": owned.finish("scopeMetrics", |scopes| scopes.finish("metrics", metrics)) }))
}

/// Where a metric's type stands while rows are grouped.
const DATA: &str = "data";

fn data(Points { data, mut members, points }: Points) -> Value {
    members.insert("dataPoints".to_owned(), Value::Array(points));
    json!([data, members])
}

/// Puts the points under the name of their type.
fn unmarked(mut metrics: Value) -> Value {
    for metric in metrics.as_array_mut().into_iter().flatten() {
        let Some(metric) = metric.as_object_mut() else { continue };
        let Some(Value::Array(mut data)) = metric.remove(DATA) else { continue };
        if let (Some(points), Some(Value::String(name))) = (data.pop(), data.pop()) {
            metric.insert(name, points);
        }
    }
    metrics
}

fn metric(cells: Cells<'_>, row: usize) -> Result<Object, Error> {
    let mut metric = Object::new();
    put(&mut metric, "name", json!(cells.text("name", row)?));
    put(&mut metric, "description", json!(cells.text("description", row)?));
    put(&mut metric, "unit", json!(cells.text("unit", row)?));
    put(&mut metric, "metadata", attributes(cells, "metadata", row)?);
    Ok(metric)
}

/// The message of the metric's type, and what it says of all points.
fn stream(cells: Cells<'_>, row: usize) -> Result<(&'static str, Object), Error> {
    let mut members = Object::new();
    let temporality = match cells.text("temporality", row)? {
        "delta" => 1,
        "cumulative" => 2,
        _ => 0,
    };
    put(&mut members, "aggregationTemporality", json!(temporality));
    put(&mut members, "isMonotonic", json!(cells.bool("is_monotonic", row)?));
    let data = match cells.text("type", row)? {
        "sum" => "sum",
        "histogram" => "histogram",
        "exponential_histogram" => "exponentialHistogram",
        "summary" => "summary",
        _ => "gauge",
    };
    Ok((data, members))
}

fn point(cells: Cells<'_>, data: &str, row: usize) -> Result<Value, Error> {
    let mut point = Object::new();
    put(&mut point, "attributes", attributes(cells, "attributes", row)?);
    put(&mut point, "startTimeUnixNano", long(cells.time("start_time", row)?));
    put(&mut point, "timeUnixNano", long(cells.time("time", row)?));
    put(&mut point, "flags", json!(cells.uint32("flags", row)?));
    put_number(&mut point, cells, row)?;
    put(&mut point, "count", long(cells.uint64("count", row)?));
    put_double(&mut point, "sum", cells.double("sum", row)?);
    put_double(&mut point, "min", cells.double("min", row)?);
    put_double(&mut point, "max", cells.double("max", row)?);
    put_buckets(&mut point, cells, row)?;
    if data == "exponentialHistogram" {
        put_exponential(&mut point, cells, row)?;
    }
    let (quantiles, range) = cells.items("quantiles", row)?;
    put(&mut point, "quantileValues", range.map(|row| quantile(quantiles, row)).collect::<Result<_, _>>()?);
    let (exemplars, range) = cells.items("exemplars", row)?;
    put(&mut point, "exemplars", range.map(|row| exemplar(exemplars, row)).collect::<Result<_, _>>()?);
    Ok(Value::Object(point))
}

/// The value of a gauge, a sum or an exemplar; an integer where one was sent.
fn put_number(object: &mut Object, cells: Cells<'_>, row: usize) -> Result<(), Error> {
    match cells.int64("value_int", row)? {
        Some(int) => put(object, "asInt", long(Some(int))),
        None => put_double(object, "asDouble", cells.double("value", row)?),
    }
    Ok(())
}

/// Present also where it is zero.
fn put_double(object: &mut Object, name: &str, double: Option<f64>) {
    if let Some(double) = double {
        object.insert(name.to_owned(), double_value(double));
    }
}

fn put_buckets(point: &mut Object, cells: Cells<'_>, row: usize) -> Result<(), Error> {
    let counts = cells.counts("bucket_counts", row)?.unwrap_or_default();
    put(point, "bucketCounts", longs(&counts));
    let bounds = cells.doubles("explicit_bounds", row)?.unwrap_or_default();
    put(point, "explicitBounds", bounds.into_iter().map(double_value).collect());
    Ok(())
}

fn put_exponential(point: &mut Object, cells: Cells<'_>, row: usize) -> Result<(), Error> {
    put(point, "scale", json!(cells.int32("scale", row)?));
    put(point, "zeroCount", long(cells.uint64("zero_count", row)?));
    put_double(point, "zeroThreshold", cells.double("zero_threshold", row)?);
    let sides = [
        ("positive", "positive_offset", "positive_counts"),
        ("negative", "negative_offset", "negative_counts"),
    ];
    for (name, offset, counts) in sides {
        if let Some(offset) = cells.int32(offset, row)? {
            let counts = cells.counts(counts, row)?.unwrap_or_default();
            point.insert(name.to_owned(), json!({ "offset": offset, "bucketCounts": longs(&counts) }));
        }
    }
    Ok(())
}

fn longs(counts: &[u64]) -> Value {
    counts.iter().map(|count| long(Some(count))).collect()
}

fn quantile(quantiles: Cells<'_>, row: usize) -> Result<Value, Error> {
    let mut quantile = Object::new();
    put_double(&mut quantile, "quantile", quantiles.double("quantile", row)?);
    put_double(&mut quantile, "value", quantiles.double("value", row)?);
    Ok(Value::Object(quantile))
}

fn exemplar(exemplars: Cells<'_>, row: usize) -> Result<Value, Error> {
    let mut exemplar = Object::new();
    put(&mut exemplar, "timeUnixNano", long(exemplars.time("time", row)?));
    put_number(&mut exemplar, exemplars, row)?;
    put(&mut exemplar, "traceId", id(exemplars.bytes("trace_id", row)?));
    put(&mut exemplar, "spanId", id(exemplars.bytes("span_id", row)?));
    put(&mut exemplar, "filteredAttributes", attributes(exemplars, "attributes", row)?);
    Ok(Value::Object(exemplar))
}
