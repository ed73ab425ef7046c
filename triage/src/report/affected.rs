//! Who suffers: services that fail or slow down, and how many calls lie between them and the origin.

use super::requests::{duration, is_entry, quantile};
use super::{Affected, Pair};
use crate::input::Stretch;
use crate::strings::Symbol;
use crate::tables::Tables;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Services of one report: more are a list that nobody reads.
const AFFECTED_MAX: usize = 12;
/// Times the former 95th percentile from which on a service is slow.
const SLOW_TIMES: f64 = 1.5;
/// Share of requests that fail more than before.
const FAILING_SHARE: f64 = 0.01;
/// Requests in the window without which a service is not judged.
const N_REQUESTS_MIN: usize = 5;

/// Entry spans of a service on one side.
#[derive(Default)]
struct Side {
    durations: Vec<i64>,
    n_errors: u64,
}

/// The origin first, then by distance, then by requests. O(spans log spans).
pub(super) fn affected(tables: &Tables, origin: Option<&str>) -> Vec<Affected> {
    let mut sides: BTreeMap<Symbol, [Side; 2]> = BTreeMap::new();
    for (at, span) in tables.traces.spans().iter().enumerate() {
        let side = match tables.traces.traces()[span.trace as usize].stretch {
            Stretch::Baseline => 0,
            Stretch::Window => 1,
            Stretch::Outside => continue,
        };
        if is_entry(tables, at) {
            let sides = &mut sides.entry(span.service).or_default()[side];
            sides.durations.push(duration(span));
            sides.n_errors += u64::from(span.is_error);
        }
    }
    let origin = origin.and_then(|name| tables.strings.find(name));
    let hops = origin.map(|origin| hops(tables, origin)).unwrap_or_default();
    let mut affected: Vec<Affected> = sides
        .into_iter()
        .filter_map(|(service, sides)| {
            let one = one(tables.strings.text(service), sides, hops.get(&service).copied());
            (is_affected(&one) || Some(service) == origin).then_some(one)
        })
        .collect();
    affected.sort_by(|a, b| {
        let distance = |one: &Affected| one.n_hops.unwrap_or(u32::MAX);
        distance(a)
            .cmp(&distance(b))
            .then(b.n_requests.cmp(&a.n_requests))
            .then_with(|| a.service.cmp(&b.service))
    });
    affected.truncate(AFFECTED_MAX);
    affected
}

fn one(service: &str, sides: [Side; 2], n_hops: Option<u32>) -> Affected {
    let [mut before, mut now] = sides;
    let p95 = |side: &mut Side| {
        side.durations.sort_unstable();
        quantile(&side.durations, 0.95).map(|ns| ns as f64)
    };
    let ratio = |side: &Side| {
        let n = side.durations.len();
        (n > 0).then(|| side.n_errors as f64 / n as f64)
    };
    Affected {
        service: service.to_owned(),
        n_hops,
        n_requests: now.durations.len() as u64,
        n_errors: now.n_errors,
        error_ratio: Pair { before: ratio(&before), now: ratio(&now) },
        p95_ns: Pair { before: p95(&mut before), now: p95(&mut now) },
    }
}

fn is_affected(one: &Affected) -> bool {
    let failing = one.error_ratio.now.unwrap_or(0.0) - one.error_ratio.before.unwrap_or(0.0);
    let is_slow =
        one.p95_ns.before.zip(one.p95_ns.now).is_some_and(|(before, now)| now > SLOW_TIMES * before);
    one.n_requests >= N_REQUESTS_MIN as u64 && (failing > FAILING_SHARE || is_slow)
}

/// How many calls lead from each service to the origin.
fn hops(tables: &Tables, origin: Symbol) -> BTreeMap<Symbol, u32> {
    let traces = &tables.traces;
    let mut callers: BTreeMap<Symbol, BTreeSet<Symbol>> = BTreeMap::new();
    for (at, span) in traces.spans().iter().enumerate() {
        if let Some(parent) = traces.parent(at) {
            let caller = traces.spans()[parent].service;
            if caller != span.service {
                callers.entry(span.service).or_default().insert(caller);
            }
        }
    }
    let mut hops = BTreeMap::from([(origin, 0)]);
    let mut open = VecDeque::from([origin]);
    while let Some(service) = open.pop_front() {
        let next = hops[&service] + 1;
        for caller in callers.get(&service).into_iter().flatten() {
            if !hops.contains_key(caller) {
                hops.insert(*caller, next);
                open.push_back(*caller);
            }
        }
    }
    hops
}
