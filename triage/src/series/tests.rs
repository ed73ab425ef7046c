//! Points of metrics become series of levels, amounts and means.

use super::{Point, Shape};
use crate::test_rows::{MetricRow, SpanRow, input, metrics, spans};
use crate::{Limits, Tables, TriageInput, Window};

fn tables(rows: &[MetricRow]) -> Tables {
    let spans = [spans(&[SpanRow::new(7, 71, "cart", "add").at(1, 9).on("cart-1")])];
    let metrics = [metrics(rows)];
    Tables::read(&TriageInput { metrics: &metrics, ..input(&spans) }, &Limits::default())
        .expect("readable rows")
}

fn values(tables: &Tables, series: usize) -> Vec<(i64, f64, f64)> {
    let points = tables.metrics.points(&tables.metrics.series()[series]).iter();
    points.map(|Point { time_ns, value, count }| (*time_ns, *value, *count)).collect()
}

/// Scenario: a gauge, a growing counter that begins anew, a delta and a cumulative histogram, latest point first.
/// Guarantees: levels stay, counters become what was added, histograms a mean with a count; points lie by time.
#[test]
fn whatever_is_sent_becomes_values_over_time() {
    let rows = [
        MetricRow::gauge("a", "cpu", 3, 0.5),
        MetricRow::gauge("a", "cpu", 1, 0.25),
        MetricRow::counter("a", "requests", 3, 4.0),
        MetricRow::counter("a", "requests", 2, 17.0),
        MetricRow::counter("a", "requests", 1, 10.0),
        MetricRow::histogram("a", "wait", 2, (5.0, 30.0), "cumulative"),
        MetricRow::histogram("a", "wait", 1, (3.0, 20.0), "cumulative"),
        MetricRow::histogram("a", "work", 1, (4.0, 6.0), "delta"),
    ];
    let tables = tables(&rows);
    let shapes: Vec<_> = tables.metrics.series().iter().map(|series| series.shape).collect();
    assert_eq!(shapes, [Shape::Level, Shape::Amount, Shape::Mean, Shape::Mean]);
    assert_eq!(values(&tables, 0), [(1, 0.25, 1.0), (3, 0.5, 1.0)]);
    assert_eq!(values(&tables, 1), [(2, 7.0, 1.0), (3, 4.0, 1.0)]);
    assert_eq!(values(&tables, 2), [(2, 5.0, 2.0)]);
    assert_eq!(values(&tables, 3), [(1, 1.5, 4.0)]);
    let cpu = &tables.metrics.series()[0];
    assert_eq!(tables.metrics.points_in(cpu, Window { from_ns: 2, to_ns: 4 }).len(), 1);
}

/// Scenario: an agent measures the pod that spans name as their instance, and a pod that no span names.
/// Guarantees: the first tells about the service of the spans, the second about its sender.
#[test]
fn series_tell_about_the_service_that_runs_there() {
    let rows = [
        MetricRow::gauge("agent", "cpu", 1, 0.5).of("cart-1"),
        MetricRow::gauge("agent", "cpu", 1, 0.5).of("x-1"),
    ];
    let tables = tables(&rows);
    let services: Vec<_> =
        tables.metrics.series().iter().map(|series| tables.strings.text(series.service)).collect();
    assert_eq!(services, ["agent", "cart"]);
}
