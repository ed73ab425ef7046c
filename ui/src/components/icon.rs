//! Icons: references to the symbols that `index.html` carries.
//!
//! Shapes carry meaning (disc well, triangle warning, diamond failing, broken ring no data, cross
//! error, clock pending), so an icon stands beside its word or carries a label of its own.

use leptos::prelude::*;

/// A decorative icon: the text beside it says the same.
pub fn icon(name: &'static str) -> AnyView {
    view! { <svg class="i" aria-hidden="true"><use href=symbol(name) /></svg> }.into_any()
}

/// An icon that stands alone.
pub fn labelled_icon(name: &'static str, label: impl Into<String>) -> AnyView {
    let label: String = label.into();
    view! { <svg class="i" role="img" aria-label=label><use href=symbol(name) /></svg> }.into_any()
}

/// An icon and its word in the colour of the state: `ok`, `warn`, `bad`, `unknown`.
pub fn state_icon(class: &'static str, name: &'static str, word: impl Into<String>) -> AnyView {
    let word: String = word.into();
    view! { <span class=format!("state {class}")>{icon(name)} {word}</span> }.into_any()
}

fn symbol(name: &str) -> String {
    format!("#{name}")
}
