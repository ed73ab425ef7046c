//! One axis of time for everything that a report draws: the window, and as much of the time before it.

use super::{Axis, Lane};
use crate::input::{TriageInput, Window};

/// Widths that people know, in seconds.
const STEPS_S: [i64; 12] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600];
/// About so many steps: more cannot be told apart beside a text.
const N_STEPS: i64 = 60;
const SECOND_NS: i64 = 1_000_000_000;
/// At least this much before the window is shown.
const BEFORE_MIN_NS: i64 = 5 * 60 * SECOND_NS;

impl Axis {
    pub(super) fn of(window: Window) -> Self {
        let before = window.length_ns().max(BEFORE_MIN_NS);
        let from_ns = window.from_ns.saturating_sub(before);
        let length = window.to_ns.saturating_sub(from_ns).max(1);
        let nice = STEPS_S.into_iter().map(|step| step * SECOND_NS).find(|step| length / step <= N_STEPS);
        let step_ns = nice.unwrap_or(length / N_STEPS);
        let from_ns = from_ns.saturating_sub(from_ns.rem_euclid(step_ns));
        let n_steps = window.to_ns.saturating_sub(from_ns).saturating_add(step_ns - 1) / step_ns;
        Self { from_ns, step_ns, n_steps: usize::try_from(n_steps).unwrap_or(0) }
    }

    /// The step that a moment is in.
    pub(super) fn step(&self, at_ns: i64) -> Option<usize> {
        let step = at_ns.checked_sub(self.from_ns)?.div_euclid(self.step_ns);
        usize::try_from(step).ok().filter(|step| *step < self.n_steps)
    }

    /// How many of the moments are in each step; nothing where no step's time was read.
    pub(super) fn counts(&self, input: &TriageInput<'_>, moments: impl Iterator<Item = i64>) -> Lane {
        let mut lane: Lane = (0..self.n_steps).map(|step| self.is_read(input, step).then_some(0.0)).collect();
        for step in moments.filter_map(|at_ns| self.step(at_ns)) {
            *lane[step].get_or_insert(0.0) += 1.0;
        }
        lane
    }

    /// The mean of the values in each step.
    pub(super) fn means(&self, points: impl Iterator<Item = (i64, f64)>) -> Lane {
        let mut sums = vec![(0.0, 0u32); self.n_steps];
        for (at_ns, value) in points {
            if let Some(step) = self.step(at_ns) {
                sums[step] = (sums[step].0 + value, sums[step].1 + 1);
            }
        }
        sums.into_iter().map(|(sum, n)| (n > 0).then(|| sum / f64::from(n))).collect()
    }

    /// Whether the middle of a step lies in a time that was asked about.
    fn is_read(&self, input: &TriageInput<'_>, step: usize) -> bool {
        let begun = self.from_ns.saturating_add(self.step_ns.saturating_mul(step as i64));
        let middle = begun.saturating_add(self.step_ns / 2);
        input.stretch(middle.min(input.window.to_ns.saturating_sub(1))) != crate::Stretch::Outside
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_rows::input;

    /// Scenario: a window of three minutes, one of no length, and one of years.
    /// Guarantees: whole steps of a known width from before the window to its end, at most some seventy, without overflow.
    #[test]
    fn an_axis_covers_the_window() {
        let minute = 60 * SECOND_NS;
        let axis = Axis::of(Window { from_ns: 100 * minute, to_ns: 103 * minute });
        assert_eq!(axis, Axis { from_ns: 95 * minute, step_ns: 10 * SECOND_NS, n_steps: 48 });
        assert_eq!((axis.step(95 * minute), axis.step(103 * minute)), (Some(0), None));
        assert_eq!(axis.step(103 * minute - 1), Some(47));
        assert_eq!((axis.step(i64::MIN), axis.step(i64::MAX)), (None, None));
        for (from_ns, to_ns) in [(0, 0), (0, i64::MAX), (i64::MIN, i64::MAX)] {
            let axis = Axis::of(Window { from_ns, to_ns });
            assert!(axis.n_steps <= 130, "{axis:?}");
        }
    }

    /// Scenario: moments in and around a window whose time before was read only in part.
    /// Guarantees: steps that were read count, those that were not have no number.
    #[test]
    fn unread_steps_have_no_number() {
        let baselines = [Window { from_ns: 0, to_ns: 50 * SECOND_NS }];
        let window = Window { from_ns: 600 * SECOND_NS, to_ns: 630 * SECOND_NS };
        let input = TriageInput { window, baselines: &baselines, ..input(&[]) };
        let axis = Axis::of(window);
        let lane = axis.counts(&input, [601, 602, 700].map(|second| second * SECOND_NS).into_iter());
        assert_eq!(lane.iter().flatten().sum::<f64>(), 2.0);
        assert_eq!(lane[0], None);
        assert!(lane[axis.n_steps - 1].is_some());
        let means =
            axis.means([(601, 2.0), (601, 4.0)].map(|(at, value)| (at * SECOND_NS, value)).into_iter());
        assert_eq!(means.iter().flatten().collect::<Vec<_>>(), [&3.0]);
    }
}
