//! Beside the evidence: whom it reaches, and what is not known.

use super::Sheet;
use crate::components::{icon, name};
use crate::model::report_blocks;
use crate::model::{chart::Unit, log_text};
use crate::{format, url_state};
use leptos::prelude::*;
use wire::{TriageAffected, TriageReport};

pub fn rail(report: &TriageReport) -> AnyView {
    let sheet = Sheet::of(report);
    let affected: Vec<AnyView> = report.affected.iter().map(|one| row(&sheet, one)).collect();
    let title = format!("Affected, {}", format::counted(affected.len() as u64, "service", "services"));
    let table = (!affected.is_empty()).then(|| {
        view! {
            <section data-testid="affected">
                <h2>{title} <span>"p95, errors"</span></h2>
                <table class="plain"><tbody>{affected}</tbody></table>
            </section>
        }
        .into_any()
    });
    view! {
        {table}
        <section data-testid="not-known">
            <h2>"What is not known"</h2>
            {not_known(report)}
        </section>
    }
    .into_any()
}

fn row(sheet: &Sheet<'_>, affected: &TriageAffected) -> AnyView {
    let href = url_state::link(&sheet.links.service(&affected.service));
    let hops = match affected.n_hops {
        None => String::new(),
        Some(0) => "origin".to_owned(),
        Some(n) => format::counted(n.into(), "hop", "hops"),
    };
    let errors_class = if affected.n_errors > 0 { "num bad" } else { "num" };
    view! {
        <tr data-testid="affected-row" data-service=affected.service.clone()>
            <td><a href=href>{name(&affected.service)}</a></td>
            <td class="num t2">{hops}</td>
            <td class="num">{report_blocks::value(affected.p95_ns.now, &Unit::Nanos)}</td>
            <td class=errors_class>{report_blocks::value(affected.error_ratio.now, &Unit::Ratio)}</td>
        </tr>
    }
    .into_any()
}

/// What could not be seen, then what to know about the data.
fn not_known(report: &TriageReport) -> AnyView {
    let marks = report.marks.iter().map(|mark| ("partial", &mark.sentence));
    let gaps = report.not_known.iter().map(|sentence| ("unk", sentence));
    let line = |(symbol, sentence): (&'static str, &String)| {
        view! { <li>{icon(symbol)} <span>{log_text::line(sentence)}</span></li> }.into_any()
    };
    let lines: Vec<AnyView> = gaps.chain(marks).map(line).collect();
    match lines.is_empty() {
        true => view! { <p class="dense t2">"Nothing that was looked for was missing."</p> }.into_any(),
        false => view! { <ul class="unk">{lines}</ul> }.into_any(),
    }
}
