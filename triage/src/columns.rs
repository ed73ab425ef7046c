//! Columns of record batches by name and type, checked once per batch.
//!
//! Engines hand texts back in more than one layout; here all become one. A missing column that may be null reads as null.

use crate::input::InputError;
use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, FixedSizeBinaryArray, Float64Array, ListArray, RecordBatch,
    StringArray, UInt64Array,
};
use arrow::buffer::OffsetBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};

/// One batch of a table, for messages that name the column.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) table: &'static str,
    pub(crate) batch: &'a RecordBatch,
}

/// A text column; `None` in the array or no array at all is null.
#[derive(Clone, Debug, Default)]
pub(crate) struct TextColumn(Option<StringArray>);

/// Nanoseconds since 1970.
#[derive(Clone, Debug)]
pub(crate) struct TimeColumn(arrow::array::Int64Array);

/// Ids of `N` bytes.
#[derive(Clone, Debug)]
pub(crate) struct IdColumn<const N: usize>(Option<FixedSizeBinaryArray>);

/// A map of attributes.
#[derive(Clone, Debug)]
pub(crate) struct MapColumn(Option<Entries>);

#[derive(Clone, Debug)]
struct Entries {
    offsets: OffsetBuffer<i32>,
    keys: StringArray,
    values: StringArray,
}

impl<'a> Source<'a> {
    pub(crate) fn text(self, column: &'static str) -> Result<TextColumn, InputError> {
        let Some(array) = self.batch.column_by_name(column) else { return Ok(TextColumn(None)) };
        self.utf8(column, array).map(|array| TextColumn(Some(array)))
    }

    pub(crate) fn required_text(self, column: &'static str) -> Result<TextColumn, InputError> {
        self.required(column)?;
        self.text(column)
    }

    /// A text column that lies inside another column.
    pub(crate) fn text_of(self, column: &'static str, array: &ArrayRef) -> Result<TextColumn, InputError> {
        self.utf8(column, array).map(|array| TextColumn(Some(array)))
    }

    pub(crate) fn time(self, column: &'static str) -> Result<TimeColumn, InputError> {
        let array = self.required(column)?;
        let wrong = || self.wrong(column, array);
        match array.data_type() {
            DataType::Timestamp(arrow::datatypes::TimeUnit::Nanosecond, _) | DataType::Int64 => {}
            _ => return Err(wrong()),
        }
        let nanoseconds = cast(array, &DataType::Int64).map_err(|_| wrong())?;
        Ok(TimeColumn(nanoseconds.as_primitive::<Int64Type>().clone()))
    }

    pub(crate) fn id<const N: usize>(self, column: &'static str) -> Result<IdColumn<N>, InputError> {
        let Some(array) = self.batch.column_by_name(column) else { return Ok(IdColumn(None)) };
        match array.as_fixed_size_binary_opt() {
            Some(ids) if ids.value_length() as usize == N => Ok(IdColumn(Some(ids.clone()))),
            _ => Err(self.wrong(column, array)),
        }
    }

    pub(crate) fn required_id<const N: usize>(self, column: &'static str) -> Result<IdColumn<N>, InputError> {
        self.required(column)?;
        self.id(column)
    }

    pub(crate) fn boolean(self, column: &'static str) -> Result<Option<BooleanArray>, InputError> {
        let Some(array) = self.batch.column_by_name(column) else { return Ok(None) };
        match array.as_boolean_opt() {
            Some(booleans) => Ok(Some(booleans.clone())),
            None => Err(self.wrong(column, array)),
        }
    }

    /// Any kind of number, as a double.
    pub(crate) fn double(self, column: &'static str) -> Result<Option<Float64Array>, InputError> {
        let Some(array) = self.batch.column_by_name(column) else { return Ok(None) };
        self.number(column, array, &DataType::Float64).map(|array| Some(array.as_primitive().clone()))
    }

    /// Any kind of number, as a natural one; what does not fit is null.
    pub(crate) fn natural(self, column: &'static str) -> Result<Option<UInt64Array>, InputError> {
        let Some(array) = self.batch.column_by_name(column) else { return Ok(None) };
        self.number(column, array, &DataType::UInt64).map(|array| Some(array.as_primitive().clone()))
    }

    pub(crate) fn list(self, column: &'static str) -> Result<Option<ListArray>, InputError> {
        let Some(array) = self.batch.column_by_name(column) else { return Ok(None) };
        match array.as_list_opt::<i32>() {
            Some(list) => Ok(Some(list.clone())),
            None => Err(self.wrong(column, array)),
        }
    }

    pub(crate) fn map(self, column: &'static str) -> Result<MapColumn, InputError> {
        let Some(array) = self.batch.column_by_name(column) else { return Ok(MapColumn(None)) };
        self.map_of(column, array)
    }

    /// A map that lies inside another column.
    pub(crate) fn map_of(self, column: &'static str, array: &ArrayRef) -> Result<MapColumn, InputError> {
        let Some(map) = array.as_map_opt() else { return Err(self.wrong(column, array)) };
        let keys = self.utf8(column, map.keys())?;
        let values = self.utf8(column, map.values())?;
        Ok(MapColumn(Some(Entries { offsets: map.offsets().clone(), keys, values })))
    }

    pub(crate) fn required(self, column: &'static str) -> Result<&'a ArrayRef, InputError> {
        let missing = InputError::MissingColumn { table: self.table, column };
        self.batch.column_by_name(column).ok_or(missing)
    }

    fn utf8(self, column: &'static str, array: &ArrayRef) -> Result<StringArray, InputError> {
        if let Some(strings) = array.as_string_opt::<i32>() {
            return Ok(strings.clone());
        }
        let is_text = match array.data_type() {
            DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => true,
            DataType::Dictionary(_, values) => {
                matches!(values.as_ref(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
            }
            _ => false,
        };
        let strings = cast(array, &DataType::Utf8).ok().filter(|_| is_text);
        strings.map(|strings| strings.as_string::<i32>().clone()).ok_or_else(|| self.wrong(column, array))
    }

    fn number(self, column: &'static str, array: &ArrayRef, to: &DataType) -> Result<ArrayRef, InputError> {
        let numbers = cast(array, to).ok().filter(|_| array.data_type().is_numeric());
        numbers.ok_or_else(|| self.wrong(column, array))
    }

    fn wrong(self, column: &'static str, array: &ArrayRef) -> InputError {
        InputError::WrongType { table: self.table, column, found: array.data_type().to_string() }
    }
}

impl TextColumn {
    /// Empty where it is null.
    pub(crate) fn get(&self, row: usize) -> &str {
        self.0.as_ref().filter(|array| array.is_valid(row)).map_or("", |array| array.value(row))
    }
}

impl TimeColumn {
    pub(crate) fn get(&self, row: usize) -> i64 {
        if self.0.is_valid(row) { self.0.value(row) } else { 0 }
    }
}

impl<const N: usize> IdColumn<N> {
    /// `None` where it is null or all zeros.
    pub(crate) fn get(&self, row: usize) -> Option<[u8; N]> {
        let array = self.0.as_ref().filter(|array| array.is_valid(row))?;
        let id: [u8; N] = array.value(row).try_into().ok()?;
        (id != [0; N]).then_some(id)
    }
}

impl MapColumn {
    /// The entries of a row in the order of the request; a null value is empty.
    pub(crate) fn entries(&self, row: usize) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().flat_map(move |entries| {
            let range = entries.offsets[row] as usize..entries.offsets[row + 1] as usize;
            range.map(|at| (entries.keys.value(at), value_or_empty(&entries.values, at)))
        })
    }

    pub(crate) fn get(&self, row: usize, key: &str) -> Option<&str> {
        self.entries(row).find(|(known, _)| *known == key).map(|(_, value)| value)
    }
}

fn value_or_empty(values: &StringArray, at: usize) -> &str {
    if values.is_valid(at) { values.value(at) } else { "" }
}
