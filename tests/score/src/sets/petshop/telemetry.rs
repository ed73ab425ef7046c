//! A node is a service: its requests as a sum, its latency and availability as gauges, the graph as collectors tell it.

use super::{Graph, Issues, LABELS, Placement};
use crate::columns::{self, whole};
use crate::feed::{Batcher, Outlet};
use crate::json;
use crate::otlp::{Point, attribute, count, gauge};
use anyhow::Result;
use arrow::array::Array as _;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::{AggregationTemporality, Metric};
use std::collections::BTreeMap;
use std::path::Path;

const COLUMNS: &[&str] = &["dataset_id", "time_unix_nano", "node", "metric", "statistic", "value"];
/// How a row's number sums up its step; it becomes an attribute of the point.
const STATISTIC: &str = "statistic";
const SUM: &str = "Sum";
/// Length of a step.
const STEP: i64 = 300_000_000_000;
/// The metric of a graph of services, made from spans that are not there.
const GRAPH_METRIC: &str = "traces_service_graph_request_total";

/// First and last time of each recording, moved.
type Times = BTreeMap<String, (i64, i64)>;

/// One row.
struct Row<'a> {
    at: i64,
    metric: &'a str,
    statistic: &'a str,
    value: f64,
}

pub(in crate::sets) fn produce(dir: &Path, outlet: &Outlet) -> Result<()> {
    let issues: Issues = json::read(&dir.join(LABELS))?;
    let graph: Graph = json::read(&dir.join("graph.json"))?;
    let times = metrics(&dir.join("metrics.parquet"), &issues, outlet)?;
    calls(&graph, &times, outlet)
}

/// Recordings that no label names are left out.
fn metrics(path: &Path, issues: &Issues, outlet: &Outlet) -> Result<Times> {
    let placement = Placement::of(issues);
    let is_known = |id: &str| id == issues.baseline.id || issues.issues.iter().any(|issue| issue.id == id);
    let mut times = Times::new();
    let mut points = Batcher::new(outlet);
    columns::read(path, COLUMNS, &mut |batch| {
        let (recordings, nodes) = (batch.texts("dataset_id")?, batch.texts("node")?);
        let (metrics, statistics) = (batch.texts("metric")?, batch.texts("statistic")?);
        let (moments, values) = (batch.whole_numbers("time_unix_nano")?, batch.numbers("value")?);
        for row in (0..batch.n_rows()).filter(|row| values.is_valid(*row)) {
            let (recording, node) = (recordings.text(row), nodes.text(row));
            if !is_known(recording) {
                continue;
            }
            let at = whole(&moments, row) + placement.shift(recording);
            note(&mut times, recording, at);
            let (metric, statistic) = (metrics.text(row), statistics.text(row));
            let row = Row { at, metric, statistic, value: values.value(row) };
            points.push(node, || vec![attribute("service.name", node)], point(&row))?;
        }
        Ok(())
    })?;
    points.flush()?;
    Ok(times)
}

fn note(times: &mut Times, recording: &str, at: i64) {
    let ends = times.entry(recording.to_owned()).or_insert((at, at));
    *ends = (ends.0.min(at), ends.1.max(at));
}

fn point(row: &Row<'_>) -> Metric {
    let attributes = vec![attribute(STATISTIC, row.statistic)];
    let point = Point { at: row.at, value: row.value };
    if row.statistic == SUM {
        let since = row.at - STEP;
        return count(row.metric, unit(row.metric), since, point, attributes, AggregationTemporality::Delta);
    }
    gauge(row.metric, unit(row.metric), point, attributes)
}

/// The layout's own units.
fn unit(metric: &str) -> &'static str {
    match metric {
        "requests" => "{request}",
        "latency" => "s",
        "availability" => "%",
        _ => "",
    }
}

/// A point for each edge at both ends of each recording: how many calls there were is not known, but that there were.
fn calls(graph: &Graph, times: &Times, outlet: &Outlet) -> Result<()> {
    let mut moments: Vec<i64> = times.values().flat_map(|(first, last)| [*first, *last]).collect();
    moments.sort_unstable();
    moments.dedup();
    let Some(since) = moments.first().map(|first| first - STEP) else { return Ok(()) };
    let mut points = Batcher::new(outlet);
    for (idx, at) in moments.iter().enumerate() {
        for (client, server) in &graph.edges {
            let point = Point { at: *at, value: (idx + 1) as f64 };
            let attributes = vec![attribute("client", client), attribute("server", server)];
            let count = count(
                GRAPH_METRIC,
                "{request}",
                since,
                point,
                attributes,
                AggregationTemporality::Cumulative,
            );
            points.push("", Vec::<KeyValue>::new, count)?;
        }
    }
    points.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry_proto::tonic::metrics::v1::metric::Data;

    /// Scenario: a sum and an average.
    /// Guarantees: the sum is of its step alone, the average a gauge; both say what they are.
    #[test]
    fn statistics_become_points() {
        let row = |metric, statistic| Row { at: 2 * STEP, metric, statistic, value: 3.0 };
        let requests = point(&row("requests", "Sum"));
        let Some(Data::Sum(sum)) = &requests.data else { panic!("a sum: {requests:?}") };
        assert_eq!(sum.aggregation_temporality(), AggregationTemporality::Delta);
        assert_eq!(i64::try_from(sum.data_points[0].start_time_unix_nano), Ok(STEP));
        assert_eq!(sum.data_points[0].attributes, [attribute("statistic", "Sum")]);
        let latency = point(&row("latency", "Average"));
        assert_eq!(latency.unit, "s");
        assert!(matches!(latency.data, Some(Data::Gauge(_))), "{latency:?}");
    }

    /// Scenario: times of two recordings, out of order.
    /// Guarantees: the first and the last are known of each.
    #[test]
    fn recordings_have_two_ends() {
        let mut times = Times::new();
        for (recording, at) in [("a", 5), ("b", 1), ("a", 3), ("a", 9)] {
            note(&mut times, recording, at);
        }
        assert_eq!(times.into_values().collect::<Vec<_>>(), [(3, 9), (1, 1)]);
    }
}
