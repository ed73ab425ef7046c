//! What metrics mean: temporality, histograms, exemplars, staleness, units.

use super::post_protobuf;
use crate::messages::points::{self, TEMPORALITIES};
use crate::messages::{self, hex};
use crate::outcome::{Checked, Stop, demand, skip};
use crate::query;
use crate::target::Target;
use crate::wire::Signal;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, DataPointFlags, Exemplar, Gauge, Metric, exemplar,
};
use serde_json::{Value, json};

async fn store(target: &Target, service: &str, metrics: Vec<Metric>) -> Result<(), Stop> {
    post_protobuf(target, Signal::Metrics, &messages::metrics(service, metrics)).await?.whole()
}

/// 32
pub(crate) async fn both_temporalities(target: &Target) -> Checked {
    let service = target.service(32);
    let mut metrics = Vec::new();
    for temporality in TEMPORALITIES {
        let name = |kind: &str| format!("conformance.{kind}.{}", temporality.as_str_name());
        metrics.push(points::sum(&name("sum"), temporality));
        let point = points::explicit(vec![1.0, 2.0], vec![1, 2, 3]);
        metrics.push(points::histogram(&name("histogram"), "s", point, temporality));
        let point = points::exponential(3, -2, vec![4, 0, 5]);
        metrics.push(points::exponential_histogram(&name("exponential"), vec![point], temporality));
    }
    store(target, &service, metrics).await?;
    let sql = format!(
        "SELECT type, temporality FROM metric_points WHERE service = '{service}' ORDER BY type, temporality"
    );
    let rows = query::rows(target, &sql, 6).await?;
    let kinds = ["exponential_histogram", "histogram", "sum"];
    let wanted: Vec<Vec<Value>> = kinds
        .iter()
        .flat_map(|kind| ["cumulative", "delta"].map(|temporality| vec![json!(kind), json!(temporality)]))
        .collect();
    demand(rows == wanted, || format!("read back as {rows:?}"))?;
    Ok("six metrics accepted, and read back".to_owned())
}

/// 33
pub(crate) async fn merges_across_scales(_: &Target) -> Checked {
    skip("merging is not OTLP's: the server's own tests compare merged with direct histograms")
}

/// 34
pub(crate) async fn wild_indexes_are_rejected(target: &Target) -> Checked {
    // Bucket 5000 of scale 0 begins at 2^5000; doubles end below 2^1024.
    let data_points = vec![points::exponential(0, 5_000, vec![1]), points::exponential(0, 5, vec![1])];
    let metric =
        points::exponential_histogram("conformance.wild", data_points, AggregationTemporality::Delta);
    let request = messages::metrics(&target.service(34), vec![metric]);
    let reply = post_protobuf(target, Signal::Metrics, &request).await?;
    reply.rejected(1)?;
    demand(!reply.message.is_empty(), || "one point rejected without a message".to_owned())?;
    Ok(format!("one of two points rejected: '{}'", reply.message))
}

/// 35
pub(crate) async fn exemplars_come_back(target: &Target) -> Checked {
    let service = target.service(35);
    let (trace_id, span_id) = (messages::trace_id(), messages::span_id());
    let mut point = points::explicit(vec![1.0], vec![0, 1]);
    point.exemplars = vec![Exemplar {
        time_unix_nano: point.time_unix_nano,
        trace_id: trace_id.to_vec(),
        span_id: span_id.to_vec(),
        value: Some(exemplar::Value::AsDouble(1.5)),
        ..Exemplar::default()
    }];
    let metric = points::histogram("conformance.exemplar", "s", point, AggregationTemporality::Delta);
    store(target, &service, vec![metric]).await?;
    let sql = format!("SELECT hex(trace_id), hex(span_id), value FROM exemplars WHERE service = '{service}'");
    let rows = query::rows(target, &sql, 1).await?;
    let wanted = [[json!(hex(&trace_id)), json!(hex(&span_id)), json!(1.5)]];
    demand(rows == wanted, || format!("read back as {rows:?}"))?;
    Ok("read back with value, trace and span".to_owned())
}

/// 36
pub(crate) async fn no_value_is_not_zero(target: &Target) -> Checked {
    let service = target.service(36);
    let stale = points::number(None, DataPointFlags::NoRecordedValueMask as u32);
    let data = Data::Gauge(Gauge { data_points: vec![stale] });
    store(target, &service, vec![points::metric("conformance.stale", "1", data)]).await?;
    let sql = format!("SELECT value, value_int, flags FROM metric_points WHERE service = '{service}'");
    let rows = query::rows(target, &sql, 1).await?;
    demand(rows == [[Value::Null, Value::Null, json!(1)]], || format!("read back as {rows:?}"))?;
    Ok("accepted, and read back without a value".to_owned())
}

/// Upper bounds in seconds, and how many requests took that long.
const BOUNDS_S: [f64; 6] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25];
const COUNTS: [u64; 7] = [1, 20, 40, 20, 15, 3, 1];

/// 37: the unit decides, not the name.
pub(crate) async fn both_generations_agree(target: &Target) -> Checked {
    let (old, new) = (format!("{}-old", target.service(37)), format!("{}-new", target.service(37)));
    let histogram = |name: &str, unit: &str, factor: f64| {
        let point = points::explicit(BOUNDS_S.map(|bound| bound * factor).to_vec(), COUNTS.to_vec());
        points::histogram(name, unit, point, AggregationTemporality::Delta)
    };
    store(target, &old, vec![histogram("http.server.duration", "ms", 1e3)]).await?;
    store(target, &new, vec![histogram("http.server.request.duration", "s", 1.0)]).await?;
    let old = p95_s(target, "http.server.duration", &old).await?;
    let new = p95_s(target, "http.server.request.duration", &new).await?;
    demand((old - new).abs() <= 1e-9, || format!("{old} s from milliseconds, {new} s from seconds"))?;
    Ok(format!("{new} s from both"))
}

/// The latest 95th percentile of a service's histogram, in seconds.
async fn p95_s(target: &Target, metric: &str, service: &str) -> Result<f64, Stop> {
    let detail = query::document(target, &format!("/api/v1/metrics/{metric}?service={service}")).await?;
    let factor = match detail["metric"]["unit"].as_str() {
        Some("ms") => 1e-3,
        _ => 1.0,
    };
    let is_p95 = |series: &&Value| {
        let mut labels = series["labels"].as_array().into_iter().flatten();
        labels.any(|label| label["key"] == "quantile" && label["value"] == "p95")
    };
    let series = detail["series"].as_array().and_then(|series| series.iter().find(is_p95));
    let points = series.and_then(|series| series["points"].as_array());
    match points.and_then(|points| points.last()).and_then(|point| point["value"].as_f64()) {
        Some(value) => Ok(value * factor),
        None => skip(format!("no p95 of {metric} for {service}: other series of that name hide it")),
    }
}
