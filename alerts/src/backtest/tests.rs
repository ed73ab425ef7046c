//! The past once more: against known episodes, and against brute force over raw events.

use super::*;
use crate::SloSpec;
use proptest::prelude::*;

const SECOND: i64 = 1_000_000_000;
/// A whole minute.
const T0: i64 = 1_795_341_600 * SECOND;
const DAY_S: u64 = 86_400;

/// Slices of 10 s; windows of 120 s and 10 s on the first tier.
fn slo(change: impl FnOnce(&mut SloSpec)) -> Slo {
    let mut spec = SloSpec {
        id: "checkout".to_owned(),
        service: "checkout".to_owned(),
        period: Duration::from_secs(DAY_S),
        keep_firing: Duration::from_secs(30),
        ..SloSpec::default()
    };
    change(&mut spec);
    Slo::new(spec).unwrap()
}

fn replay(slices: &[SliceCounts]) -> Replay<'_> {
    let (step, lag) = (Duration::from_secs(10), Duration::from_secs(10));
    Replay { start: T0, slices, from: T0, step, lag }
}

/// Ten requests in every slice of ten seconds, all of them bad from one second to another.
fn traffic(to_s: i64, fault: std::ops::Range<i64>) -> Vec<SliceCounts> {
    let slice = |at: i64| {
        let n_good = if fault.contains(&at) { 0 } else { 10 };
        SliceCounts { n_good, n_total: 10, is_measured: true }
    };
    (0..to_s).step_by(10).map(slice).collect()
}

fn pages(found: &Backtest) -> Vec<&Episode> {
    found.episodes.iter().filter(|episode| episode.severity == Severity::Page).collect()
}

/// Scenario: a service fails completely for a minute, ten minutes after its first request.
/// Guarantees: the page fires and resolves when the running evaluation would have it do so: at 620 s, by tier 1, after
/// a slice and the lag; and at 760 s, when tier 2 has calmed down for as long as asked.
#[test]
fn a_fault_is_found_when_it_would_have_been() {
    let slo = slo(|_| {});
    let slices = traffic(2_000, 600..660);
    let found = backtest(&slo, &replay(&slices));
    let [page] = pages(&found)[..] else { panic!("{found:?}") };
    let second = |at: i64| (at - T0) / SECOND;
    assert_eq!((second(page.onset_at), second(page.firing_at)), (600, 620));
    assert_eq!((page.tier, page.resolved_at.map(second)), (1, Some(760)));
    assert_eq!(page.detection, Duration::from_secs(20));
    // 1000 times too fast, for ten seconds of a day.
    assert!((page.budget_spent.unwrap() - 10_000.0 / DAY_S as f64).abs() < 1e-9);
    // 60 bad ones of 2000, of which 2 may be, in 2000 of 86,400 s.
    assert_eq!((found.counts.n_total, found.counts.n_good), (2_000, 1_940));
    assert!((found.budget_spent.unwrap() - 30.0 * 2_000.0 / DAY_S as f64).abs() < 1e-9);
    assert!((found.pages_per_week - 7.0 * DAY_S as f64 / 2_000.0).abs() < 1e-6);
    assert_eq!(found.burndown.last().unwrap().at, T0 + 2_000 * SECOND);
}

/// Scenario: the same fault while pages have to wait for two minutes; then with so little traffic that the guard holds;
/// then with a silence in the middle of it.
/// Guarantees: a wait that ends early is counted and tells nobody; the guard keeps silent; silence does not resolve.
#[test]
fn guards_are_those_of_the_evaluation() {
    let patient = slo(|spec| spec.pending_for = Duration::from_secs(300));
    let slices = traffic(2_000, 600..660);
    let found = backtest(&patient, &replay(&slices));
    assert!(pages(&found).is_empty() && found.n_cancelled > 0, "{found:?}");
    let strict = slo(|spec| spec.n_events_min = 100_000);
    assert!(backtest(&strict, &replay(&slices)).episodes.is_empty());
    let mut silent = traffic(2_000, 600..5_000);
    silent[66..].fill(SliceCounts::default());
    let found = backtest(&slo(|_| {}), &replay(&silent));
    let [page] = pages(&found)[..] else { panic!("{found:?}") };
    assert_eq!(page.resolved_at, None);
}

/// Scenario: judging begins in the middle of what was read.
/// Guarantees: what lies before counts in windows, and is not told as an alert of its own.
#[test]
fn history_is_not_judged() {
    let slo = slo(|_| {});
    let slices = traffic(2_000, 600..660);
    let found = backtest(&slo, &Replay { from: T0 + 1_000 * SECOND, ..replay(&slices) });
    assert_eq!((found.from, found.counts.n_total), (T0 + 1_000 * SECOND, 1_000));
    assert!(pages(&found).is_empty());
    let found = backtest(&slo, &Replay { from: T0 + 640 * SECOND, ..replay(&slices) });
    assert_eq!(pages(&found)[0].onset_at, T0 + 600 * SECOND);
}

/// Scenario: nothing was read, and nothing happened.
/// Guarantees: there is nothing to tell, and nothing is divided by nothing.
#[test]
fn nothing_is_nothing() {
    let slo = slo(|_| {});
    let found = backtest(&slo, &replay(&[]));
    assert_eq!((found.pages_per_week, found.compliance, found.budget_spent), (0.0, None, None));
    let found = backtest(&slo, &replay(&[SliceCounts::default(); 10]));
    assert!(found.episodes.is_empty() && found.burndown.iter().all(|point| point.remaining.is_none()));
}

/// Scenario: a period in four steps, with bad events in two of them.
/// Guarantees: what is left only falls, and ends at what the judgement says is left.
#[test]
fn the_burndown_ends_at_what_is_left() {
    let slo = slo(|spec| spec.target_percent = 99.0);
    let steps = [(T0 + 1, 100, 100), (T0 + 2, 199, 200), (T0 + 3, 100, 100), (T0 + 4, 598, 600)];
    let points = burndown(&slo, T0 + 4, &steps);
    let left: Vec<_> = points.iter().map(|point| (point.remaining.unwrap() * 10.0).round()).collect();
    assert_eq!(left, [10.0, 9.0, 9.0, 7.0]);
    let judgement =
        judge(&slo, T0 + 4, |_| WindowCounts { n_good: 997, n_total: 1000, ..Default::default() });
    let (last, expected) = (points[3].remaining.unwrap(), judgement.budget_remaining.unwrap());
    assert!((last - expected).abs() < 1e-9);
    assert!(burndown(&slo, T0, &[(T0, 0, 0)])[0].remaining.is_none());
}

/// The two alerts, from raw events alone: nothing is summed up, and nothing is remembered but whether it fires.
fn oracle(slo: &Slo, events: &[(i64, bool)], to_s: i64) -> Vec<(Severity, i64, Option<i64>)> {
    let burns = |tier: &Tier, window: Duration, end: i64| {
        let from = end - window.as_secs() as i64;
        let inside = || events.iter().filter(|(at, _)| (from..end).contains(at));
        let (n_bad, n_total) = (inside().filter(|event| event.1).count(), inside().count());
        // ratio > T * budget, with T in thousandths and the budget of 99 %.
        n_bad as u128 * 100 * 1_000 > u128::from(tier.threshold_thousandths) * n_total as u128
    };
    let mut found = Vec::new();
    let mut open: [Option<usize>; 2] = [None, None];
    for end in (10..=to_s).step_by(10) {
        for (place, severity) in Severity::ALL.into_iter().enumerate() {
            let mut tiers = slo.tiers().iter().filter(|tier| tier.severity == severity);
            let is_burning = tiers.any(|tier| burns(tier, tier.long, end) && burns(tier, tier.short, end));
            match (is_burning, open[place]) {
                (true, None) => {
                    open[place] = Some(found.len());
                    found.push((severity, end, None));
                }
                (false, Some(idx)) => {
                    found[idx].2 = Some(end);
                    open[place] = None;
                }
                _ => {}
            }
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Scenario: random requests of some hours, with faults of random length and depth, and with a guard that holds
    /// nothing back.
    /// Guarantees: alerts fire and resolve at the very steps at which brute force over the raw events has them do so.
    #[test]
    fn episodes_equal_brute_force(
        requests in prop::collection::vec((0_i64..8_000, 0_u32..1_000), 50..300),
        faults in prop::collection::vec((0_i64..8_000, 10_i64..1_500, 50_u32..1_000), 0..4),
    ) {
        let slo = slo(|spec| {
            spec.target_percent = 99.0;
            (spec.n_events_min, spec.n_bad_min, spec.keep_firing) = (1, 1, Duration::ZERO);
        });
        let depth = |at: i64| {
            let inside = faults.iter().filter(|(from, length, _)| (*from..from + length).contains(&at));
            inside.map(|fault| fault.2).max().unwrap_or(2)
        };
        let events: Vec<_> = requests.iter().map(|&(at, luck)| (at, luck < depth(at))).collect();
        let mut slices = vec![SliceCounts { is_measured: true, ..SliceCounts::default() }; 800];
        for &(at, is_bad) in &events {
            let slice = &mut slices[usize::try_from(at / 10).unwrap()];
            slice.n_total += 1;
            slice.n_good += u64::from(!is_bad);
        }
        let found = backtest(&slo, &Replay { lag: Duration::ZERO, ..replay(&slices) });
        let second = |at: i64| (at - T0) / SECOND;
        let told: Vec<_> = found
            .episodes
            .iter()
            .map(|one| (one.severity, second(one.firing_at), one.resolved_at.map(second)))
            .collect();
        prop_assert_eq!(told, oracle(&slo, &events, 8_000));
    }
}
