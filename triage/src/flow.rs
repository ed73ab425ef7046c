//! Flow evidence: what spans do next changed, and where a trace first left its usual course.
//!
//! Faults that fail no status (a wrong return, an exception caught too early, a step left out) still change the order
//! in which a span calls, logs and ends. For every span the events are put in order, and for each pair of
//! neighbours it is asked whether the second follows the first more often since some moment. Of the transitions that
//! do, each trace is charged to the first one: what comes later is a consequence.
//!
//! O(E log E) for E events of spans. Memory about 40 bytes per event.

mod events;
#[cfg(test)]
mod tests;

use crate::contrast::{Counts, Grid, Split, strongest_split};
use crate::input::{Limits, Stretch, TriageInput};
use crate::strings::Symbol;
use crate::tables::Tables;
use crate::traces::SpanKind;
pub use events::Step;
use events::{Course, Occurrence, histogram};

/// Bins of the search for the onset.
const N_BINS: usize = 24;
/// Traces before the split without which nothing is judged, and traces after it with the transition.
const N_BEFORE_MIN: f64 = 4.0;
const N_AFTER_MIN: f64 = 2.0;
/// A rise of two counts nothing and one of eight fully: in between lies the drift of ordinary mixes.
const RISE_NONE: f64 = 2.0;
const RISE_FULL: f64 = 8.0;
/// Statistic from which a transition is a finding.
const HOT: f64 = 10.0;
/// An error in the log says more than another order of events.
const ERROR_BOOST: f64 = 1.5;
/// A trace is charged to its first finding that has this share of its strongest one.
const NEARLY_STRONGEST: f64 = 0.7;

/// What the flow tells.
#[derive(Debug, Default)]
pub struct FlowEvidence {
    /// Strongest first.
    pub findings: Vec<FlowFinding>,
    /// Share of traces looked at, 1.0 unless there were more events than the limit.
    pub kept: f64,
}

/// A transition that became frequent, and how many traces left their course with it.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowFinding {
    pub service: Symbol,
    pub operation: Symbol,
    pub kind: SpanKind,
    pub previous: Step,
    pub next: Step,
    /// What it is worth as evidence, before the logarithm.
    pub credit: f64,
    /// Weighted statistic of the contrast.
    pub g: f64,
    pub counts: Counts,
    pub onset_ns: i64,
    /// Traces of the window that first left their course here.
    pub n_charged: usize,
    /// Traces of the window that hold the transition.
    pub n_traces: usize,
    /// Places of the spans in which the charged traces left their course, by trace.
    pub spans: Vec<u32>,
}

/// Traces that are explained already, by place, are left out.
pub fn flow(input: &TriageInput<'_>, tables: &Tables, limits: &Limits, explained: &[bool]) -> FlowEvidence {
    let grid = Grid::since_baseline(input, N_BINS);
    let course = Course::of(tables, limits, &grid, explained);
    let hot = hot_transitions(&course, &grid, tables);
    let mut charges: Vec<Charge> = hot.iter().map(|_| Charge::default()).collect();
    for trace in course.occurrences.chunk_by(|a, b| a.trace == b.trace) {
        charge(trace, &hot, &mut charges);
    }
    let found = hot.iter().enumerate().filter_map(|(transition, split)| Some((transition, (*split)?)));
    let mut findings: Vec<FlowFinding> = found
        .map(|(transition, split)| {
            finding(&course, transition, split, std::mem::take(&mut charges[transition]))
        })
        .collect();
    findings.sort_by(|a, b| b.credit.total_cmp(&a.credit).then(b.g.total_cmp(&a.g)));
    FlowEvidence { findings, kept: course.kept }
}

#[derive(Debug, Default)]
struct Charge {
    n_traces: usize,
    spans: Vec<u32>,
}

/// By transition: its best split, where that is a finding.
fn hot_transitions(course: &Course, grid: &Grid, tables: &Tables) -> Vec<Option<Split>> {
    let mut by_context: Vec<usize> = (0..course.transitions.len()).collect();
    by_context.sort_by_key(|transition| course.transitions[*transition].context);
    let (mut hits, mut trials) = (vec![0.0; grid.n_slots()], vec![0.0; grid.n_slots()]);
    let mut counted = None;
    let mut hot = vec![None; course.transitions.len()];
    for transition in by_context {
        let of = course.transitions[transition];
        if counted != Some(of.context) {
            histogram(course.by_context.of(of.context as usize), &mut trials);
            counted = Some(of.context);
        }
        histogram(course.by_transition.of(transition), &mut hits);
        let split = strongest_split(grid, &hits, &trials, weight);
        let boost = if of.next.is_error(&tables.logs) { ERROR_BOOST } else { 1.0 };
        let boosted = split.map(|split| Split { g: split.g * boost, ..split });
        hot[transition] = boosted.filter(|split| split.g >= HOT);
    }
    hot
}

fn weight(counts: &Counts) -> Option<f64> {
    let is_enough = counts.n_before >= N_BEFORE_MIN && counts.k_after >= N_AFTER_MIN;
    let rise = counts.rise();
    let is_rise = is_enough && rise > 1.0;
    is_rise.then(|| counts.g() * ((rise / RISE_NONE).ln() / (RISE_FULL / RISE_NONE).ln()).clamp(0.0, 1.0))
}

/// Charges a trace to its earliest transition that is not much weaker than its strongest.
fn charge(trace: &[Occurrence], hot: &[Option<Split>], charges: &mut [Charge]) {
    let g = |of: &Occurrence| hot[of.transition as usize].map(|split| split.g);
    let mut found: Vec<&Occurrence> = trace.iter().filter(|of| g(of).is_some()).collect();
    found.sort_by_key(|of| (of.time_ns, of.transition, of.span));
    let strongest = found.iter().filter_map(|of| g(of)).fold(0.0, f64::max);
    let first = found.iter().find(|of| g(of).is_some_and(|g| g >= NEARLY_STRONGEST * strongest));
    if let Some(first) = first {
        charges[first.transition as usize].spans.push(first.span);
    }
    found.sort_by_key(|of| of.transition);
    found.dedup_by_key(|of| of.transition);
    for of in found {
        charges[of.transition as usize].n_traces += 1;
    }
}

fn finding(course: &Course, transition: usize, split: Split, charge: Charge) -> FlowFinding {
    let of = course.transitions[transition];
    let context = course.contexts[of.context as usize];
    let n_charged = charge.spans.len();
    FlowFinding {
        service: context.service,
        operation: context.operation,
        kind: context.kind,
        previous: context.previous,
        next: of.next,
        credit: split.g * n_charged as f64 / charge.n_traces.max(1) as f64,
        g: split.g,
        counts: split.counts,
        onset_ns: split.onset_ns,
        n_charged,
        n_traces: charge.n_traces,
        spans: charge.spans,
    }
}

/// Is a trace compared at all?
fn is_compared(stretch: Stretch) -> bool {
    stretch != Stretch::Outside
}
