//! Attributes as a map of text beside the letters of their types, and back.
//!
//! Keys keep the sender's order. A repeated key keeps its first value; what exceeds the bounds is left
//! out or cut. Each of these is counted.

use super::limits::Limits;
use super::texts::Texts;
use super::value::{self, shown_key};
use crate::decode::Report;
use crate::decode::views::{KeyValue, KeyValues};
use crate::telemetry::Reason;
use arrow::array::{Array, ArrayRef, MapArray, StringArray, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;
use storage::schema::attribute_map;

/// Bytes of a key that are accepted: conventional ones have fewer than 60.
const KEY_BYTES_MAX: usize = 1024;
/// Up to here repeated keys are looked for pair by pair, which is faster than a set for the usual few.
const FEW_MAX: usize = 24;

/// The entries of a row of an attribute map with the letters of their types: key, letter, text.
pub(crate) fn read<'a>(
    map: &'a MapArray,
    row: usize,
    types: &'a str,
) -> impl Iterator<Item = (&'a str, char, &'a str)> {
    let strings = |array: &'a ArrayRef| array.as_any().downcast_ref::<StringArray>();
    let columns = strings(map.keys()).zip(strings(map.values()));
    let range = if map.is_null(row) { 0..0 } else { offset(map, row)..offset(map, row + 1) };
    let mut letters = types.chars();
    columns
        .into_iter()
        .flat_map(move |(keys, values)| range.clone().map(move |i| (keys.value(i), values.value(i))))
        .map(move |(key, text)| (key, letters.next().unwrap_or('s'), text))
}

fn offset(map: &MapArray, row: usize) -> usize {
    // Offsets of an Arrow array are never negative.
    map.value_offsets()[row] as usize
}

/// What an entry takes beside its texts.
const ENTRY_BYTES: usize = 2 * size_of::<i32>() + 1;

/// Two columns under construction: the map and its types.
#[derive(Debug)]
pub(super) struct Attributes<'a> {
    limits: Limits,
    keys: Texts,
    values: Texts,
    /// Where the entries of each row begin, and those of the next would.
    offsets: Vec<i32>,
    /// Letters of the entries.
    types: Texts,
    n_dropped: Vec<u32>,
    seen: Seen<'a>,
}

impl<'a> Attributes<'a> {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            keys: Texts::new(),
            values: Texts::new(),
            offsets: vec![0],
            types: Texts::new(),
            n_dropped: Vec::new(),
            seen: Seen::default(),
        }
    }

    /// Appends a row.
    pub(super) fn append(&mut self, attributes: KeyValues<'a>, report: &mut Report) {
        self.append_each(attributes, report, |_| {});
    }

    /// Appends a row, and shows each attribute that is no repetition, whether or not it is kept.
    pub(super) fn append_each(
        &mut self,
        attributes: KeyValues<'a>,
        report: &mut Report,
        mut show: impl FnMut(&KeyValue<'a>),
    ) {
        self.seen.clear();
        let attributes_max = self.limits.attributes_max;
        let (mut n_kept, mut n_dropped) = (0, 0u32);
        for attribute in attributes {
            if self.seen.is_repeated(attribute.key.as_bytes()) {
                report
                    .add(Reason::DuplicateAttributeKey, 1, || format!("key '{}'", shown_key(attribute.key)));
                continue;
            }
            show(&attribute);
            if n_kept == attributes_max || !is_key_accepted(&attribute, report) {
                n_dropped += 1;
            } else {
                self.append_entry(&attribute, report);
                n_kept += 1;
            }
        }
        if n_kept == attributes_max && n_dropped > 0 {
            report.add(Reason::AttributeLimit, u64::from(n_dropped), || {
                format!("{} attributes, of which {attributes_max} are kept", attributes.len())
            });
        }
        self.offsets.push(entry_offset(self.keys.len()));
        self.types.end();
        self.n_dropped.push(n_dropped);
    }

    /// Attributes that were left out of each row, to be added to the count that was sent.
    pub(super) fn n_dropped(&self) -> &[u32] {
        &self.n_dropped
    }

    /// Bytes so far: text, and for each entry two offsets and the letter of its type.
    pub(super) fn n_bytes(&self) -> usize {
        self.keys.n_bytes() + self.values.n_bytes() + ENTRY_BYTES * self.keys.len()
    }

    /// The map and the types.
    pub(super) fn finish(self) -> Result<(ArrayRef, ArrayRef), ArrowError> {
        let types = self.types.finish()?;
        Ok((map(self.keys, self.values, self.offsets)?, Arc::new(types)))
    }

    /// The map and the types with each row as often as `times` says.
    pub(super) fn finish_repeated(self, times: &[usize]) -> Result<(ArrayRef, ArrayRef), ArrowError> {
        let (mut keys, mut values, mut offsets) = (Texts::new(), Texts::new(), vec![0]);
        for (row, n) in times.iter().enumerate() {
            let entries = self.entries(row);
            let (start, n_entries) = (keys.len(), entries.len());
            keys.extend_repeated(&self.keys, entries.clone(), *n);
            values.extend_repeated(&self.values, entries, *n);
            offsets.extend((1..=*n).map(|round| entry_offset(start + round * n_entries)));
        }
        let types = self.types.repeated(times).finish()?;
        Ok((map(keys, values, offsets)?, Arc::new(types)))
    }

    /// Places of a row's keys and values.
    fn entries(&self, row: usize) -> Range<usize> {
        // Offsets are counts.
        self.offsets[row] as usize..self.offsets[row + 1] as usize
    }

    #[inline]
    fn append_entry(&mut self, attribute: &KeyValue<'a>, report: &mut Report) {
        let bytes_max = self.limits.attribute_bytes_max;
        let letter = value::write(attribute.value, bytes_max, &mut self.values, report);
        self.values.end();
        self.keys.push(attribute.key);
        self.types.put_str(letter.encode_utf8(&mut [0; 4]));
    }
}

/// Entries are fewer than the bytes of their keys and types, which are counted before.
fn entry_offset(n_entries: usize) -> i32 {
    i32::try_from(n_entries).unwrap_or(i32::MAX)
}

fn map(keys: Texts, values: Texts, offsets: Vec<i32>) -> Result<ArrayRef, ArrowError> {
    let DataType::Map(entry, is_sorted) = attribute_map() else {
        return Err(ArrowError::SchemaError("attribute map is not a map".to_owned()));
    };
    let DataType::Struct(fields) = entry.data_type().clone() else {
        return Err(ArrowError::SchemaError("attribute map has no entries".to_owned()));
    };
    let entries: Vec<ArrayRef> = vec![Arc::new(keys.finish()?), Arc::new(values.finish()?)];
    let entries = StructArray::try_new(fields, entries, None)?;
    let offsets = OffsetBuffer::new(offsets.into());
    Ok(Arc::new(MapArray::try_new(entry, offsets, entries, None, is_sorted)?))
}

fn is_key_accepted(attribute: &KeyValue<'_>, report: &mut Report) -> bool {
    let KeyValue { key, key_strindex, .. } = *attribute;
    if key_strindex != 0 && key.is_empty() {
        value::note_string_table(report);
        return false;
    }
    if key.len() > KEY_BYTES_MAX {
        report.add(Reason::AttributeKeyTooLong, 1, || {
            format!("a key of {} bytes was left out: '{}'", key.len(), shown_key(key))
        });
        return false;
    }
    if key_strindex != 0 {
        value::note_string_table(report);
    }
    true
}

/// The keys before the one in hand: a few are compared one by one, many go into a set.
#[derive(Debug, Default)]
struct Seen<'a> {
    few: Vec<&'a [u8]>,
    many: HashSet<&'a [u8]>,
    /// One of 64 bits for each key: if that of a key is not set, the key was not there.
    marks: u64,
}

impl<'a> Seen<'a> {
    /// Forgets all keys and keeps the room for the next ones.
    fn clear(&mut self) {
        self.few.clear();
        self.many.clear();
        self.marks = 0;
    }

    /// Was the key there before? From now on it was.
    #[inline]
    fn is_repeated(&mut self, key: &'a [u8]) -> bool {
        let mark = mark(key);
        let may_be_there = self.marks & mark != 0;
        self.marks |= mark;
        if !self.many.is_empty() {
            return !self.many.insert(key);
        }
        if may_be_there && self.few.contains(&key) {
            return true;
        }
        self.few.push(key);
        if self.few.len() > FEW_MAX {
            self.many.extend(self.few.drain(..));
        }
        false
    }
}

/// Conventional keys differ in their length, their end and their middle.
#[inline]
fn mark(key: &[u8]) -> u64 {
    let byte = |place: usize| key.get(place).map_or(0, |byte| u32::from(*byte));
    let mixed = byte(key.len() / 2) * 31 + byte(key.len().saturating_sub(1)) * 7 + key.len() as u32;
    1 << (mixed & 63)
}
