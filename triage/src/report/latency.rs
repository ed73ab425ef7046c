//! Where the added time of slow requests lies: their critical path beside that of requests before.
//!
//! Requests of one operation are compared, the one that lost most time: a cohort of several would differ by its mix.

use super::requests::{Request, duration, quantile};
use super::words::{count, shortened};
use super::{Latency, Part, Question};
use crate::cohort::{self, CohortLimits, CohortPath, cohort_path};
use crate::input::Symptom;
use crate::strings::Symbol;
use crate::tables::Tables;
use std::collections::BTreeMap;

/// Requests of an operation on either side, without which nothing is compared.
const N_MIN: usize = 5;
/// Share of requests that are faster than the slow ones.
const FASTER_SHARE: f64 = 0.9;
/// How many times longer the slow ones must take than those before.
const SLOWER_TIMES: f64 = 1.2;
/// Parts of one report that have a line of their own.
const PARTS_MAX: usize = 12;
const NAME_CHARS_MAX: usize = 80;

/// Spans of the requests of one operation.
#[derive(Default)]
struct Sides {
    before: Vec<usize>,
    now: Vec<usize>,
    bad: Vec<usize>,
}

/// None where no operation became slower. O(requests log requests), and what the paths cost.
pub(super) fn latency(question: &Question<'_>, tables: &Tables, requests: &[Request]) -> Option<Latency> {
    let mut by_operation: BTreeMap<(Symbol, Symbol), Sides> = BTreeMap::new();
    for request in requests {
        let span = &tables.traces.spans()[request.span];
        let sides = by_operation.entry((span.service, span.operation)).or_default();
        match request.in_window {
            true => sides.now.push(request.span),
            false => sides.before.push(request.span),
        }
        if request.in_window && request.is_bad {
            sides.bad.push(request.span);
        }
    }
    let lost = |sides: &Sides| lost_ns(tables, sides);
    let worst = by_operation.into_iter().max_by(|a, b| lost(&a.1).total_cmp(&lost(&b.1)).then(b.0.cmp(&a.0)));
    let ((service, operation), sides) = worst.filter(|(_, sides)| lost(sides) > 0.0)?;
    let is_told = question.input.scope.symptom == Some(Symptom::Latency) && sides.bad.len() >= N_MIN;
    let slow = if is_told { sides.bad.clone() } else { slowest(tables, &sides.now) };
    let cohort = |spans: &[usize]| -> Vec<cohort::CohortRequest> {
        spans.iter().map(|span| cohort::CohortRequest { span: *span, weight: 1 }).collect()
    };
    let path = cohort_path(&tables.traces, &cohort(&slow), &cohort(&sides.before), &CohortLimits::default());
    let is_slower = path.whole.bad_ns as f64 > SLOWER_TIMES * path.whole.baseline_ns as f64;
    let what = if is_told { "Slow requests" } else { "The slowest tenth" };
    let words = format!(
        "{what} of {} in {}, {} of {}, beside {} before.",
        shortened(tables.strings.text(operation), NAME_CHARS_MAX),
        shortened(tables.strings.text(service), NAME_CHARS_MAX),
        count(path.n_bad as u64),
        count(sides.now.len() as u64),
        count(path.n_baseline as u64)
    );
    is_slower.then(|| told(tables, path, words))
}

/// Time that the requests of the window took in addition, all together; nothing where too few are known.
fn lost_ns(tables: &Tables, sides: &Sides) -> f64 {
    if sides.before.len() < N_MIN || sides.now.len() < N_MIN {
        return 0.0;
    }
    let total = |spans: &[usize]| -> f64 {
        spans.iter().map(|span| duration(&tables.traces.spans()[*span]) as f64).sum()
    };
    let usual = total(&sides.before) / sides.before.len() as f64;
    total(&sides.now) - usual * sides.now.len() as f64
}

fn slowest(tables: &Tables, spans: &[usize]) -> Vec<usize> {
    let length = |span: usize| duration(&tables.traces.spans()[span]);
    let mut lengths: Vec<i64> = spans.iter().map(|span| length(*span)).collect();
    lengths.sort_unstable();
    let from = quantile(&lengths, FASTER_SHARE).unwrap_or(0);
    spans.iter().copied().filter(|span| length(*span) >= from).collect()
}

pub(super) fn told(tables: &Tables, path: CohortPath, cohort: String) -> Latency {
    let CohortPath { n_bad, n_baseline, whole, parts } = path;
    let mut told: Vec<Part> = parts.iter().map(|part| one(tables, part)).collect();
    let rest = told.split_off(told.len().min(PARTS_MAX));
    if !rest.is_empty() {
        let sum = |of: fn(&Part) -> f64| rest.iter().map(of).sum();
        told.push(Part {
            service: format!("{} more", count(rest.len() as u64)),
            operation: String::new(),
            callee: None,
            before_ns: sum(|part| part.before_ns),
            now_ns: sum(|part| part.now_ns),
            share: sum(|part| part.share),
        });
    }
    Latency {
        cohort,
        n_bad: n_bad as u64,
        n_before: n_baseline as u64,
        before_ns: whole.baseline_ns as f64,
        now_ns: whole.bad_ns as f64,
        parts: told,
    }
}

fn one(tables: &Tables, part: &cohort::PathPartExcess) -> Part {
    let text = |symbol: Symbol| tables.strings.text(symbol).to_owned();
    let (service, operation, callee) = match &part.part {
        cohort::PathPart::Work { service, operation } => (text(*service), text(*operation), None),
        cohort::PathPart::Between { caller, callee, operation } => {
            (text(*caller), text(*operation), Some(text(*callee)))
        }
        cohort::PathPart::Unseen { caller, peer } => {
            let peer = if peer.is_empty() { "a peer without a name" } else { peer.as_str() };
            (text(*caller), String::new(), Some(peer.to_owned()))
        }
        cohort::PathPart::Others => ("others".to_owned(), String::new(), None),
    };
    Part {
        service,
        operation,
        callee,
        before_ns: part.excess.baseline_ns as f64,
        now_ns: part.excess.bad_ns as f64,
        share: part.share,
    }
}
