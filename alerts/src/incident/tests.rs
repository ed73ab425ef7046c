//! Moves of incidents, and how alerts fold into them.

use super::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const MINUTE: i64 = 60_000_000_000;
const NOW: i64 = 1_000 * MINUTE;

fn arrival(service: &str) -> Arrival {
    arrival_of(service, service)
}

fn arrival_of(slo_id: &str, service: &str) -> Arrival {
    Arrival {
        alert_id: format!("alert-{slo_id}"),
        slo_id: slo_id.to_owned(),
        severity: Severity::Page,
        service: service.to_owned(),
    }
}

fn candidate(number: u32, since: i64, resolved_at: Option<i64>, service: &str) -> Candidate {
    let services = BTreeSet::from([service.to_owned()]);
    Candidate { number, since, resolved_at, services: services.clone(), objectives: services }
}

fn calls(edges: &[(&str, &str)]) -> Calls {
    Calls::new(edges.iter().map(|(caller, callee)| ((*caller).to_owned(), (*callee).to_owned())))
}

/// Alert, incident and reason of each placement.
fn shown(fold: &Fold) -> Vec<(&str, u32, ReasonKind)> {
    fold.placements.iter().map(|one| (one.alert_id.as_str(), one.incident, one.reason.kind)).collect()
}

/// Scenario: every move from every stage.
/// Guarantees: the legal ones lead where they should, the others are refused with both words.
#[test]
fn moves_are_legal_or_refused() {
    let open = Stage::Open;
    let by = Some("ada".to_owned());
    let acknowledged = open.after(IncidentMove::Acknowledge { by: by.clone() }, 5).unwrap();
    assert_eq!(acknowledged.acknowledgement(), Some(&Acknowledgement { at: 5, by: by.clone() }));
    let resolved = acknowledged.after(IncidentMove::Resolve, 9).unwrap();
    assert_eq!((resolved.resolved_at(), resolved.acknowledgement().map(|one| one.at)), (Some(9), Some(5)));
    assert_eq!(open.after(IncidentMove::Resolve, 9).unwrap().acknowledgement(), None);
    assert_eq!(resolved.after(IncidentMove::Reopen, 10), Ok(Stage::Open));
    assert_eq!(acknowledged.after(IncidentMove::Reopen, 10), Ok(Stage::Open));
    let acknowledge = || IncidentMove::Acknowledge { by: None };
    for (stage, step, words) in [
        (&open, IncidentMove::Reopen, "an incident that is open cannot be reopened"),
        (&acknowledged, acknowledge(), "an incident that is acknowledged cannot be acknowledged"),
        (&resolved, acknowledge(), "an incident that is resolved cannot be acknowledged"),
        (&resolved, IncidentMove::Resolve, "an incident that is resolved cannot be resolved"),
    ] {
        assert_eq!(stage.after(step, 11).unwrap_err().to_string(), words);
    }
}

/// Scenario: three services of one cascade fail at once, and one that has nothing to do with them.
/// Guarantees: two incidents; the cascade's opens with the service that calls none of the others, and each further
/// alert says on which way it is joined.
#[test]
fn a_cascade_is_one_incident() {
    let calls = calls(&[("web", "checkout"), ("checkout", "queue"), ("queue", "orders"), ("mail", "smtp")]);
    let arrivals = ["web", "checkout", "orders", "mail"].map(arrival);
    let folded = fold(&arrivals, &[], 7, &calls, NOW);
    let expected = [
        ("alert-checkout", 7, ReasonKind::Calls),
        ("alert-mail", 8, ReasonKind::Opened),
        ("alert-orders", 7, ReasonKind::Opened),
        ("alert-web", 7, ReasonKind::Calls),
    ];
    let mut placed = shown(&folded);
    placed.sort_unstable();
    assert_eq!(placed, expected);
    let origins = BTreeMap::from([(7, "orders".to_owned()), (8, "mail".to_owned())]);
    assert_eq!(folded.origins, origins);
    let web = folded.placements.iter().find(|one| one.alert_id == "alert-web").unwrap();
    assert_eq!(web.reason.sentence(), "web calls checkout, which calls queue, which calls orders");
}

/// Scenario: alerts near and far from an incident in calls and in time; one whose objective has an alert there.
/// Guarantees: calls join within three hops and a quarter of an hour, the same objective whenever; the nearest incident
/// is taken.
#[test]
fn alerts_join_what_is_near() {
    let calls = calls(&[("a", "b"), ("b", "c"), ("c", "d"), ("d", "e"), ("x", "b")]);
    let joined = |service: &str, candidates: &[Candidate]| {
        let folded = fold(&[arrival(service)], candidates, 9, &calls, NOW);
        let [one] = folded.placements.as_slice() else { panic!("{folded:?}") };
        (one.incident, one.reason.kind)
    };
    let fresh = |service| candidate(3, NOW - 15 * MINUTE, None, service);
    assert_eq!(joined("a", &[fresh("d")]), (3, ReasonKind::Calls));
    assert_eq!(joined("d", &[fresh("a")]), (3, ReasonKind::CalledBy));
    assert_eq!(joined("a", &[fresh("e")]), (9, ReasonKind::Opened));
    assert_eq!(
        joined("a", &[fresh("x")]),
        (9, ReasonKind::Opened),
        "both call the same service, and that is well"
    );
    assert_eq!(joined("a", &[candidate(3, NOW - 16 * MINUTE, None, "b")]), (9, ReasonKind::Opened));
    assert_eq!(joined("a", &[candidate(3, NOW - 600 * MINUTE, None, "a")]), (3, ReasonKind::SameObjective));
    assert_eq!(joined("a", &[fresh("c"), candidate(4, NOW, None, "b")]), (4, ReasonKind::Calls));
    assert_eq!(joined("a", &[candidate(4, NOW, None, "b"), fresh("b")]), (3, ReasonKind::Calls));
    // What is over takes in only what was in it before.
    assert_eq!(joined("a", &[candidate(3, NOW - 9, Some(NOW - 5), "b")]), (9, ReasonKind::Opened));
    assert_eq!(joined("a", &[candidate(3, NOW - 9, Some(NOW - 5), "a")]), (3, ReasonKind::SameObjective));
    let both = [candidate(3, NOW, None, "a"), candidate(4, NOW - 9, Some(NOW - 5), "a")];
    assert_eq!(joined("a", &both), (3, ReasonKind::SameObjective), "what goes on comes before what is over");
}

/// Scenario: titles with and without an alert of the service that it comes from, and with several objectives.
/// Guarantees: the origin stands first, and how much more there is last.
#[test]
fn titles() {
    let member = |slo_id: &str, service: &str| Member {
        alert: AlertRecord {
            id: slo_id.to_owned(),
            slo_id: slo_id.to_owned(),
            slo_name: format!("{slo_id} works"),
            service: service.to_owned(),
            severity: Severity::Page,
            phase: Phase::Firing { pending_at: 1, firing_at: 1, quiet_since: None },
            pending_at: 1,
            summary: String::new(),
        },
        joined_at: 1,
        reason: ReasonKind::Opened.into(),
        withheld: None,
    };
    let members = [member("pay", "checkout"), member("list", "orders"), member("list", "orders")];
    assert_eq!(title("orders", &members), "orders: list works and 1 more");
    assert_eq!(title("orders-db", &members[..1]), "orders-db: seen by checkout, pay works");
    assert_eq!(title("orders-db", &[]), "orders-db");
}

const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

fn any_edges() -> impl Strategy<Value = Vec<(usize, usize)>> {
    prop::collection::vec((0..NAMES.len(), 0..NAMES.len()), 0..14)
}

fn named(edges: &[(usize, usize)]) -> Calls {
    Calls::new(edges.iter().map(|(from, to)| (NAMES[*from].to_owned(), NAMES[*to].to_owned())))
}

proptest! {
    /// Scenario: any moves in any order.
    /// Guarantees: a stage is left only by a legal move, and holds what belongs to it and no more.
    #[test]
    fn stages_are_whole(moves in prop::collection::vec(0_u8..3, 0..40)) {
        let mut stage = Stage::Open;
        for (at, step) in (1_i64..).zip(moves) {
            let step = match step {
                0 => IncidentMove::Acknowledge { by: Some("ada".to_owned()) },
                1 => IncidentMove::Resolve,
                _ => IncidentMove::Reopen,
            };
            let before = stage.status();
            match stage.after(step.clone(), at) {
                Ok(after) => {
                    prop_assert_ne!(before, after.status());
                    stage = after;
                }
                Err(illegal) => prop_assert_eq!(illegal.from, before),
            }
            let is_over = stage.status() == IncidentStatus::Resolved;
            prop_assert_eq!(stage.resolved_at().is_some(), is_over);
            if stage.status() != IncidentStatus::Resolved {
                let is_acknowledged = stage.status() == IncidentStatus::Acknowledged;
                prop_assert_eq!(stage.acknowledgement().is_some(), is_acknowledged);
            }
            let acknowledged = stage.acknowledgement().cloned();
            let restored = Stage::restored(stage.status(), acknowledged, stage.resolved_at());
            prop_assert_eq!(restored.as_ref(), Some(&stage));
        }
    }

    /// Scenario: any alerts that fire at once, in any two orders, with any calls and incidents.
    /// Guarantees: each alert has one place, and the same in both orders; new numbers have no gaps; who opens an
    /// incident stands before those that join it.
    #[test]
    fn the_order_of_alerts_does_not_matter(
        edges in any_edges(),
        (failing, shuffled) in prop::collection::vec(0..NAMES.len(), 1..10)
            .prop_flat_map(|failing| (Just(failing.clone()), Just(failing).prop_shuffle())),
        known in prop::collection::vec((0..NAMES.len(), 0_i64..30, any::<bool>()), 0..4),
    ) {
        let calls = named(&edges);
        let candidates: Vec<Candidate> = (1..).zip(&known).map(|(number, (service, minutes, is_over))| {
            let since = NOW - minutes * MINUTE;
            candidate(number, since, is_over.then_some(NOW), NAMES[*service])
        }).collect();
        let next = 1 + candidates.len() as u32;
        let folded = |of: &[usize]| {
            let arrivals: Vec<Arrival> = of.iter().map(|idx| arrival(NAMES[*idx])).collect();
            fold(&arrivals, &candidates, next, &calls, NOW)
        };
        let one = folded(&failing);
        prop_assert_eq!(&one, &folded(&shuffled));
        let distinct: BTreeSet<usize> = failing.iter().copied().collect();
        let placed: BTreeSet<&str> = one.placements.iter().map(|each| each.alert_id.as_str()).collect();
        prop_assert_eq!((placed.len(), one.placements.len()), (distinct.len(), distinct.len()));
        let mut opened = Vec::new();
        for placement in &one.placements {
            if placement.reason.kind == ReasonKind::Opened {
                opened.push(placement.incident);
            } else {
                prop_assert!(placement.incident < next || opened.contains(&placement.incident));
            }
            prop_assert!(one.origins.contains_key(&placement.incident));
        }
        let numbers: Vec<u32> = (next..).take(opened.len()).collect();
        opened.sort_unstable();
        prop_assert_eq!(opened, numbers);
    }

    /// Scenario: any alerts that fire at once, with any calls and no incident.
    /// Guarantees: two of them that call each other within three hops share an incident, and those of an incident are
    /// joined to one another by such steps.
    #[test]
    fn incidents_are_what_calls_join(
        edges in any_edges(),
        failing in prop::collection::btree_set(0..NAMES.len(), 1..8),
    ) {
        let calls = named(&edges);
        let arrivals: Vec<Arrival> = failing.iter().map(|idx| arrival(NAMES[*idx])).collect();
        let folded = fold(&arrivals, &[], 1, &calls, NOW);
        let home: BTreeMap<&str, u32> =
            folded.placements.iter().map(|one| (one.alert_id.trim_start_matches("alert-"), one.incident)).collect();
        let reaches = |from: &str, to: &str| calls.reach(from, 3).contains_key(to);
        let is_joined = |a: &str, b: &str| reaches(a, b) || reaches(b, a);
        for (a, of_a) in &home {
            for (b, of_b) in &home {
                prop_assert!(!is_joined(a, b) || of_a == of_b, "{} and {}", a, b);
            }
            let others: Vec<&str> = home.iter().filter(|(b, of_b)| *b != a && *of_b == of_a).map(|(b, _)| *b).collect();
            prop_assert!(others.is_empty() || others.iter().any(|b| is_joined(a, b)), "{} is alone", a);
        }
    }
}
