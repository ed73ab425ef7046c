//! The exemplars of data points: single measurements, with the span they were taken in.

use super::Point;
use crate::columns::attributes::Attributes;
use crate::columns::table::{self, Table, span_ids, times, trace_ids, unix_nanos};
use crate::decode::Report;
use crate::decode::validity::{is_span_id, is_trace_id};
use crate::telemetry::Reason;
use arrow::array::{ArrayRef, Float64Array};
use arrow::error::ArrowError;
use opentelemetry_proto::tonic::metrics::v1::Exemplar;
use opentelemetry_proto::tonic::metrics::v1::exemplar::Value;
use std::sync::Arc;
use storage::schema;

pub(super) fn column(rows: &[Point<'_>], report: &mut Report) -> Result<ArrayRef, ArrowError> {
    let n_all: usize = rows.iter().map(|point| point.exemplars.len()).sum();
    let kept: Vec<&Exemplar> = rows.iter().flat_map(|point| valid(point.exemplars)).collect();
    if kept.len() < n_all {
        report.add(Reason::ExemplarWithoutValue, (n_all - kept.len()) as u64, || {
            "an exemplar without a value was left out".to_owned()
        });
    }
    let lengths = rows.iter().map(|point| Some(valid(point.exemplars).count()));
    table::list(&super::column_type("exemplars")?, lengths, structs(&kept, report)?)
}

/// An exemplar is a value; without one there is nothing to show.
fn valid(exemplars: &[Exemplar]) -> impl Iterator<Item = &Exemplar> {
    exemplars.iter().filter(|exemplar| exemplar.value.is_some())
}

fn structs(exemplars: &[&Exemplar], report: &mut Report) -> Result<ArrayRef, ArrowError> {
    let mut table = Table::default();
    let mut attributes = Attributes::new();
    exemplars.iter().for_each(|exemplar| attributes.append(&exemplar.filtered_attributes, report));
    let at: Vec<i64> = exemplars.iter().map(|exemplar| unix_nanos(exemplar.time_unix_nano, report)).collect();
    table.push("time", times(at.into_iter()));
    let value: Float64Array = exemplars.iter().map(|exemplar| exemplar.value.map(double)).collect();
    table.push("value", Arc::new(value));
    table.push(
        "value_int",
        table::integers(exemplars.iter().map(|exemplar| exemplar.value.and_then(integer))),
    );
    let trace =
        exemplars.iter().map(|exemplar| Some(exemplar.trace_id.as_slice()).filter(|id| is_trace_id(id)));
    table.push("trace_id", trace_ids(trace)?);
    let span = exemplars.iter().map(|exemplar| Some(exemplar.span_id.as_slice()).filter(|id| is_span_id(id)));
    table.push("span_id", span_ids(span)?);
    let (map, types) = attributes.finish()?;
    table.push("attributes", map);
    table.push("attributes_types", types);
    Ok(Arc::new(table.into_struct(schema::exemplar_fields())?))
}

fn double(value: Value) -> f64 {
    match value {
        Value::AsDouble(double) => double,
        Value::AsInt(int) => int as f64,
    }
}

fn integer(value: Value) -> Option<i64> {
    match value {
        Value::AsDouble(_) => None,
        Value::AsInt(int) => Some(int),
    }
}
