//! Text, service, severity, trace and attributes: each a parameter of the address.

use super::attribute_chips::AttributeChips;
use super::shown::Shown;
use crate::components::icon;
use crate::erased::{act, flag, live, text, value};
use crate::model::log_query::{self, LogQuery, SEVERITIES};
use crate::model::order;
use crate::url_state;
use leptos::prelude::*;

#[component]
pub fn QueryBar(query: Signal<LogQuery>, shown: Memo<Shown>) -> impl IntoView {
    let problem = RwSignal::new(None::<String>);
    let words = move || query.with(|query| query.text.clone().unwrap_or_default());
    let service = move || query.with(|query| query.service.clone().unwrap_or_default());
    let trace_id = move || query.with(|query| query.trace_id.clone().unwrap_or_default());
    let trace_typed = move |event| match log_query::trace_id(&event_target_value(&event)) {
        Ok(id) => {
            problem.set(None);
            url_state::set_param("trace_id", id.as_deref());
        }
        Err(message) => problem.set(Some(message)),
    };
    view! {
        <form class="log-query" role="search" on:submit=act(|event: leptos::ev::SubmitEvent| event.prevent_default())>
            <label class="field log-text">
                {icon("find")}
                <span class="sr">"Text in the body"</span>
                <input type="search" placeholder="text in the body" autocomplete="off" data-query=""
                    data-testid="logs-text" prop:value=value(words) on:change=act(move |event| commit("q", &event_target_value(&event))) />
            </label>
            <label class="field">
                <span class="sr">"Service"</span>
                <input placeholder="every service" list="log-services" autocomplete="off" data-testid="logs-service"
                    prop:value=value(service) on:change=act(move |event| commit("service", &event_target_value(&event))) />
            </label>
            <datalist id="log-services">
                {live(move || shown.with(services).into_iter().map(|name| view! { <option value=name></option> }).collect_view())}
            </datalist>
            <SeverityChoice query=query />
            <label class="field">
                <span class="sr">"Trace id"</span>
                <input class="mono" placeholder="trace id" autocomplete="off" spellcheck="false" data-testid="logs-trace"
                    aria-invalid=text(move || problem.get().is_some().then_some("true"))
                    prop:value=value(trace_id) on:change=act(trace_typed) />
            </label>
            <AttributeChips query=query problem=problem />
            <span class="problem" role="alert">{live(move || problem.get())}</span>
        </form>
    }
}

#[component]
fn SeverityChoice(query: Signal<LogQuery>) -> impl IntoView {
    let option = move |(value, words): (&'static str, &'static str)| {
        let is_chosen = move || query.with(|query| query.severity.as_deref().unwrap_or_default() == value);
        view! { <option value=value selected=flag(is_chosen)>{words}</option> }
    };
    view! {
        <label>
            <span class="sr">"Least severity"</span>
            <select class="field" data-testid="logs-severity"
                prop:value=value(move || query.with(|query| query.severity.clone().unwrap_or_default()))
                on:change=act(move |event| commit("severity", &event_target_value(&event)))>
                {SEVERITIES.map(option).into_iter().collect_view()}
            </select>
        </label>
    }
}

/// An empty field removes its filter.
fn commit(name: &str, value: &str) {
    let value = value.trim();
    url_state::set_param(name, (!value.is_empty()).then_some(value));
}

/// Suggestions: what the list on the screen holds.
fn services(shown: &Shown) -> Vec<String> {
    let rows = shown.list().map(|list| list.rows.as_slice()).unwrap_or_default();
    let mut names: Vec<String> = rows.iter().map(|row| row.service.clone()).collect();
    order::sort_distinct(&mut names);
    names
}
