//! Edge blame: which dependency fails or slows down, and whether its caller makes it worse.
//!
//! An edge is a service and what it calls: another service, or a database, queue or host without spans. Times of
//! both sides are held apart by their lengths, never by clocks: what the client took longer than the server is network,
//! queue or pool. Attempts of one logical call are counted together, so that retries are no traffic.

mod calls;
mod hints;
mod sums;
#[cfg(test)]
mod tests;

use crate::input::Stretch;
use crate::strings::Symbol;
use crate::traces::Traces;
use std::collections::BTreeMap;

/// Caller and callee.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Edge {
    pub caller: Symbol,
    pub callee: Callee,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Callee {
    Service(Symbol),
    /// Something that sends no spans; empty where the call does not tell what.
    Peer(String),
}

/// What an edge is blamed for, against the time before.
#[derive(Clone, Debug, PartialEq)]
pub struct EdgeBlame {
    pub edge: Edge,
    pub now: EdgeSums,
    pub before: EdgeSums,
    /// Of the traces of the window that failed at their entry, the share in which a call of this edge failed for good.
    pub share_of_failed: f64,
    /// Mean client time more than before, and how it splits: in the callee, and on the way. They add up; calls
    /// without a server's span are on nobody's side but `unseen_ns`.
    pub excess_ns: i64,
    pub callee_ns: i64,
    pub between_ns: i64,
    pub unseen_ns: i64,
    /// Time lost on this edge per trace of the window: its calls times their excess.
    pub lost_ns_per_trace: i64,
    /// Of the time on the way, how much looks like the caller's doing: 1 where all its calls slowed down alike, 0 where
    /// all callers of the callee did.
    pub share_of_caller: f64,
    /// Most telling first.
    pub hints: Vec<EdgeHint>,
}

/// Sums over the calls of one edge in one stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct EdgeSums {
    /// Calls that were made, and what they were attempts of.
    pub n_attempts: u64,
    pub n_logical: u64,
    pub n_failed_attempts: u64,
    /// Logical calls whose last attempt failed.
    pub n_failed: u64,
    /// Attempts that the caller gave up on, that ended at once without reaching the callee, and that a pool refused.
    pub n_timeouts: u64,
    pub n_refused: u64,
    pub n_pool: u64,
    /// Attempts without a span of the far side.
    pub n_unseen: u64,
    /// Means.
    pub client_ns: i64,
    /// Means over attempts with a span of the far side.
    pub server_ns: i64,
    pub between_ns: i64,
}

/// What explains the failures or the time.
#[derive(Clone, Debug, PartialEq)]
pub enum EdgeHint {
    /// Callers give up; most of them after the same time, where it is told.
    Timeouts {
        n: u64,
        after_ns: Option<i64>,
    },
    /// Attempts per logical call went up: the callee gets more calls than there are requests.
    RetryStorm {
        attempts_per_call: f64,
        before: f64,
    },
    /// Calls fail at once and never reach the callee: an open circuit breaker, or nothing listens there.
    FailFast {
        n: u64,
    },
    /// A pool of connections gave none, by what errors say.
    PoolExhausted {
        n: u64,
    },
    /// The time went up before or after the callee worked, not in it.
    SlowBetween {
        more_ns: i64,
    },
    SlowCallee {
        more_ns: i64,
    },
    /// The callee is called now and was not before.
    New,
}

/// Edges with calls in the window, the guilty first: by the larger of their shares of failed traces and of lost time.
///
/// Each trace counts to the stretch it belongs to. O(spans log spans); memory: some 100 bytes for each call.
pub fn edge_blame(traces: &Traces) -> Vec<EdgeBlame> {
    let calls = calls::read(traces);
    let mut by_edge: BTreeMap<&Edge, [sums::Gathered; 2]> = BTreeMap::new();
    for call in &calls {
        let side = match traces.traces()[call.trace].stretch {
            Stretch::Window => 0,
            Stretch::Baseline => 1,
            Stretch::Outside => continue,
        };
        by_edge.entry(&call.edge).or_default()[side].add(call);
    }
    let n_traces = count_traces(traces, Stretch::Window);
    let n_failed = failed_traces(traces);
    let mut blames: Vec<EdgeBlame> = Vec::new();
    for (edge, [now, before]) in &by_edge {
        if now.sums().n_attempts > 0 {
            blames.push(hints::blame(edge, now, before, n_traces, n_failed));
        }
    }
    hints::share_between(&mut blames);
    let lost: i64 = blames.iter().map(|blame| blame.lost_ns_per_trace.max(0)).sum();
    let guilt = |blame: &EdgeBlame| {
        let of_lost = if lost > 0 { blame.lost_ns_per_trace.max(0) as f64 / lost as f64 } else { 0.0 };
        let more_fails = blame.now.failure_rate() > blame.before.failure_rate();
        of_lost.max(if more_fails { blame.share_of_failed } else { 0.0 })
    };
    blames.sort_by(|a, b| guilt(b).total_cmp(&guilt(a)).then_with(|| a.edge.cmp(&b.edge)));
    blames
}

fn count_traces(traces: &Traces, stretch: Stretch) -> u64 {
    traces.traces().iter().filter(|trace| trace.stretch == stretch).count() as u64
}

/// Traces of the window that failed at their entry.
fn failed_traces(traces: &Traces) -> u64 {
    let of_window = traces.traces().iter().filter(|trace| trace.stretch == Stretch::Window);
    of_window.filter(|trace| traces.spans()[trace.entry].is_error).count() as u64
}

impl EdgeSums {
    /// Of logical calls. 0 without calls.
    pub fn failure_rate(&self) -> f64 {
        crate::statistics::ratio(self.n_failed as f64, self.n_logical as f64)
    }

    /// 1 without retries, and without calls.
    pub fn attempts_per_call(&self) -> f64 {
        if self.n_logical == 0 { 1.0 } else { self.n_attempts as f64 / self.n_logical as f64 }
    }
}
