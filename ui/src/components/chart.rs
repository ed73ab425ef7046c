//! A chart over time: lines or bars, crosshair with readout, brush that sets the range.
//!
//! Drag along the time axis to zoom, Back undoes it. With the keyboard: left and right move the
//! crosshair, shift makes the step large, enter marks the first end of a range and then the second.
//! `as_table` shows the same numbers as a table.

use crate::components::chart_group::ChartGroup;
use crate::components::data_table::ChartTable;
use crate::components::measure;
use crate::erased::{act, live, memo, text};
use crate::format::{self, Zone};
use crate::model::chart::{self, ChartData, Dash, Frame, Marks};
use crate::model::decimal::fixed;
use crate::url_state;
use leptos::ev::{KeyboardEvent, PointerEvent};
use leptos::html::Div;
use leptos::prelude::*;
use std::sync::Arc;
use wire::UnixNanos;

/// Pixels at the right for the labels at the ends of lines; the same in all charts of a group.
const RIGHT: f64 = 40.0;
/// Pixels below the plot for the labels of the time axis.
const AXIS: f64 = 20.0;
/// A drag shorter than this many pixels was a click.
const DRAG_PX: f64 = 5.0;
/// Distance between two labels at the right edge.
const LABEL_GAP: f64 = 12.0;

#[component]
pub fn Chart(
    #[prop(into)] data: Signal<Option<ChartData>>,
    /// What the chart shows, as one phrase.
    #[prop(into)]
    label: Signal<String>,
    /// Height of the plot in pixels, without the axis.
    height: u32,
    /// Draws the labels of the time axis; in a group only the last chart does.
    #[prop(default = true)]
    axis: bool,
    /// Points in time worth a mark on the base line, such as releases.
    #[prop(optional, into)]
    moments: MaybeProp<Vec<(i64, String)>>,
    #[prop(optional, into)] as_table: MaybeProp<bool>,
    testid: &'static str,
) -> impl IntoView {
    let data = memo(move || data.get().map(Arc::new));
    let node = NodeRef::<Div>::new();
    let width = measure::width_of(node);
    let group = ChartGroup::current();
    let height = f64::from(height);
    let frame = memo(move || {
        let width = width.get() - RIGHT;
        data.with(|data| data.as_deref().map(|data| Frame::of(data, width.max(1.0), height)))
    });
    let pictured = move || {
        let (data, frame) = (data.get()?, frame.get()?);
        Some(picture(&data, &frame, axis, url_state::zone()))
    };
    let marked = move || frame.get().map(|frame| moment_marks(&frame, &moments.get().unwrap_or_default()));
    let hovered = move || {
        let (data, frame) = (data.get()?, frame.get()?);
        hover_layer(&data, &frame, group.hover_ms.get()?)
    };
    let brushed = move || brush_layer(&frame.get()?, group.drag_ms.get()?, axis);
    let readout = move || {
        let (data, frame) = (data.get()?, frame.get()?);
        readout(&data, &frame, group.hover_ms.get()?)
    };
    let full_height = height + if axis { AXIS } else { 0.0 };
    let pointer = Pointer { node, frame, group };
    let plot = move || {
        view! {
            <div class="plot" node_ref=node tabindex="0" role="group" aria-label=text(move || label.get()) data-testid=testid
                style:height=format!("{}px", fixed(full_height, 0))
                on:pointerdown=act(move |event| pointer.down(&event))
                on:pointermove=act(move |event| pointer.moved(&event))
                on:pointerup=act(move |_| pointer.up())
                on:pointercancel=act(move |_| group.drag_ms.set(None))
                on:pointerleave=act(move |_| group.hover_ms.set(None))
                on:blur=act(move |_| group.hover_ms.set(None))
                on:keydown=act(move |event| pointer.key(&event, data.with(|data| step_ms(data.as_deref()))))>
                <svg class="c" aria-hidden="true">{live(pictured)} {live(marked)} {live(hovered)} {live(brushed)}</svg>
                {live(readout)}
            </div>
        }
    };
    let table = move || view! { <ChartTable data=Signal::from(data) label=label /> };
    view! {
        <div class="chart" class:bare=!axis>
            {live(move || if as_table.get() == Some(true) { table().into_any() } else { plot().into_any() })}
        </div>
    }
}

fn step_ms(data: Option<&ChartData>) -> i64 {
    data.map_or(1_000, |data| data.step_ms.max(1))
}

/// What pointer and keys do to the group of a chart.
#[derive(Clone, Copy)]
struct Pointer {
    node: NodeRef<Div>,
    frame: Memo<Option<Frame>>,
    group: ChartGroup,
}

impl Pointer {
    fn at_ms(&self, event: &PointerEvent) -> Option<i64> {
        let left = self.node.get_untracked()?.get_bounding_client_rect().left();
        let frame = self.frame.get_untracked()?;
        Some(frame.at_ms(f64::from(event.client_x()) - left))
    }

    fn down(&self, event: &PointerEvent) {
        if event.button() != 0 {
            return;
        }
        if let (Some(at_ms), Some(node)) = (self.at_ms(event), self.node.get_untracked()) {
            // Without capture a drag that leaves the chart ends at its edge.
            let _ = node.set_pointer_capture(event.pointer_id());
            self.group.drag_ms.set(Some((at_ms, at_ms)));
        }
    }

    fn moved(&self, event: &PointerEvent) {
        let Some(at_ms) = self.at_ms(event) else { return };
        self.group.hover_ms.set(Some(at_ms));
        if let Some((start_ms, _)) = self.group.drag_ms.get_untracked() {
            self.group.drag_ms.set(Some((start_ms, at_ms)));
        }
    }

    fn up(&self) {
        self.group.finish_drag(self.drag_ms_min());
    }

    fn drag_ms_min(&self) -> i64 {
        let frame = self.frame.get_untracked();
        frame.map_or(1, |frame| frame.at_ms(DRAG_PX) - frame.from_ms).max(1)
    }

    fn key(&self, event: &KeyboardEvent, step_ms: i64) {
        let Some(frame) = self.frame.get_untracked() else { return };
        let large = if event.shift_key() { 10 } else { 1 };
        let at_ms = self.group.hover_ms.get_untracked().unwrap_or((frame.from_ms + frame.to_ms) / 2);
        match event.key().as_str() {
            "ArrowLeft" => self.move_to(at_ms - large * step_ms, &frame),
            "ArrowRight" => self.move_to(at_ms + large * step_ms, &frame),
            "Enter" if self.group.drag_ms.get_untracked().is_some() => self.up(),
            "Enter" => self.group.drag_ms.set(Some((at_ms, at_ms))),
            "Escape" => self.group.drag_ms.set(None),
            _ => return,
        }
        event.prevent_default();
        event.stop_propagation();
    }

    fn move_to(&self, at_ms: i64, frame: &Frame) {
        let at_ms = at_ms.clamp(frame.from_ms, frame.to_ms);
        self.group.hover_ms.set(Some(at_ms));
        self.group.drag_ms.update(|drag| {
            if let Some((_, end_ms)) = drag {
                *end_ms = at_ms;
            }
        });
    }
}

fn picture(data: &ChartData, frame: &Frame, axis: bool, zone: Zone) -> AnyView {
    view! {
        {time_grid(data, frame, axis, zone)}
        {value_grid(data, frame)}
        {data.series.iter().map(|series| series_mark(data, frame, series)).collect_view()}
        {level_lines(data, frame)}
        {end_labels(data, frame)}
    }
    .into_any()
}

fn time_grid(data: &ChartData, frame: &Frame, axis: bool, zone: Zone) -> Vec<AnyView> {
    let tick = |(at_ms, text): (i64, String)| {
        let x = px(frame.x(at_ms));
        let label = axis.then(|| {
            let y = px(frame.height + 15.0);
            view! { <text x=x.clone() y=y text-anchor="middle">{text}</text> }
        });
        view! { <line class="grid" x1=x.clone() x2=x y1="0" y2=px(frame.height) /> {label} }.into_any()
    };
    chart::time_ticks(data.from_ms, data.to_ms, frame.width, zone).into_iter().map(tick).collect()
}

fn value_grid(data: &ChartData, frame: &Frame) -> Vec<AnyView> {
    let tick = |value: f64| {
        let y = frame.y(value);
        let class = if value == 0.0 { "zero" } else { "grid" };
        let label = (value != 0.0).then(|| {
            view! { <text x="-8" y=px(y + 4.0) text-anchor="end">{data.unit.text(value)}</text> }
        });
        view! { <line class=class x1="0" x2=px(frame.width) y1=px(y) y2=px(y) /> {label} }.into_any()
    };
    chart::value_ticks(frame).into_iter().map(tick).collect()
}

fn series_mark(data: &ChartData, frame: &Frame, series: &chart::Series) -> AnyView {
    match data.marks {
        Marks::Lines => {
            let path = chart::line_path(frame, series, data.step_ms);
            let class = format!("line {} {}", series.paint, dash_class(series.dash));
            view! { <path class="halo" d=path.clone() /> <path class=class d=path /> }.into_any()
        }
        Marks::Bars => {
            let path = chart::bar_path(frame, series, data.step_ms);
            view! { <path class=format!("fill {}", series.paint) d=path /> }.into_any()
        }
    }
}

fn dash_class(dash: Dash) -> &'static str {
    match dash {
        Dash::Solid => "",
        Dash::Dashed => "dashed",
        Dash::Dotted => "dotted",
    }
}

fn level_lines(data: &ChartData, frame: &Frame) -> Vec<AnyView> {
    let line = |(value, text): &(f64, String)| {
        let y = frame.y(*value);
        view! {
            <line class="level" x1="0" x2=px(frame.width) y1=px(y) y2=px(y) />
            <text class="v halo-text" x="6" y=px(y - 5.0)>{text.clone()}</text>
        }
        .into_any()
    };
    data.levels.iter().map(line).collect()
}

fn moment_marks(frame: &Frame, moments: &[(i64, String)]) -> Vec<AnyView> {
    let is_inside = |at_ms: &i64| (frame.from_ms..=frame.to_ms).contains(at_ms);
    let mark = |(at_ms, text): &(i64, String)| {
        let (x, y) = (frame.x(*at_ms), frame.height);
        let flag = format!("M{} {}v-10l5 5z", px(x), px(y));
        view! { <path class="flag" d=flag /> <text class="v halo-text" x=px(x + 9.0) y=px(y - 2.0)>{text.clone()}</text> }
            .into_any()
    };
    moments.iter().filter(|(at_ms, _)| is_inside(at_ms)).map(mark).collect()
}

/// Names of the lines where they end; only while they are few enough to be told apart.
fn end_labels(data: &ChartData, frame: &Frame) -> Vec<AnyView> {
    const LINES_MAX: usize = 4;
    /// Characters that fit into the margin at the right; longer names need a legend.
    const NAME_CHARS_MAX: usize = 8;
    let is_named = data.marks == Marks::Lines
        && data.series.len() <= LINES_MAX
        && data.series.iter().all(|series| series.label.chars().count() <= NAME_CHARS_MAX);
    let last = |series: &chart::Series| {
        let (at_ms, value) = series.points.iter().rev().find_map(|(at, value)| Some((*at, (*value)?)))?;
        let x = frame.x(at_ms + data.step_ms / 2) + 4.0;
        Some((series.label.clone(), x, frame.y(value) + 4.0))
    };
    let ends: Vec<_> = data.series.iter().filter(|_| is_named).filter_map(last).collect();
    let wanted: Vec<f64> = ends.iter().map(|(_, _, y)| *y).collect();
    let placed = chart::spread(&wanted, LABEL_GAP, frame.height);
    let text = |((label, x, _), y): ((String, f64, f64), f64)| {
        view! { <text class="v" x=px(x) y=px(y)>{label}</text> }.into_any()
    };
    ends.into_iter().zip(placed).map(text).collect()
}

fn hover_layer(data: &ChartData, frame: &Frame, at_ms: i64) -> Option<AnyView> {
    let is_inside = (frame.from_ms..=frame.to_ms).contains(&at_ms);
    let idx = chart::step_at(data, at_ms);
    let x = frame.x(idx.map_or(at_ms, |idx| data.series[0].points[idx].0 + data.step_ms / 2));
    let dot = |series: &chart::Series| {
        let value = series.points.get(idx?)?.1?;
        let class = format!("dot {}", series.paint);
        Some(view! { <circle class=class cx=px(x) cy=px(frame.y(value)) r="3.5" /> }.into_any())
    };
    let is_line = data.marks == Marks::Lines;
    let dots: Vec<AnyView> = data.series.iter().filter(|_| is_line).filter_map(dot).collect();
    let line = view! { <line class="cross" x1=px(x) x2=px(x) y1="0" y2=px(frame.height) /> {dots} };
    is_inside.then(|| line.into_any())
}

/// Value and time under the crosshair, beside it.
fn readout(data: &ChartData, frame: &Frame, at_ms: i64) -> Option<AnyView> {
    let idx = chart::step_at(data, at_ms)?;
    let zone = url_state::zone();
    let start_ms = data.series[0].points[idx].0;
    let value = |series: &chart::Series| {
        let value = series.points.get(idx).and_then(|(_, value)| *value);
        let text = value.map_or_else(|| format::MISSING.to_owned(), |value| data.unit.text(value));
        view! { <b>{text}</b> <span>{series.label.clone()}</span> }.into_any()
    };
    let x = frame.x(start_ms + data.step_ms / 2);
    let is_right = x > frame.width * 0.6;
    let place = if is_right { x - 8.0 } else { x + 8.0 };
    let values: Vec<AnyView> = data.series.iter().take(12).map(value).collect();
    let time = format::time_near(UnixNanos::from_millis(start_ms), UnixNanos::from_millis(data.to_ms), zone);
    Some(
        view! {
            <div class="readout" class:flip=is_right style:left=px(place) + "px" aria-live="polite">
                <span class="when">{time}</span>
                <div class="vals">{values}</div>
            </div>
        }
        .into_any(),
    )
}

fn brush_layer(frame: &Frame, (a, b): (i64, i64), is_last: bool) -> Option<AnyView> {
    let (left, right) = (frame.x(a.min(b)), frame.x(a.max(b)));
    let middle = px((left + right) / 2.0);
    let caption = format!("zoom {}", format::duration((a - b).abs().saturating_mul(1_000_000)));
    let text = is_last.then(|| {
        view! { <text class="caption" x=middle y="12" text-anchor="middle">{caption}</text> }
    });
    let shape = view! {
        <rect class="brush" x=px(left) y="0" width=px(right - left) height=px(frame.height) />
        {text}
    };
    (right - left >= 1.0).then(|| shape.into_any())
}

/// A coordinate with a tenth of a pixel.
fn px(value: f64) -> String {
    fixed(value, 1)
}
