//! A metric as a chart: its series on one grid, one unit, colours with dashes behind them.

use super::chart::{ChartData, Dash, Marks, Scale, Series};
use super::{grid, metric_catalogue, metric_unit, name_text};
use crate::format;
use wire::MetricDetail;

/// Colour classes of series; after the last one the dash changes.
const PAINTS: [&str; 8] = ["p-1", "p-4", "p-3", "p-6", "p-5", "p-8", "p-2", "p-7"];
const DASHES: [Dash; 3] = [Dash::Solid, Dash::Dashed, Dash::Dotted];

/// One line of the legend.
#[derive(Debug, Clone, PartialEq)]
pub struct LegendRow {
    pub name: String,
    /// Every label with its key.
    pub title: String,
    pub paint: &'static str,
    pub dash: Dash,
    pub last: String,
}

pub fn chart(detail: &MetricDetail) -> ChartData {
    let steps = grid::steps(detail.from.millis(), detail.to.millis(), detail.step_s);
    let series = detail.series.iter().enumerate().map(|(i, series)| {
        let points = series.points.iter().map(|point| (point.at.millis(), Some(point.value)));
        Series {
            label: metric_catalogue::series_name(&series.labels, &detail.metric.name),
            paint: paint(i),
            dash: dash(i),
            points: grid::fill(&steps, points),
        }
    });
    ChartData {
        from_ms: detail.from.millis(),
        to_ms: detail.to.millis(),
        step_ms: steps.step_ms,
        unit: metric_unit::unit_of(largest(detail), &detail.metric.unit, detail.view),
        scale: Scale::Linear,
        marks: Marks::Lines,
        series: series.collect(),
        levels: Vec::new(),
    }
}

/// Name and last value of each series, in the order of the chart.
pub fn legend(detail: &MetricDetail) -> Vec<LegendRow> {
    let unit = metric_unit::unit_of(largest(detail), &detail.metric.unit, detail.view);
    let last = |series: &wire::MetricSeries| {
        series.points.last().map_or_else(|| format::MISSING.to_owned(), |point| unit.text(point.value))
    };
    let row = |(i, series): (usize, &wire::MetricSeries)| LegendRow {
        name: metric_catalogue::series_name(&series.labels, &detail.metric.name),
        title: metric_catalogue::series_title(&series.labels),
        paint: paint(i),
        dash: dash(i),
        last: last(series),
    };
    detail.series.iter().enumerate().map(row).collect()
}

/// What is drawn, as one sentence for those who do not see it.
pub fn label(detail: &MetricDetail) -> String {
    format!(
        "{}, {}, {}",
        name_text::inline(&detail.metric.name),
        metric_catalogue::view_words(detail.view),
        format::counted(detail.series.len() as u64, "series", "series")
    )
}

pub(super) fn paint(i: usize) -> &'static str {
    PAINTS[i % PAINTS.len()]
}

pub(super) fn dash(i: usize) -> Dash {
    DASHES[i / PAINTS.len() % DASHES.len()]
}

fn largest(detail: &MetricDetail) -> f64 {
    let values = detail.series.iter().flat_map(|series| &series.points).map(|point| point.value.abs());
    values.filter(|value| value.is_finite()).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::{MetricLabel, MetricPoint, MetricRow, MetricSeries, MetricView, UnixNanos};

    fn series(value: &str, points: &[(i64, f64)]) -> MetricSeries {
        MetricSeries {
            labels: vec![MetricLabel { key: "http.request.method".to_owned(), value: value.to_owned() }],
            points: points
                .iter()
                .map(|(at_s, value)| MetricPoint { at: UnixNanos::from_millis(at_s * 1_000), value: *value })
                .collect(),
        }
    }

    fn detail(series: Vec<MetricSeries>) -> MetricDetail {
        MetricDetail {
            metric: MetricRow {
                name: "http.server.request.duration".to_owned(),
                unit: "s".to_owned(),
                metric_type: "histogram".to_owned(),
                temporality: Some("delta".to_owned()),
                is_monotonic: None,
                description: String::new(),
                services: vec!["checkout".to_owned()],
                n_series: 2,
                n_points: 4,
                last_at: UnixNanos(0),
            },
            from: UnixNanos::from_millis(0),
            to: UnixNanos::from_millis(30_000),
            step_s: 10,
            view: MetricView::Quantiles,
            series,
            truncated: false,
            sql: String::new(),
        }
    }

    /// Scenario: two series with points in different steps.
    /// Guarantees: both lie on the same grid with gaps, share a unit, and differ in colour.
    #[test]
    fn series_share_grid_and_unit() {
        let detail = detail(vec![series("GET", &[(0, 0.02), (20, 0.04)]), series("POST", &[(10, 0.8)])]);
        let chart = chart(&detail);
        let values = |i: usize| chart.series[i].points.iter().map(|(_, value)| *value).collect::<Vec<_>>();
        assert_eq!(values(0), [Some(0.02), None, Some(0.04)]);
        assert_eq!(values(1), [None, Some(0.8), None]);
        assert_eq!(chart.unit.text(0.02), "20 ms");
        assert_ne!(chart.series[0].paint, chart.series[1].paint);
        let legend = legend(&detail);
        assert_eq!((legend[0].name.as_str(), legend[0].last.as_str()), ("GET", "40 ms"));
        assert_eq!(legend[1].title, "http.request.method=POST");
    }

    /// Scenario: more series than colours.
    /// Guarantees: colour and dash together stay unique for 24 of them.
    #[test]
    fn marks_stay_distinct() {
        let pairs: Vec<(&str, Dash)> = (0..24).map(|i| (paint(i), dash(i))).collect();
        for (i, pair) in pairs.iter().enumerate() {
            assert!(!pairs[..i].contains(pair), "series {i}");
        }
    }
}
