//! Sparklines: a row's history in the height of its text.

use crate::model::decimal::fixed;
use std::fmt::Write;

/// A polyline in a box of `width` by `height`. The lowest line is zero, so a flat small value stays low
/// against `high` (the largest value of the row, or of a whole column where rows are compared).
/// Missing values leave gaps; fewer than two values draw nothing.
pub fn path(values: &[Option<f64>], high: f64, width: f64, height: f64) -> String {
    let n_present = values.iter().flatten().count();
    if n_present < 2 || values.len() < 2 {
        return String::new();
    }
    let high = if high > 0.0 { high } else { 1.0 };
    let step = width / (values.len() - 1) as f64;
    let mut path = String::new();
    let mut is_open = false;
    for (i, value) in values.iter().enumerate() {
        if let Some(value) = value {
            let y = height - 2.0 - (value / high).clamp(0.0, 1.0) * (height - 4.0);
            let _ = write!(
                path,
                "{}{} {}",
                if is_open { 'L' } else { 'M' },
                fixed(i as f64 * step, 1),
                fixed(y, 1)
            );
        }
        is_open = value.is_some();
    }
    path
}

/// Largest value, for `path`.
pub fn high(values: &[Option<f64>]) -> f64 {
    values.iter().flatten().copied().fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: a history with a hole, an empty one and one with a single value.
    /// Guarantees: zero sits on the base, the peak at the top, holes stay open, nothing is invented.
    #[test]
    fn draws_only_what_is_there() {
        let values = [Some(0.0), Some(4.0), None, Some(2.0), Some(2.0)];
        assert_eq!(path(&values, high(&values), 96.0, 18.0), "M0.0 16.0L24.0 2.0M72.0 9.0L96.0 9.0");
        assert_eq!(path(&[], 0.0, 96.0, 18.0), "");
        assert_eq!(path(&[None, Some(1.0)], 1.0, 96.0, 18.0), "");
    }
}
