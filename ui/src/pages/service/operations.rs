//! Operations by the time spent in them.

use crate::api::Fetch;
use crate::components::{SqlButton, name};
use crate::erased::{derived, live};
use crate::format;
use crate::model::address::encode;
use crate::model::figures;
use crate::pages::services::service_row::spark;
use crate::url_state;
use leptos::prelude::*;
use wire::{OperationRow, ServiceDetail};

#[component]
pub fn Operations(detail: Fetch<ServiceDetail>) -> impl IntoView {
    let sql = derived(move || detail.map(|detail| detail.sql.clone()));
    view! {
        <section class="panel" aria-label="operations" data-testid="operations">
            <div class="panel-head">
                <h2>"Operations"</h2> <span class="t2 dense">"by time spent, largest first"</span>
                <span class="grow" /> <SqlButton sql=sql />
            </div>
            <div class="tbl"><table data-hold="">
                <thead><tr>
                    <th scope="col">"operation"</th>
                    <th scope="col" class="num">"requests"</th>
                    <th scope="col" class="num">"errors"</th>
                    <th scope="col" class="num">"p50"</th>
                    <th scope="col" class="num">"p95"</th>
                    <th scope="col" class="num">"p99"</th>
                    <th scope="col" class="hide">"errors over time"</th>
                    <th scope="col" class="hide">"p95 over time"</th>
                </tr></thead>
                <tbody>{live(move || detail.map(rows))}</tbody>
            </table></div>
        </section>
    }
}

fn rows(detail: &ServiceDetail) -> Vec<AnyView> {
    detail.operations.iter().map(|operation| row(&detail.service, operation)).collect()
}

/// The row leads to the slowest traces of the operation.
fn row(service: &str, operation: &OperationRow) -> AnyView {
    let query = format!(
        "/traces?service={}&operation={}&order=slowest",
        encode(service),
        encode(&operation.operation)
    );
    let red = &operation.red;
    let is_bad = red.error_ratio.is_some_and(|ratio| ratio > 0.01);
    let errors_class = if is_bad { "num bad" } else { "num t2" };
    let paint = if is_bad { "p-bad" } else { "p-rest" };
    view! {
        <tr class="row" data-testid="operations-row" data-operation=operation.operation.clone()>
            <td><a class="mono" href=url_state::link(&query) data-row="">{name(&operation.operation)}</a> " "
                <span class="t3">{operation.kind.clone()}</span></td>
            <td class="num" title=format::exact(red.n_requests)>{figures::rate(red)}</td>
            <td class=errors_class title=format::exact(red.n_errors)>{format::percent_or_missing(red.error_ratio)}</td>
            <td class="num t2">{format::duration_or_missing(red.p50_ns)}</td>
            <td class="num strong">{format::duration_or_missing(red.p95_ns)}</td>
            <td class="num t2">{format::duration_or_missing(red.p99_ns)}</td>
            <td class="hide">{spark(&operation.points, figures::error_ratio, paint, "share of errors")}</td>
            <td class="hide">{spark(&operation.points, |p| p.p95_ns.map(|ns| ns as f64), "p-rest", "p95")}</td>
        </tr>
    }
    .into_any()
}
