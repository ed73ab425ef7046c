//! Exemplars, and the points they belong to.
//!
//! Prometheus sends the exemplars of a series apart from its samples, as one more series with the same labels. In
//! OTLP an exemplar is part of a point: of the first that is not older, else of the last.

use super::messages::{Exemplar, Label, TimeSeries};
use super::nanos;
use crate::decode::Report;
use crate::decode::owner::text_of;
use crate::decode::text::from_hex;
use crate::decode::validity::{is_span_id, is_trace_id};
use crate::telemetry::Reason;
use opentelemetry_proto::tonic::metrics::v1::{
    self as otlp, ExponentialHistogramDataPoint, NumberDataPoint, exemplar,
};
use std::collections::HashMap;

/// The series that have points, with the exemplars that came apart. Those whose series has no point in the request
/// belong to nothing, and are counted.
pub(super) fn joined(all: Vec<TimeSeries>, report: &mut Report) -> Vec<TimeSeries> {
    let (mut series, apart): (Vec<TimeSeries>, Vec<TimeSeries>) =
        all.into_iter().partition(|series| latest_ms(series).is_some());
    let homes = homes(&series, &apart);
    for (exemplar, home) in apart.into_iter().flat_map(|apart| apart.exemplars).zip(homes) {
        match home {
            Some(place) => series[place].exemplars.push(exemplar),
            None => note_homeless(report),
        }
    }
    series
}

/// Puts the exemplars of a series into its points.
pub(super) fn attach(
    exemplars: Vec<Exemplar>,
    numbers: &mut [NumberDataPoint],
    native: &mut [ExponentialHistogramDataPoint],
    report: &mut Report,
) {
    for exemplar in exemplars.into_iter().map(converted) {
        let at = exemplar.time_unix_nano;
        if let Some(point) = not_older(native, at, |point| point.time_unix_nano) {
            point.exemplars.push(exemplar);
        } else if let Some(point) = not_older(numbers, at, |point| point.time_unix_nano) {
            point.exemplars.push(exemplar);
        } else {
            note_homeless(report);
        }
    }
}

/// For each exemplar that came apart, in order, the place of its series.
fn homes(series: &[TimeSeries], apart: &[TimeSeries]) -> Vec<Option<usize>> {
    if apart.is_empty() {
        return Vec::new();
    }
    let mut places: HashMap<&[Label], Vec<usize>> =
        apart.iter().map(|apart| (apart.labels.as_slice(), Vec::new())).collect();
    for (place, series) in series.iter().enumerate() {
        if let Some(places) = places.get_mut(series.labels.as_slice()) {
            places.push(place);
        }
    }
    // A request may have a series several times, with other samples.
    places.values_mut().for_each(|places| places.sort_by_key(|place| latest_ms(&series[*place])));
    let mut homes = Vec::new();
    for apart in apart {
        let places = places.get(apart.labels.as_slice()).map_or(&[][..], Vec::as_slice);
        homes.extend(apart.exemplars.iter().map(|exemplar| home(series, places, exemplar.timestamp_ms)));
    }
    homes
}

/// `places` are sorted by what is latest in them.
fn home(series: &[TimeSeries], places: &[usize], timestamp_ms: i64) -> Option<usize> {
    let n_older = places.partition_point(|place| latest_ms(&series[*place]) < Some(timestamp_ms));
    places.get(n_older).or(places.last()).copied()
}

/// Samples are in the order of their times. `None` where there is neither sample nor histogram.
fn latest_ms(series: &TimeSeries) -> Option<i64> {
    let sample = series.samples.last().map(|sample| sample.timestamp_ms);
    sample.max(series.histograms.last().map(|histogram| histogram.timestamp_ms))
}

/// The first point that is not older, else the last; points are in the order of their times.
fn not_older<T>(points: &mut [T], time: u64, time_of: fn(&T) -> u64) -> Option<&mut T> {
    let last = points.len().checked_sub(1)?;
    let n_older = points.partition_point(|point| time_of(point) < time);
    points.get_mut(n_older.min(last))
}

fn converted(exemplar: Exemplar) -> otlp::Exemplar {
    let mut converted = otlp::Exemplar {
        time_unix_nano: nanos(exemplar.timestamp_ms).unwrap_or(0),
        value: Some(exemplar::Value::AsDouble(exemplar.value)),
        ..otlp::Exemplar::default()
    };
    for Label { name, value } in exemplar.labels {
        let id = from_hex(&value).unwrap_or_default();
        match name.as_str() {
            "trace_id" if is_trace_id(&id) => converted.trace_id = id,
            "span_id" if is_span_id(&id) => converted.span_id = id,
            _ => converted.filtered_attributes.push(text_of(name, value)),
        }
    }
    converted
}

fn note_homeless(report: &mut Report) {
    report.add(Reason::ExemplarWithoutSample, 1, || {
        "an exemplar came in a request that has no sample of its series, and was left out".to_owned()
    });
}
