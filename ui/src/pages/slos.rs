//! `/slos`: every objective with its budget and its burn rates; and those that are proposed.

pub mod budget_bar;
pub mod burn_bar;
pub mod first_slo;
pub mod proposals;
pub mod slo_row;
pub mod standing_mark;

use crate::api;
use crate::components::Panel;
use crate::components::tabs::{self, Tab, Tabs};
use crate::erased::{live, memo, text};
use crate::model::slo_form;
use crate::model::slo_view::{self, window_text};
use crate::url_state;
use leptos::prelude::*;
use wire::{SloList, SloRow};

#[component]
pub fn SlosPage() -> impl IntoView {
    let slos = api::watched::<SloList>(|| Some("/slos".to_owned()));
    let sentence = memo(move || match slos.map(|list| slo_view::list_sentence(&list.slos)) {
        Some(sentence) if slos.map(|list| !list.slos.is_empty()) == Some(true) => sentence,
        _ => "Objectives".to_owned(),
    });
    let body = move || {
        slos.get().map(|list| match list.slos.is_empty() {
            true => first_slo::first_slo(),
            false => table(&list.slos),
        })
    };
    let part = memo(|| tabs::chosen(TAB, &choices()));
    let state = slos.state();
    let shown = move || match part.get() {
        "proposals" => view! { <proposals::Proposals slos=slos /> }.into_any(),
        _ => view! { <Panel name="slos" state=state retry=slos.retry()>{live(body)}</Panel> }.into_any(),
    };
    let form = text(|| url_state::link(slo_form::NEW));
    view! {
        <header class="lead">
            <div class="slo-head">
                <h1 data-testid="slos-sentence">{live(move || sentence.get())}</h1>
                <a class="btn main" href=form data-testid="slo-new">"New objective"</a>
            </div>
            <p>"Budget left over each objective's period; burn 1 spends it evenly. The tick is the tier's threshold."</p>
        </header>
        <Tabs param=TAB tabs=choices() label="Objectives" />
        {live(shown)}
    }
}

/// Parameter of the address.
const TAB: &str = "tab";

fn choices() -> Vec<Tab> {
    let tab = |value, label| Tab { value, label, n: None };
    vec![tab("list", "Objectives"), tab("proposals", "Proposals")]
}

fn table(slos: &[SloRow]) -> AnyView {
    let rows: Vec<AnyView> = slos.iter().map(slo_row::slo_row).collect();
    view! {
        <div class="tbl">
        <table class="slo-list" data-hold="">
            <thead>
                <tr>
                    <th scope="col">"state"</th>
                    <th scope="col">"objective"</th>
                    <th scope="col" class="lo">"service"</th>
                    <th scope="col" class="num">"target"</th>
                    <th scope="col" class="num lo">"so far"</th>
                    <th scope="col">"budget left"</th>
                    {tier_heads(slos)}
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
        </div>
    }
    .into_any()
}

/// Windows scale with the period; where objectives differ the tiers are named by number.
fn tier_heads(slos: &[SloRow]) -> Vec<AnyView> {
    let Some(first) = slos.first() else { return Vec::new() };
    let head = |idx: usize| {
        let long_s = first.tiers[idx].long_s;
        let is_common = slos.iter().all(|slo| slo.tiers.get(idx).is_some_and(|tier| tier.long_s == long_s));
        match is_common {
            true => format!("burn {}", window_text(long_s)),
            false => format!("burn tier {}", idx + 1),
        }
    };
    (0..first.tiers.len())
        .map(|idx| view! { <th scope="col" class="lo">{head(idx)}</th> }.into_any())
        .collect()
}
