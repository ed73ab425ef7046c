//! Errors by where they begin, not by who reports them.

use super::Sheet;
use super::lane;
use super::section::{Head, Place, acts, link, section, trace_link};
use crate::components::name;
use crate::format;
use crate::model::log_text;
use leptos::prelude::*;
use wire::TriageErrorGroup;

pub(super) fn errors(sheet: &Sheet<'_>, place: Place) -> AnyView {
    let rows: Vec<AnyView> = sheet.report.errors.iter().map(|one| group(sheet, one)).collect();
    let said = "Each group stands where its deepest failing span is.".to_owned();
    let head = Head { name: "errors", title: "Where errors begin", said, body: None };
    section(place, head, lane::empty(sheet), rows)
}

fn group(sheet: &Sheet<'_>, group: &TriageErrorGroup) -> AnyView {
    let is_news = matches!(group.state.as_str(), "new" | "regressed" | "escalating");
    let class = if is_news { "bad strong" } else { "t3" };
    let counts = format!("{} \u{2192} {}", format::count(group.n_before), format::count(group.n_now));
    let mut links: Vec<AnyView> = group.trace_id.iter().map(|id| trace_link(id)).collect();
    links.push(link(&sheet.links.traces(&group.service, Some(&group.operation), true), "Failed traces"));
    links.push(link(&sheet.links.logs(&group.service, None), "Logs"));
    let say = view! {
        <div data-testid="error-group" data-state=group.state.clone()>
            <h3>
                {name(&group.identity)} " " <span class="t3">{name(&group.service)} " " {name(&group.operation)}</span>
                <span class="wt"><span class=class>{log_text::line(&group.state.replace('_', " "))}</span> <span class="num">{counts}</span></span>
            </h3>
            <p class="s">{log_text::line(&group.sentence)}</p>
            {acts(links)}
        </div>
    };
    lane::row(say.into_any(), lane::empty(sheet))
}
