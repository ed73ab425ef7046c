//! One record: a line, and when opened everything that came with it.

use super::log_detail::log_detail;
use super::severity_mark::severity_mark;
use crate::components::{icon, name};
use crate::erased::{act, live, memo, text};
use crate::model::address::encode;
use crate::model::decimal::fixed;
use crate::model::{log_detail::detail_px, log_text};
use crate::{format, url_state};
use leptos::ev::MouseEvent;
use leptos::prelude::*;
use std::sync::Arc;
use wasm_bindgen::JsCast;
use wire::{LogRow, UnixNanos};

#[derive(Clone)]
pub struct LogLine {
    /// Stable between answers.
    pub id: String,
    pub row: Arc<LogRow>,
    /// End of the answer's range, to know which times need a date.
    pub now: UnixNanos,
}

/// Further apart than this, in pixels, press and release were a selection of text and no click.
const CLICK_PX: i32 = 4;

pub fn log_row(line: LogLine, opened: Memo<Vec<String>>, toggle: fn(&str)) -> AnyView {
    let LogLine { id, row, now } = line;
    let at = row.at;
    let own = id.clone();
    let is_open = memo(move || opened.with(|names| names.contains(&own)));
    let pressed_at = StoredValue::new((0, 0));
    let clicked = move |event: MouseEvent| {
        let (x, y) = pressed_at.get_value();
        let moved = (event.client_x() - x).abs().max((event.client_y() - y).abs());
        // A key on the button is a click without a position.
        let is_click = event.detail() == 0 || moved <= CLICK_PX;
        if is_click && !is_link(&event) {
            toggle(&id);
        }
    };
    let detail_row = Arc::clone(&row);
    let detail = move || {
        is_open.get().then(|| {
            let height = format!("{}px", fixed(detail_px(&detail_row), 0));
            view! { <div class="log-detail" style:height=height tabindex="0">{log_detail(&detail_row)}</div> }
        })
    };
    view! {
        <div class="log-row" class:open=is_open role="listitem" data-testid="logs-row">
            <div
                class="log-line"
                on:pointerdown=act(move |event: leptos::ev::PointerEvent| pressed_at.set_value((event.client_x(), event.client_y())))
                on:click=act(clicked)
            >
                <button class="disclose" type="button" data-row="" aria-label="All fields"
                    aria-expanded=text(move || is_open.get().to_string())>{icon("trr")}</button>
                <time class="log-at" title=text(move || format::date_time(at, url_state::zone()))>
                    {live(move || at_text(at, now))}
                </time>
                {severity_mark(row.severity)}
                <span class="log-svc">{name(&row.service)}</span>
                <span class="log-body" data-testid="logs-body">{log_text::line(&row.body)}</span>
                {row.trace_id.as_deref().map(|id| trace_link(id, row.span_id.as_deref()))}
            </div>
            {live(detail)}
        </div>
    }
    .into_any()
}

fn is_link(event: &MouseEvent) -> bool {
    let element = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    element.is_some_and(|element| matches!(element.closest("a"), Ok(Some(_))))
}

/// Milliseconds always, the day only where it is not the newest one.
fn at_text(at: UnixNanos, now: UnixNanos) -> String {
    let zone = url_state::zone();
    let day = format::date(at, zone);
    match day == format::date(now, zone) {
        true => format::time_ms(at, zone),
        false => format!("{} {}", &day[5..], format::time(at, zone)),
    }
}

fn trace_link(trace_id: &str, span_id: Option<&str>) -> AnyView {
    let span = span_id.map(|id| format!("?spanId={}", encode(id))).unwrap_or_default();
    let path = format!("/trace/{}{span}", encode(trace_id));
    view! {
        <a class="link go" data-testid="logs-trace-link" href=text(move || url_state::link(&path)) title=trace_id.to_owned()>
            "trace"
        </a>
    }
    .into_any()
}
