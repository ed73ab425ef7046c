//! `/slos/:id`: one objective: sentence, budget, burn of each tier, events over the range, alert log; and what can be
//! done with it.

pub mod acts;
pub mod burndown;
pub mod event_charts;
pub mod readings;
pub mod tier_table;

use crate::api;
use crate::components::Panel;
use crate::components::panel::Empty;
use crate::erased::{derived, live, memo};
use crate::model::address::segment;
use crate::model::slo_view;
use crate::pages::alerts::alert_table::AlertTable;
use crate::url_state;
use leptos::prelude::*;
use wire::SloDetail;

#[component]
pub fn SloPage(id: String) -> impl IntoView {
    let path = format!("/slos/{}", segment(&id));
    let detail = api::polled::<SloDetail>(move || Some(url_state::api_path(&path)));
    let slo = memo(move || detail.map(|detail| detail.slo.clone()));
    let known = memo(move || slo.with(|slo| slo.as_ref().map(acts::Known::of)));
    let title = move || slo.get().map_or_else(|| id.clone(), |slo| slo.sentence);
    let alerts = memo(move || detail.map(|detail| detail.alerts.clone()).unwrap_or_default());
    let no_alerts = move || {
        alerts.with(Vec::is_empty).then(|| Empty {
            title: "It has never fired.".to_owned(),
            text: "Every alert of this objective will be listed here with its deliveries.".to_owned(),
            is_suspicious: false,
            link: None,
        })
    };
    let tiers_note = "log scale; the tick is the threshold, both windows must pass it";
    let state = detail.state();
    // A failure is told once, by the first panel.
    let is_told = memo(move || state.with(|state| !state.has_data && state.failure.is_some()));
    view! {
        <header class="lead" data-testid="slo-head">
            <div class="slo-head"><h1>{live(title)}</h1> {live(move || known.get().map(|known| acts::acts(&known)))}</div>
            <p>{live(move || slo.get().map(|slo| slo_view::evidence_sentence(&slo)))}</p>
            {live(move || slo.get().map(|slo| readings::readings(&slo)))}
        </header>
        <div class="slo-two">
            <Panel
                name="slo-events"
                state=state
                retry=detail.retry()
                title="Events"
                sql=derived(move || detail.map(|detail| detail.sql.clone()))
            >
                <event_charts::EventCharts detail=detail />
            </Panel>
            <Show when=move || !is_told.get()>
                <Panel name="slo-tiers" state=state title="Burn rate, four tiers" note=tiers_note>
                    {live(move || slo.get().map(|slo| tier_table::tier_table(&slo)))}
                </Panel>
            </Show>
        </div>
        <Show when=move || !is_told.get()>
            <Panel name="slo-burndown" state=state title="Budget left" note="over the period">
                <burndown::Burndown detail=detail />
            </Panel>
        </Show>
        <Show when=move || !is_told.get()>
            <Panel
                name="slo-alerts"
                state=state
                title="Alert log"
                note="newest first"
                empty=derived(no_alerts)
            >
                <AlertTable
                    alerts=alerts.into()
                    now=derived(move || detail.map(|detail| detail.to).unwrap_or_default())
                />
            </Panel>
        </Show>
    }
}
