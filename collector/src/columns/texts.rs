//! Text columns under construction.
//!
//! Bytes are gathered as they come and found to be UTF-8 all at once at the end, which is far quicker than
//! text by text. What is the same in many rows is written once and repeated in blocks.

use crate::decode::views::Text;
use arrow::array::StringArray;
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer};
use arrow::error::ArrowError;
use std::fmt;
use std::ops::Range;

/// Texts one behind the other, the last of which may still be open.
#[derive(Debug)]
pub(super) struct Texts {
    bytes: Vec<u8>,
    /// Where each text begins, and the next one would.
    offsets: Vec<i32>,
}

impl Texts {
    pub(super) fn new() -> Self {
        Self::with_capacity(0, 0)
    }

    pub(super) fn with_capacity(n_texts: usize, n_bytes: usize) -> Self {
        let mut offsets = Vec::with_capacity(n_texts + 1);
        offsets.push(0);
        Self { bytes: Vec::with_capacity(n_bytes), offsets }
    }

    #[inline]
    pub(super) fn push(&mut self, text: Text<'_>) {
        self.put(text);
        self.end();
    }

    /// Adds to the open text.
    #[inline]
    pub(super) fn put(&mut self, text: Text<'_>) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    pub(super) fn put_str(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    pub(super) fn put_int(&mut self, int: i64) {
        self.put_str(itoa::Buffer::new().format(int));
    }

    /// Takes this end off the open text, if it has it.
    pub(super) fn strip(&mut self, end: &str) {
        if self.open().ends_with(end.as_bytes()) {
            self.bytes.truncate(self.bytes.len() - end.len());
        }
    }

    /// Ends the open text and opens the next.
    #[inline]
    pub(super) fn end(&mut self) {
        self.offsets.push(offset(self.bytes.len()));
    }

    /// Forgets the open text.
    pub(super) fn clear_open(&mut self) {
        self.bytes.truncate(self.bytes.len() - self.open().len());
    }

    /// What was written of the open text.
    pub(super) fn open(&self) -> &[u8] {
        self.bytes.get(self.start(self.len())..).unwrap_or_default()
    }

    /// Texts that were ended.
    pub(super) fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    pub(super) fn n_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Bytes of some of the texts.
    fn n_bytes_of(&self, texts: &Range<usize>) -> usize {
        self.start(texts.end) - self.start(texts.start)
    }

    fn start(&self, text: usize) -> usize {
        // Offsets are lengths.
        self.offsets[text] as usize
    }

    /// Adds the texts of another, in that range, `n` times over.
    pub(super) fn extend_repeated(&mut self, other: &Self, texts: Range<usize>, n: usize) {
        let block = &other.bytes[other.start(texts.start)..other.start(texts.end)];
        let start = self.bytes.len();
        repeat(&mut self.bytes, block, n);
        let first = other.offsets[texts.start];
        for round in 0..n {
            let base = start + round * block.len();
            let ends = other.offsets[texts.start + 1..=texts.end].iter();
            self.offsets.extend(ends.map(|end| offset(base + (end - first) as usize)));
        }
    }

    /// Each text as often as `times` says.
    pub(super) fn repeated(&self, times: &[usize]) -> Self {
        let n_bytes = times.iter().enumerate().map(|(text, n)| self.n_bytes_of(&(text..text + 1)) * n);
        let mut repeated = Self::with_capacity(times.iter().sum(), n_bytes.sum());
        for (text, n) in times.iter().enumerate() {
            repeated.extend_repeated(self, text..text + 1, *n);
        }
        repeated
    }

    /// The column; fails for bytes that are not text, and for more of them than a column can hold.
    pub(super) fn finish(self) -> Result<StringArray, ArrowError> {
        self.finish_with(None)
    }

    /// The column with nulls where `nulls` says so.
    pub(super) fn finish_with(self, nulls: Option<NullBuffer>) -> Result<StringArray, ArrowError> {
        if i32::try_from(self.bytes.len()).is_err() {
            return Err(ArrowError::OffsetOverflowError(self.bytes.len()));
        }
        let offsets = OffsetBuffer::new(self.offsets.into());
        StringArray::try_new(offsets, Buffer::from_vec(self.bytes), nulls)
    }
}

/// For what has to be formatted.
impl fmt::Write for Texts {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.put_str(text);
        Ok(())
    }
}

/// What does not fit makes `finish` fail.
fn offset(len: usize) -> i32 {
    i32::try_from(len).unwrap_or(i32::MAX)
}

/// Adds `n` times the block, by doubling what is there of it.
fn repeat(bytes: &mut Vec<u8>, block: &[u8], n: usize) {
    if n == 0 {
        return;
    }
    let start = bytes.len();
    bytes.reserve(block.len() * n);
    bytes.extend_from_slice(block);
    let mut n_there = 1;
    while n_there < n {
        let n_more = n_there.min(n - n_there);
        bytes.extend_from_within(start..start + n_more * block.len());
        n_there += n_more;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(list: &[String]) -> Texts {
        let mut texts = Texts::new();
        list.iter().for_each(|text| texts.push(Text::of(text)));
        texts
    }

    /// Scenario: a text written in parts, its end taken off again, one given up half-way.
    /// Guarantees: the column has what was ended, as it stood then.
    #[test]
    fn a_text_is_written_in_parts() {
        let mut texts = Texts::new();
        texts.put_int(i64::MIN);
        texts.put_str(".0");
        texts.strip(".0");
        texts.strip("x");
        texts.end();
        texts.put_str("never");
        texts.clear_open();
        texts.end();
        let column = texts.finish().unwrap();
        assert_eq!(column.iter().flatten().collect::<Vec<_>>(), ["-9223372036854775808", ""]);
    }

    /// Scenario: bytes that are no text, and a character cut in two by the end of a text.
    /// Guarantees: there is no such column.
    #[test]
    fn only_text_becomes_a_column() {
        let mut broken = Texts::new();
        broken.bytes.extend([b'a', 0xff]);
        broken.end();
        assert!(broken.finish().is_err());
        let mut split = Texts::new();
        for byte in "\u{e9}".bytes() {
            split.bytes.push(byte);
            split.end();
        }
        assert!(split.finish().is_err());
    }

    proptest! {
        /// Scenario: texts, each repeated some times, or not at all.
        /// Guarantees: the column has them as often, in their order.
        #[test]
        fn texts_are_repeated(list in prop::collection::vec((".{0,5}", 0..9usize), 0..6)) {
            let (list, times): (Vec<String>, Vec<usize>) = list.into_iter().unzip();
            let column = texts(&list).repeated(&times).finish().unwrap();
            let expected = list.iter().zip(&times).flat_map(|(text, n)| std::iter::repeat_n(text.as_str(), *n));
            prop_assert!(column.iter().flatten().eq(expected));
        }
    }
}
