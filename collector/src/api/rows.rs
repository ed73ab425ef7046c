//! Typed reading of the rows that the engine answers with.
//!
//! Their schema is fixed by `storage::schema`; a column that is not as promised is a fault of ours, which
//! is logged here and answered as such.

use super::failure::Failure;
use arrow::array::{
    Array, ArrayRef, BooleanArray, FixedSizeBinaryArray, Int32Array, Int64Array, ListArray, MapArray,
    RecordBatch, StringArray, StructArray, TimestampNanosecondArray,
};

/// Columns of a batch, or of the items of a list column.
#[derive(Debug, Clone, Copy)]
pub(super) enum Table<'a> {
    Batch(&'a RecordBatch),
    Items(&'a StructArray),
}

impl<'a> Table<'a> {
    fn column<A: Array + 'static>(self, name: &'static str) -> Result<&'a A, Failure> {
        let column: Option<&'a ArrayRef> = match self {
            Self::Batch(batch) => batch.column_by_name(name),
            Self::Items(items) => items.column_by_name(name),
        };
        let typed = column.and_then(|column| column.as_any().downcast_ref::<A>());
        typed.ok_or_else(|| {
            let data_type = column.map(|column| column.data_type().to_string());
            tracing::error!(column = name, data_type, "the engine's rows are not as their schema says");
            Failure::internal()
        })
    }

    pub(super) fn text(self, name: &'static str) -> Result<&'a StringArray, Failure> {
        self.column(name)
    }

    pub(super) fn time(self, name: &'static str) -> Result<&'a TimestampNanosecondArray, Failure> {
        self.column(name)
    }

    pub(super) fn bool(self, name: &'static str) -> Result<&'a BooleanArray, Failure> {
        self.column(name)
    }

    pub(super) fn int32(self, name: &'static str) -> Result<&'a Int32Array, Failure> {
        self.column(name)
    }

    pub(super) fn int64(self, name: &'static str) -> Result<&'a Int64Array, Failure> {
        self.column(name)
    }

    pub(super) fn bytes(self, name: &'static str) -> Result<&'a FixedSizeBinaryArray, Failure> {
        self.column(name)
    }

    pub(super) fn list(self, name: &'static str) -> Result<&'a ListArray, Failure> {
        self.column(name)
    }

    pub(super) fn map(self, name: &'static str) -> Result<&'a MapArray, Failure> {
        self.column(name)
    }
}

/// The value of a row, unless it is null.
pub(super) fn non_null(ids: &FixedSizeBinaryArray, row: usize) -> Option<&[u8]> {
    ids.is_valid(row).then(|| ids.value(row))
}

/// A text cell, absent where null or empty.
pub(super) fn non_empty(texts: &StringArray, row: usize) -> Option<String> {
    let text = if texts.is_valid(row) { texts.value(row) } else { "" };
    (!text.is_empty()).then(|| text.to_owned())
}
