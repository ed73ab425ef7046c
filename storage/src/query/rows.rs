//! Reading typed columns out of the batches of our own statements.

use crate::error::Error;
use arrow::array::{Array, FixedSizeBinaryArray, RecordBatch};

/// A column by name and type. Both come from our own statements, so a miss is a fault of ours; it is
/// reported, not assumed away.
pub(super) fn column<'a, A: Array + 'static>(batch: &'a RecordBatch, name: &str) -> Result<&'a A, Error> {
    let found = batch.column_by_name(name).and_then(|column| column.as_any().downcast_ref::<A>());
    found.ok_or_else(|| {
        let data_type = batch.column_by_name(name).map(|column| column.data_type().to_string());
        let reason = format!("column {name} has type {data_type:?}");
        Error::QueryFailed { source: reason.into() }
    })
}

/// The trace id of a row.
pub(super) fn trace_id(ids: &FixedSizeBinaryArray, row: usize) -> Result<[u8; 16], Error> {
    ids.value(row).try_into().map_err(|_| Error::QueryFailed { source: "a trace id is not 16 bytes".into() })
}

/// A text cell, empty where null.
pub(super) fn text(column: &arrow::array::StringArray, row: usize) -> &str {
    if column.is_null(row) { "" } else { column.value(row) }
}
