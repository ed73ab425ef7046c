//! Who calls this service and whom it calls, as the callers saw it.

use crate::api::Fetch;
use crate::components::icon::labelled_icon;
use crate::components::name;
use crate::erased::live;
use crate::model::address::segment;
use crate::model::{figures, verdict};
use crate::{format, url_state};
use leptos::prelude::*;
use wire::{EdgeRow, PeerKind, ServiceDetail};

#[component]
pub fn Neighbours(detail: Fetch<ServiceDetail>) -> impl IntoView {
    let callers = move || detail.map(|detail| table(&detail.callers, "Nobody in view calls it."));
    let callees = move || detail.map(|detail| table(&detail.callees, "It calls nobody in view."));
    view! {
        <section data-testid="callers"><h2>"Called by " <span>"rate, errors, p95"</span></h2>{live(callers)}</section>
        <section data-testid="callees"><h2>"Calls " <span>"rate, errors, p95"</span></h2>{live(callees)}</section>
    }
}

fn table(edges: &[EdgeRow], nobody: &'static str) -> AnyView {
    if edges.is_empty() {
        return view! { <p class="dense t2">{nobody}</p> }.into_any();
    }
    let rows: Vec<AnyView> = edges.iter().map(row).collect();
    view! { <table class="plain"><tbody>{rows}</tbody></table> }.into_any()
}

fn row(edge: &EdgeRow) -> AnyView {
    let (class, symbol, word) = verdict::edge_health(edge).mark();
    let errors_class = if class == "ok" || class == "unknown" { "num" } else { "num bad" };
    view! {
        <tr data-testid="edge-row" data-peer=edge.peer.clone()>
            <td><span class="state"><span class=class>{labelled_icon(symbol, word)}</span> {peer(edge)}</span></td>
            <td class="num">{figures::rate(&edge.red)}</td>
            <td class=errors_class>{format::percent_or_missing(edge.red.error_ratio)}</td>
            <td class="num">{format::duration_or_missing(edge.red.p95_ns)}</td>
        </tr>
    }
    .into_any()
}

/// Services have a page; databases, queues and foreign hosts have only their kind.
fn peer(edge: &EdgeRow) -> AnyView {
    let kind = match edge.peer_kind {
        PeerKind::Service => {
            let href = url_state::link(&format!("/services/{}", segment(&edge.peer)));
            return view! { <a href=href class="cut">{name(&edge.peer)}</a> }.into_any();
        }
        PeerKind::Database => "database",
        PeerKind::Messaging => "queue",
        PeerKind::External => "external",
    };
    view! { <span class="peer cut">{name(&edge.peer)}<span class="t3 micro">{kind}</span></span> }.into_any()
}
