//! A block of evidence: a head with its number, weight and sentence, what belongs to all of it, and rows.

use super::lane::{bar, row};
use crate::components::SqlButton;
use crate::erased::derived;
use crate::model::decimal::fixed;
use crate::{format, url_state};
use leptos::prelude::*;

/// Which block it is, and its part of the first suspect's score.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) n: usize,
    pub(super) weight: f64,
}

pub(super) struct Head {
    /// Part of the id, for tests and links.
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    /// One sentence that could be read aloud.
    pub(super) said: String,
    /// Below the sentence.
    pub(super) body: Option<AnyView>,
}

pub(super) fn section(place: Place, head: Head, lane: AnyView, rows: Vec<AnyView>) -> AnyView {
    let id = format!("evidence-{}", head.name);
    let testid = id.clone();
    let weight = (place.weight > 0.0).then(|| {
        view! {
            <span class="wt" title="part of the first suspect's score">
                "weight " {fixed(place.weight, 2)} {bar(place.weight, "p-now")}
            </span>
        }
        .into_any()
    });
    let top = view! {
        <h2 id=id.clone()><span class="n">{place.n.to_string()}</span> {head.title} {weight}</h2>
        <p class="s">{head.said}</p>
        {head.body}
    };
    view! { <section data-testid=testid aria-labelledby=id>{row(top.into_any(), lane)} {rows}</section> }
        .into_any()
}

/// A link of the evidence; `path` is one of `ReportLinks`.
pub(super) fn link(path: &str, words: impl Into<String>) -> AnyView {
    let words: String = words.into();
    view! { <a class="link" href=url_state::link(path)>{words}</a> }.into_any()
}

pub(super) fn trace_link(id: &str) -> AnyView {
    let href = url_state::link(&format!("/trace/{id}"));
    let words = format!("trace {}", format::short_id(id));
    view! { <a class="link mono" href=href data-testid="evidence-trace">{words}</a> }.into_any()
}

pub(super) fn sql(sql: Option<String>) -> Option<AnyView> {
    let sql = sql.filter(|sql| !sql.is_empty())?;
    Some(view! { <SqlButton sql=derived(move || Some(sql.clone())) /> }.into_any())
}

/// Links in a line below a sentence.
pub(super) fn acts(links: Vec<AnyView>) -> AnyView {
    view! { <div class="acts">{links}</div> }.into_any()
}
