//! Drawings of the log histogram: bars, brush, legend, table.

use super::severity_mark::shape;
use crate::components::status_mark::severity_word;
use crate::format;
use crate::model::decimal::fixed;
use crate::model::log_histogram::{self, Bar, Histogram};
use crate::url_state;
use leptos::prelude::*;
use wire::{Severity, UnixNanos};

/// Height of the plot in pixels, without the times below it.
pub const HEIGHT: f64 = 64.0;

pub fn hatch() -> AnyView {
    view! {
        <defs>
            <pattern id="sev-hatch" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
                <line class="sev-hatch" x1="0" x2="0" y1="0" y2="4" />
            </pattern>
        </defs>
    }
    .into_any()
}

pub fn bars(histogram: &Histogram, width: f64) -> AnyView {
    let bars: Vec<AnyView> = histogram.bars.iter().map(|bar| bar_mark(bar, width)).collect();
    view! { {bars} <line class="base" x1="0" x2=px(width) y1=px(HEIGHT) y2=px(HEIGHT) /> }.into_any()
}

/// A pixel of air between bars; small parts stay visible.
fn bar_mark(bar: &Bar, width: f64) -> AnyView {
    let (x, w) = (px(bar.x * width), px((bar.width * width - 1.0).max(1.0)));
    let part = |part: &log_histogram::Part| {
        let height = (part.height * HEIGHT).max(1.0);
        let y = px((part.y * HEIGHT).min(HEIGHT - height));
        let (class, _) = severity_word(part.severity);
        let hatch = (part.severity >= Severity::Error).then(|| {
            view! { <rect x=x.clone() y=y.clone() width=w.clone() height=px(height) fill="url(#sev-hatch)" /> }
        });
        view! {
            <rect class=format!("sev-fill {class}") x=x.clone() y=y.clone() width=w.clone() height=px(height) />
            {hatch}
        }
        .into_any()
    };
    bar.parts.iter().map(part).collect_view().into_any()
}

pub fn brush(a: f64, b: f64, width: f64) -> AnyView {
    let (left, right) = (a.min(b) * width, a.max(b) * width);
    view! { <rect class="brush" x=px(left) y="0" width=px(right - left) height=px(HEIGHT) /> }.into_any()
}

pub fn readout(bar: &Bar) -> String {
    let at = format::time(UnixNanos::from_millis(bar.at_ms), url_state::zone());
    let parts = bar.parts.iter().map(|part| {
        let (_, word) = severity_word(part.severity);
        format!("{} {}", format::count(part.n), word.to_ascii_lowercase())
    });
    format!("{at}: {}", parts.collect::<Vec<_>>().join(", "))
}

/// Least severe first, as the eye reads a stack from the top.
pub fn legend(histogram: &Histogram) -> Vec<AnyView> {
    let entry = |(severity, n): &(Severity, u64)| {
        let (class, word) = severity_word(*severity);
        let is_bad = *severity >= Severity::Error;
        view! {
            <span class="sev-key">
                <i class=format!("sev-box {class}") class:hatched=is_bad></i>
                {shape(*severity)} {word.to_ascii_lowercase()} " " <b title=format::exact(*n)>{format::count(*n)}</b>
            </span>
        }
        .into_any()
    };
    histogram.sums.iter().rev().map(entry).collect()
}

pub fn table(histogram: &Histogram) -> AnyView {
    let head = |(severity, _): &(Severity, u64)| {
        view! { <th scope="col" class="num">{severity_word(*severity).1.to_ascii_lowercase()}</th> }
            .into_any()
    };
    let row = |bar: &Bar| {
        let count =
            |severity| bar.parts.iter().find(|part| part.severity == severity).map_or(0, |part| part.n);
        let cells = histogram
            .sums
            .iter()
            .map(|(severity, _)| view! { <td class="num">{format::exact(count(*severity))}</td> });
        let at = format::time(UnixNanos::from_millis(bar.at_ms), url_state::zone());
        view! { <tr><td class="t2">{at}</td> {cells.collect_view()}</tr> }.into_any()
    };
    view! {
        <div class="chart-table" tabindex="0" role="region" aria-label="Records over time by severity" data-testid="logs-histogram-table">
            <table>
                <thead><tr><th scope="col">"from"</th> {histogram.sums.iter().map(head).collect_view()}</tr></thead>
                <tbody>{histogram.bars.iter().rev().map(row).collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn px(value: f64) -> String {
    fixed(value, 1)
}
