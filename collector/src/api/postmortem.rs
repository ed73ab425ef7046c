//! `GET /api/v1/incidents/{number}/postmortem`: what is known of an incident, as Markdown that somebody goes on writing.
//!
//! Facts only. Text from telemetry is escaped: it becomes no heading, link or image of the document.

use super::incidents::whole;
use super::params::Params;
use super::{Api, Failure, InPath};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::Uri;
use http::header::CONTENT_TYPE;
use jiff::Timestamp;
use std::fmt::Write;
use wire::{IncidentDetail, IncidentRow, IncidentStatus, TimelineKind, UnixNanos};

pub(super) async fn get(
    State(api): State<Api>,
    InPath(number): InPath<u32>,
    uri: Uri,
) -> Result<Response, Failure> {
    Params::read(&uri, api.now(), &[])?;
    let text = postmortem(&whole(&api, number).await?);
    Ok(([(CONTENT_TYPE, "text/markdown; charset=utf-8")], text).into_response())
}

fn postmortem(detail: &IncidentDetail) -> String {
    let row = &detail.incident;
    let mut sections = vec![format!("# Incident {}: {}", row.number, plain(&row.title)), facts(detail)];
    sections.extend(section("What happened", happened(detail)));
    sections.extend(section("Impact", impact(detail)));
    sections.extend(section("Alerts", alerts(detail)));
    sections.extend(section("Timeline", timeline(detail)));
    sections.extend(section("Notes", notes(detail)));
    sections.extend(section("Not known", not_known(detail)));
    sections.join("\n\n") + "\n"
}

/// None where there is nothing to say.
fn section(title: &str, text: String) -> Option<String> {
    (!text.is_empty()).then(|| format!("## {title}\n\n{text}"))
}

fn facts(detail: &IncidentDetail) -> String {
    let row = &detail.incident;
    let mut facts = vec![
        ("Status", status(row).to_owned()),
        ("Severity", row.severity.clone()),
        ("Likely origin", format!("{} ({})", plain(&row.origin), source(row))),
        ("Services", plain(&row.services.join(", "))),
        ("Opened", when(row.opened_at)),
    ];
    if let Some(at) = row.acknowledged_at {
        let by = row.acknowledged_by.as_deref().map_or_else(String::new, |by| format!(" by {}", plain(by)));
        facts.push(("Acknowledged", format!("{}{by}, after {}", when(at), between(row.opened_at, at))));
    }
    if let Some(at) = row.resolved_at {
        facts.push(("Resolved", format!("{}, after {}", when(at), between(row.opened_at, at))));
    }
    if row.n_reopened > 0 {
        facts.push(("Came back", format!("{} times", row.n_reopened)));
    }
    facts.extend(row.owner.as_deref().map(|owner| ("Owner", plain(owner))));
    let team = detail.ownership.as_ref().and_then(|ownership| ownership.owner.as_deref());
    facts.extend(team.map(|team| ("Team", plain(team))));
    let lines: Vec<String> = facts.iter().map(|(name, fact)| format!("- **{name}:** {fact}")).collect();
    lines.join("\n")
}

fn happened(detail: &IncidentDetail) -> String {
    let Some(report) = &detail.triage else { return String::new() };
    let mut lines = vec![plain(&report.headline)];
    if !report.sentences.is_empty() {
        let evidence: Vec<String> = report.sentences.iter().map(|one| format!("- {}", plain(one))).collect();
        lines.push(evidence.join("\n"));
    }
    lines.join("\n\n")
}

fn impact(detail: &IncidentDetail) -> String {
    if detail.objectives.is_empty() {
        return String::new();
    }
    let mut table =
        "| objective | service | bad events | budget spent | budget left |\n|---|---|---|---|---|".to_owned();
    for one in &detail.objectives {
        let events = match (one.n_bad, one.n_total) {
            (Some(n_bad), Some(n_total)) => format!("{n_bad} of {n_total}"),
            _ => "not known".to_owned(),
        };
        let percent = |part: Option<f64>| {
            part.map_or_else(|| "not known".to_owned(), |part| format!("{:.1} %", part * 100.0))
        };
        let (spent, left) = (percent(one.budget_spent), percent(one.budget_remaining));
        let (name, service) = (plain(&one.slo_name), plain(&one.service));
        line(&mut table, format_args!("| {name} | {service} | {events} | {spent} | {left} |"));
    }
    table
}

fn alerts(detail: &IncidentDetail) -> String {
    let mut lines = Vec::new();
    for one in &detail.alerts {
        let (alert, fired) = (&one.alert, one.alert.firing_at.unwrap_or(one.alert.pending_at));
        let over = match alert.resolved_at {
            Some(at) => format!("until {}", when(at)),
            None => "and still fires".to_owned(),
        };
        lines.push(format!(
            "- **{}** of {} ({}), from {} {over}. It belongs here because {}.",
            plain(&alert.slo_name),
            plain(&alert.service),
            alert.severity,
            when(fired),
            plain(&one.reason_text),
        ));
    }
    lines.join("\n")
}

fn timeline(detail: &IncidentDetail) -> String {
    let mut table = "| time | what | who |\n|---|---|---|".to_owned();
    for entry in detail.timeline.iter().filter(|entry| entry.kind != TimelineKind::Note) {
        let by = entry.by.as_deref().map_or_else(String::new, plain);
        let tried = match &entry.delivery {
            Some(delivery) if delivery.n_attempts > 1 => format!(" ({} attempts)", delivery.n_attempts),
            _ => String::new(),
        };
        line(&mut table, format_args!("| {} | {}{tried} | {by} |", when(entry.at), plain(&entry.text)));
    }
    if detail.timeline_truncated {
        line(&mut table, format_args!("\nThe oldest entries are left out."));
    }
    table
}

fn notes(detail: &IncidentDetail) -> String {
    let is_note = detail.timeline.iter().filter(|entry| entry.kind == TimelineKind::Note);
    let notes: Vec<String> = is_note
        .map(|entry| {
            let by = entry.by.as_deref().map_or_else(String::new, |by| format!(", {}", plain(by)));
            let quoted: Vec<String> = entry.text.lines().map(|line| format!("> {}", plain(line))).collect();
            format!("**{}{by}**\n\n{}", when(entry.at), quoted.join("\n"))
        })
        .collect();
    notes.join("\n\n")
}

fn not_known(detail: &IncidentDetail) -> String {
    let none: &[String] = &[];
    let of_report = detail.triage.as_ref().map_or(none, |report| report.not_known.as_slice());
    let sentences = of_report.iter().chain(&detail.not_known);
    sentences.map(|sentence| format!("- {}", plain(sentence))).collect::<Vec<_>>().join("\n")
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Nothing can fail here: a `String` takes everything.
    write!(text, "\n{line}").unwrap_or_default();
}

fn status(row: &IncidentRow) -> &'static str {
    match row.status {
        IncidentStatus::Open => "open",
        IncidentStatus::Acknowledged => "acknowledged",
        IncidentStatus::Resolved => "resolved",
    }
}

fn source(row: &IncidentRow) -> &'static str {
    match row.origin_source {
        wire::OriginSource::Graph => "the service of those with alerts that calls none of the others",
        wire::OriginSource::Report => "named by the report about an alert",
    }
}

/// To the second, in UTC.
fn when(at: UnixNanos) -> String {
    let at = Timestamp::from_second(at.0.div_euclid(1_000_000_000));
    at.map_or_else(|_| "an unknown time".to_owned(), |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

fn between(from: UnixNanos, to: UnixNanos) -> String {
    let seconds = to.0.saturating_sub(from.0).max(0) / 1_000_000_000;
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds} s"),
        (0, minutes) => format!("{minutes} min {seconds} s"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

/// One line that Markdown takes as text.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            plain.push(' ');
            continue;
        }
        if "\\`*_{}[]<>#|!&~".contains(c) {
            plain.push('\\');
        }
        plain.push(c);
    }
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
