//! When it would have fired: a lane for each tier, and the same as a table.

use crate::model::decimal::fixed;
use crate::model::slo_preview::{Lane, lanes};
use crate::model::slo_view::Standing;
use crate::pages::slos::standing_mark::standing_mark;
use crate::{format, url_state};
use leptos::prelude::*;
use wire::{BacktestRow, EpisodeRow, UnixNanos};

/// Lines of the table; the picture has all.
const ROWS_MAX: usize = 20;

/// Lanes over the time of the back-test. The table says the same in words.
pub(super) fn timeline(row: &BacktestRow) -> Option<AnyView> {
    let found: Vec<AnyView> = lanes(row).iter().map(lane).collect();
    if found.is_empty() {
        return None;
    }
    let zone = url_state::zone();
    let ends = [row.from, row.to].map(|at| format::date_minute(at, zone));
    let [from, to] = ends;
    Some(
        view! {
            <div class="slo-times" aria-hidden="true" data-testid="slo-preview-lanes">
                {found}
                <div class="ends"><span>{from}</span> <span>{to}</span></div>
            </div>
        }
        .into_any(),
    )
}

fn lane(lane: &Lane) -> AnyView {
    let class = if lane.is_page { "fill bad" } else { "fill warn" };
    let bar = |(x, width): &(f64, f64)| {
        view! { <rect class=class x=fixed(*x, 2) y="2" width=fixed(*width, 2) height="10" /> }.into_any()
    };
    let bars: Vec<AnyView> = lane.bars.iter().map(bar).collect();
    view! {
        <span>{lane.label.clone()}</span>
        <svg viewBox="0 0 100 14" preserveAspectRatio="none"><rect class="track" x="0" y="6.5" width="100" height="1" />{bars}</svg>
    }
    .into_any()
}

pub(super) fn episodes(row: &BacktestRow) -> Option<AnyView> {
    if row.episodes.is_empty() {
        return None;
    }
    let rows: Vec<AnyView> = row.episodes.iter().rev().take(ROWS_MAX).map(|one| line(one, row.to)).collect();
    let n_left = row.episodes.len().saturating_sub(ROWS_MAX);
    let left = (n_left > 0).then(|| {
        view! { <p class="dense t2 panel-line">{format!("{n_left} earlier ones are not listed.")}</p> }
    });
    Some(
        view! {
            <div class="tbl">
            <table class="plain">
                <thead>
                    <tr>
                        <th scope="col">"alert"</th>
                        <th scope="col">"fired"</th>
                        <th scope="col" class="num">"after"</th>
                        <th scope="col" class="num">"for"</th>
                        <th scope="col" class="num">"budget spent by then"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
            </div>
            {left}
        }
        .into_any(),
    )
}

fn line(one: &EpisodeRow, to: UnixNanos) -> AnyView {
    let zone = url_state::zone();
    let standing = if one.severity == "page" { Standing::Failing } else { Standing::Warning };
    let name = format!("{} {}", one.severity, one.tier);
    let end = one.resolved_at.unwrap_or(to);
    let lasted = format::duration(end.0.saturating_sub(one.firing_at.0));
    let lasted = if one.resolved_at.is_some() { lasted } else { format!("{lasted}, and on") };
    view! {
        <tr data-testid="slo-episode" data-severity=one.severity.clone()>
            <td>{standing_mark(standing, name)}</td>
            <td>{format::date_minute(one.firing_at, zone)}</td>
            <td class="num" title="from the first bad events to the alert">{format::duration((one.detection_s * 1e9) as i64)}</td>
            <td class="num">{lasted}</td>
            <td class="num">{format::percent_or_missing(one.budget_spent)}</td>
        </tr>
    }
    .into_any()
}
