//! What the points of one metric have in common: written once, and repeated for them.

use crate::columns::attributes::Attributes;
use crate::columns::limits::Limits;
use crate::columns::owners::{count_row, text};
use crate::columns::series::SeriesHash;
use crate::columns::table::{Table, optional_words, words};
use crate::decode::Report;
use crate::decode::views::{Data, Metric, Text};
use arrow::array::BooleanArray;
use arrow::error::ArrowError;
use opentelemetry_proto::tonic::metrics::v1::AggregationTemporality;
use std::iter::repeat_n;
use std::sync::Arc;

/// How the points of a metric are to be understood.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stream {
    type_name: &'static str,
    temporality: Option<&'static str>,
    is_monotonic: Option<bool>,
    pub(super) hash: SeriesHash,
}

impl Stream {
    pub(super) fn new(metric: &Metric<'_>, data: &Data<'_>, scope_hash: SeriesHash) -> Self {
        let (type_name, temporality, is_monotonic) = match *data {
            Data::Gauge { .. } => ("gauge", None, None),
            Data::Sum { temporality, is_monotonic, .. } => ("sum", Some(temporality), Some(is_monotonic)),
            Data::Explicit { temporality, .. } => ("histogram", Some(temporality), None),
            Data::Exponential { temporality, .. } => ("exponential_histogram", Some(temporality), None),
            Data::Summary { .. } => ("summary", None, None),
        };
        let temporality = temporality.and_then(temporality_name);
        let hash = scope_hash.text(metric.name).text(metric.unit).text(Text::of(type_name));
        let hash = hash.text(Text::of(temporality.unwrap_or(""))).flag(is_monotonic);
        Self { type_name, temporality, is_monotonic, hash }
    }
}

fn temporality_name(temporality: i32) -> Option<&'static str> {
    match AggregationTemporality::try_from(temporality) {
        Ok(AggregationTemporality::Delta) => Some("delta"),
        Ok(AggregationTemporality::Cumulative) => Some("cumulative"),
        Ok(AggregationTemporality::Unspecified) | Err(_) => None,
    }
}

/// The metrics of one request, and how many points in a row belong to each.
#[derive(Debug)]
pub(super) struct Streams<'a> {
    metrics: Vec<(Metric<'a>, Stream)>,
    metadata: Attributes<'a>,
    n_rows: Vec<usize>,
    own_bytes: usize,
}

impl<'a> Streams<'a> {
    pub(super) fn new(limits: Limits) -> Self {
        Self { metrics: Vec::new(), metadata: Attributes::new(limits), n_rows: Vec::new(), own_bytes: 0 }
    }

    /// The metric of the points that follow.
    pub(super) fn enter(&mut self, metric: &Metric<'a>, stream: &Stream, report: &mut Report) {
        let bytes_before = self.metadata.n_bytes();
        self.metadata.append(metric.metadata, report);
        self.metrics.push((*metric, *stream));
        self.n_rows.push(0);
        let own_bytes = metric.name.len() + metric.description.len() + metric.unit.len();
        self.own_bytes = own_bytes + self.metadata.n_bytes() - bytes_before;
    }

    /// Bytes of what each point of the metric in hand repeats.
    pub(super) fn own_bytes(&self) -> usize {
        self.own_bytes
    }

    /// A point of the metric in hand.
    pub(super) fn count_row(&mut self) {
        count_row(&mut self.n_rows);
    }

    /// Adds the columns to the table.
    pub(super) fn finish(self, table: &mut Table) -> Result<(), ArrowError> {
        let Self { metrics, metadata, n_rows, .. } = self;
        table.push("name", text(metrics.iter().map(|(metric, _)| metric.name), &n_rows)?);
        table.push("description", text(metrics.iter().map(|(metric, _)| metric.description), &n_rows)?);
        table.push("unit", text(metrics.iter().map(|(metric, _)| metric.unit), &n_rows)?);
        let streams: Vec<&Stream> =
            metrics.iter().zip(&n_rows).flat_map(|((_, stream), n)| repeat_n(stream, *n)).collect();
        table.push("type", words(streams.iter().map(|stream| stream.type_name)));
        table.push("temporality", optional_words(streams.iter().map(|stream| stream.temporality)));
        let is_monotonic: BooleanArray = streams.iter().map(|stream| stream.is_monotonic).collect();
        table.push("is_monotonic", Arc::new(is_monotonic));
        let (map, types) = metadata.finish_repeated(&n_rows)?;
        table.push("metadata", map);
        table.push("metadata_types", types);
        Ok(())
    }
}
