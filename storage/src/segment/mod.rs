//! Parquet segments: rows of one table, sorted, written once, never changed.
//!
//! `sort` decides the order of the rows, `layout` how each column is encoded, `write` makes a file
//! durable, `meta` is what the manifest keeps of it. A file here means nothing until a manifest
//! names it. `docs/formats/segments.md` holds the layout.

mod layout;
mod meta;
mod sort;
mod write;

pub(crate) use meta::SegmentMeta;
pub(crate) use write::{SegmentSource, received_max, remove, write};

#[cfg(test)]
pub(crate) mod tests;
