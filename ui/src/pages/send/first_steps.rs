//! What to do next, ticked off by what the server has seen.

use crate::api::{self, Fetch};
use crate::components::state_icon;
use crate::erased::{live, memo, text};
use crate::model::ingest;
use crate::url_state;
use leptos::prelude::*;
use wire::{AlertList, SloList, Status};

#[component]
pub fn FirstSteps(status: Fetch<Status>) -> impl IntoView {
    let slos = api::fetched::<SloList>(|| Some("/slos".to_owned()));
    let alerts = api::fetched::<AlertList>(|| Some("/alerts".to_owned()));
    let accepted = move |signal: &'static str| {
        status.map(|status| ingest::n_accepted(status, signal) > 0).unwrap_or(false)
    };
    let steps = memo(move || {
        // Counters start with the process: after a restart, stored data stands for spans.
        let any_data = status.map(|status| status.has_data).unwrap_or(false);
        [
            (
                "First span",
                "/services",
                accepted("traces") || any_data && !accepted("logs") && !accepted("metrics"),
            ),
            ("First log record", "/logs", accepted("logs")),
            ("First metric", "/metrics", accepted("metrics")),
            ("An objective", "/slos", slos.map(|list| !list.slos.is_empty()).unwrap_or(false)),
            (
                "A receiver for alerts",
                "/alerts",
                alerts.map(|list| !list.receivers.is_empty()).unwrap_or(false),
            ),
        ]
    });
    let rows = move || steps.get().into_iter().enumerate().map(|(i, step)| row(i + 1, step)).collect_view();
    view! {
        <section>
            <h2>"Then"</h2>
            <ol class="steps">{live(rows)}</ol>
        </section>
    }
}

fn row(number: usize, (name, path, is_done): (&'static str, &'static str, bool)) -> AnyView {
    let mark = match is_done {
        true => state_icon("ok", "ok", "seen"),
        false => state_icon("t3", "unk", "not yet"),
    };
    let href = move || url_state::link(path);
    view! { <li><span class="t3">{number}</span> <a href=text(href)>{name}</a> {mark}</li> }.into_any()
}
