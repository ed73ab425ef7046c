//! The events of spans in their order, and the transitions between neighbours.

use super::is_compared;
use crate::contrast::Grid;
use crate::input::{Limits, Stretch};
use crate::logs::Logs;
use crate::strings::Symbol;
use crate::tables::Tables;
use crate::traces::{SpanKind, Traces, is_kept};
use std::collections::HashMap;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Context {
    pub(super) service: Symbol,
    pub(super) operation: Symbol,
    pub(super) kind: SpanKind,
    pub(super) previous: Step,
}

/// A step that follows in a context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
    pub(super) context_keys: Vec<Context>,
    pub(super) transitions: Vec<Transition>,
    pub(super) contexts: Sightings,
    pub(super) by_transition: Sightings,
    /// Of the window only, trace by trace.
    pub(super) occurrences: Vec<Occurrence>,
    pub(super) kept: f64,
}

/// In which bins things were seen, once per trace.
#[derive(Debug, Default)]
pub(super) struct Sightings {
    /// Thing and bin, in the order of traces until [`sort`](Self::sort).
    seen: Vec<(u32, u8)>,
    /// The last trace that a thing was seen in, counted from 1.
    last_trace: Vec<u32>,
    /// The sightings of thing `i` are `seen[first[i]..first[i + 1]]`.
    first: Vec<u32>,
}

/// Collects transitions; numbers follow the order of traces and time, which no order of rows changes.
#[derive(Default)]
struct Builder {
    context_numbers: HashMap<Context, u32>,
    transition_numbers: HashMap<Transition, u32>,
    context_keys: Vec<Context>,
    transitions: Vec<Transition>,
    contexts: Sightings,
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
        let mut builder = Builder::default();
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
        let owner = &traces.spans()[span];
        let mut previous = Step::Start;
        for &(time_ns, next) in steps {
            let (service, operation, kind) = (owner.service, owner.operation, owner.kind);
            let context = self.context(Context { service, operation, kind, previous });
            let transition = self.transition(Transition { context, next });
            self.contexts.see(context, trace, slot);
            self.by_transition.see(transition, trace, slot);
            if in_window {
                self.occurrences.push(Occurrence { time_ns, trace, transition, span: span as u32 });
            }
            previous = next;
        }
    }

    fn context(&mut self, key: Context) -> u32 {
        *self.context_numbers.entry(key).or_insert_with(|| {
            self.context_keys.push(key);
            self.context_keys.len() as u32 - 1
        })
    }

    fn transition(&mut self, key: Transition) -> u32 {
        *self.transition_numbers.entry(key).or_insert_with(|| {
            self.transitions.push(key);
            self.transitions.len() as u32 - 1
        })
    }

    fn finish(mut self, kept: f64) -> Course {
        self.contexts.sort(self.context_keys.len());
        self.by_transition.sort(self.transitions.len());
        Course {
            context_keys: self.context_keys,
            transitions: self.transitions,
            contexts: self.contexts,
            by_transition: self.by_transition,
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

    fn sort(&mut self, n_things: usize) {
        self.seen.sort_unstable();
        self.first = vec![0; n_things + 1];
        for (thing, _) in &self.seen {
            self.first[*thing as usize + 1] += 1;
        }
        for at in 1..self.first.len() {
            self.first[at] += self.first[at - 1];
        }
    }

    /// Sightings of a thing per bin.
    pub(super) fn histogram(&self, thing: usize, slots: &mut [f64]) {
        slots.fill(0.0);
        for (_, slot) in &self.seen[self.first[thing] as usize..self.first[thing + 1] as usize] {
            slots[*slot as usize] += 1.0;
        }
    }
}
