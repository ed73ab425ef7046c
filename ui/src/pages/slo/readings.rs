//! The few numbers an objective comes down to, side by side.

use crate::format;
use crate::model::slo_view::{self, Standing, burn_text, precise_percent, window_text};
use crate::pages::slos::standing_mark::{coverage_mark, standing_mark};
use leptos::prelude::*;
use wire::SloRow;

pub fn readings(slo: &SloRow) -> AnyView {
    let (standing, word) = slo_view::standing(slo);
    let coverage = slo_view::needs_coverage_mark(slo.coverage).then(|| coverage_mark(slo.coverage));
    let compliance = slo.compliance.map_or_else(|| format::MISSING.to_owned(), precise_percent);
    let (n_burning, n_tiers) = slo_view::n_burning(slo);
    let period = format!("over {}", window_text(slo.period_s));
    view! {
        <div class="readings" data-testid="slo-readings">
            <div><b>{standing_mark(standing, word)}</b> <span>"now"</span></div>
            {burn(slo, standing)}
            <div>
                <b data-testid="slo-budget">{slo_view::budget_text(slo.budget_remaining)}</b>
                <span>"budget left"</span>
            </div>
            <div><b>{exhaustion(slo)}</b> <span>"until it is spent, at this rate"</span></div>
            <div><b>{compliance} {coverage}</b> <span>{period}</span></div>
            <div><b>{format!("{n_burning} of {n_tiers}")}</b> <span>"tiers burning"</span></div>
        </div>
    }
    .into_any()
}

/// Burn over the shortest window there is: the first to move.
fn burn(slo: &SloRow, standing: Standing) -> Option<AnyView> {
    let tier = slo.tiers.iter().min_by_key(|tier| tier.short_s)?;
    let class = if standing == Standing::Failing { "bad" } else { "" };
    let window = format!("burn rate, last {}", window_text(tier.short_s));
    Some(
        view! { <div><b class=class>{burn_text(tier.burn_short)}</b> <span>{window}</span></div> }.into_any(),
    )
}

/// A budget that is gone, or that nothing burns, has no end to count down to.
fn exhaustion(slo: &SloRow) -> String {
    match (slo.budget_remaining, slo.exhaustion_s) {
        (Some(left), _) if left <= 0.0 => "spent".to_owned(),
        (_, Some(seconds)) if seconds.is_finite() && seconds < 1e9 => {
            format::duration((seconds * 1e9) as i64)
        }
        _ => format::MISSING.to_owned(),
    }
}
