//! Good and bad events over time as charts: counts as bars, the error ratio as a line.
//!
//! Steps without events are gaps in the ratio, never zero errors.

use super::chart::{ChartData, Dash, Marks, Scale, Series, Unit};
use super::grid;
use crate::format;
use wire::{BurndownPoint, SloDetail};

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

/// What was left of the budget, with nothing left as a level.
pub fn burndown(points: &[BurndownPoint]) -> ChartData {
    let points: Vec<_> = points.iter().map(|point| (point.at.millis(), point.remaining)).collect();
    let from_ms = points.first().map_or(0, |point| point.0);
    let to_ms = points.last().map_or(0, |point| point.0);
    let step_ms = points.get(1).map_or(1_000, |second| (second.0 - from_ms).max(1));
    let paint = "p-rest";
    ChartData {
        from_ms,
        to_ms,
        step_ms,
        unit: Unit::Ratio,
        scale: Scale::Linear,
        marks: Marks::Lines,
        series: vec![Series { label: "budget left".to_owned(), paint, dash: Dash::Solid, points }],
        levels: vec![(0.0, "spent".to_owned())],
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use wire::{AlertState, SliPoint, SloRow, UnixNanos};

    fn detail() -> SloDetail {
        let slo = SloRow {
            id: "a".to_owned(),
            name: "a".to_owned(),
            service: "checkout".to_owned(),
            operation: None,
            indicator: "availability".to_owned(),
            threshold_ns: None,
            sentence: String::new(),
            target: 0.999,
            period_s: 86_400,
            n_good: 0,
            n_total: 0,
            compliance: None,
            budget_remaining: None,
            coverage: 1.0,
            exhaustion_s: None,
            state: AlertState::Inactive,
            is_configured: true,
            tiers: Vec::new(),
        };
        let point = |at_s: i64, n_good, n_total| SliPoint {
            at: UnixNanos::from_millis(at_s * 1_000),
            n_good,
            n_total,
        };
        let left =
            |at_s: i64, remaining| BurndownPoint { at: UnixNanos::from_millis(at_s * 1_000), remaining };
        SloDetail {
            slo,
            from: UnixNanos(0),
            to: UnixNanos::from_millis(30_000),
            step_s: 10,
            points: vec![point(0, 8, 10), point(20, 0, 0)],
            burndown: vec![left(0, Some(1.0)), left(10, None), left(20, Some(-0.5))],
            alerts: Vec::new(),
            sql: String::new(),
            ..SloDetail::default()
        }
    }

    /// Scenario: a step with errors, one that is missing, and one with no events.
    /// Guarantees: the ratio has gaps where nothing happened, and the allowed share is readable.
    #[test]
    fn no_events_are_no_success() {
        let detail = detail();
        let ratio = error_ratio(&detail);
        let values: Vec<_> = ratio.series[0].points.iter().map(|(_, value)| *value).collect();
        assert_eq!(values, [Some(0.2), None, None]);
        assert_eq!(ratio.levels[0].1, "allowed 0.1 %");
        let events = events(&detail);
        assert_eq!(events.series[1].points[0].1, Some(2.0));
        assert_eq!(events.series[0].points[1].1, None);
    }

    /// Scenario: a budget that is whole, then unknown, then overspent.
    /// Guarantees: the chart spans its points; what is unknown is a gap.
    #[test]
    fn burndowns_have_gaps() {
        let chart = burndown(&detail().burndown);
        assert_eq!((chart.from_ms, chart.to_ms, chart.step_ms), (0, 20_000, 10_000));
        let values: Vec<_> = chart.series[0].points.iter().map(|(_, value)| *value).collect();
        assert_eq!(values, [Some(1.0), None, Some(-0.5)]);
        assert!(burndown(&[]).series[0].points.is_empty());
    }
}
