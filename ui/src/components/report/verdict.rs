//! The verdict: one line, what supports it, and how sure it is.

use super::{Sheet, lane::bar};
use crate::components::name;
use crate::model::report_verdict;
use crate::{format, url_state};
use leptos::prelude::*;
use wire::TriageVerdict;

pub(super) fn verdict(sheet: &Sheet<'_>, facts: Vec<AnyView>) -> AnyView {
    let report = sheet.report;
    let (impact, share) = report_verdict::impact(report);
    let word = match report.verdict {
        TriageVerdict::Origin => "origin",
        TriageVerdict::Possible => "possible",
        TriageVerdict::NoClearOrigin => "no_clear_origin",
    };
    view! {
        <header class="verdict" data-testid="verdict" data-verdict=word>
            <div class="facts">
                {facts} <span>{report_verdict::scope(report, sheet.zone)}</span>
                <span>{impact} " " <span class="t3">{share}</span></span>
            </div>
            {line(sheet)}
            <p class="so" data-testid="verdict-so">{report_verdict::so(report)}</p>
            {confidence(sheet)}
        </header>
    }
    .into_any()
}

fn line(sheet: &Sheet<'_>) -> AnyView {
    let report_verdict::Line { names, words, at, rest } = report_verdict::line(sheet.report);
    let mut parts: Vec<AnyView> = Vec::new();
    for (i, who) in names.iter().enumerate() {
        if i > 0 {
            parts.push(" \u{2192} ".into_any());
        }
        parts.push(view! { <b>{name(who)}</b> }.into_any());
    }
    let words = if parts.is_empty() { words } else { format!(" {words}") };
    let at = at.map(|at| {
        let time = format::time_near(at, sheet.report.window.to, sheet.zone);
        view! { " at " <b class="nowrap">{time}</b> }.into_any()
    });
    view! { <h1 data-testid="verdict-line">{parts} {words} {at} {rest}</h1> }.into_any()
}

/// Nothing where there is no suspect that could be more or less sure.
fn confidence(sheet: &Sheet<'_>) -> Option<AnyView> {
    let report = sheet.report;
    report_verdict::origin(report)?;
    let (value, word) = report_verdict::confidence(report.confidence);
    let why: Vec<AnyView> = report_verdict::kinds(report)
        .into_iter()
        .map(|(kind, is_strong)| {
            let class = if is_strong { "dot-full" } else { "dot-half" };
            view! { <span><i class=class />{kind} {(!is_strong).then_some(", in part")}</span> }.into_any()
        })
        .collect();
    let next = report_verdict::next(report).map(|next| {
        let href = url_state::link(&sheet.links.service(&next.name));
        let value = report_verdict::confidence(next.confidence).0;
        view! { <span>"Next: " <a class="link" href=href>{name(&next.name)}</a> " " {value}</span> }
            .into_any()
    });
    let line = view! {
        <div class="conf" data-testid="verdict-confidence">
            <span><b>"Confidence " {value}</b> ", " {word}</span> {bar(report.confidence, "p-now")}
            {(!why.is_empty()).then_some("Why:")} {why} {next}
        </div>
    };
    Some(line.into_any())
}
