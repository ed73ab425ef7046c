//! Column heads that sort, with the order in the address.

use crate::erased::{live, memo, text};
use crate::url_state;
use leptos::prelude::*;

/// The order that the address asks for: `?sort=p95` ascending, `?sort=-p95` descending. Tracks.
pub fn order(default: &str) -> (String, bool) {
    let sort = url_state::param("sort").unwrap_or_else(|| default.to_owned());
    match sort.strip_prefix('-') {
        Some(column) => (column.to_owned(), true),
        None => (sort, false),
    }
}

/// A `<th>`. The first press sorts the way that is useful for the column, the next turns it around.
#[component]
pub fn SortHead(
    /// Value of the `sort` parameter.
    column: &'static str,
    label: &'static str,
    /// What applies when the address says nothing.
    default: &'static str,
    #[prop(optional)] is_number: bool,
) -> impl IntoView {
    let current = memo(move || order(default));
    let state = move || {
        let (sorted, is_descending) = current.get();
        (sorted == column).then_some(is_descending)
    };
    let href = move || {
        let descends = state().map_or(is_number, |is_descending| !is_descending);
        let value = if descends { format!("-{column}") } else { column.to_owned() };
        url_state::link_here(&[("sort", Some(&value))])
    };
    let aria = move || state().map(|descends| if descends { "descending" } else { "ascending" });
    let arrow = move || state().map(|descends| if descends { " \u{2193}" } else { " \u{2191}" });
    view! {
        <th scope="col" class:num=is_number aria-sort=text(aria)>
            <a href=text(href) data-testid=format!("sort-{column}")>{label} {live(arrow)}</a>
        </th>
    }
}
