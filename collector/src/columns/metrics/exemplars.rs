//! The exemplars of data points: single measurements, with the span they were taken in.

use super::Point;
use crate::columns::attributes::Attributes;
use crate::columns::limits::Limits;
use crate::columns::table::{self, Table, span_ids, times, trace_ids, unix_nanos};
use crate::decode::Report;
use crate::decode::validity::{is_span_id, is_trace_id};
use crate::decode::views::{Exemplar, List, Number};
use crate::telemetry::Reason;
use arrow::array::{ArrayRef, Float64Array};
use arrow::error::ArrowError;
use std::sync::Arc;
use storage::schema;

pub(super) fn column(
    points: &[Point<'_>],
    limits: Limits,
    report: &mut Report,
) -> Result<ArrayRef, ArrowError> {
    let n_all: usize = points.iter().map(|point| point.head.exemplars.len()).sum();
    let mut lengths = Vec::with_capacity(points.len());
    let mut kept = Vec::with_capacity(n_all);
    for point in points {
        let n_before = kept.len();
        kept.extend(valid(point.head.exemplars));
        lengths.push(Some(kept.len() - n_before));
    }
    if kept.len() < n_all {
        report.add(Reason::ExemplarWithoutValue, (n_all - kept.len()) as u64, || {
            "an exemplar without a value was left out".to_owned()
        });
    }
    let exemplars = structs(&kept, limits, report)?;
    table::list(&super::column_type("exemplars")?, lengths.into_iter(), exemplars)
}

/// An exemplar is a value; without one there is nothing to show.
fn valid<'a>(exemplars: List<'a, Exemplar<'a>>) -> impl Iterator<Item = (Exemplar<'a>, Number)> {
    exemplars.into_iter().filter_map(|exemplar| Some((exemplar, exemplar.value?)))
}

fn structs(
    exemplars: &[(Exemplar<'_>, Number)],
    limits: Limits,
    report: &mut Report,
) -> Result<ArrayRef, ArrowError> {
    let mut table = Table::default();
    let mut attributes = Attributes::new(limits);
    let all = || exemplars.iter().map(|(exemplar, _)| exemplar);
    all().for_each(|exemplar| attributes.append(exemplar.filtered_attributes, report));
    let at: Vec<i64> = all().map(|exemplar| unix_nanos(exemplar.time_unix_nano, report)).collect();
    table.push("time", times(at.into_iter()));
    let value = Float64Array::from_iter_values(exemplars.iter().map(|(_, value)| double(*value)));
    table.push("value", Arc::new(value));
    table.push("value_int", table::integers(exemplars.iter().map(|(_, value)| integer(*value))));
    let trace = all().map(|exemplar| Some(exemplar.trace_id).filter(|id| is_trace_id(id)));
    table.push("trace_id", trace_ids(trace)?);
    let span = all().map(|exemplar| Some(exemplar.span_id).filter(|id| is_span_id(id)));
    table.push("span_id", span_ids(span)?);
    let (map, types) = attributes.finish()?;
    table.push("attributes", map);
    table.push("attributes_types", types);
    Ok(Arc::new(table.into_struct(schema::exemplar_fields())?))
}

fn double(value: Number) -> f64 {
    match value {
        Number::Double(double) => double,
        Number::Int(int) => int as f64,
    }
}

fn integer(value: Number) -> Option<i64> {
    match value {
        Number::Double(_) => None,
        Number::Int(int) => Some(int),
    }
}
