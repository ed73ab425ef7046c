//! Both windows of each tier against its threshold, and what the tier does now.

use crate::format;
use crate::model::slo_view::{burn_text, needs_coverage_mark, tiers_sentence, verdict, window_text};
use crate::pages::slos::burn_bar::{burn_bar, over_class};
use crate::pages::slos::standing_mark::{coverage_mark, standing_mark};
use leptos::prelude::*;
use wire::{BurnTier, SloRow};

pub fn tier_table(slo: &SloRow) -> AnyView {
    let rows: Vec<AnyView> = slo.tiers.iter().map(row).collect();
    view! {
        <p class="dense t2 panel-line">{tiers_sentence(&slo.tiers)}</p>
        <div class="tbl">
        <table class="plain tiers">
            <thead>
                <tr>
                    <th scope="col">"tier"</th>
                    <th scope="col" class="num">"above"</th>
                    <th scope="col">"long"</th>
                    <th scope="col" class="lo"><span class="sr">"long window, bar"</span></th>
                    <th scope="col" class="num">"burn"</th>
                    <th scope="col">"short"</th>
                    <th scope="col" class="lo"><span class="sr">"short window, bar"</span></th>
                    <th scope="col" class="num">"burn"</th>
                    <th scope="col">"verdict"</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
        </div>
    }
    .into_any()
}

fn row(tier: &BurnTier) -> AnyView {
    let (standing, words) = verdict(tier);
    let coverage = needs_coverage_mark(tier.coverage_long).then(|| coverage_mark(tier.coverage_long));
    let name = format!("{} {}", tier.severity, tier.tier);
    view! {
        <tr data-testid="burn-tier-row" data-tier=tier.tier data-verdict=tier.verdict.clone()>
            <td class="strong">{name}</td>
            <td class="num">{format::three_digits(tier.threshold)}</td>
            <td>{window_text(tier.long_s)}</td>
            <td class="bar-cell lo">{burn_bar(tier.burn_long, tier)}</td>
            <td class=over_class("num", tier.burn_long, tier)>{burn_text(tier.burn_long)}</td>
            <td>{window_text(tier.short_s)}</td>
            <td class="bar-cell lo">{burn_bar(tier.burn_short, tier)}</td>
            <td class=over_class("num", tier.burn_short, tier)>{burn_text(tier.burn_short)}</td>
            <td>
                {standing_mark(standing, words)} " " {coverage}
                {tier.reason.clone().map(|reason| view! { <div class="dense t2">{reason}</div> })}
            </td>
        </tr>
    }
    .into_any()
}
