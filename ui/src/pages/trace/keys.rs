//! Keys of the trace page. They rest while a field has the focus.

use super::state::TraceState;
use crate::components::shell::is_writing;
use crate::url_state;
use leptos::ev::KeyboardEvent;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

/// Rows that `s` and `w` move by: most of a screen.
const PAGE_ROWS: isize = 20;

pub fn listen(state: TraceState) {
    let listener = window_event_listener(leptos::ev::keydown, move |event| {
        if (event.ctrl_key() || event.meta_key()) && event.key() == "b" {
            event.prevent_default();
            focus_search();
        } else if is_plain(&event) && act(state, &event.key()) {
            event.prevent_default();
        }
    });
    on_cleanup(move || listener.remove());
}

fn is_plain(event: &KeyboardEvent) -> bool {
    let has_modifier = event.ctrl_key() || event.meta_key() || event.alt_key();
    !has_modifier && !event.default_prevented() && !is_writing(event)
}

fn act(state: TraceState, key: &str) -> bool {
    match key {
        "f" => state.step(1),
        "b" => state.step(-1),
        "s" => state.step(PAGE_ROWS),
        "w" => state.step(-PAGE_ROWS),
        "]" => state.fold_all(true),
        "[" => state.fold_all(false),
        "p" => state.fold_level(-1),
        "o" => state.fold_level(1),
        "n" => state.step_match(1),
        "N" => state.step_match(-1),
        "Escape" if untrack(|| url_state::param("find")).is_some() => url_state::set_param("find", None),
        "Escape" => state.clear_selection(),
        _ => return false,
    }
    true
}

/// Arrow keys inside the grid: up and down move, right opens or goes in, left closes or goes out.
pub fn grid_key(state: TraceState, event: &KeyboardEvent) {
    match event.key().as_str() {
        "ArrowDown" => state.step(1),
        "ArrowUp" => state.step(-1),
        "PageDown" => state.step(PAGE_ROWS),
        "PageUp" => state.step(-PAGE_ROWS),
        "Home" => state.step(isize::MIN),
        "End" => state.step(isize::MAX),
        "ArrowRight" => open_or_enter(state),
        "ArrowLeft" => close_or_leave(state),
        _ => return,
    }
    event.prevent_default();
}

fn open_or_enter(state: TraceState) {
    let (Some(model), Some(node)) = (state.model.get_untracked(), state.selected.get_untracked()) else {
        return;
    };
    let has_children = model.waterfall.nodes[node].n_below > 0;
    if has_children && untrack(|| state.is_closed(node)) {
        state.toggle(node);
    } else if has_children {
        state.step(1);
    }
}

fn close_or_leave(state: TraceState) {
    let (Some(model), Some(node)) = (state.model.get_untracked(), state.selected.get_untracked()) else {
        return;
    };
    let row = &model.waterfall.nodes[node];
    if row.n_below > 0 && !untrack(|| state.is_closed(node)) {
        state.toggle(node);
    } else if let Some(parent) = row.parent {
        state.select(parent, false);
    }
}

fn focus_search() {
    if let Ok(Some(field)) = document().query_selector("main [data-query]")
        && let Ok(field) = field.dyn_into::<web_sys::HtmlElement>()
    {
        // A field that cannot take the focus leaves it where it is.
        let _ = field.focus();
    }
}
