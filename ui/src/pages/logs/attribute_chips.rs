//! Attribute filters as chips, and the field that adds one.

use crate::components::{icon, name};
use crate::erased::{act, live};
use crate::model::log_query::{self, LogQuery};
use crate::model::name_text;
use crate::url_state;
use leptos::ev::KeyboardEvent;
use leptos::prelude::*;

#[component]
pub fn AttributeChips(query: Signal<LogQuery>, problem: RwSignal<Option<String>>) -> impl IntoView {
    let text = RwSignal::new(String::new());
    let add = move || match log_query::attribute(&text.get_untracked()) {
        Ok(pair) => {
            add_filter(&pair);
            text.set(String::new());
            problem.set(None);
        }
        Err(message) => problem.set(Some(message)),
    };
    let pressed = move |event: KeyboardEvent| {
        if event.key() == "Enter" && !text.with_untracked(String::is_empty) {
            event.prevent_default();
            add();
        }
    };
    let chips = move || query.with(|query| query.attributes.iter().map(|pair| chip(pair)).collect_view());
    let span = move || query.with(|query| query.span_id.clone().map(|id| span_chip(&id)));
    view! {
        {live(chips)}
        {live(span)}
        <label class="field">
            <span class="sr">"Attribute filter, key=value"</span>
            <input class="mono" placeholder="key=value, enter" autocomplete="off" spellcheck="false"
                data-testid="logs-attribute" prop:value=text
                on:input=act(move |event| text.set(event_target_value(&event))) on:keydown=act(pressed) />
        </label>
    }
}

/// Adds `key=value` to the filters of the address, once.
pub fn add_filter(pair: &str) {
    let mut pairs = untrack(|| url_state::params("attr"));
    if !pairs.iter().any(|known| known == pair) {
        pairs.push(pair.to_owned());
        url_state::set_all("attr", &pairs);
    }
}

fn chip(pair: &str) -> AnyView {
    let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
    let removed = pair.to_owned();
    let remove = move |_| {
        let mut pairs = untrack(|| url_state::params("attr"));
        pairs.retain(|pair| *pair != removed);
        url_state::set_all("attr", &pairs);
    };
    view! {
        <span class="chip" data-testid="logs-chip">
            <span class="k">{name(key)}</span>
            <span class="o">"="</span>
            <span class="val">{name(value)}</span>
            <button type="button" aria-label=format!("Remove {}", name_text::inline(pair)) on:click=act(remove)>{icon("close")}</button>
        </span>
    }
    .into_any()
}

/// Comes with a link from a span; there is no field for it.
fn span_chip(id: &str) -> AnyView {
    view! {
        <span class="chip">
            <span class="k">"span"</span>
            <span class="o">"="</span>
            <span class="val">{id.to_owned()}</span>
            <button type="button" aria-label="Remove the span filter" on:click=act(move |_| url_state::set_param("span_id", None))>
                {icon("close")}
            </button>
        </span>
    }
    .into_any()
}
