//! Tests of change-points: steps, leaks, noise and outliers.

use super::*;
use crate::statistics::Random;
use proptest::prelude::*;

const SECOND: i64 = 1_000_000_000;

/// A point every ten seconds, by its number and some noise from -1 to 1.
fn series(n: i64, seed: u64, value: impl Fn(i64, f64) -> f64) -> Vec<(i64, f64)> {
    let mut random = Random::seeded(seed);
    (0..n).map(|at| (at * 10 * SECOND, value(at, random.below(2_001) as f64 / 1_000.0 - 1.0))).collect()
}

/// Scenario: a level of 50 steps up to 80 at a known moment, among noise and outliers.
/// Guarantees: the moment is found within its uncertainty, and both levels.
#[test]
fn a_step_is_found_where_it_is() {
    for seed in 1..=20 {
        let points = series(120, seed, |at, noise| match at {
            17 | 44 => 900.0,
            ..70 => 50.0 + 3.0 * noise,
            _ => 80.0 + 3.0 * noise,
        });
        let change = change_point(&points).expect("a change");
        assert!((690 * SECOND..=710 * SECOND).contains(&change.at_ns), "{change:?}");
        assert!(change.earliest_ns <= 700 * SECOND && change.latest_ns >= 700 * SECOND, "{change:?}");
        assert!((change.before - 50.0).abs() < 1.5 && (change.after - 80.0).abs() < 1.5, "{change:?}");
        assert!(change.score > 5.0 && change.p < 1e-6 && !change.goes_on, "{change:?}");
    }
}

/// Scenario: memory that leaks from a known moment on.
/// Guarantees: a change is found after it began, and that it goes on.
#[test]
fn a_leak_goes_on() {
    let points = series(120, 3, |at, noise| 50.0 + noise + (at - 60).max(0) as f64);
    let change = change_point(&points).expect("a change");
    assert!(change.goes_on && (600 * SECOND..900 * SECOND).contains(&change.at_ns), "{change:?}");
}

/// Scenario: two hundred series of noise, one that changed at the onset, one that changed long before, and one that never
/// moves.
/// Guarantees: only the one that changed at the onset is told.
#[test]
fn only_what_changed_at_the_onset_is_told() {
    let mut all: Vec<_> = (0..200).map(|seed| series(90, seed, |_, noise| 20.0 + noise)).collect();
    all.push(series(90, 900, |at, noise| if at < 60 { 20.0 } else { 26.0 } + noise));
    all.push(series(90, 901, |at, noise| if at < 20 { 20.0 } else { 26.0 } + noise));
    all.push(series(90, 902, |_, _| 7.0));
    let slices: Vec<&[(i64, f64)]> = all.iter().map(Vec::as_slice).collect();
    let changed = changed_series(&slices, 610 * SECOND, 60 * SECOND);
    assert_eq!(changed.iter().map(|one| one.series).collect::<Vec<_>>(), [200]);
    assert_eq!(changed[0].after_onset_ns, -10 * SECOND);
}

/// Scenario: few points, no numbers, equal moments.
/// Guarantees: nothing is said of what does not show a level.
#[test]
fn too_little_says_nothing() {
    assert_eq!(change_point(&[]), None);
    assert_eq!(change_point(&series(9, 1, |at, _| at as f64)), None);
    assert_eq!(change_point(&series(50, 1, |_, _| f64::NAN)), None);
    assert_eq!(change_point(&[(5, 1.0); 50]), None);
}

proptest! {
    /// Scenario: any series, in any order, in any unit.
    /// Guarantees: the same moment; the change lies within its bounds.
    #[test]
    fn order_and_unit_do_not_matter(values in prop::collection::vec(0..100i32, 10..60), shift in 0..60usize) {
        let mut points: Vec<_> = values.iter().enumerate().map(|(at, value)| (at as i64, f64::from(*value))).collect();
        let Some(change) = change_point(&points) else { return Ok(()) };
        prop_assert!(change.earliest_ns < change.at_ns && change.at_ns <= change.latest_ns);
        prop_assert!((0.0..=1.0).contains(&change.p));
        let n_points = points.len();
        points.rotate_left(shift % n_points);
        prop_assert_eq!(change_point(&points), Some(change));
        points.iter_mut().for_each(|(_, value)| *value *= 1024.0);
        let scaled = change_point(&points).expect("the same change");
        prop_assert_eq!((scaled.at_ns, scaled.p, scaled.goes_on), (change.at_ns, change.p, change.goes_on));
    }
}
