//! Rows with the same keys, told apart quickly: what holds for one of them is found out once.

use arrow::array::{MapArray, StringArray};
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::ops::Range;

/// Shapes looked at before all others: rows of a few operations take turns.
const RECENT_MAX: usize = 16;

/// Numbers the shapes in the order they first come.
#[derive(Default)]
pub(super) struct Shapes<'a> {
    shapes: Vec<Shape<'a>>,
    places: HashMap<Shape<'a>, usize>,
    /// The last one first.
    recent: Vec<usize>,
}

/// The keys of a row in a line, where each of them ends, and the letters of their types.
#[derive(Clone, Copy)]
pub(super) struct Shape<'a> {
    keys: &'a [u8],
    offsets: &'a [i32],
    types: &'a [u8],
}

impl<'a> Shapes<'a> {
    /// The number of a shape; that of a new one is the number of shapes before.
    pub(super) fn place(&mut self, shape: Shape<'a>) -> usize {
        if let Some(idx) = self.recent.iter().position(|&place| self.shapes[place] == shape) {
            self.recent[..=idx].rotate_right(1);
            return self.recent[0];
        }
        let next = self.shapes.len();
        let place = *self.places.entry(shape).or_insert(next);
        if place == next {
            self.shapes.push(shape);
        }
        self.recent.truncate(RECENT_MAX - 1);
        self.recent.insert(0, place);
        place
    }
}

impl<'a> Shape<'a> {
    /// The shape of a row with these entries.
    pub(super) fn of(keys: &'a StringArray, entries: &Range<usize>, types: &'a [u8]) -> Self {
        let offsets = &keys.value_offsets()[entries.start..=entries.end];
        let bytes = &keys.value_data()[offsets[0] as usize..offsets[offsets.len() - 1] as usize];
        Self { keys: bytes, offsets, types }
    }
}

impl PartialEq for Shape<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.keys == other.keys
            && self.types == other.types
            && self.offsets.len() == other.offsets.len()
            && self
                .offsets
                .iter()
                .zip(other.offsets)
                .all(|(a, b)| a - self.offsets[0] == b - other.offsets[0])
    }
}

impl Eq for Shape<'_> {}

impl Hash for Shape<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.keys, self.types, self.offsets.len()).hash(state);
    }
}

/// Where the entries of a row are.
pub(super) fn entries(maps: &MapArray, row: usize) -> Range<usize> {
    let offsets = maps.value_offsets();
    // Offsets of an Arrow array are never negative.
    offsets[row] as usize..offsets[row + 1] as usize
}
