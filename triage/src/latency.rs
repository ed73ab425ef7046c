//! Latency evidence: whose own time per request grew, and which side of a call it is to be charged to.
//!
//! The exclusive time of a span is what its children do not cover. Of a client span it is the gap between both
//! sides of a call, which belongs to the edge. For every unit (an operation's own time, or the gap of a call)
//! the logarithms before and after a split are compared, and the lower bound of their difference counts, so that
//! few requests and scattered times claim little.
//!
//! A slow edge alone does not say whose fault it is: a starved caller is slow in all its calls, a slow callee in
//! all calls to it. Each edge is shared between both in proportion.
//!
//! O(S log S) for S spans. Memory 32 bytes per unit and trace.

mod charge;
#[cfg(test)]
mod tests;
mod units;

use crate::contrast::Grid;
use crate::input::TriageInput;
use crate::numbering::Grouped;
use crate::strings::Symbol;
use crate::tables::Tables;
use charge::{charged_edges, weighted_means};
use units::{Sample, samples};

/// Bins of the search for the onset.
const N_BINS: usize = 12;
/// Traces on each side of a split.
const N_BEFORE_MIN: f64 = 3.0;
const N_AFTER_MIN: f64 = 2.0;
/// Milliseconds that are added to every time before the logarithm: below it lies what clocks and schedulers do.
const FLOOR_MS: f64 = 0.1;
/// Squared deviations that are assumed beside the measured ones, so that small samples are not trusted.
const ASSUMED_SQUARES: f64 = 0.1;
/// Standard errors between the difference and its lower bound.
const BOUND_ERRORS: f64 = 3.0;
/// Excess in milliseconds that counts half: a large ratio of a tiny time is no incident.
const HALF_EXCESS_MS: f64 = 1.0;

/// What the durations tell.
#[derive(Debug, Default)]
pub struct LatencyEvidence {
    /// Units of the window, the most convincing first.
    pub units: Vec<UnitLatency>,
    /// Own time per service, by symbol.
    pub services: Vec<(Symbol, f64)>,
    /// Calls between services, by symbols of caller and callee.
    pub edges: Vec<EdgeLatency>,
}

/// What time is measured of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// Of a service's operation, outside of all it waits for.
    Own { service: Symbol, operation: Symbol },
    /// Between both sides of a call: network, queues, connecting.
    Gap { caller: Symbol, callee: Symbol, operation: Symbol },
}

/// A unit before and after the split at which it grew most clearly.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitLatency {
    pub unit: Unit,
    /// Lower bound of the logarithm of the ratio, reduced where the excess is tiny. 0: no growth.
    pub growth: f64,
    /// Mean time per trace, in milliseconds.
    pub before_ms: f64,
    pub after_ms: f64,
    pub n_before: f64,
    pub n_after: f64,
    /// `None` where no split left enough on both sides.
    pub onset_ns: Option<i64>,
    /// The trace of the window that spent most time in it; `None` without growth.
    pub slowest_trace: Option<u32>,
    /// The instance that most of its samples of the window come from, if two thirds do.
    pub instance: Symbol,
    /// Weight of the unit among others: its time after the split.
    total_ms: f64,
}

/// A call between services, and how its growth is shared.
#[derive(Clone, Debug, PartialEq)]
pub struct EdgeLatency {
    pub caller: Symbol,
    pub callee: Symbol,
    /// Mean growth of its gaps.
    pub growth: f64,
    /// Parts of evidence: against the caller and against the callee.
    pub to_caller: f64,
    pub to_callee: f64,
}

impl UnitLatency {
    /// How much of its service's or edge's growth it stands for.
    pub(crate) fn weighted_growth(&self) -> f64 {
        self.growth * self.total_ms
    }
}

impl LatencyEvidence {
    /// Evidence against a service: its own time, its calls, and calls to it. The parts add up to the whole.
    pub fn of_service(&self, service: Symbol) -> f64 {
        let own = self.services.iter().filter(|(of, _)| *of == service).map(|(_, growth)| growth);
        let calls = self.edges.iter().filter(|edge| edge.caller == service).map(|edge| edge.to_caller);
        let called = self.edges.iter().filter(|edge| edge.callee == service).map(|edge| edge.to_callee);
        own.copied().chain(calls).chain(called).sum()
    }
}

/// Compares exclusive times with the baselines.
pub fn latency(input: &TriageInput<'_>, tables: &Tables) -> LatencyEvidence {
    let grid = Grid::since_baseline(input, N_BINS);
    let (units, samples) = samples(&tables.traces, &grid);
    let by_unit = Grouped::new(&samples, units.len(), |sample| sample.unit);
    let contrasts = units.iter().enumerate().map(|(at, unit)| contrast(*unit, by_unit.of(at), &grid, tables));
    let mut units: Vec<UnitLatency> = contrasts.collect();
    units.sort_by_key(|of| of.unit);
    let services = weighted_means(&units, |unit| match unit {
        Unit::Own { service, .. } => Some(service),
        Unit::Gap { .. } => None,
    });
    let edges = charged_edges(weighted_means(&units, |unit| match unit {
        Unit::Gap { caller, callee, .. } => Some((caller, callee)),
        Unit::Own { .. } => None,
    }));
    units.sort_by(|a, b| b.growth.total_cmp(&a.growth));
    LatencyEvidence { units, services, edges }
}

/// Sums over the samples of one side.
#[derive(Clone, Copy, Default)]
struct Side {
    n: f64,
    logs: f64,
    squares: f64,
    total_ms: f64,
}

impl Side {
    fn add(&mut self, sample: &Sample) {
        let log = (sample.mean_ms + FLOOR_MS).ln();
        self.n += 1.0;
        self.logs += log;
        self.squares += log * log;
        self.total_ms += sample.total_ms;
    }

    fn plus(self, other: Self) -> Self {
        Self {
            n: self.n + other.n,
            logs: self.logs + other.logs,
            squares: self.squares + other.squares,
            total_ms: self.total_ms + other.total_ms,
        }
    }

    fn mean(self) -> f64 {
        self.logs / self.n.max(1.0)
    }

    fn mean_ms(self) -> f64 {
        self.total_ms / self.n.max(1.0)
    }

    fn variance(self) -> f64 {
        (self.squares / self.n.max(1.0) - self.mean() * self.mean()).max(0.0)
    }
}

/// Difference of means and its standard error.
fn difference(before: Side, after: Side) -> (f64, f64) {
    let squares = before.n * before.variance() + after.n * after.variance() + ASSUMED_SQUARES;
    let variance = squares / (before.n + after.n - 2.0).max(1.0);
    let error = (variance * (1.0 / before.n.max(1.0) + 1.0 / after.n.max(1.0))).sqrt();
    (after.mean() - before.mean(), error)
}

fn contrast(unit: Unit, samples: &[Sample], grid: &Grid, tables: &Tables) -> UnitLatency {
    let mut slots = vec![Side::default(); grid.n_slots()];
    for sample in samples {
        slots[sample.slot as usize].add(sample);
    }
    let sides = |split: usize| {
        let sum = |slots: &[Side]| slots.iter().fold(Side::default(), |sum, slot| sum.plus(*slot));
        (sum(&slots[..=split]), sum(&slots[split + 1..]))
    };
    let mut best: Option<(f64, usize, i64)> = None;
    for (split, onset_ns) in grid.splits() {
        let (before, after) = sides(split);
        if before.n < N_BEFORE_MIN || after.n < N_AFTER_MIN {
            continue;
        }
        let (growth, error) = difference(before, after);
        if best.is_none_or(|(clearest, ..)| growth / error > clearest) {
            best = Some((growth / error, split, onset_ns));
        }
    }
    let (before, after) = sides(best.map_or(0, |(_, split, _)| split));
    let excess_ms = (after.mean_ms() - before.mean_ms()).max(0.0);
    let bound = best.map_or(0.0, |_| {
        let (growth, error) = difference(before, after);
        (growth - BOUND_ERRORS * error).max(0.0)
    });
    let growth = bound * excess_ms / (excess_ms + HALF_EXCESS_MS);
    // What shows a growth is looked for only where there is one.
    let shown = if growth > 0.0 { samples } else { &[] };
    UnitLatency {
        unit,
        growth,
        before_ms: before.mean_ms(),
        after_ms: after.mean_ms(),
        n_before: before.n,
        n_after: after.n,
        onset_ns: best.map(|(.., onset_ns)| onset_ns),
        slowest_trace: units::slowest(shown, &tables.traces),
        instance: units::instance(shown, &tables.traces),
        total_ms: after.total_ms,
    }
}
