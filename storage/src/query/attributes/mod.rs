//! Attributes in queries: each look-up of a key reads the column that holds it, file by file.
//!
//! Statements see maps. On the way to a plan, look-ups of keys move down to the scan (`unions`, and
//! DataFusion's own rules), and conditions on them are handed to it as well (`filter`). When a file is
//! opened, the adapter (`query/adapter.rs`) puts that file's columns in the place of the look-ups, so that its statistics prune
//! and no other column is read; `functions` are what it puts there where one column is not enough. Rows in
//! memory have maps, and answer from them.

mod filter;
mod functions;
mod unions;

pub(super) use filter::predicate;
pub(super) use functions::{AttributeMap, AttributeTypes, AttributeValue};
pub(super) use unions::ProjectionsBelowUnions;
