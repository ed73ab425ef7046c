//! One row of the waterfall.
//!
//! A solid part of the bar is self time on the critical path, tint is waiting for children. Errors are
//! hatched where they begin and only marked on the way up.

use super::state::{ROW_PX, TraceState};
use crate::components::icon::labelled_icon;
use crate::components::{icon, name};
use crate::erased::{act, flag, live, text};
use crate::format;
use crate::model::decimal::fixed;
use crate::model::trace_model::{LabelSide, TraceModel, Zoom, label_side, place};
use crate::model::waterfall::{Oddity, What};
use leptos::prelude::*;
use std::sync::Arc;
use wire::SpanRow;

/// Indentation of a level, and where deeper ones stop moving to the right.
const INDENT_PX: u32 = 14;
const INDENT_LEVELS_MAX: u32 = 16;

pub fn dom_id(node: usize) -> String {
    format!("span-row-{node}")
}

/// `at` is the row's place among the visible ones, `lane_px` the width of the lane of bars.
pub fn row(
    state: TraceState,
    model: &Arc<TraceModel>,
    node: usize,
    at: usize,
    lane_px: ReadSignal<f64>,
) -> AnyView {
    let layout = &model.waterfall.nodes[node];
    let span = model.span(node);
    let span_id = span.map(|span| span.span_id.clone());
    let is_selected = move || state.selected.get() == Some(node);
    let is_hit = move || state.matches.with(|matches| matches.binary_search(&node).is_ok());
    let is_on_path = !model.sections(node).is_empty();
    let on_path = move || is_on_path && state.shows_path.get();
    let expanded = (layout.n_below > 0).then_some(move || (!state.is_closed(node)).to_string());
    let paint = span.map_or("p-rest", |span| model.colors.paint(&span.service));
    let (from, to) = model.extent(node);
    let duration = format::duration(to - from);
    let bars = {
        let (model, duration) = (Arc::clone(model), duration.clone());
        move || {
            let solids = state.shows_path.get();
            bars(&model, node, state.zoom.get(), solids, (&duration, lane_px.get()))
        }
    };
    view! {
        <div class=format!("r {paint}") role="row" id=dom_id(node) style:top=format!("{}px", fixed(at as f64 * ROW_PX, 0))
            class:sel=flag(is_selected) class:hit=flag(is_hit) class:cpx=flag(on_path)
            attr:aria-level=(layout.depth + 1).to_string() aria-posinset=layout.position.0.to_string()
            aria-setsize=layout.position.1.to_string() aria-rowindex=(at + 2).to_string()
            aria-expanded=expanded aria-selected=text(move || is_selected().to_string())
            data-testid="span-row" data-span-id=span_id on:click=act(move |_| state.select(node, true))>
            {name_cell(state, model, node)}
            <div class="bars" role="gridcell" aria-hidden="true">{bars}</div>
            <div class="du" role="gridcell">{duration}</div>
        </div>
    }
    .into_any()
}

fn name_cell(state: TraceState, model: &TraceModel, node: usize) -> AnyView {
    let layout = &model.waterfall.nodes[node];
    let levels = layout.depth.min(INDENT_LEVELS_MAX);
    let guides: Vec<AnyView> = (0..levels).map(guide).collect();
    let indent = format!("{}px", levels * INDENT_PX);
    let content = match (model.span(node), layout.what) {
        (Some(span), What::Span(_, oddity)) => span_name(span, oddity),
        _ => ghost_name(layout.n_below),
    };
    view! {
        <div class="nm" role="gridcell" style:padding-left=indent>
            {guides} {twist(state, node, layout.n_below)} <i class="sw" /> {content}
        </div>
    }
    .into_any()
}

fn guide(level: u32) -> AnyView {
    view! { <i class="guide" style:left=format!("{}px", level * INDENT_PX + 5) /> }.into_any()
}

/// The triangle that opens and closes; keys and the row's own state say the same to other readers.
fn twist(state: TraceState, node: usize, n_below: usize) -> AnyView {
    let press = move |event: leptos::ev::MouseEvent| {
        event.stop_propagation();
        state.toggle(node);
    };
    let symbol = move || icon(if state.is_closed(node) { "trr" } else { "tri" });
    let badge = move || state.is_closed(node).then(|| view! { <span class="badge">{n_below}</span> });
    match n_below {
        0 => view! { <span class="tw" /> }.into_any(),
        _ => view! {
            <span class="tw" on:click=act(press) data-testid="twist">{live(symbol)}</span>
            {live(badge)}
        }
        .into_any(),
    }
}

fn span_name(span: &SpanRow, oddity: Oddity) -> AnyView {
    let error = span.is_error.then(|| view! { <span class="bad">{labelled_icon("err", "error")}</span> });
    let odd = match oddity {
        Oddity::None => None,
        Oddity::Duplicate => Some(("partial", "sent twice")),
        Oddity::Cycle => Some(("partial", "its parents form a circle")),
        Oddity::BeforeParent => Some(("late", "starts before its parent; clocks differ")),
    };
    let odd = odd
        .map(|(symbol, words)| view! { <span class="t2" title=words>{labelled_icon(symbol, words)}</span> });
    let links =
        (span.n_links > 0).then(|| view! { <span class="link">{labelled_icon("lnk", "has links")}</span> });
    view! {
        <span class="s">{name(&span.service)}</span> <span class="o">{name(&span.name)}</span>
        {error} {odd} {links}
    }
    .into_any()
}

fn ghost_name(n_below: usize) -> AnyView {
    let words = format!("parent not stored, {}", format::counted(n_below as u64, "span", "spans"));
    view! { <span class="t2">{icon("partial")}</span> <span class="o ghost" data-testid="ghost-row">{words}</span> }.into_any()
}

fn bars(
    model: &TraceModel,
    node: usize,
    zoom: Zoom,
    shows_path: bool,
    (duration, lane_px): (&str, f64),
) -> Option<AnyView> {
    let (left, width) = place(model.extent(node), zoom)?;
    let is_origin = model.waterfall.is_error_origin(&model.trace.spans, node);
    let class = match model.waterfall.nodes[node].what {
        What::Ghost(_) => "bx none",
        What::Span(..) if is_origin => "bx er",
        What::Span(..) => "bx",
    };
    let solid = |section: &(i64, i64)| {
        let (left, width) = place(*section, zoom)?;
        Some(
            view! { <i class="me" style:left=format!("{}%", fixed(left, 3)) style:width=format!("{}%", fixed(width, 3)) /> }
                .into_any(),
        )
    };
    let solids: Vec<AnyView> = model.sections(node).iter().filter(|_| shows_path).filter_map(solid).collect();
    let label = label_side((left, width), duration.chars().count(), lane_px).map(|side| {
        let is_before = side == LabelSide::Before;
        let x = if is_before { left } else { left + width };
        view! { <span class="lb" class:before=is_before style:left=format!("{}%", fixed(x, 2))>{duration.to_owned()}</span> }
    });
    Some(
        view! {
            <i class=class style:left=format!("{}%", fixed(left, 3)) style:width=format!("{}%", fixed(width, 3)) /> {solids} {label}
        }
        .into_any(),
    )
}
