//! A name from telemetry where it has an element of its own: table cells, headings, legends, chips.

use crate::model::name_text;
use leptos::prelude::*;

/// One line, isolated from the reading direction around it, cut by the style sheet where there is no
/// room, whole in the title.
pub fn name(name: &str) -> AnyView {
    view! { <bdi title=name_text::title(name)>{name_text::shown(name)}</bdi> }.into_any()
}
