//! The identity of a metric stream as one number.
//!
//! 64-bit FNV-1a: stable over restarts, versions and machines, as it is stored and compared between
//! requests. Every part is hashed with its length before it, so that no two lists of parts run into
//! each other; attributes are hashed sorted by key, as their order does not matter.

use super::texts::Texts;
use super::value;
use crate::decode::Report;
use crate::decode::views::{KeyValue, KeyValues, Text};

/// Bytes of one value that count. This is part of the identity, whatever the limits of what is kept are.
const VALUE_BYTES_MAX: usize = 64 << 10;
const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// A hash in the making; copy it to branch.
#[derive(Debug, Clone, Copy)]
pub(super) struct SeriesHash(u64);

/// Room for the attributes of one stream after the other.
#[derive(Debug)]
pub(super) struct Scratch<'a> {
    sorted: Vec<KeyValue<'a>>,
    text: Texts,
}

impl Scratch<'_> {
    pub(super) fn new() -> Self {
        Self { sorted: Vec::new(), text: Texts::new() }
    }
}

impl SeriesHash {
    pub(super) fn new() -> Self {
        Self(OFFSET)
    }

    pub(super) fn number(self) -> u64 {
        self.0
    }

    #[must_use]
    pub(super) fn text(self, text: Text<'_>) -> Self {
        self.measured(text.as_bytes())
    }

    /// A part that may be absent; absent differs from every value.
    #[must_use]
    pub(super) fn flag(self, flag: Option<bool>) -> Self {
        self.bytes(&[flag.map_or(2, u8::from)])
    }

    /// Attributes as a set; of a repeated key the first counts, as it does in the map.
    #[must_use]
    pub(super) fn attributes<'a>(self, attributes: KeyValues<'a>, scratch: &mut Scratch<'a>) -> Self {
        let Scratch { sorted, text } = scratch;
        sorted.clear();
        sorted.extend(attributes);
        sorted.sort_by_key(|attribute| attribute.key.as_bytes()); // stable: the first of a repeated key stays first
        sorted.dedup_by_key(|attribute| attribute.key.as_bytes());
        let mut hash = self.bytes(&(sorted.len() as u64).to_le_bytes());
        for attribute in sorted {
            text.clear_open();
            // What is bounded here was counted with the map.
            let letter = value::write(attribute.value, VALUE_BYTES_MAX, text, &mut Report::default());
            hash = hash.text(attribute.key).bytes(&[letter as u8]).measured(text.open());
        }
        hash
    }

    fn measured(self, bytes: &[u8]) -> Self {
        self.bytes(&(bytes.len() as u64).to_le_bytes()).bytes(bytes)
    }

    fn bytes(self, bytes: &[u8]) -> Self {
        Self(bytes.iter().fold(self.0, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::views::List;
    use opentelemetry_proto::tonic::common::v1::any_value::Value;
    use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};

    fn pairs(pairs: &[(&str, &str)]) -> Vec<KeyValue> {
        let pair = |(key, text): &(&str, &str)| KeyValue {
            key: (*key).to_owned(),
            value: Some(AnyValue { value: Some(Value::StringValue((*text).to_owned())) }),
            ..KeyValue::default()
        };
        pairs.iter().map(pair).collect()
    }

    /// Scenario: the same attributes in another order, with a repeated key, and near misses.
    /// Guarantees: order and repeats do not make a new series; text cannot run from key into value.
    #[test]
    fn attributes_are_a_set() {
        let hash = |list: &[(&str, &str)]| {
            let pairs = pairs(list);
            SeriesHash::new().attributes(List::Messages(&pairs), &mut Scratch::new()).number()
        };
        let expected = hash(&[("a", "1"), ("b", "2")]);
        assert_eq!(hash(&[("b", "2"), ("a", "1")]), expected);
        assert_eq!(hash(&[("a", "1"), ("b", "2"), ("a", "9")]), expected);
        assert_ne!(hash(&[("a", "1b"), ("", "2")]), expected);
        assert_ne!(hash(&[("a", "1")]), expected);
    }

    /// Scenario: a known input.
    /// Guarantees: the hash is FNV-1a with length prefixes, on every machine and in every version.
    #[test]
    fn the_hash_is_stable() {
        assert_eq!(SeriesHash::new().bytes(b"foobar").number(), 0x8594_4171_f739_67e8);
        assert_eq!(SeriesHash::new().number(), OFFSET);
    }
}
