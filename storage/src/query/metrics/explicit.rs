//! Histograms with explicit bounds: adding, subtracting, quantiles.

use super::increase::Grows;

/// Counts of the buckets `(.., b0]`, `(b0, b1]`, ..., `(bn, ..)`. Counts are not whole any more once
/// histograms of different bounds were merged.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Explicit {
    bounds: Vec<f64>,
    counts: Vec<f64>,
}

impl Explicit {
    /// None for buckets that contradict themselves: they say nothing about where values lie.
    pub(super) fn new(bounds: &[f64], counts: &[u64]) -> Option<Self> {
        let ordered = bounds.windows(2).all(|pair| pair[0] < pair[1]) && bounds.iter().all(|b| b.is_finite());
        if !ordered || bounds.is_empty() || counts.len() != bounds.len() + 1 {
            return None;
        }
        Some(Self { bounds: bounds.to_vec(), counts: counts.iter().map(|&n| n as f64).collect() })
    }

    pub(super) fn merge(&mut self, other: &Self) {
        if self.counts.is_empty() {
            *self = other.clone();
        } else if self.bounds == other.bounds {
            self.counts.iter_mut().zip(&other.counts).for_each(|(sum, n)| *sum += n);
        } else {
            let bounds = union(&self.bounds, &other.bounds);
            let (mut counts, added) = (self.spread(&bounds), other.spread(&bounds));
            counts.iter_mut().zip(added).for_each(|(sum, n)| *sum += n);
            *self = Self { bounds, counts };
        }
    }

    /// Linear within a bucket. Values beyond the last bound count as that bound; the first bucket starts
    /// at zero where its bound is positive.
    pub(super) fn quantile(&self, quantile: f64) -> Option<f64> {
        let total: f64 = self.counts.iter().sum();
        if total <= 0.0 {
            return None;
        }
        let rank = quantile * total;
        let mut below = 0.0;
        for (idx, &n) in self.counts.iter().enumerate() {
            if n > 0.0 && below + n >= rank {
                let (low, high) = self.ends(idx);
                return Some(low + (high - low) * ((rank - below) / n).clamp(0.0, 1.0));
            }
            below += n;
        }
        self.bounds.last().copied()
    }

    /// The ends of a bucket, the open ones closed as [`Self::quantile`] says.
    fn ends(&self, idx: usize) -> (f64, f64) {
        let first = self.bounds.first().copied().unwrap_or_default();
        let low = if idx == 0 { first.min(0.0) } else { self.bounds[idx - 1] };
        let high = self.bounds.get(idx).copied().unwrap_or(low);
        (low, high)
    }

    /// The counts over finer bounds that include the own ones, evenly within each bucket. What lies
    /// beyond the last own bound goes into the first finer bucket beyond it.
    fn spread(&self, finer: &[f64]) -> Vec<f64> {
        let mut counts = vec![0.0; finer.len() + 1];
        for (idx, &n) in self.counts.iter().enumerate() {
            let (low, high) = self.ends(idx);
            if idx == self.bounds.len() {
                counts[finer.partition_point(|&b| b <= low)] += n;
                continue;
            }
            let (from, to) = (finer.partition_point(|&b| b <= low), finer.partition_point(|&b| b < high));
            for place in from..=to {
                let place_low = if place == 0 { low } else { finer[place - 1].max(low) };
                let share =
                    if high > low { (finer[place].min(high) - place_low) / (high - low) } else { 1.0 };
                counts[place] += n * share;
            }
        }
        counts
    }
}

impl Grows for Explicit {
    fn since(&self, earlier: &Self) -> Option<Self> {
        if self.bounds != earlier.bounds {
            return None;
        }
        let counts = self.counts.iter().zip(&earlier.counts).map(|(n, before)| n.since(before));
        Some(Self { bounds: self.bounds.clone(), counts: counts.collect::<Option<_>>()? })
    }
}

fn union(a: &[f64], b: &[f64]) -> Vec<f64> {
    let mut bounds = [a, b].concat();
    bounds.sort_by(f64::total_cmp);
    bounds.dedup();
    bounds
}

#[cfg(test)]
mod tests {
    use super::Explicit;
    use crate::query::metrics::increase::Grows;

    fn explicit(bounds: &[f64], counts: &[u64]) -> Explicit {
        Explicit::new(bounds, counts).expect("sound buckets")
    }

    fn check(buckets: &Explicit, quantile: f64, expected: f64) {
        let found = buckets.quantile(quantile).expect("has values");
        assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
    }

    /// Scenario: quantiles inside buckets, at their borders, and beyond the last bound.
    /// Guarantees: linear interpolation, from zero in the first bucket, up to the last bound.
    #[test]
    fn interpolates_within_buckets() {
        let buckets = explicit(&[10.0, 20.0, 40.0], &[10, 20, 10, 10]);
        check(&buckets, 0.1, 5.0);
        check(&buckets, 0.2, 10.0);
        check(&buckets, 0.4, 15.0);
        check(&buckets, 0.7, 30.0);
        check(&buckets, 0.99, 40.0);
        check(&explicit(&[-5.0, 5.0], &[4, 0, 0]), 0.5, -5.0);
        assert_eq!(explicit(&[1.0], &[0, 0]).quantile(0.5), None);
    }

    /// Scenario: buckets whose bounds are unsorted, missing, not numbers, or do not match the counts.
    /// Guarantees: they are refused.
    #[test]
    fn refuses_unsound_buckets() {
        assert_eq!(Explicit::new(&[2.0, 1.0], &[1, 1, 1]), None);
        assert_eq!(Explicit::new(&[1.0, f64::NAN], &[1, 1, 1]), None);
        assert_eq!(Explicit::new(&[1.0], &[1]), None);
        assert_eq!(Explicit::new(&[], &[7]), None);
    }

    /// Scenario: two services use different bounds for one metric.
    /// Guarantees: the merged counts add up, and each part keeps its shape.
    #[test]
    fn merges_different_bounds() {
        let mut merged = explicit(&[10.0, 30.0], &[10, 20, 5]);
        merged.merge(&explicit(&[20.0, 50.0], &[20, 30, 0]));
        assert_eq!(merged.bounds, [10.0, 20.0, 30.0, 50.0]);
        assert_eq!(merged.counts, [20.0, 20.0, 20.0, 25.0, 0.0]);
    }

    /// Scenario: a cumulative histogram grows, falls in one bucket, and changes its bounds.
    /// Guarantees: growth is the difference; anything else is a new start.
    #[test]
    fn grows_or_starts_again() {
        let before = explicit(&[1.0], &[3, 4]);
        assert_eq!(explicit(&[1.0], &[5, 4]).since(&before), Some(explicit(&[1.0], &[2, 0])));
        assert_eq!(explicit(&[1.0], &[2, 9]).since(&before), None);
        assert_eq!(explicit(&[2.0], &[5, 5]).since(&before), None);
    }
}
