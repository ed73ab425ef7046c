//! Calls that fail, slow down or are repeated, as both of their sides saw them.

use super::Sheet;
use super::lane::{self, bar};
use super::section::{Head, Place, acts, link, section};
use crate::components::name;
use crate::model::decimal::fixed;
use crate::model::{log_text, report_blocks};
use leptos::prelude::*;
use wire::TriageEdge;

pub(super) fn edges(sheet: &Sheet<'_>, place: Place) -> AnyView {
    let rows: Vec<AnyView> = sheet.report.edges.iter().map(|one| edge(sheet, one)).collect();
    let said = "The guiltiest first, by their part of the lost time or of the failures.".to_owned();
    let head = Head { name: "edges", title: "Calls to blame", said, body: None };
    section(place, head, lane::empty(sheet), rows)
}

fn edge(sheet: &Sheet<'_>, edge: &TriageEdge) -> AnyView {
    let row = |(words, before, now, change): (&'static str, String, String, String)| {
        view! {
            <tr>
                <th scope="row">{words}</th>
                <td class="num base">{before}</td>
                <td class="num now strong">{now}</td>
                <td class="num">{change}</td>
            </tr>
        }
        .into_any()
    };
    let rows: Vec<AnyView> = report_blocks::edge_rows(edge).into_iter().map(row).collect();
    let mut links = vec![
        link(&sheet.links.traces(&edge.caller, None, false), "Traces"),
        link(&sheet.links.service(&edge.caller), "Caller"),
    ];
    // Databases and foreign hosts report nothing, and have no page.
    if edge.callee_ns.before.or(edge.callee_ns.now).is_some() {
        links.push(link(&sheet.links.service(&edge.callee), "Callee"));
    }
    let say = view! {
        <div data-testid="edge" data-caller=edge.caller.clone() data-callee=edge.callee.clone()>
            <h3>
                {name(&edge.caller)} " \u{2192} " {name(&edge.callee)}
                <span class="wt" title="its part of what was lost">{bar(edge.weight, "p-now")} <span class="num">{fixed(edge.weight, 2)}</span></span>
            </h3>
            <p class="s">{log_text::line(&edge.sentence)}</p>
            <table class="plain calls">
                <thead><tr>
                    <th scope="col"><span class="sr">"figure"</span></th>
                    <th scope="col" class="num">"before"</th>
                    <th scope="col" class="num">"now"</th>
                    <th scope="col" class="num">"change"</th>
                </tr></thead>
                <tbody>{rows}</tbody>
            </table>
            {acts(links)}
        </div>
    };
    lane::row(say.into_any(), lane::empty(sheet))
}
