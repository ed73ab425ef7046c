//! `/logs`: records newest first, with a histogram by severity. The address holds the whole query.
//!
//! The list stays still while somebody reads it; what arrives meanwhile is counted on a button.

pub mod attribute_chips;
pub mod histogram;
pub mod histogram_marks;
pub mod log_detail;
pub mod log_list;
pub mod log_row;
pub mod query_bar;
pub mod severity_mark;
pub mod shown;

use crate::api;
use crate::components::Panel;
use crate::components::panel::Empty;
use crate::erased::{derived, memo};
use crate::format;
use crate::model::log_histogram;
use crate::model::log_query::LogQuery;
use crate::url_state;
use leptos::prelude::*;
use wire::LogList;

use shown::Hold;

#[component]
pub fn LogsPage() -> impl IntoView {
    let query = memo(query);
    let path = memo(move || url_state::api_path(&query.get().path()));
    let latest = api::polled::<LogList>(move || Some(path.get()));
    let hold = Hold::new();
    let shown = shown::shown(latest, path.into(), hold);
    let histogram = memo(move || shown.with(|shown| shown.list().map(layout)));
    let sentence = move || {
        let n_matched = shown.with(|shown| shown.list().map(|list| list.n_matched))?;
        histogram.with(|histogram| histogram.as_ref().map(|h| log_histogram::sentence(h, n_matched)))
    };
    let empty = move || {
        let is_empty = shown.with(|shown| shown.list().is_some_and(|list| list.rows.is_empty()));
        is_empty.then(|| nothing(&query.get()))
    };
    view! {
        <h1 class="sr">"Logs"</h1>
        <query_bar::QueryBar query=query.into() shown=shown />
        <Panel
            name="logs"
            state=latest.state()
            retry=latest.retry()
            title=derived(sentence)
            note=derived(move || shown.with(|shown| shown.list().and_then(cut_note)))
            sql=derived(move || latest.map(|list| list.sql.clone()))
            empty=derived(empty)
        >
            <histogram::LogHistogram histogram=histogram.into() shown=shown />
            <log_list::LogRows shown=shown latest=latest hold=hold />
        </Panel>
    }
}

/// The query of the address. Tracks.
fn query() -> LogQuery {
    LogQuery {
        text: url_state::param("q"),
        service: url_state::param("service"),
        severity: url_state::param("severity"),
        trace_id: url_state::param("trace_id"),
        span_id: url_state::param("span_id"),
        attributes: url_state::params("attr"),
    }
}

fn layout(list: &LogList) -> log_histogram::Histogram {
    log_histogram::layout(&list.histogram, list.from.millis(), list.to.millis(), list.step_s)
}

fn cut_note(list: &LogList) -> Option<String> {
    list.truncated.then(|| format!("The newest {} are listed.", format::exact(list.rows.len() as u64)))
}

fn nothing(query: &LogQuery) -> Empty {
    match query.is_filtered() {
        true => Empty {
            title: format!("No records {} in this range.", query.words()),
            text: "Remove a filter or choose a longer range.".to_owned(),
            is_suspicious: false,
            link: Some((url_state::link("/logs"), "Remove every filter".to_owned())),
        },
        false => Empty {
            title: "No log records in this range.".to_owned(),
            text: "Traces may still arrive: many SDKs send logs only when told to.".to_owned(),
            is_suspicious: true,
            link: Some((url_state::link("/send"), "How to send logs".to_owned())),
        },
    }
}
