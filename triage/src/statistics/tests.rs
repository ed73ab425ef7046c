//! Tests of the arithmetic, against figures that are known from elsewhere.

use super::*;

fn assert_near(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-6 * expected.abs().max(1e-3), "{found} is not {expected}");
}

/// Scenario: shares that differ, in both directions, that are equal, and of nothing.
/// Guarantees: only an excess of the first counts, as the textbook formula has it.
#[test]
fn g_counts_only_an_excess() {
    let (one, other) = (Share { k: 30, n: 100 }, Share { k: 10, n: 100 });
    assert_near(g_of_excess(one, other), 12.971_514);
    assert_eq!(g_of_excess(other, one), 0.0);
    assert_eq!(g_of_excess(one, one), 0.0);
    assert_eq!(g_of_excess(one, Share::default()), 0.0);
    assert_near(g_of_excess(Share { k: 5, n: 5 }, Share { k: 0, n: 5 }), 13.862_943);
}

/// Scenario: scores whose probabilities stand in tables.
/// Guarantees: the same probabilities; none for absurd scores.
#[test]
fn probabilities_are_those_of_the_tables() {
    assert_near(p_of_z(1.959_964), 0.05);
    assert_near(p_of_z(-3.290_527), 0.001);
    assert_near(p_of_g(3.841_459), 0.025);
    assert_near(p_of_z(0.0), 1.0);
    assert_eq!(p_of_g(1e9), 0.0);
}

/// Scenario: five tests of ten, the example that Benjamini and Hochberg's procedure is often explained with.
/// Guarantees: rates grow with the probabilities, none above 1, and tests that are not shown count.
#[test]
fn false_discoveries_are_bounded() {
    let rates = false_discovery_rates(&[0.01, 0.04, 0.03, 0.005, 0.5], 5);
    for (found, expected) in rates.iter().zip([0.025, 0.05, 0.05, 0.025, 0.5]) {
        assert_near(*found, expected);
    }
    assert_near(false_discovery_rates(&[0.01], 10)[0], 0.1);
    assert_eq!(false_discovery_rates(&[0.9], 10), [1.0]);
    assert!(false_discovery_rates(&[], 3).is_empty());
}

/// Scenario: values with one that is far off.
/// Guarantees: neither the middle nor the spread moves with it.
#[test]
fn outliers_do_not_move_the_middle() {
    let near = middle(&mut [3.0, 1.0, 2.0, 5.0, 4.0]);
    let far = middle(&mut [3.0, 1.0, 2.0, 5e9, 4.0]);
    assert_eq!((near.median, near.spread), (3.0, 1.4826));
    assert_eq!(far, near);
    assert_eq!(middle(&mut []), Middle::default());
    assert_near(quantile_of_sorted(&[0.0, 10.0], 0.25), 2.5);
}

/// Scenario: numbers drawn twice from one seed, and many below ten.
/// Guarantees: the same numbers; each of the ten about as often.
#[test]
fn random_numbers_repeat_and_spread() {
    let (mut one, mut other) = (Random::seeded(7), Random::seeded(7));
    let mut counts = [0; 10];
    for _ in 0..10_000 {
        let drawn = one.below(10);
        assert_eq!(drawn, other.below(10));
        counts[drawn] += 1;
    }
    assert!(counts.iter().all(|count| (900..1_100).contains(count)), "{counts:?}");
}
