//! What the objective would have done over the past 14 days.

use super::episodes::{episodes, timeline};
use crate::api::{Fetch, LoadState};
use crate::components::chart_group::ChartGroup;
use crate::components::{Chart, Panel};
use crate::erased::{derived, live, memo};
use crate::format;
use crate::model::slo_view::budget_text;
use crate::model::{sli_chart, slo_preview};
use leptos::prelude::*;
use wire::{BacktestList, BacktestRow};

#[component]
pub fn Preview(tried: Fetch<BacktestList>, state: Signal<LoadState>) -> impl IntoView {
    ChartGroup::provide();
    // A form makes one objective.
    let row = memo(move || tried.get().and_then(|list| list.backtests.first().cloned()));
    let warnings = move || tried.get().map(|list| lines(&list.warnings));
    let chart = move || row.with(|row| row.as_ref().map(|row| sli_chart::burndown(&row.burndown)));
    view! {
        <Panel
            name="slo-preview"
            state=state
            title="Back-test"
            note="the past 14 days on stored data; nothing is saved yet"
            sql=derived(move || row.with(|row| row.as_ref().map(|row| row.sql.clone())))
        >
            <div aria-live="polite">{live(move || row.get().map(|row| outcome(&row)))}</div>
            {live(warnings)}
            <div class="slo-lane">
                <div class="label">"budget left"</div>
                <Chart data=derived(chart) label="Share of the error budget that would have been left" height=86 testid="slo-preview-chart" />
            </div>
            {live(move || row.get().and_then(|row| episodes(&row)))}
        </Panel>
    }
}

fn outcome(row: &BacktestRow) -> AnyView {
    // An objective that spends nothing has all of its budget left.
    let left = row.budget_spent.map(|spent| 1.0 - spent);
    let spent = row.budget_spent.map_or_else(|| format::MISSING.to_owned(), format::percent);
    view! {
        <p class="panel-line">{row.sentence.clone()}</p>
        <h3 class="panel-line" data-testid="slo-preview-sentence">{slo_preview::sentence(row)}</h3>
        <p class="dense t2 panel-line" data-testid="slo-preview-evidence">
            {slo_preview::evidence(row)} " Of a period's budget, " {spent} " would have been spent and "
            {budget_text(left)} " left."
        </p>
        {lines(&row.notes)}
        {timeline(row)}
    }
    .into_any()
}

fn lines(texts: &[String]) -> AnyView {
    let line = |text: &String| view! { <p class="dense t2 panel-line">{text.clone()}</p> }.into_any();
    texts.iter().map(line).collect::<Vec<AnyView>>().into_any()
}
