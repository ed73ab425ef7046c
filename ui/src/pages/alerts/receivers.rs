//! Who is told, and what waits for them or died on the way.

use super::by_hand::{Said, by_hand, said_line};
use crate::api::Fetch;
use crate::erased::live;
use crate::model::address::segment;
use crate::model::alert_view;
use crate::pages::slos::standing_mark::standing_mark;
use crate::{format, json};
use leptos::prelude::*;
use wire::{AlertList, ReceiverRow, TestAnswer};

#[component]
pub fn Receivers(list: Fetch<AlertList>) -> impl IntoView {
    let said = Said::new(None);
    let rows = move || {
        list.get().map(|list| match list.receivers.as_slice() {
            [] => none(),
            receivers => {
                let rows: Vec<AnyView> = receivers.iter().map(|receiver| row(receiver, said)).collect();
                view! { <dl class="receivers">{rows}</dl> }.into_any()
            }
        })
    };
    view! {
        <section>
            <h2>"Receivers" <span>"waiting, dead"</span></h2>
            {live(rows)}
            {said_line(said)}
        </section>
    }
}

fn row(receiver: &ReceiverRow, said: Said) -> AnyView {
    let (standing, words) = alert_view::receiver(receiver);
    let counts =
        format!("{}, {}", format::count(receiver.n_waiting.into()), format::count(receiver.n_dead.into()));
    let path = format!("/receivers/{}/test", segment(&receiver.name));
    view! {
        <dt data-testid="receiver-row" data-receiver=receiver.name.clone()>
            <b>{receiver.name.clone()}</b> <span class="num">{counts}</span>
        </dt>
        <dd>
            {receiver.kind.clone()} " " {receiver.target.clone()}
            <span>{standing_mark(standing, words)} " " {by_hand("test", &receiver.name, path, said, tested)}</span>
        </dd>
    }
    .into_any()
}

fn tested(answer: &str) -> String {
    json::read::<TestAnswer>(answer)
        .map_or_else(|error| error.to_string(), |answer| alert_view::tested(&answer))
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
