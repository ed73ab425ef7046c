//! The address bar as the one store of view state: range, filters, sort, selection.
//!
//! Reading functions track: call them inside a closure of a view, a memo or an effect and it runs
//! again when the address changes. Writing functions push a history entry (Back undoes it) unless they
//! are called `replace_*`. A hand-made router is enough here because a page is a function of one
//! signal, and it costs a tenth of a general one in bytes.

use crate::model::address::Address;
use crate::model::time_range::TimeRange;
use leptos::leptos_dom::helpers::WindowListenerHandle;
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};

/// Parameters that every link carries along, so that no page resets them.
const KEPT: [&str; 4] = ["from", "to", "tz", "live"];

thread_local! {
    /// Lives as long as the page; event handlers run outside of any owner and still reach it.
    static ADDRESS: ArcRwSignal<Address> = ArcRwSignal::new(current());
}

fn current() -> Address {
    let location = window().location();
    let part = |part: Result<String, JsValue>| part.unwrap_or_default();
    Address::parse(&(part(location.pathname()) + &part(location.search())))
}

fn with<R>(read: impl FnOnce(&Address) -> R) -> R {
    ADDRESS.with(|address| address.with(read))
}

fn untracked() -> Address {
    ADDRESS.with(|address| address.get_untracked())
}

/// The whole address, for models that read several parameters. Tracks.
pub fn with_address<R>(read: impl FnOnce(&Address) -> R) -> R {
    with(read)
}

/// Decoded parts of the path. Tracks.
pub fn segments() -> Vec<String> {
    with(Address::segments)
}

/// The path without parameters, encoded. Tracks.
pub fn path() -> String {
    with(|address| address.path.clone())
}

/// First value of a parameter; an empty value counts as absent. Tracks.
pub fn param(name: &str) -> Option<String> {
    with(|address| address.param(name).filter(|value| !value.is_empty()).map(str::to_owned))
}

/// All values of a repeatable parameter. Tracks.
pub fn params(name: &str) -> Vec<String> {
    with(|address| address.params(name))
}

/// Sets or removes one parameter, as a new history entry.
pub fn set_param(name: &str, value: Option<&str>) {
    set_params(&[(name, value)]);
}

/// Sets or removes several parameters in one history entry.
pub fn set_params(changes: &[(&str, Option<&str>)]) {
    go(changed(changes), History::Push);
}

/// Like `set_params`, without a history entry: for selections that follow the arrow keys.
pub fn replace_params(changes: &[(&str, Option<&str>)]) {
    go(changed(changes), History::Replace);
}

/// Replaces all values of a repeatable parameter.
pub fn set_all(name: &str, values: &[String]) {
    let mut address = untracked();
    address.set(name, values);
    go(address, History::Push);
}

fn changed(changes: &[(&str, Option<&str>)]) -> Address {
    let mut address = untracked();
    for (name, value) in changes {
        let values: Vec<String> = value.iter().map(|value| (*value).to_owned()).collect();
        address.set(name, &values);
    }
    address
}

/// The chosen time range as text, `now-1h` to `now` unless the address says otherwise. Tracks.
pub fn time_range() -> TimeRange {
    with(|address| TimeRange::of(address.param("from"), address.param("to")))
}

/// Whether pages should refresh by themselves: the range ends now and is not paused. Tracks.
pub fn is_live() -> bool {
    with(|address| {
        TimeRange::of(address.param("from"), address.param("to")).is_relative()
            && address.param("live") != Some("off")
    })
}

/// UTC or the browser's zone. Tracks.
pub fn zone() -> crate::format::Zone {
    match param("tz").as_deref() {
        Some("local") => crate::format::Zone::Local,
        _ => crate::format::Zone::Utc,
    }
}

/// `path` (which may have its own query) with the range and zone of this page. Tracks.
pub fn link(path: &str) -> String {
    with(|address| {
        let mut target = Address::parse(path);
        for name in KEPT {
            let value = address.param(name).filter(|_| target.param(name).is_none());
            if let Some(value) = value {
                target.params.push((name.to_owned(), value.to_owned()));
            }
        }
        target.href()
    })
}

/// The same page with other parameters, for links such as column heads. Tracks.
pub fn link_here(changes: &[(&str, Option<&str>)]) -> String {
    with(|_| ());
    changed(changes).href()
}

/// `path` of the API with the range of this page appended. Tracks.
pub fn api_path(path: &str) -> String {
    let range = time_range();
    let mut target = Address::parse(path);
    target.params.push(("from".to_owned(), range.from));
    target.params.push(("to".to_owned(), range.to));
    target.href()
}

/// This page with its range made absolute, complete with the origin, to be shared.
pub fn absolute_link(now_ms: i64) -> String {
    let mut address = untracked();
    let (from_ms, to_ms) = TimeRange::of(address.param("from"), address.param("to")).resolve(now_ms);
    address.set("from", &[from_ms.to_string()]);
    address.set("to", &[to_ms.to_string()]);
    address.set("live", &[]);
    window().location().origin().unwrap_or_default() + &address.href()
}

/// Opens `href` inside the application, as a new history entry.
pub fn navigate(href: &str) {
    go(Address::parse(href), History::Push);
}

/// Opens `href` in place of this entry: for redirects.
pub fn redirect(href: &str) {
    go(Address::parse(href), History::Replace);
}

#[derive(Clone, Copy, PartialEq)]
enum History {
    Push,
    Replace,
}

fn go(target: Address, history: History) {
    let before = untracked();
    if target == before {
        return;
    }
    let href = target.href();
    if let Ok(entries) = window().history() {
        let written = match history {
            History::Push => entries.push_state_with_url(&JsValue::NULL, "", Some(&href)),
            History::Replace => entries.replace_state_with_url(&JsValue::NULL, "", Some(&href)),
        };
        // Browsers refuse only cross-origin addresses and floods; the page still moves.
        if written.is_err() {
            leptos::logging::warn!("history entry refused: {href}");
        }
    }
    if target.path != before.path {
        window().scroll_to_with_x_and_y(0.0, 0.0);
    }
    ADDRESS.with(|address| address.set(target));
}

/// Follows Back and Forward and turns clicks on links into navigation. Call once, at the top.
pub fn listen() -> [WindowListenerHandle; 2] {
    let popped = window_event_listener(leptos::ev::popstate, |_| {
        ADDRESS.with(|address| address.set(current()));
    });
    let clicked = window_event_listener(leptos::ev::click, |event| {
        if let Some(href) = inner_link(&event) {
            event.prevent_default();
            navigate(&href);
        }
    });
    [popped, clicked]
}

/// The target of a plain click on a link of this origin, or on a table row that stands for one;
/// anything else is the browser's business.
fn inner_link(event: &web_sys::MouseEvent) -> Option<String> {
    let is_plain = event.button() == 0
        && !(event.ctrl_key() || event.meta_key() || event.shift_key() || event.alt_key())
        && !event.default_prevented();
    let element = event.target()?.dyn_into::<web_sys::Element>().ok()?;
    let anchor = match element.closest("a[href], button, input, label, summary").ok()? {
        Some(own) => own,
        None => row_link(&element)?,
    };
    let href = anchor.get_attribute("href")?;
    let is_inner = href.starts_with('/') && !href.starts_with("//");
    let is_special = anchor.has_attribute("target") || anchor.has_attribute("download");
    (is_plain && is_inner && !is_special).then_some(href)
}

/// The link that a row stands for, unless text of the row is being selected.
fn row_link(element: &web_sys::Element) -> Option<web_sys::Element> {
    let row = element.closest("tr.row").ok()??;
    let selection = window().get_selection().ok()??;
    if selection.is_collapsed() { row.query_selector("a[data-row]").ok()? } else { None }
}
