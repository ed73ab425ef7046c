//! The rows: a treegrid of which only the part on the screen exists.
//!
//! Rows have one height and are placed by their number; scrolling the window adds and removes a few.
//! The grid is one tab stop, the selected row its active descendant.

use super::keys;
use super::row;
use super::state::{ROW_PX, TraceState};
use crate::components::measure;
use crate::erased::{act, live, memo, text};
use crate::model::decimal::fixed;
use crate::model::trace_model::{self, TraceModel};
use crate::model::virtual_rows;
use leptos::html::Div;
use leptos::prelude::*;
use std::sync::Arc;

/// Rows are added and removed in blocks, so that most scroll events change nothing.
const BLOCK: usize = 8;
/// Labels on the time axis, at most.
const TICKS_MAX: usize = 8;
/// Pixels of the lane that a label on the time axis needs.
const TICK_PX: f64 = 76.0;

#[component]
pub fn Waterfall(state: TraceState) -> impl IntoView {
    let view = follow_scroll(state.rows);
    let lane = NodeRef::<Div>::new();
    let lane_px = measure::width_of(lane);
    let n_ticks = memo(move || ((lane_px.get() / TICK_PX) as usize).clamp(1, TICKS_MAX));
    let ticks = move || trace_model::ticks(state.zoom.get(), n_ticks.get());
    let time = memo(move || state.model.get().map_or(0.0, |model| model.duration_px()));
    let n_rows = memo(move || state.visible.with(|visible| visible.len()));
    let window = memo(move || {
        let (scroll_px, view_px) = view.get();
        let window = virtual_rows::window(n_rows.get(), ROW_PX, &[], scroll_px, view_px);
        (window.start / BLOCK * BLOCK, window.end.div_ceil(BLOCK) * BLOCK)
    });
    let shown = move || {
        let (start, end) = window.get();
        let (Some(model), visible) = (state.model.get(), state.visible.get()) else { return Vec::new() };
        let end = end.min(visible.len());
        let rows = visible.get(start.min(end)..end).unwrap_or_default();
        rows.iter().enumerate().map(|(i, node)| (start + i, *node, Arc::clone(&model))).collect()
    };
    // A trace that was asked for again is another trace: its rows are drawn anew.
    let key = |(at, node, model): &(usize, usize, Arc<TraceModel>)| (*at, *node, Arc::as_ptr(model) as usize);
    let active = move || state.selected.get().map(row::dom_id);
    // Shows a span that the address names once the rows exist.
    Effect::new(move |is_done: Option<bool>| {
        let is_done = is_done == Some(true);
        let node = state.selected.get().filter(|_| !is_done && state.rows.get().is_some());
        if let Some(node) = node {
            state.reveal(node);
        }
        is_done || (state.model.get().is_some() && state.rows.get().is_some())
    });
    view! {
        <div class="wf" role="treegrid" aria-label="Spans" tabindex="0" data-testid="waterfall"
            aria-rowcount=text(move || (n_rows.get() + 1).to_string()) aria-activedescendant=text(active)
            style=("--time", move || format!("{}px", fixed(time.get(), 0)))
            on:keydown=act(move |event| keys::grid_key(state, &event))>
            <div role="rowgroup">{heads(ticks)}</div>
            <div class="rows" role="rowgroup" node_ref=state.rows
                style:height=move || format!("{}px", fixed(n_rows.get() as f64 * ROW_PX, 0))>
                <div class="lines" aria-hidden="true" node_ref=lane>{live(move || lines(ticks()))}</div>
                <For each=shown key=key children=move |(at, node, model)| row::row(state, &model, node, at, lane_px) />
            </div>
        </div>
    }
}

/// Ticks of the axis, continued through the rows.
fn lines(ticks: Vec<(f64, String)>) -> Vec<AnyView> {
    let line =
        |(left, _): (f64, String)| view! { <i style:left=format!("{}%", fixed(left, 2)) /> }.into_any();
    ticks.into_iter().map(line).collect()
}

/// How far the top of `rows` is above the window's top, and the window's height.
fn follow_scroll(rows: NodeRef<Div>) -> ReadSignal<(f64, f64)> {
    let view_px = || window().inner_height().ok().and_then(|height| height.as_f64()).unwrap_or(1_200.0);
    let (view, set_view) = signal((0.0, view_px()));
    let measure = move || {
        let Some(rows) = rows.get_untracked() else { return };
        let top = rows.get_bounding_client_rect().top();
        set_view.set(((-top).max(0.0), view_px()));
    };
    let scrolled = window_event_listener(leptos::ev::scroll, move |_| measure());
    let resized = window_event_listener(leptos::ev::resize, move |_| measure());
    on_cleanup(move || {
        scrolled.remove();
        resized.remove();
    });
    view
}

fn heads(ticks: impl Fn() -> Vec<(f64, String)> + Send + 'static) -> AnyView {
    let tick = |(left, text): (f64, String)| {
        view! { <i style:left=format!("{}%", fixed(left, 2))>{text}</i> }.into_any()
    };
    let ticks = move || ticks().into_iter().map(tick).collect::<Vec<AnyView>>();
    view! {
        <div class="wh" role="row" aria-rowindex="1">
            <span role="columnheader">"service and operation"</span>
            <div class="ticks" role="columnheader"><span class="sr">"time"</span> <span aria-hidden="true">{live(ticks)}</span></div>
            <span class="du" role="columnheader">"duration"</span>
        </div>
    }
    .into_any()
}
