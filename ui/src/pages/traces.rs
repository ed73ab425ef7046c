//! `/traces`: search, narrow, and open one.

pub mod facet_list;
pub mod query_bar;
pub mod trace_row;

use crate::api;
use crate::components::{Empty, Panel, name};
use crate::erased::{derived, live};
use crate::model::service_color::ServiceColors;
use crate::model::{trace_facets, trace_query};
use crate::url_state;
use leptos::prelude::*;
use wire::TraceList;

/// Services named in the legend; more are told by hovering over their bar.
const LEGEND_MAX: usize = 8;

#[component]
pub fn TracesPage() -> impl IntoView {
    let list = api::polled::<TraceList>(|| {
        Some(url_state::api_path(&url_state::with_address(trace_query::api_path)))
    });
    let is_empty = move || list.map(|list| list.traces.is_empty()) == Some(true);
    let empty = derived(move || is_empty().then(empty));
    view! {
        <h1 class="sr">"Traces"</h1>
        <query_bar::QueryBar list=list />
        <div class="cols">
            <aside class="facets" aria-label="Narrow down"><facet_list::FacetList list=list /></aside>
            <Panel name="traces" class="res" state=list.state() retry=list.retry() empty=empty>
                {live(move || list.map(results))}
            </Panel>
        </div>
    }
}

fn results(list: &TraceList) -> AnyView {
    let services =
        list.traces.iter().flat_map(|trace| &trace.services).map(|service| service.service.as_str());
    let colors = ServiceColors::of(services);
    let longest_ns = list.traces.iter().map(|trace| trace.duration_ns).max().unwrap_or(1);
    let row = |trace| trace_row::trace_row(trace, &colors, longest_ns, list.to);
    let rows: Vec<AnyView> = list.traces.iter().map(row).collect();
    view! {
        <div class="hd">
            <span class="legend">{legend(list, &colors)}</span> <span class="grow" />
            <span class="t3"><kbd>"j"</kbd> " " <kbd>"k"</kbd> " move " <kbd>"\u{21b5}"</kbd> " open"</span>
        </div>
        <div class="tbl"><table data-hold="">
            <thead><tr>
                <th scope="col">"start"</th>
                <th scope="col">"root"</th>
                <th scope="col" class="num">"duration"</th>
                <th scope="col" class="wide hide">"services, by spans"</th>
                <th scope="col" class="num">"spans"</th>
                <th scope="col" class="num">"errors"</th>
                <th scope="col">"trace"</th>
            </tr></thead>
            <tbody>{rows}</tbody>
        </table></div>
    }
    .into_any()
}

fn legend(list: &TraceList, colors: &ServiceColors) -> Vec<AnyView> {
    let facets = trace_facets::facets(list);
    let services = facets.into_iter().find(|facet| facet.param == "service");
    let services = services.map(|facet| facet.values).unwrap_or_default();
    let key = |(service, _): (String, u64)| {
        let class = format!("key {}", colors.paint(&service));
        view! { <span class=class>{name(&service)}</span> }.into_any()
    };
    services.into_iter().take(LEGEND_MAX).map(key).collect()
}

fn empty() -> Empty {
    let is_filtered = url_state::with_address(|address| !trace_query::filters(address).is_empty());
    let (text, link) = if is_filtered {
        let clear = url_state::link("/traces");
        (
            "One span must satisfy all span conditions. Remove one, or choose a longer range.",
            (clear, "Remove all conditions"),
        )
    } else {
        ("No span was stored in this range.", (url_state::link("/send"), "How to send data"))
    };
    Empty {
        title: "No trace matches in this range.".to_owned(),
        text: text.to_owned(),
        is_suspicious: false,
        link: Some((link.0, link.1.to_owned())),
    }
}
