//! What is known of an incident besides its report: state, cost, alerts.

use crate::api::Fetch;
use crate::components::ownership;
use crate::erased::{live, text};
use crate::model::address::segment;
use crate::model::{alert_view, incident_view, log_text};
use crate::pages::slos::standing_mark::standing_mark;
use crate::{format, url_state};
use leptos::prelude::*;
use wire::{IncidentAlert, IncidentDetail, IncidentObjective};

/// Above the verdict.
pub fn facts(detail: Fetch<IncidentDetail>) -> AnyView {
    live(move || detail.map(of_incident))
}

fn of_incident(detail: &IncidentDetail) -> AnyView {
    let incident = &detail.incident;
    let (standing, word) = incident_view::standing(incident);
    let zone = url_state::zone();
    let opened = incident.opened_at;
    view! {
        <span data-testid="incident-state" data-state=word>{standing_mark(standing, word)}</span>
        <b>{incident_view::name(incident.number)}</b>
        <span>{incident.severity.clone()}</span>
        <span title=format::date_time(opened, zone)>
            "opened " {format::time_near(opened, detail.now, zone)} " "
            <span class="t3">{format::ago(opened, detail.now)} ", for " {incident_view::duration(incident, detail.now)}</span>
        </span>
        <span>"owner: " {incident_view::owner(incident)}</span>
        {detail.ownership.as_ref().map(ownership)}
    }
    .into_any()
}

/// In place of the verdict, while there is no report.
pub fn lead(detail: Fetch<IncidentDetail>) -> AnyView {
    let title = move || detail.map(|detail| log_text::line(&detail.incident.title));
    let why = move || {
        detail.map(|detail| match detail.triage_alert_id {
            Some(_) => "Its report is on its way.",
            None => "There is no report yet: one is made within seconds when an alert fires.",
        })
    };
    view! {
        <header class="verdict" data-testid="incident-lead">
            <div class="facts">{facts(detail)}</div>
            <h1>{live(title)}</h1>
            <p class="so">{live(why)}</p>
        </header>
    }
    .into_any()
}

/// Objectives and what it cost them.
pub fn budgets(detail: Fetch<IncidentDetail>) -> AnyView {
    let rows = move || {
        let rows: Vec<AnyView> = detail.map(|detail| detail.objectives.iter().map(budget).collect())?;
        let table = view! {
            <section data-testid="incident-budgets">
                <h2>"Error budget " <span>"spent by it, left"</span></h2>
                <table class="plain"><tbody>{rows}</tbody></table>
            </section>
        };
        Some(table.into_any())
    };
    live(rows)
}

fn budget(objective: &IncidentObjective) -> AnyView {
    let (spent, left) = incident_view::budget(objective);
    let href = url_state::link(&format!("/slos/{}", segment(&objective.slo_id)));
    view! {
        <tr>
            <td class="cut"><a href=href>{log_text::line(&objective.slo_name)}</a></td>
            <td class="num strong">{spent}</td>
            <td class="num t2">{left}</td>
        </tr>
    }
    .into_any()
}

/// Alerts of the cascade with the reason why each belongs to it.
pub fn alerts(detail: Fetch<IncidentDetail>) -> AnyView {
    let rows = move || detail.map(|detail| detail.alerts.iter().map(alert).collect::<Vec<AnyView>>());
    let all = text(move || url_state::link("/alerts"));
    view! {
        <section class="panel" aria-label="alerts" data-testid="incident-alerts">
            <div class="panel-head"><h2>"Alerts"</h2> <a class="link dense" href=all>"deliveries"</a></div>
            <div class="tbl"><table class="plain"><tbody>{live(rows)}</tbody></table></div>
        </section>
    }
    .into_any()
}

fn alert(member: &IncidentAlert) -> AnyView {
    let alert = &member.alert;
    let (standing, word) = alert_view::standing(alert);
    let href = url_state::link(&format!("/slos/{}", segment(&alert.slo_id)));
    view! {
        <tr data-testid="incident-alert" data-alert=alert.id.clone()>
            <td>{standing_mark(standing, word)}</td>
            <td><a class="strong" href=href>{log_text::line(&alert.slo_name)}</a></td>
            <td class="why t2">{log_text::line(&alert.summary)} " " <span class="t3">{log_text::line(&member.reason_text)}</span></td>
        </tr>
    }
    .into_any()
}
