//! Where the added time of slow requests lies: their critical path before and now, part by part.

use super::Sheet;
use super::lane::{self, bar, percent};
use super::section::{Head, Place, section};
use crate::format;
use crate::model::{log_text, report_blocks};
use leptos::prelude::*;
use wire::{TriageLatency, TriagePart};

/// Parts thinner than this many percent are not drawn; the table has them.
const WIDTH_MIN: f64 = 0.2;

pub(super) fn path(sheet: &Sheet<'_>, place: Place) -> AnyView {
    let Some(latency) = &sheet.report.latency else { return ().into_any() };
    let added = format::offset(report_blocks::nanos(latency.now_ns - latency.before_ns));
    let said = format!("{} {added} on the critical path.", log_text::line(&latency.cohort));
    let head = Head { name: "path", title: "Where the added time lies", said, body: Some(body(latency)) };
    section(place, head, lane::empty(sheet), Vec::new())
}

fn body(latency: &TriageLatency) -> AnyView {
    let [before, now] = report_blocks::stack(latency);
    let rows: Vec<AnyView> = latency.parts.iter().enumerate().map(|(i, part)| row(part, i == 0)).collect();
    view! {
        <div class="stack">
            {stack("before", "base", "p-base", &before, latency.before_ns)}
            {stack("now", "now", "p-now", &now, latency.now_ns)}
        </div>
        <table class="plain parts">
            <thead><tr>
                <th scope="col">"part"</th>
                <th scope="col" class="num">"before"</th>
                <th scope="col" class="num">"now"</th>
                <th scope="col" class="num">"added"</th>
                <th scope="col" class="num" colspan="2">"share of added"</th>
            </tr></thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}

/// The part that added most is painted, the others are context.
fn stack(
    words: &'static str,
    class: &'static str,
    main: &'static str,
    widths: &[f64],
    whole_ns: f64,
) -> AnyView {
    let wide = widths.iter().enumerate().filter(|(_, width)| **width >= WIDTH_MIN);
    let pieces: Vec<AnyView> = wide
        .map(|(i, width)| {
            let paint = if i == 0 { main } else { "p-rest" };
            view! { <i class=paint style:width=percent(*width) /> }.into_any()
        })
        .collect();
    view! {
        <span class=class>{words}</span> <div class="b">{pieces}</div>
        <b class="num">{format::duration(report_blocks::nanos(whole_ns))}</b>
    }
    .into_any()
}

fn row(part: &TriagePart, is_first: bool) -> AnyView {
    let (service, what) = report_blocks::part_words(part);
    let duration = |ns: f64| format::duration(report_blocks::nanos(ns));
    view! {
        <tr data-testid="path-part" class:strong=is_first>
            <td class="cut">{service} " " <span class="t3">{what}</span></td>
            <td class="num">{duration(part.before_ns)}</td>
            <td class="num">{duration(part.now_ns)}</td>
            <td class="num">{format::offset(report_blocks::nanos(part.added_ns))}</td>
            <td class="sh">{bar(report_blocks::share(part.share, 1.0), if is_first { "p-now" } else { "p-rest" })}</td>
            <td class="num">{format::percent(part.share)}</td>
        </tr>
    }
    .into_any()
}
