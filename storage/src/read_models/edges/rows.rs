//! Cells of edges as rows of the tables `edge_red`, `edge_red_1m`, `edge_red_1h` and `edge_red_1d`.

use super::cells::{CellKey, EdgeCell, EdgeCells, Held};
use super::party::{Named, Party};
use crate::read_models::Resolution;
use crate::read_models::shared::Entries;
use crate::schema;
use arrow::array::{
    ArrayRef, BinaryBuilder, Int64Builder, RecordBatch, StringBuilder, TimestampNanosecondBuilder,
    UInt64Builder,
};
use datafusion::common::HashMap;
use std::borrow::Cow;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// The cells of one moment, to be turned into rows without holding anybody up.
#[derive(Debug)]
pub(crate) struct EdgeSnapshot {
    held: Entries<CellKey, Held>,
}

/// What rows are told apart by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct RowKey<'a> {
    bucket: i64,
    caller: &'a str,
    callee: Cow<'a, str>,
    callee_kind: &'static str,
    callee_detail: &'a str,
    address: Cow<'a, str>,
    direction: &'static str,
    error_type: &'a str,
}

impl EdgeCells {
    pub(crate) fn snapshot(&self) -> EdgeSnapshot {
        EdgeSnapshot { held: self.share() }
    }
}

impl EdgeSnapshot {
    /// Rows of the table of a resolution, of buckets that start in a range; none when there are no cells.
    pub(crate) fn to_batch(
        &self,
        resolution: Resolution,
        buckets: RangeInclusive<i64>,
    ) -> Option<RecordBatch> {
        let mut rows: HashMap<RowKey<'_>, EdgeCell> = HashMap::default();
        for held in self.held.values() {
            let bucket = resolution.bucket_of(held.bucket);
            if buckets.contains(&bucket) {
                rows.entry(RowKey::of(held, bucket)).or_default().add(&held.cell);
            }
        }
        if rows.is_empty() {
            return None;
        }
        let mut builder = RowBuilder::default();
        rows.iter().for_each(|(key, cell)| builder.push(key, cell));
        Some(builder.finish())
    }
}

impl<'a> RowKey<'a> {
    fn of(held: &'a Held, bucket: i64) -> Self {
        match (&held.asker, &held.answerer) {
            (Some(asker), None) => Self::call_to_peer(asker, bucket),
            (Some(asker), Some(answerer)) if !asker.names_queue() => Self {
                callee: Cow::Borrowed(&*answerer.service),
                callee_kind: "service",
                callee_detail: "",
                ..Self::call_to_peer(asker, bucket)
            },
            (Some(queue), Some(answerer)) => Self::delivery(queue, answerer, bucket),
            (None, Some(answerer)) => Self::delivery(answerer, answerer, bucket),
            (None, None) => unreachable!("a cell has an end"),
        }
    }

    /// A call to what the caller names.
    fn call_to_peer(asker: &'a Party, bucket: i64) -> Self {
        let address = asker.address();
        let (callee, callee_kind) = match asker.named {
            Named::Service => (Cow::Borrowed(&*asker.name), "service"),
            Named::Database => (Cow::Borrowed(&*asker.name), "database"),
            Named::Queue => (Cow::Borrowed(&*asker.name), "messaging"),
            Named::Host | Named::Nobody => (address.clone(), "external"),
        };
        Self {
            bucket,
            caller: &asker.service,
            callee,
            callee_kind,
            callee_detail: &asker.detail,
            address,
            direction: "call",
            error_type: &asker.error_type,
        }
    }

    /// A message on its way from the queue that one of both names.
    fn delivery(queue: &'a Party, answerer: &'a Party, bucket: i64) -> Self {
        Self {
            bucket,
            caller: &queue.name,
            callee: Cow::Borrowed(&*answerer.service),
            callee_kind: "service",
            callee_detail: &queue.detail,
            address: Cow::Borrowed(""),
            direction: "deliver",
            error_type: &answerer.error_type,
        }
    }
}

/// Columns of the table in the making.
#[derive(Default)]
struct RowBuilder {
    bucket: TimestampNanosecondBuilder,
    caller: StringBuilder,
    callee: StringBuilder,
    callee_kind: StringBuilder,
    callee_detail: StringBuilder,
    address: StringBuilder,
    direction: StringBuilder,
    error_type: StringBuilder,
    counts: [UInt64Builder; 4],
    histograms: [BinaryBuilder; 3],
    sums: [Int64Builder; 3],
    n_bytes_request: UInt64Builder,
    n_sized: UInt64Builder,
}

impl RowBuilder {
    fn push(&mut self, key: &RowKey<'_>, cell: &EdgeCell) {
        self.bucket.append_value(key.bucket);
        self.caller.append_value(key.caller);
        self.callee.append_value(&key.callee);
        self.callee_kind.append_value(key.callee_kind);
        self.callee_detail.append_value(key.callee_detail);
        self.address.append_value(&key.address);
        self.direction.append_value(key.direction);
        self.error_type.append_value(key.error_type);
        let counts = [cell.n_calls, cell.n_callee_spans, cell.n_errors, cell.n_callee_errors];
        self.counts.iter_mut().zip(counts).for_each(|(column, n)| column.append_value(n));
        let durations = [&cell.durations, &cell.callee_durations, &cell.gaps];
        for (idx, durations) in durations.into_iter().enumerate() {
            self.histograms[idx].append_value(durations.histogram.encode());
            self.sums[idx].append_value(durations.sum_saturated_ns());
        }
        self.n_bytes_request.append_value(cell.n_bytes_request);
        self.n_sized.append_value(cell.n_sized);
    }

    fn finish(mut self) -> RecordBatch {
        let bucket = self.bucket.finish().with_timezone(schema::TIME_ZONE);
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(bucket),
            Arc::new(self.caller.finish()),
            Arc::new(self.callee.finish()),
            Arc::new(self.callee_kind.finish()),
            Arc::new(self.callee_detail.finish()),
            Arc::new(self.address.finish()),
            Arc::new(self.direction.finish()),
            Arc::new(self.error_type.finish()),
        ];
        columns.extend(self.counts.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef));
        columns.extend(self.histograms.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef));
        columns.extend(self.sums.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef));
        columns.push(Arc::new(self.n_bytes_request.finish()));
        columns.push(Arc::new(self.n_sized.finish()));
        RecordBatch::try_new(schema::edge_red(), columns).expect("the builders are those of the schema")
    }
}
