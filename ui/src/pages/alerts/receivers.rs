//! Who is told, and what waits for them or died on the way.

use crate::api::Fetch;
use crate::erased::live;
use crate::format;
use crate::model::alert_view;
use crate::pages::slos::standing_mark::standing_mark;
use leptos::prelude::*;
use wire::{AlertList, ReceiverRow};

#[component]
pub fn Receivers(list: Fetch<AlertList>) -> impl IntoView {
    let rows = move || {
        list.get().map(|list| match list.receivers.as_slice() {
            [] => none(),
            receivers => {
                let rows: Vec<AnyView> = receivers.iter().map(row).collect();
                view! { <dl class="receivers">{rows}</dl> }.into_any()
            }
        })
    };
    view! {
        <section>
            <h2>"Receivers" <span>"waiting, dead"</span></h2>
            {live(rows)}
        </section>
    }
}

fn row(receiver: &ReceiverRow) -> AnyView {
    let (standing, words) = alert_view::receiver(receiver);
    let counts =
        format!("{}, {}", format::count(receiver.n_waiting.into()), format::count(receiver.n_dead.into()));
    view! {
        <dt data-testid="receiver-row" data-receiver=receiver.name.clone()>
            <b>{receiver.name.clone()}</b> <span class="num">{counts}</span>
        </dt>
        <dd>{receiver.target.clone()} <span>{standing_mark(standing, words)}</span></dd>
    }
    .into_any()
}

fn none() -> AnyView {
    view! {
        <p class="dense t2" data-testid="receivers-none">
            "No receivers. Alerts are kept here but nobody is told: add " <code>"[[receivers]]"</code>
            " with a name and a url to the configuration."
        </p>
    }
    .into_any()
}
