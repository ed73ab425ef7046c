//! Tests of the objectives and their refusals.

use super::*;
use expect_test::{Expect, expect};

fn spec() -> SloSpec {
    SloSpec { id: "checkout".to_owned(), service: "checkout".to_owned(), ..SloSpec::default() }
}

fn refused(change: impl FnOnce(&mut SloSpec), expected: Expect) {
    let mut spec = spec();
    change(&mut spec);
    expected.assert_eq(&Slo::new(spec).unwrap_err().to_string());
}

/// Scenario: targets whose budgets have no exact binary fraction.
/// Guarantees: target and budget are exact decimals, and print as they were written.
#[test]
fn targets_are_decimals() {
    for (percent, text, budget_parts, budget) in [
        (99.9, "99.9 %", 1_000_000, 0.001),
        (99.0, "99 %", 10_000_000, 0.01),
        (99.99, "99.99 %", 100_000, 0.0001),
        (99.95, "99.95 %", 500_000, 0.0005),
        (99.9999999, "99.9999999 %", 1, 1e-9),
        (0.5, "0.5 %", 995_000_000, 0.995),
        (93.056, "93.056 %", 69_440_000, 0.06944),
    ] {
        let target = Target::from_percent(percent).unwrap();
        assert_eq!(target.to_string(), text);
        assert_eq!(target.budget_parts(), budget_parts, "{text}");
        assert_eq!(target.budget().to_string(), format!("{budget}"), "{text}");
    }
}

/// Scenario: an SLO for each indicator, with and without an operation, over several periods.
/// Guarantees: the sentence says what is promised.
#[test]
fn sentences() {
    let sentence = |change: &dyn Fn(&mut SloSpec)| {
        let mut spec = spec();
        change(&mut spec);
        Slo::new(spec).unwrap().sentence()
    };
    expect!["99.9 % of checkout requests succeed over 30 d"].assert_eq(&sentence(&|_| {}));
    expect!["99 % of checkout POST /pay requests take at most 300 ms over 7 d"].assert_eq(&sentence(
        &|spec| {
            spec.operation = Some("POST /pay".to_owned());
            spec.indicator = Indicator::Latency { threshold: Duration::from_millis(300) };
            spec.target_percent = 99.0;
            spec.period = Duration::from_secs(7 * 86_400);
        },
    ));
    expect!["99.9 % of checkout requests take at most 1.5 s over 36 h"].assert_eq(&sentence(&|spec| {
        spec.indicator = Indicator::Latency { threshold: Duration::from_millis(1500) };
        spec.period = Duration::from_secs(36 * 3600);
    }));
}

/// Scenario: a ratio of two metrics, requests with attributes, time slices, and a calendar.
/// Guarantees: the sentence says what is counted, and over which time.
#[test]
fn sentences_of_other_kinds() {
    let sentence = |change: &dyn Fn(&mut SloSpec)| {
        let mut spec = spec();
        change(&mut spec);
        Slo::new(spec).unwrap().sentence()
    };
    let metric = |name: &str| Source::Metric { name: name.to_owned(), service: None, attributes: Vec::new() };
    expect!["99.9 % of checkout events in jobs.total are good over 30 d"].assert_eq(&sentence(&|spec| {
        let (source, total) = (metric("jobs.failed"), metric("jobs.total"));
        spec.indicator = Indicator::Ratio(crate::Ratio { part: crate::Part::Bad, source, total });
    }));
    expect!["in 99.9 % of all minutes, 95 % of checkout requests with tenant=acme succeed over 30 d"]
        .assert_eq(&sentence(&|spec| {
            spec.attributes = vec![("tenant".to_owned(), "acme".to_owned())];
            spec.method = Method::Timeslices { width: Duration::from_secs(60), target_percent: 95.0 };
        }));
    expect!["99.9 % of checkout requests succeed each month from 2026-01-01 00:00:00 in Europe/Berlin"]
        .assert_eq(&sentence(&|spec| {
            let unit = crate::CalendarUnit::Month;
            let calendar = Calendar::new("2026-01-01 00:00:00", "Europe/Berlin", 1, unit);
            spec.calendar = Some(calendar.unwrap());
        }));
}

/// Scenario: time slices of a minute in periods of 30 d and 7 d.
/// Guarantees: they are the slices that are counted, and every window is a whole number of them.
#[test]
fn time_slices_cut_the_windows() {
    for (days, windows) in [(30, [(3600, 300), (21_600, 1800)]), (7, [(840, 120), (5040, 420)])] {
        let mut spec = spec();
        spec.period = Duration::from_secs(days * 86_400);
        spec.method = Method::Timeslices { width: Duration::from_secs(60), target_percent: 99.0 };
        let slo = Slo::new(spec).unwrap();
        assert_eq!(slo.slice(), Duration::from_secs(60));
        let found = slo.tiers()[..2].iter().map(|tier| (tier.long.as_secs(), tier.short.as_secs()));
        assert_eq!(found.collect::<Vec<_>>(), windows);
        assert!(slo.tiers().iter().all(|tier| tier.short.as_secs().is_multiple_of(60)));
    }
}

/// Scenario: pages that wait for two minutes and tickets for an hour; then one time for both.
/// Guarantees: each severity waits for its own.
#[test]
fn severities_wait_for_themselves() {
    let mut spec = SloSpec { pending_for: Duration::from_secs(120), ..spec() };
    let waits = |spec: &SloSpec| {
        let slo = Slo::new(spec.clone()).unwrap();
        Severity::ALL.map(|severity| slo.pending_for(severity).as_secs())
    };
    assert_eq!(waits(&spec), [120, 120]);
    spec.ticket_pending_for = Some(Duration::from_secs(3600));
    assert_eq!(waits(&spec), [120, 3600]);
}

/// Scenario: slices, conditions, scopes and statements that cannot work.
/// Guarantees: each is refused with what would be accepted.
#[test]
fn refusals_of_other_kinds() {
    let slice =
        |width_s, target_percent| Method::Timeslices { width: Duration::from_secs(width_s), target_percent };
    for method in [slice(0, 99.0), slice(15, 99.0), slice(3610, 99.0), slice(60, 0.0), slice(60, 101.0)] {
        assert_eq!(Slo::new(SloSpec { method, ..spec() }).unwrap_err(), SloError::Timeslice, "{method:?}");
    }
    let condition = Condition {
        severity: Severity::Page,
        comparison: Comparison::Above,
        threshold: 14.4,
        long: Duration::from_secs(3600),
        short: Duration::from_secs(300),
    };
    let with = |conditions: Vec<Condition>| Slo::new(SloSpec { conditions, ..spec() });
    assert_eq!(with(vec![condition; 8]).unwrap().tiers().len(), 8);
    assert_eq!(with(vec![condition; 9]).unwrap_err(), SloError::Condition);
    let short = Duration::from_secs(7200);
    assert_eq!(with(vec![Condition { short, ..condition }]).unwrap_err(), SloError::Condition);
    assert_eq!(with(vec![Condition { threshold: 1.23456, ..condition }]).unwrap_err(), SloError::Condition);
    let unreachable = with(vec![Condition { threshold: 1001.0, ..condition }]).unwrap_err().to_string();
    expect!["no tier can fire with a target of 99.9 %: tier 1 needs a burn rate above 1001, and with a budget of 1 - 0.999 = 0.001 even a total outage burns at only 1 / 0.001 = 1000.00; it needs a target above 99.900 %"]
        .assert_eq(&unreachable);
    let sql = |text: &str| Source::Sql(text.to_owned());
    let good = "SELECT date_bin($step, time) AS at, count(*) AS n FROM logs WHERE time >= $from AND time < $to GROUP BY at";
    let ratio = |text: &str| {
        Indicator::Ratio(crate::Ratio { part: crate::Part::Good, source: sql(text), total: sql(good) })
    };
    assert!(Slo::new(SloSpec { indicator: ratio(good), ..spec() }).is_ok());
    let refused = |indicator, operation| Slo::new(SloSpec { indicator, operation, ..spec() }).unwrap_err();
    assert_eq!(refused(ratio("SELECT 1"), None), SloError::Statement);
    assert_eq!(refused(ratio(good), Some("GET /".to_owned())), SloError::ScopedRatio);
}

/// Scenario: one fault at a time.
/// Guarantees: each is refused with what would be accepted.
#[test]
fn refusals() {
    refused(
        |spec| spec.id = "Checkout".to_owned(),
        expect![[
            r#"id "Checkout" is not usable: take 1 to 63 lower-case letters, digits and '-', with a letter or digit at both ends, for example "checkout-availability""#
        ]],
    );
    refused(
        |spec| spec.id = "a/b".to_owned(),
        expect![[
            r#"id "a/b" is not usable: take 1 to 63 lower-case letters, digits and '-', with a letter or digit at both ends, for example "checkout-availability""#
        ]],
    );
    refused(
        |spec| spec.service.clear(),
        expect!["service must be 1 to 120 characters without control characters"],
    );
    for percent in [0.0, 100.0, -1.0, 250.0, f64::NAN, f64::INFINITY] {
        let mut spec = spec();
        spec.target_percent = percent;
        assert!(matches!(Slo::new(spec), Err(SloError::Target { .. })), "{percent}");
    }
    refused(
        |spec| spec.target_percent = 99.99999999,
        expect!["target 99.99999999 has more than 7 decimals: write it as a percentage, for example 99.95"],
    );
    refused(
        |spec| spec.period = Duration::from_secs(3600),
        expect![
            "period 1 h is out of range: take 1 d to 366 d; at 1 d the shortest window is already the smallest slice of 10 s"
        ],
    );
    refused(
        |spec| spec.indicator = Indicator::Latency { threshold: Duration::ZERO },
        expect![[r#"threshold must be at least 1 ms and at most 1 h, for example "300ms""#]],
    );
    refused(
        |spec| spec.keep_firing = Duration::from_secs(86_401),
        expect!["keep_firing must be at most 1 d"],
    );
    refused(|spec| spec.n_bad_min = 0, expect!["events_min and bad_min must be at least 1"]);
    refused(
        |spec| drop(spec.labels.insert("severity".to_owned(), "loud".to_owned())),
        expect![[r#"label "severity" is set by the alert itself; choose another name"#]],
    );
    refused(
        |spec| drop(spec.labels.insert("2nd".to_owned(), "x".to_owned())),
        expect![[r#"label name "2nd" is not usable: letters, digits and '_', not starting with a digit"#]],
    );
    refused(
        |spec| spec.runbook_url = Some("javascript:alert(1)".to_owned()),
        expect!["runbook_url must start with http:// or https://"],
    );
}

/// Scenario: targets too low for the upper tiers.
/// Guarantees: unreachable tiers are off with their arithmetic, the others stay.
#[test]
fn unreachable_tiers_are_off_and_say_so() {
    let slo = |target_percent| Slo::new(SloSpec { target_percent, ..spec() }).unwrap();
    let tiers = |slo: &Slo| slo.tiers().iter().map(|tier| tier.index).collect::<Vec<_>>();
    assert_eq!(tiers(&slo(99.9)), [1, 2, 3, 4]);
    assert!(slo(99.9).notes().is_empty());
    let low = slo(90.0);
    assert_eq!(tiers(&low), [2, 3, 4]);
    expect!["tier 1 needs a burn rate above 14.4, and with a budget of 1 - 0.9 = 0.1 even a total outage burns at only 1 / 0.1 = 10.00; it needs a target above 93.056 %"]
        .assert_eq(&low.notes().join("\n"));
    assert_eq!(tiers(&slo(50.0)), [4]);
    assert_eq!(slo(50.0).notes().len(), 3);
}
