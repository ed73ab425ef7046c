//! What figures and points count: where clients sampled, what the stored spans stand for.

use crate::format;
use wire::{Estimate, Figures, RedPoint};

/// What is said where buckets as narrow as a range asks for are no longer kept.
pub const COARSER: &str = "in wider steps, the narrow ones are no longer kept";

/// Requests and failed ones of a step.
pub fn of_point(point: &RedPoint) -> Estimate {
    counts(point.n_requests, point.n_errors, point.estimate)
}

/// Failed share of a step; a step without requests has none.
pub fn error_ratio(point: &RedPoint) -> Option<f64> {
    let counts = of_point(point);
    (counts.n_requests > 0.0).then(|| counts.n_errors / counts.n_requests)
}

/// Requests of a window.
pub fn n_requests(red: &Figures) -> f64 {
    counts(red.n_requests, red.n_errors, red.estimate).n_requests
}

/// `25/s`, and `~25/s` where that is an estimate.
pub fn rate(red: &Figures) -> String {
    let about = if red.estimate.is_some() { "~" } else { "" };
    format!("{about}{}", format::rate(red.rate_per_s))
}

fn counts(n_requests: u64, n_errors: u64, estimate: Option<Estimate>) -> Estimate {
    estimate.unwrap_or(Estimate { n_requests: n_requests as f64, n_errors: n_errors as f64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: a window and a step whose spans stand for themselves, and such that stand for more, or for nothing.
    /// Guarantees: what they stand for counts, and a rate of it is marked; no requests have no failed share.
    #[test]
    fn spans_count_as_what_they_stand_for() {
        let estimate = Some(Estimate { n_requests: 17.0, n_errors: 16.0 });
        let stored = RedPoint { n_requests: 4, n_errors: 1, ..RedPoint::default() };
        let sampled = RedPoint { estimate, ..stored.clone() };
        assert_eq!((of_point(&stored).n_requests, error_ratio(&stored)), (4.0, Some(0.25)));
        assert_eq!((of_point(&sampled).n_requests, error_ratio(&sampled)), (17.0, Some(16.0 / 17.0)));
        let none = RedPoint { estimate: Some(Estimate::default()), ..stored };
        assert_eq!((error_ratio(&none), error_ratio(&RedPoint::default())), (None, None));
        let stored = Figures { n_requests: 4, rate_per_s: 25.0, ..Figures::default() };
        let sampled = Figures { estimate, ..stored.clone() };
        assert_eq!((n_requests(&stored), rate(&stored).as_str()), (4.0, "25/s"));
        assert_eq!((n_requests(&sampled), rate(&sampled).as_str()), (17.0, "~25/s"));
    }
}
