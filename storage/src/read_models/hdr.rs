//! Histograms of durations: HDR with two significant digits from 1 us to 1 h.
//!
//! One geometry for everything that is stored, so that any two histograms merge without bias: that of the library
//! `hdrhistogram`, in which a dense histogram counts ([`DurationHistogram`]). A duration is counted in units of 512 ns;
//! a slot holds all whose leading eight bits are the same. Sparse on disk and in the hot read model
//! ([`SparseHistogram`]), whose few slots are found by the same arithmetic without 27 KB of counters; a test holds the
//! two against each other. `docs/formats/read-models.md` holds the bytes.

use crate::error::Error;
use hdrhistogram::Histogram;

/// Durations below are one and the same to the histogram.
const DURATION_NS_MIN: u64 = 1_000;
/// Longer durations count as this long (1 h).
pub(crate) const DURATION_NS_MAX: u64 = 3_600_000_000_000;
/// Two digits: a value read back is within 1 % of the value recorded.
const SIGNIFICANT_DIGITS: u8 = 2;
/// First byte of the encoding.
const ENCODING_VERSION: u8 = 1;
/// The narrowest slots are 512 ns wide, the largest power of two below [`DURATION_NS_MIN`].
const SLOT_SHIFT: u32 = 9;
/// What all slots are multiples of.
pub(crate) const SLOT_NS: i64 = 1 << SLOT_SHIFT;
/// Leading bits that tell slots apart: as many as two digits need.
const PRECISION_BITS: u32 = 8;
/// Slots of one width, but for the narrowest, of which there are twice as many.
const SLOTS_OF_WIDTH: usize = 1 << (PRECISION_BITS - 1);
/// Counters of a dense histogram: of all slots of every width up to that of the longest duration.
const N_COUNTERS: usize = (width_bits(DURATION_NS_MAX >> SLOT_SHIFT) as usize + 2) * SLOTS_OF_WIDTH;

/// A dense histogram: merges encoded ones and answers quantiles.
#[derive(Debug, Clone)]
pub(crate) struct DurationHistogram {
    counts: Histogram<u64>,
    /// Slots before this one, and from `end` on, are empty: most histograms use a tenth, and looking through all of
    /// them would cost more than all else that is done with a few rows.
    first: usize,
    end: usize,
}

/// The slots in use and how often, in ascending order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SparseHistogram {
    counts: Vec<(u64, u64)>,
}

impl Default for DurationHistogram {
    fn default() -> Self {
        Self { counts: empty_histogram(), first: usize::MAX, end: 0 }
    }
}

impl DurationHistogram {
    /// Memory that one takes, on the heap and itself.
    pub(crate) const N_BYTES: usize = N_COUNTERS * size_of::<u64>() + size_of::<Self>();

    pub(crate) fn record(&mut self, duration_ns: i64) {
        self.add_at(clamp(duration_ns) >> SLOT_SHIFT, 1);
    }

    /// Adds the histogram of a `duration_hdr` cell.
    pub(crate) fn add_encoded(&mut self, encoded: &[u8]) -> Result<(), Error> {
        decode(encoded, |slot, n| self.add_at(slot, n))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.end == 0
    }

    pub(crate) fn clear(&mut self) {
        if self.end > 0 {
            self.counts.reset();
        }
        (self.first, self.end) = (usize::MAX, 0);
    }

    /// The duration below which this share of all lies (0 to 1); none without any.
    pub(crate) fn quantile_ns(&self, quantile: f64) -> Option<i64> {
        let [found] = self.quantiles_ns([quantile]);
        found
    }

    /// Several quantiles, in ascending order, in one pass over what is in use. Sums saturate: counts may come from
    /// outside.
    pub(crate) fn quantiles_ns<const N: usize>(&self, quantiles: [f64; N]) -> [Option<i64>; N] {
        let mut found = [None; N];
        let (n, mut slots) = (self.counts.len(), self.slots());
        let Some((mut slot, mut n_until)) = slots.next() else { return found };
        for (quantile, found) in quantiles.into_iter().zip(&mut found) {
            let wanted = (quantile.clamp(0.0, 1.0) * n as f64).ceil() as u64;
            while n_until < wanted.max(1)
                && let Some((next, n_next)) = slots.next()
            {
                slot = next;
                n_until = n_until.saturating_add(n_next);
            }
            *found = i64::try_from(self.counts.median_equivalent(slot << SLOT_SHIFT)).ok();
        }
        found
    }

    /// The bytes of a `duration_hdr` cell.
    pub(crate) fn encode(&self) -> Vec<u8> {
        encode(self.slots().filter(|(_, n)| *n > 0))
    }

    /// Durations at or below the threshold; those in the threshold's own slot (within 1 %) count.
    pub(crate) fn n_at_most(&self, threshold_ns: i64) -> u64 {
        if threshold_ns < 0 || self.end == 0 {
            return 0;
        }
        let (from_ns, until_ns) = (slot_at(self.first) << SLOT_SHIFT, clamp(threshold_ns));
        if until_ns < from_ns { 0 } else { self.counts.count_between(from_ns, until_ns) }
    }

    /// Slots by their numbers from the first to the last that is in use, and how many are in each, perhaps none.
    fn slots(&self) -> impl Iterator<Item = (u64, u64)> {
        (self.first..self.end).map(|idx| {
            let slot = slot_at(idx);
            (slot, self.counts.count_at(slot << SLOT_SHIFT))
        })
    }

    /// Counts in the slot of a number.
    fn add_at(&mut self, number: u64, n: u64) {
        if n == 0 {
            return;
        }
        self.counts.saturating_record_n(number << SLOT_SHIFT, n);
        let idx = idx_of(number);
        (self.first, self.end) = (self.first.min(idx), self.end.max(idx + 1));
    }
}

impl From<&SparseHistogram> for DurationHistogram {
    fn from(sparse: &SparseHistogram) -> Self {
        let mut dense = Self::default();
        sparse.counts.iter().for_each(|&(slot, n)| dense.add_at(slot, n));
        dense
    }
}

impl SparseHistogram {
    /// Adds the histogram of a `duration_hdr` cell.
    pub(crate) fn add_encoded(&mut self, encoded: &[u8]) -> Result<(), Error> {
        let mut from = 0;
        decode(encoded, |slot, n| from = self.record_slot(from, lowest(slot), n))
    }

    /// As those of a dense one.
    pub(crate) fn quantiles_ns<const N: usize>(&self, quantiles: [f64; N]) -> [Option<i64>; N] {
        let mut found = [None; N];
        let n = self.counts.iter().fold(0, |n: u64, (_, n_of_slot)| n.saturating_add(*n_of_slot));
        let mut slots = self.counts.iter().filter(|(_, n_of_slot)| *n_of_slot > 0);
        let Some(&(mut slot, mut n_until)) = slots.next() else { return found };
        for (quantile, found) in quantiles.into_iter().zip(&mut found) {
            let wanted = (quantile.clamp(0.0, 1.0) * n as f64).ceil() as u64;
            while n_until < wanted.max(1)
                && let Some(&(next, n_of_slot)) = slots.next()
            {
                slot = next;
                n_until = n_until.saturating_add(n_of_slot);
            }
            *found = i64::try_from(middle_ns(slot)).ok();
        }
        found
    }

    /// Slots in use.
    pub(crate) fn n_slots(&self) -> usize {
        self.counts.len()
    }

    pub(crate) fn record(&mut self, duration_ns: i64) {
        self.record_slot(0, lowest(clamp(duration_ns) >> SLOT_SHIFT), 1);
    }

    /// Takes back what was recorded; nothing where it was not.
    pub(crate) fn forget(&mut self, duration_ns: i64) {
        let slot = lowest(clamp(duration_ns) >> SLOT_SHIFT);
        if let Ok(idx) = self.counts.binary_search_by_key(&slot, |&(slot, _)| slot) {
            self.counts[idx].1 -= 1;
            if self.counts[idx].1 == 0 {
                self.counts.remove(idx);
            }
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        let mut from = 0;
        for &(slot, n) in &other.counts {
            from = self.record_slot(from, slot, n);
        }
    }

    /// The bytes of a `duration_hdr` cell.
    pub(crate) fn encode(&self) -> Vec<u8> {
        encode(self.counts.iter().copied())
    }

    /// Memory held, for the hot tables' accounts.
    pub(crate) fn n_bytes(&self) -> usize {
        self.counts.capacity() * size_of::<(u64, u64)>()
    }

    /// Looks for the slot from that place on. Returns its place.
    fn record_slot(&mut self, from: usize, slot: u64, n: u64) -> usize {
        match self.counts[from..].binary_search_by_key(&slot, |&(slot, _)| slot) {
            Ok(offset) => {
                let count = &mut self.counts[from + offset].1;
                *count = count.saturating_add(n);
                from + offset
            }
            Err(offset) => {
                self.counts.insert(from + offset, (slot, n));
                from + offset
            }
        }
    }
}

/// Hands the shortest duration of each slot of a `duration_hdr` cell to `each`, and how many are in the slot.
pub(crate) fn each_slot(encoded: &[u8], mut each: impl FnMut(i64, u64)) -> Result<(), Error> {
    decode(encoded, |slot, n| each((slot << SLOT_SHIFT) as i64, n))
}

fn empty_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(DURATION_NS_MIN, DURATION_NS_MAX, SIGNIFICANT_DIGITS)
        .expect("the bounds are constants that a histogram accepts")
}

/// Bits that a slot's number has beyond those that tell it apart: its width is so many powers of two.
const fn width_bits(number: u64) -> u32 {
    (u64::BITS - number.leading_zeros()).saturating_sub(PRECISION_BITS)
}

/// The number of the slot that a number lies in: the lowest of all that do.
const fn lowest(number: u64) -> u64 {
    let bits = width_bits(number);
    (number >> bits) << bits
}

/// The place of a number's slot among all slots.
const fn idx_of(number: u64) -> usize {
    let bits = width_bits(number);
    bits as usize * SLOTS_OF_WIDTH + (number >> bits) as usize
}

/// The number of the slot at a place.
const fn slot_at(idx: usize) -> u64 {
    let bits = (idx / SLOTS_OF_WIDTH).saturating_sub(1);
    ((idx - bits * SLOTS_OF_WIDTH) as u64) << bits
}

/// What stands for all durations of a slot, given by its number.
const fn middle_ns(slot: u64) -> u64 {
    (slot << SLOT_SHIFT) + (1 << (SLOT_SHIFT + width_bits(slot) - 1))
}

fn clamp(duration_ns: i64) -> u64 {
    u64::try_from(duration_ns).unwrap_or(0).min(DURATION_NS_MAX)
}

/// Version, then per slot in ascending order its distance from the one before and its count.
fn encode(slots: impl Iterator<Item = (u64, u64)>) -> Vec<u8> {
    let mut encoded = vec![ENCODING_VERSION];
    let mut before = 0;
    for (slot, n) in slots {
        put_varint(&mut encoded, slot - before);
        put_varint(&mut encoded, n);
        before = slot;
    }
    encoded
}

fn decode(encoded: &[u8], mut each: impl FnMut(u64, u64)) -> Result<(), Error> {
    let corrupt = |reason| Error::HistogramCorrupt { reason };
    let (&version, mut rest) = encoded.split_first().ok_or(corrupt("it is empty"))?;
    if version != ENCODING_VERSION {
        return Err(corrupt("its version is unknown"));
    }
    let mut slot = 0_u64;
    while !rest.is_empty() {
        let step = take_varint(&mut rest).ok_or(corrupt("it is cut short"))?;
        let n = take_varint(&mut rest).ok_or(corrupt("it is cut short"))?;
        slot = slot.checked_add(step).ok_or(corrupt("a slot is out of range"))?;
        if slot > DURATION_NS_MAX >> SLOT_SHIFT {
            return Err(corrupt("a slot is out of range"));
        }
        each(slot, n);
    }
    Ok(())
}

/// LEB128: seven bits a byte, lowest first, the top bit says that more follow.
fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value as u8 & 0x7f) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            return None;
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: every slot from the first to that of the longest duration, at both its ends.
    /// Guarantees: own arithmetic has the slots of the library, in the same order, each once; the account of memory is
    /// that of its counters.
    #[test]
    fn slots_are_those_of_the_library() {
        let library = empty_histogram();
        assert_eq!(library.distinct_values(), N_COUNTERS);
        let mut start = 0;
        for idx in 0..=idx_of(DURATION_NS_MAX >> SLOT_SHIFT) {
            let end = library.next_non_equivalent(start);
            let (slot, last) = (slot_at(idx), (end - 1) >> SLOT_SHIFT);
            assert_eq!((slot << SLOT_SHIFT, idx_of(slot)), (start, idx));
            assert_eq!((lowest(last), idx_of(last)), (slot, idx));
            assert_eq!(library.lowest_equivalent(end - 1), start);
            start = end;
        }
        assert!(start > DURATION_NS_MAX, "the last slot has the longest duration");
    }

    /// Scenario: a histogram is filled, cleared, and filled with other durations.
    /// Guarantees: nothing is left of the first ones.
    #[test]
    fn a_cleared_histogram_is_as_new() {
        let (mut used, mut new) = (DurationHistogram::default(), DurationHistogram::default());
        (0..500).for_each(|n| used.record(n * n * 1_000_003));
        used.clear();
        assert_eq!((used.quantile_ns(0.5), used.n_at_most(i64::MAX)), (None, 0));
        for histogram in [&mut used, &mut new] {
            (1..9).for_each(|n| histogram.record(n * 5_000_000));
        }
        assert_eq!(used.encode(), new.encode());
        assert_eq!(used.quantiles_ns([0.0, 0.5, 1.0]), new.quantiles_ns([0.0, 0.5, 1.0]));
    }
}
