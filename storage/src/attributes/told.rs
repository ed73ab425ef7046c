//! Attributes that a column of the table tells: `http.route` beside `http_route`.
//!
//! A promoted column holds an attribute once more, in the form of the current conventions. Where that is
//! the form in which every row of a segment was sent, the segment has no column of the attribute: the
//! promoted one is it. Which columns are left out, and which are alike for the next merge to know, a file's
//! metadata says.

use super::count::TableCounts;
use super::layout::{WideMap, column_name, key_and_class};
use super::shapes::entries;
use super::split::texts;
use super::value::Class;
use super::whole::Column;
use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::datatypes::Schema;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

/// Where a file's metadata has the columns of attributes that are like a promoted one: by the name of the
/// attribute's column, that of the promoted one, and whether the file leaves the first out.
const METADATA: &str = "firstfault.told";

/// An attribute and the column of the table that may tell it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) map: &'static str,
    pub(super) key: &'static str,
    pub(super) class: Class,
    pub(super) column: &'static str,
}

/// The pairs that are alike in every row of a segment: the promoted column has the value of the
/// attribute, and null where it is not there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Told {
    pairs: Vec<&'static Pair>,
}

/// Names of both generations; those of the older one are told where their values need no change.
pub(super) const PAIRS: [Pair; 30] = [
    of_span("http.request.method", "http_request_method"),
    of_span("http.method", "http_request_method"),
    of_span("http.route", "http_route"),
    Pair { class: Class::Int, ..of_span("http.response.status_code", "http_response_status_code") },
    Pair { class: Class::Int, ..of_span("http.status_code", "http_response_status_code") },
    of_span("url.path", "url_path"),
    of_span("http.target", "url_path"),
    of_span("db.system.name", "db_system_name"),
    of_span("db.system", "db_system_name"),
    of_span("db.namespace", "db_namespace"),
    of_span("db.name", "db_namespace"),
    of_span("db.operation.name", "db_operation_name"),
    of_span("db.operation", "db_operation_name"),
    of_span("rpc.system.name", "rpc_system_name"),
    of_span("rpc.system", "rpc_system_name"),
    of_span("rpc.method", "rpc_method"),
    of_span("rpc.response.status_code", "rpc_response_status_code"),
    of_span("messaging.system", "messaging_system"),
    of_span("messaging.destination.name", "messaging_destination_name"),
    of_span("messaging.destination", "messaging_destination_name"),
    of_span("server.address", "server_address"),
    of_span("peer.service", "peer_service"),
    of_span("service.peer.name", "peer_service"),
    of_span("error.type", "error_type"),
    of_resource("service.name", "service"),
    of_resource("service.namespace", "service_namespace"),
    of_resource("service.instance.id", "service_instance_id"),
    of_resource("service.version", "service_version"),
    of_resource("deployment.environment.name", "environment"),
    of_resource("deployment.environment", "environment"),
];

const fn of_span(key: &'static str, column: &'static str) -> Pair {
    Pair { map: "attributes", key, class: Class::Text, column }
}

const fn of_resource(key: &'static str, column: &'static str) -> Pair {
    Pair { map: "resource", key, class: Class::Text, column }
}

impl Told {
    /// Of rows as they are in memory, and have these counts.
    pub(crate) fn of(batches: &[RecordBatch], counts: &TableCounts) -> Self {
        let is_alike = |pair: &&'static Pair| pair.is_alike(batches, counts).unwrap_or(false);
        Self { pairs: PAIRS.iter().filter(is_alike).collect() }
    }

    /// Of a file; older programs did not look.
    pub(crate) fn read(metadata: &HashMap<String, String>) -> Self {
        let found = decode(metadata).unwrap_or_default();
        let is_named = |pair: &&'static Pair| {
            found.get(&pair.column_name()).is_some_and(|(column, _)| column == pair.column)
        };
        Self { pairs: PAIRS.iter().filter(is_named).collect() }
    }

    /// Of all rows of all parts.
    pub(crate) fn shared(parts: &[Self]) -> Self {
        let is_in_all = |pair: &&'static Pair| parts.iter().all(|part| part.pairs.contains(pair));
        Self { pairs: PAIRS.iter().filter(is_in_all).filter(|_| !parts.is_empty()).collect() }
    }

    pub(super) fn of_map(&self, map: &str) -> impl Iterator<Item = &'static Pair> {
        self.pairs.iter().copied().filter(move |pair| pair.map == map)
    }

    /// For the metadata of a file with these wide maps; nothing if no pair is alike.
    pub(super) fn write(&self, maps: &[WideMap]) -> Option<(String, String)> {
        let is_left_out = |pair: &Pair| {
            maps.iter().any(|map| map.name == pair.map && map.keys.iter().any(|key| key == pair.key))
        };
        let named = |pair: &&'static Pair| (pair.column_name(), (pair.column, is_left_out(pair)));
        let named: BTreeMap<String, (&str, bool)> = self.pairs.iter().map(named).collect();
        let text = serde_json::to_string(&named).ok().filter(|_| !named.is_empty())?;
        Some((METADATA.to_owned(), text))
    }
}

/// The columns of a map that a file leaves out, and the column that each is told by. None where the file has
/// no such column of that type either: who needs it finds it missing.
pub(super) fn left_out(file: &Schema, map: &str) -> BTreeMap<(String, Class), Option<String>> {
    let of_column = |(name, (column, is_left_out)): (String, (String, bool))| {
        let (key, class) = key_and_class(&name, map).filter(|_| is_left_out)?;
        let field = file.field_with_name(&column).ok();
        let is_there = field.is_some_and(|field| *field.data_type() == class.data_type());
        Some(((key.to_owned(), class), is_there.then_some(column)))
    };
    match decode(file.metadata()) {
        Some(named) => named.into_iter().filter_map(of_column).collect(),
        // The places of the map's keys cannot be known: to read it is an error.
        None => BTreeMap::from([((String::new(), Class::Text), None)]),
    }
}

/// None if what the metadata says cannot be read.
fn decode(metadata: &HashMap<String, String>) -> Option<BTreeMap<String, (String, bool)>> {
    match metadata.get(METADATA) {
        Some(text) => serde_json::from_str(text).ok(),
        None => Some(BTreeMap::new()),
    }
}

impl Pair {
    fn column_name(&self) -> String {
        column_name(self.map, self.key, self.class)
    }

    /// None if the table has no such columns, or it is not known. As many entries as values of the column,
    /// and one of them beside each value: so no row has the key twice, without a value, or alone.
    fn is_alike(&self, batches: &[RecordBatch], counts: &TableCounts) -> Option<bool> {
        let n_entries = counts.column(self.map)?.n_entries(self.key)?;
        let n_values = |batch: &RecordBatch| {
            batch.column_by_name(self.column).map(|column| (column.len() - column.null_count()) as u64)
        };
        let n_values: Option<u64> = batches.iter().map(n_values).sum();
        if n_values? != n_entries {
            return Some(false);
        }
        Some(n_entries == 0 || batches.iter().all(|batch| self.is_beside_values(batch).unwrap_or(false)))
    }

    /// Has every row with a value in the column an entry with the same one?
    fn is_beside_values(&self, batch: &RecordBatch) -> Option<bool> {
        let column = batch.column_by_name(self.column)?;
        let column = Column::of(column).filter(|_| *column.data_type() == self.class.data_type())?;
        let maps = batch.column_by_name(self.map)?.as_map_opt()?;
        let (keys, values) = texts(maps).ok()?;
        // Rows resemble each other.
        let mut place = 0;
        let mut rows = (0..batch.num_rows()).filter(|&row| column.is_valid(row));
        Some(rows.all(|row| {
            let entry = find(keys, entries(maps, row), self.key, &mut place);
            entry.is_some_and(|entry| values.is_valid(entry) && column.is(row, values.value(entry)))
        }))
    }
}

/// An entry with this key, looked for where it was in the row before, which is left in `place`.
fn find(keys: &StringArray, entries: Range<usize>, key: &str, place: &mut usize) -> Option<usize> {
    let likely = entries.start + *place;
    if entries.contains(&likely) && keys.value(likely) == key {
        return Some(likely);
    }
    let found = entries.clone().find(|&entry| keys.value(entry) == key)?;
    *place = found - entries.start;
    Some(found)
}
