//! The query bar: conditions as chips, a field for more, the order, and what was found.

use crate::api::Fetch;
use crate::components::shell::trace_id;
use crate::components::{SqlButton, icon, name};
use crate::erased::{act, derived, live, memo, text};
use crate::model::trace_query::{self, ATTRIBUTE, Filter};
use crate::model::{address::Address, name_text, trace_facets};
use crate::url_state;
use leptos::ev::SubmitEvent;
use leptos::html::Input;
use leptos::prelude::*;
use wire::TraceList;

const SUGGESTIONS: [&str; 6] =
    ["service = ", "operation = ", "status = error", "duration > 100ms", "duration < 2s", "http.route = "];

const ORDERS: [(&str, Option<&str>); 3] =
    [("Newest", None), ("Slowest", Some("slowest")), ("Most errors", Some("errors"))];

#[component]
pub fn QueryBar(list: Fetch<TraceList>) -> impl IntoView {
    let input = NodeRef::<Input>::new();
    let problem = RwSignal::new(None::<String>);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(field) = input.get_untracked() else { return };
        match run(&field.value()) {
            Ok(()) => {
                field.set_value("");
                problem.set(None);
            }
            Err(message) => problem.set(Some(message)),
        }
    };
    let sql = derived(move || list.map(|list| list.sql.clone()));
    let sentence = memo(move || list.map(trace_facets::sentence));
    let is_cut = move || list.map(|list| list.truncated) == Some(true);
    view! {
        <div class="q">
            <form class="box" on:submit=act(submit) role="search">
                {icon("find")}
                {live(move || url_state::with_address(trace_query::filters).into_iter().map(chip).collect_view())}
                <input node_ref=input data-query="" list="query-hints" aria-label="Add a condition or paste a trace id"
                    placeholder="key = value, duration > 100ms, or paste a trace id" autocomplete="off"
                    spellcheck="false" data-testid="traces-query"
                    aria-invalid=text(move || problem.get().is_some().then_some("true"))
                    on:input=act(move |_| problem.set(None)) />
                <datalist id="query-hints">{SUGGESTIONS.map(|hint| view! { <option value=hint /> }).into_iter().collect_view()}</datalist>
                <kbd aria-hidden="true">"/"</kbd>
                <button class="btn main small" type="submit">"Run"</button>
            </form>
            <div class="row">
                <span class="bad" role="alert">{live(move || problem.get())}</span>
                <span data-testid="traces-sentence" role="status">{live(move || sentence.get())}</span>
                {live(move || is_cut().then(|| view! { <span class="mark">{icon("partial")} "the first 200 are shown"</span> }))}
                <span class="grow" />
                <span class="seg" role="group" aria-label="Order">{ORDERS.map(|(words, value)| order(words, value)).into_iter().collect_view()}</span>
                <SqlButton sql=sql />
            </div>
        </div>
    }
}

/// Opens a pasted trace id, or adds the condition.
fn run(text: &str) -> Result<(), String> {
    if let Some(id) = trace_id(text) {
        url_state::navigate(&untrack(|| url_state::link(&format!("/trace/{id}"))));
        return Ok(());
    }
    if text.trim().is_empty() {
        return Ok(());
    }
    let filter = trace_query::parse(text)?;
    if filter.param == ATTRIBUTE {
        let mut values = untrack(|| url_state::params(ATTRIBUTE));
        values.retain(|value| *value != filter.value);
        values.push(filter.value);
        url_state::set_all(ATTRIBUTE, &values);
    } else {
        url_state::set_param(filter.param, Some(&filter.value));
    }
    Ok(())
}

fn chip(filter: Filter) -> AnyView {
    let (key, operator, value) = trace_query::parts(&filter);
    let label = format!("Remove {} {operator} {}", name_text::inline(&key), name_text::inline(&value));
    let remove = url_state::with_address(|address| without(address, &filter));
    view! {
        <span class="chip" data-testid="filter-chip" data-param=filter.param>
            <span class="k">{name(&key)}</span><span class="o">{operator}</span><span class="val">{name(&value)}</span>
            <a href=remove aria-label=label>{icon("close")}</a>
        </span>
    }
    .into_any()
}

/// The address without one condition.
fn without(address: &Address, filter: &Filter) -> String {
    let mut address = address.clone();
    let values = address.params(filter.param).into_iter().filter(|value| *value != filter.value);
    let values: Vec<String> = values.collect();
    address.set(filter.param, &values);
    address.href()
}

fn order(words: &'static str, value: Option<&'static str>) -> AnyView {
    let is_current = move || {
        let order = url_state::param("order").filter(|order| order != "newest");
        order.as_deref() == value
    };
    let href = move || url_state::link_here(&[("order", value)]);
    let testid = format!("order-{}", value.unwrap_or("newest"));
    view! { <a href=text(href) aria-current=text(move || is_current().then_some("true")) data-testid=testid>{words}</a> }
        .into_any()
}
