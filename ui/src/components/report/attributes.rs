//! What bad requests have and others have not, and what was ruled out.

use super::Sheet;
use super::lane::{self, percent};
use super::section::{Head, Place, section};
use crate::format;
use crate::model::{log_text, report_blocks};
use leptos::prelude::*;
use wire::{TriageAttribute, TriageAttributes, TriageKeyValue};

pub(super) fn attributes(sheet: &Sheet<'_>, place: Place) -> AnyView {
    let Some(attributes) = &sheet.report.attributes else { return ().into_any() };
    let said = match (&attributes.silent, attributes.kept.is_empty()) {
        (Some(why), _) => log_text::line(why),
        (None, true) => "Bad requests have no attribute that others have not.".to_owned(),
        (None, false) => format!(
            "Share of {} bad and {} good requests with each value.",
            format::count(attributes.n_bad),
            format::count(attributes.n_good)
        ),
    };
    let head = Head {
        name: "attributes",
        title: "What is different about bad requests",
        said,
        body: Some(body(attributes)),
    };
    section(place, head, lane::empty(sheet), Vec::new())
}

fn body(attributes: &TriageAttributes) -> AnyView {
    let rows: Vec<AnyView> = attributes.kept.iter().map(lift).collect();
    let ruled_out =
        attributes.ruled_out.iter().map(|text| log_text::line(text)).collect::<Vec<_>>().join("; ");
    let ruled_out = (!ruled_out.is_empty()).then(|| {
        view! { <p class="ruled" data-testid="ruled-out"><span class="t3">"Ruled out: "</span> {ruled_out}</p> }.into_any()
    });
    view! { {rows} {ruled_out} }.into_any()
}

fn lift(attribute: &TriageAttribute) -> AnyView {
    let pairs: Vec<AnyView> = attribute.pairs.iter().map(key_value).collect();
    let same = attribute.same.iter().map(|text| log_text::line(text)).collect::<Vec<_>>().join(", ");
    let same = (!same.is_empty()).then(|| format!("the same requests: {same}"));
    view! {
        <div class="lift" data-testid="lift" title=log_text::line(&attribute.sentence)>
            <div class="kv">{pairs} <div class="t3 micro">{same}</div></div>
            <div class="two">
                {side("bad", "p-now", attribute.share_bad)} {side("good", "p-base", attribute.share_good)}
            </div>
            <span class="num">{report_blocks::lift(attribute)}</span>
        </div>
    }
    .into_any()
}

fn key_value(pair: &TriageKeyValue) -> AnyView {
    let (key, value) = report_blocks::condition(pair);
    view! { <div><span class="t3">{key}</span> " " <b>{value}</b></div> }.into_any()
}

fn side(words: &'static str, paint: &'static str, share: f64) -> AnyView {
    let width = percent(report_blocks::share(share, 1.0) * 100.0);
    view! { <div><span class="sr">{words}</span> <span><i class=paint style:width=width /></span> <b>{format::percent(share)}</b></div> }
        .into_any()
}
