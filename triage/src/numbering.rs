//! Dense numbers for keys, and orders by them.
//!
//! Both are what makes a million rows quick: keys are hashed without the cost of a hash that resists an
//! adversary, which numbers that the program gave itself can do without, and rows are put in order by counting.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};

/// Numbers keys in the order in which they first come.
#[derive(Debug)]
pub(crate) struct Numbering<K> {
    numbers: HashMap<K, u32, BuildHasherDefault<NumberHasher>>,
    keys: Vec<K>,
}

/// Rows by their number, in the order in which they came within each.
#[derive(Debug)]
pub(crate) struct Grouped<T> {
    rows: Vec<T>,
    /// The rows of number `i` are `rows[first[i]..first[i + 1]]`.
    first: Vec<u32>,
}

/// Multiplies and rotates. Only for keys made of numbers that the program gave out.
#[derive(Debug, Default)]
pub(crate) struct NumberHasher(u64);

impl<K: Copy + Eq + Hash> Numbering<K> {
    pub(crate) fn new() -> Self {
        Self { numbers: HashMap::default(), keys: Vec::new() }
    }

    pub(crate) fn number(&mut self, key: K) -> u32 {
        *self.numbers.entry(key).or_insert_with(|| {
            self.keys.push(key);
            self.keys.len() as u32 - 1
        })
    }

    /// Keys by their number.
    pub(crate) fn into_keys(self) -> Vec<K> {
        self.keys
    }
}

impl<T: Copy + Default> Grouped<T> {
    /// O(rows + numbers). All numbers are below `n_numbers`.
    pub(crate) fn new(rows: &[T], n_numbers: usize, number: impl Fn(&T) -> u32) -> Self {
        let mut first = vec![0_u32; n_numbers + 1];
        for row in rows {
            first[number(row) as usize + 1] += 1;
        }
        for at in 1..first.len() {
            first[at] += first[at - 1];
        }
        let mut next = first.clone();
        let mut placed = vec![T::default(); rows.len()];
        for row in rows {
            let slot = &mut next[number(row) as usize];
            placed[*slot as usize] = *row;
            *slot += 1;
        }
        Self { rows: placed, first }
    }

    pub(crate) fn of(&self, number: usize) -> &[T] {
        &self.rows[self.first[number] as usize..self.first[number + 1] as usize]
    }
}

impl Hasher for NumberHasher {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 29)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u8(&mut self, number: u8) {
        self.write_u64(u64::from(number));
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(23) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_isize(&mut self, number: isize) {
        self.write_u64(number as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::{Grouped, Numbering};
    use std::collections::HashSet;
    use std::hash::{BuildHasher, BuildHasherDefault};

    /// Scenario: keys come again.
    /// Guarantees: numbers are dense and follow the first coming.
    #[test]
    fn numbers_follow_the_first_coming() {
        let mut numbering = Numbering::new();
        assert_eq!([7, 9, 7, 3].map(|key| numbering.number(key)), [0, 1, 0, 2]);
        assert_eq!(numbering.into_keys(), [7, 9, 3]);
    }

    /// Scenario: rows of three numbers, one of them without any.
    /// Guarantees: rows lie together by number and keep their order.
    #[test]
    fn rows_keep_their_order_within_a_number() {
        let grouped = Grouped::new(&[(2, 'a'), (0, 'b'), (2, 'c')], 3, |row| row.0);
        let letters = |number| grouped.of(number).iter().map(|row| row.1).collect::<String>();
        assert_eq!([letters(0), letters(1), letters(2)], ["b", "", "ac"]);
    }

    /// Scenario: a million pairs of small numbers.
    /// Guarantees: they spread over the low bits of the hash, which tables go by.
    #[test]
    fn small_numbers_spread() {
        let hasher = BuildHasherDefault::<super::NumberHasher>::default();
        let pairs = (0..64_u32).flat_map(|a| (0..64_u32).map(move |b| (a, b)));
        let low: HashSet<u64> = pairs.map(|pair| hasher.hash_one(pair) & 0xfff).collect();
        assert!(low.len() > 2_000, "{} of 4096", low.len());
    }
}
