//! Histograms of durations: HDR with two significant digits from 1 us to 1 h.
//!
//! One geometry for everything that is stored, so that any two histograms merge without bias. Sparse
//! on disk and in the hot read model ([`SparseHistogram`]), dense while merging
//! ([`DurationHistogram`]). `docs/formats/red.md` holds the bytes.

use crate::error::Error;
use hdrhistogram::Histogram;
use std::sync::LazyLock;

/// Durations below are one and the same to the histogram.
const DURATION_NS_MIN: u64 = 1_000;
/// Longer durations count as this long (1 h).
pub(crate) const DURATION_NS_MAX: u64 = 3_600_000_000_000;
/// Two digits: a value read back is within 1 % of the value recorded.
const SIGNIFICANT_DIGITS: u8 = 2;
/// First byte of the encoding.
const ENCODING_VERSION: u8 = 1;
/// Slots are multiples of 512 ns, the largest power of two below `DURATION_NS_MIN`.
const SLOT_SHIFT: u32 = 9;
/// The shortest slot, and what each of them is a multiple of.
pub(crate) const SLOT_NS: i64 = 1 << SLOT_SHIFT;

/// A dense histogram: merges encoded ones and answers quantiles.
#[derive(Debug, Clone)]
pub(crate) struct DurationHistogram {
    counts: Histogram<u64>,
}

/// The slots in use and how often, in ascending order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SparseHistogram {
    counts: Vec<(u64, u64)>,
}

impl Default for DurationHistogram {
    fn default() -> Self {
        Self { counts: empty_histogram() }
    }
}

impl DurationHistogram {
    pub(crate) fn record(&mut self, duration_ns: i64) {
        self.counts.saturating_record(clamp(duration_ns));
    }

    /// Adds the histogram of a `duration_hdr` cell.
    pub(crate) fn add_encoded(&mut self, encoded: &[u8]) -> Result<(), Error> {
        decode(encoded, |slot, n| self.counts.saturating_record_n(slot << SLOT_SHIFT, n))
    }

    /// The duration below which this share of all lies (0 to 1); none without any.
    pub(crate) fn quantile_ns(&self, quantile: f64) -> Option<i64> {
        if self.counts.is_empty() {
            return None;
        }
        let edge = self.counts.value_at_quantile(quantile);
        i64::try_from(self.counts.median_equivalent(edge)).ok()
    }

    /// The bytes of a `duration_hdr` cell.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let recorded = self.counts.iter_recorded();
        let slot = |value: u64| self.counts.lowest_equivalent(value) >> SLOT_SHIFT;
        encode(recorded.map(|at| (slot(at.value_iterated_to()), at.count_at_value())))
    }

    /// Durations at or below the threshold; those in the threshold's own slot (within 1 %) count.
    pub(crate) fn n_at_most(&self, threshold_ns: i64) -> u64 {
        if threshold_ns < 0 {
            return 0;
        }
        self.counts.count_between(0, clamp(threshold_ns))
    }
}

impl From<&SparseHistogram> for DurationHistogram {
    fn from(sparse: &SparseHistogram) -> Self {
        let mut dense = Self::default();
        for &(slot, n) in &sparse.counts {
            dense.counts.saturating_record_n(slot << SLOT_SHIFT, n);
        }
        dense
    }
}

impl SparseHistogram {
    /// Adds the histogram of a `duration_hdr` cell.
    pub(crate) fn add_encoded(&mut self, encoded: &[u8]) -> Result<(), Error> {
        decode(encoded, |slot, n| self.record_slot(slot_of_ns(slot << SLOT_SHIFT), n))
    }

    /// Slots in use.
    pub(crate) fn n_slots(&self) -> usize {
        self.counts.len()
    }

    pub(crate) fn record(&mut self, duration_ns: i64) {
        self.record_slot(slot_of(duration_ns), 1);
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for &(slot, n) in &other.counts {
            self.record_slot(slot, n);
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

    fn record_slot(&mut self, slot: u64, n: u64) {
        match self.counts.binary_search_by_key(&slot, |&(slot, _)| slot) {
            Ok(idx) => self.counts[idx].1 = self.counts[idx].1.saturating_add(n),
            Err(idx) => self.counts.insert(idx, (slot, n)),
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

/// Which slot a duration falls into, by the very arithmetic of the dense histogram.
fn slot_of(duration_ns: i64) -> u64 {
    slot_of_ns(clamp(duration_ns))
}

fn slot_of_ns(duration_ns: u64) -> u64 {
    static GEOMETRY: LazyLock<Histogram<u64>> = LazyLock::new(empty_histogram);
    GEOMETRY.lowest_equivalent(duration_ns) >> SLOT_SHIFT
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
