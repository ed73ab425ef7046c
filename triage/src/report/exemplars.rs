//! Traces to look at: typical bad ones, the worst, and a good one beside them.
//!
//! Typical is what lies nearest to the middle of the bad requests, not what is worst: the worst request often suffers from
//! something else as well.

use super::requests::{Request, duration};
use super::{Exemplar, ExemplarKind};
use crate::strings::Symbol;
use crate::tables::Tables;
use std::collections::BTreeSet;

/// Typical bad traces of one report.
const TYPICAL_MAX: usize = 3;

/// O(requests log requests). `origin` is the service that bad traces should have a part of, where it is known.
pub(super) fn exemplars(tables: &Tables, requests: &[Request], origin: Option<&str>) -> Vec<Exemplar> {
    let origin = origin.and_then(|name| tables.strings.find(name));
    let bad: Vec<usize> =
        requests.iter().filter(|one| one.in_window && one.is_bad).map(|one| one.span).collect();
    let seen_at_origin: Vec<usize> = bad
        .iter()
        .copied()
        .filter(|span| origin.is_some_and(|origin| has_service(tables, *span, origin)))
        .collect();
    let bad = if seen_at_origin.is_empty() { bad } else { seen_at_origin };
    let mut chosen: Vec<(usize, ExemplarKind)> = nearest_to_middle(tables, &bad)
        .into_iter()
        .take(TYPICAL_MAX)
        .map(|span| (span, ExemplarKind::Bad))
        .collect();
    let worst = bad
        .iter()
        .copied()
        .max_by_key(|span| (duration(&tables.traces.spans()[*span]), std::cmp::Reverse(*span)));
    chosen.extend(worst.map(|span| (span, ExemplarKind::Worst)));
    if let Some((typical, _)) = chosen.first() {
        let alike = |one: &&Request| !one.is_bad && is_alike(tables, one.span, *typical);
        let good: Vec<usize> = requests.iter().filter(alike).map(|one| one.span).collect();
        chosen.extend(nearest_to_middle(tables, &good).first().map(|span| (*span, ExemplarKind::Good)));
    }
    let mut told = BTreeSet::new();
    chosen.retain(|(span, _)| told.insert(tables.traces.spans()[*span].trace));
    chosen.into_iter().map(|(span, kind)| exemplar(tables, span, kind)).collect()
}

/// By how far their duration is from the median.
pub(super) fn nearest_to_middle(tables: &Tables, spans: &[usize]) -> Vec<usize> {
    let length = |span: usize| duration(&tables.traces.spans()[span]);
    let mut sorted = spans.to_vec();
    sorted.sort_by_key(|span| (length(*span), *span));
    let Some(middle) = sorted.get(sorted.len() / 2).map(|span| length(*span)) else { return sorted };
    sorted.sort_by_key(|span| (length(*span).abs_diff(middle), *span));
    sorted
}

fn is_alike(tables: &Tables, one: usize, other: usize) -> bool {
    let (one, other) = (&tables.traces.spans()[one], &tables.traces.spans()[other]);
    (one.service, one.operation) == (other.service, other.operation)
}

fn has_service(tables: &Tables, span: usize, service: Symbol) -> bool {
    let trace = &tables.traces.traces()[tables.traces.spans()[span].trace as usize];
    tables.traces.spans()[trace.spans.clone()].iter().any(|span| span.service == service)
}

fn exemplar(tables: &Tables, span: usize, kind: ExemplarKind) -> Exemplar {
    let one = &tables.traces.spans()[span];
    let trace = &tables.traces.traces()[one.trace as usize];
    let n_errors = tables.traces.spans()[trace.spans.clone()].iter().filter(|span| span.is_error).count();
    Exemplar {
        trace_id: trace.trace_id,
        kind,
        service: tables.strings.text(one.service).to_owned(),
        operation: tables.strings.text(one.operation).to_owned(),
        started_ns: one.start_ns,
        duration_ns: duration(one),
        n_errors: n_errors as u64,
    }
}
