//! The list: only the rows in view are in the document, and it holds still while it is read.

use super::log_row::{LogLine, log_row};
use super::shown::{Hold, Shown};
use crate::api::Fetch;
use crate::erased::{act, live, memo, text};
use crate::format;
use crate::model::decimal::fixed;
use crate::model::log_detail::{ROW_PX, detail_px};
use crate::model::{log_live, virtual_rows};
use crate::url_state;
use leptos::html::Div;
use leptos::prelude::*;
use std::sync::Arc;
use wire::LogList;

/// Parameter of the address: names of the opened rows, separated by commas.
const OPEN: &str = "open";
/// The window of rows follows the scroll position in steps, in pixels; below the margin of the window.
const SCROLL_STEP_PX: f64 = ROW_PX * 5.0;

#[component]
pub fn LogRows(shown: Memo<Shown>, latest: Fetch<LogList>, hold: Hold) -> impl IntoView {
    let node = NodeRef::<Div>::new();
    let scroll_px = RwSignal::new(0.0);
    let opened = memo(opened);
    let lines = memo(move || shown.with(|shown| Lines::of(shown.list())));
    let window = memo(move || lines.with(|lines| lines.window(&opened.get(), scroll_px.get())));
    let visible = move || {
        let window = window.get();
        lines.with(|lines| lines.0.get(window.start..window.end).map(<[LogLine]>::to_vec)).unwrap_or_default()
    };
    let n_waiting = memo(move || {
        let shown = shown.get();
        let rows = shown.list().map(|list| list.rows.as_slice()).unwrap_or_default();
        latest.map(|list| log_live::n_waiting(rows, &list.rows)).unwrap_or(0)
    });
    let release = move |_| {
        if let Some(list) = node.get_untracked() {
            list.set_scroll_top(0);
        }
        hold.releases.update(|n| *n += 1);
    };
    let scrolled = move |_| {
        let Some(list) = node.get_untracked() else { return };
        let top = f64::from(list.scroll_top());
        scroll_px.maybe_update(|px| replace(px, (top / SCROLL_STEP_PX).floor() * SCROLL_STEP_PX));
        hold.is_scrolled.maybe_update(|is_scrolled| replace(is_scrolled, top > 0.0));
    };
    let n_rows = move || lines.with(|lines| lines.0.len().to_string());
    let waiting = move || match n_waiting.get() {
        0 => None,
        n => Some(view! {
            <button class="btn small" type="button" data-testid="logs-new" on:click=act(release)>
                {format!("{} new, held while you read", format::count(n as u64))}
            </button>
        }),
    };
    view! {
        <div class="log-bar" aria-live="polite">{live(waiting)}</div>
        <div class="log-list" node_ref=node role="list" aria-label="Log records, newest first" data-testid="logs-list"
            data-rows=text(n_rows) on:scroll=act(scrolled)
            on:pointerenter=act(move |_| hold.is_hovered.set(true)) on:pointerleave=act(move |_| hold.is_hovered.set(false))
            on:focusin=act(move |_| hold.is_focused.set(true)) on:focusout=act(move |_| hold.is_focused.set(false))>
            <div class="gap" style:height=move || format!("{}px", fixed(window.get().above_px, 0))></div>
            <For each=visible key=|line| line.id.clone() children=move |line| log_row(line, opened, toggle) />
            <div class="gap" style:height=move || format!("{}px", fixed(window.get().below_px, 0))></div>
        </div>
    }
}

/// Every row of the answer with its name; shared, because rows are many and drawn few at a time.
#[derive(Clone, Default)]
struct Lines(Arc<Vec<LogLine>>);

impl PartialEq for Lines {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Lines {
    fn of(list: Option<&LogList>) -> Self {
        let Some(list) = list else { return Self::default() };
        let ids = log_live::ids(&list.rows);
        let line =
            |(id, row): (String, &wire::LogRow)| LogLine { id, row: Arc::new(row.clone()), now: list.to };
        Self(Arc::new(ids.into_iter().zip(&list.rows).map(line).collect()))
    }

    fn window(&self, opened: &[String], scroll_px: f64) -> virtual_rows::Window {
        let is_open = |line: &LogLine| opened.contains(&line.id);
        let tall: Vec<(usize, f64)> = self
            .0
            .iter()
            .enumerate()
            .filter(|(_, line)| is_open(line))
            .map(|(idx, line)| (idx, detail_px(&line.row)))
            .collect();
        virtual_rows::window(self.0.len(), ROW_PX, &tall, scroll_px, view_px() + SCROLL_STEP_PX)
    }
}

/// The list is never taller than the browser's window.
fn view_px() -> f64 {
    window().inner_height().ok().and_then(|height| height.as_f64()).unwrap_or(1_000.0)
}

/// Names of the opened rows. Tracks.
fn opened() -> Vec<String> {
    let names = url_state::param(OPEN).unwrap_or_default();
    names.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn toggle(id: &str) {
    let mut names = untrack(opened);
    match names.iter().position(|name| name == id) {
        Some(idx) => {
            names.remove(idx);
        }
        None => names.push(id.to_owned()),
    }
    let text = names.join(",");
    url_state::replace_params(&[(OPEN, (!text.is_empty()).then_some(text.as_str()))]);
}

/// True when the value changed, so that nobody is told about nothing.
fn replace<T: PartialEq>(slot: &mut T, value: T) -> bool {
    let is_new = *slot != value;
    *slot = value;
    is_new
}
