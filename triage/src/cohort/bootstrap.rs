//! How sure the excess is: the cohorts are drawn again from themselves, request by request, and compared again.

use super::parts::Charges;
use crate::statistics::{Random, quantile_of_sorted, ratio};

/// The same draws in every answer.
const SEED: u64 = 0x0f12_57fa;

/// From the 2.5th to the 97.5th hundredth of the draws.
pub(super) struct Intervals {
    pub(super) whole: (i64, i64),
    pub(super) parts: Vec<(i64, i64)>,
}

/// O(draws * charges). Without draws an interval is all 0.
pub(super) fn intervals(bad: &Charges, baseline: &Charges, n_parts: usize, n_draws: usize) -> Intervals {
    let mut random = Random::seeded(SEED);
    let mut draws = vec![Vec::with_capacity(n_draws); n_parts + 1];
    for _ in 0..n_draws {
        let one = drawn(bad, n_parts, &mut random);
        let other = drawn(baseline, n_parts, &mut random);
        let excess = one.iter().zip(&other).map(|(one, other)| one - other);
        for (draws, excess) in draws.iter_mut().zip(excess) {
            draws.push(excess);
        }
    }
    let mut intervals = draws.into_iter().map(interval);
    let whole = intervals.next().unwrap_or_default();
    Intervals { whole, parts: intervals.collect() }
}

/// Means of the whole and of each part over as many requests, each drawn from all.
fn drawn(charges: &Charges, n_parts: usize, random: &mut Random) -> Vec<f64> {
    let mut sums = vec![0.0; n_parts + 1];
    let mut weight = 0.0;
    for _ in 0..charges.n_requests() {
        let (items, of_request) = charges.of_request(random.below(charges.n_requests()));
        let of_request = f64::from(of_request);
        weight += of_request;
        for (part, ns) in items {
            let ns = *ns as f64 * of_request;
            sums[part + 1] += ns;
            sums[0] += ns;
        }
    }
    sums.iter_mut().for_each(|sum| *sum = ratio(*sum, weight));
    sums
}

fn interval(mut draws: Vec<f64>) -> (i64, i64) {
    draws.sort_by(f64::total_cmp);
    (quantile_of_sorted(&draws, 0.025).round() as i64, quantile_of_sorted(&draws, 0.975).round() as i64)
}
