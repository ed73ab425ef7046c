//! How much is read: bounds for every table, and the rate of traces that keeps within them.
//!
//! A span takes about 250 bytes here and in the tables of the `triage` crate together, one with attributes 3 kB, a log
//! line 250 bytes, a data point 150: all of it stays below 700 MB, most of which a large system alone takes.

use ::triage::report::Sampling;
use storage::EvidenceCounts;

/// Spans of the window and of all that it is held against.
pub(super) const SPANS_MAX: u64 = 1_000_000;
/// Of those the failed ones, which come with their attributes and events.
const ERRORS_MAX: u64 = 60_000;
/// Requests of the window that come with their attributes, and those before it.
const ATTRIBUTED_MAX: u64 = 50_000;
const ATTRIBUTED_BEFORE_MAX: u64 = 20_000;
const LOGS_MAX: u64 = 500_000;
const POINTS_MAX: u64 = 500_000;
/// Rows of one table, whatever was counted: rows that came since are few.
pub(super) const ROWS_MAX: usize = 1_200_000;

/// One rate for spans and logs in all times; rates are powers of two, so that a smaller sample is part of a larger.
pub(super) fn rates(counts: &EvidenceCounts) -> Sampling {
    let traces = [(counts.n_spans, SPANS_MAX), (counts.n_errors, ERRORS_MAX), (counts.n_logs, LOGS_MAX)];
    let traces_one_in = traces.into_iter().map(|(n, n_max)| one_in(n, n_max)).max().unwrap_or(1);
    let of_traces = |n: u64| n / u64::from(traces_one_in);
    Sampling {
        traces_one_in,
        attributes_one_in: one_in(of_traces(counts.n_entries), ATTRIBUTED_MAX),
        attributes_before_one_in: one_in(of_traces(counts.n_entries_before), ATTRIBUTED_BEFORE_MAX),
        series_one_in: one_in(counts.n_points, POINTS_MAX),
        is_cut: false,
    }
}

pub(super) fn one_in(n: u64, n_max: u64) -> u32 {
    let one_in = n.div_ceil(n_max).max(1).checked_next_power_of_two();
    one_in.and_then(|one_in| u32::try_from(one_in).ok()).unwrap_or(1 << 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: little, much of one kind after the other, and more than can be.
    /// Guarantees: all of what is little is read; rates are powers of two that keep each table within its bound.
    #[test]
    fn rates_keep_the_bounds() {
        let of = |n_spans, n_errors, n_entries, n_logs, n_points| {
            let n_entries_before = n_entries / 4;
            let counts = EvidenceCounts { n_spans, n_errors, n_entries, n_entries_before, n_logs, n_points };
            let found = rates(&counts);
            assert!(found.attributes_before_one_in <= found.attributes_one_in);
            (found.traces_one_in, found.attributes_one_in, found.series_one_in)
        };
        assert_eq!(of(0, 0, 0, 0, 0), (1, 1, 1));
        assert_eq!(of(SPANS_MAX, ERRORS_MAX, ATTRIBUTED_MAX, LOGS_MAX, POINTS_MAX), (1, 1, 1));
        assert_eq!(of(SPANS_MAX + 1, 0, 0, 0, 0), (2, 1, 1));
        assert_eq!(of(3 * SPANS_MAX, 0, 800_000, 0, 0), (4, 4, 1));
        assert_eq!(of(0, 0, 0, 5 * LOGS_MAX, POINTS_MAX * 2), (8, 1, 2));
        assert_eq!(of(u64::MAX, 0, 0, 0, 0).0, 1 << 31);
    }
}
