//! From batches to rows.

use super::{DETAILS, Events, NONE, POD_KEY, Row, Span, SpanColumns, SpanKind, SpanRows};
use crate::columns::{IdColumn, MapColumn, Source, TextColumn, TimeColumn};
use crate::input::{InputError, Limits, TriageInput};
use crate::strings::{Interner, Recent, Symbol};
use arrow::array::{Array, BooleanArray, RecordBatch};

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

/// The last strings of each column.
#[derive(Default)]
struct RecentOf {
    name: Recent,
    service: Recent,
    instance: Recent,
    version: Recent,
}

/// Reads both halves of the batches at once, each with numbers of its own for strings.
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
    let (first, second) = input.spans.split_at(input.spans.len() / 2);
    let mut of_second = Interner::new();
    let (rows, others) = std::thread::scope(|scope| {
        let others = scope.spawn(|| read_batches(second, first.len() as u32, kept, &mut of_second));
        (read_batches(first, 0, kept, interner), others.join())
    });
    let mut rows = rows?;
    let others = others.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
    let here = interner.absorb(of_second);
    rows.n_without_id += others.n_without_id;
    rows.columns.extend(others.columns);
    rows.spans.extend(others.spans.into_iter().map(|(trace_id, span)| (trace_id, span.renumbered(&here))));
    Ok(rows)
}

/// `n_before` batches lie before these.
fn read_batches(
    batches: &[RecordBatch],
    n_before: u32,
    kept: f64,
    interner: &mut Interner,
) -> Result<SpanRows, InputError> {
    let n_rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let mut rows = SpanRows { spans: Vec::with_capacity(n_rows), columns: Vec::new(), n_without_id: 0, kept };
    let mut recent = RecentOf::default();
    for batch in batches {
        let source = Source { table: TABLE, batch };
        let columns = RowColumns::read(source)?;
        for row in 0..batch.num_rows() {
            let place = Row { batch: n_before + rows.columns.len() as u32, row: row as u32 };
            match columns.span(place, interner, &mut recent) {
                Some((trace_id, _)) if !is_kept(trace_id, kept) => {}
                Some(span) => rows.spans.push(span),
                None => rows.n_without_id += 1,
            }
        }
        rows.columns.push(SpanColumns::read(source)?);
    }
    Ok(rows)
}

impl Span {
    /// With other temporary numbers for its strings.
    fn renumbered(self, here: &[u32]) -> Self {
        let number = |symbol: Symbol| Symbol(here[symbol.0 as usize]);
        Self {
            service: number(self.service),
            operation: number(self.operation),
            instance: number(self.instance),
            version: number(self.version),
            ..self
        }
    }
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
    fn span(&self, place: Row, interner: &mut Interner, recent: &mut RecentOf) -> Option<(u128, Span)> {
        let row = place.row as usize;
        let trace_id = u128::from_be_bytes(self.trace_id.get(row)?);
        let start_ns = self.start.get(row);
        let instance = match self.instance.get(row) {
            "" => self.resource.get(row, POD_KEY).unwrap_or(""),
            instance => instance,
        };
        let span = Span {
            span_id: self.span_id.get(row)?,
            parent_span_id: self.parent_span_id.get(row).unwrap_or_default(),
            start_ns,
            end_ns: self.end.get(row).max(start_ns),
            trace: 0,
            parent: NONE,
            service: Symbol(interner.number_of(&mut recent.service, self.service.get(row))),
            operation: Symbol(interner.number_of(&mut recent.name, self.name.get(row))),
            instance: Symbol(interner.number_of(&mut recent.instance, instance)),
            version: Symbol(interner.number_of(&mut recent.version, self.version.get(row))),
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
