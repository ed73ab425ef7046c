//! The events and links of spans, as lists beside them.

use crate::columns::attributes::Attributes;
use crate::columns::limits::Limits;
use crate::columns::owners::dropped;
use crate::columns::table::{self, Table, span_ids, text, times, trace_ids, unix_nanos};
use crate::decode::Report;
use crate::decode::validity::{is_span_id, is_trace_id, shown};
use crate::decode::views::{Event, Link, Span, Text};
use crate::telemetry::Reason;
use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use std::sync::Arc;
use storage::schema;

pub(super) fn push_events(
    rows: &[Span<'_>],
    limits: Limits,
    table: &mut Table,
    report: &mut Report,
) -> Result<(), ArrowError> {
    let n_max = limits.events_max;
    let left_out: Vec<u32> =
        rows.iter().map(|span| left_out(span.name, span.events.len(), n_max, EVENTS, report)).collect();
    let kept = rows.iter().flat_map(|span| span.events.into_iter().take(n_max)).collect();
    let lengths = rows.iter().map(|span| Some(span.events.len().min(n_max)));
    table.push("events", table::list(&list_type("events")?, lengths, events(kept, limits, report)?)?);
    let sent = rows.iter().map(|span| span.dropped_events_count);
    let n_dropped = sent.zip(left_out).map(|(sent, left_out)| sent.saturating_add(left_out));
    table.push("dropped_events_count", table::counts(n_dropped));
    Ok(())
}

pub(super) fn push_links(
    rows: &[Span<'_>],
    limits: Limits,
    table: &mut Table,
    report: &mut Report,
) -> Result<(), ArrowError> {
    let n_max = limits.links_max;
    let left_out: Vec<u32> =
        rows.iter().map(|span| left_out(span.name, span.links.len(), n_max, LINKS, report)).collect();
    let kept = rows.iter().flat_map(|span| span.links.into_iter().take(n_max)).collect();
    let lengths = rows.iter().map(|span| Some(span.links.len().min(n_max)));
    table.push("links", table::list(&list_type("links")?, lengths, links(kept, limits, report)?)?);
    let sent = rows.iter().map(|span| span.dropped_links_count);
    let n_dropped = sent.zip(left_out).map(|(sent, left_out)| sent.saturating_add(left_out));
    table.push("dropped_links_count", table::counts(n_dropped));
    Ok(())
}

/// What is counted, and as what.
const EVENTS: (&str, Reason) = ("events", Reason::EventLimit);
const LINKS: (&str, Reason) = ("links", Reason::LinkLimit);

/// How many of a span's children are not kept.
fn left_out(
    span: Text<'_>,
    n_sent: usize,
    n_max: usize,
    (what, reason): (&str, Reason),
    report: &mut Report,
) -> u32 {
    let n_left_out = n_sent.saturating_sub(n_max);
    if n_left_out > 0 {
        report.add(reason, n_left_out as u64, || {
            format!("span '{span}' has {n_sent} {what}, of which {n_max} are kept")
        });
    }
    u32::try_from(n_left_out).unwrap_or(u32::MAX)
}

fn list_type(column: &str) -> Result<DataType, ArrowError> {
    Ok(schema::spans().field_with_name(column)?.data_type().clone())
}

fn events(events: Vec<Event<'_>>, limits: Limits, report: &mut Report) -> Result<ArrayRef, ArrowError> {
    let mut table = Table::default();
    let mut attributes = Attributes::new(limits);
    events.iter().for_each(|event| attributes.append(event.attributes, report));
    let at: Vec<i64> = events.iter().map(|event| unix_nanos(event.time_unix_nano, report)).collect();
    table.push("time", times(at.into_iter()));
    table.push("name", text(events.iter().map(|event| event.name))?);
    let n_dropped = dropped(events.iter().map(|event| event.dropped_attributes_count), &attributes);
    table.push("dropped_attributes_count", n_dropped);
    let (map, types) = attributes.finish()?;
    table.push("attributes", map);
    table.push("attributes_types", types);
    Ok(Arc::new(table.into_struct(schema::event_fields())?))
}

fn links(links: Vec<Link<'_>>, limits: Limits, report: &mut Report) -> Result<ArrayRef, ArrowError> {
    let mut table = Table::default();
    let mut attributes = Attributes::new(limits);
    links.iter().for_each(|link| attributes.append(link.attributes, report));
    let linked: Vec<(&[u8], &[u8])> = links.iter().map(|link| linked(link, report)).collect();
    table.push("trace_id", trace_ids(linked.iter().map(|(trace_id, _)| Some(*trace_id)))?);
    table.push("span_id", span_ids(linked.iter().map(|(_, span_id)| Some(*span_id)))?);
    table.push("trace_state", text(links.iter().map(|link| link.trace_state))?);
    table.push("flags", table::counts(links.iter().map(|link| link.flags)));
    let n_dropped = dropped(links.iter().map(|link| link.dropped_attributes_count), &attributes);
    table.push("dropped_attributes_count", n_dropped);
    let (map, types) = attributes.finish()?;
    table.push("attributes", map);
    table.push("attributes_types", types);
    Ok(Arc::new(table.into_struct(schema::link_fields())?))
}

/// A link is kept for its attributes even where its ids are wrong: those become zeros, which no span has.
fn linked<'a>(link: &Link<'a>, report: &mut Report) -> (&'a [u8], &'a [u8]) {
    let is_trace = is_trace_id(link.trace_id);
    let is_span = is_span_id(link.span_id);
    if !is_trace || !is_span {
        report.add(Reason::LinkIdInvalid, 1, || {
            format!("a link to trace {} and span {}", shown(link.trace_id), shown(link.span_id))
        });
    }
    (if is_trace { link.trace_id } else { &[0; 16] }, if is_span { link.span_id } else { &[0; 8] })
}
