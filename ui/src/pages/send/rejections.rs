//! What came and could not be used, with the cause and the next step.

use crate::api::Fetch;
use crate::components::icon;
use crate::erased::{live, memo};
use crate::format;
use crate::model::{ingest, log_text};
use leptos::prelude::*;
use wire::{Rejection, Status, UnixNanos};

#[component]
pub fn Rejections(status: Fetch<Status>) -> impl IntoView {
    let list = memo(move || status.map(|status| (status.rejections.clone(), status.now)));
    live(move || {
        let (rejections, now) = list.get()?;
        (!rejections.is_empty()).then(|| section(&rejections, now))
    })
}

fn section(rejections: &[Rejection], now: UnixNanos) -> AnyView {
    let rows: Vec<AnyView> = rejections.iter().map(|rejection| row(rejection, now)).collect();
    view! {
        <section data-testid="send-rejections">
            <h2>"Refused"</h2>
            {rows}
        </section>
    }
    .into_any()
}

/// The example may repeat bytes of a client: it is cleaned and shown as text.
fn row(rejection: &Rejection, now: UnixNanos) -> AnyView {
    let times =
        if rejection.n == 1 { String::new() } else { format!("{} times, ", format::count(rejection.n)) };
    let hint = rejection.hint.clone().map(|hint| view! { <span class="t2">{hint}</span> });
    view! {
        <div class="rejection" data-testid="send-rejection" data-reason=rejection.reason.clone()>
            <span class="bad">{icon("err")}</span>
            <span>
                <b>{ingest::reason_words(&rejection.reason)}</b> " "
                <span class="t3">{times} {format::ago(rejection.last_at, now)}</span>
            </span>
            <span class="t2">{log_text::clean(&rejection.example)}</span>
            {hint}
        </div>
    }
    .into_any()
}
