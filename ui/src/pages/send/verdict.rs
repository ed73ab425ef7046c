//! Is it arriving? One line that changes by itself.

use crate::api::Fetch;
use crate::components::icon;
use crate::erased::{live, memo, text};
use crate::model::ingest::{self, Ingest};
use crate::url_state;
use leptos::prelude::*;
use wire::Status;

#[component]
pub fn Verdict(
    status: Fetch<Status>,
    state: Signal<Ingest>,
    /// Busiest first.
    services: Signal<Vec<String>>,
) -> impl IntoView {
    let words = memo(move || services.with(|services| ingest::verdict(state.get(), services)));
    let refused = memo(move || status.map(|status| ingest::refused_sentence(&status.rejections)).flatten());
    let mark = move || match state.get() {
        Ingest::Waiting => pulse(),
        Ingest::Receiving => view! { <span class="ok">{icon("ok")}</span> }.into_any(),
        Ingest::Silent { .. } => view! { <span class="unknown">{icon("unk")}</span> }.into_any(),
    };
    let next = move || match state.get() {
        Ingest::Waiting => None,
        _ => Some(
            view! { <a class="link" data-testid="send-open" href=url_state::link("/services")>"Open the services"</a> },
        ),
    };
    view! {
        <section data-testid="send-status" data-state=text(move || state.get().id())>
            <div class="waiting">
                {live(mark)}
                <div>
                    <h2 aria-live="polite">{live(move || words.get())}</h2>
                    <p class="dense t2">{live(move || refused.get())} " " {live(next)}</p>
                </div>
            </div>
        </section>
    }
}

/// Twelve dots that breathe; still when motion is not wanted.
fn pulse() -> AnyView {
    let dots: Vec<AnyView> = (0..12).map(|_| view! { <i></i> }.into_any()).collect();
    view! { <span class="pulse" aria-hidden="true">{dots}</span> }.into_any()
}
