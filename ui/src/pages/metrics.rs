//! `/metrics`: what is measured, and one metric as a chart beside the list.
//!
//! Search, service, order and the chosen metric stand in the address.

pub mod catalogue;
pub mod metric_panel;
pub mod search_bar;

use crate::api;
use crate::components::Panel;
use crate::components::panel::Empty;
use crate::erased::{derived, flag, live, memo};
use crate::format;
use crate::model::address::{encode, segment};
use crate::model::metric_catalogue;
use crate::url_state;
use leptos::prelude::*;
use wire::{MetricDetail, MetricList};

#[component]
pub fn MetricsPage() -> impl IntoView {
    let list = api::polled::<MetricList>(|| Some(url_state::api_path("/metrics")));
    let name = memo(|| url_state::param("name"));
    let detail = api::polled::<MetricDetail>(move || name.get().map(|name| detail_path(&name)));
    let empty = move || list.map(|list| list.metrics.is_empty().then(nothing)).flatten();
    view! {
        <h1 class="sr">"Metrics"</h1>
        <search_bar::SearchBar list=list />
        <div class="metrics" class:with-chart=flag(move || name.get().is_some())>
            <div class="catalogue">
                <Panel
                    name="metrics"
                    state=list.state()
                    retry=list.retry()
                    empty=derived(empty)
                    title=derived(move || list.map(title))
                    sql=derived(move || list.map(|list| list.sql.clone()))
                >
                    <catalogue::Catalogue list=list name=name.into() />
                </Panel>
            </div>
            {live(move || name.get().map(|name| view! { <metric_panel::MetricPanel name=name detail=detail /> }))}
        </div>
    }
}

fn detail_path(name: &str) -> String {
    let mut path = format!("/metrics/{}", segment(name));
    if let Some(service) = url_state::param("service") {
        path.push_str("?service=");
        path.push_str(&encode(&service));
    }
    url_state::api_path(&path)
}

fn title(list: &MetricList) -> String {
    let n_services = metric_catalogue::services(&list.metrics).len() as u64;
    format!(
        "{} from {}",
        format::counted(list.metrics.len() as u64, "metric", "metrics"),
        format::counted(n_services, "service", "services")
    )
}

fn nothing() -> Empty {
    Empty {
        title: "No metrics in this range.".to_owned(),
        text: "Exporters send metrics once a minute by default, so the first ones take a moment.".to_owned(),
        is_suspicious: false,
        link: Some((url_state::link("/send"), "How to send metrics".to_owned())),
    }
}
