//! `/incidents/{number}`: the verdict about one incident with its evidence, what it costs, who looks after it, and
//! what happened since.

pub mod desk;
pub mod facts;
pub mod timeline;

use crate::api::{self, ApiFailure};
use crate::components::panel::nothing;
use crate::components::report::{rail, report};
use crate::components::{Empty, Panel};
use crate::erased::{live, memo};
use crate::model::address::segment;
use crate::model::incident_view;
use crate::url_state;
use desk::Desk;
use leptos::prelude::*;
use wire::{IncidentDetail, TriageReport, UnixNanos};

/// Where the browser keeps the name of who uses it.
const NAME_KEY: &str = "firstfault.name";

#[component]
pub fn IncidentPage(number: String) -> impl IntoView {
    let number = incident_view::number(&number).map_or(number, |number| number.to_string());
    let path = format!("/incidents/{}", segment(&number));
    let asked = path.clone();
    let detail = api::watched::<IncidentDetail>(move || Some(asked.clone()));
    let alert = memo(move || detail.map(|detail| detail.triage_alert_id.clone()).flatten());
    let answer = api::fetched::<TriageReport>(move || {
        alert.get().map(|id| format!("/alerts/{}/triage", segment(&id)))
    });
    // The report of an alert is made again while it fires.
    let made_at = memo(move || detail.map(|detail| detail.triage.as_ref().map(|one| one.asked_at)).flatten());
    Effect::new(move |before: Option<Option<UnixNanos>>| {
        let now = made_at.get();
        if before.flatten().is_some_and(|before| Some(before) != now) {
            answer.reload();
        }
        now
    });
    let shown = memo(move || answer.get());
    let state = detail.state();
    let is_missing =
        memo(move || state.with(|state| state.failure.as_ref().is_some_and(ApiFailure::is_not_found)));
    let desk = Desk::new(path, detail);
    let verdict = move || match shown.get() {
        Some(answered) => report(&answered, vec![facts::facts(detail)]),
        None => {
            let waits = alert.with(Option::is_some).then(|| {
                view! { <Panel name="incident-report" state=answer.state() retry=answer.retry()>{live(|| ())}</Panel> }
            });
            view! { {facts::lead(detail)} {waits} }.into_any()
        }
    };
    let around = move || shown.get().map(|answered| rail(&answered));
    let page = move || {
        view! {
            <Panel name="incident" state=state retry=detail.retry()>
                <div class="split">
                    <div>{live(verdict)} {facts::alerts(detail)}</div>
                    <aside class="rail" aria-label="Incident">
                        <desk::DeskForm desk=desk />
                        {facts::budgets(detail)}
                        {live(around)}
                        {timeline::timeline(detail)}
                    </aside>
                </div>
            </Panel>
        }
    };
    let missing = move || view! { <div class="pad">{nothing(&unknown(&number))}</div> }.into_any();
    live(move || if is_missing.get() { missing() } else { page().into_any() })
}

fn unknown(number: &str) -> Empty {
    Empty {
        title: format!("There is no incident {}.", crate::model::name_text::inline(number)),
        text: "Incidents are numbered from 1 on, and a number is never used twice.".to_owned(),
        is_suspicious: true,
        link: Some((untrack(|| url_state::link("/incidents")), "All incidents".to_owned())),
    }
}

/// The name that was given last; empty where none was.
pub fn name_kept() -> String {
    let storage = window().local_storage().ok().flatten();
    storage.and_then(|storage| storage.get_item(NAME_KEY).ok().flatten()).unwrap_or_default()
}

fn keep_name(name: &str) {
    if let Ok(Some(storage)) = window().local_storage() {
        // A full or forbidden storage only costs the memory of the name.
        let _ = storage.set_item(NAME_KEY, name);
    }
}
