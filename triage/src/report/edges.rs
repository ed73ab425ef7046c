//! Calls that fail, slow down or are repeated, as both sides saw them.

use super::words::{count, duration, percent, shortened, times};
use super::{Edge, Pair};
use crate::edges::{Callee, EdgeBlame, EdgeHint, EdgeSums, edge_blame};
use crate::tables::Tables;

/// Edges of one report.
const EDGES_MAX: usize = 8;
/// Calls on either side without which nothing is said.
const N_CALLS_MIN: u64 = 5;
/// What is told: so much more of the calls fail, they take so many times longer, or are tried so much more often.
const FAILED_MORE_MIN: f64 = 0.02;
const SLOWER_TIMES: f64 = 1.5;
const SLOWER_MIN_NS: i64 = 1_000_000;
const ATTEMPTS_MORE_MIN: f64 = 0.2;
const NAME_CHARS_MAX: usize = 80;

/// The guiltiest first. O(spans log spans).
pub(super) fn edges(tables: &Tables) -> Vec<Edge> {
    let blames = edge_blame(&tables.traces);
    let lost: i64 = blames.iter().map(|blame| blame.lost_ns_per_trace.max(0)).sum();
    let told = blames.iter().filter(|blame| is_told(blame)).take(EDGES_MAX);
    told.map(|blame| one(tables, blame, lost)).collect()
}

fn is_told(blame: &EdgeBlame) -> bool {
    let (now, before) = (&blame.now, &blame.before);
    let is_new = blame.hints.contains(&EdgeHint::New);
    if now.n_attempts < N_CALLS_MIN || (before.n_attempts < N_CALLS_MIN && !is_new) {
        return false;
    }
    let is_slow =
        blame.excess_ns >= SLOWER_MIN_NS && now.client_ns as f64 >= SLOWER_TIMES * before.client_ns as f64;
    let fails = now.failure_rate() - before.failure_rate() >= FAILED_MORE_MIN;
    let is_repeated = now.attempts_per_call() - before.attempts_per_call() >= ATTEMPTS_MORE_MIN;
    is_new || is_slow || fails || is_repeated
}

fn one(tables: &Tables, blame: &EdgeBlame, lost: i64) -> Edge {
    let caller = tables.strings.text(blame.edge.caller).to_owned();
    let callee = match &blame.edge.callee {
        Callee::Service(service) => tables.strings.text(*service).to_owned(),
        Callee::Peer(peer) if peer.is_empty() => "a peer without a name".to_owned(),
        Callee::Peer(peer) => peer.clone(),
    };
    let of_lost = if lost > 0 { blame.lost_ns_per_trace.max(0) as f64 / lost as f64 } else { 0.0 };
    let weight = of_lost.max(blame.share_of_failed).min(1.0);
    let pair = |of: fn(&EdgeSums) -> f64| both(blame, of, |sums| sums.n_attempts > 0);
    let answered = |of: fn(&EdgeSums) -> f64| both(blame, of, |sums| sums.n_attempts > sums.n_unseen);
    Edge {
        sentence: sentence(&caller, &callee, blame),
        caller,
        callee,
        weight,
        n_calls: pair(|sums| sums.n_logical as f64),
        caller_ns: pair(|sums| sums.client_ns as f64),
        callee_ns: answered(|sums| sums.server_ns as f64),
        gap_ns: answered(|sums| sums.between_ns as f64),
        attempts: pair(EdgeSums::attempts_per_call),
        failed: pair(EdgeSums::failure_rate),
    }
}

fn both(blame: &EdgeBlame, of: fn(&EdgeSums) -> f64, is_known: fn(&EdgeSums) -> bool) -> Pair {
    let side = |sums: &EdgeSums| is_known(sums).then(|| of(sums));
    Pair { before: side(&blame.before), now: side(&blame.now) }
}

/// "Calls from checkout to inventory: 31.4 % fail, before 0.08 %; they take 1.84 s, before 31 ms; each is tried 3.41
/// times."
fn sentence(caller: &str, callee: &str, blame: &EdgeBlame) -> String {
    let (now, before) = (&blame.now, &blame.before);
    let mut facts = Vec::new();
    if now.failure_rate() - before.failure_rate() >= FAILED_MORE_MIN {
        facts.push(format!(
            "{} fail, before {}",
            percent(now.failure_rate()),
            percent(before.failure_rate())
        ));
    }
    if blame.excess_ns >= SLOWER_MIN_NS && before.n_attempts > 0 {
        let (now_ns, before_ns) = (now.client_ns as f64, before.client_ns as f64);
        facts.push(format!("they take {}, before {}", duration(now_ns), duration(before_ns)));
    }
    facts.extend(blame.hints.iter().filter_map(hint));
    let (caller, callee) = (shortened(caller, NAME_CHARS_MAX), shortened(callee, NAME_CHARS_MAX));
    format!("Calls from {caller} to {callee}: {}.", facts.join("; "))
}

fn hint(hint: &EdgeHint) -> Option<String> {
    Some(match hint {
        EdgeHint::Timeouts { n, after_ns: Some(after_ns) } => {
            format!("{} were given up after {}", count(*n), duration(*after_ns as f64))
        }
        EdgeHint::Timeouts { n, after_ns: None } => format!("{} were given up", count(*n)),
        EdgeHint::RetryStorm { attempts_per_call, before } => {
            format!("each is tried {}, before {}", times(*attempts_per_call), times(*before))
        }
        EdgeHint::FailFast { n } => format!("{} failed at once without reaching it", count(*n)),
        EdgeHint::PoolExhausted { n } => format!("{} got no connection from a pool", count(*n)),
        EdgeHint::SlowBetween { more_ns } => {
            format!("{} more is spent on the way", duration(*more_ns as f64))
        }
        EdgeHint::SlowCallee { more_ns } => format!("{} more is spent in it", duration(*more_ns as f64)),
        EdgeHint::New => "there were none before".to_owned(),
    })
}
