//! Objectives that the history of services supports: one click keeps one, another opens the form with it.

use crate::api::{self, Change, Fetch};
use crate::components::panel::Empty;
use crate::components::{Panel, name};
use crate::erased::{act, derived, live};
use crate::model::slo_form::{self, Form};
use crate::pages::alerts::by_hand::{Said, said_line};
use crate::url_state;
use leptos::prelude::*;
use wire::{ProposalList, ProposalRow, SkippedService, SloList};

#[component]
pub fn Proposals(slos: Fetch<SloList>) -> impl IntoView {
    let list = api::fetched::<ProposalList>(|| Some("/slos/proposals".to_owned()));
    let said = Said::new(None);
    let empty = move || list.map(|list| list.proposals.is_empty().then(|| none(list))).flatten();
    let rows = move || list.get().map(|found| table(&found.proposals, Adopting { list, slos, said }));
    let left_out = move || list.get().and_then(|found| skipped(&found.skipped));
    view! {
        <Panel name="slo-proposals" state=list.state() retry=list.retry() empty=derived(empty)>
            <p class="dense t2 panel-line">
                "The highest target of which the past four weeks would have spent no more than half of the budget."
            </p>
            {live(rows)}
            {said_line(said)}
            {live(left_out)}
        </Panel>
    }
}

/// What is asked again once one was adopted.
#[derive(Clone, Copy)]
struct Adopting {
    list: Fetch<ProposalList>,
    slos: Fetch<SloList>,
    said: Said,
}

fn table(proposals: &[ProposalRow], adopting: Adopting) -> AnyView {
    let rows: Vec<AnyView> = proposals.iter().map(|one| row(one, adopting)).collect();
    view! {
        <div class="tbl">
        <table class="slo-list" data-hold="">
            <thead>
                <tr>
                    <th scope="col">"objective"</th>
                    <th scope="col" class="lo">"service"</th>
                    <th scope="col" class="lo">"why"</th>
                    <th scope="col"><span class="sr">"what to do with it"</span></th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
        </div>
    }
    .into_any()
}

fn row(row: &ProposalRow, adopting: Adopting) -> AnyView {
    let address = slo_form::proposed(row);
    let form = untrack(|| url_state::link(&address.href()));
    let acts = match row.is_configured {
        true => view! { <span class="dense t2">"there is one already"</span> }.into_any(),
        false => adopt(row, Form::of(&address, None).body().unwrap_or_default(), adopting),
    };
    view! {
        <tr data-testid="slo-proposal" data-proposal=row.id.clone()>
            <td class="what">{row.sentence.clone()} <span>{row.id.clone()}</span></td>
            <td class="lo">{name(&row.service)}</td>
            <td class="lo what"><span>{row.reason.clone()}</span></td>
            <td><span class="form-acts">{acts} <a class="btn small" href=form data-testid="slo-proposal-form">"Open in the form"</a></span></td>
        </tr>
    }
    .into_any()
}

fn adopt(row: &ProposalRow, body: String, adopting: Adopting) -> AnyView {
    let Adopting { list, slos, said } = adopting;
    let (id, spoken) = (row.id.clone(), format!("Adopt {}", row.id));
    let press = move |_| {
        let (id, body) = (id.clone(), body.clone());
        said.set(Some("Asking the server.".to_owned()));
        leptos::task::spawn_local(async move {
            let outcome = match api::change(Change::Post, "/slos", &body).await {
                Ok(_) => format!("{id} is kept, and judged on what is stored already."),
                Err(failure) => failure.message,
            };
            // The page may be gone by now.
            if said.try_set(Some(outcome)).is_none() {
                list.reload();
                slos.reload();
            }
        });
    };
    view! {
        <button class="btn small" type="button" aria-label=spoken data-testid="slo-adopt" on:click=act(press)>"Adopt"</button>
    }
    .into_any()
}

fn skipped(services: &[SkippedService]) -> Option<AnyView> {
    let line =
        |one: &SkippedService| view! { <li>{name(&one.service)} ": " {one.reason.clone()}</li> }.into_any();
    let lines: Vec<AnyView> = services.iter().map(line).collect();
    let n = lines.len();
    (n > 0).then(|| {
        view! {
            <details class="slo-skipped dense t2">
                <summary>{format!("{n} not proposed, and why")}</summary>
                <ul>{lines}</ul>
            </details>
        }
        .into_any()
    })
}

fn none(list: &ProposalList) -> Empty {
    let text = match list.skipped.first() {
        Some(first) => format!("{}: {}.", first.service, first.reason),
        None => {
            "Each service that was seen for three days with a thousand requests gets proposals.".to_owned()
        }
    };
    Empty { title: "Nothing is proposed yet.".to_owned(), text, is_suspicious: false, link: None }
}
