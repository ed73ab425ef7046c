//! Golden documents, and what of them must never change while an alert lives.

use super::*;
use crate::{Coverage, Indicator, OwnershipSpec, Phase, SloSpec, WindowCounts, judge, outbox::occurrence_id};
use expect_test::expect;

/// 2026-11-22T10:00:00Z.
const AT: i64 = 1_795_341_600_000_000_000;
const MINUTE: i64 = 60_000_000_000;

fn slo() -> Slo {
    Slo::new(SloSpec {
        id: "checkout-availability".to_owned(),
        name: "Checkout availability".to_owned(),
        service: "checkout".to_owned(),
        operation: Some("POST /pay".to_owned()),
        labels: BTreeMap::from([("team".to_owned(), "payments".to_owned())]),
        ..SloSpec::default()
    })
    .unwrap()
}

fn alert(slo: &Slo, phase: Phase) -> AlertRecord {
    AlertRecord {
        id: occurrence_id(slo.id(), Severity::Page, AT),
        slo_id: slo.id().to_owned(),
        slo_name: slo.name().to_owned(),
        service: slo.service().to_owned(),
        severity: Severity::Page,
        phase,
        pending_at: AT,
        summary: "checkout burns \"hot\" <script>".to_owned(),
    }
}

fn ownership() -> Ownership {
    let text = |text: &str| Some(text.to_owned());
    Ownership::new(OwnershipSpec {
        owner: text("payments"),
        repository: text("https://git.example.com/checkout"),
        tier: text("1"),
        playbooks: vec!["https://wiki.example.com/checkout".to_owned()],
        ..OwnershipSpec::default()
    })
    .unwrap()
}

fn text(slo: &Slo, alert: &AlertRecord, event: Event, with_evidence: bool) -> String {
    let judgement = judge(slo, AT, |window| {
        let n_slices = u32::try_from(window.as_secs() / 30).unwrap();
        let n_total = u64::from(n_slices) * 100;
        let coverage = Coverage { n_measured: n_slices, n_slices };
        WindowCounts { n_good: n_total - n_total / 50, n_total, coverage }
    });
    let annotations = BTreeMap::from([("summary".to_owned(), alert.summary.clone())]);
    let owned = ownership();
    let notice = Notice {
        alert,
        event,
        identity: &Identity::new(slo, alert.severity),
        judged: with_evidence.then_some((slo, &judgement)),
        ownership: with_evidence.then_some(&owned),
        triage: None,
        annotations: &annotations,
        external_url: "https://firstfault.example.com/",
        now: AT,
        is_test: false,
    };
    serde_json::to_string_pretty(&compose(&notice, "on.call")).unwrap()
}

/// Scenario: a page that fires.
/// Guarantees: Alertmanager's document, key by key, with our evidence beside it; hostile text is text.
#[test]
fn firing() {
    let slo = slo();
    let firing = Phase::Firing { pending_at: AT, firing_at: AT, quiet_since: None };
    expect![[r#"
        {
          "version": "4",
          "groupKey": "{}/{receiver=\"on.call\"}:{alertname=\"ErrorBudgetBurn\", severity=\"page\", slo=\"checkout-availability\"}",
          "truncatedAlerts": 0,
          "status": "firing",
          "receiver": "on.call",
          "groupLabels": {
            "alertname": "ErrorBudgetBurn",
            "severity": "page",
            "slo": "checkout-availability"
          },
          "commonLabels": {
            "alertname": "ErrorBudgetBurn",
            "operation": "POST /pay",
            "service": "checkout",
            "severity": "page",
            "slo": "checkout-availability",
            "team": "payments"
          },
          "commonAnnotations": {
            "summary": "checkout burns \"hot\" <script>"
          },
          "externalURL": "https://firstfault.example.com/",
          "alerts": [
            {
              "status": "firing",
              "labels": {
                "alertname": "ErrorBudgetBurn",
                "operation": "POST /pay",
                "service": "checkout",
                "severity": "page",
                "slo": "checkout-availability",
                "team": "payments"
              },
              "annotations": {
                "summary": "checkout burns \"hot\" <script>"
              },
              "startsAt": "2026-11-22T10:00:00Z",
              "endsAt": "0001-01-01T00:00:00Z",
              "generatorURL": "https://firstfault.example.com/slos/checkout-availability",
              "fingerprint": "099a7af8c901d425"
            }
          ],
          "firstfault": {
            "version": 1,
            "event_id": "58e6c57198105b777ecee7ec94125c84",
            "alert_id": "86dde2056964c60278b7ed10cb0d1198",
            "evaluated_at": "2026-11-22T10:00:00Z",
            "summary": "checkout burns \"hot\" <script>",
            "slo": {
              "id": "checkout-availability",
              "name": "Checkout availability",
              "sentence": "99.9 % of checkout POST /pay requests succeed over 30 d",
              "service": "checkout",
              "operation": "POST /pay",
              "indicator": "availability",
              "threshold_ns": null,
              "target": 0.999,
              "period_s": 2592000
            },
            "budget": {
              "n_good": 8467200,
              "n_total": 8640000,
              "coverage": 1.0,
              "compliance": 0.98,
              "remaining": -19.0,
              "exhaustion_s": 0.0
            },
            "tiers": [
              {
                "tier": 1,
                "severity": "page",
                "threshold": 14.4,
                "verdict": "burning",
                "long": {
                  "seconds": 3600,
                  "n_total": 12000,
                  "n_bad": 240,
                  "burn": 20.0,
                  "coverage": 1.0
                },
                "short": {
                  "seconds": 300,
                  "n_total": 1000,
                  "n_bad": 20,
                  "burn": 20.0,
                  "coverage": 1.0
                }
              },
              {
                "tier": 2,
                "severity": "page",
                "threshold": 6.0,
                "verdict": "burning",
                "long": {
                  "seconds": 21600,
                  "n_total": 72000,
                  "n_bad": 1440,
                  "burn": 20.0,
                  "coverage": 1.0
                },
                "short": {
                  "seconds": 1800,
                  "n_total": 6000,
                  "n_bad": 120,
                  "burn": 20.0,
                  "coverage": 1.0
                }
              }
            ],
            "ownership": {
              "owner": "payments",
              "contact": null,
              "repository": "https://git.example.com/checkout",
              "tier": "1",
              "playbooks": [
                "https://wiki.example.com/checkout"
              ]
            }
          }
        }"#]].assert_eq(&text(&slo, &alert(&slo, firing), Event::Firing, true));
}

/// Scenario: the same page resolves, without evidence as for a removed objective.
/// Guarantees: the end is set, and everything that identifies the alert is as it was.
#[test]
fn resolved() {
    let slo = slo();
    let resolved = Phase::Resolved { pending_at: AT, firing_at: AT, resolved_at: AT + 90 * MINUTE };
    expect![[r#"
        {
          "version": "4",
          "groupKey": "{}/{receiver=\"on.call\"}:{alertname=\"ErrorBudgetBurn\", severity=\"page\", slo=\"checkout-availability\"}",
          "truncatedAlerts": 0,
          "status": "resolved",
          "receiver": "on.call",
          "groupLabels": {
            "alertname": "ErrorBudgetBurn",
            "severity": "page",
            "slo": "checkout-availability"
          },
          "commonLabels": {
            "alertname": "ErrorBudgetBurn",
            "operation": "POST /pay",
            "service": "checkout",
            "severity": "page",
            "slo": "checkout-availability",
            "team": "payments"
          },
          "commonAnnotations": {
            "summary": "checkout burns \"hot\" <script>"
          },
          "externalURL": "https://firstfault.example.com/",
          "alerts": [
            {
              "status": "resolved",
              "labels": {
                "alertname": "ErrorBudgetBurn",
                "operation": "POST /pay",
                "service": "checkout",
                "severity": "page",
                "slo": "checkout-availability",
                "team": "payments"
              },
              "annotations": {
                "summary": "checkout burns \"hot\" <script>"
              },
              "startsAt": "2026-11-22T10:00:00Z",
              "endsAt": "2026-11-22T11:30:00Z",
              "generatorURL": "https://firstfault.example.com/slos/checkout-availability",
              "fingerprint": "099a7af8c901d425"
            }
          ],
          "firstfault": {
            "version": 1,
            "event_id": "96a5b8debfd1f3e245cc05fed96aa9db",
            "alert_id": "86dde2056964c60278b7ed10cb0d1198",
            "evaluated_at": "2026-11-22T10:00:00Z",
            "summary": "checkout burns \"hot\" <script>",
            "slo": null,
            "budget": null,
            "tiers": [],
            "ownership": null
          }
        }"#]].assert_eq(&text(&slo, &alert(&slo, resolved), Event::Resolved, false));
}

/// Scenario: a page whose cause was found before it is told.
/// Guarantees: the finding is passed on as it is; without one the document has no such key.
#[test]
fn a_finding_is_passed_on() {
    let slo = slo();
    let firing = Phase::Firing { pending_at: AT, firing_at: AT, quiet_since: None };
    let alert = alert(&slo, firing);
    let finding = serde_json::json!({"version": 1, "headline": "orders-db <b>broke</b> first"});
    let notice = Notice {
        alert: &alert,
        event: Event::Firing,
        identity: &Identity::new(&slo, alert.severity),
        judged: None,
        ownership: None,
        triage: Some(&finding),
        annotations: &BTreeMap::new(),
        external_url: "",
        now: AT,
        is_test: false,
    };
    let read = |notice: &Notice<'_>| -> Value { serde_json::from_slice(&document(notice, "a")).unwrap() };
    assert_eq!(read(&notice)["firstfault"]["triage"], finding);
    let without = read(&Notice { triage: None, ..notice });
    assert!(without["firstfault"].get("triage").is_none());
}

/// Scenario: identities that differ in one value, and values that would collide if they were joined.
/// Guarantees: fingerprints differ, and have 16 digits.
#[test]
fn fingerprints() {
    let slo = slo();
    let page = Identity::new(&slo, Severity::Page);
    let ticket = Identity::new(&slo, Severity::Ticket);
    assert_ne!(page.fingerprint(), ticket.fingerprint());
    assert_eq!(page.fingerprint().len(), 16);
    let pair = |a: &str, b: &str| Identity(BTreeMap::from([(a.to_owned(), b.to_owned())])).fingerprint();
    assert_ne!(pair("ab", "c"), pair("a", "bc"));
    // FNV-1a over "a", 0xff, "b", 0xff.
    assert_eq!(pair("a", "b"), format!("{:016x}", reference_fnv1a(b"a\xffb\xff")));
}

fn reference_fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(14_695_981_039_346_656_037, |hash: u64, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(1_099_511_628_211)
    })
}

/// Scenario: a latency objective without an operation.
/// Guarantees: the label is absent, not empty.
#[test]
fn absent_operations_have_no_label() {
    let spec = SloSpec {
        id: "x".to_owned(),
        service: "cart".to_owned(),
        indicator: Indicator::Latency { threshold: Duration::from_millis(300) },
        ..SloSpec::default()
    };
    let identity = Identity::new(&Slo::new(spec).unwrap(), Severity::Ticket);
    assert!(!identity.0.contains_key("operation"));
}
