//! Attribute maps and the columns that a segment keeps of their frequent keys.
//!
//! Everywhere but in a segment an attribute is an entry of a map: `attributes`, `resource` or `scope`. A
//! segment keeps each key that many of its rows have (`count`, `layout`) in columns of its own, with its
//! own type (`value`), and the rest of the map beside them (`split`), but for keys that a promoted column
//! tells (`told`). `whole` makes the map again, with the same entries in the same order. Which keys have
//! columns is each segment's own affair: readers go by the names of its columns and by its metadata.
//! `docs/formats/segments.md` holds the columns.

mod count;
mod layout;
mod shapes;
mod split;
mod told;
mod value;
mod whole;

#[cfg(test)]
mod tests;

pub(crate) use count::TableCounts;
pub(crate) use layout::{WideMap, WideTable, order_name, rest_name};
pub(crate) use split::split;
pub(crate) use told::Told;
pub(crate) use value::{Class, double, int, write_double};
pub(crate) use whole::{columns_for, map_of, some, types_of, whole};

/// The maps whose frequent keys get columns; every table of raw rows has them.
pub(crate) const MAPS: [&str; 3] = ["attributes", "resource", "scope"];
/// Lists whose items have attributes of their own, which stay where they are.
pub(crate) const LISTS: [&str; 2] = ["events", "links"];
