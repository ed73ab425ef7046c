//! Dark or light: the system's preference until the user chooses.
//!
//! `boot.js` sets the attribute before the first paint; this file only changes it afterwards. The
//! choice is kept in local storage under the same key.

use leptos::prelude::{document, window};

/// Shared with `boot.js`.
const KEY: &str = "firstfault.theme";
const ATTRIBUTE: &str = "data-theme";

/// Switches to the other theme and remembers it.
pub fn toggle() {
    let next = if is_light() { "dark" } else { "light" };
    if let Some(root) = document().document_element() {
        // Fails only for invalid attribute names.
        let _ = root.set_attribute(ATTRIBUTE, next);
    }
    if let Ok(Some(storage)) = window().local_storage() {
        // A full or forbidden storage only costs the memory of the choice.
        let _ = storage.set_item(KEY, next);
    }
}

fn is_light() -> bool {
    let root = document().document_element();
    root.and_then(|root| root.get_attribute(ATTRIBUTE)).is_some_and(|theme| theme == "light")
}
