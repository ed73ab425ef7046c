//! Nothing moves under the eye: refreshing waits while the pointer or the focus rests on a list.
//!
//! An element takes part by the attribute `data-hold`. The question is asked of the page when a
//! refresh is due, so there is no state that could get stuck.

use leptos::prelude::document;

/// True while a refresh would move something that is being read.
pub fn is_held() -> bool {
    let held = document().query_selector("[data-hold]:is(:hover, :focus-within)");
    matches!(held, Ok(Some(_)))
}
