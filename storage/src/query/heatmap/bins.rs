//! Rows of a heatmap: bins of durations, narrow where durations are short and wide where they are long.
//!
//! Each bin is made of whole slots of the histograms that the read model keeps, so that a span falls into the same
//! bin whether its duration or its slot is asked. A power of two is cut into equal parts, as the slots do it; what is
//! below the second slot is one bin.

use crate::read_models::{DURATION_NS_MAX, SLOT_NS};

/// Longer durations count as this long.
const LONGEST_NS: i64 = DURATION_NS_MAX as i64;
/// Powers of two from the second slot to the longest duration: 2^9 ns to 2^41 ns.
const OCTAVE_FIRST: u32 = SLOT_NS.ilog2();
const OCTAVE_LAST: u32 = LONGEST_NS.ilog2();

/// How coarse bins can be, finest first: parts of a power of two, and powers of two that are one bin.
const SCALES: [(i64, usize); 8] = [(16, 1), (8, 1), (4, 1), (2, 1), (1, 1), (1, 2), (1, 4), (1, 8)];

/// Bins that cover all durations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bins {
    /// Where each begins, in ascending order; the first one begins at 0, and each ends where the next one begins.
    from_ns: Vec<i64>,
}

impl Bins {
    /// 475 of them; the others are made of these.
    pub(super) fn finest() -> Self {
        Self::of(SCALES[0])
    }

    /// The finest of which at most `n_max` cover the bins from one to another one of the finest; the coarsest, at
    /// most six, where that cannot be.
    pub(super) fn between(first_ns: i64, last_ns: i64, n_max: usize) -> Self {
        let fitting = SCALES.map(Self::of).into_iter().find(|bins| {
            let n_bins = bins.row_of(last_ns) - bins.row_of(first_ns) + 1;
            n_bins <= n_max
        });
        fitting.unwrap_or_else(|| Self::of(SCALES[SCALES.len() - 1]))
    }

    fn of((n_parts_max, n_octaves): (i64, usize)) -> Self {
        let mut from_ns = vec![0];
        for octave in (OCTAVE_FIRST..=OCTAVE_LAST).step_by(n_octaves) {
            let start_ns = 1_i64 << octave;
            // Short durations have fewer slots than parts are wanted.
            let n_parts = n_parts_max.min(start_ns / SLOT_NS);
            from_ns.extend((0..n_parts).map(|part| start_ns + part * (start_ns / n_parts)));
        }
        // What is longer counts as this long.
        from_ns.retain(|from_ns| *from_ns <= LONGEST_NS);
        Self { from_ns }
    }

    pub(super) fn n_bins(&self) -> usize {
        self.from_ns.len()
    }

    /// The bin of a duration. None is shorter than the first one has them or longer than the last one.
    pub(super) fn row_of(&self, duration_ns: i64) -> usize {
        let counted_ns = duration_ns.clamp(0, LONGEST_NS);
        self.from_ns.partition_point(|from_ns| *from_ns <= counted_ns) - 1
    }

    pub(super) fn start_ns(&self, row: usize) -> i64 {
        self.from_ns[row]
    }

    /// The shortest duration that is too long for the bin; the last one ends with its power of two.
    pub(super) fn to_ns(&self, row: usize) -> i64 {
        self.from_ns.get(row + 1).copied().unwrap_or(1 << (OCTAVE_LAST + 1))
    }

    /// Does the bin have the longest durations that are told apart, and with them all that are longer?
    pub(super) fn is_longest(&self, row: usize) -> bool {
        row == self.row_of(LONGEST_NS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read_models::{SparseHistogram, each_slot};
    use proptest::prelude::*;

    /// Scenario: all scales of bins.
    /// Guarantees: bins begin at 0, follow upon each other without gaps, are whole slots of the shortest kind, and no
    /// scale has a border that the finest one has not.
    #[test]
    fn bins_cover_all_durations_once() {
        let finest = Bins::finest();
        assert_eq!(finest.n_bins(), 475);
        for bins in SCALES.map(Bins::of) {
            assert_eq!(bins.start_ns(0), 0);
            for row in 0..bins.n_bins() {
                let (from_ns, to_ns) = (bins.start_ns(row), bins.to_ns(row));
                assert!(from_ns < to_ns && from_ns % SLOT_NS == 0, "{from_ns}..{to_ns}");
                assert_eq!((bins.row_of(from_ns), finest.start_ns(finest.row_of(from_ns))), (row, from_ns));
            }
            assert_eq!(bins.to_ns(bins.n_bins() - 1), 1 << (OCTAVE_LAST + 1));
        }
    }

    /// Scenario: durations of one bin, of some, of all, with room for few and for many rows.
    /// Guarantees: the rows keep to their number where the coarsest bins can, and are as fine as that allows.
    #[test]
    fn rows_are_as_fine_as_fits() {
        for (first_ns, last_ns) in [(0, 0), (1_000_000, 1_900_000), (1_000, 60_000_000_000), (0, i64::MAX)] {
            for n_max in [6, 8, 40, 100, 480] {
                let bins = Bins::between(first_ns, last_ns, n_max);
                let n_rows = |bins: &Bins| bins.row_of(last_ns) - bins.row_of(first_ns) + 1;
                assert!(n_rows(&bins) <= n_max);
                let scales = SCALES.map(Bins::of);
                let place = scales.iter().position(|scale| *scale == bins).expect("one of them");
                assert!(
                    scales[..place].iter().all(|finer| n_rows(finer) > n_max),
                    "{first_ns} {last_ns} {n_max}"
                );
            }
        }
        assert_eq!(Bins::between(0, i64::MAX, 1), Bins::of(SCALES[7]));
    }

    proptest! {
        /// Scenario: any duration, as it is and as the slot that a histogram keeps of it, at every scale.
        /// Guarantees: both fall into one bin, the same, which holds the duration unless it is longer than is told
        /// apart.
        #[test]
        fn a_duration_and_its_slot_are_in_one_bin(
            duration_ns in prop_oneof![0..2_000_000_i64, 0..2 * LONGEST_NS, any::<i64>()],
        ) {
            let mut histogram = SparseHistogram::default();
            histogram.record(duration_ns);
            for bins in SCALES.map(Bins::of) {
                let row = bins.row_of(duration_ns);
                let mut rows = Vec::new();
                each_slot(&histogram.encode(), |slot_ns, n| rows.push((bins.row_of(slot_ns), n))).expect("reads");
                prop_assert_eq!(rows, vec![(row, 1)]);
                let held: Vec<usize> = (0..bins.n_bins())
                    .filter(|&row| bins.start_ns(row) <= duration_ns && duration_ns < bins.to_ns(row))
                    .collect();
                match duration_ns {
                    0..=LONGEST_NS => prop_assert_eq!(held, vec![row]),
                    i64::MIN..0 => prop_assert_eq!(row, 0),
                    _ => prop_assert!(bins.is_longest(row)),
                }
            }
        }
    }
}
