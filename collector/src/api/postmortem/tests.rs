//! The document, whole, and hostile text in it.

use super::*;
use wire::{IncidentAlert, IncidentObjective, MembershipReason, TimelineDelivery, TimelineEntry};

/// 2026-01-31T12:00:00Z and so many seconds.
fn at(second: i64) -> UnixNanos {
    UnixNanos((1_769_860_800 + second) * 1_000_000_000)
}

fn detail() -> IncidentDetail {
    let alert = wire::AlertRow {
        slo_name: "Orders availability".to_owned(),
        service: "orders".to_owned(),
        severity: "page".to_owned(),
        firing_at: Some(at(0)),
        resolved_at: Some(at(3_700)),
        ..Default::default()
    };
    let entry = |second, kind, text: &str, by: Option<&str>| TimelineEntry {
        at: at(second),
        kind,
        text: text.to_owned(),
        by: by.map(str::to_owned),
        ..Default::default()
    };
    let delivery = TimelineDelivery { n_attempts: 3, ..Default::default() };
    let told = entry(1, TimelineKind::Notified, "pager was told: firing, Orders availability", None);
    IncidentDetail {
        incident: IncidentRow {
            number: 7,
            title: "orders-db: <b>Orders</b> | availability".to_owned(),
            severity: "page".to_owned(),
            status: IncidentStatus::Resolved,
            origin: "orders-db".to_owned(),
            origin_source: wire::OriginSource::Report,
            opened_at: at(0),
            acknowledged_at: Some(at(90)),
            acknowledged_by: Some("ada".to_owned()),
            resolved_at: Some(at(3_700)),
            services: vec!["orders".to_owned(), "web".to_owned()],
            owner: Some("ada".to_owned()),
            ..Default::default()
        },
        alerts: vec![IncidentAlert {
            alert,
            reason: MembershipReason::Opened,
            reason_text: "it was the first alert".to_owned(),
            ..Default::default()
        }],
        objectives: vec![IncidentObjective {
            slo_name: "Orders availability".to_owned(),
            service: "orders".to_owned(),
            is_configured: true,
            n_bad: Some(120),
            n_total: Some(4_000),
            budget_spent: Some(0.125),
            ..Default::default()
        }],
        timeline: vec![
            entry(0, TimelineKind::Opened, "incident 7 opened", None),
            TimelineEntry { delivery: Some(delivery), ..told },
            entry(95, TimelineKind::Note, "the disk was full\n# not a heading", Some("ada")),
        ],
        triage: Some(wire::TriageSummary {
            headline: "orders-db broke first".to_owned(),
            sentences: vec!["its calls fail since 11:59".to_owned()],
            not_known: vec!["there are no logs".to_owned()],
            ..Default::default()
        }),
        not_known: vec!["what went out near the time: it took too long".to_owned()],
        ..Default::default()
    }
}

/// Scenario: an incident with one of everything, and names that are Markdown.
/// Guarantees: every fact stands where somebody looks for it, and no text is more than text.
#[test]
fn facts_become_a_document() {
    let text = postmortem(&detail());
    for line in [
        "# Incident 7: orders-db: \\<b\\>Orders\\</b\\> \\| availability",
        "- **Status:** resolved",
        "- **Likely origin:** orders-db (named by the report about an alert)",
        "- **Services:** orders, web",
        "- **Opened:** 2026-01-31 12:00:00 UTC",
        "- **Acknowledged:** 2026-01-31 12:01:30 UTC by ada, after 1 min 30 s",
        "- **Resolved:** 2026-01-31 13:01:40 UTC, after 1 h 1 min",
        "- its calls fail since 11:59",
        "| Orders availability | orders | 120 of 4000 | 12.5 % | not known |",
        "| 2026-01-31 12:00:01 UTC | pager was told: firing, Orders availability (3 attempts) |  |",
        "**2026-01-31 12:01:35 UTC, ada**",
        "> the disk was full",
        "> \\# not a heading",
        "- there are no logs",
        "- what went out near the time: it took too long",
    ] {
        assert!(text.lines().any(|one| one == line), "{line}\n---\n{text}");
    }
    let sections: Vec<&str> = text.lines().filter(|line| line.starts_with("## ")).collect();
    let expected = ["What happened", "Impact", "Alerts", "Timeline", "Notes", "Not known"];
    assert_eq!(sections, expected.map(|title| format!("## {title}")));
}

/// Scenario: an incident of which little is known.
/// Guarantees: there is no section without anything in it.
#[test]
fn nothing_is_left_empty() {
    let entry = TimelineEntry { text: "incident 1 opened".to_owned(), ..Default::default() };
    let bare = IncidentDetail { timeline: vec![entry], ..Default::default() };
    let text = postmortem(&bare);
    assert_eq!(text.lines().filter(|line| line.starts_with("## ")).collect::<Vec<_>>(), ["## Timeline"]);
    assert!(!text.contains("Acknowledged"));
}
