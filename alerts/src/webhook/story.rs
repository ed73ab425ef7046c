//! An alert in a few lines for people: what chats and mails show, whatever they look like.
//!
//! Every text is one line here, without control characters, and not yet cut or escaped: each kind of receiver has
//! limits and marks of its own.

use super::{
    payload::{Notice, starts_at},
    text::plain,
};
use crate::{Event, Severity};

/// How bad it is, for the colour of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    Page,
    Ticket,
    Acknowledged,
    Resolved,
}

/// A label and a value, or a label and a link.
pub(super) type Line = (&'static str, String);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Story {
    pub(super) mood: Mood,
    /// "Page firing: Checkout availability"
    pub(super) title: String,
    /// What happened.
    pub(super) sentence: String,
    pub(super) facts: Vec<Line>,
    /// The first one leads to the alert.
    pub(super) links: Vec<Line>,
    /// Ids of example traces, and where they are shown.
    pub(super) traces: Vec<(String, String)>,
}

pub(super) fn story(notice: &Notice<'_>) -> Story {
    let mood = mood(notice.event, notice.alert.severity);
    let test = if notice.is_test { "Test: " } else { "" };
    let state = match mood {
        Mood::Page => "Page firing",
        Mood::Ticket => "Ticket firing",
        Mood::Acknowledged => "Acknowledged",
        Mood::Resolved => "Resolved",
    };
    Story {
        mood,
        title: format!("{test}{state}: {}", plain(&notice.alert.slo_name)),
        sentence: plain(&notice.alert.summary),
        facts: facts(notice),
        links: links(notice),
        traces: traces(notice),
    }
}

fn mood(event: Event, severity: Severity) -> Mood {
    match (event, severity) {
        (Event::Firing, Severity::Page) => Mood::Page,
        (Event::Firing, Severity::Ticket) => Mood::Ticket,
        (Event::Acknowledged, _) => Mood::Acknowledged,
        (Event::Resolved, _) => Mood::Resolved,
    }
}

fn facts(notice: &Notice<'_>) -> Vec<Line> {
    let mut facts = Vec::new();
    let mut put = |label, text: &str| {
        let text = plain(text);
        if !text.is_empty() {
            facts.push((label, text));
        }
    };
    let annotation = |name: &str| notice.annotations.get(name).map_or("", String::as_str);
    if let Some(number) = notice.incident {
        put("Incident", &number.to_string());
    }
    put("Service", &notice.alert.service);
    put("Operation", notice.identity.labels().get("operation").map_or("", String::as_str));
    put("Objective", annotation("description"));
    if let Some((_, judgement)) = notice.judged {
        if let Some(remaining) = judgement.budget_remaining {
            put("Budget left", &format!("{:.1} %", remaining * 100.0));
        }
        let worst = judgement.worst(notice.alert.severity).and_then(|worst| worst.burn_long);
        if let Some(burn) = worst.filter(|_| notice.event != Event::Resolved) {
            put("Burns", &format!("{burn:.1} times too fast"));
        }
    }
    put("Gone in", annotation("time_to_exhaustion"));
    put("Owner", annotation("owner"));
    put("Contact", annotation("contact"));
    put("Escalated", annotation("escalation"));
    put("Acknowledged by", annotation("acknowledged_by"));
    put("Since", &starts_at(notice));
    facts
}

fn links(notice: &Notice<'_>) -> Vec<Line> {
    let mut links = vec![("Open the alert", notice.alert_url())];
    links.extend(notice.incident().map(|(_, url)| ("Incident", url)));
    let named = [("dashboard_url", "Objective"), ("runbook_url", "Runbook"), ("repository", "Code")];
    for (name, label) in named {
        links.extend(notice.annotations.get(name).map(|url| (label, url.clone())));
    }
    let none: &[String] = &[];
    let playbooks = notice.ownership.map_or(none, |ownership| ownership.spec().playbooks.as_slice());
    let is_runbook = |url: &String| notice.annotations.get("runbook_url") == Some(url);
    links.extend(playbooks.iter().filter(|url| !is_runbook(url)).map(|url| ("Playbook", url.clone())));
    links
}

fn traces(notice: &Notice<'_>) -> Vec<(String, String)> {
    let base = notice.external_url.trim_end_matches('/');
    let ids = notice.annotations.iter().filter(|(name, _)| name.starts_with("exemplar_trace_"));
    ids.map(|(_, id)| (plain(id), format!("{base}/traces/{}", plain(id)))).collect()
}
