//! How many requests a side has, and how long they take.

use super::{ComparedSide, Rows};
use crate::report::exemplars::nearest_to_middle;
use crate::report::requests::{duration, quantile};
use crate::tables::Tables;

/// Traces of a side that lie nearest to its middle.
const TYPICAL_MAX: usize = 2;

/// What is known of one side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SideFigures {
    pub n: u64,
    pub n_errors: u64,
    /// Of these the attributes were read, and of those all of their traces.
    pub n_read: u64,
    pub n_traced: u64,
    /// Of the requests that were read; none without any.
    pub mean_ns: Option<i64>,
    pub p50_ns: Option<i64>,
    pub p95_ns: Option<i64>,
    pub p99_ns: Option<i64>,
    /// Typical ones, then the slowest.
    pub trace_ids: Vec<[u8; 16]>,
}

/// O(requests log requests).
pub(super) fn figures(side: &ComparedSide<'_>, read: &Rows, traced: &Rows, place: usize) -> SideFigures {
    let (rows, n, n_errors) = match side {
        ComparedSide::Requests { n, n_errors, .. } => (read, *n, *n_errors),
        ComparedSide::Trace(_) => {
            let spans = traced.tables.traces.spans();
            let n_failed = traced.requests[place].iter().filter(|span| spans[**span].is_error).count();
            (traced, traced.requests[place].len() as u64, n_failed as u64)
        }
    };
    let requests = &rows.requests[place];
    let mut durations: Vec<i64> = requests.iter().map(|span| length(&rows.tables, *span)).collect();
    durations.sort_unstable();
    let sum: i128 = durations.iter().map(|ns| i128::from(*ns)).sum();
    let mean = sum.checked_div(durations.len() as i128).and_then(|mean| i64::try_from(mean).ok());
    SideFigures {
        n,
        n_errors,
        n_read: read.requests[place].len() as u64,
        n_traced: traced.requests[place].len() as u64,
        mean_ns: mean,
        p50_ns: quantile(&durations, 0.5),
        p95_ns: quantile(&durations, 0.95),
        p99_ns: quantile(&durations, 0.99),
        trace_ids: trace_ids(&rows.tables, requests),
    }
}

fn length(tables: &Tables, span: usize) -> i64 {
    duration(&tables.traces.spans()[span])
}

fn trace_ids(tables: &Tables, requests: &[usize]) -> Vec<[u8; 16]> {
    let id = |span: usize| tables.traces.traces()[tables.traces.spans()[span].trace as usize].trace_id;
    let mut ids: Vec<[u8; 16]> =
        nearest_to_middle(tables, requests).into_iter().take(TYPICAL_MAX).map(id).collect();
    let slowest =
        requests.iter().copied().max_by_key(|span| (length(tables, *span), std::cmp::Reverse(*span)));
    ids.extend(slowest.map(id).filter(|id| !ids.contains(id)));
    ids
}
