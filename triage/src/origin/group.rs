//! One group of errors against the requests that it occurs in.

use super::{ErrorGroup, ErrorTrend, HOT, N_AFTER_MIN, N_BEFORE_MIN, RISE_MIN, dependency};
use crate::contrast::{Counts, Grid, Split};
use crate::input::{Stretch, Window};
use crate::numbering::Numbering;
use crate::strings::Symbol;
use crate::traces::{SpanKind, Traces};
use std::collections::BTreeMap;

/// Kinds of requests: how many traces began with each, per slot of the grid.
pub(super) struct Entries {
    keys: Vec<(Symbol, Symbol, SpanKind)>,
    /// By place of the trace.
    of_trace: Vec<u32>,
    /// By entry and slot.
    slots: Vec<Vec<u32>>,
    /// By entry: traces of the baselines.
    n_baseline: Vec<u32>,
}

/// The traces in which a group occurs.
pub(super) struct Group {
    /// By entry: traces per slot.
    by_entry: BTreeMap<u32, Vec<u32>>,
    n_by_entry: BTreeMap<u32, usize>,
    n_window: usize,
    n_nearest: usize,
    n_older: usize,
    spans: Vec<u32>,
}

impl Entries {
    /// Counts only the entries of traces in which something fails.
    pub(super) fn of(traces: &Traces, grid: &Grid, origins: impl Iterator<Item = u32>) -> Self {
        let mut numbers = Numbering::new();
        let mut entries =
            Self { keys: Vec::new(), of_trace: Vec::new(), slots: Vec::new(), n_baseline: Vec::new() };
        for trace in traces.traces() {
            let entry = &traces.spans()[trace.entry];
            let key = (entry.service, entry.operation, entry.kind);
            entries.of_trace.push(numbers.number(key));
        }
        entries.keys = numbers.into_keys();
        entries.slots.resize(entries.keys.len(), Vec::new());
        entries.n_baseline.resize(entries.keys.len(), 0);
        let mut fails = vec![false; entries.keys.len()];
        for origin in origins {
            fails[entries.of_trace[traces.spans()[origin as usize].trace as usize] as usize] = true;
        }
        for (trace, entry) in traces.traces().iter().zip(&entries.of_trace) {
            let entry = *entry as usize;
            if fails[entry] && trace.stretch != Stretch::Outside {
                count(&mut entries.slots[entry], grid, trace.started_ns);
                entries.n_baseline[entry] += u32::from(trace.stretch == Stretch::Baseline);
            }
        }
        entries
    }
}

/// The first sighting makes room, so that what is never seen costs nothing.
fn count(slots: &mut Vec<u32>, grid: &Grid, time_ns: i64) {
    slots.resize(grid.n_slots(), 0);
    slots[grid.slot(time_ns)] += 1;
}

impl Group {
    /// The origins are in the order of traces; each trace counts once.
    pub(super) fn of(
        traces: &Traces,
        entries: &Entries,
        grid: &Grid,
        nearest: Option<Window>,
        origins: &[u32],
    ) -> Self {
        let mut group = Self {
            by_entry: BTreeMap::new(),
            n_by_entry: BTreeMap::new(),
            n_window: 0,
            n_nearest: 0,
            n_older: 0,
            spans: Vec::new(),
        };
        let trace_of = |origin: &u32| traces.spans()[*origin as usize].trace;
        for same in origins.chunk_by(|a, b| trace_of(a) == trace_of(b)) {
            let place = trace_of(&same[0]) as usize;
            let trace = &traces.traces()[place];
            let entry = entries.of_trace[place];
            count(group.by_entry.entry(entry).or_default(), grid, trace.started_ns);
            *group.n_by_entry.entry(entry).or_default() += 1;
            match trace.stretch {
                Stretch::Window => {
                    group.n_window += 1;
                    group.spans.push(same[0]);
                }
                _ if nearest.is_some_and(|nearest| nearest.contains(trace.started_ns)) => {
                    group.n_nearest += 1;
                }
                _ => group.n_older += 1,
            }
        }
        group
    }

    /// The strongest split, among requests that were seen often enough before it.
    pub(super) fn judge(&self, entries: &Entries, grid: &Grid) -> Option<Split> {
        let mut best: Option<Split> = None;
        for (split, onset_ns) in grid.splits() {
            let counts = self.counts(entries, split);
            let is_enough = counts.n_before >= N_BEFORE_MIN && counts.k_after >= N_AFTER_MIN;
            if is_enough && counts.rise() >= RISE_MIN {
                let g = counts.g();
                if g > best.map_or(0.0, |best| best.g) {
                    best = Some(Split { g, onset_ns, counts });
                }
            }
        }
        best
    }

    fn counts(&self, entries: &Entries, split: usize) -> Counts {
        let mut counts = Counts::default();
        for (entry, failing) in &self.by_entry {
            let all = &entries.slots[*entry as usize];
            let (n_before, n_after) = both_sides(all, split);
            if n_before < N_BEFORE_MIN {
                continue;
            }
            let (k_before, k_after) = both_sides(failing, split);
            counts.n_before += n_before;
            counts.n_after += n_after;
            counts.k_before += k_before;
            counts.k_after += k_after;
        }
        counts
    }

    pub(super) fn describe(
        self,
        (service, operation, kind, identity): (Symbol, Symbol, SpanKind, String),
        traces: &Traces,
        entries: &Entries,
        judged: Option<Split>,
    ) -> ErrorGroup {
        let mut by_frequency: Vec<(u32, usize)> =
            self.n_by_entry.iter().map(|(entry, n_traces)| (*entry, *n_traces)).collect();
        by_frequency.sort_by_key(|(entry, n_traces)| (usize::MAX - n_traces, entries.keys[*entry as usize]));
        ErrorGroup {
            service,
            operation,
            kind,
            identity,
            g: judged.map_or(0.0, |split| split.g),
            counts: judged.map(|split| split.counts).unwrap_or_default(),
            onset_ns: judged.map(|split| split.onset_ns),
            trend: self.trend(entries, judged),
            n_window: self.n_window,
            n_nearest: self.n_nearest,
            n_older: self.n_older,
            dependency: self.dependency(traces),
            entries: by_frequency.into_iter().map(|(entry, _)| entries.keys[entry as usize]).collect(),
            spans: self.spans,
        }
    }

    fn trend(&self, entries: &Entries, judged: Option<Split>) -> ErrorTrend {
        let is_finding = judged.is_some_and(|split| split.g >= HOT);
        let mut n_baseline = self.by_entry.keys().map(|entry| entries.n_baseline[*entry as usize]);
        match (self.n_nearest, self.n_older) {
            (0, 0) if n_baseline.all(|n_traces| n_traces == 0) => ErrorTrend::NoBaseline,
            (0, 0) => ErrorTrend::New,
            (0, _) => ErrorTrend::Regressed,
            _ if is_finding => ErrorTrend::Escalating,
            _ => ErrorTrend::Steady,
        }
    }

    /// The most frequent name of what was called, the first by name of several.
    fn dependency(&self, traces: &Traces) -> Option<String> {
        let mut names: BTreeMap<String, usize> = BTreeMap::new();
        for name in self.spans.iter().filter_map(|span| dependency(traces, *span as usize)) {
            *names.entry(name).or_default() += 1;
        }
        let mut best: Option<(String, usize)> = None;
        for (name, n_spans) in names {
            if best.as_ref().is_none_or(|(_, most)| n_spans > *most) {
                best = Some((name, n_spans));
            }
        }
        best.map(|(name, _)| name)
    }
}

/// Sightings up to the split and after it.
fn both_sides(slots: &[u32], split: usize) -> (f64, f64) {
    let before = slots.iter().take(split + 1).sum::<u32>();
    let after = slots.iter().skip(split + 1).sum::<u32>();
    (f64::from(before), f64::from(after))
}
