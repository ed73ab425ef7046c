//! Putting a text on the clipboard, also where the page may not use the clipboard's own interface.
//!
//! Browsers offer `navigator.clipboard` on secure origins only: localhost has it, a plain
//! `http://` address of another machine does not. There the old way still works: select and copy.

use js_sys::{Function, Reflect};
use leptos::prelude::{document, window};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// True when the text is on the clipboard.
pub async fn write(text: &str) -> bool {
    let navigator = window().navigator();
    let offered = Reflect::get(&navigator, &"clipboard".into()).is_ok_and(|clipboard| clipboard.is_object());
    if offered && JsFuture::from(navigator.clipboard().write_text(text)).await.is_ok() {
        return true;
    }
    write_by_selection(text).is_ok_and(|copied| copied.is_truthy())
}

/// A text area outside of the view, selected and copied. The focus returns to where it was.
fn write_by_selection(text: &str) -> Result<JsValue, JsValue> {
    let document = document();
    let active = document.active_element();
    // Inside an open dialog everything outside of it is inert and cannot be selected.
    let dialog = active.as_ref().and_then(|active| active.closest("dialog").ok().flatten());
    let place = dialog.or_else(|| document.body().map(Into::into)).ok_or("the page has no body")?;
    let area = document.create_element("textarea")?;
    area.set_class_name("sr");
    Reflect::set(&area, &"value".into(), &text.into())?;
    place.append_child(&area)?;
    call(&area, "select", &[])?;
    let copied = call(&document, "execCommand", &["copy"]);
    area.remove();
    if let Some(active) = active.and_then(|active| active.dyn_into::<web_sys::HtmlElement>().ok()) {
        active.focus()?;
    }
    copied
}

fn call(target: &JsValue, method: &str, arguments: &[&str]) -> Result<JsValue, JsValue> {
    let method: Function = Reflect::get(target, &method.into())?.dyn_into()?;
    method.apply(target, &arguments.iter().map(|text| JsValue::from_str(text)).collect())
}
