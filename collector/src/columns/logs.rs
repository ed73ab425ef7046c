//! Log records as rows of table `logs`.

use super::attributes::Attributes;
use super::limits::Limits;
use super::owners::{Owners, dropped};
use super::table::{self, Table, sent_unix_nanos, span_ids, text, trace_ids, words};
use super::texts::Texts;
use super::value::{self, BODY_BYTES_MAX};
use crate::decode::Report;
use crate::decode::validity::{is_span_id, is_trace_id, is_zero, shown};
use crate::decode::views::{List, LogRecord, ResourceLogs};
use crate::telemetry::Reason;
use arrow::array::{Int32Array, RecordBatch};
use arrow::error::ArrowError;
use std::sync::Arc;
use storage::schema;

pub(super) fn batch<'a>(
    resources: List<'a, ResourceLogs<'a>>,
    received_at: i64,
    limits: Limits,
    report: &mut Report,
) -> Result<RecordBatch, ArrowError> {
    let mut owners = Owners::new(limits);
    let rows = rows(resources, &mut owners, report);
    let mut table = Table::default();
    push_times(&rows, received_at, &mut table, report);
    push_severity(&rows, &mut table)?;
    push_body(&rows, &mut table, report)?;
    push_association(&rows, &mut table, report)?;
    push_attributes(&rows, limits, &mut table, report)?;
    owners.finish(received_at, &mut table)?;
    table.into_batch(schema::logs())
}

fn rows<'a>(
    resources: List<'a, ResourceLogs<'a>>,
    owners: &mut Owners<'a>,
    report: &mut Report,
) -> Vec<LogRecord<'a>> {
    let mut rows = Vec::new();
    for resource in resources {
        owners.enter_resource(resource.resource, resource.schema_url, report);
        for scope in resource.scope_logs {
            owners.enter_scope(scope.scope, scope.schema_url, report);
            rows.reserve(scope.log_records.len());
            rows.extend(scope.log_records.into_iter().filter(|_| owners.admit_row(0, report)));
        }
    }
    rows
}

fn push_times(rows: &[LogRecord<'_>], received_at: i64, table: &mut Table, report: &mut Report) {
    let events: Vec<Option<i64>> =
        rows.iter().map(|log| sent_unix_nanos(log.time_unix_nano, report)).collect();
    let observed: Vec<Option<i64>> =
        rows.iter().map(|log| sent_unix_nanos(log.observed_time_unix_nano, report)).collect();
    let chosen: Vec<(i64, &str)> = events
        .iter()
        .zip(&observed)
        .map(|(event, observed)| choose(*event, *observed, received_at))
        .collect();
    let n_received = chosen.iter().filter(|(_, source)| *source == "received").count();
    if n_received > 0 {
        report.add(Reason::LogWithoutTime, n_received as u64, || {
            "neither time nor observed time is set".to_owned()
        });
    }
    table.push("time", table::times(chosen.iter().map(|(time, _)| *time)));
    table.push("time_source", words(chosen.iter().map(|(_, source)| *source)));
    table.push("observed_time", table::optional_times(observed.into_iter()));
}

/// The event's own time, else when it was observed, else when it was received.
fn choose(event: Option<i64>, observed: Option<i64>, received_at: i64) -> (i64, &'static str) {
    match (event, observed) {
        (Some(time), _) => (time, "event"),
        (None, Some(time)) => (time, "observed"),
        (None, None) => (received_at, "received"),
    }
}

fn push_severity(rows: &[LogRecord<'_>], table: &mut Table) -> Result<(), ArrowError> {
    let number = Int32Array::from_iter_values(rows.iter().map(|log| log.severity_number));
    table.push("severity_number", Arc::new(number));
    table.push("severity_text", text(rows.iter().map(|log| log.severity_text))?);
    let severity = |log: &LogRecord<'_>| severity(log.severity_number, log.severity_text.as_str());
    table.push("severity", words(rows.iter().map(severity)));
    Ok(())
}

/// The number decides; where it is missing or unknown, the text.
fn severity(number: i32, text: &str) -> &'static str {
    match number {
        1..=4 => "trace",
        5..=8 => "debug",
        9..=12 => "info",
        13..=16 => "warn",
        17..=20 => "error",
        21..=24 => "fatal",
        _ => severity_of_text(text),
    }
}

/// Names of levels in the common logging libraries and in syslog, whatever their case; a digit behind,
/// as in `ERROR2`, is a shade of the same level.
fn severity_of_text(text: &str) -> &'static str {
    let name = text.trim().trim_end_matches(|c: char| c.is_ascii_digit()).to_ascii_lowercase();
    match name.as_str() {
        "trace" | "finest" | "finer" | "verbose" | "silly" | "trc" => "trace",
        "debug" | "fine" | "config" | "dbg" => "debug",
        "info" | "information" | "informational" | "notice" | "inf" | "http" | "log" => "info",
        "warn" | "warning" | "wrn" => "warn",
        "error" | "err" | "severe" | "failure" | "fail" => "error",
        "fatal" | "critical" | "crit" | "alert" | "emergency" | "emerg" | "panic" | "dpanic" | "ftl" => {
            "fatal"
        }
        _ => "unset",
    }
}

fn push_body(rows: &[LogRecord<'_>], table: &mut Table, report: &mut Report) -> Result<(), ArrowError> {
    let (mut bodies, mut letters) = (Texts::new(), Texts::new());
    for log in rows {
        let letter = value::write(log.body, BODY_BYTES_MAX, &mut bodies, report);
        bodies.end();
        letters.put_str(letter.encode_utf8(&mut [0; 4]));
        letters.end();
    }
    table.push("body", Arc::new(bodies.finish()?));
    table.push("body_type", Arc::new(letters.finish()?));
    table.push("event_name", text(rows.iter().map(|log| log.event_name))?);
    Ok(())
}

fn push_association(
    rows: &[LogRecord<'_>],
    table: &mut Table,
    report: &mut Report,
) -> Result<(), ArrowError> {
    let trace = rows.iter().map(|log| associated(log.trace_id, is_trace_id, "trace_id", report));
    let trace: Vec<Option<&[u8]>> = trace.collect();
    let span = rows.iter().map(|log| associated(log.span_id, is_span_id, "span_id", report));
    let span: Vec<Option<&[u8]>> = span.collect();
    table.push("trace_id", trace_ids(trace.into_iter())?);
    table.push("span_id", span_ids(span.into_iter())?);
    table.push("flags", table::counts(rows.iter().map(|log| log.flags)));
    Ok(())
}

/// An id that is not valid means "not associated"; one of a wrong length is counted.
fn associated<'a>(
    id: &'a [u8],
    is_valid: fn(&[u8]) -> bool,
    name: &str,
    report: &mut Report,
) -> Option<&'a [u8]> {
    if is_valid(id) {
        return Some(id);
    }
    if !is_zero(id) {
        report.add(Reason::LogIdInvalid, 1, || format!("log record has {name} of {}", shown(id)));
    }
    None
}

fn push_attributes(
    rows: &[LogRecord<'_>],
    limits: Limits,
    table: &mut Table,
    report: &mut Report,
) -> Result<(), ArrowError> {
    let mut attributes = Attributes::new(limits);
    rows.iter().for_each(|log| attributes.append(log.attributes, report));
    let n_dropped = dropped(rows.iter().map(|log| log.dropped_attributes_count), &attributes);
    table.push("dropped_attributes_count", n_dropped);
    let (map, types) = attributes.finish()?;
    table.push("attributes", map);
    table.push("attributes_types", types);
    Ok(())
}
