//! All log lines of the trace; each leads to its span.

use super::log_lines;
use super::state::TraceState;
use crate::api;
use crate::components::status_mark::severity_word;
use crate::components::{Empty, Panel, name};
use crate::erased::{derived, live, memo};
use crate::model::{log_text, order};
use crate::{format, url_state};
use leptos::prelude::*;
use wire::{LogList, LogRow};

#[component]
pub fn TraceLogs(state: TraceState) -> impl IntoView {
    let logs = api::fetched::<LogList>(move || {
        let model = state.model.get()?;
        Some(log_lines::path(&model.trace.trace_id, None, model.trace.started_at.0, 1_000))
    });
    let is_empty = move || logs.map(|logs| logs.rows.is_empty()) == Some(true);
    let empty = derived(move || is_empty().then(empty));
    let sql = derived(move || logs.map(|logs| logs.sql.clone()));
    let note = derived(move || logs.map(|logs| format::counted(logs.n_matched, "line", "lines")));
    let start = memo(move || state.model.get().map_or(0, |model| model.trace.started_at.0));
    view! {
        <Panel name="trace-logs" title="Logs of this trace" note=note state=logs.state() retry=logs.retry() empty=empty sql=sql>
            <div class="tbl"><table>
                <thead><tr>
                    <th scope="col">"offset"</th><th scope="col">"severity"</th><th scope="col">"service"</th>
                    <th scope="col">"message"</th>
                </tr></thead>
                <tbody>{live(move || logs.map(|logs| rows(logs, start.get())))}</tbody>
            </table></div>
        </Panel>
    }
}

fn rows(logs: &LogList, start_ns: i64) -> Vec<AnyView> {
    let mut rows: Vec<&LogRow> = logs.rows.iter().collect();
    order::sort_by_key(&mut rows, |row| row.at);
    rows.into_iter().map(|log| row(log, start_ns)).collect()
}

fn row(log: &LogRow, start_ns: i64) -> AnyView {
    let (class, word) = severity_word(log.severity);
    let body = log_text::line(&log.body);
    let message = match &log.span_id {
        Some(span_id) => {
            let href = url_state::link_here(&[("view", None), ("spanId", Some(span_id))]);
            view! { <a href=href data-row="">{body}</a> }.into_any()
        }
        None => view! { <span>{body}</span> }.into_any(),
    };
    view! {
        <tr class="row" data-testid="trace-logs-row">
            <td class="t3 num">{format::offset(log.at.0 - start_ns)}</td>
            <td class=class>{word}</td>
            <td>{name(&log.service)}</td>
            <td class="cut message">{message}</td>
        </tr>
    }
    .into_any()
}

fn empty() -> Empty {
    Empty {
        title: "No log line carries this trace id.".to_owned(),
        text: "Lines are joined by the trace id that the SDK's log bridge adds; logs without it are on the logs page.".to_owned(),
        is_suspicious: false,
        link: Some((untrack(|| url_state::link("/logs")), "All logs".to_owned())),
    }
}
