//! The numbers of a chart as a table, for those who cannot or do not want to read a picture.

use crate::erased::{live, text};
use crate::format;
use crate::model::chart::ChartData;
use crate::url_state;
use leptos::prelude::*;
use std::sync::Arc;
use wire::UnixNanos;

#[component]
pub fn ChartTable(data: Signal<Option<Arc<ChartData>>>, label: Signal<String>) -> impl IntoView {
    let heads = move || data.get().map(|data| heads(&data));
    let rows = move || data.get().map(|data| rows(&data));
    view! {
        <div class="chart-table" tabindex="0" role="region" aria-label=text(move || label.get())>
            <table>
                <thead><tr><th scope="col">"from"</th> {live(heads)}</tr></thead>
                <tbody>{live(rows)}</tbody>
            </table>
        </div>
    }
}

fn heads(data: &ChartData) -> Vec<AnyView> {
    let head = |label: &String| view! { <th scope="col" class="num">{label.clone()}</th> }.into_any();
    data.series.iter().map(|series| head(&series.label)).collect()
}

/// Newest first: what just happened is what one looks for.
fn rows(data: &ChartData) -> Vec<AnyView> {
    let zone = url_state::zone();
    let now = UnixNanos::from_millis(data.to_ms);
    let cell = |value: Option<f64>| {
        let text = value.map_or_else(|| format::MISSING.to_owned(), |value| data.unit.text(value));
        view! { <td class="num">{text}</td> }.into_any()
    };
    let row = |(idx, (at_ms, _)): (usize, &(i64, Option<f64>))| {
        let values = data.series.iter().map(|series| series.points.get(idx).and_then(|(_, value)| *value));
        let cells: Vec<AnyView> = values.map(cell).collect();
        let at = format::time_near(UnixNanos::from_millis(*at_ms), now, zone);
        view! { <tr><td class="t2">{at}</td> {cells}</tr> }.into_any()
    };
    let Some(first) = data.series.first() else { return Vec::new() };
    first.points.iter().enumerate().rev().map(row).collect()
}
