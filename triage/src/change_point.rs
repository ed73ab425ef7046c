//! When a series changed its level, if it did: a test on ranks, which neither outliers nor the unit disturb.
//!
//! Pettitt's statistic asks at every point how much the values before it differ in rank from those after it; where it is
//! largest the level changed. What is told is the change with the middles on both sides, and the time within which
//! another point would do nearly as well.

#[cfg(test)]
mod tests;

use crate::series::Metrics;
use crate::statistics::{Middle, false_discovery_rates, middle, quantile_of_sorted};
use std::ops::RangeInclusive;

/// A change of level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChangePoint {
    /// The first point of the new level.
    pub at_ns: i64,
    /// The change lies between these.
    pub earliest_ns: i64,
    pub latest_ns: i64,
    /// Medians.
    pub before: f64,
    pub after: f64,
    /// The difference in standard deviations of the time before, by the median distance.
    pub score: f64,
    /// How likely chance alone gives such a change, for points that do not depend on each other.
    pub p: f64,
    /// It still moves away from the old level: a leak or a queue, and no step.
    pub goes_on: bool,
}

/// A series that changed near an onset.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChangedSeries {
    /// Place in the slice that was handed in.
    pub series: usize,
    pub change: ChangePoint,
    /// Of changes this sure, the share that chance would have given over all series.
    pub false_discovery_rate: f64,
    /// How long after the onset; before it where negative.
    pub after_onset_ns: i64,
}

/// Fewer points, on either side, show no level.
const N_SIDE_MIN: usize = 3;
const N_POINTS_MIN: usize = 10;
/// More points are thinned out evenly.
const N_POINTS_MAX: usize = 10_000;
/// Points whose statistic is this close to the largest may be the change as well.
const NEARLY: f64 = 0.95;
/// Smaller changes are not told: in standard deviations, and as a share of the old level.
const SCORE_MIN: f64 = 3.0;
const RELATIVE_MIN: f64 = 0.05;
/// Largest share of false discoveries among changed series.
const FALSE_DISCOVERIES_MAX: f64 = 0.01;

/// The largest change of a series; points may come in any order, and what is no number is left out. `None` with fewer
/// than ten points, and where all values are equal. O(n log n).
pub fn change_point(points: &[(i64, f64)]) -> Option<ChangePoint> {
    let points = in_order(points);
    if points.len() < N_POINTS_MIN {
        return None;
    }
    let statistic = pettitt(&points);
    let n = points.len();
    let candidates = N_SIDE_MIN..=n - N_SIDE_MIN;
    let at = candidates
        .clone()
        .max_by(|&a, &b| statistic[a].abs().total_cmp(&statistic[b].abs()).then(b.cmp(&a)))?;
    let largest = statistic[at].abs();
    if largest == 0.0 {
        return None;
    }
    // Only around the largest: a peak elsewhere is another change.
    let is_near = |&point: &usize| statistic[point].abs() >= NEARLY * largest;
    let earliest = (*candidates.start()..=at).rev().take_while(is_near).last().unwrap_or(at);
    let latest = (at..=*candidates.end()).take_while(is_near).last().unwrap_or(at);
    let at = sharpened(&points, at, earliest..=latest);
    let n = n as f64;
    let (before, after) = points.split_at(at);
    let (old, new) = (middle_of(before), middle_of(after));
    Some(ChangePoint {
        at_ns: points[at].0,
        earliest_ns: points[earliest - 1].0,
        latest_ns: points[latest].0,
        before: old.median,
        after: new.median,
        score: (new.median - old.median).abs() / (old.spread + floor(&points)),
        p: (2.0 * (-6.0 * largest * largest / (n * n * n + n * n)).exp()).min(1.0),
        goes_on: goes_on(after, old.median),
    })
}

/// Metrics that changed within `tolerance_ns` of the onset; places are those of [`Metrics::series`].
pub fn changed_metrics(metrics: &Metrics, onset_ns: i64, tolerance_ns: i64) -> Vec<ChangedSeries> {
    let of_series = |series| {
        let points = metrics.points(series).iter().map(|point| (point.time_ns, point.value));
        points.collect::<Vec<_>>()
    };
    let series: Vec<Vec<(i64, f64)>> = metrics.series().iter().map(of_series).collect();
    changed_series(&series.iter().map(Vec::as_slice).collect::<Vec<_>>(), onset_ns, tolerance_ns)
}

/// Series that changed within `tolerance_ns` of the onset, the surest first and of equally sure ones the largest
/// change. O(points log points).
pub fn changed_series(series: &[&[(i64, f64)]], onset_ns: i64, tolerance_ns: i64) -> Vec<ChangedSeries> {
    let changes: Vec<(usize, ChangePoint)> =
        series.iter().enumerate().filter_map(|(at, points)| Some((at, change_point(points)?))).collect();
    let p_values: Vec<f64> = changes.iter().map(|(_, change)| change.p).collect();
    let rates = false_discovery_rates(&p_values, series.len());
    let near = changes.into_iter().zip(rates).filter_map(|((series, change), false_discovery_rate)| {
        let is_large = change.score >= SCORE_MIN
            && (change.after - change.before).abs() >= RELATIVE_MIN * change.before.abs();
        let reaches = change.earliest_ns.saturating_sub(tolerance_ns) <= onset_ns
            && onset_ns <= change.latest_ns.saturating_add(tolerance_ns);
        let after_onset_ns = change.at_ns.saturating_sub(onset_ns);
        let is_told = is_large && reaches && false_discovery_rate <= FALSE_DISCOVERIES_MAX;
        is_told.then_some(ChangedSeries { series, change, false_discovery_rate, after_onset_ns })
    });
    let mut near: Vec<ChangedSeries> = near.collect();
    near.sort_by(|a, b| {
        let by_rate = a.false_discovery_rate.total_cmp(&b.false_discovery_rate);
        by_rate.then(b.change.score.total_cmp(&a.change.score)).then(a.series.cmp(&b.series))
    });
    near
}

/// Ranks blur the moment where there are outliers: of the candidates that one is taken where each point is nearest to
/// the level of its side.
fn sharpened(points: &[(i64, f64)], at: usize, candidates: RangeInclusive<usize>) -> usize {
    let (before, after) = points.split_at(at);
    let (old, new) = (middle_of(before).median, middle_of(after).median);
    let (mut gain, mut best) = (0.0, (f64::MIN, at));
    for candidate in candidates {
        if gain > best.0 {
            best = (gain, candidate);
        }
        // An outlier counts as one point, however far it is.
        let value = points.get(candidate).map_or(old, |(_, value)| *value);
        let limit = (new - old).abs();
        gain += (value - new).abs().min(limit) - (value - old).abs().min(limit);
    }
    best.1
}

/// By time, one point for each moment, not too many.
fn in_order(points: &[(i64, f64)]) -> Vec<(i64, f64)> {
    let mut points: Vec<_> = points.iter().copied().filter(|(_, value)| value.is_finite()).collect();
    points.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    points.dedup_by_key(|(at_ns, _)| *at_ns);
    let step = points.len().div_ceil(N_POINTS_MAX).max(1);
    points.into_iter().step_by(step).collect()
}

/// For each number of points before the change: twice their ranks' sum less what it would be by chance.
fn pettitt(points: &[(i64, f64)]) -> Vec<f64> {
    let ranks = ranks(points);
    let mean = (points.len() + 1) as f64;
    let mut statistic = Vec::with_capacity(points.len() + 1);
    let mut sum = 0.0;
    statistic.push(0.0);
    for (at, rank) in ranks.iter().enumerate() {
        sum += rank;
        statistic.push(2.0 * sum - (at + 1) as f64 * mean);
    }
    statistic
}

/// From 1; equal values share the mean of their ranks.
fn ranks(points: &[(i64, f64)]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by(|&a, &b| points[a].1.total_cmp(&points[b].1));
    let mut ranks = vec![0.0; points.len()];
    let mut first = 0;
    for equal in order.chunk_by(|&a, &b| points[a].1 == points[b].1) {
        let rank = first as f64 + (equal.len() + 1) as f64 / 2.0;
        equal.iter().for_each(|&at| ranks[at] = rank);
        first += equal.len();
    }
    ranks
}

fn middle_of(points: &[(i64, f64)]) -> Middle {
    middle(&mut points.iter().map(|(_, value)| *value).collect::<Vec<_>>())
}

/// What keeps a series that never moved before from an endless score: a hundredth of its range, which outliers are no
/// part of where there are others.
fn floor(points: &[(i64, f64)]) -> f64 {
    let mut values: Vec<f64> = points.iter().map(|(_, value)| *value).collect();
    values.sort_by(f64::total_cmp);
    let between = |low, high| quantile_of_sorted(&values, high) - quantile_of_sorted(&values, low);
    let range = if between(0.1, 0.9) > 0.0 { between(0.1, 0.9) } else { between(0.0, 1.0) };
    (range / 100.0).max(f64::MIN_POSITIVE)
}

/// Whether each third of the time after is further away than the one before it, by more than it scatters.
fn goes_on(after: &[(i64, f64)], old: f64) -> bool {
    let third = after.len() / 3;
    if third < N_SIDE_MIN {
        return false;
    }
    let thirds = [0, 1, 2].map(|at| middle_of(&after[at * third..(at + 1) * third]));
    let far = thirds.map(|of| (of.median - old).abs());
    let scatter = thirds.map(|of| of.spread);
    far[1] - far[0] > scatter[0].max(scatter[1]) / 2.0 && far[2] - far[1] > scatter[1].max(scatter[2]) / 2.0
}
