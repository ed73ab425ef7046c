//! Suspects with their scores; each opens to what speaks against it.

use super::Sheet;
use super::lane::{self, Bars, bar};
use super::section::{Head, Place, acts, link, section, sql, trace_link};
use crate::components::name;
use crate::format;
use crate::model::decimal::fixed;
use crate::model::{log_text, report_blocks, report_verdict};
use leptos::prelude::*;
use wire::{TriageEvidence, TriageSuspect};

/// Suspects that are drawn; the likeliest come first.
const SHOWN_MAX: usize = 8;
/// Traces of one piece of evidence.
const TRACES_MAX: usize = 3;

pub(super) fn suspects(sheet: &Sheet<'_>, place: Place) -> AnyView {
    let all = &sheet.report.suspects;
    let highest = all.iter().map(|suspect| suspect.score).fold(0.0, f64::max);
    let shown = all.iter().take(SHOWN_MAX).enumerate();
    let rows: Vec<AnyView> = shown.map(|(i, one)| suspect(sheet, one, i, highest)).collect();
    let said = match all.len() {
        0 => "Nobody stands out: no evidence speaks against any service.".to_owned(),
        n if n > SHOWN_MAX => format!("The {SHOWN_MAX} likeliest of {n}, by the evidence against each."),
        _ => "The likeliest first, by the evidence against each.".to_owned(),
    };
    let requests = Bars {
        values: &sheet.report.bad,
        whole: &sheet.report.requests,
        caption: "bad requests a step, of all",
    };
    let head = Head { name: "suspects", title: "Suspects", said, body: None };
    section(place, head, lane::bars(sheet, &requests), rows)
}

fn suspect(sheet: &Sheet<'_>, suspect: &TriageSuspect, at: usize, highest: f64) -> AnyView {
    let is_service = suspect.kind == "service";
    let of = (!is_service).then(|| view! { " of " {name(&suspect.service)} }.into_any());
    let paint = if at == 0 { "p-now" } else { "p-rest" };
    let evidence: Vec<AnyView> = suspect.evidence.iter().map(|one| evidence(sheet, suspect, one)).collect();
    let service = link(&sheet.links.service(&suspect.service), "Service page");
    let page = (!suspect.service.is_empty()).then(|| lane::row(acts(vec![service]), lane::empty(sheet)));
    let summary = view! {
        <div class="sus">
            <b class="num">{(at + 1).to_string()}</b>
            <span class="cut"><b>{name(&suspect.name)}</b> " " <span class="t3">{log_text::line(&suspect.kind)} {of}</span></span>
            {bar(report_blocks::share(suspect.score, highest), paint)}
            <span class="num" title="score">{fixed(suspect.score, 2)}</span>
            <span class="num t2" title="confidence">{format::percent(suspect.confidence)}</span>
        </div>
    };
    view! {
        <details open=at == 0 data-testid="suspect" data-name=suspect.name.clone() data-kind=suspect.kind.clone()>
            <summary>{lane::row(summary.into_any(), lane::empty(sheet))}</summary>
            {evidence} {page}
        </details>
    }
    .into_any()
}

fn evidence(sheet: &Sheet<'_>, suspect: &TriageSuspect, evidence: &TriageEvidence) -> AnyView {
    let share = report_blocks::share(evidence.weight, suspect.score);
    let service = suspect.service.as_str();
    let mut links: Vec<AnyView> =
        evidence.trace_ids.iter().take(TRACES_MAX).map(|id| trace_link(id)).collect();
    if !service.is_empty() {
        let is_failed = evidence.kind == "errors";
        let traces = sheet.links.traces(service, evidence.operation.as_deref(), is_failed);
        links.push(link(&traces, if is_failed { "Failed traces" } else { "Traces" }));
        links.push(link(&sheet.links.logs(service, None), "Logs"));
    }
    links.extend(sql(evidence.sql.clone()));
    let kind = report_verdict::kind_words(&evidence.kind);
    let weight = match evidence.weight > 0.0 {
        true => fixed(evidence.weight, 2),
        false => "counted".to_owned(),
    };
    let say = view! {
        <div class="evi" data-testid="evidence-row" data-kind=evidence.kind.clone()>
            <span class="wt" title="its part of the score; counted: a stronger one of its kind has it">
                {bar(share, "p-now")} <span class="num">{weight}</span>
            </span>
            <div><p>{log_text::line(&evidence.sentence)}</p> {acts(links)}</div>
        </div>
    };
    lane::row(say.into_any(), lane::moment(sheet, evidence.onset_at, kind.to_owned(), "m-now"))
}
