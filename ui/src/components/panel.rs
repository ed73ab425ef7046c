//! A section of a page with its states: loading, empty, failed, stale.
//!
//! Hairlines, no box. A panel fails alone: it says what happened, what to do, and offers to try again.
//! What it showed before stays, dimmed, until new data arrives.

use crate::api::{ApiFailure, LoadState};
use crate::components::SqlButton;
use crate::erased::{act, derived, flag, live, memo, text};
use leptos::prelude::*;

/// What to say instead of an empty picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Empty {
    /// One sentence: what was looked at and that there is nothing.
    pub title: String,
    /// Since when, why, what to do.
    pub text: String,
    /// Nothing where something is expected: drawn with the broken ring.
    pub is_suspicious: bool,
    /// Where to look instead: address inside the application and words.
    pub link: Option<(String, String)>,
}

/// `children` are drawn once there is data and `empty` is none. `title` and `note` make the head; a
/// panel without a title has none and puts its SQL button nowhere.
#[component]
pub fn Panel(
    /// Stable name: `data-testid` and, without a title, the accessible name.
    name: &'static str,
    #[prop(into)] state: Signal<LoadState>,
    #[prop(optional)] retry: Option<Callback<()>>,
    #[prop(optional, into)] empty: MaybeProp<Empty>,
    #[prop(optional, into)] sql: MaybeProp<String>,
    #[prop(optional, into)] title: MaybeProp<String>,
    #[prop(optional, into)] note: MaybeProp<String>,
    /// Extra class of the section.
    #[prop(optional)]
    class: &'static str,
    children: ChildrenFn,
) -> impl IntoView {
    let head = move || {
        let title = title.get()?;
        let sql = derived(move || sql.get());
        let text = view! { <h2>{title}</h2> <span class="t2 dense">{live(move || note.get())}</span> };
        Some(
            view! { <div class="panel-head">{text} <span class="grow" /> <SqlButton sql=sql /></div> }
                .into_any(),
        )
    };
    let children = StoredValue::new(children);
    let shown = memo(move || state.with(|state| Shown::of(state, empty.get().is_some())));
    let body = move || match shown.get() {
        Shown::Loading => skeleton(),
        Shown::Failed => failed(state, retry),
        Shown::Empty => view! { {live(move || empty.get().map(|empty| nothing(&empty)))} }.into_any(),
        Shown::Data => children.with_value(|children| children()).into_any(),
    };
    let is_stale = move || state.with(|state| state.has_data && state.is_stale);
    let busy = move || state.with(|state| (!state.has_data || state.is_stale) && state.failure.is_none());
    view! {
        <section class=format!("panel {class}") aria-label=name data-testid=name aria-busy=text(move || busy().to_string())>
            {live(head)}
            {live(move || old_data(state, retry))}
            <div class="panel-body" class:stale=flag(is_stale)>{live(body)}</div>
        </section>
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Shown {
    Loading,
    Failed,
    Empty,
    Data,
}

impl Shown {
    fn of(state: &LoadState, is_empty: bool) -> Self {
        match state {
            LoadState { has_data: true, .. } if is_empty => Self::Empty,
            LoadState { has_data: true, .. } => Self::Data,
            LoadState { failure: Some(_), .. } => Self::Failed,
            _ => Self::Loading,
        }
    }
}

fn skeleton() -> AnyView {
    view! {
        <div class="skeleton" role="status">
            <span class="sr">"Loading"</span>
            <i class="w40" />
            <i class="w90" />
            <i class="w80" />
            <i class="w60" />
        </div>
    }
    .into_any()
}

fn failed(state: Signal<LoadState>, retry: Option<Callback<()>>) -> AnyView {
    view! { {live(move || state.get().failure.map(|failure| message(&failure, retry)))} }.into_any()
}

/// The whole panel is the message.
fn message(failure: &ApiFailure, retry: Option<Callback<()>>) -> AnyView {
    view! {
        <div class="msg" role="alert" data-testid="panel-error" data-code=failure.code.clone()>
            <b class="state">
                <span class="bad">{crate::components::icon("err")}</span>
                {failure.message.clone()}
            </b>
            {failure.hint.clone().map(|hint| view! { <span>{hint}</span> })}
            {retry_button(retry)}
        </div>
    }
    .into_any()
}

/// A line above data that is older than it should be.
fn old_data(state: Signal<LoadState>, retry: Option<Callback<()>>) -> Option<AnyView> {
    let failure = state.with(|state| state.failure.clone().filter(|_| state.has_data))?;
    let line = view! {
        <div class="note-line" role="status" data-testid="panel-stale">
            <span class="warn">{crate::components::icon("warn")}</span>
            <span>{failure.message} " What you see is the last good answer."</span>
            {retry_button(retry)}
        </div>
    };
    Some(line.into_any())
}

fn retry_button(retry: Option<Callback<()>>) -> Option<AnyView> {
    let retry = retry?;
    let press = move |_| retry.run(());
    Some(
        view! { <span><button class="btn" type="button" on:click=act(press)>"Try again"</button></span> }
            .into_any(),
    )
}

/// The empty state on its own, for places that are no panel.
pub fn nothing(empty: &Empty) -> AnyView {
    let ring =
        empty.is_suspicious.then(|| view! { <span class="unknown">{crate::components::icon("unk")}</span> });
    let link = empty.link.clone();
    let link = link.map(|(href, words)| view! { <span><a class="link" href=href>{words}</a></span> });
    view! {
        <div class="msg" data-testid="panel-empty">
            <b class="state">{ring} {empty.title.clone()}</b>
            <span>{empty.text.clone()}</span>
            {link}
        </div>
    }
    .into_any()
}
