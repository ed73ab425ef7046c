//! A day's files as OTLP: spans with kinds, log lines as they are, a gauge for each metric.

use super::kinds::Kinds;
use super::owners::{Owner, Services, name_and_unit, pod_resource};
use crate::columns::{self, whole};
use crate::feed::{Batcher, Outlet};
use crate::otlp::{Point, gauge, span_id, text, trace_id, unsigned};
use anyhow::Result;
use arrow::array::Array as _;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::Span;
use std::path::Path;

const SPAN_COLUMNS: &[&str] = &[
    "trace_id",
    "span_id",
    "parent_span_id",
    "pod",
    "service",
    "operation",
    "start_unix_nano",
    "end_unix_nano",
];
const LOG_COLUMNS: &[&str] = &["time_unix_nano", "pod", "service", "trace_id", "span_id", "body"];
const METRIC_COLUMNS: &[&str] = &["time_unix_nano", "pod", "metric", "value"];

pub(in crate::sets) fn produce(dir: &Path, outlet: &Outlet) -> Result<()> {
    let mut services = Services::new();
    spans(&dir.join("spans.parquet"), &mut services, outlet)?;
    logs(&dir.join("logs.parquet"), &mut services, outlet)?;
    metrics(&dir.join("metrics.parquet"), &services, outlet)
}

fn spans(path: &Path, services: &mut Services, outlet: &Outlet) -> Result<()> {
    let kinds = Kinds::read(path)?;
    let mut spans = Batcher::new(outlet);
    columns::read(path, SPAN_COLUMNS, &mut |batch| {
        let (traces, ids, parents) =
            (batch.texts("trace_id")?, batch.texts("span_id")?, batch.texts("parent_span_id")?);
        let (pods, owners, names) = (batch.texts("pod")?, batch.texts("service")?, batch.texts("operation")?);
        let starts = batch.whole_numbers("start_unix_nano")?;
        let ends = batch.whole_numbers("end_unix_nano")?;
        for row in 0..batch.n_rows() {
            let (pod, service) = (pods.text(row), owners.text(row));
            let span = Span {
                trace_id: trace_id(traces.text(row)),
                span_id: span_id(ids.text(row)),
                parent_span_id: parents.get(row).map(span_id).unwrap_or_default(),
                name: names.text(row).to_owned(),
                kind: kinds.get(traces.text(row), ids.text(row)).into(),
                start_time_unix_nano: unsigned(whole(&starts, row)),
                end_time_unix_nano: unsigned(whole(&ends, row)),
                ..Span::default()
            };
            learn(services, pod, service);
            spans.push(pod, || pod_resource(service, pod), span)?;
        }
        Ok(())
    })?;
    spans.flush()
}

/// Severity stays where it is, in the text: it is for the server to find.
fn logs(path: &Path, services: &mut Services, outlet: &Outlet) -> Result<()> {
    if !path.exists() {
        return Ok(());
    }
    let mut logs = Batcher::new(outlet);
    columns::read(path, LOG_COLUMNS, &mut |batch| {
        let (pods, owners, bodies) = (batch.texts("pod")?, batch.texts("service")?, batch.texts("body")?);
        let (traces, spans) = (batch.texts("trace_id")?, batch.texts("span_id")?);
        let times = batch.whole_numbers("time_unix_nano")?;
        for row in 0..batch.n_rows() {
            let (pod, service) = (pods.text(row), owners.text(row));
            let log = LogRecord {
                time_unix_nano: unsigned(whole(&times, row)),
                trace_id: traces.get(row).map(trace_id).unwrap_or_default(),
                span_id: spans.get(row).map(span_id).unwrap_or_default(),
                body: Some(text(bodies.text(row))),
                ..LogRecord::default()
            };
            learn(services, pod, service);
            logs.push(pod, || pod_resource(service, pod), log)?;
        }
        Ok(())
    })?;
    logs.flush()
}

fn metrics(path: &Path, services: &Services, outlet: &Outlet) -> Result<()> {
    if !path.exists() {
        return Ok(());
    }
    let mut points = Batcher::new(outlet);
    columns::read(path, METRIC_COLUMNS, &mut |batch| {
        let (pods, metrics) = (batch.texts("pod")?, batch.texts("metric")?);
        let (times, values) = (batch.whole_numbers("time_unix_nano")?, batch.numbers("value")?);
        // What was not measured has no point.
        for row in (0..batch.n_rows()).filter(|row| values.is_valid(*row)) {
            let owner = Owner::of(pods.text(row), services);
            let (name, unit) = name_and_unit(metrics.text(row));
            let point = Point { at: whole(&times, row), value: values.value(row) };
            let point = gauge(name, unit, point, owner.attributes());
            points.push(pods.text(row), || owner.resource(), point)?;
        }
        Ok(())
    })?;
    points.flush()
}

fn learn(services: &mut Services, pod: &str, service: &str) {
    services.entry(pod.to_owned()).or_insert_with(|| service.to_owned());
}
