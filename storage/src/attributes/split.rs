//! From a map to the columns of a segment.

use super::layout::{WideMap, WideTable, types_name};
use super::shapes::{Shape, Shapes, entries};
use super::value::{Class, class_of, double, int};
use crate::condensed;
use crate::schema::attribute_map;
use arrow::array::{
    Array, ArrayBuilder, ArrayRef, AsArray, BinaryBuilder, Float64Builder, Int64Builder, MapArray,
    RecordBatch, StringArray, StringBuilder, StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use std::collections::HashMap;
use std::sync::Arc;

/// Stands between the order of a row's entries and their types.
pub(super) const ORDER_END: u8 = u8::MAX;

/// The rows of a batch of the table's schema under the wide one.
pub(crate) fn split(batch: &RecordBatch, wide: &WideTable) -> Result<RecordBatch, ArrowError> {
    let mut columns = Vec::new();
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        let Some(map) = wide.map(field.name()) else {
            let is_plain = wide.schema().index_of(field.name()).is_ok();
            let condensed = || condensed::column_of(wide.table(), field.name(), batch);
            columns.extend(if is_plain { Some(Arc::clone(column)) } else { condensed()? });
            continue;
        };
        let missing = || ArrowError::SchemaError(format!("{} has no map or no types", map.name));
        // The types go with the map.
        let Some(maps) = column.as_map_opt() else { continue };
        let types = batch.column_by_name(&types_name(map.name)).and_then(|types| types.as_string_opt());
        columns.extend(Splitting::new(map).run(maps, types.ok_or_else(missing)?)?);
    }
    RecordBatch::try_new(wide.schema(), columns)
}

/// What becomes of the rows with the same keys.
struct Plan {
    /// Place of each entry's key among those with columns.
    targets: Vec<Option<usize>>,
    /// The row's order and types, as they are stored.
    order: Vec<u8>,
}

/// The columns of a map in the making.
struct Splitting<'a> {
    map: &'a WideMap,
    place_of: HashMap<&'a str, usize>,
    values: Vec<Values>,
    /// Per key, the column of each class; none if another column tells the key.
    column_of: Vec<Option<[Option<usize>; 3]>>,
    rest_keys: StringBuilder,
    rest_values: StringBuilder,
    rest_lengths: Vec<usize>,
    orders: BinaryBuilder,
}

enum Values {
    Text(StringBuilder),
    Int(Int64Builder),
    Double(Float64Builder),
}

impl<'a> Splitting<'a> {
    fn new(map: &'a WideMap) -> Self {
        let mut column_of = vec![None; map.keys.len()];
        for (idx, column) in map.own_columns().enumerate() {
            column_of[column.key].get_or_insert([None; 3])[column.class as usize] = Some(idx);
        }
        Self {
            map,
            place_of: map.keys.iter().enumerate().map(|(idx, key)| (key.as_str(), idx)).collect(),
            values: map.own_columns().map(|column| Values::new(column.class)).collect(),
            column_of,
            rest_keys: StringBuilder::new(),
            rest_values: StringBuilder::new(),
            rest_lengths: Vec::new(),
            orders: BinaryBuilder::new(),
        }
    }

    fn run(mut self, maps: &MapArray, types: &StringArray) -> Result<Vec<ArrayRef>, ArrowError> {
        let (keys, values) = texts(maps)?;
        let (mut shapes, mut plans) = (Shapes::default(), Vec::new());
        for row in 0..maps.len() {
            let entries = entries(maps, row);
            let letters = types.value(row).as_bytes();
            let place = shapes.place(Shape::of(keys, &entries, letters));
            if place == plans.len() {
                let names: Vec<&str> = entries.clone().map(|entry| keys.value(entry)).collect();
                plans.push(self.plan(&names, letters));
            }
            let plan = &plans[place];
            let mut n_rest = 0;
            for (idx, (entry, target)) in entries.zip(&plan.targets).enumerate() {
                let text = values.is_valid(entry).then(|| values.value(entry));
                match *target {
                    Some(key) => self.put(row, key, letters.get(idx).copied(), text)?,
                    None => {
                        self.rest_keys.append_value(keys.value(entry));
                        self.rest_values.append_option(text);
                        n_rest += 1;
                    }
                }
            }
            self.rest_lengths.push(n_rest);
            self.orders.append_value(&plan.order);
        }
        self.finish(maps.len())
    }

    /// A key that comes twice in a row has its first value in the column, as look-ups find it.
    fn plan(&self, names: &[&str], types: &[u8]) -> Plan {
        let target = |(idx, name): (usize, &&str)| {
            let is_first = !names[..idx].contains(name);
            self.place_of.get(name).copied().filter(|_| is_first)
        };
        let targets: Vec<Option<usize>> = names.iter().enumerate().map(target).collect();
        let places = targets.iter().map(|target| target.map_or(0, |key| key as u8 + 1));
        let order = places.chain([ORDER_END]).chain(types.iter().copied()).collect();
        Plan { targets, order }
    }

    fn put(
        &mut self,
        row: usize,
        key: usize,
        letter: Option<u8>,
        text: Option<&str>,
    ) -> Result<(), ArrowError> {
        // A key without a value, or whose value is told, is in the order only.
        let (Some(text), Some(columns)) = (text, self.column_of[key]) else { return Ok(()) };
        let column = columns[class_of(letter, text) as usize].or(columns[Class::Text as usize]);
        let column = column.ok_or_else(|| {
            let (map, key) = (self.map.name, &self.map.keys[key]);
            ArrowError::SchemaError(format!("{map} has no column for the text of {key}"))
        })?;
        self.values[column].put(row, text);
        Ok(())
    }

    fn finish(mut self, n_rows: usize) -> Result<Vec<ArrayRef>, ArrowError> {
        let mut columns: Vec<ArrayRef> = self.values.iter_mut().map(|values| values.finish(n_rows)).collect();
        columns.push(Arc::new(map(self.rest_keys.finish(), self.rest_values.finish(), self.rest_lengths)?));
        columns.push(Arc::new(self.orders.finish()));
        Ok(columns)
    }
}

impl Values {
    fn new(class: Class) -> Self {
        match class {
            Class::Text => Self::Text(StringBuilder::new()),
            Class::Int => Self::Int(Int64Builder::new()),
            Class::Double => Self::Double(Float64Builder::new()),
        }
    }

    fn put(&mut self, row: usize, text: &str) {
        self.fill(row);
        match self {
            Self::Text(values) => values.append_value(text),
            Self::Int(values) => values.append_option(int(text)),
            Self::Double(values) => values.append_option(double(text)),
        }
    }

    /// Rows before this one that have no value yet have none.
    fn fill(&mut self, n_rows: usize) {
        match self {
            Self::Text(values) => values.append_nulls(n_rows - values.len()),
            Self::Int(values) => values.append_nulls(n_rows - values.len()),
            Self::Double(values) => values.append_nulls(n_rows - values.len()),
        }
    }

    fn finish(&mut self, n_rows: usize) -> ArrayRef {
        self.fill(n_rows);
        match self {
            Self::Text(values) => Arc::new(values.finish()),
            Self::Int(values) => Arc::new(values.finish()),
            Self::Double(values) => Arc::new(values.finish()),
        }
    }
}

/// The keys and values of a column of maps.
pub(super) fn texts(maps: &MapArray) -> Result<(&StringArray, &StringArray), ArrowError> {
    let found = maps.keys().as_string_opt().zip(maps.values().as_string_opt());
    found.ok_or_else(|| ArrowError::SchemaError("attributes are not maps from text to text".to_owned()))
}

/// A column of maps with so many entries in each row.
pub(super) fn map(
    keys: StringArray,
    values: StringArray,
    lengths: Vec<usize>,
) -> Result<MapArray, ArrowError> {
    let DataType::Map(entry, is_sorted) = attribute_map() else {
        return Err(ArrowError::SchemaError("attributes are not maps".to_owned()));
    };
    let DataType::Struct(fields) = entry.data_type().clone() else {
        return Err(ArrowError::SchemaError("maps have no entries".to_owned()));
    };
    let entries = StructArray::try_new(fields, vec![Arc::new(keys), Arc::new(values)], None)?;
    MapArray::try_new(entry, OffsetBuffer::from_lengths(lengths), entries, None, is_sorted)
}
