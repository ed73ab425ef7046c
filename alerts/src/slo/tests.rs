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
