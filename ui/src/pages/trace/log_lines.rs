//! Log lines of a span or of the whole trace, by their offset from the trace's start.

use crate::api;
use crate::components::status_mark::severity_word;
use crate::erased::live;
use crate::format;
use crate::model::{log_text, name_text, order};
use leptos::prelude::*;
use wire::{LogList, LogRow, UnixNanos};

/// Clocks and delays: lines this long before the start and after the end still belong to the trace.
const AROUND_MS: i64 = 3_600_000;

/// The question for the lines of a trace, or of one span of it.
pub fn path(trace_id: &str, span_id: Option<&str>, start_ns: i64, limit: u32) -> String {
    let at_ms = UnixNanos(start_ns).millis();
    let span = span_id.map(|id| format!("&span_id={id}")).unwrap_or_default();
    format!(
        "/logs?trace_id={trace_id}{span}&from={}&to={}&limit={limit}",
        at_ms - AROUND_MS,
        at_ms + AROUND_MS
    )
}

#[component]
pub fn SpanLogs(ids: Memo<Option<(String, String)>>, start: Memo<i64>) -> impl IntoView {
    let logs = api::fetched::<LogList>(move || {
        let (trace_id, span_id) = ids.get()?;
        Some(path(&trace_id, Some(&span_id), start.get(), 100))
    });
    let n = move || logs.map(|logs| format::counted(logs.n_matched, "line", "lines"));
    let failure =
        move || logs.state().with(|state| state.failure.as_ref().map(|failure| failure.message.clone()));
    let lines = move || logs.get().map(|logs| lines(&logs.rows, start.get(), "span-logs-row"));
    view! {
        <section data-testid="span-logs">
            <div class="label">"Logs of this span" <span>{live(n)}</span></div>
            <p class="dense bad" role="alert">{live(failure)}</p>
            {live(lines)}
        </section>
    }
}

/// Oldest first, as the span wrote them.
pub fn lines(rows: &[LogRow], start_ns: i64, testid: &'static str) -> AnyView {
    let mut rows: Vec<&LogRow> = rows.iter().collect();
    order::sort_by_key(&mut rows, |row| row.at);
    if rows.is_empty() {
        return view! { <p class="dense t2">"No log line carries this id."</p> }.into_any();
    }
    let rows: Vec<AnyView> = rows.into_iter().map(|row| line(row, start_ns, testid)).collect();
    view! { <div class="lg">{rows}</div> }.into_any()
}

fn line(row: &LogRow, start_ns: i64, testid: &'static str) -> AnyView {
    let (class, word) = severity_word(row.severity);
    view! {
        <div class="lr" data-testid=testid>
            <span class="t3">{format::offset(row.at.0 - start_ns)}</span>
            <span class=class>{word}</span>
            <span class="cut" title=name_text::title(&row.body)>{log_text::line(&row.body)}</span>
        </div>
    }
    .into_any()
}
