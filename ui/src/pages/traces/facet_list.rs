//! Values of the answer with their counts; one press shows only those traces, the next one all.

use crate::api::Fetch;
use crate::components::name;
use crate::erased::{live, memo, text};
use crate::model::decimal::fixed;
use crate::model::trace_facets::{self, Facet};
use crate::{format, url_state};
use leptos::prelude::*;
use wire::TraceList;

/// Value of the parameter and words.
const SLOWER_THAN: [(&str, &str); 5] =
    [("10ms", "10 ms"), ("100ms", "100 ms"), ("500ms", "500 ms"), ("1s", "1 s"), ("5s", "5 s")];

#[component]
pub fn FacetList(list: Fetch<TraceList>) -> impl IntoView {
    let groups = move || list.map(groups);
    view! {
        {live(groups)}
        <h2>"Slower than"</h2>
        {SLOWER_THAN.map(|(value, words)| choice("min", value, words, None)).into_iter().collect_view()}
        <p class="micro t3">"Counts are those of the traces in the list."</p>
    }
}

fn groups(list: &TraceList) -> Vec<AnyView> {
    let n_traces = list.traces.len() as u64;
    trace_facets::facets(list).into_iter().map(|facet| group(facet, n_traces)).collect()
}

fn group(facet: Facet, n_traces: u64) -> AnyView {
    let Facet { title, param, values } = facet;
    let choices = values.iter().map(|(value, n)| choice(param, value, value, Some((*n, n_traces))));
    view! { <h2>{title} <span>{values.len()}</span></h2> {choices.collect::<Vec<AnyView>>()} }.into_any()
}

/// A link that sets the parameter, or removes it when it has this value. `share` is the number of
/// traces with the value and of all.
fn choice(param: &'static str, value: &str, words: &str, share: Option<(u64, u64)>) -> AnyView {
    let (same, target) = (value.to_owned(), value.to_owned());
    let is_on = memo(move || url_state::param(param).as_deref() == Some(same.as_str()));
    let href = move || url_state::link_here(&[(param, (!is_on.get()).then_some(target.as_str()))]);
    let bar = share.map(|(n, n_all)| {
        let width = format!("{}%", fixed(n as f64 / n_all.max(1) as f64 * 100.0, 1));
        view! { <i style:width=width /> }
    });
    view! {
        <a class="facet" href=text(href) aria-current=text(move || is_on.get().then_some("true")) data-testid="facet" data-param=param data-value=value.to_owned()>
            <span class="tick" aria-hidden="true">{live(move || is_on.get().then_some("\u{2713}"))}</span>
            <span class="cut">{name(words)}</span>
            <b>{share.map(|(n, _)| format::count(n))}</b>
            <span class="meter" aria-hidden="true">{bar}</span>
        </a>
    }
    .into_any()
}
