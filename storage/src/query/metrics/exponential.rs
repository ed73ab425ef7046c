//! Exponential histograms: adding, subtracting, quantiles.
//!
//! A bucket of index `i` at scale `s` holds values in `(base^i, base^(i+1)]` with `base = 2^(2^-s)`. One
//! scale less joins two buckets into one, exactly: that is how histograms of different scales meet.

use super::increase::Grows;
use std::collections::BTreeMap;

/// Buckets kept after a merge; more lose a scale. OpenTelemetry's own default for one histogram is 160.
const BUCKETS_MAX: usize = 1_024;

/// Indexes are 64 bits wide: an offset near the end of 32 bits must not overflow.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Exponential {
    scale: i32,
    n_zero: u64,
    positive: BTreeMap<i64, u64>,
    negative: BTreeMap<i64, u64>,
}

impl Exponential {
    pub(super) fn new(scale: i32, n_zero: u64, positive: (i32, &[u64]), negative: (i32, &[u64])) -> Self {
        Self { scale, n_zero, positive: buckets(positive), negative: buckets(negative) }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        if self.is_empty() {
            *self = other.clone();
            return;
        }
        let other = self.align(other);
        self.n_zero = self.n_zero.saturating_add(other.n_zero);
        add(&mut self.positive, &other.positive);
        add(&mut self.negative, &other.negative);
        while self.positive.len() + self.negative.len() > BUCKETS_MAX {
            self.downscale(1);
        }
    }

    /// Geometric within a bucket; values around zero count as zero.
    pub(super) fn quantile(&self, quantile: f64) -> Option<f64> {
        let n = |buckets: &BTreeMap<i64, u64>| buckets.values().map(|&n| n as f64).sum::<f64>();
        let total = n(&self.negative) + self.n_zero as f64 + n(&self.positive);
        if total <= 0.0 {
            return None;
        }
        let mut rank = quantile * total;
        for (&idx, &n) in self.negative.iter().rev() {
            match within(rank, n) {
                Some(share) => return Some(-self.value(idx as f64 + 1.0 - share)),
                None => rank -= n as f64,
            }
        }
        if within(rank, self.n_zero).is_some() {
            return Some(0.0);
        }
        rank -= self.n_zero as f64;
        for (&idx, &n) in &self.positive {
            match within(rank, n) {
                Some(share) => return Some(self.value(idx as f64 + share)),
                None => rank -= n as f64,
            }
        }
        let last = self.positive.last_key_value();
        Some(last.map_or(0.0, |(&idx, _)| self.value(idx as f64 + 1.0)))
    }

    /// `base^exponent`.
    fn value(&self, exponent: f64) -> f64 {
        (exponent * (-f64::from(self.scale)).exp2()).exp2()
    }

    fn is_empty(&self) -> bool {
        self.n_zero == 0 && self.positive.is_empty() && self.negative.is_empty()
    }

    /// Brings self and a copy of the other to the smaller scale of the two.
    fn align(&mut self, other: &Self) -> Self {
        let scale = self.scale.min(other.scale);
        let mut other = other.clone();
        self.downscale(self.scale.abs_diff(scale));
        other.downscale(other.scale.abs_diff(scale));
        other
    }

    fn downscale(&mut self, by: u32) {
        if by == 0 {
            return;
        }
        self.scale = self.scale.saturating_sub_unsigned(by);
        for buckets in [&mut self.positive, &mut self.negative] {
            let mut joined = BTreeMap::new();
            for (idx, n) in std::mem::take(buckets) {
                let sum: &mut u64 = joined.entry(idx >> by.min(63)).or_default();
                *sum = sum.saturating_add(n);
            }
            *buckets = joined;
        }
    }
}

impl Grows for Exponential {
    fn since(&self, earlier: &Self) -> Option<Self> {
        let mut grown = self.clone();
        let earlier = grown.align(earlier);
        grown.n_zero = grown.n_zero.checked_sub(earlier.n_zero)?;
        subtract(&mut grown.positive, &earlier.positive)?;
        subtract(&mut grown.negative, &earlier.negative)?;
        Some(grown)
    }
}

fn buckets((offset, counts): (i32, &[u64])) -> BTreeMap<i64, u64> {
    let indexes = i64::from(offset)..;
    indexes.zip(counts.iter().copied()).filter(|(_, n)| *n > 0).collect()
}

/// How far into a bucket of `n` the rank lies; none where it lies beyond.
fn within(rank: f64, n: u64) -> Option<f64> {
    (n > 0 && rank <= n as f64).then(|| (rank / n as f64).clamp(0.0, 1.0))
}

fn add(sums: &mut BTreeMap<i64, u64>, added: &BTreeMap<i64, u64>) {
    for (&idx, &n) in added {
        let sum = sums.entry(idx).or_default();
        *sum = sum.saturating_add(n);
    }
}

fn subtract(counts: &mut BTreeMap<i64, u64>, earlier: &BTreeMap<i64, u64>) -> Option<()> {
    for (idx, &n) in earlier {
        let left = counts.get(idx).copied().unwrap_or_default().checked_sub(n)?;
        if left == 0 {
            counts.remove(idx)
        } else {
            counts.insert(*idx, left)
        };
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::{BUCKETS_MAX, Exponential};
    use crate::query::metrics::increase::Grows;

    fn positive(scale: i32, offset: i32, counts: &[u64]) -> Exponential {
        Exponential::new(scale, 0, (offset, counts), (0, &[]))
    }

    fn check(buckets: &Exponential, quantile: f64, expected: f64) {
        let found = buckets.quantile(quantile).expect("has values");
        assert!((found - expected).abs() <= expected.abs() * 1e-9, "{found} is not {expected}");
    }

    /// Scenario: values below, at and above zero, at scale 0 where buckets are powers of two.
    /// Guarantees: quantiles run from the most negative value up and are geometric in a bucket.
    #[test]
    fn walks_from_negative_to_positive() {
        // (-8, -4] x 2, (-2, -1] x 2, zero x 2, (1, 2] x 2, (4, 8] x 2.
        let buckets = Exponential::new(0, 2, (0, &[2, 0, 2]), (0, &[2, 0, 2]));
        check(&buckets, 0.1, -(32_f64.sqrt()));
        check(&buckets, 0.3, -(2_f64.sqrt()));
        check(&buckets, 0.5, 0.0);
        check(&buckets, 0.7, 2_f64.sqrt());
        check(&buckets, 1.0, 8.0);
        assert_eq!(positive(0, 0, &[]).quantile(0.5), None);
    }

    /// Scenario: histograms of scale 1 and scale 0 are merged.
    /// Guarantees: two fine buckets become one coarse one, also below index zero, and counts add up.
    #[test]
    fn merges_at_the_smaller_scale() {
        let mut merged = positive(1, -3, &[1, 2, 4, 8]);
        merged.merge(&positive(0, 0, &[16]));
        assert_eq!(merged, positive(0, -2, &[1, 6, 24]));
    }

    /// Scenario: a cumulative histogram grows while it loses a scale; then it falls.
    /// Guarantees: growth is the exact difference at the smaller scale; a fall is a new start.
    #[test]
    fn grows_across_scales() {
        let before = positive(1, 0, &[1, 1]);
        assert_eq!(positive(0, 0, &[5, 2]).since(&before), Some(positive(0, 0, &[3, 2])));
        assert_eq!(positive(0, 0, &[1]).since(&before), None);
    }

    /// Scenario: scales and offsets at the ends of 32 bits, and buckets far apart without end.
    /// Guarantees: no overflow, no panic, and a bounded number of buckets.
    #[test]
    fn survives_hostile_numbers() {
        let mut merged = positive(i32::MAX, i32::MAX, &[1, 1]);
        merged.merge(&positive(i32::MIN, i32::MIN, &[1]));
        assert!(merged.quantile(0.5).is_some());
        let mut many = Exponential::default();
        for idx in 0..3_000 {
            many.merge(&positive(20, idx * 1_000, &[1]));
        }
        assert!(many.positive.len() <= BUCKETS_MAX);
        assert_eq!(many.positive.values().sum::<u64>(), 3_000);
    }
}
