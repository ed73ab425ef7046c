//! Log lines of a kind that is new, comes far more often, or came no more.

use super::Sheet;
use super::lane::{self, Bars};
use super::section::{Head, Place, acts, link, section};
use crate::format;
use crate::model::{log_text, report_blocks, report_links};
use leptos::prelude::*;
use wire::TriageTemplate;

pub(super) fn templates(sheet: &Sheet<'_>, place: Place) -> AnyView {
    let rows: Vec<AnyView> = sheet.report.templates.iter().map(|one| template(sheet, one)).collect();
    let said = "Kinds of lines that are new in the window, come far more often, or came no more.".to_owned();
    let head = Head { name: "templates", title: "Log lines", said, body: None };
    section(place, head, lane::empty(sheet), rows)
}

fn template(sheet: &Sheet<'_>, template: &TriageTemplate) -> AnyView {
    let pieces: Vec<AnyView> = report_blocks::pieces(&template.text)
        .into_iter()
        .map(|(text, is_hole)| match is_hole {
            true => view! { <em>{text}</em> }.into_any(),
            false => text.into_any(),
        })
        .collect();
    let is_error = template.severity == "error";
    let first = template.first_at.map(|at| {
        let at = format::time_near(at, sheet.report.window.to, sheet.zone);
        view! { <span class="t3">"first " {at}</span> }.into_any()
    });
    let mut links =
        vec![link(&sheet.links.logs(&template.service, report_links::literal(&template.text)), "Lines")];
    links.extend(first);
    let say = view! {
        <div data-testid="template" data-state=template.state.clone()>
            <div class="tpl"><span class:bad=is_error>{log_text::line(&template.severity)}</span> " " {pieces}</div>
            <p class="s">{log_text::line(&template.sentence)}</p>
            {acts(links)}
        </div>
    };
    let lines = Bars { values: &template.points, whole: &[], caption: "lines a step" };
    lane::row(say.into_any(), lane::bars(sheet, &lines))
}
