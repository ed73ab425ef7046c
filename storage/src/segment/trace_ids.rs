//! Which traces a segment of spans has: a bloom filter of their ids inside the Parquet file.
//!
//! Ids are random, so the smallest and the largest of a segment say nothing of an id between them, and every
//! segment would be opened for every trace. A look-up reads one block of 32 bytes of the filter; a segment
//! that certainly lacks the trace is not opened. The filter stands behind the last row group, where readers of
//! Parquet do not look; the footer's metadata says where. `docs/formats/segments.md` holds the bytes.

use super::write::Cause;
use crate::columns::column;
use crate::ids::Table;
use arrow::array::{AsArray, RecordBatch};
use parquet::bloom_filter::Sbbf;
use parquet::file::metadata::{KeyValue, ParquetMetaData};
use std::ops::Range;
use twox_hash::XxHash64;

/// The column whose values are known.
pub(crate) const TRACE_ID_COLUMN: &str = "trace_id";
/// Key in the footer.
const KEY: &str = "firstfault.trace_ids";
/// First word of the value.
const VERSION: &str = "1";
/// Bytes of a filter while it is filled, and at most: 8 bits for each of as many traces as a segment has rows.
const FILTER_BYTES_MAX: usize = 4 << 20;
/// A filter is halved as long as it finds no more than this share of the traces that are not there.
const FALSE_SHARE_MAX: f64 = 0.01;
/// Bytes of the part of a filter that knows of one id.
const BLOCK_BYTES: u64 = 32;

/// The filter of the segment that is being written.
pub(super) struct TraceFilter {
    filter: Sbbf,
    /// The spans of a trace are neighbours, so that each id is hashed once.
    last: Vec<u8>,
}

impl TraceFilter {
    /// None for tables that are not sorted by trace.
    pub(super) fn of(table: Table) -> Option<Self> {
        let filter = || Sbbf::new_with_num_of_bytes(FILTER_BYTES_MAX);
        (table == Table::Spans).then(|| Self { filter: filter(), last: Vec::new() })
    }

    pub(super) fn add(&mut self, batch: &RecordBatch) {
        for id in column(batch, TRACE_ID_COLUMN).as_fixed_size_binary().iter().flatten() {
            if id != self.last {
                self.filter.insert(id);
                self.last.clear();
                self.last.extend_from_slice(id);
            }
        }
    }

    /// The filter's bytes, which will stand at this place of the file, and what the footer says of them.
    pub(super) fn finish(mut self, at: u64) -> Result<(Vec<u8>, KeyValue), Cause> {
        self.filter.fold_to_target_fpp(FALSE_SHARE_MAX);
        let mut bytes = Vec::new();
        self.filter.write_bitset(&mut bytes)?;
        let value = format!("{VERSION} {at}+{}", bytes.len());
        Ok((bytes, KeyValue::new(KEY.to_owned(), value)))
    }
}

/// Where the filter of a segment is; none where it has no filter that we know.
pub(crate) fn trace_filter_range(metadata: &ParquetMetaData) -> Option<Range<u64>> {
    let entries = metadata.file_metadata().key_value_metadata()?;
    let value = entries.iter().find(|entry| entry.key == KEY)?.value.as_ref()?;
    let (start, length) = value.strip_prefix(VERSION)?.trim_ascii().split_once('+')?;
    let (start, length) = (start.parse::<u64>().ok()?, length.parse::<u64>().ok()?);
    let is_whole = length > 0 && length.is_multiple_of(BLOCK_BYTES) && length <= FILTER_BYTES_MAX as u64;
    is_whole.then_some(start..start.checked_add(length)?)
}

/// The block of the filter at `range` that knows of this id.
pub(crate) fn trace_filter_block(range: &Range<u64>, id: &[u8]) -> Range<u64> {
    // As Parquet chooses the block of a split-block filter: the upper half of the hash, scaled.
    let n_blocks = (range.end - range.start) / BLOCK_BYTES;
    let block = ((XxHash64::oneshot(0, id) >> 32) * n_blocks) >> 32;
    let start = range.start + block * BLOCK_BYTES;
    start..start + BLOCK_BYTES
}

/// May the trace be among those that the block knows of?
pub(crate) fn may_have_trace(block: &[u8], id: &[u8]) -> bool {
    block.len() as u64 != BLOCK_BYTES || Sbbf::new(block).check(id)
}

#[cfg(test)]
mod tests;
