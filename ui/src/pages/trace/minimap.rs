//! The whole trace above the rows; drag to zoom the rows, double-click to see all.

use super::state::TraceState;
use crate::components::measure;
use crate::erased::{act, live, memo};
use crate::model::decimal::fixed;
use crate::model::minimap::{self, Minimap as Picture};
use crate::model::trace_model::{TraceModel, Zoom};
use crate::url_state;
use leptos::ev::PointerEvent;
use leptos::html::Div;
use leptos::prelude::*;

/// A drag shorter than this many pixels was a click.
const DRAG_PX: f64 = 4.0;

#[component]
pub fn Minimap(state: TraceState) -> impl IntoView {
    let node = NodeRef::<Div>::new();
    let width = measure::width_of(node);
    let drag = RwSignal::new(None::<(f64, f64)>);
    let picture = memo(move || {
        let (model, width) = (state.model.get()?, width.get());
        let extent = (model.trace.started_at.0, model.trace.duration_ns);
        (width > 0.0)
            .then(|| minimap::minimap(&model.waterfall, &model.trace.spans, &model.colors, extent, width))
    });
    let height = move || state.model.get().map_or(0.0, |model| minimap::height(&model.waterfall)) + 12.0;
    let drawn = move || picture.with(|picture| picture.as_ref().map(draw));
    let overlay = move || {
        let (model, picture) = (state.model.get()?, picture.get()?);
        Some(overlay(&model, &picture, state.zoom.get(), state.selected.get(), width.get()))
    };
    let brush = move || {
        drag.get().map(|(a, b)| {
            let (x, w) = (a.min(b), (a - b).abs());
            view! { <rect class="brush" x=fixed(x, 1) y="-4" width=fixed(w, 1) height="110" /> }
        })
    };
    let x = move |event: &PointerEvent| {
        let left = node.get_untracked().map_or(0.0, |node| node.get_bounding_client_rect().left());
        f64::from(event.client_x()) - left
    };
    let down = move |event: PointerEvent| {
        if let Some(node) = node.get_untracked() {
            // Without capture a drag that leaves the map ends at its edge.
            let _ = node.set_pointer_capture(event.pointer_id());
        }
        drag.set(Some((x(&event), x(&event))));
    };
    let moved = move |event: PointerEvent| {
        drag.update(|drag| {
            if let Some((_, end)) = drag {
                *end = x(&event)
            }
        });
    };
    let up = move |_| {
        if let (Some((a, b)), Some(model)) = (drag.get_untracked(), state.model.get_untracked())
            && (a - b).abs() > DRAG_PX
        {
            zoom_to(&model, a.min(b), a.max(b), width.get_untracked());
        }
        drag.set(None);
    };
    view! {
        <div class="minimap" node_ref=node style:height=move || format!("{}px", fixed(height(), 1)) data-testid="minimap"
            role="img" aria-label="The whole trace; drag to zoom the rows below, double-click to see all"
            on:pointerdown=act(down) on:pointermove=act(moved) on:pointerup=act(up)
            on:dblclick=act(|_| url_state::set_param("zoom", None))>
            <svg class="c" aria-hidden="true">{live(drawn)} {live(overlay)} {live(brush)}</svg>
        </div>
        <ZoomNote state=state />
    }
}

fn zoom_to(model: &TraceModel, left: f64, right: f64, width: f64) {
    let ns = |x: f64| ((x / width.max(1.0)).clamp(0.0, 1.0) * model.trace.duration_ns as f64) as i64;
    url_state::set_param("zoom", Some(&format!("{},{}", ns(left), ns(right))));
}

fn draw(picture: &Picture) -> AnyView {
    let bar = |(paint, path): &(&'static str, String)| {
        view! { <path class=format!("mini {paint}") d=path.clone() /> }.into_any()
    };
    let label = |(x, y, text): &(f64, f64, String)| {
        view! { <text class="v" x=fixed(*x, 1) y=fixed(*y, 1)>{text.clone()}</text> }.into_any()
    };
    let bars: Vec<AnyView> = picture.bars.iter().map(bar).collect();
    let labels: Vec<AnyView> = picture.labels.iter().map(label).collect();
    view! { <g transform="translate(0.5 6.5)">{bars} {labels}</g> }.into_any()
}

/// The zoomed part and the selected span.
fn overlay(
    model: &TraceModel,
    picture: &Picture,
    zoom: Zoom,
    selected: Option<usize>,
    width: f64,
) -> AnyView {
    let scale = width / model.trace.duration_ns.max(1) as f64;
    let px = |value: f64| fixed(value, 1);
    let rect = |class, x: f64, y: f64, w: f64, h: f64| {
        view! { <rect class=class x=px(x) y=px(y) width=px(w.max(0.0)) height=px(h) /> }.into_any()
    };
    let outside = (!model.is_whole(zoom)).then(|| {
        let (from, to) = (zoom.0 as f64 * scale, zoom.1 as f64 * scale);
        [rect("outside", 0.0, 0.0, from, 118.0), rect("outside", to, 0.0, width - to, 118.0)]
            .into_iter()
            .collect_view()
    });
    let chosen = selected.map(|node| {
        let (from, to) = model.extent(node);
        let y = f64::from(model.waterfall.nodes[node].depth) * picture.line + 5.5;
        rect("chosen", from as f64 * scale, y, ((to - from) as f64 * scale).max(3.0), picture.line + 1.0)
    });
    view! { {outside} {chosen} }.into_any()
}

#[component]
fn ZoomNote(state: TraceState) -> impl IntoView {
    let note = move || {
        let (model, zoom) = (state.model.get()?, state.zoom.get());
        let words = format!(
            "Showing {} from {}",
            crate::format::duration(zoom.1 - zoom.0),
            crate::format::offset(zoom.0)
        );
        let reset = url_state::link_here(&[("zoom", None)]);
        let line = view! { <div class="note-line">{words} <a class="link" href=reset>"Show all"</a></div> };
        (!model.is_whole(zoom)).then(|| line.into_any())
    };
    view! { {live(note)} }
}
