//! A button that copies a text and says so.

use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use wasm_bindgen_futures::JsFuture;

/// How long "copied" stays, in milliseconds: long enough to be read.
const SAID_MS: u32 = 1_600;

/// Copies `text` as it is when pressed. `label` is the button's word.
#[component]
pub fn CopyButton(
    #[prop(into)] text: Signal<String>,
    #[prop(into, default = "copy".into())] label: String,
    #[prop(optional, into)] testid: String,
) -> impl IntoView {
    let said = RwSignal::new(None::<&'static str>);
    let copy = move |_| {
        let text = text.get_untracked();
        leptos::task::spawn_local(async move {
            let written = JsFuture::from(window().navigator().clipboard().write_text(&text)).await;
            said.set(Some(if written.is_ok() { "copied" } else { "not allowed" }));
            TimeoutFuture::new(SAID_MS).await;
            // The button may be gone by now.
            said.try_set(None);
        });
    };
    view! {
        <button class="btn quiet copy" type="button" on:click=copy data-testid=testid>
            <span aria-live="polite">{move || said.get().map_or_else(|| label.clone(), str::to_owned)}</span>
        </button>
    }
}
