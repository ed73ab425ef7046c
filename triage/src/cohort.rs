//! The critical path of a cohort: how much of the time that slow requests take longer is whose.
//!
//! Every moment of a request is charged to one part: work of an operation, the way between a caller and its callee
//! (network, queues and pools), or a far side that sent no spans. The mean over the bad cohort less the mean over
//! the baseline is each part's excess. Parts add up to the whole, to the nanosecond: what rounding leaves over
//! is given to the parts that it took most from.

mod bootstrap;
mod parts;
#[cfg(test)]
mod tests;

use crate::statistics::hash_of_trace;
use crate::strings::Symbol;
use crate::traces::Traces;
use parts::Ledger;
pub(crate) use parts::peer;

/// One request: a span and all that it waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CohortRequest {
    /// Place in [`Traces::spans`] of the span that answers it.
    pub span: usize,
    /// How many requests it stands for, where spans were sampled; 0 counts as 1.
    pub weight: u32,
}

/// Above a bound requests are left out by the hash of their trace id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CohortLimits {
    /// Requests of each cohort.
    pub n_requests_max: usize,
    /// Spans of the traces of each cohort.
    pub n_spans_max: usize,
    /// Parts that are told; the others are one.
    pub n_parts_max: usize,
    /// Draws behind the intervals.
    pub n_draws: usize,
}

/// Where the time of the bad cohort went, beyond that of the baseline.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CohortPath {
    /// Requests looked at.
    pub n_bad: usize,
    pub n_baseline: usize,
    /// Of all time.
    pub whole: TimeExcess,
    /// Largest excess first; those that became faster come last. They add up to the whole.
    pub parts: Vec<PathPartExcess>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct PathPartExcess {
    pub part: PathPart,
    pub excess: TimeExcess,
    /// Of the whole excess; may be more than 1 where other parts became faster. 0 without an excess.
    pub share: f64,
}

/// Mean times of one part per request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeExcess {
    pub bad_ns: i64,
    pub baseline_ns: i64,
    /// `bad_ns` less `baseline_ns`.
    pub excess_ns: i64,
    /// With a chance of 95 % the excess is between these, by drawing the cohorts again from themselves.
    pub low_ns: i64,
    pub high_ns: i64,
}

/// What a moment is charged to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathPart {
    /// Time of a span in which it waited for no call.
    Work { service: Symbol, operation: Symbol },
    /// Time of a call outside its callee: network, queue or pool.
    Between { caller: Symbol, callee: Symbol, operation: Symbol },
    /// Time of a call whose far side sent no spans. `peer` is empty where nothing tells it.
    Unseen { caller: Symbol, peer: String },
    /// All parts that are not told.
    Others,
}

impl Default for CohortLimits {
    fn default() -> Self {
        Self { n_requests_max: 5_000, n_spans_max: 500_000, n_parts_max: 50, n_draws: 200 }
    }
}

/// Compares the requests of two cohorts; both need at least one, else the answer is empty.
///
/// O(spans log spans) for the paths, and draws times sections for the intervals. Memory: 100 bytes a span of one trace,
/// 16 for each part of each request.
pub fn cohort_path(
    traces: &Traces,
    bad: &[CohortRequest],
    baseline: &[CohortRequest],
    limits: &CohortLimits,
) -> CohortPath {
    let (bad, baseline) = (sampled(traces, bad, limits), sampled(traces, baseline, limits));
    if bad.is_empty() || baseline.is_empty() {
        return CohortPath::default();
    }
    let mut ledger = Ledger::default();
    let bad = ledger.enter(traces, &bad);
    let baseline = ledger.enter(traces, &baseline);
    let names = ledger.keep_largest([&bad, &baseline], limits.n_parts_max);
    let (bad, baseline) = (bad.renamed(&names), baseline.renamed(&names));
    let intervals = bootstrap::intervals(&bad, &baseline, names.parts.len(), limits.n_draws);
    let (means, base_means) = (bad.means(names.parts.len()), baseline.means(names.parts.len()));
    let excess = |at: usize, interval: (i64, i64)| TimeExcess {
        bad_ns: means[at],
        baseline_ns: base_means[at],
        excess_ns: means[at] - base_means[at],
        low_ns: interval.0,
        high_ns: interval.1,
    };
    let whole = TimeExcess {
        bad_ns: means.iter().sum(),
        baseline_ns: base_means.iter().sum(),
        excess_ns: means.iter().sum::<i64>() - base_means.iter().sum::<i64>(),
        low_ns: intervals.whole.0,
        high_ns: intervals.whole.1,
    };
    let share =
        |excess_ns: i64| if whole.excess_ns == 0 { 0.0 } else { excess_ns as f64 / whole.excess_ns as f64 };
    let of_parts = names.parts.iter().enumerate().map(|(at, part)| {
        let excess = excess(at, intervals.parts[at]);
        PathPartExcess { part: part.clone(), share: share(excess.excess_ns), excess }
    });
    let mut parts: Vec<PathPartExcess> = of_parts.collect();
    parts.sort_by(|a, b| b.excess.excess_ns.cmp(&a.excess.excess_ns).then_with(|| a.part.cmp(&b.part)));
    CohortPath { n_bad: bad.n_requests(), n_baseline: baseline.n_requests(), whole, parts }
}

/// In the order of the table; those with the smallest hashes where there are too many.
fn sampled(traces: &Traces, requests: &[CohortRequest], limits: &CohortLimits) -> Vec<CohortRequest> {
    let mut requests: Vec<CohortRequest> =
        requests.iter().copied().filter(|request| request.span < traces.spans().len()).collect();
    let of = |request: &CohortRequest| &traces.traces()[traces.spans()[request.span].trace as usize];
    requests.sort_unstable_by_key(|request| (hash_of_trace(&of(request).trace_id), request.span));
    requests.dedup_by_key(|request| request.span);
    requests.truncate(limits.n_requests_max);
    let mut n_spans = 0;
    let n_fitting = requests.iter().take_while(|request| {
        n_spans += of(request).spans.len();
        n_spans <= limits.n_spans_max
    });
    let n_fitting = n_fitting.count().max(1);
    requests.truncate(n_fitting);
    requests.sort_unstable();
    requests
}
