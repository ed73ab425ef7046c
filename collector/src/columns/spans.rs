//! Spans as rows of table `spans`.

use super::attributes::Attributes;
use super::owners::{Owners, dropped};
use super::semconv::{Facts, facts, is_error};
use super::table::{self, Table, span_ids, text, times, trace_ids, unix_nanos};
use super::value;
use crate::decode::Report;
use crate::decode::validity::{is_span_id, is_trace_id, is_zero, shown};
use crate::telemetry::Reason;
use arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use std::sync::Arc;
use storage::schema;

pub(super) fn batch(
    request: &ExportTraceServiceRequest,
    received_at: i64,
    report: &mut Report,
) -> Result<RecordBatch, ArrowError> {
    let mut owners = Owners::new();
    let rows = rows(request, &mut owners, report);
    let mut table = Table::default();
    push_identity(&rows, &mut table, report)?;
    push_times(&rows, &mut table, report);
    push_outcome(&rows, &mut table);
    push_children(&rows, &mut table, report)?;
    push_attributes(&rows, &mut table, report)?;
    owners.finish(received_at, &mut table)?;
    table.into_batch(schema::spans())
}

fn rows<'a>(
    request: &'a ExportTraceServiceRequest,
    owners: &mut Owners<'a>,
    report: &mut Report,
) -> Vec<&'a Span> {
    let mut rows = Vec::new();
    for resource in &request.resource_spans {
        owners.enter_resource(resource.resource.as_ref(), &resource.schema_url, report);
        for scope in &resource.scope_spans {
            owners.enter_scope(scope.scope.as_ref(), &scope.schema_url, report);
            rows.extend(scope.spans.iter().filter(|_| owners.admit_row(0, report)));
        }
    }
    rows
}

fn push_identity(rows: &[&Span], table: &mut Table, report: &mut Report) -> Result<(), ArrowError> {
    let parents: Vec<Option<&[u8]>> = rows.iter().map(|span| parent(span, report)).collect();
    let is_entry = rows.iter().zip(&parents).map(|(span, parent)| is_entry(span.kind, parent.is_none()));
    table.push("is_entry", Arc::new(is_entry.map(Some).collect::<BooleanArray>()));
    table.push("trace_id", trace_ids(rows.iter().map(|span| Some(span.trace_id.as_slice())))?);
    table.push("span_id", span_ids(rows.iter().map(|span| Some(span.span_id.as_slice())))?);
    table.push("parent_span_id", span_ids(parents.into_iter())?);
    table.push("trace_state", text(rows.iter().map(|span| span.trace_state.as_str())));
    table.push("flags", table::counts(rows.iter().map(|span| span.flags)));
    let names = rows.iter().map(|span| value::bounded(&span.name, value::NAME_BYTES_MAX, report));
    table.push("name", text(names));
    table.push("kind", text(rows.iter().map(|span| kind_name(span.kind))));
    Ok(())
}

/// No parent makes a root. So do zeros, and an id of a wrong length, which is counted.
fn parent<'a>(span: &'a Span, report: &mut Report) -> Option<&'a [u8]> {
    let id = span.parent_span_id.as_slice();
    if is_span_id(id) {
        return Some(id);
    }
    if !is_zero(id) {
        report.add(Reason::ParentSpanIdInvalid, 1, || {
            format!("span '{}' has parent_span_id of {}", span.name, shown(id))
        });
    }
    None
}

fn push_times(rows: &[&Span], table: &mut Table, report: &mut Report) {
    let starts: Vec<i64> = rows.iter().map(|span| unix_nanos(span.start_time_unix_nano, report)).collect();
    let ends: Vec<i64> = rows.iter().map(|span| unix_nanos(span.end_time_unix_nano, report)).collect();
    let durations = rows.iter().map(|span| Some(duration_ns(span, report)));
    table.push("duration_ns", table::integers(durations));
    table.push("start_time", times(starts.into_iter()));
    table.push("end_time", times(ends.into_iter()));
}

fn duration_ns(span: &Span, report: &mut Report) -> i64 {
    let (start, end) = (span.start_time_unix_nano, span.end_time_unix_nano);
    let Some(duration) = end.checked_sub(start) else {
        report.add(Reason::EndBeforeStart, 1, || {
            format!("span '{}' ends {} ns before its start", span.name, start - end)
        });
        return 0;
    };
    i64::try_from(duration).unwrap_or(i64::MAX)
}

fn push_outcome(rows: &[&Span], table: &mut Table) {
    let facts: Vec<Facts<'_>> = rows.iter().map(|span| facts(span)).collect();
    let is_error = rows.iter().zip(&facts).map(|(span, facts)| Some(is_error(span, facts)));
    table.push("is_error", Arc::new(is_error.collect::<BooleanArray>()));
    let code = |span: &&Span| status_name(span.status.as_ref().map_or(0, |status| status.code));
    table.push("status_code", text(rows.iter().map(code)));
    let message = rows.iter().map(|span| span.status.as_ref().map_or("", |status| status.message.as_str()));
    table.push("status_message", text(message));
    push_facts(&facts, table);
}

fn push_facts(facts: &[Facts<'_>], table: &mut Table) {
    macro_rules! texts {
        ($( $name:ident )*) => {
            $( table.push(stringify!($name), table::optional_text(facts.iter().map(|f| f.$name.as_deref()))); )*
        };
    }
    texts! {
        http_request_method http_route url_path db_system_name db_namespace db_operation_name
        rpc_system_name rpc_method rpc_response_status_code messaging_system messaging_destination_name
        server_address peer_service error_type
    }
    let status = facts.iter().map(|facts| facts.http_response_status_code);
    table.push("http_response_status_code", table::integers(status));
}

fn push_attributes(rows: &[&Span], table: &mut Table, report: &mut Report) -> Result<(), ArrowError> {
    let mut attributes = Attributes::new();
    rows.iter().for_each(|span| attributes.append(&span.attributes, report));
    let n_dropped = dropped(rows.iter().map(|span| span.dropped_attributes_count), &attributes);
    table.push("dropped_attributes_count", n_dropped);
    let (map, types) = attributes.finish()?;
    table.push("attributes", map);
    table.push("attributes_types", types);
    Ok(())
}

fn push_children(rows: &[&Span], table: &mut Table, report: &mut Report) -> Result<(), ArrowError> {
    let events = events(rows.iter().flat_map(|span| &span.events).collect(), report)?;
    let lengths = rows.iter().map(|span| Some(span.events.len()));
    table.push("events", table::list(&list_type("events")?, lengths, events)?);
    table.push("dropped_events_count", table::counts(rows.iter().map(|span| span.dropped_events_count)));
    let links = links(rows.iter().flat_map(|span| &span.links).collect(), report)?;
    let lengths = rows.iter().map(|span| Some(span.links.len()));
    table.push("links", table::list(&list_type("links")?, lengths, links)?);
    table.push("dropped_links_count", table::counts(rows.iter().map(|span| span.dropped_links_count)));
    Ok(())
}

fn list_type(column: &str) -> Result<DataType, ArrowError> {
    Ok(schema::spans().field_with_name(column)?.data_type().clone())
}

fn events(events: Vec<&Event>, report: &mut Report) -> Result<ArrayRef, ArrowError> {
    let mut table = Table::default();
    let mut attributes = Attributes::new();
    events.iter().for_each(|event| attributes.append(&event.attributes, report));
    let at: Vec<i64> = events.iter().map(|event| unix_nanos(event.time_unix_nano, report)).collect();
    table.push("time", times(at.into_iter()));
    table.push("name", text(events.iter().map(|event| event.name.as_str())));
    let n_dropped = dropped(events.iter().map(|event| event.dropped_attributes_count), &attributes);
    table.push("dropped_attributes_count", n_dropped);
    let (map, types) = attributes.finish()?;
    table.push("attributes", map);
    table.push("attributes_types", types);
    Ok(Arc::new(table.into_struct(schema::event_fields())?))
}

fn links(links: Vec<&Link>, report: &mut Report) -> Result<ArrayRef, ArrowError> {
    let mut table = Table::default();
    let mut attributes = Attributes::new();
    links.iter().for_each(|link| attributes.append(&link.attributes, report));
    let linked: Vec<(&[u8], &[u8])> = links.iter().map(|link| linked(link, report)).collect();
    table.push("trace_id", trace_ids(linked.iter().map(|(trace_id, _)| Some(*trace_id)))?);
    table.push("span_id", span_ids(linked.iter().map(|(_, span_id)| Some(*span_id)))?);
    table.push("trace_state", text(links.iter().map(|link| link.trace_state.as_str())));
    table.push("flags", table::counts(links.iter().map(|link| link.flags)));
    let n_dropped = dropped(links.iter().map(|link| link.dropped_attributes_count), &attributes);
    table.push("dropped_attributes_count", n_dropped);
    let (map, types) = attributes.finish()?;
    table.push("attributes", map);
    table.push("attributes_types", types);
    Ok(Arc::new(table.into_struct(schema::link_fields())?))
}

/// A link is kept for its attributes even where its ids are wrong: those become zeros, which no span has.
fn linked<'a>(link: &'a Link, report: &mut Report) -> (&'a [u8], &'a [u8]) {
    let is_trace = is_trace_id(&link.trace_id);
    let is_span = is_span_id(&link.span_id);
    if !is_trace || !is_span {
        report.add(Reason::LinkIdInvalid, 1, || {
            format!("a link to trace {} and span {}", shown(&link.trace_id), shown(&link.span_id))
        });
    }
    (if is_trace { &link.trace_id } else { &[0; 16] }, if is_span { &link.span_id } else { &[0; 8] })
}

/// Is it work that the service was asked for, or took up by itself, such as a batch job? A call to others is neither,
/// even where nothing of this trace came before it.
fn is_entry(kind: i32, is_root: bool) -> bool {
    match SpanKind::try_from(kind) {
        Ok(SpanKind::Server | SpanKind::Consumer) => true,
        Ok(SpanKind::Client | SpanKind::Producer) => false,
        Ok(SpanKind::Internal | SpanKind::Unspecified) | Err(_) => is_root,
    }
}

/// Kinds that do not exist yet are read as unspecified.
fn kind_name(kind: i32) -> &'static str {
    match SpanKind::try_from(kind) {
        Ok(SpanKind::Internal) => "internal",
        Ok(SpanKind::Server) => "server",
        Ok(SpanKind::Client) => "client",
        Ok(SpanKind::Producer) => "producer",
        Ok(SpanKind::Consumer) => "consumer",
        Ok(SpanKind::Unspecified) | Err(_) => "unspecified",
    }
}

fn status_name(code: i32) -> &'static str {
    match StatusCode::try_from(code) {
        Ok(StatusCode::Ok) => "ok",
        Ok(StatusCode::Error) => "error",
        Ok(StatusCode::Unset) | Err(_) => "unset",
    }
}
