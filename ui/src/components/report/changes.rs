//! Releases, restarts, traffic and markers near the onset, at their place on the axis.

use super::Sheet;
use super::lane;
use super::section::{Head, Place, section};
use crate::components::name;
use crate::format;
use crate::model::log_text;
use leptos::prelude::*;
use wire::TriageChange;

pub(super) fn changes(sheet: &Sheet<'_>, place: Place) -> AnyView {
    let changes = &sheet.report.changes;
    let rows: Vec<AnyView> = changes.iter().map(|one| change(sheet, one)).collect();
    let n_near = changes.iter().filter(|change| change.is_near).count();
    let said = match (changes.len(), n_near) {
        (0, _) => "No release, restart, marker or change of traffic was seen near it.".to_owned(),
        (_, 0) => "None of them lies close enough before the onset to have caused it.".to_owned(),
        (n, near) => format!("{near} of {n} lie close enough before the onset to have caused it."),
    };
    let head = Head { name: "changes", title: "Changes near the onset", said, body: None };
    section(place, head, lane::empty(sheet), rows)
}

fn change(sheet: &Sheet<'_>, change: &TriageChange) -> AnyView {
    let at = format::time_near(change.at, sheet.report.window.to, sheet.zone);
    let say = view! {
        <div class="change" class:t2=!change.is_near data-testid="change" data-kind=change.kind.clone()>
            <span class="num">{at}</span> <span>{name(&change.service)}</span>
            <span>{log_text::line(&change.sentence)}</span>
        </div>
    };
    let class = if change.is_near { "m-text" } else { "m-rest" };
    lane::row(say.into_any(), lane::moment(sheet, Some(change.at), log_text::line(&change.kind), class))
}
