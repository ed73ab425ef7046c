//! What happened in an incident, and near it; the newest first.

use crate::api::Fetch;
use crate::components::icon::labelled_icon;
use crate::erased::{live, memo};
use crate::format::{self, Zone};
use crate::model::{incident_view, log_text};
use crate::pages::slos::standing_mark::shape;
use crate::url_state;
use leptos::prelude::*;
use wire::{IncidentDetail, TimelineEntry, UnixNanos};

pub fn timeline(detail: Fetch<IncidentDetail>) -> AnyView {
    let entries = memo(move || detail.map(|detail| detail.timeline.clone()).unwrap_or_default());
    let is_cut = move || detail.map(|detail| detail.timeline_truncated) == Some(true);
    let lines = move || {
        let zone = url_state::zone();
        entries.with(|entries| {
            let near = entries.last().map(|entry| entry.at).unwrap_or_default();
            entries.iter().rev().map(|entry| line(entry, near, zone)).collect::<Vec<AnyView>>()
        })
    };
    view! {
        <section data-testid="timeline">
            <h2>"Timeline " <span>"newest first"</span></h2>
            <ol class="tl">{live(lines)}</ol>
            <p class="dense t3">{live(move || is_cut().then_some("The oldest entries are not shown."))}</p>
        </section>
    }
    .into_any()
}

fn line(entry: &TimelineEntry, near: UnixNanos, zone: Zone) -> AnyView {
    let (class, symbol) = shape(incident_view::mark(entry));
    let detail = incident_view::detail(entry).map(|text| view! { <div class="sub">{text}</div> }.into_any());
    // The server lets no other links in; a page does not take its word for it.
    let is_web = |url: &&String| url.starts_with("http://") || url.starts_with("https://");
    let link = entry
        .url
        .as_ref()
        .filter(is_web)
        .map(|url| view! { <a class="link" href=url.clone() rel="noreferrer">"open"</a> }.into_any());
    view! {
        <li data-testid="timeline-entry" data-kind=incident_view::kind_words(entry.kind)>
            <time title=format::date_time(entry.at, zone)>{format::time_near(entry.at, near, zone)}</time>
            <div>
                <span class=class>{labelled_icon(symbol, incident_view::kind_words(entry.kind))}</span> " "
                <span class="said">{log_text::clean(&entry.text)}</span> " " {link} {detail}
            </div>
        </li>
    }
    .into_any()
}
