//! How many rows have which keys: what decides which keys get columns, and which a segment lacks.
//!
//! Rows resemble each other, so they are counted by shape, which is the keys of a row with their types;
//! only numbers are looked at one by one. The counts stay in the segment, so that a merge need not count
//! again and a query can tell that no row has a key.

use super::shapes::{Shape, Shapes, entries};
use super::value::{Class, class_of};
use super::{LISTS, MAPS};
use arrow::array::{Array, AsArray, ListArray, MapArray, RecordBatch, StringArray};
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

/// Keys of one map that are counted; the least frequent of more are left out.
const KEYS_MAX: usize = 256;
/// Bytes of all keys that are counted: footers are kept in memory.
const KEY_BYTES_MAX: usize = 16 << 10;
/// Rows of a shape whose values are measured.
const ROWS_MEASURED: u64 = 32;
/// Where a file's metadata has the counts of a column.
const METADATA_PREFIX: &str = "firstfault.keys.";

/// The counts of a table's maps, and those of its lists' items, by column.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TableCounts {
    columns: BTreeMap<String, KeyCounts>,
}

/// The keys of one map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyCounts {
    keys: BTreeMap<String, KeyCount>,
    /// No row has any other key.
    is_complete: bool,
}

/// Rows that have a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct KeyCount {
    pub(super) n: u64,
    pub(super) n_ints: u64,
    pub(super) n_doubles: u64,
    /// Of text, about.
    pub(super) n_bytes: u64,
}

impl TableCounts {
    /// Of rows as they are in memory.
    pub(crate) fn of<'a>(batches: impl Iterator<Item = &'a RecordBatch> + Clone) -> Self {
        let mut columns = BTreeMap::new();
        for name in MAPS.into_iter().chain(LISTS) {
            let mut counting = Counting::default();
            let is_there = batches.clone().filter(|batch| add_column(&mut counting, batch, name)).count() > 0;
            if is_there {
                columns.insert(name.to_owned(), counting.counts());
            }
        }
        Self { columns }
    }

    /// Of a file, as far as its metadata has them.
    pub(crate) fn read(metadata: &HashMap<String, String>) -> Self {
        let of_column = |(name, text): (&String, &String)| {
            let column = name.strip_prefix(METADATA_PREFIX)?;
            Some((column.to_owned(), KeyCounts::decode(text)?))
        };
        Self { columns: metadata.iter().filter_map(of_column).collect() }
    }

    pub(crate) fn write(&self) -> HashMap<String, String> {
        let text = |(name, counts): (&String, &KeyCounts)| {
            Some((format!("{METADATA_PREFIX}{name}"), counts.encode()?))
        };
        self.columns.iter().filter_map(text).collect()
    }

    /// Counts of one column; none are known of files that older programs wrote.
    pub(crate) fn column(&self, name: &str) -> Option<&KeyCounts> {
        self.columns.get(name)
    }

    /// Has it the counts of every map?
    pub(crate) fn has_maps(&self) -> bool {
        MAPS.iter().all(|map| self.columns.contains_key(*map))
    }

    /// Of all rows of all parts. A column that one part does not know is not known.
    pub(crate) fn sum(parts: &[Self]) -> Self {
        let Some((first, others)) = parts.split_first() else { return Self::default() };
        let sum = |(name, counts): (&String, &KeyCounts)| {
            let others: Option<Vec<&KeyCounts>> = others.iter().map(|part| part.column(name)).collect();
            Some((name.clone(), others?.into_iter().fold(counts.clone(), KeyCounts::plus).bounded()))
        };
        Self { columns: first.columns.iter().filter_map(sum).collect() }
    }
}

impl KeyCounts {
    /// Is it certain that no row has this key?
    pub(crate) fn lacks(&self, key: &str) -> bool {
        self.is_complete && !self.keys.contains_key(key)
    }

    /// Is it certain that a row has this key?
    pub(super) fn has(&self, key: &str) -> bool {
        self.keys.contains_key(key)
    }

    /// Entries with this key in all rows, if that is known.
    pub(super) fn n_entries(&self, key: &str) -> Option<u64> {
        self.keys.get(key).map(|count| count.n).or_else(|| self.is_complete.then_some(0))
    }

    pub(super) fn is_complete(&self) -> bool {
        self.is_complete
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, KeyCount)> {
        self.keys.iter().map(|(key, count)| (key.as_str(), *count))
    }

    fn plus(mut self, other: &Self) -> Self {
        for (key, count) in &other.keys {
            self.keys.entry(key.clone()).or_default().add(*count);
        }
        self.is_complete &= other.is_complete;
        self
    }

    /// The most frequent keys, if there are more than may be kept.
    fn bounded(mut self) -> Self {
        let mut by_count: Vec<(u64, String)> =
            self.keys.iter().map(|(key, count)| (count.n, key.clone())).collect();
        by_count.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        let mut n_bytes = 0;
        for (idx, (_, key)) in by_count.iter().enumerate() {
            n_bytes += key.len();
            if idx >= KEYS_MAX || n_bytes > KEY_BYTES_MAX {
                self.keys.remove(key);
                self.is_complete = false;
            }
        }
        self
    }

    fn encode(&self) -> Option<String> {
        let numbers = |count: &KeyCount| [count.n, count.n_ints, count.n_doubles, count.n_bytes];
        let keys: BTreeMap<&str, [u64; 4]> =
            self.keys.iter().map(|(key, count)| (key.as_str(), numbers(count))).collect();
        serde_json::to_string(&(self.is_complete, keys)).ok()
    }

    fn decode(text: &str) -> Option<Self> {
        let (is_complete, keys): (bool, BTreeMap<String, [u64; 4]>) = serde_json::from_str(text).ok()?;
        let count = |[n, n_ints, n_doubles, n_bytes]: [u64; 4]| KeyCount { n, n_ints, n_doubles, n_bytes };
        Some(Self {
            keys: keys.into_iter().map(|(key, numbers)| (key, count(numbers))).collect(),
            is_complete,
        })
    }
}

impl KeyCount {
    fn add(&mut self, other: Self) {
        self.n += other.n;
        self.n_ints += other.n_ints;
        self.n_doubles += other.n_doubles;
        self.n_bytes += other.n_bytes;
    }
}

/// Adds a column's rows. False if there is no such column.
fn add_column<'a>(counting: &mut Counting<'a>, batch: &'a RecordBatch, name: &str) -> bool {
    let Some(column) = batch.column_by_name(name) else { return false };
    let types_of = |batch: &'a RecordBatch| batch.column_by_name(&format!("{name}_types"));
    if let (Some(maps), Some(types)) = (column.as_map_opt(), types_of(batch)) {
        counting.add(maps, types.as_string_opt());
    } else if let Some(lists) = column.as_list_opt::<i32>() {
        add_items(counting, lists);
    }
    true
}

fn add_items<'a>(counting: &mut Counting<'a>, lists: &'a ListArray) {
    let Some(items) = lists.values().as_struct_opt() else { return };
    if let Some(maps) = items.column_by_name("attributes").and_then(|column| column.as_map_opt()) {
        counting.add(maps, None);
    }
}

/// Rows by shape.
#[derive(Default)]
struct Counting<'a> {
    shapes: Shapes<'a>,
    counts: Vec<ShapeCount<'a>>,
}

struct ShapeCount<'a> {
    n: u64,
    keys: Vec<(&'a str, KeyCount)>,
}

impl<'a> Counting<'a> {
    fn add(&mut self, maps: &'a MapArray, types: Option<&'a StringArray>) {
        let (Some(keys), Some(values)) = (maps.keys().as_string_opt::<i32>(), maps.values().as_string_opt())
        else {
            return;
        };
        for row in 0..maps.len() {
            let letters = types.map_or(&[][..], |types| types.value(row).as_bytes());
            self.add_row(keys, values, entries(maps, row), letters);
        }
    }

    fn add_row(
        &mut self,
        keys: &'a StringArray,
        values: &'a StringArray,
        entries: Range<usize>,
        types: &'a [u8],
    ) {
        let place = self.shapes.place(Shape::of(keys, &entries, types));
        if place == self.counts.len() {
            let keys = entries.clone().map(|entry| (keys.value(entry), KeyCount::default()));
            self.counts.push(ShapeCount { n: 0, keys: keys.collect() });
        }
        let shape = &mut self.counts[place];
        shape.n += 1;
        let is_measured = shape.n <= ROWS_MEASURED;
        for (idx, entry) in entries.enumerate() {
            let letter = types.get(idx).copied();
            let is_number = matches!(letter, Some(b'i' | b'd'));
            if !is_number && !is_measured {
                continue;
            }
            let text = if values.is_valid(entry) { values.value(entry) } else { "" };
            let count = &mut shape.keys[idx].1;
            count.n_bytes += if is_measured { text.len() as u64 } else { 0 };
            match class_of(letter, text) {
                Class::Int => count.n_ints += 1,
                Class::Double => count.n_doubles += 1,
                Class::Text => {}
            }
        }
    }

    fn counts(self) -> KeyCounts {
        let mut keys: HashMap<&str, KeyCount> = HashMap::new();
        for shape in self.counts {
            let n_measured = shape.n.min(ROWS_MEASURED);
            for (key, count) in shape.keys {
                let n_bytes = count.n_bytes * shape.n / n_measured;
                keys.entry(key).or_default().add(KeyCount { n: shape.n, n_bytes, ..count });
            }
        }
        let keys = keys.into_iter().map(|(key, count)| (key.to_owned(), count)).collect();
        KeyCounts { keys, is_complete: true }.bounded()
    }
}
