//! From batches to the dense table.

use super::{DETAILS, Events, NONE, Row, Span, SpanColumns, SpanKind, SpanRows, Trace, Traces};
use crate::columns::{IdColumn, MapColumn, Source, TextColumn, TimeColumn};
use crate::input::{InputError, Limits, Scope, Stretch, TriageInput};
use crate::strings::{Interner, Last, Renumbering, Strings, Symbol};
use arrow::array::{Array, BooleanArray, RecordBatch};
use std::cmp::{Ordering, Reverse};

const TABLE: &str = "spans";

/// The columns that every row is read from.
struct RowColumns {
    trace_id: IdColumn<16>,
    span_id: IdColumn<8>,
    parent_span_id: IdColumn<8>,
    name: TextColumn,
    kind: TextColumn,
    start: TimeColumn,
    end: TimeColumn,
    is_error: Option<BooleanArray>,
    service: TextColumn,
    instance: TextColumn,
    version: TextColumn,
    resource: MapColumn,
}

/// The last string of each column.
#[derive(Default)]
struct LastOf {
    name: Last,
    service: Last,
    instance: Last,
    pod: Last,
    version: Last,
}

pub(super) fn read(
    input: &TriageInput<'_>,
    limits: &Limits,
    interner: &mut Interner,
) -> Result<SpanRows, InputError> {
    let n_rows: usize = input.spans.iter().map(RecordBatch::num_rows).sum();
    if n_rows >= NONE as usize {
        return Err(InputError::TooManyRows { table: TABLE, n_rows });
    }
    let kept = (limits.n_spans_max as f64 / n_rows.max(1) as f64).min(1.0);
    let mut rows = SpanRows { spans: Vec::with_capacity(n_rows), columns: Vec::new(), n_without_id: 0, kept };
    let mut last = LastOf::default();
    for batch in input.spans {
        let source = Source { table: TABLE, batch };
        let columns = RowColumns::read(source)?;
        for row in 0..batch.num_rows() {
            let place = Row { batch: rows.columns.len() as u32, row: row as u32 };
            match columns.span(place, interner, &mut last) {
                Some((trace_id, _)) if !is_kept(trace_id, kept) => {}
                Some(span) => rows.spans.push(span),
                None => rows.n_without_id += 1,
            }
        }
        rows.columns.push(SpanColumns::read(source)?);
    }
    Ok(rows)
}

/// Whole traces, the same ones whoever asks.
pub(crate) fn is_kept(trace_id: u128, share: f64) -> bool {
    share >= 1.0 || (mixed(trace_id) as f64) < share * u64::MAX as f64
}

/// Spreads ids over all 64-bit numbers, since clients need not make theirs at random.
fn mixed(trace_id: u128) -> u64 {
    let folded = (trace_id >> 64) as u64 ^ trace_id as u64;
    let once = (folded ^ (folded >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let twice = (once ^ (once >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    twice ^ (twice >> 33)
}

impl RowColumns {
    fn read(source: Source<'_>) -> Result<Self, InputError> {
        Ok(Self {
            trace_id: source.required_id("trace_id")?,
            span_id: source.required_id("span_id")?,
            parent_span_id: source.id("parent_span_id")?,
            name: source.required_text("name")?,
            kind: source.text("kind")?,
            start: source.time("start_time")?,
            end: source.time("end_time")?,
            is_error: source.boolean("is_error")?,
            service: source.required_text("service")?,
            instance: source.text("service_instance_id")?,
            version: source.text("service_version")?,
            resource: source.map("resource")?,
        })
    }

    /// A span with temporary symbols; `None` without ids.
    fn span(&self, place: Row, interner: &mut Interner, last: &mut LastOf) -> Option<(u128, Span)> {
        let row = place.row as usize;
        let trace_id = u128::from_be_bytes(self.trace_id.get(row)?);
        let start_ns = self.start.get(row);
        let pod = self.resource.get(row, "k8s.pod.name").unwrap_or("");
        let sent = self.instance.get(row);
        let instance = if sent.is_empty() { pod } else { sent };
        let span = Span {
            span_id: self.span_id.get(row)?,
            parent_span_id: self.parent_span_id.get(row).unwrap_or_default(),
            start_ns,
            end_ns: self.end.get(row).max(start_ns),
            trace: 0,
            parent: NONE,
            service: Symbol(interner.number_after(&mut last.service, self.service.get(row))),
            operation: Symbol(interner.number_after(&mut last.name, self.name.get(row))),
            instance: Symbol(interner.number_after(&mut last.instance, instance)),
            pod: Symbol(interner.number_after(&mut last.pod, pod)),
            version: Symbol(interner.number_after(&mut last.version, self.version.get(row))),
            kind: SpanKind::of(self.kind.get(row)),
            is_error: self.is_error.as_ref().is_some_and(|errors| errors.is_valid(row) && errors.value(row)),
            row: place,
        };
        Some((trace_id, span))
    }
}

impl SpanColumns {
    fn read(source: Source<'_>) -> Result<Self, InputError> {
        let mut texts = DETAILS.map(|_| TextColumn::default());
        for (text, column) in texts.iter_mut().zip(DETAILS) {
            *text = source.text(column)?;
        }
        Ok(Self {
            attributes: source.map("attributes")?,
            resource: source.map("resource")?,
            events: Events::read(source)?,
            texts,
        })
    }
}

pub(super) fn traces(
    rows: SpanRows,
    input: &TriageInput<'_>,
    strings: &Strings,
    renumbering: &Renumbering,
) -> Traces {
    let SpanRows { mut spans, columns, n_without_id, kept } = rows;
    for (_, span) in &mut spans {
        span.service = renumbering.symbol(span.service);
        span.operation = renumbering.symbol(span.operation);
        span.instance = renumbering.symbol(span.instance);
        span.pod = renumbering.symbol(span.pod);
        span.version = renumbering.symbol(span.version);
    }
    let mut table = Traces { columns, n_without_id, kept, ..Traces::default() };
    table.spans.reserve_exact(spans.len());
    for place in sorted(&spans) {
        push(&mut table, &spans[place as usize]);
    }
    drop(spans);
    link_parents(&mut table);
    cut_rings(&mut table.spans);
    link_children(&mut table);
    let scope = ScopeFilter::of(input.scope, strings);
    for trace in &mut table.traces {
        trace.started_ns = table.spans[trace.spans.start].start_ns;
        if scope.lets_in(&table.spans[trace.spans.clone()]) {
            trace.stretch = input.stretch(trace.started_ns);
        }
        let root = trace.spans.clone().find(|&at| table.spans[at].parent == NONE);
        trace.entry = root.unwrap_or(trace.spans.start);
    }
    table
}

/// The symbols of a scope; the inner `None` is a name that no span has.
struct ScopeFilter {
    service: Option<Option<Symbol>>,
    operation: Option<Option<Symbol>>,
}

impl ScopeFilter {
    fn of(scope: &Scope, strings: &Strings) -> Self {
        let symbol = |name: &Option<String>| name.as_ref().map(|name| strings.find(name));
        Self { service: symbol(&scope.service), operation: symbol(&scope.operation) }
    }

    /// Does a span of the trace fit?
    fn lets_in(&self, trace: &[Span]) -> bool {
        let fits = |wanted: Option<Option<Symbol>>, found| wanted.is_none_or(|wanted| wanted == Some(found));
        trace.iter().any(|span| fits(self.service, span.service) && fits(self.operation, span.operation))
    }
}

/// Places in the order of the table. Keys are small, so that sorting moves little.
fn sorted(spans: &[(u128, Span)]) -> Vec<u32> {
    let mut keys: Vec<(u128, i64, u32)> = Vec::with_capacity(spans.len());
    keys.extend(spans.iter().enumerate().map(|(at, (trace_id, span))| (*trace_id, span.start_ns, at as u32)));
    keys.sort_by(|a, b| {
        let by_key = (a.0, a.1).cmp(&(b.0, b.1));
        by_key.then_with(|| by_content(&spans[a.2 as usize].1, &spans[b.2 as usize].1))
    });
    keys.into_iter().map(|(_, _, at)| at).collect()
}

/// An order of spans of one trace and start that does not ask where they came from. The longer span is first, since it
/// may be the parent of the other.
fn by_content(a: &Span, b: &Span) -> Ordering {
    let key = |span: &Span| (Reverse(span.end_ns), span.span_id, span.parent_span_id);
    let names = |span: &Span| {
        (span.service, span.operation, span.instance, span.pod, span.version, span.kind, span.is_error)
    };
    key(a).cmp(&key(b)).then_with(|| names(a).cmp(&names(b)))
}

fn push(table: &mut Traces, (trace_id, span): &(u128, Span)) {
    let at = table.spans.len();
    let trace_id = trace_id.to_be_bytes();
    match table.traces.last_mut() {
        Some(trace) if trace.trace_id == trace_id => {
            if by_content(&table.spans[at - 1], span).is_eq() && table.spans[at - 1].start_ns == span.start_ns
            {
                table.n_duplicates += 1;
                return;
            }
            trace.spans.end = at + 1;
        }
        _ => table.traces.push(Trace {
            trace_id,
            spans: at..at + 1,
            entry: at,
            started_ns: span.start_ns,
            stretch: Stretch::Outside,
        }),
    }
    let trace = table.traces.len() as u32 - 1;
    table.spans.push(Span { trace, ..span.clone() });
}

/// Finds each span's parent in its trace; of equal ids the earliest span is meant.
fn link_parents(table: &mut Traces) {
    for trace in 0..table.traces.len() {
        let index = table.index(trace);
        for at in table.traces[trace].spans.clone() {
            let parent = index.find(&table.spans[at].parent_span_id);
            table.spans[at].parent = parent.filter(|parent| *parent as usize != at).unwrap_or(NONE);
        }
    }
}

/// Makes the earliest span of each ring of parents a root. Every span is walked over once.
fn cut_rings(spans: &mut [Span]) {
    const UNSEEN: u32 = NONE;
    let mut seen_by = vec![UNSEEN; spans.len()];
    for start in 0..spans.len() as u32 {
        let mut at = start;
        while at != NONE && seen_by[at as usize] == UNSEEN {
            seen_by[at as usize] = start;
            at = spans[at as usize].parent;
        }
        if at != NONE && seen_by[at as usize] == start {
            let earliest = earliest_of_ring(spans, at);
            spans[earliest as usize].parent = NONE;
        }
    }
}

fn earliest_of_ring(spans: &[Span], member: u32) -> u32 {
    let mut earliest = member;
    let mut at = spans[member as usize].parent;
    while at != member {
        earliest = earliest.min(at);
        at = spans[at as usize].parent;
    }
    earliest
}

/// Children by counting, so that they keep the order of the table.
fn link_children(table: &mut Traces) {
    let mut first_child = vec![0_u32; table.spans.len() + 1];
    for span in table.spans.iter().filter(|span| span.parent != NONE) {
        first_child[span.parent as usize + 1] += 1;
    }
    for at in 1..first_child.len() {
        first_child[at] += first_child[at - 1];
    }
    let mut next = first_child.clone();
    let mut children = vec![0; first_child[table.spans.len()] as usize];
    for (at, span) in table.spans.iter().enumerate().filter(|(_, span)| span.parent != NONE) {
        let slot = &mut next[span.parent as usize];
        children[*slot as usize] = at as u32;
        *slot += 1;
    }
    table.first_child = first_child;
    table.children = children;
}
