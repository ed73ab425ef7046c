//! Everything about the selected span, beside the rows.

use super::attribute_list::AttributeList;
use super::log_lines::SpanLogs;
use super::state::TraceState;
use crate::api::{self, Fetch};
use crate::components::tabs::{self, Tab};
use crate::components::{CopyButton, Panel, Tabs, icon, name};
use crate::erased::{act, live, memo};
use crate::model::trace_model::TraceModel;
use crate::model::{log_text, name_text};
use crate::{format, url_state};
use leptos::prelude::*;
use std::sync::Arc;
use wire::{Attribute, SpanDetail, SpanEvent, SpanLink};

const TAB: &str = "tab";

#[component]
pub fn Drawer(state: TraceState) -> impl IntoView {
    let ids = memo(move || {
        let (model, node) = (state.model.get()?, state.selected.get()?);
        Some((model.trace.trace_id.clone(), model.span(node)?.span_id.clone()))
    });
    let detail = api::fetched::<SpanDetail>(move || {
        ids.get().map(|(trace, span)| format!("/traces/{trace}/spans/{span}"))
    });
    let tabs = memo(move || detail.map(tab_list).unwrap_or_default());
    let summary = move || {
        let (model, node) = (state.model.get()?, state.selected.get()?);
        Some(summary(state, &model, node))
    };
    let start = memo(move || state.model.get().map_or(0, |model| model.trace.started_at.0));
    let body = move || {
        let tab = tabs.with(|tabs| tabs::chosen(TAB, tabs));
        detail.get().map(|detail| tab_body(tab, &detail, start.get()))
    };
    view! {
        <aside class="dr" aria-label="Selected span" data-testid="span-drawer">
            {live(summary)}
            <Panel name="span-detail" state=detail.state() retry=detail.retry()>
                {status(detail)}
                <Tabs param=TAB tabs=tabs label="Parts of the span" />
                <div class="tab-body">{live(body)}</div>
            </Panel>
            <SpanLogs ids=ids start=start />
        </aside>
    }
}

fn tab_list(detail: &SpanDetail) -> Vec<Tab> {
    let tab = |value, label, n: usize| Tab { value, label, n: Some(n as u64) };
    vec![
        tab("attributes", "Attributes", detail.attributes.len()),
        tab("events", "Events", detail.events.len()),
        tab("links", "Links", detail.links.len()),
        tab("resource", "Resource", detail.resource.len()),
    ]
}

/// Ancestors, name and times: known from the row, so there is no wait.
fn summary(state: TraceState, model: &Arc<TraceModel>, node: usize) -> AnyView {
    let Some(span) = model.span(node) else { return ().into_any() };
    let (from, _) = model.extent(node);
    let error = span.is_error.then(|| crate::components::state_icon("bad", "err", "error"));
    let class = format!("state key {}", model.colors.paint(&span.service));
    let close = move |_| state.clear_selection();
    view! {
        <section>
            <div class="crumbs micro t3" data-testid="span-breadcrumb">{breadcrumb(model, node)}</div>
            <div class="title">
                <h2 title=name_text::title(&span.name)>{name_text::shown(&span.name)}</h2>
                <button class="btn quiet small" type="button" aria-label="Close" on:click=act(close)>{icon("close")}</button>
            </div>
            <div class="facts">
                <span class=class>{name(&span.service)}</span> <span>{span.kind.clone()}</span> {error}
                <span><b>{format::duration(span.duration_ns)}</b> " at " {format::offset(from)}</span>
            </div>
        </section>
    }
    .into_any()
}

fn breadcrumb(model: &TraceModel, node: usize) -> Vec<AnyView> {
    let step = |node: usize| {
        let span = model.span(node)?;
        let href = url_state::link_here(&[("spanId", Some(&span.span_id))]);
        Some(view! { <a href=href title=name_text::title(&span.name)>{name_text::inline(&span.service)}</a> <span>"\u{203a}"</span> }.into_any())
    };
    let ancestors = model.waterfall.ancestors(node);
    let mut steps: Vec<AnyView> = ancestors.into_iter().filter_map(step).collect();
    if let Some(span) = model.span(node) {
        steps.push(view! { <span>{name_text::inline(&span.service)}</span> }.into_any());
    }
    steps
}

fn status(detail: Fetch<SpanDetail>) -> AnyView {
    let message =
        move || detail.map(|detail| detail.status_message.clone().filter(|text| !text.is_empty())).flatten();
    live(move || {
        message().map(|text| view! { <section class="status bad" data-testid="span-status">{icon("err")} {log_text::clean(&text)}</section> })
    })
}

fn tab_body(tab: &str, detail: &Arc<SpanDetail>, start_ns: i64) -> AnyView {
    match tab {
        "events" => list(
            detail.events.iter().map(|event| event_view(event, start_ns)).collect(),
            "This span has no events.",
        ),
        "links" => list(detail.links.iter().map(link_view).collect(), "This span links to no other."),
        "resource" => {
            view! { <AttributeList attributes=detail.resource.clone() is_searchable=true /> }.into_any()
        }
        _ => view! {
            <AttributeList attributes=detail.attributes.clone() is_searchable=true />
            <div class="label">"Identity"</div>
            <dl class="at">{identity(detail)}</dl>
        }
        .into_any(),
    }
}

fn list(items: Vec<AnyView>, none: &'static str) -> AnyView {
    if items.is_empty() { view! { <p class="dense t2">{none}</p> }.into_any() } else { items.into_any() }
}

fn identity(detail: &SpanDetail) -> Vec<AnyView> {
    let row = &detail.row;
    let scope = format!("{} {}", detail.scope_name, detail.scope_version);
    let all = [
        ("span id", Some(row.span_id.clone())),
        ("parent", row.parent_span_id.clone()),
        ("trace id", Some(detail.trace_id.clone())),
        ("status", Some(detail.status_code.clone())),
        ("scope", Some(scope.trim().to_owned())),
        ("trace state", detail.trace_state.clone()),
    ];
    let pair = |(key, value): (&'static str, Option<String>)| {
        let value = value.filter(|value| !value.is_empty())?;
        Some(view! {
            <dt>{key}</dt>
            <dd><span class="val">{name(&value)}</span> <span class="acts"><CopyButton text=value /></span></dd>
        }
        .into_any())
    };
    all.into_iter().filter_map(pair).collect()
}

fn event_view(event: &SpanEvent, start_ns: i64) -> AnyView {
    let is_exception = event.name == "exception";
    view! {
        <div class="event" data-testid="span-event">
            <div class="dense"><span class="t3">{format::offset(event.at.0 - start_ns)}</span> " "
                <b class:bad=is_exception>{name(&event.name)}</b></div>
            {attributes(&event.attributes)}
        </div>
    }
    .into_any()
}

fn link_view(link: &SpanLink) -> AnyView {
    let href = url_state::link(&format!("/trace/{}?spanId={}", link.trace_id, link.span_id));
    view! {
        <div class="event" data-testid="span-link">
            <div class="dense"><a class="link mono" href=href>
                {format!("{} \u{203a} {}", format::short_id(&link.trace_id), link.span_id)}</a></div>
            {attributes(&link.attributes)}
        </div>
    }
    .into_any()
}

fn attributes(attributes: &[Attribute]) -> Option<AnyView> {
    let list = view! { <AttributeList attributes=attributes.to_vec() is_searchable=false /> };
    (!attributes.is_empty()).then(|| list.into_any())
}
