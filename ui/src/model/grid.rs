//! Steps of a time axis: puts sparse points on the grid that all series of a chart share.
//!
//! Servers leave out empty steps; charts and tables need them, as gaps.

/// Most steps a chart carries; more than any screen has pixels.
const STEPS_MAX: i64 = 4_000;

/// Starts of the steps that cover `[from_ms, to_ms)`, on multiples of the step, and the step's length.
#[derive(Debug, Clone, PartialEq)]
pub struct Steps {
    pub starts_ms: Vec<i64>,
    pub step_ms: i64,
}

pub fn steps(from_ms: i64, to_ms: i64, step_s: u32) -> Steps {
    let step_ms = i64::from(step_s.max(1)) * 1_000;
    let first = from_ms.div_euclid(step_ms);
    let last = (to_ms - 1).div_euclid(step_ms).clamp(first, first + STEPS_MAX);
    Steps { starts_ms: (first..=last).map(|step| step * step_ms).collect(), step_ms }
}

/// One value a step: the last of the points that fall into it, or none.
pub fn fill(steps: &Steps, points: impl Iterator<Item = (i64, Option<f64>)>) -> Vec<(i64, Option<f64>)> {
    let mut values: Vec<(i64, Option<f64>)> = steps.starts_ms.iter().map(|at| (*at, None)).collect();
    let Some(first) = steps.starts_ms.first() else { return values };
    for (at_ms, value) in points {
        let idx = usize::try_from((at_ms - first).div_euclid(steps.step_ms)).ok();
        if let Some(slot) = idx.and_then(|idx| values.get_mut(idx)) {
            slot.1 = value;
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: a range that begins and ends inside a step, with points in two of four steps.
    /// Guarantees: every step is there once, points land in theirs, the others are gaps.
    #[test]
    fn sparse_points_land_on_the_grid() {
        let steps = steps(15_000, 45_000, 10);
        assert_eq!(steps.starts_ms, [10_000, 20_000, 30_000, 40_000]);
        let points = [(10_000, Some(1.0)), (32_000, Some(3.0))];
        let filled = fill(&steps, points.into_iter());
        assert_eq!(filled, [(10_000, Some(1.0)), (20_000, None), (30_000, Some(3.0)), (40_000, None)]);
    }

    /// Scenario: points before and after the range, an empty range, and an absurd one.
    /// Guarantees: strays are dropped, there is always at least one step and never too many.
    #[test]
    fn strays_and_extremes_are_bounded() {
        let few = steps(10_000, 30_000, 10);
        let filled = fill(&few, [(0, Some(1.0)), (30_000, Some(2.0))].into_iter());
        assert_eq!(filled, [(10_000, None), (20_000, None)]);
        assert_eq!(steps(5_000, 5_000, 0).starts_ms.len(), 1);
        assert!(steps(0, i64::MAX, 1).starts_ms.len() <= 4_001);
    }
}
