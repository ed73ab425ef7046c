//! Good and bad events over the range, and their ratio below on the same time axis.

use crate::api::Fetch;
use crate::components::Chart;
use crate::components::chart_group::ChartGroup;
use crate::erased::{act, derived, live, text};
use crate::format;
use crate::model::{sli_chart, slo_view};
use leptos::prelude::*;
use wire::SloDetail;

#[component]
pub fn EventCharts(detail: Fetch<SloDetail>) -> impl IntoView {
    ChartGroup::provide();
    let as_table = RwSignal::new(false);
    let sentence = move || detail.map(sentence);
    view! {
        <div class="slo-sub panel-line">
            <p class="dense t2">{live(sentence)}</p>
            <button
                class="btn quiet"
                type="button"
                aria-pressed=text(move || as_table.get().to_string())
                data-testid="slo-table-toggle"
                on:click=act(move |_| as_table.update(|on| *on = !*on))
            >
                "table"
            </button>
        </div>
        <div class="slo-lane">
            <div class="label">"all events, bad ones in front"</div>
            <Chart
                data=derived(move || detail.map(sli_chart::events))
                label="Events of each step, all and bad"
                height=86
                axis=false
                as_table=as_table
                testid="slo-events-chart"
            />
        </div>
        <div class="slo-lane">
            <div class="label">"error ratio"</div>
            <Chart
                data=derived(move || detail.map(sli_chart::error_ratio))
                label="Share of bad events of each step"
                height=86
                as_table=as_table
                testid="slo-ratio-chart"
            />
        </div>
    }
}

fn sentence(detail: &SloDetail) -> String {
    match slo_view::events_in_range(detail) {
        Some((0, total)) => {
            format!("None of {} was bad in this range.", format::counted(total, "event", "events"))
        }
        Some((bad, total)) => format!(
            "{} of {} were bad in this range, {}.",
            format::count(bad),
            format::counted(total, "event", "events"),
            format::percent(bad as f64 / total as f64)
        ),
        None => "No events in this range. Nothing is said about quality.".to_owned(),
    }
}
