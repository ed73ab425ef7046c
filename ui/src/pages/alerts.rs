//! `/alerts`: what fires, what fired, and whether the messages arrived.

pub mod alert_row;
pub mod alert_table;
pub mod by_hand;
pub mod delivery_ledger;
pub mod receivers;

use crate::api;
use crate::components::Panel;
use crate::components::panel::Empty;
use crate::erased::{derived, live, memo};
use crate::model::alert_view;
use crate::url_state;
use leptos::prelude::*;
use wire::{AlertList, AlertRow};

use alert_table::AlertTable;

#[component]
pub fn AlertsPage() -> impl IntoView {
    let list = api::watched::<AlertList>(|| Some("/alerts".to_owned()));
    let now = derived(move || list.map(|list| list.now).unwrap_or_default());
    let part = move |is_active: bool| {
        memo(move || list.map(|list| only(&list.alerts, is_active)).unwrap_or_default())
    };
    let (active, history) = (part(true), part(false));
    let title = move || match list.map(|list| alert_view::sentence(&list.alerts)) {
        Some(sentence) => sentence,
        None => "Alerts".to_owned(),
    };
    let none = move || list.map(|list| list.alerts.is_empty().then(nothing_yet)).flatten();
    view! {
        <div class="split">
            <div>
                <header class="lead">
                    <h1 data-testid="alerts-sentence">{live(title)}</h1>
                    <p>"A page or ticket opens when both windows of a tier burn too fast, and closes when they calm down."</p>
                </header>
                <Panel name="alerts" state=list.state() retry=list.retry() empty=derived(none)>
                    {live(move || (!active.with(Vec::is_empty)).then(|| view! {
                        <h2 class="alerts-head">"Active"</h2>
                        <AlertTable alerts=active.into() now=now />
                    }))}
                    {live(move || (!history.with(Vec::is_empty)).then(|| view! {
                        <h2 class="alerts-head">"History"</h2>
                        <AlertTable alerts=history.into() now=now />
                    }))}
                </Panel>
            </div>
            <aside class="rail" aria-label="Receivers">
                <receivers::Receivers list=list />
            </aside>
        </div>
    }
}

fn only(alerts: &[AlertRow], is_active: bool) -> Vec<AlertRow> {
    alerts.iter().filter(|alert| alert_view::is_active(alert) == is_active).cloned().collect()
}

fn nothing_yet() -> Empty {
    Empty {
        title: "No alert has ever fired.".to_owned(),
        text: "Alerts come from objectives: each has four burn-rate tiers, two that page and two that open a ticket."
            .to_owned(),
        is_suspicious: false,
        link: Some((url_state::link("/slos"), "Open the objectives".to_owned())),
    }
}
