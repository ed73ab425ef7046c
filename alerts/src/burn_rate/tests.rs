//! Burn rates against brute force, and every bound from both sides.

use super::*;
use crate::SloSpec;
use proptest::prelude::*;

const DAY: u64 = 86_400;

fn slo(target_percent: f64, period_s: u64) -> Slo {
    Slo::new(SloSpec {
        id: "slo".to_owned(),
        service: "service".to_owned(),
        target_percent,
        period: Duration::from_secs(period_s),
        ..SloSpec::default()
    })
    .unwrap()
}

fn covered(n_good: u64, n_total: u64) -> WindowCounts {
    WindowCounts { n_good, n_total, coverage: Coverage { n_measured: 10, n_slices: 10 } }
}

/// Scenario: the table of windows for 30 d, 28 d, 7 d and 1 d.
/// Guarantees: windows scale with the period, rounded up to 10 s; thresholds and shares stay.
#[test]
fn windows_scale_with_the_period() {
    let windows = |period_s| {
        let tiers = tiers_of_period(Duration::from_secs(period_s), SLICE);
        tiers.map(|tier| (tier.long.as_secs(), tier.short.as_secs()))
    };
    assert_eq!(windows(30 * DAY), [(3600, 300), (21_600, 1800), (86_400, 7200), (259_200, 21_600)]);
    assert_eq!(windows(7 * DAY), [(840, 70), (5040, 420), (20_160, 1680), (60_480, 5040)]);
    assert_eq!(windows(28 * DAY), [(3360, 280), (20_160, 1680), (80_640, 6720), (241_920, 20_160)]);
    assert_eq!(windows(DAY), [(120, 10), (720, 60), (2880, 240), (8640, 720)]);
    // 36 h: 15 s become 20 s.
    assert_eq!(windows(36 * 3600)[0], (180, 20));

    for (tier, share) in
        tiers_of_period(Duration::from_secs(30 * DAY), SLICE).iter().zip([0.02, 0.05, 0.1, 0.1])
    {
        let period_s = 30.0 * DAY as f64;
        assert!((tier.threshold() * tier.long.as_secs_f64() / period_s - share).abs() < 1e-12);
        assert_eq!(tier.long, tier.short * 12);
    }
}

/// Scenario: every whole number of hours from one day to a year.
/// Guarantees: slices divide every window, and there are at most a few hundred thousand in a period.
#[test]
fn slices_divide_every_window() {
    for hours in 24..=366 * 24 {
        let period = Duration::from_secs(hours * 3600);
        let tiers = tiers_of_period(period, SLICE);
        let slice = slice_of(&tiers).as_secs();
        for tier in tiers {
            assert_eq!(tier.long.as_secs() % slice, 0, "{hours} h");
            assert_eq!(tier.short.as_secs() % slice, 0, "{hours} h");
        }
        assert!(period.as_secs() / slice <= 3_200_000, "{hours} h");
    }
    assert_eq!(slo(99.9, 30 * DAY).slice().as_secs(), 30);
    assert_eq!(slo(99.9, DAY).slice().as_secs(), 10);
}

/// Scenario: the lowest target that reaches a tier, and the one a part below it.
/// Guarantees: 14.4 needs more than 93.05556 %, 6 more than 83.33333 %, 3 more than 66.66667 %, and 1
/// anything above nothing.
#[test]
fn reachable_targets_have_exact_bounds() {
    let can_fire = |index: usize, percent: f64| {
        tiers_of_period(MIN_PERIOD, SLICE)[index].can_fire(Target::from_percent(percent).unwrap())
    };
    for (index, below, above) in
        [(0, 93.0555555, 93.0555556), (1, 83.3333333, 83.3333334), (2, 66.6666666, 66.6666667)]
    {
        assert!(!can_fire(index, below), "{below}");
        assert!(can_fire(index, above), "{above}");
    }
    // 1 / 0.0625 = 16 and 1 / 0.1 = 10 are exact: "as much as" is not "more than".
    let exact = Tier { threshold_thousandths: 16_000, ..tiers_of_period(MIN_PERIOD, SLICE)[0] };
    assert!(!exact.can_fire(Target::from_percent(93.75).unwrap()));
    assert!(can_fire(3, 0.0000001));
    let reached = Tier { comparison: Comparison::AtLeast, ..exact };
    assert!(reached.can_fire(Target::from_percent(93.75).unwrap()));
    let never = Tier { comparison: Comparison::Below, threshold_thousandths: 0, ..exact };
    assert!(!never.can_fire(Target::from_percent(99.9).unwrap()));
    assert!(Tier { comparison: Comparison::AtMost, ..never }.can_fire(Target::from_percent(99.9).unwrap()));
}

/// Scenario: 1,000,000 events at exactly a tier's threshold, then one more bad one.
/// Guarantees: the comparison is strict, and rounding does not blur it.
#[test]
fn thresholds_are_strict() {
    let tier = tiers_of_period(MIN_PERIOD, SLICE)[0];
    for (target, threshold_thousandths, n_bad) in
        [(99.9, 14_400, 14_400), (99.9, 6_000, 6000), (99.99, 3_000, 300), (99.5, 1_000, 5000)]
    {
        let target = Target::from_percent(target).unwrap();
        let tier = Tier { threshold_thousandths, ..tier };
        let window = |n_bad: u64| covered(1_000_000 - n_bad, 1_000_000);
        assert!(!window(n_bad).burns(tier, target));
        assert!(window(n_bad + 1).burns(tier, target));
        let burn = window(n_bad).burn(target).unwrap();
        assert!((burn - tier.threshold()).abs() < 1e-9, "{burn}");
        let holds = |comparison, n_bad| window(n_bad).burns(Tier { comparison, ..tier }, target);
        let around = [n_bad - 1, n_bad, n_bad + 1];
        assert_eq!(around.map(|n_bad| holds(Comparison::AtLeast, n_bad)), [false, true, true]);
        assert_eq!(around.map(|n_bad| holds(Comparison::Below, n_bad)), [true, false, false]);
        assert_eq!(around.map(|n_bad| holds(Comparison::AtMost, n_bad)), [true, true, false]);
        assert!(!covered(0, 0).burns(Tier { comparison: Comparison::AtMost, ..tier }, target));
    }
}

/// Scenario: conditions of a period of 7 d with windows of 1 h and 5 min, and thresholds of two and of four decimals.
/// Guarantees: they are the tiers, on whole slices; a threshold that cannot be compared exactly is none.
#[test]
fn conditions_are_tiers() {
    let condition = |threshold| Condition {
        severity: Severity::Page,
        comparison: Comparison::Above,
        threshold,
        long: Duration::from_secs(3_600),
        short: Duration::from_secs(295),
    };
    let tiers = tiers_of_conditions(&[condition(13.44), condition(1.4)], SLICE).unwrap();
    let told: Vec<_> =
        tiers.iter().map(|tier| (tier.index, tier.threshold(), tier.short.as_secs())).collect();
    assert_eq!(told, [(1, 13.44, 300), (2, 1.4, 300)]);
    assert_eq!(tiers_of_conditions(&[condition(1.0001)], SLICE), None);
    assert_eq!(tiers_of_conditions(&[condition(-1.0)], SLICE), None);
    assert_eq!(tiers_of_conditions(&[condition(f64::NAN)], SLICE), None);
}

/// Scenario: a month by the calendar, a tenth of it over, in which traffic failed at twice the allowed rate.
/// Guarantees: a fifth of the month's budget is spent; at this rate it does not last, but of a slow burn the calendar
/// renews it before.
#[test]
fn a_calendar_spends_as_it_goes() {
    let calendar = crate::Calendar::new("2026-06-01 00:00:00", "UTC", 1, crate::CalendarUnit::Month).unwrap();
    let spec = SloSpec {
        id: "slo".to_owned(),
        service: "service".to_owned(),
        calendar: Some(calendar),
        ..SloSpec::default()
    };
    let slo = Slo::new(spec).unwrap();
    let start = 1_780_272_000_000_000_000;
    let end = start + 3 * DAY as i64 * 1_000_000_000;
    let at = |n_bad: u64| judge(&slo, end, |_| covered(1_000_000 - n_bad, 1_000_000));
    let judgement = at(2_000);
    assert_eq!(judgement.period_range, (start, start + 30 * DAY as i64 * 1_000_000_000));
    assert!((judgement.budget_remaining.unwrap() - 0.8).abs() < 1e-9);
    assert!((judgement.exhaustion_s.unwrap() - 12.0 * DAY as f64).abs() < 1.0);
    assert_eq!(at(900).exhaustion_s, None);
    assert_eq!(judge(&slo, start, |_| covered(0, 10)).budget_remaining, None);
}

/// Scenario: both windows burn; then only the long one, only the short one, neither.
/// Guarantees: a tier needs both.
#[test]
fn both_windows_must_burn() {
    let slo = slo(99.9, 30 * DAY);
    let tier = slo.tiers()[0];
    let (bad, good) = (covered(900, 1000), covered(1000, 1000));
    let verdict = |long, short| judge_tier(&slo, tier, long, short).verdict;
    assert_eq!(verdict(bad, bad), Verdict::Burning);
    assert_eq!(verdict(bad, good), Verdict::Ok);
    assert_eq!(verdict(good, bad), Verdict::Ok);
    assert_eq!(verdict(good, good), Verdict::Ok);
    assert_eq!(verdict(covered(0, 0), covered(0, 0)), Verdict::Ok);
}

/// Scenario: one error at night, then enough of them in too little traffic, then just enough of both.
/// Guarantees: the guard holds at each bound, and says so.
#[test]
fn little_traffic_is_held() {
    let slo = slo(99.9, 30 * DAY);
    let verdict = |n_bad, n_total| {
        let window = covered(n_total - n_bad, n_total);
        judge_tier(&slo, slo.tiers()[0], window, window).verdict
    };
    assert_eq!(verdict(1, 10), Verdict::HeldLowTraffic);
    assert_eq!(verdict(9, 9), Verdict::HeldLowTraffic);
    assert_eq!(verdict(2, 10), Verdict::Burning);
}

/// Scenario: windows with one slice more and one less than nine tenths measured.
/// Guarantees: below it the tier freezes, burning or not; a window nobody expected anything in is frozen.
#[test]
fn missing_data_freezes() {
    let slo = slo(99.9, 30 * DAY);
    let verdict = |n_measured| {
        let coverage = Coverage { n_measured, n_slices: 120 };
        let long = WindowCounts { coverage, ..covered(0, 1000) };
        judge_tier(&slo, slo.tiers()[0], long, covered(0, 100)).verdict
    };
    assert_eq!(verdict(108), Verdict::Burning);
    assert_eq!(verdict(107), Verdict::FrozenNoData);
    assert!(!Coverage::default().is_enough());
    assert_eq!(Coverage::default().share(), 0.0);
}

/// Scenario: ten minutes after the first span of a new installation, one request in five fails.
/// Guarantees: tier 1 pages; what was before the first span is not a gap.
#[test]
fn a_fresh_installation_pages() {
    let slo = slo(99.9, 30 * DAY);
    let judgement = judge(&slo, 0, |window| {
        let n = (window.as_secs() / 30).min(20) as u32;
        let coverage = Coverage { n_measured: n, n_slices: n };
        WindowCounts { n_good: u64::from(n) * 8, n_total: u64::from(n) * 10, coverage }
    });
    assert_eq!(judgement.verdict(Severity::Page), Verdict::Burning);
    assert_eq!(judgement.worst(Severity::Page).unwrap().tier.index, 1);
    assert_eq!(judgement.tiers[0].burn_long.unwrap().round(), 200.0);
    assert!((judgement.budget_remaining.unwrap() + 199.0).abs() < 1e-6);
    assert_eq!(judgement.exhaustion_s, Some(0.0));
}

/// Scenario: half the budget spent, and burning at 2.
/// Guarantees: the budget lasts for a quarter of the period; without burning there is no end.
#[test]
fn time_to_exhaustion() {
    let period = Duration::from_secs(30 * DAY);
    assert_eq!(exhaustion_s(Some(0.5), Some(2.0), period), Some(7.5 * DAY as f64));
    assert_eq!(exhaustion_s(Some(-3.0), Some(2.0), period), Some(0.0));
    assert_eq!(exhaustion_s(Some(0.5), Some(0.0), period), None);
    assert_eq!(exhaustion_s(None, Some(2.0), period), None);
    assert_eq!(exhaustion_s(Some(0.5), None, period), None);
}

/// Scenario: steady traffic of 10 events a second that begins to fail at a known rate.
/// Guarantees: detection takes long * T / burn, as the formula says: 52 s for a total outage, 43 min
/// at burn 20, 5.1 h at burn 7 on tier 2, 36 h at burn 2 on tier 4.
#[test]
fn detection_times() {
    let slo = slo(99.9, 30 * DAY);
    for (burn, expected_s) in [(1000.0, 52), (20.0, 43 * 60), (7.0, 18_514), (2.0, 36 * 3600)] {
        let detects_at = |seconds: u64| {
            let judgement = judge(&slo, 0, |window| {
                let n_total = window.as_secs() * 10_000;
                let n_bad = (window.as_secs().min(seconds) as f64 * 10.0 * burn) as u64;
                covered(n_total - n_bad, n_total)
            });
            judgement.tiers.iter().any(|tier| tier.verdict == Verdict::Burning)
        };
        assert!(!detects_at(expected_s * 97 / 100), "burn {burn} too early");
        assert!(detects_at(expected_s * 103 / 100), "burn {burn} too late");
    }
}

proptest! {
    /// Scenario: random series of slices, judged by the tiers and by adding up events one by one.
    /// Guarantees: both give the same verdict, and the burn rate is the ratio over the budget.
    #[test]
    fn verdicts_equal_brute_force(
        seed in prop::collection::vec((0_u64..20, 0_u64..200), 864),
        target_tenths in 660_u32..=999,
    ) {
        let slo = slo(f64::from(target_tenths) / 10.0, DAY);
        let slice_s = slo.slice().as_secs();
        let count = |window: Duration| {
            let n = (window.as_secs() / slice_s) as usize;
            seed.iter().rev().take(n).fold(covered(0, 0), |sum, (bad, total)| {
                let bad = *bad.min(total);
                WindowCounts { n_good: sum.n_good + total - bad, n_total: sum.n_total + total, ..sum }
            })
        };
        let judgement = judge(&slo, 0, count);
        for judged in &judgement.tiers {
            let (mut burns, mut n_long, mut n_bad_long) = (true, 0, 0);
            for window in [judged.tier.long, judged.tier.short] {
                let (mut n_bad, mut n_total) = (0_u128, 0_u128);
                for (bad, total) in seed.iter().rev().take((window.as_secs() / slice_s) as usize) {
                    for event in 0..*total {
                        n_total += 1;
                        n_bad += u128::from(event < *bad);
                    }
                }
                let budget_tenths = u128::from(1000 - target_tenths);
                let threshold = u128::from(judged.tier.threshold_thousandths);
                burns &= n_bad * 1000 * 1000 > threshold * n_total * budget_tenths;
                if window == judged.tier.long {
                    (n_long, n_bad_long) = (n_total, n_bad);
                }
            }
            let expected = match burns {
                true if n_long >= 10 && n_bad_long >= 2 => Verdict::Burning,
                true => Verdict::HeldLowTraffic,
                false => Verdict::Ok,
            };
            prop_assert_eq!(judged.verdict, expected);
            if n_long > 0 {
                let ratio = n_bad_long as f64 / n_long as f64;
                let burn = ratio / (1.0 - f64::from(target_tenths) / 1000.0);
                prop_assert!((judged.burn_long.unwrap() - burn).abs() <= 1e-9 * burn.max(1.0));
            }
        }
    }
}
