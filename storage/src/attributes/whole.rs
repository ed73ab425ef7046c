//! From the columns of a segment back to the map.

use super::MAPS;
use super::layout::{WideMap, order_name};
use super::shapes::entries;
use super::split::{ORDER_END, map, texts};
use super::value::{double, int, write_double};
use crate::condensed::Condensed;
use crate::ids::Table;
use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, Float64Array, Int64Array, MapArray, RecordBatch, StringArray,
    StringBuilder, new_null_array,
};
use arrow::datatypes::{DataType, FieldRef, Float64Type, Int64Type, Schema, SchemaRef};
use arrow::error::ArrowError;
use std::fmt::Write as _;
use std::sync::Arc;

/// The rows of a segment as the table has them: with whole maps, and null where the file does not know
/// the column. The file's schema comes with its metadata, which batches lack.
pub(crate) fn whole(batch: &RecordBatch, file: &Schema, table: Table) -> Result<RecordBatch, ArrowError> {
    some(batch, file, table.schema())
}

/// The same of some of the table's columns, where the batch has what they are made of.
pub(crate) fn some(batch: &RecordBatch, file: &Schema, wanted: SchemaRef) -> Result<RecordBatch, ArrowError> {
    let maps = maps_of(file);
    let column = |field: &FieldRef| match maps.iter().find(|map| map.has(field.name())) {
        Some(map) => of_wide(batch, map, field.name()),
        None => match (Condensed::of(field.name(), file), batch.column_by_name(field.name())) {
            (Some(condensed), _) => expanded(batch, condensed),
            (None, Some(column)) => Ok(Arc::clone(column)),
            (None, None) => Ok(new_null_array(field.data_type(), batch.num_rows())),
        },
    };
    let columns = wanted.fields().iter().map(column).collect::<Result<Vec<_>, _>>()?;
    RecordBatch::try_new(wanted, columns)
}

/// What [`some`] needs of a file to make these columns of the table.
pub(crate) fn columns_for(wanted: &Schema, file: &Schema) -> Vec<String> {
    let maps = maps_of(file);
    let names = wanted.fields().iter().map(|field| field.name());
    let parts =
        names.flat_map(|name| match (maps.iter().find(|map| map.has(name)), Condensed::of(name, file)) {
            (Some(map), _) if map.name == name => map.names(),
            (Some(map), _) => vec![order_name(map.name)],
            (None, Some(condensed)) => condensed.parts().iter().map(|&part| part.to_owned()).collect(),
            (None, None) => vec![name.clone()],
        });
    parts.collect()
}

fn maps_of(file: &Schema) -> Vec<WideMap> {
    MAPS.into_iter().filter_map(|map| WideMap::of(file, map)).collect()
}

fn expanded(batch: &RecordBatch, condensed: Condensed) -> Result<ArrayRef, ArrowError> {
    let parts: Result<Vec<ArrayRef>, _> = condensed.parts().iter().map(|name| part(batch, name)).collect();
    condensed.expand(&parts?)
}

/// A column of the table that a wide map has in parts: the map itself, or its types.
fn of_wide(batch: &RecordBatch, map: &WideMap, name: &str) -> Result<ArrayRef, ArrowError> {
    if map.name != name {
        return Ok(Arc::new(types_of(&part(batch, &order_name(map.name))?)?));
    }
    let parts: Result<Vec<ArrayRef>, _> = map.names().iter().map(|name| part(batch, name)).collect();
    Ok(Arc::new(map_of(map, &parts?)?))
}

/// The map whose parts these are, in the order of [`WideMap::names`].
pub(crate) fn map_of(wide: &WideMap, parts: &[ArrayRef]) -> Result<MapArray, ArrowError> {
    let [order, rest, columns @ ..] = parts else { return Err(missing("order")) };
    let orders = order.as_binary_opt::<i32>().ok_or_else(|| missing("order"))?;
    let rest = rest.as_map_opt().ok_or_else(|| missing("rest"))?;
    Rebuilding::new(wide, orders, rest, columns)?.run()
}

/// The types of a map's entries, from its order.
pub(crate) fn types_of(order: &ArrayRef) -> Result<StringArray, ArrowError> {
    let orders = order.as_binary_opt::<i32>().ok_or_else(|| missing("order"))?;
    let mut types = StringBuilder::new();
    for order in orders.iter() {
        let (_, letters) = apart(order.unwrap_or_default())?;
        types.append_value(std::str::from_utf8(letters).map_err(|_| missing("types"))?);
    }
    Ok(types.finish())
}

/// The places of a row's entries, and their types.
fn apart(order: &[u8]) -> Result<(&[u8], &[u8]), ArrowError> {
    let end = order.iter().position(|&place| place == ORDER_END).ok_or_else(|| missing("types"))?;
    Ok((&order[..end], &order[end + 1..]))
}

fn part(batch: &RecordBatch, name: &str) -> Result<ArrayRef, ArrowError> {
    batch.column_by_name(name).map(Arc::clone).ok_or_else(|| missing(name))
}

fn missing(name: &str) -> ArrowError {
    ArrowError::SchemaError(format!("a segment lacks its column {name}"))
}

struct Rebuilding<'a> {
    wide: &'a WideMap,
    orders: &'a BinaryArray,
    rest: &'a MapArray,
    rest_keys: &'a StringArray,
    rest_values: &'a StringArray,
    /// Per key.
    columns: Vec<Vec<Column<'a>>>,
    keys: StringBuilder,
    values: StringBuilder,
    text: String,
}

/// Values of a key.
pub(super) enum Column<'a> {
    Text(&'a StringArray),
    Int(&'a Int64Array),
    Double(&'a Float64Array),
}

impl<'a> Rebuilding<'a> {
    fn new(
        wide: &'a WideMap,
        orders: &'a BinaryArray,
        rest: &'a MapArray,
        arrays: &'a [ArrayRef],
    ) -> Result<Self, ArrowError> {
        let mut columns: Vec<Vec<Column<'a>>> = wide.keys.iter().map(|_| Vec::new()).collect();
        for (column, array) in wide.columns.iter().zip(arrays) {
            columns[column.key].push(Column::of(array).ok_or_else(|| missing(&wide.keys[column.key]))?);
        }
        let (rest_keys, rest_values) = texts(rest)?;
        let (keys, values) = (StringBuilder::new(), StringBuilder::new());
        Ok(Self { wide, orders, rest, rest_keys, rest_values, columns, keys, values, text: String::new() })
    }

    fn run(mut self) -> Result<MapArray, ArrowError> {
        let mut lengths = Vec::with_capacity(self.orders.len());
        for row in 0..self.orders.len() {
            let (order, _) = apart(self.orders.value(row))?;
            let mut rest = entries(self.rest, row);
            for &place in order {
                match usize::from(place).checked_sub(1) {
                    Some(key) => self.take(row, key)?,
                    None => self.take_rest(rest.next())?,
                }
            }
            lengths.push(order.len());
        }
        map(self.keys.finish(), self.values.finish(), lengths)
    }

    fn take_rest(&mut self, entry: Option<usize>) -> Result<(), ArrowError> {
        let entry = entry.ok_or_else(|| missing("entries"))?;
        self.keys.append_value(self.rest_keys.value(entry));
        self.values.append_option(self.rest_values.is_valid(entry).then(|| self.rest_values.value(entry)));
        Ok(())
    }

    fn take(&mut self, row: usize, key: usize) -> Result<(), ArrowError> {
        let columns = self.columns.get(key).ok_or_else(|| missing("key"))?;
        self.keys.append_value(&self.wide.keys[key]);
        match columns.iter().find(|column| column.is_valid(row)) {
            Some(Column::Text(texts)) => self.values.append_value(texts.value(row)),
            Some(number) => {
                self.text.clear();
                number.write(row, &mut self.text);
                self.values.append_value(&self.text);
            }
            None => self.values.append_null(),
        }
        Ok(())
    }
}

impl<'a> Column<'a> {
    pub(super) fn of(array: &'a ArrayRef) -> Option<Self> {
        match array.data_type() {
            DataType::Utf8 => array.as_string_opt().map(Self::Text),
            DataType::Int64 => array.as_primitive_opt::<Int64Type>().map(Self::Int),
            DataType::Float64 => array.as_primitive_opt::<Float64Type>().map(Self::Double),
            _ => None,
        }
    }

    pub(super) fn is_valid(&self, row: usize) -> bool {
        match self {
            Self::Text(values) => values.is_valid(row),
            Self::Int(values) => values.is_valid(row),
            Self::Double(values) => values.is_valid(row),
        }
    }

    /// Is this the text of a row that has a value?
    pub(super) fn is(&self, row: usize, text: &str) -> bool {
        match self {
            Self::Text(values) => values.value(row) == text,
            Self::Int(values) => int(text) == Some(values.value(row)),
            Self::Double(values) => {
                double(text).is_some_and(|double| double.to_bits() == values.value(row).to_bits())
            }
        }
    }

    fn write(&self, row: usize, out: &mut String) {
        match self {
            Self::Text(values) => out.push_str(values.value(row)),
            // Writing to a string cannot fail.
            Self::Int(values) => drop(write!(out, "{}", values.value(row))),
            Self::Double(values) => write_double(values.value(row), out),
        }
    }
}
