//! Rows for tests, as batches with the columns of storage's tables.

use crate::{Limits, Scope, Tables, TriageInput, Window};
use arrow::array::{
    ArrayRef, BooleanArray, FixedSizeBinaryBuilder, Float64Array, Int32Array, MapBuilder, RecordBatch,
    StringArray, StringBuilder, TimestampNanosecondArray, UInt64Array,
};
use std::sync::Arc;

/// One millisecond in nanoseconds.
pub(crate) const MS: i64 = 1_000_000;

/// A span; ids are small numbers.
#[derive(Clone, Debug)]
pub(crate) struct SpanRow {
    pub(crate) trace: u128,
    pub(crate) id: u64,
    pub(crate) parent: u64,
    pub(crate) service: String,
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) error: Option<&'static str>,
    pub(crate) instance: &'static str,
    pub(crate) version: &'static str,
    pub(crate) attributes: Vec<(&'static str, String)>,
}

impl SpanRow {
    pub(crate) fn new(trace: u128, id: u64, service: &str, name: &str) -> Self {
        Self {
            trace,
            id,
            parent: 0,
            service: service.to_owned(),
            name: name.to_owned(),
            kind: "unspecified",
            start: 0,
            end: 0,
            error: None,
            instance: "",
            version: "",
            attributes: Vec::new(),
        }
    }

    pub(crate) fn version(self, version: &'static str) -> Self {
        Self { version, ..self }
    }

    pub(crate) fn child_of(self, parent: u64) -> Self {
        Self { parent, ..self }
    }

    pub(crate) fn at(self, start: i64, end: i64) -> Self {
        Self { start, end, ..self }
    }

    pub(crate) fn kind(self, kind: &'static str) -> Self {
        Self { kind, ..self }
    }

    /// Status error with this message.
    pub(crate) fn failed(self, message: &'static str) -> Self {
        Self { error: Some(message), ..self }
    }

    pub(crate) fn on(self, instance: &'static str) -> Self {
        Self { instance, ..self }
    }

    pub(crate) fn with(mut self, key: &'static str, value: &str) -> Self {
        self.attributes.push((key, value.to_owned()));
        self
    }
}

pub(crate) fn spans(rows: &[SpanRow]) -> RecordBatch {
    let traces = rows.iter().map(|row| row.trace.to_be_bytes());
    batch(vec![
        ("trace_id", ids(traces.map(|id| id.to_vec()), 16)),
        ("span_id", ids(rows.iter().map(|row| row.id.to_be_bytes().to_vec()), 8)),
        ("parent_span_id", ids(rows.iter().map(|row| row.parent.to_be_bytes().to_vec()), 8)),
        ("name", texts(rows.iter().map(|row| Some(row.name.as_str())))),
        ("kind", texts(rows.iter().map(|row| Some(row.kind)))),
        ("start_time", times(rows.iter().map(|row| row.start))),
        ("end_time", times(rows.iter().map(|row| row.end))),
        ("is_error", Arc::new(rows.iter().map(|row| Some(row.error.is_some())).collect::<BooleanArray>())),
        ("status_message", texts(rows.iter().map(|row| Some(row.error.unwrap_or(""))))),
        ("service", texts(rows.iter().map(|row| Some(row.service.as_str())))),
        ("service_instance_id", texts(rows.iter().map(|row| Some(row.instance).filter(|id| !id.is_empty())))),
        ("service_version", texts(rows.iter().map(|row| Some(row.version)))),
        ("attributes", maps(rows.iter().map(|row| row.attributes.clone()))),
    ])
}

/// A log line; ids are small numbers.
#[derive(Clone, Debug)]
pub(crate) struct LogRow {
    time: i64,
    service: String,
    body: String,
    severity: i32,
    trace: u128,
    span: u64,
}

impl LogRow {
    pub(crate) fn new(time: i64, service: &str, body: &str) -> Self {
        Self { time, service: service.to_owned(), body: body.to_owned(), severity: 0, trace: 0, span: 0 }
    }

    pub(crate) fn in_span(self, trace: u128, span: u64) -> Self {
        Self { trace, span, ..self }
    }

    pub(crate) fn severity(self, severity: i32) -> Self {
        Self { severity, ..self }
    }
}

pub(crate) fn logs(rows: &[LogRow]) -> RecordBatch {
    batch(vec![
        ("time", times(rows.iter().map(|row| row.time))),
        ("service", texts(rows.iter().map(|row| Some(row.service.as_str())))),
        ("body", texts(rows.iter().map(|row| Some(row.body.as_str())))),
        ("severity_number", Arc::new(rows.iter().map(|row| Some(row.severity)).collect::<Int32Array>())),
        ("trace_id", ids(rows.iter().map(|row| row.trace.to_be_bytes().to_vec()), 16)),
        ("span_id", ids(rows.iter().map(|row| row.span.to_be_bytes().to_vec()), 8)),
    ])
}

/// A point of a metric.
#[derive(Clone, Debug)]
pub(crate) struct MetricRow {
    service: String,
    name: &'static str,
    unit: &'static str,
    kind: &'static str,
    temporality: Option<&'static str>,
    time: i64,
    value: f64,
    count: Option<f64>,
    instance: &'static str,
    attributes: Vec<(&'static str, String)>,
}

impl MetricRow {
    pub(crate) fn gauge(service: &str, name: &'static str, time: i64, value: f64) -> Self {
        Self {
            service: service.to_owned(),
            name,
            unit: "",
            kind: "gauge",
            temporality: None,
            time,
            value,
            count: None,
            instance: "",
            attributes: Vec::new(),
        }
    }

    pub(crate) fn counter(service: &str, name: &'static str, time: i64, value: f64) -> Self {
        Self { kind: "sum", temporality: Some("cumulative"), ..Self::gauge(service, name, time, value) }
    }

    pub(crate) fn histogram(
        service: &str,
        name: &'static str,
        time: i64,
        (count, sum): (f64, f64),
        temporality: &'static str,
    ) -> Self {
        let point = Self::gauge(service, name, time, sum);
        Self { kind: "histogram", temporality: Some(temporality), count: Some(count), ..point }
    }

    pub(crate) fn of(self, instance: &'static str) -> Self {
        Self { instance, ..self }
    }

    pub(crate) fn in_unit(self, unit: &'static str) -> Self {
        Self { unit, ..self }
    }

    pub(crate) fn with(mut self, key: &'static str, value: &str) -> Self {
        self.attributes.push((key, value.to_owned()));
        self
    }

    fn series_id(&self) -> u64 {
        let name = format!("{} {} {} {:?}", self.service, self.name, self.instance, self.attributes);
        crate::templates::template_id(&name, self.unit)
    }
}

pub(crate) fn metrics(rows: &[MetricRow]) -> RecordBatch {
    let of_count = |row: &MetricRow, of: f64| row.count.map(|_| of);
    batch(vec![
        ("series_id", Arc::new(rows.iter().map(|row| Some(row.series_id())).collect::<UInt64Array>())),
        ("name", texts(rows.iter().map(|row| Some(row.name)))),
        ("unit", texts(rows.iter().map(|row| Some(row.unit)))),
        ("type", texts(rows.iter().map(|row| Some(row.kind)))),
        ("temporality", texts(rows.iter().map(|row| row.temporality))),
        ("is_monotonic", Arc::new(rows.iter().map(|row| Some(row.kind == "sum")).collect::<BooleanArray>())),
        ("time", times(rows.iter().map(|row| row.time))),
        ("value", doubles(rows.iter().map(|row| Some(row.value).filter(|_| row.count.is_none())))),
        ("count", Arc::new(rows.iter().map(|row| row.count.map(|n| n as u64)).collect::<UInt64Array>())),
        ("sum", doubles(rows.iter().map(|row| of_count(row, row.value)))),
        ("service", texts(rows.iter().map(|row| Some(row.service.as_str())))),
        ("service_instance_id", texts(rows.iter().map(|row| Some(row.instance).filter(|id| !id.is_empty())))),
        ("attributes", maps(rows.iter().map(|row| row.attributes.clone()))),
    ])
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)))
        .expect("columns of one length")
}

fn doubles(values: impl Iterator<Item = Option<f64>>) -> ArrayRef {
    Arc::new(values.collect::<Float64Array>())
}

pub(crate) fn ids(ids: impl Iterator<Item = Vec<u8>>, n_bytes: i32) -> ArrayRef {
    let mut builder = FixedSizeBinaryBuilder::new(n_bytes);
    for id in ids {
        builder.append_value(id).expect("ids of the column's length");
    }
    Arc::new(builder.finish())
}

pub(crate) fn texts<'a>(texts: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(texts.collect::<StringArray>())
}

pub(crate) fn times(times: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(TimestampNanosecondArray::from_iter_values(times).with_timezone("UTC"))
}

pub(crate) fn maps(maps: impl Iterator<Item = Vec<(&'static str, String)>>) -> ArrayRef {
    let mut builder = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    for map in maps {
        for (key, value) in map {
            builder.keys().append_value(key);
            builder.values().append_value(value);
        }
        builder.append(true).expect("as many keys as values");
    }
    Arc::new(builder.finish())
}

/// What a test asks about: 0 to 100 ms before, 100 to 200 ms now.
pub(crate) const BASELINES: [Window; 1] = [Window { from_ns: 0, to_ns: 100 * MS }];
pub(crate) const WINDOW: Window = Window { from_ns: 100 * MS, to_ns: 200 * MS };
pub(crate) const WHOLE_SYSTEM: Scope = Scope { service: None, operation: None, symptom: None };

pub(crate) fn input(spans: &[RecordBatch]) -> TriageInput<'_> {
    TriageInput {
        spans,
        logs: &[],
        metrics: &[],
        calls: &[],
        window: WINDOW,
        baselines: &BASELINES,
        asked_at_ns: WINDOW.to_ns,
        scope: &WHOLE_SYSTEM,
    }
}

pub(crate) fn tables(spans: &[RecordBatch]) -> Tables {
    tables_within(spans, &Limits::default())
}

pub(crate) fn tables_within(spans: &[RecordBatch], limits: &Limits) -> Tables {
    Tables::read(&input(spans), limits).expect("readable rows")
}
