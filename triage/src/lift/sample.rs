//! Which requests are looked at: all of them, or those with the smallest hashes.

use super::{LiftLimits, LiftMember, LiftSide};
use crate::statistics::{Share, g_of_excess, hash_of_trace, ratio};
use crate::traces::Traces;

/// Requests with their members: bad ones, then the rest, then those before.
pub(super) struct Sample {
    spans: Vec<u32>,
    /// Members of request `i` are `spans[first[i]..first[i + 1]]`.
    first: Vec<u32>,
    pub(super) n_bad: usize,
    pub(super) n_rest: usize,
    pub(super) n_before: usize,
    /// Requests on each side before sampling.
    pub(super) n_all: [usize; 3],
    /// Neither side is what went wrong: nothing is a symptom.
    pub(super) is_difference: bool,
}

/// On how many requests of each side something was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) bad: u32,
    pub(super) rest: u32,
    pub(super) before: u32,
}

/// A request before sampling: a range of the sorted members.
struct Request {
    hash: u64,
    from: usize,
    to: usize,
}

/// O(n log n) for n members.
pub(super) fn draw(
    traces: &Traces,
    members: &[LiftMember],
    limits: &LiftLimits,
    is_difference: bool,
) -> Sample {
    let mut members = members.to_vec();
    members.sort_unstable();
    members.dedup_by_key(|member| member.span);
    let mut sides: [Vec<Request>; 3] = Default::default();
    let mut from = 0;
    for of_trace in members.chunk_by(|a, b| trace_of(traces, a) == trace_of(traces, b)) {
        let side = of_trace.iter().map(|member| member.side).min().unwrap_or(LiftSide::Rest);
        let hash = hash_of_trace(&traces.traces()[trace_of(traces, &of_trace[0])].trace_id);
        sides[side as usize].push(Request { hash, from, to: from + of_trace.len() });
        from += of_trace.len();
    }
    let n_all = [sides[0].len(), sides[1].len(), sides[2].len()];
    let n_max = [limits.n_bad_max, limits.n_rest_max, limits.n_rest_max / 4];
    for (requests, n_max) in sides.iter_mut().zip(n_max) {
        keep(requests, n_max, limits.n_members_max);
    }
    let mut sample = Sample {
        spans: Vec::new(),
        first: vec![0],
        n_bad: sides[0].len(),
        n_rest: sides[1].len(),
        n_before: sides[2].len(),
        n_all,
        is_difference,
    };
    for request in sides.iter().flatten() {
        sample.spans.extend(members[request.from..request.to].iter().map(|member| member.span as u32));
        sample.first.push(sample.spans.len() as u32);
    }
    sample
}

fn trace_of(traces: &Traces, member: &LiftMember) -> usize {
    traces.spans()[member.span].trace as usize
}

/// Those with the smallest hashes, in their old order.
fn keep(requests: &mut Vec<Request>, n_max: usize, n_members_max: usize) {
    let n_members: usize = requests.iter().map(|request| request.to - request.from).sum();
    let share = ratio(n_members_max as f64, n_members as f64).min(1.0);
    let n_max = n_max.min((share * requests.len() as f64).ceil() as usize);
    if requests.len() > n_max {
        requests.sort_unstable_by_key(|request| (request.hash, request.from));
        requests.truncate(n_max);
        requests.sort_unstable_by_key(|request| request.from);
    }
}

impl Sample {
    pub(super) fn n_requests(&self) -> usize {
        self.first.len() - 1
    }

    pub(super) fn members(&self, request: usize) -> &[u32] {
        &self.spans[self.first[request] as usize..self.first[request + 1] as usize]
    }

    /// `None` for requests before: these are not compared.
    pub(super) fn is_bad(&self, request: usize) -> Option<bool> {
        (request < self.n_bad + self.n_rest).then_some(request < self.n_bad)
    }

    pub(super) fn totals(&self) -> Counts {
        Counts { bad: self.n_bad as u32, rest: self.n_rest as u32, before: self.n_before as u32 }
    }

    /// How strongly requests with something are bad more often than those without.
    pub(super) fn g(&self, with: Counts) -> f64 {
        let without = self.totals().without(with);
        g_of_excess(with.share_bad(), without.share_bad())
    }

    /// Shares of all requests, not of the sample, where bad ones are more frequent.
    pub(super) fn precision(&self, with: Counts) -> f64 {
        let (bad, all) = self.scaled(with);
        ratio(bad, all)
    }

    pub(super) fn weighted_accuracy(&self, with: Counts) -> f64 {
        let ((bad, all), (n_bad, n_all)) = (self.scaled(with), self.scaled(self.totals()));
        ratio(all, n_all) * (ratio(bad, all) - ratio(n_bad, n_all))
    }

    /// Bad requests and all requests that this many of the sample stand for.
    fn scaled(&self, counts: Counts) -> (f64, f64) {
        let bad = f64::from(counts.bad) * ratio(self.n_all[0] as f64, self.n_bad as f64);
        let rest = f64::from(counts.rest) * ratio(self.n_all[1] as f64, self.n_rest as f64);
        (bad, bad + rest)
    }
}

impl Counts {
    pub(super) fn add(&mut self, side: Option<bool>) {
        match side {
            Some(true) => self.bad += 1,
            Some(false) => self.rest += 1,
            None => self.before += 1,
        }
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self { bad: self.bad + other.bad, rest: self.rest + other.rest, before: self.before + other.before }
    }

    pub(super) fn without(self, other: Self) -> Self {
        Self {
            bad: self.bad.saturating_sub(other.bad),
            rest: self.rest.saturating_sub(other.rest),
            before: self.before.saturating_sub(other.before),
        }
    }

    /// Of requests that are compared, the bad ones.
    pub(super) fn share_bad(self) -> Share {
        Share { k: u64::from(self.bad), n: u64::from(self.bad) + u64::from(self.rest) }
    }

    pub(super) fn compared(self) -> u32 {
        self.bad + self.rest
    }
}
