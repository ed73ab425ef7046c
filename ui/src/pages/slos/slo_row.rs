//! One objective in the list.

use super::budget_bar::budget_bar;
use super::burn_bar::burn_cell;
use super::standing_mark::{coverage_mark, standing_mark};
use crate::components::name;
use crate::model::address::{encode, segment};
use crate::model::slo_view::{needs_coverage_mark, precise_percent, standing, window_text};
use crate::{format, url_state};
use leptos::prelude::*;
use wire::{BurnTier, SloRow};

pub fn slo_row(slo: &SloRow) -> AnyView {
    let (mark, word) = standing(slo);
    let href = url_state::link(&format!("/slos/{}", encode(&slo.id)));
    let service = url_state::link(&format!("/services/{}", segment(&slo.service)));
    let compliance = slo.compliance.map_or_else(|| format::MISSING.to_owned(), precise_percent);
    let coverage = needs_coverage_mark(slo.coverage).then(|| coverage_mark(slo.coverage));
    let tiers: Vec<AnyView> = slo.tiers.iter().map(tier_cell).collect();
    view! {
        <tr class="row" data-testid="slo-row" data-slo=slo.id.clone() data-state=word>
            <td>{standing_mark(mark, word)}</td>
            <td class="what"><a href=href data-row="">{slo.name.clone()}</a> <span>{slo.sentence.clone()}</span></td>
            <td class="lo"><a class="over-row" href=service>{name(&slo.service)}</a></td>
            <td class="num">{precise_percent(slo.target)}</td>
            <td class="num lo" title=format!("{} of {}", format::exact(slo.n_good), format::exact(slo.n_total))>
                {compliance} " " {coverage}
            </td>
            <td class="budget">{budget_bar(slo)}</td>
            {tiers}
        </tr>
    }
    .into_any()
}

/// Burn over the tier's long window; the title has both windows and the threshold.
fn tier_cell(tier: &BurnTier) -> AnyView {
    let title = format!(
        "{} {}: fires above {} over {} and {}",
        tier.severity,
        tier.tier,
        format::three_digits(tier.threshold),
        window_text(tier.long_s),
        window_text(tier.short_s)
    );
    view! { <td class="burn lo" title=title>{burn_cell(tier.burn_long, tier)}</td> }.into_any()
}
