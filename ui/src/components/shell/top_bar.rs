//! The bar at the top: where one is, where to jump, which time is shown.

use super::time_picker::TimePicker;
use super::{Handles, crumb, jump::Jump};
use crate::app::Route;
use crate::components::{clipboard, icon};
use crate::erased::{act, live, text};
use crate::{clock, theme, url_state};
use leptos::prelude::*;

#[component]
pub(super) fn TopBar(route: Signal<Route>, handles: Handles) -> impl IntoView {
    let open_sheet = move |_| super::keys::open(handles.sheet);
    view! {
        <header class="top">
            <a class="brand" href=text(move || url_state::link("/incidents")) aria-label="Firstfault, incidents">
                <svg aria-hidden="true" viewBox="0 0 18 18"><use href="#brand" /></svg>
                <span>"Firstfault"</span>
            </a>
            <nav class="crumb" aria-label="Breadcrumb">{live(move || breadcrumb(&route.get()))}</nav>
            <span class="sp" />
            <Jump node=handles.jump />
            <TimePicker />
            <Share />
            <button class="btn quiet hide" type="button" title="Other theme" aria-label="Switch between dark and light"
                data-testid="theme-toggle" on:click=act(|_| theme::toggle())>{icon("theme")}</button>
            <button class="btn quiet hide" type="button" title="Keyboard shortcuts" aria-label="Keyboard shortcuts"
                data-testid="cheat-sheet-open" on:click=act(open_sheet)><kbd>"?"</kbd></button>
        </header>
    }
}

fn breadcrumb(route: &Route) -> AnyView {
    let ((section, path), detail) = crumb(route);
    match detail {
        None => view! { <b>{section}</b> }.into_any(),
        Some(detail) => view! {
            <a href=text(move || url_state::link(path))>{section}</a> <span>"/"</span> <b>{detail}</b>
        }
        .into_any(),
    }
}

/// Copies a link with absolute times, so that a colleague sees the same tomorrow.
#[component]
fn Share() -> impl IntoView {
    let said = RwSignal::new("Share");
    let share = move |_| {
        leptos::task::spawn_local(async move {
            let link = url_state::absolute_link(clock::now().millis());
            said.set(if clipboard::write(&link).await { "Copied" } else { "Not allowed" });
            gloo_timers::future::TimeoutFuture::new(1_600).await;
            said.set("Share");
        });
    };
    view! {
        <button class="btn quiet hide" type="button" title="Copy a link with absolute times" id="share" on:click=act(share)>
            <span aria-live="polite">{live(move || said.get())}</span> <kbd aria-hidden="true">"y"</kbd>
        </button>
    }
}
