//! Cells of a batch, or of the items of a list column, by the column's name.

use super::Error;
use arrow::array::{
    Array, BooleanArray, FixedSizeBinaryArray, Float64Array, Int32Array, Int64Array, ListArray, MapArray,
    StringArray, StructArray, TimestampNanosecondArray, UInt32Array, UInt64Array,
};
use std::ops::Range;

#[derive(Debug, Clone, Copy)]
pub(super) struct Cells<'a>(&'a StructArray);

macro_rules! readers {
    ($( $name:ident: $array:ty => $value:ty; )*) => {
        $(
            /// Nothing where the cell is null.
            pub(super) fn $name(self, column: &str, row: usize) -> Result<Option<$value>, Error> {
                let array: &'a $array = self.column(column)?;
                Ok(array.is_valid(row).then(|| array.value(row)))
            }
        )*
    };
}

impl<'a> Cells<'a> {
    pub(super) fn new(rows: &'a StructArray) -> Self {
        Self(rows)
    }

    pub(super) fn n_rows(self) -> usize {
        self.0.len()
    }

    readers! {
        bool: BooleanArray => bool;
        bytes: FixedSizeBinaryArray => &'a [u8];
        double: Float64Array => f64;
        int32: Int32Array => i32;
        int64: Int64Array => i64;
        time: TimestampNanosecondArray => i64;
        uint32: UInt32Array => u32;
        uint64: UInt64Array => u64;
    }

    /// Empty where the cell is null.
    pub(super) fn text(self, column: &str, row: usize) -> Result<&'a str, Error> {
        let texts: &'a StringArray = self.column(column)?;
        Ok(if texts.is_valid(row) { texts.value(row) } else { "" })
    }

    /// As `text`, and empty where rows were written before the table had the column.
    pub(super) fn newer_text(self, column: &str, row: usize) -> Result<&'a str, Error> {
        match self.0.column_by_name(column) {
            Some(_) => self.text(column, row),
            None => Ok(""),
        }
    }

    pub(super) fn map(self, column: &str) -> Result<&'a MapArray, Error> {
        self.column(column)
    }

    /// The items of a list of structs, and which of them belong to the row.
    pub(super) fn items(self, column: &str, row: usize) -> Result<(Cells<'a>, Range<usize>), Error> {
        let (list, range) = self.list(column, row)?;
        let items = list.values().as_any().downcast_ref::<StructArray>();
        let items = items.ok_or_else(|| self.unlike(column))?;
        Ok((Cells(items), range.unwrap_or(0..0)))
    }

    /// Numbers of a list; nothing where it is null.
    pub(super) fn counts(self, column: &str, row: usize) -> Result<Option<Vec<u64>>, Error> {
        let (list, range) = self.list(column, row)?;
        let items = list.values().as_any().downcast_ref::<UInt64Array>();
        let items = items.ok_or_else(|| self.unlike(column))?;
        Ok(range.map(|range| items.values()[range].to_vec()))
    }

    /// As `counts`.
    pub(super) fn doubles(self, column: &str, row: usize) -> Result<Option<Vec<f64>>, Error> {
        let (list, range) = self.list(column, row)?;
        let items = list.values().as_any().downcast_ref::<Float64Array>();
        let items = items.ok_or_else(|| self.unlike(column))?;
        Ok(range.map(|range| items.values()[range].to_vec()))
    }

    fn list(self, column: &str, row: usize) -> Result<(&'a ListArray, Option<Range<usize>>), Error> {
        let list: &'a ListArray = self.column(column)?;
        let offsets = list.value_offsets();
        // Offsets of an Arrow array are never negative.
        let range = offsets[row] as usize..offsets[row + 1] as usize;
        Ok((list, list.is_valid(row).then_some(range)))
    }

    fn column<A: Array + 'static>(self, name: &str) -> Result<&'a A, Error> {
        let column = self.0.column_by_name(name);
        column.and_then(|column| column.as_any().downcast_ref()).ok_or_else(|| self.unlike(name))
    }

    fn unlike(self, name: &str) -> Error {
        let column = self.0.column_by_name(name);
        let found = column.map_or("nothing".to_owned(), |column| column.data_type().to_string());
        Error { column: name.to_owned(), found }
    }
}
