//! The catalogue of metrics, and series to draw.

use std::time::Duration;
use storage::TimeRange;
use wire::UnixNanos;

pub(in super::super) fn metric_list(metrics: Vec<storage::MetricInfo>, range: TimeRange) -> wire::MetricList {
    wire::MetricList {
        from: UnixNanos(range.from),
        to: UnixNanos(range.to),
        metrics: metrics.into_iter().map(metric_row).collect(),
        sql: storage::Engine::metrics_sql(range),
    }
}

fn metric_row(info: storage::MetricInfo) -> wire::MetricRow {
    wire::MetricRow {
        name: info.name,
        unit: info.unit,
        metric_type: info.metric_type,
        temporality: info.temporality,
        is_monotonic: info.is_monotonic,
        description: info.description,
        services: info.services,
        n_series: info.n_series,
        n_points: info.n_points,
        last_at: UnixNanos(info.last_at),
    }
}

pub(in super::super) fn metric_detail(
    data: storage::MetricData,
    range: TimeRange,
    step: Duration,
) -> wire::MetricDetail {
    wire::MetricDetail {
        metric: metric_row(data.info),
        from: UnixNanos(range.from),
        to: UnixNanos(range.to),
        step_s: super::step_s(step),
        view: match data.view {
            storage::MetricView::Value => wire::MetricView::Value,
            storage::MetricView::Rate => wire::MetricView::Rate,
            storage::MetricView::Quantiles => wire::MetricView::Quantiles,
        },
        series: data.series.into_iter().map(series).collect(),
        truncated: data.truncated,
        sql: data.sql,
    }
}

fn series(series: storage::MetricSeries) -> wire::MetricSeries {
    let label = |(key, value)| wire::MetricLabel { key, value };
    let point = |(at, value)| wire::MetricPoint { at: UnixNanos(at), value };
    wire::MetricSeries {
        labels: series.labels.into_iter().map(label).collect(),
        points: series.points.into_iter().map(point).collect(),
    }
}
