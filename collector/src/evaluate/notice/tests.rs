//! The words of alerts, and who is told.

use super::*;
use alerts::{
    Coverage, Hook, Kind, Matcher, OwnershipSpec, ReceiverUrl, SloSpec, WindowCounts, judge, occurrence_id,
};
use expect_test::{Expect, expect};
use std::time::Duration;

const AT: i64 = 1_795_341_600_000_000_000;

fn slo(change: impl FnOnce(&mut SloSpec)) -> Slo {
    let mut spec =
        SloSpec { id: "checkout".to_owned(), service: "checkout".to_owned(), ..SloSpec::default() };
    change(&mut spec);
    Slo::new(spec).unwrap()
}

/// The same share of bad events in each window, and another one over the period.
fn judgement(slo: &Slo, bad_per_mille: u64, bad_per_mille_of_period: u64) -> Judgement {
    judge(slo, AT, |window| {
        let bad = if window == slo.period() { bad_per_mille_of_period } else { bad_per_mille };
        let coverage = Coverage { n_measured: 10, n_slices: 10 };
        WindowCounts { n_good: 100_000 - bad * 100, n_total: 100_000, coverage }
    })
}

fn record(slo: &Slo, phase: Phase) -> AlertRecord {
    AlertRecord {
        id: occurrence_id(slo.id(), Severity::Page, AT),
        slo_id: slo.id().to_owned(),
        slo_name: slo.name().to_owned(),
        service: slo.service().to_owned(),
        severity: Severity::Page,
        phase,
        pending_at: AT,
        summary: String::new(),
    }
}

const FIRING: Phase = Phase::Firing { pending_at: AT, firing_at: AT, quiet_since: None };

fn receivers() -> BTreeMap<String, Receiver> {
    let receiver = |name: &str, send_resolved| {
        let target = ReceiverUrl::parse("https://hooks.example.com/x", false).unwrap();
        let kind = Kind::Webhook(Hook { target, secret: None, bearer: None });
        (name.to_owned(), Receiver { send_resolved, ..Receiver::new(name, kind) })
    };
    BTreeMap::from([receiver("mail", false), receiver("on-call", true)])
}

fn moved(slo: &Slo, judgement: &Judgement, phase: Phase, transition: Transition) -> Change {
    moved_of(None, slo, judgement, phase, transition)
}

fn moved_of(
    ownership: Option<&Ownership>,
    slo: &Slo,
    judgement: &Judgement,
    phase: Phase,
    transition: Transition,
) -> Change {
    let exemplars = ["0af7651916cd43dd8448eb211c80319c".to_owned()];
    let context = Context {
        slo,
        judgement: Some(judgement),
        ownership,
        receivers: &receivers(),
        external_url: "https://firstfault.example.com",
        exemplars: if transition == Transition::Firing { &exemplars } else { &[] },
        triage: None,
        incident: None,
        now: AT,
    };
    let told = ["on-call", "mail", "removed"].map(str::to_owned);
    change(&context, record(slo, phase), transition, &told)
}

fn check(slo: &Slo, bad: (u64, u64), transition: Transition, expected: Expect) {
    expected.assert_eq(&moved(slo, &judgement(slo, bad.0, bad.1), FIRING, transition).alert.summary);
}

/// Scenario: objectives of both kinds at several rates and budgets.
/// Guarantees: the sentence names the service, the budget, the rate, and how long it lasts.
#[test]
fn sentences() {
    let availability = slo(|_| {});
    let pay = slo(|spec| {
        spec.operation = Some("POST /pay".to_owned());
        spec.indicator = Indicator::Latency { threshold: Duration::from_millis(300) };
        spec.target_percent = 99.0;
    });
    let firing = Transition::Firing;
    check(
        &availability,
        (52, 0),
        firing,
        expect![
            "checkout burns its 99.9 % availability budget 52 times too fast; it is gone in 14 h at this rate"
        ],
    );
    check(
        &availability,
        (1000, 2),
        firing,
        expect!["checkout burns its 99.9 % availability budget 1000 times too fast; it is already spent"],
    );
    check(
        &pay,
        (155, 5),
        firing,
        expect![
            "checkout POST /pay burns its 99 % latency budget (300 ms) 16 times too fast; it is gone in 23 h at this rate"
        ],
    );
    let resolved = Transition::Resolved;
    check(
        &pay,
        (0, 4),
        resolved,
        expect![
            "checkout POST /pay no longer burns its 99 % latency budget (300 ms) too fast; 60 % of it is left"
        ],
    );
    check(
        &availability,
        (0, 3),
        resolved,
        expect!["checkout no longer burns its 99.9 % availability budget too fast; it is overspent by 200 %"],
    );
}

/// Scenario: a page fires and resolves, with one receiver that wants no resolves and one unknown.
/// Guarantees: each is told what it wants, with one id per event and receiver.
#[test]
fn receivers_are_told_what_they_want() {
    let slo = slo(|_| {});
    let judgement = judgement(&slo, 52, 0);
    let names = |change: &Change| {
        change.deliveries.iter().map(|delivery| delivery.receiver.clone()).collect::<Vec<_>>()
    };
    let firing = moved(&slo, &judgement, FIRING, Transition::Firing);
    assert_eq!(names(&firing), ["on-call", "mail"]);
    assert_ne!(firing.deliveries[0].id, firing.deliveries[1].id);
    let over = Phase::Resolved { pending_at: AT, firing_at: AT, resolved_at: AT + 1 };
    let resolved = moved(&slo, &judgement, over, Transition::Resolved);
    assert_eq!(names(&resolved), ["on-call"]);
    assert_ne!(resolved.deliveries[0].id, firing.deliveries[0].id);
    let pending = moved(&slo, &judgement, Phase::Pending { pending_at: AT }, Transition::Pending);
    assert!(pending.deliveries.is_empty());
}

/// Scenario: what a firing page says beside its sentence.
/// Guarantees: links, tier, coverage, time and examples are annotations, and all are text.
#[test]
fn annotations_hold_the_evidence() {
    let slo = slo(|spec| spec.runbook_url = Some("https://wiki.example.com/checkout".to_owned()));
    let change = moved(&slo, &judgement(&slo, 52, 0), FIRING, Transition::Firing);
    let document: serde_json::Value = serde_json::from_slice(&change.deliveries[0].body).unwrap();
    let annotations = serde_json::to_string_pretty(&document["commonAnnotations"]).unwrap();
    expect![[r#"
        {
          "coverage": "100 %",
          "dashboard_url": "https://firstfault.example.com/slos/checkout",
          "description": "99.9 % of checkout requests succeed over 30 d",
          "exemplar_trace_1": "0af7651916cd43dd8448eb211c80319c",
          "runbook_url": "https://wiki.example.com/checkout",
          "summary": "checkout burns its 99.9 % availability budget 52 times too fast; it is gone in 14 h at this rate",
          "tier": "1",
          "time_to_exhaustion": "14 h"
        }"#]]
    .assert_eq(&annotations);
}

fn ownership(receiver: Option<&str>) -> Ownership {
    let text = |text: &str| Some(text.to_owned());
    Ownership::new(OwnershipSpec {
        owner: text("payments"),
        contact: text("#payments"),
        repository: text("https://git.example.com/checkout"),
        tier: text("critical"),
        receiver: receiver.map(str::to_owned),
        playbooks: ["a", "b"].map(|page| format!("https://wiki.example.com/{page}")).to_vec(),
    })
    .unwrap()
}

/// Scenario: a page of a service that is owned fires, of an objective without a runbook; then the objective is removed.
/// Guarantees: both documents say whose it is, beside the tier of the burn rate; the first playbook is the runbook.
#[test]
fn annotations_say_whose_it_is() {
    let (slo, ownership) = (slo(|_| {}), ownership(None));
    let change = moved_of(Some(&ownership), &slo, &judgement(&slo, 52, 0), FIRING, Transition::Firing);
    let annotations = |change: &Change| {
        let document: serde_json::Value = serde_json::from_slice(&change.deliveries[0].body).unwrap();
        assert_eq!(document["firstfault"]["ownership"]["tier"], "critical");
        assert!(document["commonLabels"].get("owner").is_none(), "{document}");
        document["commonAnnotations"].clone()
    };
    let firing = annotations(&change);
    assert_eq!((&firing["tier"], &firing["service_tier"]), (&"1".into(), &"critical".into()));
    assert_eq!((&firing["owner"], &firing["contact"]), (&"payments".into(), &"#payments".into()));
    assert_eq!(firing["repository"], "https://git.example.com/checkout");
    assert_eq!(firing["runbook_url"], "https://wiki.example.com/a");
    assert_eq!(firing["playbook_2"], "https://wiki.example.com/b");
    let told = ["on-call".to_owned()];
    let url = "https://firstfault.example.com";
    let over = close_orphan(change.alert, &told, &receivers(), (Some(&ownership), None), url, AT + 1);
    assert_eq!(annotations(&over)["owner"], "payments");
}

/// Scenario: objectives with and without receivers, of services that name one, an unknown one, or none.
/// Guarantees: the objective's own are told, else the service's; nobody where it is not configured.
#[test]
fn services_name_a_receiver_for_their_objectives() {
    let bare = slo(|_| {});
    let own = slo(|spec| spec.receivers = vec!["mail".to_owned()]);
    let told = |slo: &Slo, receiver: Option<&str>| {
        told(slo, Severity::Page, Some(&ownership(receiver)), &[], &receivers())
    };
    assert_eq!(told(&bare, Some("on-call")), ["on-call"]);
    assert_eq!(told(&own, Some("on-call")), ["mail"]);
    assert!(told(&bare, Some("removed")).is_empty());
    assert!(told(&bare, None).is_empty());
    assert_eq!(super::told(&own, Severity::Page, None, &[], &receivers()), ["mail"]);
}

/// Scenario: routes by severity and by service, the first of which goes on, for objectives with and without receivers.
/// Guarantees: an objective's own receivers come first, then the routes', each name once, then the service's.
#[test]
fn routes_come_between_objective_and_service() {
    let route = |matcher: &str, names: &[&str], goes_on| Route {
        matchers: vec![Matcher::parse(matcher).unwrap()],
        receivers: names.iter().map(|name| (*name).to_owned()).collect(),
        goes_on,
        escalation: None,
    };
    let routes = [
        route("severity=page", &["on-call"], true),
        route("service=checkout", &["mail", "on-call"], false),
        route("service=~.*", &["never"], false),
    ];
    let bare = slo(|_| {});
    let own = slo(|spec| spec.receivers = vec!["mail".to_owned()]);
    let of_service = ownership(Some("on-call"));
    let told = |slo: &Slo, severity, routes: &[Route]| {
        super::told(slo, severity, Some(&of_service), routes, &receivers())
    };
    assert_eq!(told(&bare, Severity::Page, &routes), ["on-call", "mail"]);
    assert_eq!(told(&bare, Severity::Ticket, &routes), ["mail", "on-call"]);
    assert_eq!(told(&own, Severity::Page, &routes), ["mail"]);
    assert_eq!(told(&bare, Severity::Ticket, &routes[..1]), ["on-call"]);
}

/// Scenario: numbers and times at the edges of their units.
/// Guarantees: people read one or two digits in a unit that fits.
#[test]
fn numbers_for_people() {
    let spans = [0.0, 89.0, 90.0, 5399.0, 5400.0, 172_799.0, 172_800.0, 2_592_000.0].map(span);
    assert_eq!(spans, ["0 s", "89 s", "1.5 min", "90 min", "1.5 h", "48 h", "2 d", "30 d"]);
    assert_eq!([0.04, 1.0, 9.94, 9.95, 14.4, 999.6].map(rounded), ["0", "1", "9.9", "10", "14", "1000"]);
}
