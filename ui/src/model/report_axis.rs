//! The one axis of time that all evidence of a report lies on: onset, ticks, bars, moments.
//!
//! Places are percent of its length, and bars are drawn in a box of fixed size that the page stretches, so nothing
//! has to be measured. Moments outside are not drawn, numbers that are missing leave a gap that can be seen.

use super::chart;
use super::decimal::fixed;
use crate::format::Zone;
use wire::{TriageOnset, TriageReport, UnixNanos};

/// The box of bars.
pub const WIDTH: f64 = 1_000.0;
pub const HEIGHT: f64 = 40.0;
/// Pixels that the axis is about wide, for the number of its ticks.
const SHOWN_PX: f64 = 356.0;
/// What is there is seen, however small it is.
const BAR_MIN: f64 = 1.0;
/// Part of a step that its bar fills.
const BAR_SHARE: f64 = 0.84;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportAxis {
    from_ns: i64,
    to_ns: i64,
    /// Where before ends and now begins: the onset, else the window's beginning.
    turn_ns: i64,
    onset: Option<TriageOnset>,
}

/// Paths of one series: steps before the turn, those after it, and those without a number.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Bars {
    pub before: String,
    pub now: String,
    pub gaps: String,
}

impl ReportAxis {
    pub fn of(report: &TriageReport) -> Self {
        let axis = report.axis;
        let length_ns = axis.step_ns.max(1).saturating_mul(i64::from(axis.n_steps.max(1)));
        Self {
            from_ns: axis.from.0,
            to_ns: axis.from.0.saturating_add(length_ns),
            turn_ns: report.onset.map_or(report.window.from.0, |onset| onset.at.0),
            onset: report.onset,
        }
    }

    /// Beginning and end in milliseconds since 1970, for links to the same stretch of time.
    pub fn range_ms(&self) -> (i64, i64) {
        let end = UnixNanos(self.to_ns.saturating_add(999_999));
        (UnixNanos(self.from_ns).millis(), end.millis())
    }

    /// Where a moment lies, in percent of the axis; none outside of it.
    pub fn place(&self, at: UnixNanos) -> Option<f64> {
        (self.from_ns..=self.to_ns).contains(&at.0).then(|| self.percent(at.0))
    }

    fn percent(&self, at_ns: i64) -> f64 {
        let at_ns = at_ns.clamp(self.from_ns, self.to_ns);
        let length_ns = self.to_ns.saturating_sub(self.from_ns).max(1);
        at_ns.saturating_sub(self.from_ns) as f64 / length_ns as f64 * 100.0
    }

    /// Place of the onset, and beginning and width of where it may lie; none where nothing is known, or outside.
    pub fn onset(&self) -> Option<(f64, f64, f64)> {
        let onset = self.onset?;
        let at = self.place(onset.at)?;
        let (from, to) = (self.percent(onset.earliest.0), self.percent(onset.latest.0));
        Some((at, from, (to - from).max(0.0)))
    }

    /// Place and words of round clock times.
    pub fn ticks(&self, zone: Zone) -> Vec<(f64, String)> {
        let (from_ms, to_ms) = self.range_ms();
        let ticks = chart::time_ticks(from_ms, to_ms, SHOWN_PX, zone);
        ticks.into_iter().map(|(at_ms, text)| (self.percent(UnixNanos::from_millis(at_ms).0), text)).collect()
    }

    /// A bar a step; `high` is the value of a full one.
    pub fn bars(&self, values: &[Option<f64>], high: f64) -> Bars {
        let mut bars = Bars::default();
        let width = WIDTH / values.len().max(1) as f64;
        for (i, value) in values.iter().enumerate() {
            let x = i as f64 * width;
            let Some(value) = value.filter(|value| value.is_finite()) else {
                bars.gaps.push_str(&bar(x, width, HEIGHT));
                continue;
            };
            if value > 0.0 && high > 0.0 {
                let height = ((value / high).min(1.0) * HEIGHT).max(BAR_MIN);
                let path = if self.is_now(i, values.len()) { &mut bars.now } else { &mut bars.before };
                path.push_str(&bar(x, width * BAR_SHARE, height));
            }
        }
        bars
    }

    /// Means before the turn and after it.
    pub fn means(&self, values: &[Option<f64>]) -> (Option<f64>, Option<f64>) {
        let mut sums = [(0.0, 0_u32); 2];
        for (i, value) in values.iter().enumerate() {
            if let Some(value) = value.filter(|value| value.is_finite()) {
                let sum = &mut sums[usize::from(self.is_now(i, values.len()))];
                *sum = (sum.0 + value, sum.1 + 1);
            }
        }
        let [before, now] = sums.map(|(sum, n)| (n > 0).then(|| sum / f64::from(n)));
        (before, now)
    }

    /// The step that the turn lies in belongs to now.
    fn is_now(&self, step: usize, n_steps: usize) -> bool {
        let end = (step + 1) as f64 / n_steps.max(1) as f64 * 100.0;
        end > self.percent(self.turn_ns)
    }
}

/// The largest of several series, so that they share a scale.
pub fn high(series: &[&[Option<f64>]]) -> f64 {
    let values = series.iter().flat_map(|values| values.iter().flatten()).copied();
    values.filter(|value| value.is_finite()).fold(0.0, f64::max)
}

fn bar(x: f64, width: f64, height: f64) -> String {
    let (w, h) = (fixed(width, 1), fixed(height, 1));
    format!("M{} {}v-{h}h{w}v{h}z", fixed(x, 1), fixed(HEIGHT, 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::TriageAxis;

    const SECOND: i64 = 1_000_000_000;

    /// Ten steps of ten seconds from 1,000 s on; it begins at 1,050 s, give or take 10 s.
    fn axis() -> ReportAxis {
        let at = |second: i64| UnixNanos(second * SECOND);
        ReportAxis::of(&TriageReport {
            axis: TriageAxis { from: at(1_000), step_ns: 10 * SECOND, n_steps: 10 },
            onset: Some(TriageOnset { at: at(1_050), earliest: at(1_040), latest: at(1_060) }),
            ..TriageReport::default()
        })
    }

    /// Scenario: moments before, in and after the axis, and the onset with its uncertainty.
    /// Guarantees: places are shares of the axis; what is outside has none.
    #[test]
    fn moments_have_places() {
        let place = |second: i64| axis().place(UnixNanos(second * SECOND));
        assert_eq!([place(1_000), place(1_025), place(1_100)], [Some(0.0), Some(25.0), Some(100.0)]);
        assert_eq!([place(999), place(1_101)], [None, None]);
        assert_eq!(axis().onset(), Some((50.0, 40.0, 20.0)));
        assert_eq!(axis().range_ms(), (1_000_000, 1_100_000));
        assert!(axis().ticks(Zone::Utc).iter().all(|(place, _)| (0.0..=100.0).contains(place)));
    }

    /// Scenario: counts before and after the onset, a step that was not read, and one that is no number.
    /// Guarantees: bars are split where it began, gaps are marked, zero draws nothing and small values something.
    #[test]
    fn bars_turn_at_the_onset() {
        let mut values = vec![Some(0.0); 10];
        (values[0], values[1], values[4]) = (None, Some(f64::NAN), Some(1.0));
        (values[5], values[9]) = (Some(10.0), Some(0.001));
        let bars = axis().bars(&values, high(&[&values]));
        assert_eq!(bars.before, "M400.0 40v-4.0h84.0v4.0z");
        assert_eq!(bars.now, "M500.0 40v-40.0h84.0v40.0zM900.0 40v-1.0h84.0v1.0z");
        assert_eq!(bars.gaps, "M0.0 40v-40.0h100.0v40.0zM100.0 40v-40.0h100.0v40.0z");
        let (before, now) = axis().means(&values);
        assert_eq!((before, now.map(|now| fixed(now, 3))), (Some(1.0 / 3.0), Some("2.000".to_owned())));
        assert_eq!(axis().means(&[]), (None, None));
    }

    /// Scenario: a report without an axis, and one at the ends of time.
    /// Guarantees: nothing overflows, and nothing is drawn outside.
    #[test]
    fn odd_axes_hold() {
        let empty = ReportAxis::of(&TriageReport::default());
        assert_eq!((empty.onset(), empty.bars(&[], 0.0)), (None, Bars::default()));
        let endless = TriageAxis { from: UnixNanos(i64::MIN), step_ns: i64::MAX, n_steps: u32::MAX };
        let axis = ReportAxis::of(&TriageReport { axis: endless, ..TriageReport::default() });
        assert_eq!([axis.place(UnixNanos(-1)), axis.place(UnixNanos(0))], [Some(100.0), None]);
    }
}
