//! Views, search with a count, and what to show.

use super::state::TraceState;
use crate::components::{CopyButton, SqlButton, icon};
use crate::erased::{act, derived, flag, live, memo, text, value};
use crate::url_state;
use leptos::ev::KeyboardEvent;
use leptos::prelude::*;

#[component]
pub fn ToolBar(state: TraceState) -> impl IntoView {
    let sql = derived(move || state.model.get().map(|model| model.trace.sql.clone()));
    let id = derived(move || state.model.get().map(|model| model.trace.trace_id.clone()).unwrap_or_default());
    view! {
        <div class="tool">
            <span class="seg" role="group" aria-label="View">{view_link("Waterfall", None)} {view_link("Logs", Some("logs"))}</span>
            <Search state=state />
            {toggle("critical path", "path", "off", true)}
            {toggle("only errors", "only", "errors", false)}
            <span class="grow" />
            <span class="t3 hide"><kbd>"f"</kbd> " " <kbd>"b"</kbd> " span " <kbd>"]"</kbd> " " <kbd>"["</kbd> " fold"</span>
            <CopyButton text=id label="copy id" testid="copy-trace-id" />
            <SqlButton sql=sql />
        </div>
    }
}

fn view_link(words: &'static str, value: Option<&'static str>) -> AnyView {
    let is_current = move || url_state::param("view").as_deref() == value;
    let href = move || url_state::link_here(&[("view", value)]);
    let testid = format!("view-{}", value.unwrap_or("waterfall"));
    view! { <a href=text(href) aria-current=text(move || is_current().then_some("true")) data-testid=testid>{words}</a> }
        .into_any()
}

/// A check box for a parameter that has `value` while the box is checked (or while it is not).
fn toggle(words: &'static str, param: &'static str, value: &'static str, is_inverted: bool) -> AnyView {
    let is_set = move || url_state::param(param).as_deref() == Some(value);
    let is_checked = move || is_set() != is_inverted;
    let press = move |_| {
        let next = (!untrack(is_set)).then_some(value);
        url_state::set_param(param, next);
    };
    view! {
        <label class="state"><input type="checkbox" prop:checked=flag(is_checked) on:change=act(press) data-testid=format!("toggle-{param}") />
            {words}</label>
    }
    .into_any()
}

/// The browser's search sees only the rows on the screen; this one sees all.
#[component]
fn Search(state: TraceState) -> impl IntoView {
    let find = memo(|| url_state::param("find"));
    let typed = move |event| {
        let text = event_target_value(&event);
        url_state::replace_params(&[("find", Some(text.as_str()).filter(|text| !text.is_empty()))]);
    };
    let key = move |event: KeyboardEvent| match (event.key().as_str(), event.shift_key()) {
        ("Enter", is_back) => state.step_match(if is_back { -1 } else { 1 }),
        ("Escape", _) => url_state::replace_params(&[("find", None)]),
        _ => {}
    };
    let count = move || {
        find.get()?;
        let matches = state.matches.get();
        let at = state.selected.get().and_then(|node| matches.binary_search(&node).ok());
        Some(match at {
            Some(at) => format!("{} of {}", at + 1, matches.len()),
            None => matches.len().to_string(),
        })
    };
    view! {
        <span class="field" role="search">
            {icon("find")}
            <input data-query="" aria-label="Search in this trace" placeholder="find span, service" autocomplete="off"
                spellcheck="false" data-testid="trace-find"
                prop:value=value(move || find.get().unwrap_or_default()) on:input=act(typed) on:keydown=act(key) />
            <span class="t3" role="status" data-testid="trace-find-count">{live(count)}</span>
            <kbd aria-hidden="true">"n"</kbd><kbd aria-hidden="true">"N"</kbd>
        </span>
    }
}
