//! `/incidents`: what burns now, who looks after it, what is over; and how all services do.

pub mod incident_row;

use crate::api::{self, Fetch};
use crate::components::{Empty, Panel};
use crate::erased::{derived, live, memo};
use crate::model::{incident_view, order};
use crate::pages::alerts::by_hand::{Said, said_line};
use crate::pages::services::ServiceTable;
use crate::url_state;
use leptos::prelude::*;
use wire::{IncidentList, IncidentRow, ServiceList};

#[component]
pub fn IncidentsPage() -> impl IntoView {
    let list = api::watched::<IncidentList>(|| Some("/incidents".to_owned()));
    let services = api::polled::<ServiceList>(|| Some(url_state::api_path("/services")));
    let sentence = move || list.map(incident_view::sentence).unwrap_or_else(|| "Incidents".to_owned());
    let advice = move || list.map(|list| incident_view::advice(list, list.now));
    let said = Said::new(None);
    let rows = memo(move || list.get());
    let part = move |is_over: bool, title: &'static str| {
        move || rows.get().and_then(|answer| table(&answer, is_over, title, list, said))
    };
    let none = move || list.map(|list| list.incidents.is_empty().then(nothing)).flatten();
    view! {
        <header class="lead">
            <h1 data-testid="incidents-sentence">{live(sentence)}</h1>
            <p data-testid="incidents-advice">{live(advice)}</p>
        </header>
        <Panel name="incidents" state=list.state() retry=list.retry() empty=derived(none)>
            {said_line(said)}
            {live(part(false, "Now"))}
            {live(part(true, "Over"))}
        </Panel>
        <ServiceTable list=services />
    }
}

/// Nothing where there is none of them.
fn table(
    answer: &IncidentList,
    is_over: bool,
    title: &'static str,
    list: Fetch<IncidentList>,
    said: Said,
) -> Option<AnyView> {
    let of_part = answer.incidents.iter().filter(|one| incident_view::is_over(one) == is_over);
    let mut incidents: Vec<&IncidentRow> = of_part.collect();
    order::sort_by_key(&mut incidents, |one| incident_view::rank(one));
    let rows: Vec<AnyView> =
        incidents.iter().map(|one| incident_row::incident_row(one, answer.now, list, said)).collect();
    let more = (is_over && answer.truncated).then_some("Older ones are not listed.");
    let whole = view! {
        <h2 class="alerts-head">{title} " " <span class="t3 dense regular">{more}</span></h2>
        <div class="tbl"><table class="incidents-table" data-hold="">
            <thead><tr>
                <th scope="col">"state"</th>
                <th scope="col">"incident"</th>
                <th scope="col" class="lo">"services"</th>
                <th scope="col" class="num lo">"alerts"</th>
                <th scope="col">"opened"</th>
                <th scope="col" class="num">"for"</th>
                <th scope="col" class="lo">"owner"</th>
            </tr></thead>
            <tbody>{rows}</tbody>
        </table></div>
    };
    (!incidents.is_empty()).then(|| whole.into_any())
}

fn nothing() -> Empty {
    Empty {
        title: "No incident was ever opened.".to_owned(),
        text: "The first alert that fires opens one, and alerts of the same cascade join it. Alerts come from objectives."
            .to_owned(),
        is_suspicious: false,
        link: Some((untrack(|| url_state::link("/slos")), "Open the objectives".to_owned())),
    }
}
