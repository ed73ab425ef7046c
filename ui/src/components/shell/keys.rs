//! Keys that work on every page. Single keys rest while a field has the focus or a dialog is open.

use super::{Handles, nav::GROUPS};
use crate::url_state;
use leptos::ev::KeyboardEvent;
use leptos::html::Dialog;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

/// How long `g` waits for its letter, in milliseconds.
const CHORD_MS: f64 = 1_500.0;

pub(super) fn listen(handles: Handles) {
    let g_at_ms = StoredValue::new(f64::NEG_INFINITY);
    let listener = window_event_listener(leptos::ev::keydown, move |event| {
        let is_command = event.ctrl_key() || event.meta_key();
        if is_command && event.key().eq_ignore_ascii_case("k") {
            event.prevent_default();
            focus_jump(handles);
        } else if !is_command && !event.alt_key() && !is_writing(&event) && !event.default_prevented() {
            single_key(&event, handles, g_at_ms);
        }
    });
    on_cleanup(move || listener.remove());
}

/// True when a letter belongs to what has the focus.
pub fn is_writing(event: &KeyboardEvent) -> bool {
    let target = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    const OWNERS: &str = "input:not([type=checkbox]), textarea, select, dialog, [popover]";
    target.is_some_and(|element| matches!(element.closest(OWNERS), Ok(Some(_))))
}

fn single_key(event: &KeyboardEvent, handles: Handles, g_at_ms: StoredValue<f64>) {
    let key = event.key();
    let is_chord = event.time_stamp() - g_at_ms.get_value() < CHORD_MS;
    g_at_ms.set_value(if key == "g" { event.time_stamp() } else { f64::NEG_INFINITY });
    match key.as_str() {
        letter if is_chord => go_to(letter, event),
        "/" => {
            event.prevent_default();
            focus_query(handles);
        }
        "?" => open(handles.sheet),
        "y" => click("share"),
        "j" | "k" => move_row(key == "j", event),
        _ => {}
    }
}

fn go_to(letter: &str, event: &KeyboardEvent) {
    let target = GROUPS.iter().flat_map(|group| group.iter()).find(|(_, _, key)| *key == letter);
    if let Some((_, path, _)) = target {
        event.prevent_default();
        event.stop_propagation();
        url_state::navigate(&untrack(|| url_state::link(path)));
    }
}

/// The page's own query field where it has one, else the jump field.
fn focus_query(handles: Handles) {
    match document().query_selector("main [data-query]") {
        Ok(Some(field)) => focus(&field),
        _ => focus_jump(handles),
    }
}

fn focus_jump(handles: Handles) {
    if let Some(input) = handles.jump.get_untracked() {
        focus(&input);
        input.select();
    }
}

fn focus(element: &web_sys::Element) {
    if let Some(element) = element.dyn_ref::<web_sys::HtmlElement>() {
        // An element that cannot take the focus keeps the old one; nothing to repair.
        let _ = element.focus();
    }
}

/// Moves between the row links of a list (`data-row`); enter then opens the one in focus.
fn move_row(is_next: bool, event: &KeyboardEvent) {
    let Ok(rows) = document().query_selector_all("main [data-row]") else { return };
    let rows: Vec<web_sys::Element> =
        (0..rows.length()).filter_map(|i| rows.item(i)?.dyn_into().ok()).collect();
    let active = document().active_element();
    let at = active.and_then(|active| rows.iter().position(|row| *row == active));
    let target = match (at, is_next) {
        (None, _) => 0,
        (Some(at), true) => (at + 1).min(rows.len().saturating_sub(1)),
        (Some(at), false) => at.saturating_sub(1),
    };
    if let Some(row) = rows.get(target) {
        event.prevent_default();
        focus(row);
    }
}

fn click(id: &str) {
    let element = document().get_element_by_id(id);
    if let Some(element) = element.and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok()) {
        element.click();
    }
}

pub(super) fn open(dialog: NodeRef<Dialog>) {
    if let Some(dialog) = dialog.get_untracked().filter(|dialog| !dialog.open()) {
        // Fails only when the dialog is open already.
        let _ = dialog.show_modal();
    }
}
