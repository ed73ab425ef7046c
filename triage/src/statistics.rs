//! The arithmetic of evidence: how surprising a count is, how many surprises chance brings, middles that outliers
//! do not move. Nothing here knows what is counted.

#[cfg(test)]
mod tests;

/// Counts of one side: `k` of `n` had it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) k: u64,
    pub(crate) n: u64,
}

/// 0 of 0 is 0.
pub(crate) fn ratio(k: f64, n: f64) -> f64 {
    if n > 0.0 { k / n } else { 0.0 }
}

impl Share {
    pub(crate) fn value(self) -> f64 {
        ratio(self.k as f64, self.n as f64)
    }
}

/// Twice the logarithm of how much better two shares fit the counts than one common share: chi-squared with one
/// degree of freedom where there is no difference. 0 where `one` is not the larger share.
pub(crate) fn g_of_excess(one: Share, other: Share) -> f64 {
    if one.n == 0 || other.n == 0 || one.value() <= other.value() {
        return 0.0;
    }
    let both = Share { k: one.k + other.k, n: one.n + other.n };
    (2.0 * (fit(one) + fit(other) - fit(both))).max(0.0)
}

/// Log likelihood of a count under its own share; `0 ln 0` is 0.
fn fit(share: Share) -> f64 {
    let part = |k: u64| if k == 0 { 0.0 } else { k as f64 * ratio(k as f64, share.n as f64).ln() };
    part(share.k) + part(share.n - share.k.min(share.n))
}

/// How likely chance alone gives a `g` this large in the direction looked for.
pub(crate) fn p_of_g(g: f64) -> f64 {
    0.5 * erfc((g.max(0.0) / 2.0).sqrt())
}

/// How likely chance alone gives a standard score at least this far from 0, on either side.
pub(crate) fn p_of_z(z: f64) -> f64 {
    erfc(z.abs() / std::f64::consts::SQRT_2)
}

/// Complementary error function for `x >= 0`; relative error below 1.2e-7 (a Chebyshev fit), 0 far out.
fn erfc(x: f64) -> f64 {
    const TERMS: [f64; 10] = [
        -1.265_512_23,
        1.000_023_68,
        0.374_091_96,
        0.096_784_18,
        -0.186_288_06,
        0.278_868_07,
        -1.135_203_98,
        1.488_515_87,
        -0.822_152_23,
        0.170_872_77,
    ];
    let t = 1.0 / (1.0 + 0.5 * x);
    let sum = TERMS.iter().rev().fold(0.0, |sum, term| sum * t + term);
    t * (-x * x + sum).exp()
}

/// For each test the smallest share of false discoveries at which it would still be reported, by Benjamini and
/// Hochberg. `n_tests` counts tests whose results are not in the slice too; these count as failed.
pub(crate) fn false_discovery_rates(p_values: &[f64], n_tests: usize) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let n_tests = n_tests.max(p_values.len()) as f64;
    let mut rates = vec![1.0; p_values.len()];
    let mut smallest = 1.0f64;
    for (rank, &at) in order.iter().enumerate().rev() {
        smallest = smallest.min(p_values[at] * n_tests / (rank + 1) as f64);
        rates[at] = smallest;
    }
    rates
}

/// Value below which a share of the sorted values lies, between neighbours in proportion. 0 for none.
pub(crate) fn quantile_of_sorted(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let at = share.clamp(0.0, 1.0) * last as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    low + (high - low) * at.fract()
}

/// The middle and 1.4826 times the median distance from it, which for a bell curve is the standard deviation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Middle {
    pub(crate) median: f64,
    pub(crate) spread: f64,
}

/// Sorts the values.
pub(crate) fn middle(values: &mut [f64]) -> Middle {
    values.sort_by(f64::total_cmp);
    let median = quantile_of_sorted(values, 0.5);
    let mut distances: Vec<f64> = values.iter().map(|value| (value - median).abs()).collect();
    distances.sort_by(f64::total_cmp);
    Middle { median, spread: 1.4826 * quantile_of_sorted(&distances, 0.5) }
}

/// Numbers that look random and are the same every time.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.0)
    }

    /// One of `0..n`; `n` is at least 1.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.next()) * n as u128) >> 64) as usize
    }
}

/// Spreads a number over all 64 bits.
pub(crate) fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// The number by which traces are sampled: the smallest are kept, the same in every question.
pub(crate) fn hash_of_trace(trace_id: &[u8; 16]) -> u64 {
    let number = u128::from_be_bytes(*trace_id);
    mixed(number as u64 ^ mixed((number >> 64) as u64))
}
