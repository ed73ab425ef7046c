//! What an edge is blamed for, and what explains it.

use super::sums::Gathered;
use super::{Callee, Edge, EdgeBlame, EdgeHint};
use crate::statistics::ratio;
use crate::strings::Symbol;
use std::collections::BTreeMap;

/// Attempts per logical call, against before, from which on it is a storm.
const STORM_FACTOR: f64 = 1.5;
/// Of failed attempts, the share of one reason from which on it is told.
const TELLING_SHARE: f64 = 0.2;
/// Times must grow by this factor and by this much to be told, or to count as raised.
const SLOWER_FACTOR: f64 = 1.5;
const SLOWER_NS: i64 = 1_000_000;

pub(super) fn blame(
    edge: &Edge,
    now: &Gathered,
    before: &Gathered,
    n_traces: u64,
    n_failed: u64,
) -> EdgeBlame {
    let (sums, sums_before) = (now.sums(), before.sums());
    let mut blame = EdgeBlame {
        edge: edge.clone(),
        now: sums,
        before: sums_before,
        share_of_failed: ratio(now.n_failed_traces() as f64, n_failed as f64),
        excess_ns: 0,
        callee_ns: 0,
        between_ns: 0,
        unseen_ns: 0,
        lost_ns_per_trace: 0,
        share_of_caller: 0.0,
        hints: Vec::new(),
    };
    split_excess(now, before, &mut blame);
    let lost = i128::from(blame.excess_ns) * i128::from(sums.n_attempts) / i128::from(n_traces.max(1));
    blame.lost_ns_per_trace = i64::try_from(lost).unwrap_or(i64::MAX);
    blame.hints = hints(now, before, &blame);
    blame
}

/// Means over all attempts of both sides, so that parts add up: `client = server + between + unseen`.
fn split_excess(now: &Gathered, before: &Gathered, blame: &mut EdgeBlame) {
    let excess = |of: fn(&Gathered) -> i128| {
        let mean = |side: &Gathered| of(side) / i128::from(side.sums().n_attempts.max(1));
        i64::try_from(mean(now) - mean(before)).unwrap_or(i64::MAX)
    };
    blame.excess_ns = excess(Gathered::total_client_ns);
    blame.callee_ns = excess(Gathered::total_server_ns);
    blame.unseen_ns = excess(Gathered::unseen_client_ns);
    blame.between_ns = blame.excess_ns.saturating_sub(blame.callee_ns).saturating_sub(blame.unseen_ns);
}

fn hints(now: &Gathered, before: &Gathered, blame: &EdgeBlame) -> Vec<EdgeHint> {
    let (sums, sums_before) = (blame.now, blame.before);
    let mut hints = Vec::new();
    if sums_before.n_attempts == 0 {
        hints.push(EdgeHint::New);
    }
    let usual_ns = before.usual_ns().or(now.usual_ns()).unwrap_or(0.0);
    let is_telling = |n: u64| n > 0 && n as f64 >= TELLING_SHARE * sums.n_failed_attempts as f64;
    if is_telling(sums.n_pool) && sums.n_pool > sums_before.n_pool {
        hints.push(EdgeHint::PoolExhausted { n: sums.n_pool });
    }
    let at_once = now.n_failed_at_once(usual_ns).max(sums.n_refused);
    if is_telling(at_once) && at_once > before.n_failed_at_once(usual_ns).max(sums_before.n_refused) {
        hints.push(EdgeHint::FailFast { n: at_once });
    }
    let after_ns = now.common_failure_ns(usual_ns);
    let n_timeouts = if after_ns.is_some() { sums.n_timeouts.max(1) } else { sums.n_timeouts };
    if is_telling(n_timeouts) && n_timeouts > sums_before.n_timeouts {
        hints.push(EdgeHint::Timeouts { n: n_timeouts, after_ns });
    }
    let (attempts_per_call, usual) = (sums.attempts_per_call(), sums_before.attempts_per_call());
    if attempts_per_call >= STORM_FACTOR * usual {
        hints.push(EdgeHint::RetryStorm { attempts_per_call, before: usual });
    }
    if is_slower(sums.server_ns, sums_before.server_ns) && sums_before.n_attempts > 0 {
        hints.push(EdgeHint::SlowCallee { more_ns: sums.server_ns - sums_before.server_ns });
    }
    if is_slower(sums.between_ns, sums_before.between_ns) && sums_before.n_attempts > 0 {
        hints.push(EdgeHint::SlowBetween { more_ns: sums.between_ns - sums_before.between_ns });
    }
    hints
}

fn is_slower(now_ns: i64, before_ns: i64) -> bool {
    now_ns.saturating_sub(before_ns) >= SLOWER_NS && now_ns as f64 >= SLOWER_FACTOR * before_ns as f64
}

/// All calls of a starved caller slow down, and all callers of a slow callee: whoever has more of its edges raised has
/// the time on the way. A caller with one raised edge is not suspected.
pub(super) fn share_between(blames: &mut [EdgeBlame]) {
    let mut callers: BTreeMap<Symbol, (u32, u32)> = BTreeMap::new();
    let mut callees: BTreeMap<Callee, (u32, u32)> = BTreeMap::new();
    let is_raised = |blame: &EdgeBlame| {
        let is_known = blame.before.n_attempts > 0;
        is_known && is_slower(blame.now.between_ns, blame.before.between_ns)
    };
    for blame in blames.iter().filter(|blame| matches!(blame.edge.callee, Callee::Service(_))) {
        let raised = u32::from(is_raised(blame));
        let of_caller = callers.entry(blame.edge.caller).or_default();
        *of_caller = (of_caller.0 + raised, of_caller.1 + 1);
        let of_callee = callees.entry(blame.edge.callee.clone()).or_default();
        *of_callee = (of_callee.0 + raised, of_callee.1 + 1);
    }
    for blame in blames {
        let (raised, all) = callers.get(&blame.edge.caller).copied().unwrap_or_default();
        let caller = if raised < 2 { 0.0 } else { ratio(raised.into(), all.into()) };
        let (raised, all) = callees.get(&blame.edge.callee).copied().unwrap_or_default();
        let callee = ratio(raised.into(), all.into());
        blame.share_of_caller = ratio(caller, caller + callee);
    }
}
