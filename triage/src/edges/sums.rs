//! The calls of one edge in one stretch of time, added up.

use super::EdgeSums;
use super::calls::{Attempt, Said};
use crate::statistics::quantile_of_sorted;

#[derive(Default)]
pub(super) struct Gathered {
    sums: EdgeSums,
    client_ns: i128,
    server_ns: i128,
    /// Client time of attempts with a server's span.
    seen_client_ns: i128,
    /// Client times of attempts that went well, and of those that failed: with whether they reached the callee.
    good_ns: Vec<i64>,
    failed_ns: Vec<(i64, bool)>,
    /// Traces that failed and in which a call failed for good; attempts come trace by trace.
    failed_traces: u64,
    last_failed_trace: Option<usize>,
}

/// Failed attempts that end within this share of the usual time did not wait for the callee.
const AT_ONCE: f64 = 0.1;
/// Failures whose times differ by no more than this share ended by the same rule.
const ALIKE: f64 = 0.02;
/// Fewer failures do not show a common time.
const N_ALIKE_MIN: usize = 5;

impl Gathered {
    pub(super) fn add(&mut self, attempt: &Attempt) {
        let sums = &mut self.sums;
        sums.n_attempts += 1;
        sums.n_logical += u64::from(attempt.is_first);
        sums.n_failed_attempts += u64::from(attempt.is_error);
        sums.n_failed += u64::from(attempt.is_error && attempt.is_last);
        sums.n_timeouts += u64::from(attempt.said == Said::Timeout);
        sums.n_refused += u64::from(attempt.said == Said::Breaker);
        sums.n_pool += u64::from(attempt.said == Said::Pool);
        sums.n_unseen += u64::from(attempt.server_ns.is_none());
        self.client_ns += i128::from(attempt.client_ns);
        if let Some(server_ns) = attempt.server_ns {
            self.server_ns += i128::from(server_ns);
            self.seen_client_ns += i128::from(attempt.client_ns);
        }
        match attempt.is_error {
            true => self.failed_ns.push((attempt.client_ns, attempt.server_ns.is_some())),
            false => self.good_ns.push(attempt.client_ns),
        }
        let is_new = self.last_failed_trace != Some(attempt.trace);
        if attempt.is_of_failed && attempt.is_error && attempt.is_last && is_new {
            self.last_failed_trace = Some(attempt.trace);
            self.failed_traces += 1;
        }
    }

    /// With means.
    pub(super) fn sums(&self) -> EdgeSums {
        let n_seen = self.sums.n_attempts - self.sums.n_unseen;
        let server_ns = mean(self.server_ns, n_seen);
        EdgeSums {
            client_ns: mean(self.client_ns, self.sums.n_attempts),
            server_ns,
            between_ns: mean(self.seen_client_ns, n_seen) - server_ns,
            ..self.sums
        }
    }

    pub(super) fn n_failed_traces(&self) -> u64 {
        self.failed_traces
    }

    /// Sum of client times of attempts that nobody else tells of.
    pub(super) fn unseen_client_ns(&self) -> i128 {
        self.client_ns - self.seen_client_ns
    }

    pub(super) fn total_client_ns(&self) -> i128 {
        self.client_ns
    }

    pub(super) fn total_server_ns(&self) -> i128 {
        self.server_ns
    }

    /// Median time of attempts that went well.
    pub(super) fn usual_ns(&self) -> Option<f64> {
        let mut sorted: Vec<f64> = self.good_ns.iter().map(|ns| *ns as f64).collect();
        sorted.sort_by(f64::total_cmp);
        (!sorted.is_empty()).then(|| quantile_of_sorted(&sorted, 0.5))
    }

    /// The time that at least half of the failed attempts ended after, if it is longer than usual.
    pub(super) fn common_failure_ns(&self, usual_ns: f64) -> Option<i64> {
        let mut sorted: Vec<f64> = self.failed_ns.iter().map(|(ns, _)| *ns as f64).collect();
        sorted.sort_by(f64::total_cmp);
        let median = quantile_of_sorted(&sorted, 0.5);
        let n_alike = sorted.iter().filter(|ns| (*ns - median).abs() <= ALIKE * median).count();
        let is_common = n_alike >= N_ALIKE_MIN && 2 * n_alike >= sorted.len() && median > usual_ns;
        is_common.then_some(median as i64)
    }

    /// Failed attempts that ended much sooner than usual and left no trace on the far side.
    pub(super) fn n_failed_at_once(&self, usual_ns: f64) -> u64 {
        let at_once = |&&(ns, is_seen): &&(i64, bool)| !is_seen && (ns as f64) < AT_ONCE * usual_ns;
        self.failed_ns.iter().filter(at_once).count() as u64
    }
}

fn mean(sum: i128, n: u64) -> i64 {
    i64::try_from(sum / i128::from(n.max(1))).unwrap_or(i64::MAX)
}
