//! One alert and, when opened, the ledger of its deliveries.

use super::alert_table::OPEN;
use super::by_hand::Said;
use super::delivery_ledger::ledger;
use crate::components::{icon, name};
use crate::erased::act;
use crate::model::address::encode;
use crate::model::{alert_view, log_text};
use crate::pages::slos::standing_mark::standing_mark;
use crate::{format, url_state};
use leptos::prelude::*;
use wire::{AlertRow, UnixNanos};

pub fn alert_row(alert: &AlertRow, now: UnixNanos, is_open: bool, said: Said) -> AnyView {
    let zone = url_state::zone();
    let (standing, word) = alert_view::standing(alert);
    let (delivered, deliveries) = alert_view::deliveries(alert);
    let since = alert_view::since(alert);
    let slo = url_state::link(&format!("/slos/{}", encode(&alert.slo_id)));
    view! {
        <tr class="row" class:opened=is_open data-testid="alerts-row" data-alert=alert.id.clone() data-state=word data-slo=alert.slo_id.clone()>
            <td>{disclose(alert, is_open)}</td>
            <td>{standing_mark(standing, word)}</td>
            <td>{alert.severity.clone()}</td>
            <td><a class="strong over-row" href=slo>{alert.slo_name.clone()}</a> " " <span class="t3">{name(&alert.service)}</span></td>
            <td class="summary lo">{log_text::clean(&alert.summary)}</td>
            <td title=format::date_time(since, zone)>
                {format::time_near(since, now, zone)} " " <span class="t3">{format::ago(since, now)}</span>
            </td>
            <td class="num">{format::duration(whole_seconds(alert_view::duration_ns(alert, now)))}</td>
            <td class="lo">{standing_mark(delivered, deliveries)}</td>
        </tr>
        {is_open.then(|| ledger(alert, now, said))}
    }
    .into_any()
}

/// Alerts live in seconds; their evaluation is not finer.
fn whole_seconds(ns: i64) -> i64 {
    ns / 1_000_000_000 * 1_000_000_000
}

fn disclose(alert: &AlertRow, is_open: bool) -> AnyView {
    let id = alert.id.clone();
    let label = format!("Deliveries of {}", alert.slo_name);
    let press = move |_| {
        url_state::replace_params(&[(OPEN, (!is_open).then_some(id.as_str()))]);
    };
    view! {
        <button class="disclose" type="button" data-row="" aria-expanded=is_open.to_string() aria-label=label on:click=act(press)>
            {icon("trr")}
        </button>
    }
    .into_any()
}
