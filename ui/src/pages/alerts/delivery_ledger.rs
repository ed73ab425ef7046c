//! Every message of an alert and every attempt to deliver it: time, status, latency, error, next try.

use super::by_hand::{Said, by_hand};
use crate::components::ownership;
use crate::model::{alert_view, incident_view, log_text};
use crate::pages::slos::standing_mark::standing_mark;
use crate::{format, url_state};
use leptos::prelude::*;
use wire::{AlertRow, AttemptRow, DeliveryRow, UnixNanos};

pub fn ledger(alert: &AlertRow, now: UnixNanos, said: Said) -> AnyView {
    let summary = log_text::clean(&alert.summary);
    let finding: Vec<AnyView> = alert_view::finding(alert)
        .map(|sentence| {
            view! { <p class="dense t2" data-testid="alert-finding">{log_text::clean(sentence)}</p> }
                .into_any()
        })
        .collect();
    let rows: Vec<AnyView> = alert.deliveries.iter().map(|delivery| rows_of(delivery, now, said)).collect();
    let body = match rows.is_empty() {
        true => view! { <p class="dense t2">"Nothing to deliver: neither the objective nor its service names a receiver."</p> }
            .into_any(),
        false => table(rows),
    };
    view! {
        <tr class="ledger" data-testid="alert-ledger">
            <td colspan="8">
                <p class="dense">{summary} " " {links(alert)}</p>
                {finding}
                {alert.ownership.as_ref().map(|owned| view! { <div class="facts">{ownership(owned)}</div> })}
                {body}
            </td>
        </tr>
    }
    .into_any()
}

/// To the incident that it belongs to, and to a report about the time around it.
fn links(alert: &AlertRow) -> AnyView {
    let incident = alert.incident.map(|number| {
        let href = url_state::link(&format!("/incidents/{number}"));
        view! { <a class="link" href=href data-testid="alert-incident">{incident_view::name(number)}</a> }
            .into_any()
    });
    let href = url_state::link(&alert_view::what_happened(alert));
    view! { {incident} " " <a class="link" href=href data-testid="alert-triage">"What happened here?"</a> }
        .into_any()
}

fn table(rows: Vec<AnyView>) -> AnyView {
    view! {
        <table class="plain">
            <thead>
                <tr>
                    <th scope="col">"receiver"</th>
                    <th scope="col">"event"</th>
                    <th scope="col">"result"</th>
                    <th scope="col" class="num">"status"</th>
                    <th scope="col" class="num">"took"</th>
                    <th scope="col">"at"</th>
                    <th scope="col">"error"</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}

fn rows_of(delivery: &DeliveryRow, now: UnixNanos, said: Said) -> AnyView {
    let zone = url_state::zone();
    let (standing, words) = alert_view::delivery(delivery);
    let at = delivery.delivered_at.unwrap_or(delivery.created_at);
    let next = delivery.next_attempt_at.filter(|_| delivery.state == "waiting").map(|at| next_words(at, now));
    let path = format!("/deliveries/{}/replay", delivery.id);
    let replay = || by_hand("replay", &delivery.receiver, path, said, |_| "It is sent again.".to_owned());
    let again = (delivery.state == "dead").then(replay);
    let attempts: Vec<AnyView> =
        delivery.attempts.iter().enumerate().map(|(i, row)| attempt(i + 1, row, now)).collect();
    view! {
        <tr data-testid="delivery-row" data-delivery=delivery.id.clone() data-state=delivery.state.clone()>
            <td class="strong">{delivery.receiver.clone()}</td>
            <td>{delivery.event.clone()}</td>
            <td>{standing_mark(standing, words)}</td>
            <td></td>
            <td></td>
            <td title=format::date_time(at, zone)>{format::time_near(at, now, zone)}</td>
            <td class="t2">{next} {again}</td>
        </tr>
        {attempts}
    }
    .into_any()
}

fn attempt(number: usize, row: &AttemptRow, now: UnixNanos) -> AnyView {
    let zone = url_state::zone();
    let status = row.status.map_or_else(|| format::MISSING.to_owned(), |status| status.to_string());
    let took = format::duration(i64::from(row.duration_ms) * 1_000_000);
    let is_good = row.status.is_some_and(|status| (200..300).contains(&status));
    view! {
        <tr class="attempts" data-testid="attempt-row">
            <td>{format!("attempt {number}")}</td>
            <td></td>
            <td></td>
            <td class="num" class:bad=!is_good>{status}</td>
            <td class="num">{took}</td>
            <td title=format::date_time(row.at, zone)>{format::time_near(row.at, now, zone)}</td>
            <td class="why" title=log_text::clean(&row.answer)>{log_text::clean(&row.error)}</td>
        </tr>
    }
    .into_any()
}

fn next_words(at: UnixNanos, now: UnixNanos) -> String {
    match at.0.saturating_sub(now.0) {
        ..=0 => "next attempt now".to_owned(),
        ns => format!("next attempt in {}", format::duration((ns / 1_000_000_000).max(1) * 1_000_000_000)),
    }
}
