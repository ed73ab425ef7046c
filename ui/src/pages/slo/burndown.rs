//! What was left of the budget, over the period that is judged: a time axis of its own.

use crate::api::Fetch;
use crate::components::Chart;
use crate::components::chart_group::ChartGroup;
use crate::erased::derived;
use crate::model::sli_chart;
use leptos::prelude::*;
use wire::SloDetail;

#[component]
pub fn Burndown(detail: Fetch<SloDetail>) -> impl IntoView {
    ChartGroup::provide();
    view! {
        <Chart
            data=derived(move || detail.map(|detail| sli_chart::burndown(&detail.burndown)))
            label="Share of the error budget that was left"
            height=86
            testid="slo-burndown-chart"
        />
    }
}
