//! Everything about one record: whole body, ids, attributes, resource.

use super::attribute_chips::add_filter;
use crate::components::CopyButton;
use crate::erased::{act, live, text};
use crate::format;
use crate::model::address::encode;
use crate::model::log_detail::{Field, attribute_fields, record_fields};
use crate::model::log_text;
use crate::url_state;
use leptos::prelude::*;
use wire::LogRow;

pub fn log_detail(row: &LogRow) -> AnyView {
    let at = row.at;
    let body = log_text::clean(&row.body);
    let attributes = attribute_fields(&row.attributes);
    let resource = attribute_fields(&row.resource);
    view! {
        <pre data-testid="logs-detail-body">{body}</pre>
        <div class="log-facts">
            <span class="t2">{live(move || format::date_time(at, url_state::zone()))}</span>
            {trace(row)}
            <CopyButton text=row.body.clone() label="copy body" testid="logs-copy" />
        </div>
        {fields(record_fields(row))}
        {(!attributes.is_empty()).then(|| view! { <h3>"attributes"</h3> })}
        {fields(attributes)}
        {(!resource.is_empty()).then(|| view! { <h3>"resource"</h3> })}
        {fields(resource)}
    }
    .into_any()
}

fn trace(row: &LogRow) -> Option<AnyView> {
    let id = row.trace_id.clone()?;
    let span = row.span_id.as_deref().map(|id| format!("?spanId={}", encode(id))).unwrap_or_default();
    let path = format!("/trace/{}{span}", encode(&id));
    let same = id.clone();
    let link = view! {
        <a class="link mono" href=text(move || url_state::link(&path))>{id}</a>
        <button class="btn quiet small" type="button" on:click=act(move |_| url_state::set_param("trace_id", Some(&same)))>
            "logs of this trace"
        </button>
    };
    Some(link.into_any())
}

fn fields(fields: Vec<Field>) -> AnyView {
    let rows: Vec<AnyView> = fields.into_iter().map(field).collect();
    view! { <dl class="log-fields" data-testid="logs-fields">{rows}</dl> }.into_any()
}

fn field(field: Field) -> AnyView {
    let Field { key, value, filter } = field;
    let label = format!("Show only records with {key} equal to this");
    let action = filter.map(|pair| {
        view! { <button type="button" aria-label=label on:click=act(move |_| add_filter(&pair))>"show only"</button> }
    });
    view! { <div><dt>{key}</dt> <dd>{value}</dd> <dd class="act">{action}</dd></div> }.into_any()
}
