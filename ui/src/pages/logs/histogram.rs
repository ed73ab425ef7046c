//! Records over time, stacked by severity: the bad ones stand on the base line and are hatched.
//!
//! Drag to choose a range, Back undoes it. Keys: left and right move from bar to bar, enter chooses the
//! bar's own range.

use super::histogram_marks::{HEIGHT, bars, brush, hatch, legend, readout, table};
use super::shown::Shown;
use crate::components::chart_group::set_range;
use crate::components::measure;
use crate::erased::{act, derived, live, text};
use crate::format;
use crate::model::decimal::fixed;
use crate::model::log_histogram::{self, Bar, Histogram};
use crate::model::time_range::TimeRange;
use crate::url_state;
use leptos::ev::{KeyboardEvent, PointerEvent};
use leptos::html::Div;
use leptos::prelude::*;
use wire::UnixNanos;

#[component]
pub fn LogHistogram(histogram: Signal<Option<Histogram>>, shown: Memo<Shown>) -> impl IntoView {
    let node = NodeRef::<Div>::new();
    let width = measure::width_of(node);
    let as_table = RwSignal::new(false);
    let frame = derived(move || shown.with(|shown| shown.list().map(Frame::of)).unwrap_or_default());
    let pointer = Pointer { node, frame, drag: RwSignal::new(None), hover: RwSignal::new(None) };
    let bars = move || histogram.with(|histogram| histogram.as_ref().map(|h| bars(h, width.get())));
    let top = move || histogram.with(|histogram| histogram.as_ref().map(|h| format::count(h.n_max)));
    let brush = move || pointer.drag.get().map(|(a, b)| brush(a, b, width.get()));
    let readout = move || {
        let at = pointer.hover.get()?;
        histogram.with(|histogram| Some(readout(bar_at(histogram.as_ref()?, at)?)))
    };
    let plot = move || {
        view! {
            <div class="log-histogram" node_ref=node tabindex="0" role="group" data-testid="logs-histogram"
                aria-label="Records over time by severity. Left and right move, enter chooses."
                on:pointerdown=act(move |event| pointer.down(&event)) on:pointermove=act(move |event| pointer.moved(&event))
                on:pointerup=act(move |_| pointer.up()) on:pointercancel=act(move |_| pointer.drag.set(None))
                on:pointerleave=act(move |_| pointer.hover.set(None)) on:blur=act(move |_| pointer.hover.set(None))
                on:keydown=act(move |event| pointer.key(&event, histogram))>
                <svg aria-hidden="true" width=text(move || fixed(width.get(), 0)) height=fixed(HEIGHT, 0)>{hatch()} {live(bars)} {live(brush)}</svg>
                <span class="top">{live(top)}</span>
                <span class="log-readout" role="status">{live(readout)}</span>
                <Times frame=frame />
            </div>
        }
        .into_any()
    };
    let table = move || histogram.with(|histogram| histogram.as_ref().map(table)).into_any();
    view! {
        <div class="log-over-time">
            <div class="legend log-legend">
                {live(move || histogram.with(|histogram| histogram.as_ref().map(legend)))}
                <span class="grow"></span>
                <button class="btn quiet small" type="button" data-testid="logs-table-toggle"
                    aria-pressed=text(move || as_table.get().to_string()) on:click=act(move |_| as_table.update(|on| *on = !*on))>
                    "table"
                </button>
            </div>
            {live(move || if as_table.get() { table() } else { plot() })}
        </div>
    }
}

/// The range that the answer covers.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Frame {
    from_ms: i64,
    to_ms: i64,
    step_s: u32,
}

impl Frame {
    fn of(list: &wire::LogList) -> Self {
        Self { from_ms: list.from.millis(), to_ms: list.to.millis(), step_s: list.step_s }
    }
}

/// Hover and drag as shares of the width.
#[derive(Clone, Copy)]
struct Pointer {
    node: NodeRef<Div>,
    frame: Signal<Frame>,
    drag: RwSignal<Option<(f64, f64)>>,
    hover: RwSignal<Option<f64>>,
}

impl Pointer {
    fn share(&self, event: &PointerEvent) -> Option<f64> {
        let bounds = self.node.get_untracked()?.get_bounding_client_rect();
        Some(((f64::from(event.client_x()) - bounds.left()) / bounds.width().max(1.0)).clamp(0.0, 1.0))
    }

    fn down(&self, event: &PointerEvent) {
        if let (0, Some(share), Some(node)) = (event.button(), self.share(event), self.node.get_untracked()) {
            // Without capture a drag that leaves the plot ends at its edge.
            let _ = node.set_pointer_capture(event.pointer_id());
            self.drag.set(Some((share, share)));
        }
    }

    fn moved(&self, event: &PointerEvent) {
        let Some(share) = self.share(event) else { return };
        self.hover.set(Some(share));
        if let Some((start, _)) = self.drag.get_untracked() {
            self.drag.set(Some((start, share)));
        }
    }

    fn up(&self) {
        let Some((a, b)) = self.drag.get_untracked() else { return };
        self.drag.set(None);
        let frame = self.frame.get_untracked();
        if let Some((from_ms, to_ms)) = log_histogram::brushed(a, b, frame.from_ms, frame.to_ms, frame.step_s)
        {
            set_range(&TimeRange::absolute(from_ms, to_ms));
        }
    }

    fn key(&self, event: &KeyboardEvent, histogram: Signal<Option<Histogram>>) {
        let Some(histogram) = histogram.get_untracked() else { return };
        let middle = |bar: &Bar| bar.x + bar.width / 2.0;
        let at = self.hover.get_untracked();
        let target = match event.key().as_str() {
            "ArrowRight" => histogram.bars.iter().find(|bar| at.is_none_or(|at| bar.x > at)),
            "ArrowLeft" => histogram.bars.iter().rev().find(|bar| at.is_none_or(|at| bar.x + bar.width < at)),
            "Enter" => {
                if let Some(bar) = at.and_then(|at| bar_at(&histogram, at)) {
                    set_range(&TimeRange::absolute(bar.at_ms, bar.end_ms));
                }
                None
            }
            _ => return,
        };
        event.prevent_default();
        if let Some(bar) = target {
            self.hover.set(Some(middle(bar)));
        }
    }
}

#[component]
fn Times(frame: Signal<Frame>) -> impl IntoView {
    let text = move |at_ms: i64| format::time(UnixNanos::from_millis(at_ms), url_state::zone());
    view! {
        <div class="times" aria-hidden="true">
            <span>{live(move || text(frame.get().from_ms))}</span>
            <span>{live(move || text((frame.get().from_ms + frame.get().to_ms) / 2))}</span>
            <span>{live(move || text(frame.get().to_ms))}</span>
        </div>
    }
}

fn bar_at(histogram: &Histogram, share: f64) -> Option<&Bar> {
    histogram.bars.iter().find(|bar| share >= bar.x && share <= bar.x + bar.width)
}
