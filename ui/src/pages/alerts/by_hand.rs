//! What is done by hand with receivers and deliveries: a button, and what came of it.

use crate::api;
use crate::erased::{act, live};
use crate::model::log_text;
use leptos::prelude::*;

/// What came of the last press. It belongs to the part that holds the buttons: rows are drawn anew with each answer.
pub type Said = RwSignal<Option<String>>;

/// Asks the server when it is pressed; `words` makes a sentence of a good answer.
pub fn by_hand(
    label: &'static str,
    of: &str,
    path: String,
    said: Said,
    words: fn(&str) -> String,
) -> AnyView {
    let spoken = format!("{label} {of}");
    let press = move |_| {
        let path = path.clone();
        said.set(Some("Asking the server.".to_owned()));
        leptos::task::spawn_local(async move {
            let outcome = match api::post(&path, "{}").await {
                Ok(answer) => words(&answer),
                Err(failure) => failure.message,
            };
            // The page may be gone by now.
            said.try_set(Some(outcome));
        });
    };
    view! {
        <button class="btn quiet small" type="button" aria-label=spoken data-testid="by-hand" on:click=act(press)>{label}</button>
    }
    .into_any()
}

pub fn said_line(said: Said) -> AnyView {
    let text = move || said.with(|said| log_text::clean(said.as_deref().unwrap_or_default()));
    view! { <p class="dense t2" role="status" data-testid="by-hand-said">{live(text)}</p> }.into_any()
}
