//! Attributes as a map of text beside the letters of their types, and back.
//!
//! Keys keep the sender's order. A repeated key keeps its first value; what exceeds the bounds is left
//! out or cut. Each of these is counted.

use super::value::{self, ATTRIBUTE_BYTES_MAX, shown_key};
use crate::decode::Report;
use crate::telemetry::Reason;
use arrow::array::{Array, ArrayRef, MapArray, StringArray, StringBuilder, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::Arc;
use storage::schema::attribute_map;

/// Attributes of one item that are kept; SDKs stop at 128 by default.
const ATTRIBUTES_MAX: usize = 1024;
/// Bytes of a key that are accepted: conventional ones have fewer than 60.
const KEY_BYTES_MAX: usize = 1024;
/// Up to here repeated keys are looked for pair by pair, which is faster than a set for the usual few.
const PAIRWISE_MAX: usize = 24;

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

/// Two columns under construction: the map and its types.
#[derive(Debug)]
pub(super) struct Attributes {
    keys: StringBuilder,
    values: StringBuilder,
    lengths: Vec<usize>,
    types: StringBuilder,
    n_dropped: Vec<u32>,
}

impl Attributes {
    pub(super) fn new() -> Self {
        Self {
            keys: StringBuilder::new(),
            values: StringBuilder::new(),
            lengths: Vec::new(),
            types: StringBuilder::new(),
            n_dropped: Vec::new(),
        }
    }

    /// Appends a row.
    pub(super) fn append(&mut self, attributes: &[KeyValue], report: &mut Report) {
        let mut seen = Seen::new(attributes);
        let mut n_kept = 0;
        let mut n_dropped = 0;
        for (place, attribute) in attributes.iter().enumerate() {
            if seen.is_repeated(attributes, place) {
                report
                    .add(Reason::DuplicateAttributeKey, 1, || format!("key '{}'", shown_key(&attribute.key)));
            } else if n_kept == ATTRIBUTES_MAX || !is_key_accepted(attribute, report) {
                n_dropped += 1;
            } else {
                self.append_entry(attribute, report);
                n_kept += 1;
            }
        }
        if n_kept == ATTRIBUTES_MAX && n_dropped > 0 {
            report.add(Reason::AttributeLimit, u64::from(n_dropped), || {
                format!("{} attributes, of which {ATTRIBUTES_MAX} are kept", attributes.len())
            });
        }
        self.lengths.push(n_kept);
        self.types.append_value("");
        self.n_dropped.push(n_dropped);
    }

    /// Attributes that were left out of each row, to be added to the count that was sent.
    pub(super) fn n_dropped(&self) -> &[u32] {
        &self.n_dropped
    }

    /// Bytes of text so far.
    pub(super) fn bytes(&self) -> usize {
        self.keys.values_slice().len() + self.values.values_slice().len()
    }

    /// The map and the types.
    pub(super) fn finish(mut self) -> Result<(ArrayRef, ArrayRef), ArrowError> {
        let DataType::Map(entry, is_sorted) = attribute_map() else {
            return Err(ArrowError::SchemaError("attribute map is not a map".to_owned()));
        };
        let DataType::Struct(fields) = entry.data_type().clone() else {
            return Err(ArrowError::SchemaError("attribute map has no entries".to_owned()));
        };
        let entries: Vec<ArrayRef> = vec![Arc::new(self.keys.finish()), Arc::new(self.values.finish())];
        let entries = StructArray::try_new(fields, entries, None)?;
        let offsets = OffsetBuffer::from_lengths(self.lengths);
        let map = MapArray::try_new(entry, offsets, entries, None, is_sorted)?;
        Ok((Arc::new(map), Arc::new(self.types.finish())))
    }

    fn append_entry(&mut self, attribute: &KeyValue, report: &mut Report) {
        // Writing into an Arrow builder cannot fail.
        let written = value::write(attribute.value.as_ref(), ATTRIBUTE_BYTES_MAX, &mut self.values, report);
        self.values.append_value("");
        self.keys.append_value(&attribute.key);
        let _ = self.types.write_char(written.unwrap_or('e'));
    }
}

fn is_key_accepted(attribute: &KeyValue, report: &mut Report) -> bool {
    if attribute.key_strindex != 0 && attribute.key.is_empty() {
        value::note_string_table(report);
        return false;
    }
    if attribute.key.len() > KEY_BYTES_MAX {
        report.add(Reason::AttributeKeyTooLong, 1, || {
            format!("a key of {} bytes was left out: '{}'", attribute.key.len(), shown_key(&attribute.key))
        });
        return false;
    }
    if attribute.key_strindex != 0 {
        value::note_string_table(report);
    }
    true
}

/// The keys before the one in hand.
enum Seen<'a> {
    Pairwise,
    Set(HashSet<&'a str>),
}

impl<'a> Seen<'a> {
    fn new(attributes: &[KeyValue]) -> Self {
        if attributes.len() <= PAIRWISE_MAX {
            return Self::Pairwise;
        }
        Self::Set(HashSet::with_capacity(attributes.len()))
    }

    fn is_repeated(&mut self, attributes: &'a [KeyValue], place: usize) -> bool {
        let key = attributes[place].key.as_str();
        match self {
            Self::Pairwise => attributes[..place].iter().any(|before| before.key == key),
            Self::Set(keys) => !keys.insert(key),
        }
    }
}
