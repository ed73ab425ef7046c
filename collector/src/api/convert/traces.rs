//! Traces: summaries, the rows of a waterfall with their critical path, and one span in full.

use super::super::failure::Failure;
use super::super::rows::{Table, non_empty, non_null};
use super::logs::attributes;
use crate::decode::text::hex;
use arrow::array::{
    Array, AsArray, BooleanArray, FixedSizeBinaryArray, Int64Array, ListArray, RecordBatch, StringArray,
    TimestampNanosecondArray,
};
use std::collections::{BTreeMap, HashSet};
use triage::{PathKind, PathSpan, Section};
use wire::UnixNanos;

pub(in super::super) fn trace_list(hits: storage::TraceHits, range: storage::TimeRange) -> wire::TraceList {
    wire::TraceList {
        from: UnixNanos(range.from),
        to: UnixNanos(range.to),
        traces: hits.traces.into_iter().map(trace_summary).collect(),
        truncated: hits.truncated,
        sql: hits.sql,
    }
}

fn trace_summary(summary: storage::TraceSummary) -> wire::TraceSummary {
    let spans_of = |service: storage::ServiceSpans| wire::ServiceSpans {
        service: service.service,
        n_spans: service.n_spans,
        n_errors: service.n_errors,
    };
    wire::TraceSummary {
        trace_id: hex(&summary.trace_id),
        root_service: summary.root_service,
        root_operation: summary.root_operation,
        root_missing: summary.root_missing,
        started_at: UnixNanos(summary.started_at),
        duration_ns: summary.duration_ns,
        n_spans: summary.n_spans,
        n_errors: summary.n_errors,
        services: summary.services.into_iter().map(spans_of).collect(),
    }
}

/// The columns that a waterfall needs.
struct SpanTable<'a> {
    span_ids: &'a FixedSizeBinaryArray,
    parent_ids: &'a FixedSizeBinaryArray,
    services: &'a StringArray,
    names: &'a StringArray,
    kinds: &'a StringArray,
    starts: &'a TimestampNanosecondArray,
    ends: &'a TimestampNanosecondArray,
    durations: &'a Int64Array,
    are_errors: &'a BooleanArray,
    events: &'a ListArray,
    links: &'a ListArray,
}

impl<'a> SpanTable<'a> {
    fn of(batch: &'a RecordBatch) -> Result<Self, Failure> {
        let table = Table::Batch(batch);
        Ok(Self {
            span_ids: table.bytes("span_id")?,
            parent_ids: table.bytes("parent_span_id")?,
            services: table.text("service")?,
            names: table.text("name")?,
            kinds: table.text("kind")?,
            starts: table.time("start_time")?,
            ends: table.time("end_time")?,
            durations: table.int64("duration_ns")?,
            are_errors: table.bool("is_error")?,
            events: table.list("events")?,
            links: table.list("links")?,
        })
    }

    fn row(&self, row: usize) -> wire::SpanRow {
        wire::SpanRow {
            span_id: hex(self.span_ids.value(row)),
            parent_span_id: non_null(self.parent_ids, row).map(hex),
            service: self.services.value(row).to_owned(),
            name: self.names.value(row).to_owned(),
            kind: self.kinds.value(row).to_owned(),
            started_at: UnixNanos(self.starts.value(row)),
            duration_ns: self.durations.value(row),
            is_error: self.are_errors.value(row),
            n_events: length(self.events, row),
            n_links: length(self.links, row),
        }
    }

    fn path_span(&self, row: usize) -> PathSpan {
        let kind = match self.kinds.value(row) {
            "producer" => PathKind::Producer,
            "consumer" => PathKind::Consumer,
            _ => PathKind::Other,
        };
        PathSpan {
            span_id: span_id(self.span_ids.value(row)),
            parent_span_id: non_null(self.parent_ids, row).map(span_id),
            start_ns: self.starts.value(row),
            end_ns: self.ends.value(row),
            kind,
        }
    }
}

/// Ids have eight bytes by their schema.
fn span_id(bytes: &[u8]) -> [u8; 8] {
    bytes.try_into().unwrap_or_default()
}

fn length(list: &ListArray, row: usize) -> u32 {
    if list.is_null(row) { 0 } else { u32::try_from(list.value_length(row)).unwrap_or(0) }
}

/// The spans of a trace in order of their start, for the page and for triage: places are the same in both lists.
pub(in super::super) struct TraceSpans {
    spans: Vec<wire::SpanRow>,
    pub(in super::super) path_spans: Vec<PathSpan>,
    is_cut: bool,
}

impl TraceSpans {
    pub(in super::super) fn of(batches: &[RecordBatch], n_spans_max: usize) -> Result<Self, Failure> {
        let (mut spans, mut path_spans, mut n_spans) = (Vec::new(), Vec::new(), 0);
        for batch in batches {
            let table = SpanTable::of(batch)?;
            let n_rows = batch.num_rows().min(n_spans_max - n_spans.min(n_spans_max));
            spans.extend((0..n_rows).map(|row| table.row(row)));
            path_spans.extend((0..n_rows).map(|row| table.path_span(row)));
            n_spans += batch.num_rows();
        }
        Ok(Self { spans, path_spans, is_cut: n_spans > n_spans_max })
    }
}

/// The whole page of a trace. `root` and the sections of `path` name spans by their place.
pub(in super::super) fn trace(
    trace_id: [u8; 16],
    trace: TraceSpans,
    root: Option<usize>,
    path: &[Section],
) -> wire::Trace {
    let TraceSpans { spans, path_spans, is_cut } = trace;
    let started_at = path_spans.iter().map(|span| span.start_ns).min().unwrap_or_default();
    let ended_at = path_spans.iter().map(|span| span.end_ns.max(span.start_ns)).max().unwrap_or(started_at);
    let root = spans.get(root.unwrap_or(0));
    wire::Trace {
        root_service: root.map(|root| root.service.clone()).unwrap_or_default(),
        root_operation: root.map(|root| root.name.clone()).unwrap_or_default(),
        started_at: UnixNanos(started_at),
        duration_ns: ended_at.saturating_sub(started_at),
        critical_path: path.iter().map(|section| path_section(section, &spans, started_at)).collect(),
        path_by_service: path_by_service(path, &spans),
        n_orphans: n_orphans(&path_spans),
        truncated: is_cut,
        sql: storage::Engine::trace_sql(trace_id),
        trace_id: hex(&trace_id),
        spans,
    }
}

fn path_section(section: &Section, spans: &[wire::SpanRow], started_at: i64) -> wire::PathSection {
    wire::PathSection {
        span_id: spans[section.span].span_id.clone(),
        from_ns: section.from_ns.saturating_sub(started_at),
        to_ns: section.to_ns.saturating_sub(started_at),
    }
}

/// Longest first.
fn path_by_service(path: &[Section], spans: &[wire::SpanRow]) -> Vec<wire::ServicePathTime> {
    let mut by_service: BTreeMap<&str, i64> = BTreeMap::new();
    for section in path {
        let time = by_service.entry(&spans[section.span].service).or_default();
        *time = time.saturating_add(section.to_ns.saturating_sub(section.from_ns));
    }
    let of_service = |(service, duration_ns): (&str, i64)| wire::ServicePathTime {
        service: service.to_owned(),
        duration_ns,
    };
    let mut times: Vec<_> = by_service.into_iter().map(of_service).collect();
    times.sort_by_key(|time| std::cmp::Reverse(time.duration_ns));
    times
}

/// Spans that name a parent which is not among them.
fn n_orphans(spans: &[PathSpan]) -> u64 {
    let ids: HashSet<[u8; 8]> = spans.iter().map(|span| span.span_id).collect();
    let parents = spans.iter().filter_map(|span| span.parent_span_id).filter(|id| *id != [0; 8]);
    parents.filter(|parent| !ids.contains(parent)).count() as u64
}

pub(in super::super) fn span_detail(
    trace_id: [u8; 16],
    batch: &RecordBatch,
    row: usize,
) -> Result<wire::SpanDetail, Failure> {
    let table = Table::Batch(batch);
    Ok(wire::SpanDetail {
        trace_id: hex(&trace_id),
        row: SpanTable::of(batch)?.row(row),
        status_code: table.text("status_code")?.value(row).to_owned(),
        status_message: non_empty(table.text("status_message")?, row),
        trace_state: non_empty(table.text("trace_state")?, row),
        scope_name: table.text("scope_name")?.value(row).to_owned(),
        scope_version: table.text("scope_version")?.value(row).to_owned(),
        attributes: attributes(table, "attributes", "attributes_types", row)?,
        resource: attributes(table, "resource", "resource_types", row)?,
        events: items(table.list("events")?, row, event)?,
        links: items(table.list("links")?, row, link)?,
    })
}

fn items<T>(
    list: &ListArray,
    row: usize,
    convert: fn(Table<'_>, usize) -> Result<T, Failure>,
) -> Result<Vec<T>, Failure> {
    if list.is_null(row) {
        return Ok(Vec::new());
    }
    let items = list.value(row);
    let items = items.as_struct();
    (0..items.len()).map(|item| convert(Table::Items(items), item)).collect()
}

fn event(items: Table<'_>, item: usize) -> Result<wire::SpanEvent, Failure> {
    Ok(wire::SpanEvent {
        at: UnixNanos(items.time("time")?.value(item)),
        name: items.text("name")?.value(item).to_owned(),
        attributes: attributes(items, "attributes", "attributes_types", item)?,
    })
}

fn link(items: Table<'_>, item: usize) -> Result<wire::SpanLink, Failure> {
    Ok(wire::SpanLink {
        trace_id: hex(items.bytes("trace_id")?.value(item)),
        span_id: hex(items.bytes("span_id")?.value(item)),
        attributes: attributes(items, "attributes", "attributes_types", item)?,
    })
}
