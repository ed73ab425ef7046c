//! Attributes that are numbers: by ranges between their deciles, and by shift.

use super::N_WITH_MIN;
use super::mask::{Mask, Numbers};
use super::sample::{Counts, Sample};
use crate::statistics::{p_of_z, quantile_of_sorted};
use crate::traces::Traces;
use std::cmp::Ordering;

/// Numbers of bad requests and of the rest that a shift is computed from, evenly taken.
const N_RANKED_MAX: usize = 20_000;
/// Ranges start and end at the rest's deciles.
const N_BINS: usize = 10;
/// Numbers that go with the time of the request like this are clocks or counters.
const CLOCK_CORRELATION: f64 = 0.95;

/// What a numeric key gave.
pub(super) struct Figures {
    pub(super) key: usize,
    pub(super) is_clock: bool,
    pub(super) shift: Option<KeyShift>,
    pub(super) range: Option<KeyRange>,
    /// Ranges that were tried.
    pub(super) n_tested: usize,
}

pub(super) struct KeyShift {
    pub(super) median_bad: f64,
    pub(super) median_rest: f64,
    pub(super) chance_larger: f64,
    pub(super) p: f64,
}

/// The range of numbers that bad requests have most.
pub(super) struct KeyRange {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) counts: Counts,
    pub(super) g: f64,
    pub(super) mask: Mask,
}

/// O(n log n) for the numbers of a key.
pub(super) fn judge(traces: &Traces, sample: &Sample, numbers: &[Numbers]) -> Vec<Figures> {
    numbers.iter().map(|one| figures(traces, sample, one)).collect()
}

fn figures(traces: &Traces, sample: &Sample, numbers: &Numbers) -> Figures {
    let n_bad = numbers.values.partition_point(|(request, _)| (*request as usize) < sample.n_bad);
    let (bad, rest) = numbers.values.split_at(n_bad);
    let is_clock = correlation_with_time(traces, sample, numbers) >= CLOCK_CORRELATION;
    let mut found = Figures { key: numbers.key, is_clock, shift: None, range: None, n_tested: 0 };
    if !is_clock && bad.len() >= N_WITH_MIN as usize && rest.len() >= N_BINS {
        let (bad_sorted, rest_sorted) = (some_sorted(bad), some_sorted(rest));
        found.shift = Some(shift(&bad_sorted, &rest_sorted));
        let bins = Bins::of(&rest_sorted, bad, rest);
        found.n_tested = bins.n_ranges();
        found.range = bins.best(sample).map(|range| with_mask(sample, numbers, range));
    }
    found
}

/// Pearson's, between the number and when the request started.
fn correlation_with_time(traces: &Traces, sample: &Sample, numbers: &Numbers) -> f64 {
    let started_ns = |request: u32| {
        let span = sample.members(request as usize)[0];
        traces.traces()[traces.spans()[span as usize].trace as usize].started_ns
    };
    let first_ns = numbers.values.first().map_or(0, |(request, _)| started_ns(*request));
    let since = |request: u32| started_ns(request).saturating_sub(first_ns) as f64;
    let n = numbers.values.len() as f64;
    let pairs = || numbers.values.iter().map(|(request, value)| (*value, since(*request)));
    let (sum_x, sum_y) = pairs().fold((0.0, 0.0), |sum, (x, y)| (sum.0 + x, sum.1 + y));
    let (mean_x, mean_y) = (sum_x / n, sum_y / n);
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (x, y) in pairs() {
        xx += (x - mean_x) * (x - mean_x);
        yy += (y - mean_y) * (y - mean_y);
        xy += (x - mean_x) * (y - mean_y);
    }
    if xx > 0.0 && yy > 0.0 { (xy / (xx.sqrt() * yy.sqrt())).abs() } else { 0.0 }
}

/// Evenly taken, so that the order of requests plays no part.
fn some_sorted(values: &[(u32, f64)]) -> Vec<f64> {
    let step = values.len().div_ceil(N_RANKED_MAX).max(1);
    let mut sorted: Vec<f64> = values.iter().step_by(step).map(|(_, value)| *value).collect();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// Mann and Whitney's test; ties count half.
fn shift(bad: &[f64], rest: &[f64]) -> KeyShift {
    let (mut below, mut up_to, mut wins) = (0, 0, 0.0);
    for value in bad {
        while below < rest.len() && rest[below] < *value {
            below += 1;
        }
        while up_to < rest.len() && rest[up_to] <= *value {
            up_to += 1;
        }
        wins += 0.5 * (below + up_to) as f64;
    }
    let (n_bad, n_rest) = (bad.len() as f64, rest.len() as f64);
    let chance_larger = wins / (n_bad * n_rest);
    let deviation = ((n_bad + n_rest + 1.0) / (12.0 * n_bad * n_rest)).sqrt();
    KeyShift {
        median_bad: quantile_of_sorted(bad, 0.5),
        median_rest: quantile_of_sorted(rest, 0.5),
        chance_larger,
        p: p_of_z((chance_larger - 0.5) / deviation),
    }
}

/// How many requests of each side have a number between two edges.
struct Bins {
    /// Bin `i` holds `edges[i - 1] < x <= edges[i]`; the first and the last have no other end.
    edges: Vec<f64>,
    counts: Vec<Counts>,
    least: f64,
    greatest: f64,
}

/// Bins from one to another, both in it.
struct BinRange {
    from: f64,
    to: f64,
    counts: Counts,
    g: f64,
}

impl Bins {
    fn of(rest_sorted: &[f64], bad: &[(u32, f64)], rest: &[(u32, f64)]) -> Self {
        let quantiles = (1..N_BINS).map(|at| quantile_of_sorted(rest_sorted, at as f64 / N_BINS as f64));
        let mut edges: Vec<f64> = quantiles.collect();
        edges.dedup();
        let mut bins = Self {
            counts: vec![Counts::default(); edges.len() + 1],
            edges,
            least: f64::MAX,
            greatest: f64::MIN,
        };
        for (values, is_bad) in [(bad, true), (rest, false)] {
            for (_, value) in values {
                let bin = bins.edges.partition_point(|edge| edge < value);
                bins.counts[bin].add(Some(is_bad));
                bins.least = bins.least.min(*value);
                bins.greatest = bins.greatest.max(*value);
            }
        }
        bins
    }

    fn n_ranges(&self) -> usize {
        self.counts.len() * (self.counts.len() + 1) / 2 - 1
    }

    /// The range with the largest `g`; of equal ones the narrowest.
    fn best(&self, sample: &Sample) -> Option<BinRange> {
        let n_bins = self.counts.len();
        let mut best: Option<BinRange> = None;
        for from in 0..n_bins {
            let mut counts = Counts::default();
            for to in from..n_bins {
                counts.bad += self.counts[to].bad;
                counts.rest += self.counts[to].rest;
                let g = sample.g(counts);
                let is_whole = from == 0 && to == n_bins - 1;
                let is_better = best.as_ref().is_none_or(|best| g.total_cmp(&best.g) == Ordering::Greater);
                if counts.bad >= N_WITH_MIN && g > 0.0 && is_better && !is_whole {
                    best = Some(BinRange { from: self.start_of(from), to: self.end_of(to), counts, g });
                }
            }
        }
        best
    }

    fn start_of(&self, bin: usize) -> f64 {
        bin.checked_sub(1).map_or(self.least, |edge| self.edges[edge].next_up())
    }

    fn end_of(&self, bin: usize) -> f64 {
        self.edges.get(bin).copied().unwrap_or(self.greatest)
    }
}

/// The ends become numbers that occur.
fn with_mask(sample: &Sample, numbers: &Numbers, range: BinRange) -> KeyRange {
    let mut mask = Mask::empty(sample);
    let (mut from, mut to) = (f64::MAX, f64::MIN);
    for (request, value) in &numbers.values {
        if range.from <= *value && *value <= range.to {
            mask.set(Mask::bit(sample, *request as usize));
            from = from.min(*value);
            to = to.max(*value);
        }
    }
    KeyRange { from, to, counts: range.counts, g: range.g, mask }
}
