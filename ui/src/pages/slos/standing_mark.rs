//! A standing as shape, colour and word.

use crate::components::state_icon;
use crate::model::slo_view::Standing;
use leptos::prelude::*;

pub fn standing_mark(standing: Standing, word: impl Into<String>) -> AnyView {
    let (class, symbol) = shape(standing);
    state_icon(class, symbol, word)
}

/// Class and symbol, for a mark whose word stands elsewhere.
pub fn shape(standing: Standing) -> (&'static str, &'static str) {
    match standing {
        Standing::Well => ("ok", "ok"),
        Standing::Warning => ("warn", "warn"),
        Standing::Failing => ("bad", "bad"),
        Standing::NoData => ("unknown", "unk"),
        Standing::Pending => ("t2", "clock"),
    }
}

/// The mark beside a number that rests on less than the whole period.
pub fn coverage_mark(coverage: f64) -> AnyView {
    let title = "Part of the period was not measured. It counts as neither good nor bad.";
    view! {
        <span class="mark" title=title data-testid="coverage-mark">
            {crate::components::icon("partial")} "coverage " {crate::format::percent(coverage)}
        </span>
    }
    .into_any()
}
