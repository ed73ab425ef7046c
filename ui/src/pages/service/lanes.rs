//! Latency, errors and requests above each other: one time axis, and the crosshair and brush of the page.

use crate::api::Fetch;
use crate::components::{Chart, SqlButton};
use crate::erased::{act, derived, live, text};
use crate::format;
use crate::model::chart::ChartData;
use crate::model::{figures, red_chart};
use leptos::prelude::*;
use wire::{Figures, ServiceDetail};

#[component]
pub fn Lanes(detail: Fetch<ServiceDetail>) -> impl IntoView {
    let as_table = RwSignal::new(false);
    let sql = derived(move || detail.map(|detail| detail.sql.clone()));
    let chart = move |read: fn(&ServiceDetail) -> ChartData| derived(move || detail.map(read));
    let releases = derived(move || detail.map(red_chart::releases));
    let key = move |read: fn(&Figures) -> AnyView| live(move || detail.map(|detail| read(&detail.red)));
    view! {
        <section class="lanes" aria-label="Rate, errors and duration">
            <div class="lane-tools">
                <button class="btn quiet" type="button" aria-pressed=text(move || as_table.get().to_string())
                    on:click=act(move |_| as_table.update(|is| *is = !*is))>"table"</button>
                <SqlButton sql=sql />
            </div>
            <div class="ln">
                <div class="k"><h2>"Latency"</h2><dl>{key(latency_key)}</dl></div>
                <Chart data=chart(red_chart::latency) label="Latency: p50, p95 and p99" height=176 axis=false
                    moments=releases as_table=as_table testid="chart-latency" />
            </div>
            <div class="ln">
                <div class="k"><h2>"Errors"</h2><dl>{key(errors_key)}</dl></div>
                <Chart data=chart(red_chart::errors) label="Share of failed requests" height=72 axis=false
                    as_table=as_table testid="chart-errors" />
            </div>
            <div class="ln">
                <div class="k"><h2>"Requests"</h2><dl>{key(requests_key)}</dl></div>
                <Chart data=chart(red_chart::requests) label="Requests per second" height=58
                    as_table=as_table testid="chart-requests" />
            </div>
        </section>
    }
}

fn latency_key(red: &Figures) -> AnyView {
    view! {
        <dt>"p50"</dt><dd>{format::duration_or_missing(red.p50_ns)}</dd>
        <dt>"p95"</dt><dd class="strong">{format::duration_or_missing(red.p95_ns)}</dd>
        <dt>"p99"</dt><dd>{format::duration_or_missing(red.p99_ns)}</dd>
    }
    .into_any()
}

fn errors_key(red: &Figures) -> AnyView {
    let is_bad = red.error_ratio.is_some_and(|ratio| ratio > 0.01);
    view! {
        <dt>"failed"</dt><dd class:bad=is_bad class:strong=is_bad>{format::percent_or_missing(red.error_ratio)}</dd>
        <dt class="t3">"count"</dt><dd class="t2">{format::count(red.n_errors)}</dd>
    }
    .into_any()
}

fn requests_key(red: &Figures) -> AnyView {
    view! { <dt>"served"</dt><dd>{figures::rate(red)}</dd> }.into_any()
}
