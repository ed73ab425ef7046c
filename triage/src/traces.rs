//! The dense table of spans that every trace algorithm works on.
//!
//! One pass over the batches: strings become symbols, spans lie trace by trace in the order of their start, and
//! parents and children are places in the table. Nothing depends on the order of rows: traces are in the order
//! of their ids, spans of equal start in the order of what they say.
//!
//! Parents form a forest. A span whose parent is absent is a root, of a ring the earliest span becomes one, and
//! of spans with one id the earliest is the parent of all children. A span that was delivered twice counts once.

mod build;
mod read;
#[cfg(test)]
mod tests;

pub(crate) use read::is_kept;

use crate::columns::{MapColumn, Source, TextColumn};
use crate::input::{InputError, Limits, Stretch, TriageInput};
use crate::strings::{Interner, Renumbering, Strings, Symbol};
use arrow::array::{Array, AsArray, ListArray};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// All spans of all traces. Build it with [`Tables::read`](crate::Tables::read).
#[derive(Debug, Default)]
pub struct Traces {
    traces: Vec<Trace>,
    spans: Vec<Span>,
    /// Children of span `i` are `children[first_child[i]..first_child[i + 1]]`, in the order of the table.
    first_child: Vec<u32>,
    children: Vec<u32>,
    columns: Vec<SpanColumns>,
    /// Spans that came twice, word for word, and count once.
    pub n_duplicates: usize,
    /// Rows without an id, which belong to no trace.
    pub n_without_id: usize,
    /// Share of traces kept, 1.0 unless there were more spans than the limit.
    pub kept: f64,
}

/// One trace: a range of the table.
#[derive(Clone, Debug)]
pub struct Trace {
    pub trace_id: [u8; 16],
    /// In the order of their start.
    pub spans: Range<usize>,
    /// The earliest root: what was asked for.
    pub entry: usize,
    /// When the earliest span started. A trace belongs to the stretch that this moment is in.
    pub started_ns: i64,
    /// Outside where no span of it is in the scope of the question.
    pub stretch: Stretch,
}

/// One span; its attributes stay where they came from, see [`Traces::attribute`].
#[derive(Clone, Debug)]
pub struct Span {
    pub span_id: [u8; 8],
    /// As sent; all zeros where there is none. It may name a span that never came.
    pub parent_span_id: [u8; 8],
    pub start_ns: i64,
    /// An end before the start counts as the start.
    pub end_ns: i64,
    /// Place in [`Traces::traces`].
    pub trace: u32,
    parent: u32,
    pub service: Symbol,
    pub operation: Symbol,
    /// `service.instance.id`, else the pod's name, else empty.
    pub instance: Symbol,
    /// `service.version`, else empty.
    pub version: Symbol,
    pub kind: SpanKind,
    /// Status, else what HTTP or gRPC say.
    pub is_error: bool,
    row: Row,
}

/// The kind of a span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SpanKind {
    #[default]
    Unspecified,
    Internal,
    Server,
    Client,
    Producer,
    Consumer,
}

/// Finds spans of one trace.
#[derive(Debug)]
pub(crate) struct SpanIndex(Vec<([u8; 8], u32)>);

/// Where a span was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Row {
    batch: u32,
    row: u32,
}

/// The columns that are looked at only for few spans.
#[derive(Debug)]
struct SpanColumns {
    attributes: MapColumn,
    resource: MapColumn,
    events: Option<Events>,
    texts: [TextColumn; DETAILS.len()],
}

#[derive(Debug)]
struct Events {
    list: ListArray,
    names: TextColumn,
    attributes: MapColumn,
}

/// Promoted text columns that a function may ask for by name.
const DETAILS: [&str; 9] = [
    "status_message",
    "error_type",
    "server_address",
    "peer_service",
    "db_system_name",
    "db_namespace",
    "messaging_system",
    "messaging_destination_name",
    "http_route",
];

/// Stands for "no span" where a place is kept in 32 bits.
const NONE: u32 = u32::MAX;

impl Traces {
    /// Traces in the order of their ids.
    pub fn traces(&self) -> &[Trace] {
        &self.traces
    }

    /// All spans, trace by trace.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// Place of the parent, if it is there.
    pub fn parent(&self, span: usize) -> Option<usize> {
        let parent = self.spans[span].parent;
        (parent != NONE).then_some(parent as usize)
    }

    /// Places of the children, by start.
    pub fn children(&self, span: usize) -> &[u32] {
        &self.children[self.first_child[span] as usize..self.first_child[span + 1] as usize]
    }

    /// The far side of a call: a span is a *client span* if it has exactly one child and that child is in
    /// another service.
    pub fn callee(&self, span: usize) -> Option<usize> {
        match self.children(span) {
            [child] if self.spans[*child as usize].service != self.spans[span].service => {
                Some(*child as usize)
            }
            _ => None,
        }
    }

    /// Was a parent named that is not there?
    pub fn is_orphan(&self, span: usize) -> bool {
        self.spans[span].parent == NONE && self.spans[span].parent_span_id != [0; 8]
    }

    /// Place of the trace of an id. O(log traces).
    pub fn trace_at(&self, trace_id: &[u8; 16]) -> Option<usize> {
        self.traces.binary_search_by(|trace| trace.trace_id.cmp(trace_id)).ok()
    }

    /// The spans of a trace by id. O(n log n) for its n spans: ask once for many.
    pub(crate) fn index(&self, trace: usize) -> SpanIndex {
        let spans = self.traces[trace].spans.clone();
        let mut by_id: Vec<_> = spans.map(|at| (self.spans[at].span_id, at as u32)).collect();
        by_id.sort_unstable();
        SpanIndex(by_id)
    }

    /// A promoted text column of `spans`: one of status_message, error_type, server_address, peer_service,
    /// db_system_name, db_namespace, messaging_system, messaging_destination_name, http_route. Empty where null.
    pub fn detail(&self, span: usize, column: &str) -> &str {
        let Row { batch, row } = self.spans[span].row;
        let columns = &self.columns[batch as usize];
        let known = DETAILS.iter().position(|name| *name == column);
        known.map_or("", |at| columns.texts[at].get(row as usize))
    }

    /// An attribute of the span itself. O(attributes).
    pub fn attribute(&self, span: usize, key: &str) -> Option<&str> {
        let Row { batch, row } = self.spans[span].row;
        self.columns[batch as usize].attributes.get(row as usize, key)
    }

    /// All attributes of the span itself.
    pub fn attributes(&self, span: usize) -> impl Iterator<Item = (&str, &str)> {
        let Row { batch, row } = self.spans[span].row;
        self.columns[batch as usize].attributes.entries(row as usize)
    }

    /// All attributes of the resource that sent the span.
    pub fn resource(&self, span: usize) -> impl Iterator<Item = (&str, &str)> {
        let Row { batch, row } = self.spans[span].row;
        self.columns[batch as usize].resource.entries(row as usize)
    }

    /// An attribute of the span's last event of a name, such as `exception`.
    pub fn event_attribute(&self, span: usize, event: &str, key: &str) -> Option<&str> {
        let Row { batch, row } = self.spans[span].row;
        let events = self.columns[batch as usize].events.as_ref()?;
        let range = events.range(row as usize);
        let last = range.rev().find(|at| events.names.get(*at) == event)?;
        events.attributes.get(last, key)
    }
}

impl SpanIndex {
    /// The earliest span of an id.
    pub(crate) fn find(&self, span_id: &[u8; 8]) -> Option<u32> {
        let first = self.0.partition_point(|(id, _)| id < span_id);
        self.0.get(first).filter(|(id, _)| id == span_id).map(|(_, at)| *at)
    }
}

impl Events {
    fn range(&self, row: usize) -> Range<usize> {
        if self.list.is_null(row) {
            return 0..0;
        }
        let offsets = self.list.value_offsets();
        offsets[row] as usize..offsets[row + 1] as usize
    }

    fn read(source: Source<'_>) -> Result<Option<Self>, InputError> {
        let Some(list) = source.list("events")? else { return Ok(None) };
        let fields = list.values().as_struct_opt();
        let parts = fields.and_then(|fields| {
            Some((
                Arc::clone(fields.column_by_name("name")?),
                Arc::clone(fields.column_by_name("attributes")?),
            ))
        });
        let Some((names, attributes)) = parts else {
            return Err(InputError::MissingColumn { table: source.table, column: "events.name" });
        };
        let names = source.text_of("events.name", &names)?;
        let attributes = source.map_of("events.attributes", &attributes)?;
        Ok(Some(Self { list, names, attributes }))
    }
}

impl SpanKind {
    /// As table `spans` writes it.
    fn of(text: &str) -> Self {
        match text {
            "internal" => Self::Internal,
            "server" => Self::Server,
            "client" => Self::Client,
            "producer" => Self::Producer,
            "consumer" => Self::Consumer,
            _ => Self::Unspecified,
        }
    }

    /// As table `spans` writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Internal => "internal",
            Self::Server => "server",
            Self::Client => "client",
            Self::Producer => "producer",
            Self::Consumer => "consumer",
        }
    }
}

/// The symbol that two thirds agree on, else the empty one.
pub(crate) fn most_common(symbols: impl Iterator<Item = Symbol>) -> Symbol {
    let mut counts: BTreeMap<Symbol, usize> = BTreeMap::new();
    let mut n_all = 0;
    for symbol in symbols {
        n_all += 1;
        *counts.entry(symbol).or_default() += 1;
    }
    let found = counts.into_iter().find(|(_, n_equal)| 3 * n_equal >= 2 * n_all);
    found.map_or(Symbol::EMPTY, |(symbol, _)| symbol)
}

/// Attribute of a resource that names the pod.
pub(crate) const POD_KEY: &str = "k8s.pod.name";

/// The rows of a table of spans, before their strings have final numbers.
#[derive(Debug)]
pub(crate) struct SpanRows {
    spans: Vec<(u128, Span)>,
    columns: Vec<SpanColumns>,
    n_without_id: usize,
    kept: f64,
}

impl SpanRows {
    /// Columns of `spans`: trace_id, span_id, parent_span_id, name, kind, start_time, end_time, is_error, service,
    /// service_instance_id, service_version; for few spans also those of `Traces::detail`, attributes, resource and events.
    pub(crate) fn read(
        input: &TriageInput<'_>,
        limits: &Limits,
        interner: &mut Interner,
    ) -> Result<Self, InputError> {
        read::read(input, limits, interner)
    }

    /// O(n log n) for n spans, which sort quickly where they lie trace by trace already.
    pub(crate) fn into_traces(
        self,
        input: &TriageInput<'_>,
        strings: &Strings,
        renumbering: &Renumbering,
    ) -> Traces {
        build::traces(self, input, strings, renumbering)
    }
}
