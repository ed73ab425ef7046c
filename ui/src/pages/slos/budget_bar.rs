//! What is left of an error budget: a bar with a tick at each quarter, and the number.

use crate::model::decimal::fixed;
use crate::model::slo_view::{Standing, budget_text, standing};
use leptos::prelude::*;
use wire::SloRow;

pub fn budget_bar(slo: &SloRow) -> AnyView {
    let class = match standing(slo).0 {
        Standing::Failing => "fill bad",
        Standing::Warning => "fill warn",
        Standing::NoData => "fill unknown",
        Standing::Well | Standing::Pending => "fill",
    };
    // In percent of the box; an overspent budget has no bar, its number says by how much.
    let width = slo.budget_remaining.unwrap_or(0.0).clamp(0.0, 1.0) * 100.0;
    let ticks = [25, 50, 75].map(|x| view! { <line class="tick" x1=x x2=x y1="2" y2="10" /> });
    view! {
        <div class="budget-left">
            <svg viewBox="0 0 100 12" preserveAspectRatio="none" aria-hidden="true">
                <rect class="track" x="0" y="3" width="100" height="6" />
                <rect class=class x="0" y="3" width=fixed(width, 1) height="6" />
                {ticks}
            </svg>
            <span class="num">{budget_text(slo.budget_remaining)}</span>
        </div>
    }
    .into_any()
}
