//! The events of spans in their order, and the transitions between neighbours.

use super::is_compared;
use crate::contrast::Grid;
use crate::input::{Limits, Stretch};
use crate::logs::Logs;
use crate::numbering::{Grouped, Numbering};
use crate::strings::Symbol;
use crate::tables::Tables;
use crate::traces::{SpanKind, Traces, is_kept};

/// Something that happens in a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The span begins.
    Start,
    /// A line is logged; place of its template.
    Log(u32),
    /// A child begins in the same service, or one of several children.
    Child(Symbol, SpanKind),
    /// A call to another service.
    Call {
        operation: Symbol,
        kind: SpanKind,
        callee: Symbol,
        callee_operation: Symbol,
        callee_kind: SpanKind,
    },
    /// The span ends.
    End,
}

/// What is looked at before something follows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context {
    pub(super) service: Symbol,
    pub(super) operation: Symbol,
    pub(super) kind: SpanKind,
    pub(super) previous: Step,
}

/// A step that follows in a context.
#[derive(Clone, Copy, Debug)]
pub(super) struct Transition {
    /// Place of the context.
    pub(super) context: u32,
    pub(super) next: Step,
}

/// A transition in a trace of the window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Occurrence {
    pub(super) time_ns: i64,
    pub(super) trace: u32,
    pub(super) transition: u32,
    pub(super) span: u32,
}

/// All transitions of all traces that are compared.
#[derive(Debug)]
pub(super) struct Course {
    pub(super) contexts: Vec<Context>,
    pub(super) transitions: Vec<Transition>,
    /// Sightings: what, and in which bin.
    pub(super) by_context: Grouped<(u32, u8)>,
    pub(super) by_transition: Grouped<(u32, u8)>,
    /// Of the window only, trace by trace.
    pub(super) occurrences: Vec<Occurrence>,
    pub(super) kept: f64,
}

/// In which bins things were seen, once per trace.
#[derive(Debug, Default)]
struct Sightings {
    /// Thing and bin, in the order of traces.
    seen: Vec<(u32, u8)>,
    /// The last trace that a thing was seen in, counted from 1.
    last_trace: Vec<u32>,
}

/// Collects transitions; numbers follow the order of traces and time, which no order of rows changes.
struct Builder {
    /// Service, operation and kind.
    owners: Numbering<(Symbol, Symbol, SpanKind)>,
    steps: Numbering<Step>,
    /// Owner and step.
    contexts: Numbering<(u32, u32)>,
    /// Context and step.
    transitions: Numbering<(u32, u32)>,
    by_context: Sightings,
    by_transition: Sightings,
    occurrences: Vec<Occurrence>,
}

impl Step {
    /// Is it a template of lines that are mostly errors?
    pub(super) fn is_error(self, logs: &Logs) -> bool {
        match self {
            Self::Log(template) => logs.templates()[template as usize].is_error,
            _ => false,
        }
    }

    /// The step that a span is in its parent.
    fn of_child(traces: &Traces, child: usize) -> Self {
        let span = &traces.spans()[child];
        match traces.callee(child).map(|callee| &traces.spans()[callee]) {
            Some(callee) => Self::Call {
                operation: span.operation,
                kind: span.kind,
                callee: callee.service,
                callee_operation: callee.operation,
                callee_kind: callee.kind,
            },
            None => Self::Child(span.operation, span.kind),
        }
    }
}

impl Course {
    pub(super) fn of(tables: &Tables, limits: &Limits, grid: &Grid, explained: &[bool]) -> Self {
        let traces = &tables.traces;
        let lines = lines_by_span(tables);
        let n_events = 2 * traces.spans().len() + lines.len();
        let kept = (limits.n_events_max as f64 / n_events.max(1) as f64).min(1.0).min(tables.logs.kept);
        let mut builder = Builder {
            owners: Numbering::new(),
            steps: Numbering::new(),
            contexts: Numbering::new(),
            transitions: Numbering::new(),
            by_context: Sightings::default(),
            by_transition: Sightings::default(),
            occurrences: Vec::new(),
        };
        let mut steps = Vec::new();
        for (at, trace) in traces.traces().iter().enumerate() {
            let is_explained = explained.get(at).copied().unwrap_or(false);
            if is_explained
                || !is_compared(trace.stretch)
                || !is_kept(u128::from_be_bytes(trace.trace_id), kept)
            {
                continue;
            }
            let slot = grid.slot(trace.started_ns) as u8;
            let in_window = trace.stretch == Stretch::Window;
            for span in trace.spans.clone().filter(|span| traces.callee(*span).is_none()) {
                events(tables, &lines, span, &mut steps);
                builder.walk(traces, span, &steps, (at as u32, slot, in_window));
            }
        }
        builder.finish(kept)
    }
}

/// Lines that were written in a span: span, then place of the line, which is by time.
fn lines_by_span(tables: &Tables) -> Vec<(u32, u32)> {
    let lines = tables.logs.lines().iter().enumerate();
    let mut by_span: Vec<_> = lines.filter_map(|(at, line)| Some((line.span?, at as u32))).collect();
    by_span.sort_unstable();
    by_span
}

/// What happens in a span, by time: lines before calls of the same moment, the end last of all.
fn events(tables: &Tables, lines: &[(u32, u32)], span: usize, steps: &mut Vec<(i64, Step)>) {
    let traces = &tables.traces;
    steps.clear();
    let first = lines.partition_point(|(owner, _)| (*owner as usize) < span);
    for (_, line) in lines[first..].iter().take_while(|(owner, _)| *owner as usize == span) {
        let line = &tables.logs.lines()[*line as usize];
        steps.push((line.time_ns, Step::Log(line.template)));
    }
    let has_lines = !steps.is_empty();
    for &child in traces.children(span) {
        steps.push((traces.spans()[child as usize].start_ns, Step::of_child(traces, child as usize)));
    }
    if has_lines {
        // Stable: both halves are by time already.
        steps.sort_by_key(|(time_ns, _)| *time_ns);
    }
    steps.push((traces.spans()[span].end_ns, Step::End));
}

impl Builder {
    fn walk(
        &mut self,
        traces: &Traces,
        span: usize,
        steps: &[(i64, Step)],
        (trace, slot, in_window): (u32, u8, bool),
    ) {
        let of = &traces.spans()[span];
        let owner = self.owners.number((of.service, of.operation, of.kind));
        let mut previous = self.steps.number(Step::Start);
        for &(time_ns, next) in steps {
            let next = self.steps.number(next);
            let context = self.contexts.number((owner, previous));
            let transition = self.transitions.number((context, next));
            self.by_context.see(context, trace, slot);
            self.by_transition.see(transition, trace, slot);
            if in_window {
                self.occurrences.push(Occurrence { time_ns, trace, transition, span: span as u32 });
            }
            previous = next;
        }
    }

    fn finish(self, kept: f64) -> Course {
        let (owners, steps) = (self.owners.into_keys(), self.steps.into_keys());
        let context = |&(owner, previous): &(u32, u32)| {
            let (service, operation, kind) = owners[owner as usize];
            Context { service, operation, kind, previous: steps[previous as usize] }
        };
        let transition = |&(context, next): &(u32, u32)| Transition { context, next: steps[next as usize] };
        let contexts: Vec<_> = self.contexts.into_keys().iter().map(context).collect();
        let transitions: Vec<_> = self.transitions.into_keys().iter().map(transition).collect();
        Course {
            by_context: self.by_context.grouped(contexts.len()),
            by_transition: self.by_transition.grouped(transitions.len()),
            contexts,
            transitions,
            occurrences: self.occurrences,
            kept,
        }
    }
}

impl Sightings {
    fn see(&mut self, thing: u32, trace: u32, slot: u8) {
        let thing_at = thing as usize;
        if self.last_trace.len() <= thing_at {
            self.last_trace.resize(thing_at + 1, 0);
        }
        if self.last_trace[thing_at] != trace + 1 {
            self.last_trace[thing_at] = trace + 1;
            self.seen.push((thing, slot));
        }
    }

    fn grouped(self, n_things: usize) -> Grouped<(u32, u8)> {
        Grouped::new(&self.seen, n_things, |(thing, _)| *thing)
    }
}

/// Counts sightings per bin.
pub(super) fn histogram(seen: &[(u32, u8)], slots: &mut [f64]) {
    slots.fill(0.0);
    for (_, slot) in seen {
        slots[*slot as usize] += 1.0;
    }
}
