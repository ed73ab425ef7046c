//! One incident in the list: what broke first, or its title while there is no report.

use crate::api::{self, Fetch};
use crate::erased::act;
use crate::model::incident_view::{self, Deed};
use crate::model::log_text;
use crate::pages::alerts::by_hand::Said;
use crate::pages::incident::name_kept;
use crate::pages::slos::standing_mark::standing_mark;
use crate::{format, url_state};
use leptos::prelude::*;
use wire::{IncidentList, IncidentRow, IncidentStatus, UnixNanos};

pub fn incident_row(
    incident: &IncidentRow,
    now: UnixNanos,
    list: Fetch<IncidentList>,
    said: Said,
) -> AnyView {
    let zone = url_state::zone();
    let (standing, word) = incident_view::standing(incident);
    let name = incident_view::name(incident.number);
    let href = url_state::link(&format!("/incidents/{}", incident.number));
    let opened = incident.opened_at;
    let muted = incident.is_muted.then(|| view! { <span class="mark">"muted"</span> }.into_any());
    let is_open = incident.status == IncidentStatus::Open;
    let acknowledge = is_open.then(|| acknowledge(incident.number, list, said));
    view! {
        <tr class="row" data-testid="incidents-row" data-number=incident.number.to_string() data-state=word>
            <td>{standing_mark(standing, word)} " " {muted}</td>
            <td class="what">
                <a class:strong=!incident_view::is_over(incident) href=href data-row="">{incident_view::headline(incident)}</a>
                <span class="t3">{name} ", " {incident.severity.clone()} ", " {log_text::line(&incident.title)}</span>
            </td>
            <td class="lo cut">{incident_view::services(incident)}</td>
            <td class="num lo">{format!("{} of {}", incident.n_firing, incident.n_alerts)}</td>
            <td title=format::date_time(opened, zone)>
                {format::time_near(opened, now, zone)} " " <span class="t3">{format::ago(opened, now)}</span>
            </td>
            <td class="num">{incident_view::duration(incident, now)}</td>
            <td class="lo">{incident_view::owner(incident)} " " {acknowledge}</td>
        </tr>
    }
    .into_any()
}

/// Says at once that somebody looks after it, with the name that this browser knows.
fn acknowledge(number: u32, list: Fetch<IncidentList>, said: Said) -> AnyView {
    let name = incident_view::name(number);
    let spoken = format!("Acknowledge {name}");
    let press = move |_| {
        let done = format!("{name} is acknowledged.");
        leptos::task::spawn_local(async move {
            let outcome = match Deed::Acknowledge.request(&name_kept(), "") {
                Ok((verb, body)) => api::post(&format!("/incidents/{number}/{verb}"), &body).await,
                Err(missing) => Ok(missing.to_owned()),
            };
            // The page may be gone by now.
            said.try_set(Some(outcome.map_or_else(|failure| failure.message, |_| done)));
            list.reload();
        });
    };
    view! { <button class="btn small" type="button" aria-label=spoken data-testid="acknowledge" on:click=act(press)>"Acknowledge"</button> }
        .into_any()
}
