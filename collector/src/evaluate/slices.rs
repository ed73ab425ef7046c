//! The events of one objective in slices of time, for as long as its period.
//!
//! Slices are numbered from 1970, so that they line up with the buckets of the read model. Each
//! window is a sum over its last slices. It knows counts, how far back they were read and who was heard, not
//! what they mean.

use crate::units::nanos;
use alerts::{Coverage, WindowCounts};
use std::{collections::VecDeque, time::Duration};
use storage::SliBucket;

#[derive(Debug, Clone, Copy, Default)]
struct Slice {
    /// Saturate at 4 billion events in a slice, which is seconds long.
    n_good: u32,
    n_total: u32,
    /// The service sent something around this time, by any signal.
    is_heard: bool,
    /// Some of its events may be counted under others.
    is_doubtful: bool,
}

impl Slice {
    /// Without events but heard is "no traffic", which is a measurement once the slice was read.
    fn is_measured(self) -> bool {
        !self.is_doubtful && (self.is_heard || self.n_total > 0)
    }
}

/// 12 bytes a slice: a period of 30 d in slices of 30 s takes 1 MB.
#[derive(Debug)]
pub(super) struct Slices {
    width_ns: i64,
    n_max: usize,
    /// Number of the first slice in the ring.
    first: i64,
    ring: VecDeque<Slice>,
    /// Number of the slice from which on all were read; none was yet where it is `i64::MAX`.
    read_from: i64,
}

impl Slices {
    /// `ahead` is how far the ring may reach beyond the end of the windows.
    pub(super) fn new(width: Duration, period: Duration, ahead: Duration) -> Self {
        let n_max =
            period.as_nanos().div_ceil(width.as_nanos()) + ahead.as_nanos().div_ceil(width.as_nanos()) + 2;
        Self {
            width_ns: nanos(width),
            n_max: usize::try_from(n_max).unwrap_or(usize::MAX),
            first: 0,
            ring: VecDeque::new(),
            read_from: i64::MAX,
        }
    }

    /// The start of the slice that holds a moment.
    pub(super) fn floor(&self, at: i64) -> i64 {
        at.div_euclid(self.width_ns) * self.width_ns
    }

    /// Makes room up to and including the slice of `now`; the oldest slices leave.
    pub(super) fn advance(&mut self, now: i64) {
        let last = now.div_euclid(self.width_ns);
        let oldest = last - self.n_max as i64 + 1;
        if self.ring.is_empty() || self.end() < oldest {
            self.ring.clear();
            self.first = oldest;
            self.read_from = i64::MAX;
        }
        while self.end() <= last {
            self.ring.push_back(Slice::default());
        }
        while self.first < oldest {
            self.ring.pop_front();
            self.first += 1;
        }
    }

    /// Replaces the counts of a range by what was read for it; slices not among them had no events.
    /// True if there are now more events than before.
    pub(super) fn replace(&mut self, from: i64, to: i64, buckets: &[SliBucket]) -> bool {
        let (mut n_before, mut n_after) = (0_u64, 0_u64);
        let (first, last) = (from.div_euclid(self.width_ns), (to - 1).div_euclid(self.width_ns));
        if self.read_from == i64::MAX || last + 1 >= self.read_from {
            self.read_from = self.read_from.min(first);
        }
        for number in first..=last {
            if let Some(slice) = self.slice(number) {
                n_before += u64::from(slice.n_total);
                (slice.n_good, slice.n_total, slice.is_doubtful) = (0, 0, false);
            }
        }
        let saturate = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        for bucket in buckets {
            if let Some(slice) = self.slice(bucket.at.div_euclid(self.width_ns)) {
                slice.n_good = slice.n_good.saturating_add(saturate(bucket.n_good));
                slice.n_total = slice.n_total.saturating_add(saturate(bucket.n_total));
                n_after += bucket.n_total;
            }
        }
        n_after > n_before
    }

    /// What was just read for the slices of these moments may lack events: they are not measured.
    pub(super) fn doubt(&mut self, moments: &[i64]) {
        for at in moments {
            if let Some(slice) = self.slice(at.div_euclid(self.width_ns)) {
                slice.is_doubtful = true;
            }
        }
    }

    /// The service was heard at both ends of this time and in between.
    pub(super) fn hear(&mut self, from: i64, to: i64) {
        let from = from.div_euclid(self.width_ns).max(self.first);
        for number in from..=to.div_euclid(self.width_ns).min(self.end() - 1) {
            if let Some(slice) = self.slice(number) {
                slice.is_heard = true;
            }
        }
    }

    /// The events of the window that ends with the slice before the one of `end`. Slices that were read and lie
    /// before `first_at` are not expected to be measured; none means that nothing was ever seen. Slices that
    /// were not read are expected and unmeasured: what they hold is not known.
    pub(super) fn count(&self, end: i64, window: Duration, first_at: Option<i64>) -> WindowCounts {
        let end = end.div_euclid(self.width_ns);
        let n_slices = nanos(window).div_euclid(self.width_ns).max(1);
        let first_at = first_at.map_or(i64::MAX, |at| at.div_euclid(self.width_ns));
        let (start, read_from) = (end - n_slices, self.read_from.min(end));
        let mut counts = WindowCounts::default();
        let Coverage { mut n_measured, .. } = counts.coverage;
        for number in start.max(self.first)..end.min(self.end()) {
            let slice = self.ring[(number - self.first) as usize];
            counts.n_good += u64::from(slice.n_good);
            counts.n_total += u64::from(slice.n_total);
            n_measured += u32::from(slice.is_measured() && number >= first_at.max(read_from));
        }
        let n_unread = (read_from - start).clamp(0, n_slices);
        let n_expected = n_unread + (end - start.max(first_at).max(read_from)).clamp(0, n_slices);
        counts.coverage = Coverage { n_measured, n_slices: u32::try_from(n_expected).unwrap_or(u32::MAX) };
        counts
    }

    /// The start of the oldest slice with events.
    pub(super) fn first_event_at(&self) -> Option<i64> {
        let idx = self.ring.iter().position(|slice| slice.n_total > 0)?;
        Some((self.first + idx as i64) * self.width_ns)
    }

    fn end(&self) -> i64 {
        self.first + self.ring.len() as i64
    }

    fn slice(&mut self, number: i64) -> Option<&mut Slice> {
        let idx = usize::try_from(number - self.first).ok()?;
        self.ring.get_mut(idx)
    }
}

#[cfg(test)]
mod tests;
