//! What two counters come to, and what slices do.

use super::*;
use alerts::{Method, Part, SloSpec, Source};
use std::collections::BTreeMap;

fn counts(steps: &[(i64, f64)]) -> Counts {
    Counts { steps: steps.iter().copied().collect::<BTreeMap<_, _>>(), sql: String::new() }
}

fn ratio(part: Part) -> Ratio {
    let source = || Source::Metric { name: "n".to_owned(), service: None, attributes: Vec::new() };
    Ratio { part, source: source(), total: source() }
}

fn told(buckets: &[SliBucket]) -> Vec<(i64, u64, u64)> {
    buckets.iter().map(|bucket| (bucket.at, bucket.n_good, bucket.n_total)).collect()
}

/// Scenario: counters of good and of bad events beside those of all, in the same steps and one step late.
/// Guarantees: each step has its events; a count that comes late is in the sums, and never more than there are.
#[test]
fn parts_meet_their_totals() {
    let total = counts(&[(0, 100.0), (10, 100.0), (30, 50.0)]);
    let good = joined(&ratio(Part::Good), &counts(&[(0, 99.0), (10, 98.0), (30, 50.0)]), &total);
    assert_eq!(told(&good), [(0, 99, 100), (10, 98, 100), (30, 50, 50)]);
    let bad = joined(&ratio(Part::Bad), &counts(&[(0, 1.0), (10, 2.0)]), &total);
    assert_eq!(told(&bad), [(0, 99, 100), (10, 98, 100), (30, 50, 50)]);
    for part in [Part::Good, Part::Bad] {
        let late = counts(if part == Part::Good {
            &[(10, 99.0), (20, 98.0), (40, 50.0)]
        } else {
            &[(10, 1.0), (20, 2.0)]
        });
        let found = joined(&ratio(part), &late, &total);
        let sum = found.iter().fold((0, 0), |sum, one| (sum.0 + one.n_good, sum.1 + one.n_total));
        assert_eq!(sum, (247, 250), "{found:?}");
    }
}

/// Scenario: a counter that grows by a third of an event in each of nine steps.
/// Guarantees: three events are counted: nothing is lost to rounding.
#[test]
fn fractions_add_up() {
    let thirds: Vec<_> = (0..9).map(|n| (n * 10, 1.0 / 3.0)).collect();
    let found = joined(&ratio(Part::Good), &counts(&thirds), &counts(&thirds));
    assert_eq!(found.iter().map(|bucket| bucket.n_total).sum::<u64>(), 3);
    assert!(found.iter().all(|bucket| bucket.n_good == bucket.n_total));
}

/// Scenario: minutes with 100, 95 and 94 good of 100, and one without events, where 95 percent are asked for.
/// Guarantees: each with events is one event; in wider steps they are counted together.
#[test]
fn slices_are_events() {
    let minute = 60_000_000_000;
    let spec = SloSpec {
        id: "slo".to_owned(),
        service: "shop".to_owned(),
        method: Method::Timeslices { width: Duration::from_secs(60), target_percent: 95.0 },
        ..SloSpec::default()
    };
    let slice = Slo::new(spec).unwrap().timeslice().unwrap();
    let bucket = |n: i64, n_good| SliBucket { at: n * minute, n_good, n_total: 100 };
    let mut buckets = vec![bucket(0, 100), bucket(1, 95), bucket(3, 94)];
    buckets.insert(2, SliBucket { at: 2 * minute, n_good: 0, n_total: 0 });
    let narrow = slices(&buckets, slice, Duration::from_secs(60));
    assert_eq!(told(&narrow), [(0, 1, 1), (minute, 1, 1), (3 * minute, 0, 1)]);
    assert_eq!(told(&slices(&buckets, slice, Duration::from_secs(600))), [(0, 2, 3)]);
}
