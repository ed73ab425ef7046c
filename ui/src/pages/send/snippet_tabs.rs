//! What to type, one tab per language, and the demo for those who have nothing to send yet.

use super::code_box::code_box;
use crate::api::Fetch;
use crate::components::tabs::{self, Tab as Choice};
use crate::components::{CopyButton, Tabs};
use crate::erased::{live, memo};
use crate::model::snippets::{self, Tab};
use leptos::prelude::*;
use wire::{Endpoints, Status};

/// Parameter of the address.
const PARAM: &str = "tab";

#[component]
pub fn SnippetTabs(status: Fetch<Status>) -> impl IntoView {
    let endpoints = memo(move || status.map(|status| status.endpoints.clone()));
    let chosen = memo(|| Tab::from_id(tabs::chosen(PARAM, &choices())));
    let boxes = move || {
        let endpoints = endpoints.get()?;
        let snippets = snippets::snippets(chosen.get(), &endpoints);
        Some(snippets.into_iter().map(code_box).collect_view())
    };
    view! {
        <section>
            <h2 class="sr">"What to type"</h2>
            <Tabs param=PARAM tabs=choices() label="Language" />
            {live(boxes)}
        </section>
        <section>{live(move || endpoints.get().map(|endpoints| demo(&endpoints)))}</section>
    }
}

fn choices() -> Vec<Choice> {
    Tab::ALL.into_iter().map(|tab| Choice { value: tab.id(), label: tab.title(), n: None }).collect()
}

fn demo(endpoints: &Endpoints) -> AnyView {
    let command = snippets::demo_command(endpoints);
    view! {
        <div class="snippet" data-testid="send-demo">
            <div class="label">"Nothing to send yet" <CopyButton text=command.clone() testid="send-copy" /></div>
            <pre class="code" tabindex="0">{command}</pre>
            <p class="dense t2 note">"A shop of a few services, with faults to find. It sends until it is stopped."</p>
        </div>
    }
    .into_any()
}
