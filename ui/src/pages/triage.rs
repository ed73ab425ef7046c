//! `/triage?service=&from=&to=`: what happened here? A report about any stretch of time.
//!
//! The range is that of the time picker; `service`, `operation` and `indicator` narrow the question. It is asked
//! when the address changes and not again by itself: an answer takes seconds and does not change under the eye.

use crate::api;
use crate::components::Panel;
use crate::components::report::{rail, report};
use crate::erased::{act, live, memo};
use crate::model::report_links;
use crate::url_state;
use leptos::prelude::*;
use wire::TriageReport;

#[component]
pub fn TriagePage() -> impl IntoView {
    let answer =
        api::tried::<TriageReport>("/triage", || Some(url_state::with_address(report_links::question)));
    let shown = memo(move || answer.get());
    let asking =
        move || shown.with(Option::is_none).then(|| view! { <h1 class="lead">"What happened here?"</h1> });
    let body = move || {
        shown.get().map(|answered| {
            let press = move |_| answer.reload();
            let again = view! {
                <span><b>"What happened here?"</b></span>
                <button class="btn quiet small" type="button" data-testid="triage-again" on:click=act(press)>"Ask again"</button>
            };
            view! {
                <div class="split">
                    <div>{report(&answered, vec![again.into_any()])}</div>
                    <aside class="rail" aria-label="Around it">{rail(&answered)}</aside>
                </div>
            }
        })
    };
    view! {
        {live(asking)}
        <Panel name="triage" state=answer.state() retry=answer.retry()>{live(body)}</Panel>
    }
}
