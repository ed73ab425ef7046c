//! `/services`: how every service does, worst first.

pub mod service_row;

use crate::api::{self, Fetch};
use crate::components::{Empty, Panel, SortHead};
use crate::erased::{derived, live, memo};
use crate::model::figures;
use crate::model::service_order::{self, WORST};
use crate::model::verdict;
use crate::{components::sort_head, url_state};
use leptos::prelude::*;
use wire::{ServiceList, ServiceRow};

#[component]
pub fn ServicesPage() -> impl IntoView {
    let list = api::polled::<ServiceList>(|| Some(url_state::api_path("/services")));
    let sentence = memo(move || list.map(verdict::services).unwrap_or_else(|| "Services".to_owned()));
    view! {
        <header class="lead"><h1 data-testid="services-sentence">{live(move || sentence.get())}</h1></header>
        <ServiceTable list=list />
    }
}

#[component]
pub fn ServiceTable(list: Fetch<ServiceList>) -> impl IntoView {
    let empty = derived(move || list.map(|list| list.services.is_empty()).filter(|is| *is).map(|_| empty()));
    let sql = derived(move || list.map(|list| list.sql.clone()));
    let note = derived(move || list.map(|list| format!("{} in this range", n_active(list))));
    view! {
        <Panel name="services" title="Services, worst first" note=note state=list.state() retry=list.retry()
            empty=empty sql=sql>
            <div class="tbl"><table data-hold="">
                <thead><tr>
                    <th scope="col"><span class="sr">"state"</span></th>
                    <SortHead column="service" label="service" default=WORST />
                    <SortHead column="rate" label="requests" default=WORST is_number=true />
                    <th scope="col" class="hide">"over time"</th>
                    <SortHead column="errors" label="errors" default=WORST is_number=true />
                    <th scope="col" class="hide">"over time"</th>
                    <SortHead column="p50" label="p50" default=WORST is_number=true />
                    <SortHead column="p95" label="p95" default=WORST is_number=true />
                    <SortHead column="p99" label="p99" default=WORST is_number=true />
                    <th scope="col" class="hide">"p95 over time"</th>
                    <SortHead column="seen" label="last span" default=WORST is_number=true />
                </tr></thead>
                <tbody>{live(move || list.get().map(|list| rows(&list)))}</tbody>
            </table></div>
        </Panel>
    }
}

fn n_active(list: &ServiceList) -> String {
    let n = list.services.iter().filter(|row| row.red.n_requests > 0).count();
    let n_listed = list.services.len();
    let worst = if verdict::is_cut(list) { "worst " } else { "" };
    let coarser = if list.is_coarser { format!(", {}", figures::COARSER) } else { String::new() };
    format!("{n} of {worst}{n_listed} with requests{coarser}")
}

fn rows(list: &ServiceList) -> Vec<AnyView> {
    let (column, is_descending) = sort_head::order(WORST);
    let mut rows: Vec<&ServiceRow> = list.services.iter().collect();
    service_order::sort(&mut rows, &column, is_descending);
    rows.into_iter().map(|row| service_row::service_row(row, list.to)).collect()
}

fn empty() -> Empty {
    Empty {
        title: "No service has sent a span yet.".to_owned(),
        text: "Services appear here with their first span; nothing has to be registered.".to_owned(),
        is_suspicious: false,
        link: Some((untrack(|| url_state::link("/send")), "How to send data".to_owned())),
    }
}
