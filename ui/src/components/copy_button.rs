//! A button that copies a text and says so.

use crate::components::clipboard;
use crate::erased::{act, live};
use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;

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
            let is_written = clipboard::write(&text).await;
            // The button may be gone by now, here and below.
            said.try_set(Some(if is_written { "copied" } else { "not allowed" }));
            TimeoutFuture::new(SAID_MS).await;
            said.try_set(None);
        });
    };
    view! {
        <button class="btn quiet copy" type="button" on:click=act(copy) data-testid=testid>
            <span aria-live="polite">{live(move || said.get().map_or_else(|| label.clone(), str::to_owned))}</span>
        </button>
    }
}
