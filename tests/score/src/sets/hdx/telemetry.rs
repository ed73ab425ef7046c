//! A scenario's files as OTLP: attributes are written as JSON, and resources are told apart by theirs.

use crate::columns::{self, Columns, Texts, whole};
use crate::feed::{Batcher, Outlet};
use crate::otlp::{Point, attribute, attributes, count, gauge, span_id, text, trace_id, unsigned};
use anyhow::Result;
use arrow::array::{Array as _, Int64Array};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::AggregationTemporality;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use std::path::Path;

const SPAN_COLUMNS: &[&str] = &[
    "trace_id",
    "span_id",
    "parent_span_id",
    "service",
    "operation",
    "kind",
    "start_unix_nano",
    "end_unix_nano",
    "status_code",
    "status_message",
    "resource_attributes",
    "span_attributes",
];
const LOG_COLUMNS: &[&str] = &[
    "time_unix_nano",
    "service",
    "trace_id",
    "span_id",
    "severity_text",
    "severity_number",
    "body",
    "resource_attributes",
    "log_attributes",
];
const METRIC_COLUMNS: &[&str] = &[
    "time_unix_nano",
    "service",
    "metric",
    "metric_name",
    "name",
    "unit",
    "metric_type",
    "type",
    "value",
    "resource_attributes",
    "metric_attributes",
    "attributes",
];

pub(in crate::sets) fn produce(dir: &Path, outlet: &Outlet) -> Result<()> {
    spans(&dir.join("spans.parquet"), outlet)?;
    type Send = fn(&Path, &Outlet) -> Result<()>;
    let files: [(&str, Send); 2] = [("logs.parquet", logs), ("metrics.parquet", metrics)];
    for (file, send) in files {
        let path = dir.join(file);
        if path.exists() {
            send(&path, outlet)?;
        }
    }
    Ok(())
}

/// Whose a row is.
struct Owners {
    services: Texts,
    resources: Texts,
}

impl Owners {
    fn of(batch: &Columns) -> Result<Self> {
        Ok(Self { services: batch.texts("service")?, resources: batch.texts("resource_attributes")? })
    }

    /// What tells resources apart.
    fn key(&self, row: usize) -> String {
        format!("{}\n{}", self.services.text(row), self.resources.text(row))
    }

    /// The resource's own name of its service wins over the column's.
    fn resource(&self, row: usize) -> Vec<KeyValue> {
        let mut resource = attributes(self.resources.text(row));
        if !resource.iter().any(|attribute| attribute.key == "service.name") {
            resource.push(attribute("service.name", self.services.text(row)));
        }
        resource
    }
}

fn spans(path: &Path, outlet: &Outlet) -> Result<()> {
    let mut spans = Batcher::new(outlet);
    columns::read(path, SPAN_COLUMNS, &mut |batch| {
        let owners = Owners::of(batch)?;
        let (traces, ids, parents) =
            (batch.texts("trace_id")?, batch.texts("span_id")?, batch.texts("parent_span_id")?);
        let (names, own) = (batch.texts("operation")?, batch.texts("span_attributes")?);
        let (kinds, codes) = (batch.whole_numbers("kind")?, batch.whole_numbers("status_code")?);
        let messages = batch.texts("status_message")?;
        let starts = batch.whole_numbers("start_unix_nano")?;
        let ends = batch.whole_numbers("end_unix_nano")?;
        for row in 0..batch.n_rows() {
            let status = Status { code: number(&codes, row), message: messages.text(row).to_owned() };
            let span = Span {
                trace_id: trace_id(traces.text(row)),
                span_id: span_id(ids.text(row)),
                parent_span_id: parents.get(row).map(span_id).unwrap_or_default(),
                name: names.text(row).to_owned(),
                kind: number(&kinds, row),
                start_time_unix_nano: unsigned(whole(&starts, row)),
                end_time_unix_nano: unsigned(whole(&ends, row)),
                attributes: attributes(own.text(row)),
                status: Some(status),
                ..Span::default()
            };
            spans.push(&owners.key(row), || owners.resource(row), span)?;
        }
        Ok(())
    })?;
    spans.flush()
}

fn logs(path: &Path, outlet: &Outlet) -> Result<()> {
    let mut logs = Batcher::new(outlet);
    columns::read(path, LOG_COLUMNS, &mut |batch| {
        let owners = Owners::of(batch)?;
        let (traces, spans) = (batch.texts("trace_id")?, batch.texts("span_id")?);
        let (bodies, own) = (batch.texts("body")?, batch.texts("log_attributes")?);
        let severities = batch.texts("severity_text")?;
        let numbers = batch.whole_numbers("severity_number")?;
        let times = batch.whole_numbers("time_unix_nano")?;
        for row in 0..batch.n_rows() {
            let log = LogRecord {
                time_unix_nano: unsigned(whole(&times, row)),
                trace_id: traces.get(row).map(trace_id).unwrap_or_default(),
                span_id: spans.get(row).map(span_id).unwrap_or_default(),
                severity_text: severities.text(row).to_owned(),
                severity_number: number(&numbers, row),
                body: Some(text(bodies.text(row))),
                attributes: attributes(own.text(row)),
                ..LogRecord::default()
            };
            logs.push(&owners.key(row), || owners.resource(row), log)?;
        }
        Ok(())
    })?;
    logs.flush()
}

/// Gauges, and cumulative sums where the type says so; rows of other types, which have no value, are left out. Writers
/// differ in what they call the columns.
fn metrics(path: &Path, outlet: &Outlet) -> Result<()> {
    let mut points = Batcher::new(outlet);
    columns::read(path, METRIC_COLUMNS, &mut |batch| {
        if !batch.has("value") {
            return Ok(());
        }
        let (owners, units) = (Owners::of(batch)?, batch.texts("unit")?);
        let names = batch.texts_of_first(&["metric", "metric_name", "name"])?;
        let types = batch.texts_of_first(&["metric_type", "type"])?;
        let own = batch.texts_of_first(&["metric_attributes", "attributes"])?;
        let (times, values) = (batch.whole_numbers("time_unix_nano")?, batch.numbers("value")?);
        for row in (0..batch.n_rows()).filter(|row| values.is_valid(*row)) {
            let point = Point { at: whole(&times, row), value: values.value(row) };
            let (name, unit, own) = (names.text(row), units.text(row), attributes(own.text(row)));
            let point = match types.text(row) {
                "sum" => count(name, unit, 0, point, own, AggregationTemporality::Cumulative),
                _ => gauge(name, unit, point, own),
            };
            points.push(&owners.key(row), || owners.resource(row), point)?;
        }
        Ok(())
    })?;
    points.flush()
}

/// Kinds, codes and severities are those of OTLP.
fn number(numbers: &Int64Array, row: usize) -> i32 {
    i32::try_from(whole(numbers, row)).unwrap_or(0)
}
