//! Traces that show it, bad ones beside good ones.

use super::Sheet;
use super::lane::{self, bar};
use super::section::{Head, Place, section, trace_link};
use crate::components::name;
use crate::format;
use crate::model::{log_text, report_blocks};
use leptos::prelude::*;
use wire::TriageExemplar;

pub(super) fn exemplars(sheet: &Sheet<'_>, place: Place) -> AnyView {
    let all = &sheet.report.exemplars;
    let longest_ns = all.iter().map(|one| one.duration_ns).max().unwrap_or(0);
    let rows: Vec<AnyView> = all.iter().map(|one| exemplar(sheet, one, longest_ns)).collect();
    let said =
        "Bad ones from the middle of their kind, the worst, and good ones of the same operation.".to_owned();
    let head = Head { name: "exemplars", title: "Traces that show it", said, body: None };
    section(place, head, lane::empty(sheet), rows)
}

fn exemplar(sheet: &Sheet<'_>, exemplar: &TriageExemplar, longest_ns: i64) -> AnyView {
    let is_good = exemplar.kind == "good";
    let (class, paint, moment) =
        if is_good { ("base", "p-base", "m-base") } else { ("now", "p-now", "m-now") };
    let share = report_blocks::share(exemplar.duration_ns as f64, longest_ns as f64);
    let errors = (exemplar.n_errors > 0).then(|| {
        view! { <span class="bad">{format::counted(exemplar.n_errors, "error", "errors")}</span> }.into_any()
    });
    let say = view! {
        <div class="exemplar" data-testid="exemplar" data-kind=exemplar.kind.clone()>
            <span class=class>{log_text::line(&exemplar.kind)}</span> {trace_link(&exemplar.trace_id)}
            <b class="num">{format::duration(exemplar.duration_ns)}</b> {bar(share, paint)}
            <span class="cut t2">{name(&exemplar.service)} " " {name(&exemplar.operation)} " " {errors}</span>
        </div>
    };
    let at = format::time_near(exemplar.started_at, sheet.report.window.to, sheet.zone);
    lane::row(say.into_any(), lane::moment(sheet, Some(exemplar.started_at), at, moment))
}
