//! Files in, objectives or complaints out; and everybody else's files.

use super::*;
use alerts::{
    Calendar, CalendarUnit, Comparison, Condition, Indicator, Method, Part, Ratio, Severity, Slo, Source,
};
use expect_test::{Expect, expect};
use proptest::prelude::*;
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;

fn file(text: &str) -> [File; 1] {
    [File { name: "slos.yaml".to_owned(), text: text.to_owned() }]
}

fn receivers() -> Vec<String> {
    vec!["on-call".to_owned(), "team".to_owned()]
}

fn imported(text: &str) -> Imported {
    import(&file(text), &receivers()).unwrap_or_else(|issues| panic!("{}", shown(&issues)))
}

fn shown(issues: &[Issue]) -> String {
    let line = |issue: &Issue| match &issue.hint {
        Some(hint) => format!("{issue}\n  hint: {hint}"),
        None => issue.to_string(),
    };
    issues.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn refused(text: &str, expected: Expect) {
    expected.assert_eq(&shown(&import(&file(text), &receivers()).unwrap_err()));
}

const AVAILABILITY: &str = r#"
apiVersion: openslo/v1
kind: SLO
metadata:
  name: checkout-availability
  displayName: Checkout works
  labels:
    team: [payments, shop]
    service: shop
spec:
  description: Orders go through.
  service: checkout
  indicatorRef: checkout-success
  timeWindow:
    - duration: 4w
      isRolling: true
  budgetingMethod: Occurrences
  objectives:
    - target: 0.999
  alertPolicies:
    - fast
---
apiVersion: openslo/v1
kind: SLI
metadata:
  name: checkout-success
spec:
  ratioMetric:
    counter: true
    good:
      metricSource:
        type: firstfault
        spec: {signal: spans, good: no_error}
    total:
      metricSource:
        metricSourceRef: ours
        spec:
          signal: spans
          operation: POST /pay
          filter: {http.route: /pay}
---
apiVersion: openslo/v1
kind: DataSource
metadata: {name: ours}
spec: {type: firstfault, connectionDetails: {url: "http://127.0.0.1:4320"}}
---
apiVersion: openslo/v1
kind: AlertPolicy
metadata: {name: fast}
spec:
  alertWhenBreaching: true
  conditions: [{conditionRef: fast-burn}]
  notificationTargets: [{targetRef: on-call}]
---
apiVersion: openslo/v1
kind: AlertCondition
metadata: {name: fast-burn}
spec:
  severity: critical
  condition: {kind: burnrate, op: gt, threshold: 13.44, lookbackWindow: 1h, alertAfter: 2m}
---
apiVersion: openslo/v1
kind: AlertNotificationTarget
metadata: {name: on-call}
spec: {target: email}
"#;

/// Scenario: an SLO whose parts are documents of their own, in the other order than they are named.
/// Guarantees: all of it arrives: scope, period, condition with a short window of a twelfth, receiver, labels.
#[test]
fn parts_find_each_other() {
    let Imported { objectives, warnings } = imported(AVAILABILITY);
    assert!(warnings.is_empty(), "{}", shown(&warnings));
    let [Objective { spec, line, .. }] = &objectives[..] else { panic!("{objectives:?}") };
    assert_eq!(*line, 19);
    let condition = Condition {
        severity: Severity::Page,
        comparison: Comparison::Above,
        threshold: 13.44,
        long: Duration::from_secs(3_600),
        short: Duration::from_secs(300),
    };
    let text = |text: &str| text.to_owned();
    let expected = SloSpec {
        id: text("checkout-availability"),
        name: text("Checkout works"),
        description: Some(text("Orders go through.")),
        service: text("checkout"),
        operation: Some(text("POST /pay")),
        attributes: vec![(text("http.route"), text("/pay"))],
        indicator: Indicator::Availability,
        target_percent: 99.9,
        period: Duration::from_secs(28 * 86_400),
        conditions: vec![condition],
        pending_for: Duration::from_secs(120),
        receivers: vec![text("on-call")],
        labels: [(text("label_service"), text("shop")), (text("team"), text("payments,shop"))].into(),
        ..SloSpec::default()
    };
    assert_eq!(*spec, expected);
}

fn ratio(indicator: &str, rest: &str) -> String {
    format!(
        "apiVersion: openslo/v1\nkind: SLO\nmetadata: {{name: jobs}}\nspec:\n  service: worker\n  indicator:\n    \
         metadata: {{name: jobs}}\n    spec:\n{indicator}{rest}"
    )
}

const ROLLING: &str = "  timeWindow: [{duration: 30d, isRolling: true}]\n  budgetingMethod: Occurrences\n  \
                       objectives: [{target: 0.99}]\n";

/// Scenario: ratios of two counters and of two statements, a threshold on durations, time slices, a calendar, and two
/// objectives in one SLO.
/// Guarantees: each becomes what is evaluated here.
#[test]
fn every_kind_is_mapped() {
    let counters = "      ratioMetric:\n        counter: true\n        bad:\n          metricSource:\n            spec: {signal: metrics, metric: jobs.done, filter: {ok: 'false'}}\n        total:\n          metricSource:\n            spec: {signal: metrics, metric: jobs.done, service: pool}\n";
    let metric = |service: Option<&str>, attributes: &[(&str, &str)]| Source::Metric {
        name: "jobs.done".to_owned(),
        service: service.map(str::to_owned),
        attributes: attributes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
    };
    let found = imported(&ratio(counters, ROLLING));
    let expected =
        Ratio { part: Part::Bad, source: metric(None, &[("ok", "false")]), total: metric(Some("pool"), &[]) };
    assert_eq!(found.objectives[0].spec.indicator, Indicator::Ratio(expected));
    assert_eq!(found.objectives[0].spec.service, "worker");

    let threshold = "      thresholdMetric:\n        metricSource:\n          type: firstfault\n          spec: {signal: spans, service: Web.Shop, unit: ms}\n";
    let rest = "  timeWindow: [{duration: 1M, isRolling: false, calendar: {startTime: 2026-01-01 00:00:00, timeZone: Europe/Berlin}}]\n  budgetingMethod: Timeslices\n  objectives: [{op: lte, value: 300, target: 0.995, timeSliceTarget: 0.95, timeSliceWindow: 1}]\n";
    let found = imported(&ratio(threshold, rest));
    let spec = &found.objectives[0].spec;
    assert_eq!(spec.indicator, Indicator::Latency { threshold: Duration::from_millis(300) });
    assert_eq!(spec.service, "Web.Shop");
    assert_eq!(spec.method, Method::Timeslices { width: Duration::from_secs(60), target_percent: 95.0 });
    let berlin = Calendar::new("2026-01-01 00:00:00", "Europe/Berlin", 1, CalendarUnit::Month).unwrap();
    assert_eq!(spec.calendar, Some(berlin));

    let two =
        ROLLING.replace("[{target: 0.99}]", "[{target: 0.99, displayName: Promise}, {targetPercent: 99.5}]");
    let found = imported(&ratio(counters, &two));
    let told: Vec<_> = found
        .objectives
        .iter()
        .map(|one| (one.spec.id.as_str(), one.spec.name.as_str(), one.spec.target_percent))
        .collect();
    assert_eq!(told, [("jobs-1", "jobs: Promise", 99.0), ("jobs-2", "jobs", 99.5)]);
}

/// Scenario: a set with a misspelt field, a wrong value, a missing one, and YAML that ends too early; then names that
/// are nobody's, metric sources of others, and what is not evaluated.
/// Guarantees: everything is told at once, with file, document, path, line and what to do; nothing is taken over.
#[test]
fn mistakes_are_told_with_their_places() {
    refused(
        "apiVersion: openslo/v1\nkind: Service\nmetadata: {name: Shop}\nspec: {}\n---\napiVersion: openslo/v1\nkind: SLO\nmetadata: {name: a}\nspec:\n  service: shop\n  indicatorRef: x\n  timeWindow:\n    - duration: 30 days\n      isRolling: true\n  budgetingMethod: Occurences\n  objectives:\n    - target: 99.9\n      targt: 1\n",
        expect![[r#"
            slos.yaml:3:18: document 1, metadata.name: "Shop" is no name
              hint: write 1 to 63 lower-case letters, digits and '-', with a letter or digit at both ends
            slos.yaml:15:20: document 2, spec.budgetingMethod: "Occurences" is not known here
              hint: did you mean "Occurrences"?
            slos.yaml:18:7: document 2, spec.objectives[0].targt: there is no field "targt" here
              hint: did you mean "target"?
            slos.yaml:17:15: document 2, spec.objectives[0].target: is a share from 0 to below 1, such as 0.999
            slos.yaml:13:17: document 2, spec.timeWindow[0].duration: "30 days" is no duration
              hint: write a whole number and one of m h d w M Q Y, without a space: 5m are minutes, 1M is a month"#]],
    );
    refused(
        &AVAILABILITY.replace("indicatorRef: checkout-success", "indicatorRef: checkout-sucess"),
        expect![[r#"
            slos.yaml:13:17: document 1, spec.indicatorRef: no SLI is called "checkout-sucess"
              hint: did you mean "checkout-success"?"#]],
    );
    refused(
        &AVAILABILITY.replace("{type: firstfault, conn", "{type: Redshift, conn"),
        expect![[r#"
            slos.yaml:36:9: document 2, spec.ratioMetric.total.metricSource.type: metric sources of the type "Redshift" are not evaluated here
              hint: write type: firstfault, and in spec the signal (spans, metrics or sql) that counts the events"#]],
    );
    refused(
        &AVAILABILITY
            .replace("budgetingMethod: Occurrences", "budgetingMethod: RatioTimeslices")
            .replace("- target: 0.999", "- {target: 0.999, timeSliceWindow: 1m}"),
        expect![[r#"
            slos.yaml:2:1: document 1, spec.budgetingMethod: RatioTimeslices are not evaluated
              hint: write Occurrences or Timeslices"#]],
    );
    let unreadable = shown(&import(&file("a: 1\n---\nb: [1\n"), &receivers()).unwrap_err());
    assert!(unreadable.starts_with("slos.yaml:") && unreadable.contains("this is no YAML"), "{unreadable}");
}

/// Scenario: conditions that fire on low burn rates, targets that nobody knows, an annotation that is none of ours.
/// Guarantees: the first two are taken over with a warning, the last is refused.
#[test]
fn doubts_are_told() {
    let odd = AVAILABILITY
        .replace("op: gt, threshold: 13.44", "op: lte, threshold: 2")
        .replace("targetRef: on-call", "targetRef: pager")
        + "---\napiVersion: openslo/v1\nkind: AlertNotificationTarget\nmetadata: {name: pager}\nspec: {target: sms}\n";
    let found = imported(&odd);
    let condition = found.objectives[0].spec.conditions[0];
    assert_eq!((condition.comparison, condition.threshold), (Comparison::AtMost, 2.0));
    assert!(found.objectives[0].spec.receivers.is_empty());
    assert_eq!(found.warnings.len(), 2, "{}", shown(&found.warnings));
    let strange =
        AVAILABILITY.replace("  displayName: Checkout works", "  annotations: {firstfault.evnts-min: '5'}");
    assert!(shown(&import(&file(&strange), &receivers()).unwrap_err()).contains("firstfault.events-min"));
}

fn check_round_trip(spec: SloSpec) {
    let slo = Slo::new(spec).unwrap();
    let text = export([&slo]);
    let found = import(&file(&text), &receivers());
    let found = found.unwrap_or_else(|issues| panic!("{}\n{text}", shown(&issues)));
    assert!(found.warnings.is_empty(), "{}\n{text}", shown(&found.warnings));
    assert_eq!(found.objectives.len(), 1, "{text}");
    assert_eq!(found.objectives[0].spec, *slo.spec(), "{text}");
}

fn spec() -> SloSpec {
    SloSpec { id: "slo".to_owned(), service: "shop".to_owned(), ..SloSpec::default() }
}

/// Scenario: objectives of every kind are exported and read again.
/// Guarantees: they are equal to the last field.
#[test]
fn exports_read_back() {
    let metric = |name: &str| Source::Metric {
        name: name.to_owned(),
        service: Some("Pool: \"x\"".to_owned()),
        attributes: vec![("a.b".to_owned(), "it's # not: a comment".to_owned())],
    };
    let sql = "SELECT date_bin($step, time) AS at, count(*) AS n\nFROM logs WHERE time >= $from AND time < $to\nGROUP BY at";
    check_round_trip(spec());
    check_round_trip(SloSpec {
        name: "The shop: \"works\"".to_owned(),
        description: Some("a\nb".to_owned()),
        operation: Some("GET /{id}".to_owned()),
        attributes: vec![("k".to_owned(), "true".to_owned()), ("n".to_owned(), "5".to_owned())],
        indicator: Indicator::Latency { threshold: Duration::from_millis(1_500) },
        target_percent: 99.95,
        period: Duration::from_secs(7 * 86_400),
        receivers: receivers(),
        runbook_url: Some("https://wiki.example.com/shop".to_owned()),
        n_events_min: 50,
        n_bad_min: 3,
        pending_for: Duration::from_secs(90),
        keep_firing: Duration::from_secs(600),
        labels: [("team".to_owned(), "1.0".to_owned())].into(),
        ..spec()
    });
    check_round_trip(SloSpec {
        indicator: Indicator::Ratio(Ratio { part: Part::Good, source: metric("good"), total: metric("all") }),
        method: Method::Timeslices { width: Duration::from_secs(20), target_percent: 100.0 },
        calendar: Some(Calendar::new("2026-01-31 09:00:00", "Asia/Tokyo", 2, CalendarUnit::Week).unwrap()),
        period: Duration::from_secs(14 * 86_400),
        ..spec()
    });
    let condition = |severity, comparison, threshold, hours: u64| Condition {
        severity,
        comparison,
        threshold,
        long: Duration::from_secs(hours * 3_600),
        short: Duration::from_secs(hours * 300),
    };
    check_round_trip(SloSpec {
        indicator: Indicator::Ratio(Ratio {
            part: Part::Bad,
            source: Source::Sql(sql.to_owned()),
            total: Source::Sql(sql.to_owned()),
        }),
        conditions: vec![
            condition(Severity::Page, Comparison::Above, 14.4, 1),
            condition(Severity::Ticket, Comparison::AtLeast, 1.0, 72),
        ],
        pending_for: Duration::from_secs(120),
        ticket_pending_for: Some(Duration::from_secs(3_600)),
        ..spec()
    });
}

proptest! {
    /// Scenario: objectives with any texts, targets and windows.
    /// Guarantees: what is exported reads back equal.
    #[test]
    fn any_export_reads_back(
        name in "[a-zA-Z0-9 :#'\"\\\\{}\\[\\]&*!|>%@,.-]{1,63}",
        service in "[a-zA-Z0-9 :#'\"{}&*!|>%@-]{1,60}",
        attribute in "\\PC{0,40}",
        parts in 1_u32..999_999,
        days in 1_u64..366,
        threshold_ms in 1_u64..3_600_000,
    ) {
        prop_assume!(!name.trim().is_empty() && !service.trim().is_empty());
        check_round_trip(SloSpec {
            name,
            service,
            attributes: vec![("key".to_owned(), attribute)],
            indicator: Indicator::Latency { threshold: Duration::from_millis(threshold_ms) },
            target_percent: f64::from(parts) / 10_000.0,
            period: Duration::from_secs(days * 86_400),
            ..spec()
        });
    }
}

/// The folder of shared test data, if it is there.
fn fixtures() -> Option<PathBuf> {
    let root = std::env::var_os("FIRSTFAULT_FIXTURES").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/fixtures"),
        PathBuf::from,
    );
    let folder = root.join("openslo");
    if !folder.is_dir() {
        println!("SKIPPED openslo_files: {} not found", folder.display());
        return None;
    }
    Some(folder)
}

/// Scenario: specifications of other people, valid ones and invalid ones.
/// Guarantees: each is accepted or refused as they label it; what is refused is refused with a place.
#[test]
fn files_of_others_are_judged_as_they_do() {
    let Some(folder) = fixtures() else { return };
    let index = std::fs::read_to_string(folder.join("index.json")).unwrap();
    let index: Vec<Value> = serde_json::from_str(&index).unwrap();
    assert!(index.len() >= 25, "{}", index.len());
    let mut wrong = Vec::new();
    for case in &index {
        let name = case["file"].as_str().unwrap();
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        let judged = validate(&[File { name: name.to_owned(), text }]);
        if judged.is_ok() != case["valid"].as_bool().unwrap() {
            wrong.push(format!("{name} ({}): {judged:?}", case["reason"]));
        }
        if let Err(issues) = &judged {
            assert!(issues.iter().all(|issue| issue.line > 0 && !issue.message.is_empty()), "{issues:?}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for entry in std::fs::read_dir(folder.join("unjudged_examples")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let judged = validate(&[File { name: path.display().to_string(), text }]);
        assert_eq!(judged.map_err(|issues| shown(&issues)), Ok(1), "{}", path.display());
    }
}
