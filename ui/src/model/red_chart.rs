//! Rate, errors and duration of a service as charts with one time axis.

use crate::model::chart::{ChartData, Dash, Marks, Scale, Series, Unit};
use crate::model::figures;
use wire::{RedPoint, ServiceDetail};

/// p50, p95 and p99 on a logarithmic axis, told apart by their dashes.
pub fn latency(detail: &ServiceDetail) -> ChartData {
    let line = |label: &str, dash, value: fn(&RedPoint) -> Option<i64>| {
        series(detail, label, "p-text", dash, move |point| value(point).map(|ns| ns.max(1) as f64))
    };
    let lines = vec![
        line("p99", Dash::Dashed, |point| point.p99_ns),
        line("p95", Dash::Solid, |point| point.p95_ns),
        line("p50", Dash::Dotted, |point| point.p50_ns),
    ];
    ChartData { scale: Scale::Log, marks: Marks::Lines, ..chart(detail, Unit::Nanos, lines) }
}

/// Failed share of each step.
pub fn errors(detail: &ServiceDetail) -> ChartData {
    let ratio = series(detail, "failed", "p-bad", Dash::Solid, figures::error_ratio);
    chart(detail, Unit::Ratio, vec![ratio])
}

/// Requests per second of each step.
pub fn requests(detail: &ServiceDetail) -> ChartData {
    let step_s = f64::from(detail.step_s.max(1));
    let rate = series(detail, "requests", "p-rest", Dash::Solid, move |point| {
        Some(figures::of_point(point).n_requests / step_s)
    });
    chart(detail, Unit::PerSecond, vec![rate])
}

fn chart(detail: &ServiceDetail, unit: Unit, series: Vec<Series>) -> ChartData {
    ChartData {
        from_ms: detail.from.millis(),
        to_ms: detail.to.millis(),
        step_ms: i64::from(detail.step_s.max(1)) * 1_000,
        unit,
        scale: Scale::Linear,
        marks: Marks::Bars,
        series,
        levels: Vec::new(),
    }
}

fn series(
    detail: &ServiceDetail,
    label: &str,
    paint: &'static str,
    dash: Dash,
    value: impl Fn(&RedPoint) -> Option<f64>,
) -> Series {
    let points = detail.points.iter().map(|point| (point.at.millis(), value(point))).collect();
    Series { label: label.to_owned(), paint, dash, points }
}

/// Versions that began inside the range: where to put a mark, and what it says.
pub fn releases(detail: &ServiceDetail) -> Vec<(i64, String)> {
    let step_ms = i64::from(detail.step_s.max(1)) * 1_000;
    let begins =
        |version: &&wire::VersionRow| version.first_seen_at.millis() > detail.from.millis() + step_ms;
    let named = detail.versions.iter().filter(|version| !version.version.is_empty());
    named.filter(begins).map(|version| (version.first_seen_at.millis(), version.version.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::{Figures, UnixNanos, VersionRow};

    fn version(name: &str, first_s: i64) -> VersionRow {
        let at = UnixNanos(first_s * 1_000_000_000);
        VersionRow { version: name.to_owned(), first_seen_at: at, last_seen_at: at, red: Figures::default() }
    }

    /// Scenario: a service with a quiet step, a new version and one that ran before the range.
    /// Guarantees: the quiet step is a gap in ratio and latency but zero requests; only the new version
    /// is marked.
    #[test]
    fn keeps_gaps_and_marks_releases() {
        let point = |at_s: i64, n_requests, n_errors, p95_ns| RedPoint {
            at: UnixNanos(at_s * 1_000_000_000),
            n_requests,
            n_errors,
            estimate: None,
            p50_ns: p95_ns,
            p95_ns,
            p99_ns: p95_ns,
        };
        let detail = ServiceDetail {
            service: "a".to_owned(),
            from: UnixNanos(0),
            to: UnixNanos(30_000_000_000),
            step_s: 10,
            red: Figures::default(),
            points: vec![point(0, 40, 10, Some(5)), point(10, 0, 0, None), point(20, 10, 0, Some(0))],
            versions: vec![version("1", 1), version("2", 15), version("", 20)],
            ..ServiceDetail::default()
        };
        let values = |chart: ChartData| chart.series[0].points.iter().map(|(_, v)| *v).collect::<Vec<_>>();
        assert_eq!(values(errors(&detail)), [Some(0.25), None, Some(0.0)]);
        assert_eq!(values(requests(&detail)), [Some(4.0), Some(0.0), Some(1.0)]);
        assert_eq!(values(latency(&detail)), [Some(5.0), None, Some(1.0)]);
        assert_eq!(releases(&detail), [(15_000, "2".to_owned())]);
    }
}
