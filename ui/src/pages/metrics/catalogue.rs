//! The table of metrics that match the search.

use super::search_bar::FIND;
use crate::api::Fetch;
use crate::components::{self, SortHead, sort_head};
use crate::erased::{act, live};
use crate::format;
use crate::model::{log_text, metric_catalogue, name_text};
use crate::url_state;
use leptos::prelude::*;
use wire::{MetricList, MetricRow, UnixNanos};

const SORT: &str = "name";

#[component]
pub fn Catalogue(list: Fetch<MetricList>, name: Signal<Option<String>>) -> impl IntoView {
    let rows = move || list.get().map(|list| rows(&list, name.get().as_deref()));
    view! {
        <div class="tbl">
        <table data-hold="">
            <thead>
                <tr>
                    <SortHead column="name" label="metric" default=SORT />
                    <th scope="col">"type"</th>
                    <th scope="col">"unit"</th>
                    <th scope="col" class="lo">"temporality"</th>
                    <SortHead column="series" label="series" default=SORT is_number=true />
                    <th scope="col" class="lo">"services"</th>
                    <SortHead column="last" label="last" default=SORT is_number=true />
                </tr>
            </thead>
            <tbody>{live(rows)}</tbody>
        </table>
        </div>
    }
}

fn rows(list: &MetricList, chosen: Option<&str>) -> AnyView {
    let find = url_state::param(FIND).unwrap_or_default();
    let service = url_state::param("service");
    let (column, descends) = sort_head::order(SORT);
    let mut found = metric_catalogue::search(&list.metrics, &find);
    found.retain(|row| metric_catalogue::is_from(row, service.as_deref()));
    metric_catalogue::sort(&mut found, &column, descends);
    match found.is_empty() {
        true => none(list.metrics.len()),
        false => found.into_iter().map(|metric| row(metric, chosen, list.to)).collect_view().into_any(),
    }
}

fn row(metric: &MetricRow, chosen: Option<&str>, now: UnixNanos) -> AnyView {
    let is_chosen = chosen == Some(metric.name.as_str());
    // A second press on the chosen one closes the chart.
    let href = url_state::link_here(&[("name", (!is_chosen).then_some(metric.name.as_str()))]);
    let description = (!metric.description.is_empty()).then(|| log_text::line(&metric.description));
    view! {
        <tr class="row" class:on=is_chosen data-testid="metrics-row" data-name=metric.name.clone()>
            <td class="name">
                <a href=href data-row="" aria-current=is_chosen.then_some("true")>{components::name(&metric.name)}</a>
                {description.map(|text| view! { <span class="lo">{text}</span> })}
            </td>
            <td>{metric_catalogue::type_words(metric)}</td>
            <td class="mono">{(!metric.unit.is_empty()).then(|| components::name(&metric.unit))}</td>
            <td class="lo">{metric.temporality.clone()}</td>
            <td class="num">{format::count(metric.n_series)}</td>
            <td class="lo" title=name_text::inline_list(metric.services.iter().map(String::as_str))>{services(&metric.services)}</td>
            <td class="num t2">{format::ago(metric.last_at, now)}</td>
        </tr>
    }
    .into_any()
}

/// A few names; the rest are counted and stand in the title.
fn services(names: &[String]) -> String {
    let list = |names: &[String]| name_text::inline_list(names.iter().map(String::as_str));
    match names {
        [_, _, rest @ ..] if rest.len() > 1 => format!("{} and {} more", list(&names[..2]), rest.len()),
        names => list(names),
    }
}

fn none(n: usize) -> AnyView {
    let text = format!("None of {} matches.", format::counted(n as u64, "metric", "metrics"));
    let clear = move |_| url_state::set_params(&[(FIND, None), ("service", None)]);
    view! {
        <tr data-testid="metrics-none">
            <td colspan="7">
                {text} " "
                <button class="btn quiet" type="button" on:click=act(clear)>"Clear the search"</button>
            </td>
        </tr>
    }
    .into_any()
}
