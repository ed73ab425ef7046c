//! Versions side by side: is it the release?

use crate::api::Fetch;
use crate::components::name;
use crate::erased::live;
use crate::model::figures;
use crate::{format, url_state};
use leptos::prelude::*;
use wire::{ServiceDetail, VersionRow};

#[component]
pub fn Versions(detail: Fetch<ServiceDetail>) -> impl IntoView {
    let body = move || detail.map(table);
    view! { <section data-testid="versions"><h2>"Versions " <span>"errors, p95, first seen"</span></h2>{live(body)}</section> }
}

fn table(detail: &ServiceDetail) -> AnyView {
    let is_named = detail.versions.iter().any(|version| !version.version.is_empty());
    if !is_named {
        let text = "It sends no service.version, so releases cannot be told apart.";
        return view! { <p class="dense t2">{text}</p> }.into_any();
    }
    let rows: Vec<AnyView> = detail.versions.iter().map(|version| row(version, detail)).collect();
    view! {
        <table class="plain">
            <thead><tr>
                <th scope="col">"version"</th><th scope="col" class="num">"share"</th>
                <th scope="col" class="num">"errors"</th><th scope="col" class="num">"p95"</th>
                <th scope="col" class="num">"since"</th>
            </tr></thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}

fn row(version: &VersionRow, detail: &ServiceDetail) -> AnyView {
    let name = if version.version.is_empty() { "none".into_any() } else { name(&version.version) };
    let share = figures::n_requests(&version.red) / figures::n_requests(&detail.red).max(1.0);
    let zone = url_state::zone();
    // A clock time alone would read as today's.
    let day = format::date(version.first_seen_at, zone);
    let is_today = day == format::date(detail.to, zone);
    let since = if is_today { format::time_of_minute(version.first_seen_at, zone) } else { day };
    view! {
        <tr data-testid="version-row" data-version=version.version.clone()>
            <td class="cut">{name}</td>
            <td class="num">{format::percent(share)}</td>
            <td class="num">{format::percent_or_missing(version.red.error_ratio)}</td>
            <td class="num">{format::duration_or_missing(version.red.p95_ns)}</td>
            <td class="num t3" title=format::date_time(version.first_seen_at, zone)>{since}</td>
        </tr>
    }
    .into_any()
}
