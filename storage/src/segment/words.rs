//! Which words the bodies of a row group hold: a bloom filter for each, inside the segment of logs.
//!
//! Statistics of pages know the smallest and the largest body, which say nothing about a word within. A filter
//! says of a word that it is certainly not there. Filters stand between the row groups, where readers of
//! Parquet do not look; the footer's metadata says where. `docs/formats/segments.md` holds the bytes.

use super::write::Cause;
use crate::columns::column;
use crate::ids::Table;
use crate::words::{push_folded, words};
use arrow::array::{AsArray, RecordBatch};
use parquet::bloom_filter::Sbbf;
use parquet::file::metadata::{KeyValue, ParquetMetaData};
use std::fmt::Write as _;
use std::ops::Range;

/// The column whose words are known.
pub(crate) const WORDS_COLUMN: &str = "body";
/// Key in the footer.
const KEY: &str = "firstfault.body_words";
/// First word of the value.
const VERSION: &str = "1";
/// Bytes of a filter while it is filled, and at most: of 262,144 records with two words each that no other
/// record has, it finds 3 % where they are not.
const FILTER_BYTES_MAX: usize = 512 << 10;
/// A filter is halved as long as it finds no more than this share of the words that are not there.
const FALSE_SHARE_MAX: f64 = 0.01;

/// The filter of the row group that is being written, and where those before it are.
pub(super) struct WordFilters {
    filter: Sbbf,
    ranges: Vec<Range<u64>>,
    word: String,
}

impl WordFilters {
    /// None for tables without a body.
    pub(super) fn of(table: Table) -> Option<Self> {
        (table == Table::Logs).then(|| Self { filter: empty(), ranges: Vec::new(), word: String::new() })
    }

    pub(super) fn add(&mut self, batch: &RecordBatch) {
        for body in column(batch, WORDS_COLUMN).as_string::<i32>().iter().flatten() {
            for word in words(body) {
                self.word.clear();
                push_folded(&mut self.word, word);
                self.filter.insert(self.word.as_str());
            }
        }
    }

    pub(super) fn n_done(&self) -> usize {
        self.ranges.len()
    }

    /// The bytes of the row group's filter, which will stand at this place of the file; the next one begins.
    pub(super) fn cut(&mut self, at: u64) -> Result<Vec<u8>, Cause> {
        let mut filter = std::mem::replace(&mut self.filter, empty());
        filter.fold_to_target_fpp(FALSE_SHARE_MAX);
        let mut bytes = Vec::new();
        filter.write(&mut bytes)?;
        self.ranges.push(at..at + bytes.len() as u64);
        Ok(bytes)
    }

    /// What the footer says.
    pub(super) fn entry(&self) -> KeyValue {
        let mut value = VERSION.to_owned();
        for range in &self.ranges {
            write!(value, " {}+{}", range.start, range.end - range.start).expect("a string takes all");
        }
        KeyValue::new(KEY.to_owned(), value)
    }
}

fn empty() -> Sbbf {
    Sbbf::new_with_num_of_bytes(FILTER_BYTES_MAX)
}

/// Where the filters of a segment are, one for each row group; none where it has no filters that we know.
pub(crate) fn word_filter_ranges(metadata: &ParquetMetaData) -> Option<Vec<Range<u64>>> {
    let entries = metadata.file_metadata().key_value_metadata()?;
    let value = entries.iter().find(|entry| entry.key == KEY)?.value.as_ref()?;
    let ranges = value.strip_prefix(VERSION)?.split_ascii_whitespace().map(range);
    let ranges = ranges.collect::<Option<Vec<_>>>()?;
    (ranges.len() == metadata.num_row_groups()).then_some(ranges)
}

fn range(text: &str) -> Option<Range<u64>> {
    let (start, length) = text.split_once('+')?;
    let (start, length) = (start.parse::<u64>().ok()?, length.parse::<u64>().ok()?);
    (length <= 2 * FILTER_BYTES_MAX as u64).then_some(start..start.checked_add(length)?)
}

#[cfg(test)]
mod tests;
