//! Which keys have columns, and what these are called.

use super::MAPS;
use super::count::{KeyCount, KeyCounts, TableCounts};
use super::split::ORDER_END;
use super::told::{self, PAIRS, Pair, Told};
use super::value::Class;
use crate::condensed;
use crate::ids::Table;
use crate::schema::attribute_map;
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Keys of one map that get columns: a byte of a row's order tells them apart, and each costs some
/// hundred bytes in the footer of every row group.
const KEYS_MAX: usize = 64;
const _: () =
    assert!(KEYS_MAX + PAIRS.len() < ORDER_END as usize, "a byte of a row's order has the place of a key");
/// A key that fewer rows have gets no column: its place in footer and page index would outweigh it.
const ROWS_MIN: u64 = 32;
/// Nor one that less than one row in so many has.
const ROWS_PER_KEY_MAX: u64 = 100;
/// Values longer than this on average are documents and such; they are worth a column only if most rows
/// have one.
const VALUE_BYTES_MAX: u64 = 256;
/// Longer keys are nobody's convention.
const KEY_BYTES_MAX: usize = 128;

/// The columns of a table's segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WideTable {
    table: Table,
    maps: Vec<WideMap>,
    schema: SchemaRef,
}

/// The columns of one map in one file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct WideMap {
    pub(crate) name: &'static str,
    /// At most 254 keys, sorted; a row's order names them by their place here, counted from 1.
    pub(crate) keys: Vec<String>,
    /// Those of a key are neighbours.
    pub(super) columns: Vec<WideColumn>,
}

/// A column of values.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct WideColumn {
    /// The place of the key.
    pub(super) key: usize,
    pub(super) class: Class,
    /// The promoted column that has the same in every row, if the file leaves this one out.
    pub(super) told_by: Option<String>,
}

impl WideTable {
    /// The columns for rows with these counts, of which promoted columns tell these.
    pub(crate) fn choose(table: Table, n_rows: u64, counts: &TableCounts, told: &Told) -> Self {
        let choose = |name| WideMap::choose(name, n_rows, counts.column(name)?, told);
        let maps: Vec<WideMap> = MAPS.into_iter().filter_map(choose).collect();
        let schema = wide_schema(table, &maps, counts, told);
        Self { table, maps, schema }
    }

    /// The table's own columns, as segments of manifest formats 1 and 2 have them.
    #[cfg(test)]
    pub(crate) fn plain(table: Table) -> Self {
        Self { table, maps: Vec::new(), schema: table.schema() }
    }

    pub(crate) fn table(&self) -> Table {
        self.table
    }

    /// The wide map that a column of the table went into: the map itself, or its types.
    pub(crate) fn map(&self, column: &str) -> Option<&WideMap> {
        self.maps.iter().find(|map| map.has(column))
    }

    /// The table's schema with the columns of its wide maps in their places, and the counts beside it.
    pub(crate) fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

impl WideMap {
    /// None if no key deserves a column. A key that is told costs none.
    fn choose(name: &'static str, n_rows: u64, counts: &KeyCounts, told: &Told) -> Option<Self> {
        let deserves = |(key, count): &(&str, KeyCount)| {
            let share = if count.n_bytes / count.n.max(1) > VALUE_BYTES_MAX { 2 } else { ROWS_PER_KEY_MAX };
            is_name(key) && count.n >= ROWS_MIN && count.n.saturating_mul(share) >= n_rows
        };
        let mut chosen: Vec<(&str, KeyCount)> = counts.iter().filter(deserves).collect();
        if chosen.is_empty() {
            return None;
        }
        let told: Vec<&Pair> = told.of_map(name).filter(|pair| counts.has(pair.key)).collect();
        chosen.retain(|(key, _)| told.iter().all(|pair| pair.key != *key));
        chosen.sort_by(|a, b| b.1.n.cmp(&a.1.n).then_with(|| a.0.cmp(b.0)));
        chosen.truncate(KEYS_MAX);
        let own = chosen.into_iter().flat_map(|(key, count)| {
            classes(count, counts.is_complete()).into_iter().map(move |class| ((key.to_owned(), class), None))
        });
        let told = told.iter().map(|pair| ((pair.key.to_owned(), pair.class), Some(pair.column.to_owned())));
        Some(Self::with_columns(name, own.chain(told).collect()))
    }

    /// The columns that a file has of a map; none if it has the map itself.
    pub(crate) fn of(schema: &Schema, name: &'static str) -> Option<Self> {
        schema.index_of(&rest_name(name)).ok()?;
        let mut columns = told::left_out(schema, name);
        let own = schema.fields().iter().filter_map(|field| key_of(field, name));
        columns.extend(own.map(|(key, class)| ((key.to_owned(), class), None)));
        Some(Self::with_columns(name, columns))
    }

    /// With these columns, and what tells them.
    fn with_columns(name: &'static str, sorted: BTreeMap<(String, Class), Option<String>>) -> Self {
        let mut map = Self { name, keys: Vec::new(), columns: Vec::new() };
        for ((key, class), told_by) in sorted {
            if map.keys.last() != Some(&key) {
                map.keys.push(key);
            }
            map.columns.push(WideColumn { key: map.keys.len() - 1, class, told_by });
        }
        map
    }

    /// The columns of a file that have a key's values, with their classes; none if they are in the rest.
    pub(crate) fn columns_of(&self, key: &str) -> Vec<(Class, String)> {
        let columns = self.columns.iter().filter(|column| self.keys[column.key] == key);
        columns.map(|column| (column.class, self.column_name(column))).collect()
    }

    /// Names of the columns that make up the map: the order, the rest, then those of values.
    pub(crate) fn names(&self) -> Vec<String> {
        let columns = self.columns.iter().map(|column| self.column_name(column));
        [order_name(self.name), rest_name(self.name)].into_iter().chain(columns).collect()
    }

    /// The columns that only the map has.
    pub(super) fn own_columns(&self) -> impl Iterator<Item = &WideColumn> {
        self.columns.iter().filter(|column| column.told_by.is_none())
    }

    fn column_name(&self, column: &WideColumn) -> String {
        let own = || column_name(self.name, &self.keys[column.key], column.class);
        column.told_by.clone().unwrap_or_else(own)
    }

    /// Is this the map's column in the table, or that of its types?
    pub(crate) fn has(&self, column: &str) -> bool {
        column == self.name || column == types_name(self.name)
    }

    fn fields(&self) -> Vec<FieldRef> {
        let columns = self
            .own_columns()
            .map(|column| Arc::new(Field::new(self.column_name(column), column.class.data_type(), true)));
        let rest = Arc::new(Field::new(rest_name(self.name), attribute_map(), false));
        let order = Arc::new(Field::new(order_name(self.name), DataType::Binary, false));
        columns.chain([rest, order]).collect()
    }
}

fn wide_schema(table: Table, maps: &[WideMap], counts: &TableCounts, told: &Told) -> SchemaRef {
    let mut fields: Vec<FieldRef> = Vec::new();
    for field in table.schema().fields() {
        match maps.iter().find(|map| map.has(field.name())) {
            Some(map) if map.name == field.name() => fields.extend(map.fields()),
            Some(_) => {}
            None => fields.extend(condensed::field_of(table, field)),
        }
    }
    let mut metadata = counts.write();
    metadata.extend(told.write(maps));
    Arc::new(Schema::new_with_metadata(fields, metadata))
}

/// The column of a key's values of a class.
pub(super) fn column_name(map: &str, key: &str, class: Class) -> String {
    format!("{map}.{key}{}", suffix(class))
}

/// The column of the entries whose keys have none.
pub(crate) fn rest_name(map: &str) -> String {
    format!("{map}_rest")
}

/// The column of the types of a map's entries.
pub(crate) fn types_name(map: &str) -> String {
    format!("{map}_types")
}

/// The column that says in which order a row's entries were, and of which types.
pub(crate) fn order_name(map: &str) -> String {
    format!("{map}_order")
}

fn suffix(class: Class) -> &'static str {
    match class {
        Class::Text => "",
        Class::Int => ":int",
        Class::Double => ":double",
    }
}

/// Can it be part of a column's name, and be told from the name of another key's column?
fn is_name(key: &str) -> bool {
    let is_plain = !key.is_empty() && key.len() <= KEY_BYTES_MAX && !key.chars().any(char::is_control);
    is_plain && !key.ends_with(suffix(Class::Int)) && !key.ends_with(suffix(Class::Double))
}

/// A class that is rare among a key's values does not get a column; its values are kept as text.
fn classes(count: KeyCount, is_complete: bool) -> Vec<Class> {
    let is_worth = |n: u64| n >= ROWS_MIN && n.saturating_mul(16) >= count.n;
    let n_of = |class| match class {
        Class::Text => 0,
        Class::Int => count.n_ints,
        Class::Double => count.n_doubles,
    };
    let numbers = [Class::Int, Class::Double].into_iter().filter(|&class| is_worth(n_of(class)));
    let numbers: Vec<Class> = numbers.collect();
    let n_numbers: u64 = numbers.iter().map(|&class| n_of(class)).sum();
    let text = (n_numbers < count.n || !is_complete).then_some(Class::Text);
    text.into_iter().chain(numbers).collect()
}

fn key_of<'a>(field: &'a Field, map: &str) -> Option<(&'a str, Class)> {
    let (key, class) = key_and_class(field.name(), map)?;
    (class.data_type() == *field.data_type()).then_some((key, class))
}

/// What a column of a map has, by its name.
pub(super) fn key_and_class<'a>(column: &'a str, map: &str) -> Option<(&'a str, Class)> {
    let key = column.strip_prefix(map)?.strip_prefix('.')?;
    // Text comes last: its suffix is empty.
    let of_class = |class| Some((key.strip_suffix(suffix(class))?, class));
    Class::ALL.into_iter().rev().find_map(of_class)
}
