//! Before against after, where the moment between them is not known.
//!
//! Alerts come seconds to minutes after the true onset. So time from the nearest baseline to the end of the window is
//! cut into equal bins, every edge that leaves a third of the window behind it is tried as the onset, and the
//! strongest contrast counts.

use crate::input::{TriageInput, Window};

/// Of a ring of bins: bin 0 is everything older than the nearest baseline.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid {
    from_ns: i64,
    to_ns: i64,
    window: Window,
    n_bins: usize,
}

/// How often something was seen on both sides of a split: `k` times of `n`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counts {
    pub k_before: f64,
    pub n_before: f64,
    pub k_after: f64,
    pub n_after: f64,
}

/// The split with the strongest contrast.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Split {
    /// G statistic, possibly weighted.
    pub(crate) g: f64,
    pub(crate) onset_ns: i64,
    pub(crate) counts: Counts,
}

impl Grid {
    /// From the nearest baseline on; from the window on where there is none.
    pub(crate) fn since_baseline(input: &TriageInput<'_>, n_bins: usize) -> Self {
        let from_ns = input.baselines.last().map_or(input.window.from_ns, |nearest| nearest.from_ns);
        Self { from_ns, to_ns: input.window.to_ns, window: input.window, n_bins }
    }

    /// From half a window before the window on, but not before the first baseline.
    pub(crate) fn around_window(input: &TriageInput<'_>, n_bins: usize) -> Self {
        let first = input.baselines.iter().map(|baseline| baseline.from_ns).min();
        let half = input.window.from_ns.saturating_sub(input.window.length_ns() / 2);
        let from_ns = first.map_or(input.window.from_ns, |first| half.max(first));
        Self { from_ns, to_ns: input.window.to_ns, window: input.window, n_bins }
    }

    /// Bins of a histogram over this grid: those between edges, and the one before all of them.
    pub(crate) fn n_slots(&self) -> usize {
        self.n_bins + 1
    }

    /// The slot of a moment.
    pub(crate) fn slot(&self, time_ns: i64) -> usize {
        if time_ns < self.from_ns || self.to_ns <= self.from_ns {
            return 0;
        }
        let (since, length) = (span(self.from_ns, time_ns), span(self.from_ns, self.to_ns));
        let bin = since * self.n_bins as i128 / length;
        (bin as usize).min(self.n_bins - 1) + 1
    }

    /// Splits by the slots to their left, `0..=split`, with the moment between; all leave a third of the window.
    pub(crate) fn splits(&self) -> impl Iterator<Item = (usize, i64)> {
        let last = i128::from(self.window.from_ns) * 3 + 2 * span(self.window.from_ns, self.window.to_ns);
        let edges = (0..self.n_bins).map(|split| (split, self.edge(split)));
        edges.take_while(move |(_, edge_ns)| i128::from(*edge_ns) * 3 < last)
    }

    fn edge(&self, split: usize) -> i64 {
        let offset = span(self.from_ns, self.to_ns) * split as i128 / self.n_bins as i128;
        (i128::from(self.from_ns) + offset) as i64
    }
}

/// Wide, because hostile timestamps can be further apart than 64 bits hold.
fn span(from_ns: i64, to_ns: i64) -> i128 {
    i128::from(to_ns) - i128::from(from_ns)
}

impl Counts {
    /// How much more often it is seen after than before; half a sighting before is assumed.
    pub fn rise(&self) -> f64 {
        (self.k_after / self.n_after.max(1.0)) / ((self.k_before + 0.5) / (self.n_before + 1.0))
    }

    /// G statistic of one share on both sides against a share on each.
    pub fn g(&self) -> f64 {
        let apart = log_likelihood(self.k_before, self.n_before) + log_likelihood(self.k_after, self.n_after);
        2.0 * (apart - log_likelihood(self.k_before + self.k_after, self.n_before + self.n_after))
    }
}

/// Of `k` hits in `n` trials at their own share.
fn log_likelihood(k: f64, n: f64) -> f64 {
    let share = k / n.max(1.0);
    k * share.max(1e-12).ln() + (n - k) * (1.0 - share).max(1e-12).ln()
}

/// The earliest of the strongest splits of two histograms over the grid; `weigh` turns counts into a weight, or
/// nothing where they say too little.
pub(crate) fn strongest_split(
    grid: &Grid,
    hits: &[f64],
    trials: &[f64],
    weigh: impl Fn(&Counts) -> Option<f64>,
) -> Option<Split> {
    let (k_all, n_all) = (hits.iter().sum::<f64>(), trials.iter().sum::<f64>());
    let mut best: Option<Split> = None;
    let (mut k_before, mut n_before) = (0.0, 0.0);
    for (split, onset_ns) in grid.splits() {
        k_before += hits[split];
        n_before += trials[split];
        let counts = Counts { k_before, n_before, k_after: k_all - k_before, n_after: n_all - n_before };
        if let Some(g) = weigh(&counts)
            && best.is_none_or(|best| g > best.g)
        {
            best = Some(Split { g, onset_ns, counts });
        }
    }
    best.filter(|best| best.g > 0.0)
}

#[cfg(test)]
mod tests {
    use super::{Counts, Grid, strongest_split};
    use crate::test_rows::{MS, input};

    /// Scenario: 0 to 100 ms is the baseline, 100 to 200 ms the window, cut into 8 bins of 25 ms.
    /// Guarantees: older moments are in slot 0, later ones in the last; edges stop two thirds into the window.
    #[test]
    fn slots_and_splits_follow_the_clock() {
        let grid = Grid::since_baseline(&input(&[]), 8);
        assert_eq!([-1, 0, 24, 25, 199, 999].map(|ms| grid.slot(ms * MS)), [0, 1, 1, 2, 8, 8]);
        let edges: Vec<_> = grid.splits().map(|(_, edge_ns)| edge_ns / MS).collect();
        assert_eq!(edges, [0, 25, 50, 75, 100, 125, 150]);
        let near = Grid::around_window(&input(&[]), 6);
        assert_eq!(
            near.splits().map(|(_, edge_ns)| edge_ns / MS).collect::<Vec<_>>(),
            [50, 75, 100, 125, 150]
        );
    }

    /// Scenario: counts whose statistic is known from a table of two by two.
    /// Guarantees: the statistic and the rise are the expected ones; equal shares have none.
    #[test]
    fn the_statistic_is_the_known_one() {
        let counts = Counts { k_before: 1.0, n_before: 10.0, k_after: 8.0, n_after: 10.0 };
        assert!((counts.g() - 11.0158).abs() < 0.001, "{}", counts.g());
        assert!((counts.rise() - 0.8 / (1.5 / 11.0)).abs() < 1e-12);
        let equal = Counts { k_before: 3.0, n_before: 12.0, k_after: 5.0, n_after: 20.0 };
        assert!(equal.g().abs() < 1e-9);
    }

    /// Scenario: something starts with the third of four bins.
    /// Guarantees: the split lies at its edge; where nothing may be weighed there is none.
    #[test]
    fn the_strongest_split_is_where_it_began() {
        let grid = Grid::since_baseline(&input(&[]), 4);
        let (hits, trials) = ([0.0, 0.0, 0.0, 9.0, 9.0], [0.0, 10.0, 10.0, 10.0, 10.0]);
        let split = strongest_split(&grid, &hits, &trials, |counts| Some(counts.g())).expect("a split");
        assert_eq!((split.onset_ns, split.counts.k_after, split.counts.n_before), (100 * MS, 18.0, 20.0));
        assert_eq!(strongest_split(&grid, &hits, &trials, |_| None), None);
    }
}
