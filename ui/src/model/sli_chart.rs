//! Good and bad events over time as charts: counts as bars, the error ratio as a line.
//!
//! Steps without events are gaps in the ratio, never zero errors.

use super::chart::{ChartData, Dash, Marks, Scale, Series, Unit};
use super::grid;
use crate::format;
use wire::SloDetail;

/// All events as bars with the bad ones in front.
pub fn events(detail: &SloDetail) -> ChartData {
    let all = points(detail, |point| Some(point.n_total as f64));
    let bad = points(detail, |point| Some(point.n_total.saturating_sub(point.n_good) as f64));
    let series = vec![
        Series { label: "all".to_owned(), paint: "p-rest", dash: Dash::Solid, points: all },
        Series { label: "bad".to_owned(), paint: "p-bad", dash: Dash::Solid, points: bad },
    ];
    chart(detail, Unit::Count, Marks::Bars, series, Vec::new())
}

/// Share of bad events with the share the objective allows as a level.
pub fn error_ratio(detail: &SloDetail) -> ChartData {
    let ratio = points(detail, |point| {
        let bad = point.n_total.saturating_sub(point.n_good) as f64;
        (point.n_total > 0).then(|| bad / point.n_total as f64)
    });
    let allowed = 1.0 - detail.slo.target;
    let levels = vec![(allowed, format!("allowed {}", format::percent(round_share(allowed))))];
    let series =
        vec![Series { label: "errors".to_owned(), paint: "p-bad", dash: Dash::Solid, points: ratio }];
    chart(detail, Unit::Ratio, Marks::Lines, series, levels)
}

/// One minus a decimal fraction is not a decimal fraction: 1 - 0.999 must read as 0.1 %.
fn round_share(share: f64) -> f64 {
    (share * 1e6).round() / 1e6
}

fn points(detail: &SloDetail, value: impl Fn(&wire::SliPoint) -> Option<f64>) -> Vec<(i64, Option<f64>)> {
    let steps = grid::steps(detail.from.millis(), detail.to.millis(), detail.step_s);
    grid::fill(&steps, detail.points.iter().map(|point| (point.at.millis(), value(point))))
}

fn chart(
    detail: &SloDetail,
    unit: Unit,
    marks: Marks,
    series: Vec<Series>,
    levels: Vec<(f64, String)>,
) -> ChartData {
    ChartData {
        from_ms: detail.from.millis(),
        to_ms: detail.to.millis(),
        step_ms: i64::from(detail.step_s.max(1)) * 1_000,
        unit,
        scale: Scale::Linear,
        marks,
        series,
        levels,
    }
}
