//! Exclusive times of spans, summed up per unit and trace.

use super::Unit;
use crate::contrast::Grid;
use crate::input::Stretch;
use crate::numbering::Numbering;
use crate::strings::Symbol;
use crate::traces::{Traces, most_common};

/// What a trace spent in a unit.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sample {
    pub(super) unit: u32,
    pub(super) trace: u32,
    /// Per span.
    pub(super) mean_ms: f64,
    pub(super) total_ms: f64,
    pub(super) slot: u8,
    /// One of the unit's spans in the trace.
    pub(super) span: u32,
}

/// All units, and their samples trace by trace.
pub(super) fn samples(traces: &Traces, grid: &Grid) -> (Vec<Unit>, Vec<Sample>) {
    let mut units = Numbering::new();
    let mut samples = Vec::new();
    let mut of_trace: Vec<(u32, u32, f64)> = Vec::new();
    for (at, trace) in traces.traces().iter().enumerate() {
        if trace.stretch == Stretch::Outside {
            continue;
        }
        of_trace.clear();
        for span in trace.spans.clone() {
            of_trace.push((
                units.number(unit(traces, span)),
                span as u32,
                exclusive_ns(traces, span) as f64 / 1e6,
            ));
        }
        // Stable: spans of a unit stay in the order of their start.
        of_trace.sort_by_key(|(unit, ..)| *unit);
        let slot = grid.slot(trace.started_ns) as u8;
        for of_unit in of_trace.chunk_by(|a, b| a.0 == b.0) {
            let total_ms: f64 = of_unit.iter().map(|(.., ms)| ms).sum();
            let mean_ms = total_ms / of_unit.len() as f64;
            let (unit, span, _) = of_unit[0];
            samples.push(Sample { unit, trace: at as u32, mean_ms, total_ms, slot, span });
        }
    }
    (units.into_keys(), samples)
}

fn unit(traces: &Traces, span: usize) -> Unit {
    let of = &traces.spans()[span];
    match traces.callee(span).map(|callee| &traces.spans()[callee]) {
        Some(callee) => Unit::Gap { caller: of.service, callee: callee.service, operation: callee.operation },
        None => Unit::Own { service: of.service, operation: of.operation },
    }
}

/// Duration without what children cover of it; a child outside covers nothing. O(children).
pub(crate) fn exclusive_ns(traces: &Traces, span: usize) -> i64 {
    let of = &traces.spans()[span];
    let mut covered_to = of.start_ns;
    let mut covered: i128 = 0;
    for &child in traces.children(span) {
        let child = &traces.spans()[child as usize];
        let from = child.start_ns.max(covered_to);
        let to = child.end_ns.min(of.end_ns);
        if from < to {
            covered += i128::from(to) - i128::from(from);
            covered_to = to;
        }
    }
    let exclusive = i128::from(of.end_ns) - i128::from(of.start_ns) - covered;
    i64::try_from(exclusive).unwrap_or(i64::MAX)
}

/// The trace of the window that spent most time, the first of several.
pub(super) fn slowest(samples: &[Sample], traces: &Traces) -> Option<u32> {
    let mut slowest: Option<&Sample> = None;
    for sample in of_window(samples, traces) {
        if slowest.is_none_or(|slowest| sample.total_ms > slowest.total_ms) {
            slowest = Some(sample);
        }
    }
    slowest.map(|sample| sample.trace)
}

/// The instance that serves most of the window's traces, if two thirds of them. Of a gap it is the caller's.
pub(super) fn instance(samples: &[Sample], traces: &Traces) -> Symbol {
    let instances = of_window(samples, traces).map(|sample| traces.spans()[sample.span as usize].instance);
    most_common(instances)
}

fn of_window<'a>(samples: &'a [Sample], traces: &'a Traces) -> impl Iterator<Item = &'a Sample> {
    samples.iter().filter(|sample| traces.traces()[sample.trace as usize].stretch == Stretch::Window)
}
