//! The time picker: presets, free text, live or paused, UTC or local.

use crate::components::chart_group::set_range;
use crate::components::icon;
use crate::erased::{act, live, memo, text};
use crate::model::time_range::{self, PRESETS, TimeRange};
use crate::{clock, url_state};
use leptos::ev::SubmitEvent;
use leptos::html::{Div, Input};
use leptos::prelude::*;

#[component]
pub(super) fn TimePicker() -> impl IntoView {
    let menu = NodeRef::<Div>::new();
    let label = move || url_state::time_range().label(url_state::zone(), clock::now().millis());
    let back = |_| {
        if let Ok(history) = window().history() {
            // Nothing to go back to leaves the page where it is.
            let _ = history.back();
        }
    };
    view! {
        <div class="time" role="group" aria-label="Time range">
            <button type="button" class="hide" aria-label="Back" title="Back" on:click=act(back)>{icon("back")}</button>
            <button type="button" popovertarget="range-menu" data-testid="time-range">
                {live(label)} <span class="t3">{live(move || url_state::zone().name())}</span>
            </button>
            <LiveButton />
        </div>
        <div popover="auto" id="range-menu" class="menu" node_ref=menu aria-label="Time range">
            <FreeText menu=menu />
            <div class="presets">{PRESETS.map(|(words, from)| preset(words, from, menu)).into_iter().collect_view()}</div>
            <ZoneChoice />
        </div>
    }
}

fn preset(words: &'static str, from: &'static str, menu: NodeRef<Div>) -> AnyView {
    let is_current = move || url_state::time_range() == TimeRange::of(Some(from), None);
    let choose = move |_| {
        set_range(&TimeRange::of(Some(from), None));
        close(menu);
    };
    view! {
        <button type="button" aria-pressed=text(move || is_current().to_string()) on:click=act(choose)
            data-testid=format!("preset-{from}")>"last " {words}</button>
    }
    .into_any()
}

fn close(menu: NodeRef<Div>) {
    if let Some(menu) = menu.get_untracked() {
        // Fails only when it is closed already.
        let _ = menu.hide_popover();
    }
}

#[component]
fn FreeText(menu: NodeRef<Div>) -> impl IntoView {
    let input = NodeRef::<Input>::new();
    let problem = RwSignal::new(None::<String>);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(text) = input.get_untracked().map(|input| input.value()) else { return };
        let zone = untrack(url_state::zone);
        match time_range::parse(&text, zone, clock::now().millis()) {
            Ok(range) => {
                problem.set(None);
                set_range(&range);
                close(menu);
            }
            Err(message) => problem.set(Some(message)),
        }
    };
    view! {
        <form class="free" on:submit=act(submit)>
            <input node_ref=input class="field" placeholder="15m, or 2026-11-22 09:00 to 10:00" autocomplete="off"
                aria-label="Time range as text" data-testid="time-text"
                aria-invalid=text(move || problem.get().is_some().then_some("true"))
                on:input=act(move |_| problem.set(None)) />
            <button class="btn" type="submit">"Set"</button>
            <span class="problem" role="alert">{live(move || problem.get())}</span>
        </form>
    }
}

/// Live pins the end to now. A fixed range offers to go live; a live one offers to pause.
#[component]
fn LiveButton() -> impl IntoView {
    let is_relative = memo(|| url_state::time_range().is_relative());
    let is_live = memo(url_state::is_live);
    let words = move || match (is_relative.get(), is_live.get()) {
        (_, true) => "Live, 5 s",
        (true, false) => "Paused",
        (false, _) => "Fixed",
    };
    let hint = move || match (is_relative.get(), is_live.get()) {
        (_, true) => "Refreshes every 5 s, and waits while you point at a list. Press to pause.",
        (true, false) => "Press to refresh again",
        (false, _) => "Press to follow the last hour",
    };
    let press = move |_| match (is_relative.get_untracked(), is_live.get_untracked()) {
        (_, true) => url_state::set_param("live", Some("off")),
        (true, false) => url_state::set_param("live", None),
        (false, _) => set_range(&TimeRange::of(None, None)),
    };
    view! {
        <button type="button" class="hide" aria-pressed=text(move || is_live.get().to_string()) title=text(hint)
            data-testid="live" on:click=act(press)>{live(words)}</button>
    }
}

#[component]
fn ZoneChoice() -> impl IntoView {
    let is_local = move || url_state::zone() == crate::format::Zone::Local;
    let choice = move |words: &'static str, value: Option<&'static str>| {
        let is_current = move || is_local() == value.is_some();
        view! {
            <button type="button" aria-pressed=text(move || is_current().to_string())
                on:click=act(move |_| url_state::set_param("tz", value))>{words}</button>
        }
    };
    view! {
        <div class="zone" role="group" aria-label="Time zone">
            {choice("UTC", None)} {choice("Local time", Some("local"))}
        </div>
    }
}
