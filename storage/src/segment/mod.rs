//! Parquet segments: rows of one table, sorted, written once, never changed.
//!
//! `sort` decides the order of the rows, `layout` how each column is encoded, `words` which words of bodies are known and
//! `trace_ids` which traces, `write` makes a file durable with its `checksums`, `meta` is what the manifest keeps of it, through `checked` it is read
//! by queries, and `merge` makes one of many, which it reads through `read`. A file here means nothing until a manifest names it. `docs/formats/segments.md` holds the
//! layout.

mod checked;
mod checksums;
mod layout;
mod merge;
mod meta;
mod proof;
mod read;
mod sort;
mod trace_ids;
mod words;
mod write;

pub(crate) use checked::{CheckedSegments, Damage};
pub(crate) use checksums::file_bytes as checksums_file_bytes;
pub(crate) use merge::merge;
pub(crate) use meta::SegmentMeta;
pub(crate) use proof::prove;
pub(crate) use sort::{key_columns, time_column};
pub(crate) use trace_ids::{TRACE_ID_COLUMN, may_have_trace, trace_filter_block, trace_filter_range};
pub(crate) use words::{WORDS_COLUMN, word_filter_ranges};
pub(crate) use write::{SegmentSource, received_max, remove, write};

#[cfg(test)]
pub(crate) mod tests;
