//! A burn rate against its threshold: logarithmic bar, the tick in the middle is the threshold.

use crate::model::decimal::fixed;
use crate::model::slo_view::{burn_share, burn_text, exceeds};
use leptos::prelude::*;
use wire::BurnTier;

/// The bar alone.
pub fn burn_bar(burn: Option<f64>, tier: &BurnTier) -> AnyView {
    let width = burn.map_or(0.0, |burn| burn_share(burn, tier.threshold)) * 100.0;
    view! {
        <svg class="burn-bar" viewBox="0 0 100 16" preserveAspectRatio="none" aria-hidden="true">
            <rect class="track" x="0" y="4" width="100" height="8" />
            <rect class=over_class("fill", burn, tier) x="0" y="4" width=fixed(width, 1) height="8" />
            <rect class="tick" x="49" y="0" width="2" height="16" />
        </svg>
    }
    .into_any()
}

/// Bar and number in one cell.
pub fn burn_cell(burn: Option<f64>, tier: &BurnTier) -> AnyView {
    view! { <span class="burn-cell">{burn_bar(burn, tier)} <b class=over_class("", burn, tier)>{burn_text(burn)}</b></span> }
        .into_any()
}

/// `over` past the threshold, with the severity that decides the colour.
pub fn over_class(base: &str, burn: Option<f64>, tier: &BurnTier) -> String {
    match exceeds(burn, tier.threshold) {
        true if tier.severity == "ticket" => format!("{base} over ticket"),
        true => format!("{base} over"),
        false => base.to_owned(),
    }
}
