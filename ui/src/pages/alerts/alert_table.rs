//! A list of alerts; one row at a time opens to its deliveries.
//!
//! Which one is open stands in the address, so a link shows the same ledger.

use super::alert_row::alert_row;
use super::by_hand::{Said, said_line};
use crate::erased::live;
use crate::url_state;
use leptos::prelude::*;
use wire::{AlertRow, UnixNanos};

/// Parameter of the address: id of the opened alert.
pub const OPEN: &str = "open";

#[component]
pub fn AlertTable(alerts: Signal<Vec<AlertRow>>, now: Signal<UnixNanos>) -> impl IntoView {
    let said = Said::new(None);
    let rows = move || {
        let open = url_state::param(OPEN);
        let now = now.get();
        alerts.with(|alerts| {
            alerts
                .iter()
                .map(|alert| alert_row(alert, now, open.as_deref() == Some(alert.id.as_str()), said))
                .collect_view()
        })
    };
    view! {
        {said_line(said)}
        <div class="tbl">
        <table class="alerts-table" data-hold="">
            <thead>
                <tr>
                    <th scope="col"><span class="sr">"open"</span></th>
                    <th scope="col">"state"</th>
                    <th scope="col">"severity"</th>
                    <th scope="col">"objective"</th>
                    <th scope="col" class="lo">"what happened"</th>
                    <th scope="col">"since"</th>
                    <th scope="col" class="num">"for"</th>
                    <th scope="col" class="lo">"delivered"</th>
                </tr>
            </thead>
            <tbody>{live(rows)}</tbody>
        </table>
        </div>
    }
}
