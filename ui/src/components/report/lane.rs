//! The shared axis: its head, and the lane of each row with bars, a moment, or nothing but the onset.

use super::Sheet;
use crate::components::icon;
use crate::format;
use crate::model::chart::Unit;
use crate::model::decimal::fixed;
use crate::model::{log_text, report_axis, report_blocks, report_verdict};
use leptos::prelude::*;
use wire::{TriageMark, UnixNanos};

/// Places from here on have their words at the left, where there is room.
const FLIP_FROM: f64 = 55.0;

/// Words at the left, their place on the axis at the right.
pub(super) fn row(say: AnyView, lane: AnyView) -> AnyView {
    view! { <div class="ev"><div class="say">{say}</div>{lane}</div> }.into_any()
}

/// A legend, the marks of the data, and the axis with the onset.
pub(super) fn head(sheet: &Sheet<'_>) -> AnyView {
    let zone = sheet.zone;
    let near = sheet.report.window.to;
    let turn = sheet.report.onset.map_or(sheet.report.window.from, |onset| onset.at);
    let since = format!("now, since {}", format::time_near(turn, near, zone));
    let marks: Vec<AnyView> = sheet.report.marks.iter().map(mark).collect();
    let tick = |(place, text): (f64, String)| {
        view! { <i class="tick" style:left=percent(place)>{text}</i> }.into_any()
    };
    let ticks: Vec<AnyView> = sheet.axis.ticks(zone).into_iter().map(tick).collect();
    let onset = report_verdict::onset(sheet.report, zone).zip(sheet.axis.onset());
    let onset = onset.map(|(words, (place, ..))| words_at(place, "words now strong", words));
    view! {
        <div class="ev axis">
            <div class="legend">
                <span class="key p-base">"before"</span> <span class="key p-now">{since}</span>
                <span class="t3">{zone.name()}</span> {marks}
            </div>
            {lane(sheet, "lane", view! { {onset} {ticks} }.into_any())}
        </div>
    }
    .into_any()
}

/// Glyph and word; the sentence is its title, and stands in the rail.
fn mark(mark: &TriageMark) -> AnyView {
    let symbol = match mark.kind.as_str() {
        "sampled" => "theme",
        "late" => "late",
        "skew" => "est",
        _ => "partial",
    };
    let words = log_text::line(&mark.kind.replace('_', " "));
    view! { <span class="mark" title=log_text::line(&mark.sentence)>{icon(symbol)} {words}</span> }.into_any()
}

/// Nothing but the onset.
pub(super) fn empty(sheet: &Sheet<'_>) -> AnyView {
    lane(sheet, "lane none", ().into_any())
}

/// When something happened, in a word; nothing where that lies outside.
pub(super) fn moment(
    sheet: &Sheet<'_>,
    at: Option<UnixNanos>,
    words: String,
    class: &'static str,
) -> AnyView {
    let Some(place) = at.and_then(|at| sheet.axis.place(at)) else { return empty(sheet) };
    let words = words_at(place, "words", words);
    let class = format!("moment {class}");
    lane(sheet, "lane", view! { <i class=class style:left=percent(place) /> {words} }.into_any())
}

fn words_at(place: f64, class: &str, words: String) -> AnyView {
    let flip = if place >= FLIP_FROM { " flip" } else { "" };
    view! { <span class=format!("{class}{flip}") style:left=percent(place)>{words}</span> }.into_any()
}

/// Numbers over the axis with what they are, before and now.
pub(super) struct Bars<'a> {
    pub(super) values: &'a [Option<f64>],
    /// A series of which `values` are a part.
    pub(super) whole: &'a [Option<f64>],
    pub(super) caption: &'a str,
}

pub(super) fn bars(sheet: &Sheet<'_>, of: &Bars<'_>) -> AnyView {
    let high = report_axis::high(&[of.values, of.whole]);
    let whole = sheet.axis.bars(of.whole, high);
    let drawn = sheet.axis.bars(of.values, high);
    let (before, now) = sheet.axis.means(of.values);
    let unit = Unit::Scaled { factor: 1.0, suffix: String::new() };
    let [before, now] = [before, now].map(|value| report_blocks::value(value, &unit));
    let label = format!("{}: {before} before, {now} now", of.caption);
    let content = view! {
        <svg class="bars" viewBox="0 0 1000 40" preserveAspectRatio="none" role="img" aria-label=label>
            <path class="gap" d=drawn.gaps />
            <path class="fill p-rest" d=whole.before + &whole.now />
            <path class="fill p-base" d=drawn.before />
            <path class="fill p-now" d=drawn.now />
        </svg>
        <span class="cap" aria-hidden="true">
            {of.caption.to_owned()} <span><span class="base">{before}</span> " \u{2192} " <b class="now">{now}</b></span>
        </span>
    };
    lane(sheet, "lane", content.into_any())
}

fn lane(sheet: &Sheet<'_>, class: &'static str, content: AnyView) -> AnyView {
    let onset = sheet.axis.onset().map(|(at, from, width)| {
        view! { <i class="unsure" style:left=percent(from) style:width=percent(width) /> <i class="onset" style:left=percent(at) /> }
            .into_any()
    });
    view! { <div class=class>{onset} {content}</div> }.into_any()
}

/// A bar whose whole is its box.
pub(super) fn bar(share: f64, paint: &'static str) -> AnyView {
    view! { <span class="bar"><i class=paint style:width=percent(share * 100.0) /></span> }.into_any()
}

pub(super) fn percent(place: f64) -> String {
    fixed(place, 2) + "%"
}
