//! Spans as rows of table `spans`.

mod children;

use super::attributes::Attributes;
use super::limits::Limits;
use super::owners::{Owners, dropped};
use super::promoted::Promoted;
use super::table::{self, Table, span_ids, text, times, trace_ids, unix_nanos};
use super::texts::Texts;
use super::value;
use crate::decode::Report;
use crate::decode::validity::{is_span, is_span_id, is_zero, shown};
use crate::decode::views::{List, ResourceSpans, Span};
use crate::telemetry::Reason;
use arrow::array::{BooleanArray, RecordBatch};
use arrow::error::ArrowError;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use std::sync::Arc;
use storage::schema;

pub(super) fn batch<'a>(
    resources: List<'a, ResourceSpans<'a>>,
    received_at: i64,
    limits: Limits,
    report: &mut Report,
) -> Result<RecordBatch, ArrowError> {
    let mut owners = Owners::new(limits);
    let rows = rows(resources, &mut owners, report);
    let mut table = Table::default();
    push_identity(&rows, &mut table, report)?;
    push_times(&rows, &mut table, report);
    push_status(&rows, &mut table)?;
    children::push_events(&rows, limits, &mut table, report)?;
    children::push_links(&rows, limits, &mut table, report)?;
    push_attributes(&rows, limits, &mut table, report)?;
    owners.finish(received_at, &mut table)?;
    table.into_batch(schema::spans())
}

fn rows<'a>(
    resources: List<'a, ResourceSpans<'a>>,
    owners: &mut Owners<'a>,
    report: &mut Report,
) -> Vec<Span<'a>> {
    let mut rows = Vec::new();
    for resource in resources {
        owners.enter_resource(resource.resource, resource.schema_url, report);
        for scope in resource.scope_spans {
            owners.enter_scope(scope.scope, scope.schema_url, report);
            rows.reserve(scope.spans.len());
            for span in scope.spans {
                if is_span(&span, report) && owners.admit_row(0, report) {
                    rows.push(span);
                }
            }
        }
    }
    rows
}

fn push_identity(rows: &[Span<'_>], table: &mut Table, report: &mut Report) -> Result<(), ArrowError> {
    let parents: Vec<Option<&[u8]>> = rows.iter().map(|span| parent(span, report)).collect();
    let is_entry = rows.iter().zip(&parents).map(|(span, parent)| is_entry(span.kind, parent.is_none()));
    table.push("is_entry", Arc::new(is_entry.map(Some).collect::<BooleanArray>()));
    table.push("trace_id", trace_ids(rows.iter().map(|span| Some(span.trace_id)))?);
    table.push("span_id", span_ids(rows.iter().map(|span| Some(span.span_id)))?);
    table.push("parent_span_id", span_ids(parents.into_iter())?);
    table.push("trace_state", text(rows.iter().map(|span| span.trace_state))?);
    table.push("flags", table::counts(rows.iter().map(|span| span.flags)));
    let mut names = Texts::new();
    rows.iter().for_each(|span| names.push(value::bounded(span.name, value::NAME_BYTES_MAX, report)));
    table.push("name", Arc::new(names.finish()?));
    table.push("kind", table::named(rows.iter().map(|span| (span.kind, kind_name(span.kind))))?);
    Ok(())
}

/// No parent makes a root. So do zeros, and an id of a wrong length, which is counted.
fn parent<'a>(span: &Span<'a>, report: &mut Report) -> Option<&'a [u8]> {
    let id = span.parent_span_id;
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

fn push_times(rows: &[Span<'_>], table: &mut Table, report: &mut Report) {
    let starts: Vec<i64> = rows.iter().map(|span| unix_nanos(span.start_time_unix_nano, report)).collect();
    let ends: Vec<i64> = rows.iter().map(|span| unix_nanos(span.end_time_unix_nano, report)).collect();
    let durations = rows.iter().map(|span| Some(duration_ns(span, report)));
    table.push("duration_ns", table::integers(durations));
    table.push("start_time", times(starts.into_iter()));
    table.push("end_time", times(ends.into_iter()));
}

fn duration_ns(span: &Span<'_>, report: &mut Report) -> i64 {
    let (start, end) = (span.start_time_unix_nano, span.end_time_unix_nano);
    let Some(duration) = end.checked_sub(start) else {
        report.add(Reason::EndBeforeStart, 1, || {
            format!(
                "span '{}' ends {} ns before its start: its duration is stored as 0",
                span.name,
                start - end
            )
        });
        return 0;
    };
    i64::try_from(duration).unwrap_or(i64::MAX)
}

fn push_status(rows: &[Span<'_>], table: &mut Table) -> Result<(), ArrowError> {
    let codes = rows.iter().map(|span| (span.status_code, status_name(span.status_code)));
    table.push("status_code", table::named(codes)?);
    table.push("status_message", text(rows.iter().map(|span| span.status_message))?);
    Ok(())
}

/// The map, and the columns that are made of some of its attributes: each is looked at once.
fn push_attributes(
    rows: &[Span<'_>],
    limits: Limits,
    table: &mut Table,
    report: &mut Report,
) -> Result<(), ArrowError> {
    let mut attributes = Attributes::new(limits);
    let mut promoted = Promoted::new();
    for span in rows {
        attributes.append_each(span.attributes, report, |attribute| promoted.note(attribute));
        promoted.end_row(span.kind, span.status_code);
    }
    promoted.finish(table);
    let n_dropped = dropped(rows.iter().map(|span| span.dropped_attributes_count), &attributes);
    table.push("dropped_attributes_count", n_dropped);
    let (map, types) = attributes.finish()?;
    table.push("attributes", map);
    table.push("attributes_types", types);
    Ok(())
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

/// None for a kind that does not exist yet.
fn kind_name(kind: i32) -> Option<&'static str> {
    Some(match SpanKind::try_from(kind).ok()? {
        SpanKind::Unspecified => "unspecified",
        SpanKind::Internal => "internal",
        SpanKind::Server => "server",
        SpanKind::Client => "client",
        SpanKind::Producer => "producer",
        SpanKind::Consumer => "consumer",
    })
}

fn status_name(code: i32) -> Option<&'static str> {
    Some(match StatusCode::try_from(code).ok()? {
        StatusCode::Unset => "unset",
        StatusCode::Ok => "ok",
        StatusCode::Error => "error",
    })
}
