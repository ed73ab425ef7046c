//! Histograms of durations: HDR with two significant digits from 1 us to 1 h.
//!
//! One geometry for everything that is stored, so that any two histograms merge without bias. A duration is counted in
//! units of 512 ns; a slot holds all whose leading eight bits are the same. Sparse
//! on disk and in the hot read model ([`SparseHistogram`]), dense while merging
//! ([`DurationHistogram`]). `docs/formats/read-models.md` holds the bytes.

use crate::error::Error;

/// Longer durations count as this long (1 h).
const DURATION_NS_MAX: u64 = 3_600_000_000_000;
/// First byte of the encoding.
const ENCODING_VERSION: u8 = 1;
/// The narrowest slots are 512 ns wide: all that differs by less is one and the same.
const SLOT_SHIFT: u32 = 9;
/// Leading bits that tell slots apart: with eight, a value read back is within 1 % of the value recorded.
const PRECISION_BITS: u32 = 8;
/// Slots of one width, but for the narrowest, of which there are twice as many.
const SLOTS_OF_WIDTH: usize = 1 << (PRECISION_BITS - 1);
/// Slots up to the longest duration.
const N_SLOTS: usize = idx_of(DURATION_NS_MAX >> SLOT_SHIFT) + 1;

/// A dense histogram: merges encoded ones and answers quantiles.
#[derive(Debug, Clone)]
pub(crate) struct DurationHistogram {
    counts: Vec<u64>,
    n: u64,
    /// Slots before this one, and from `end` on, are empty.
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
        Self { counts: vec![0; N_SLOTS], n: 0, first: N_SLOTS, end: 0 }
    }
}

impl DurationHistogram {
    /// Memory that one takes, on the heap and itself.
    pub(crate) const N_BYTES: usize = N_SLOTS * size_of::<u64>() + size_of::<Self>();

    pub(crate) fn record(&mut self, duration_ns: i64) {
        self.add_at(idx_of(clamp(duration_ns) >> SLOT_SHIFT), 1);
    }

    /// Adds the histogram of a `duration_hdr` cell.
    pub(crate) fn add_encoded(&mut self, encoded: &[u8]) -> Result<(), Error> {
        decode(encoded, |slot, n| self.add_at(idx_of(slot), n))
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for idx in other.first..other.end {
            self.add_at(idx, other.counts[idx]);
        }
    }

    pub(crate) fn clear(&mut self) {
        if self.n > 0 {
            self.counts[self.first..self.end].fill(0);
        }
        (self.n, self.first, self.end) = (0, N_SLOTS, 0);
    }

    /// The duration below which this share of all lies (0 to 1); none without any.
    pub(crate) fn quantile_ns(&self, quantile: f64) -> Option<i64> {
        let [found] = self.quantiles_ns([quantile]);
        found
    }

    /// Several quantiles, in ascending order, in one pass.
    pub(crate) fn quantiles_ns<const N: usize>(&self, quantiles: [f64; N]) -> [Option<i64>; N] {
        let mut found = [None; N];
        if self.n == 0 {
            return found;
        }
        let mut idx = self.first;
        let mut n_until = self.counts[idx];
        for (quantile, found) in quantiles.into_iter().zip(&mut found) {
            let wanted = (quantile.clamp(0.0, 1.0) * self.n as f64).ceil() as u64;
            while n_until < wanted.max(1) && idx + 1 < self.end {
                idx += 1;
                n_until = n_until.saturating_add(self.counts[idx]);
            }
            *found = i64::try_from(middle_ns(idx)).ok();
        }
        found
    }

    /// The bytes of a `duration_hdr` cell.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let slots = (self.first..self.end).map(|idx| (slot_at(idx), self.counts[idx]));
        encode(slots.filter(|(_, n)| *n > 0))
    }

    /// Durations at or below the threshold; those in the threshold's own slot (within 1 %) count.
    pub(crate) fn n_at_most(&self, threshold_ns: i64) -> u64 {
        if threshold_ns < 0 {
            return 0;
        }
        let until = idx_of(clamp(threshold_ns) >> SLOT_SHIFT);
        self.counts[..=until].iter().fold(0, |sum, n| sum.saturating_add(*n))
    }

    fn add_at(&mut self, idx: usize, n: u64) {
        if n == 0 {
            return;
        }
        self.counts[idx] = self.counts[idx].saturating_add(n);
        self.n = self.n.saturating_add(n);
        (self.first, self.end) = (self.first.min(idx), self.end.max(idx + 1));
    }
}

impl From<&SparseHistogram> for DurationHistogram {
    fn from(sparse: &SparseHistogram) -> Self {
        let mut dense = Self::default();
        for &(slot, n) in &sparse.counts {
            dense.add_at(idx_of(slot), n);
        }
        dense
    }
}

impl SparseHistogram {
    /// Adds the histogram of a `duration_hdr` cell.
    pub(crate) fn add_encoded(&mut self, encoded: &[u8]) -> Result<(), Error> {
        let mut from = 0;
        decode(encoded, |slot, n| from = self.record_slot(from, lowest(slot), n))
    }

    /// Slots in use.
    pub(crate) fn n_slots(&self) -> usize {
        self.counts.len()
    }

    pub(crate) fn record(&mut self, duration_ns: i64) {
        self.record_slot(0, lowest(clamp(duration_ns) >> SLOT_SHIFT), 1);
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

/// What stands for all durations of a slot.
fn middle_ns(idx: usize) -> u64 {
    let slot = slot_at(idx);
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
