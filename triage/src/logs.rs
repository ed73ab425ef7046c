//! Log lines with their templates, tied to the spans they were written in.

#[cfg(test)]
mod tests;

use crate::columns::{IdColumn, Source, TextColumn, TimeColumn};
use crate::input::{InputError, Limits, TriageInput};
use crate::strings::{Interner, Recent, Renumbering, Symbol};
use crate::templates::Miner;
use crate::traces::{Traces, is_kept};
use arrow::array::{Array, RecordBatch, UInt64Array};

const TABLE: &str = "logs";
/// OpenTelemetry's first number of severity ERROR.
const ERROR_SEVERITY: u64 = 17;
/// Bytes of a line without severity in which a word may tell it.
const LEVEL_BYTES: usize = 40;

/// All log lines and their templates.
#[derive(Debug, Default)]
pub struct Logs {
    lines: Vec<LogLine>,
    templates: Vec<Template>,
    /// Share of lines kept, 1.0 unless there were more than the limit.
    pub kept: f64,
}

/// One log line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    pub time_ns: i64,
    pub service: Symbol,
    /// `service.instance.id`, else empty.
    pub instance: Symbol,
    /// Place of its trace, where that was handed in.
    pub trace: Option<u32>,
    /// Place of its span, where that was handed in.
    pub span: Option<u32>,
    /// Place in [`Logs::templates`].
    pub template: u32,
    pub is_error: bool,
}

/// What the lines of a kind have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// The same for the same service and text, always.
    pub id: u64,
    pub service: Symbol,
    /// Words, with `*` where lines vary.
    pub text: String,
    /// More than half of its lines are errors.
    pub is_error: bool,
    pub n_lines: u64,
}

impl Logs {
    /// By time.
    pub fn lines(&self) -> &[LogLine] {
        &self.lines
    }

    /// By the time of their first line.
    pub fn templates(&self) -> &[Template] {
        &self.templates
    }
}

/// The rows of a table of logs, before their strings have final numbers.
#[derive(Debug)]
pub(crate) struct LogRows {
    rows: Vec<Row>,
    batches: Vec<Columns>,
    kept: f64,
}

#[derive(Debug)]
struct Row {
    time_ns: i64,
    service: Symbol,
    instance: Symbol,
    batch: u32,
    row: u32,
}

#[derive(Debug)]
struct Columns {
    time: TimeColumn,
    service: TextColumn,
    instance: TextColumn,
    body: TextColumn,
    severity_number: Option<UInt64Array>,
    trace_id: IdColumn<16>,
    span_id: IdColumn<8>,
}

impl LogRows {
    /// Columns of `logs`: time, service, service_instance_id, body, severity_number, trace_id, span_id.
    pub(crate) fn read(
        input: &TriageInput<'_>,
        limits: &Limits,
        interner: &mut Interner,
    ) -> Result<Self, InputError> {
        let n_rows: usize = input.logs.iter().map(RecordBatch::num_rows).sum();
        if u32::try_from(n_rows).is_err() {
            return Err(InputError::TooManyRows { table: TABLE, n_rows });
        }
        let kept = (limits.n_log_lines_max as f64 / n_rows.max(1) as f64).min(1.0);
        let mut rows = Self { rows: Vec::new(), batches: Vec::new(), kept };
        let (mut service, mut instance) = (Recent::default(), Recent::default());
        for batch in input.logs {
            let columns = Columns::read(Source { table: TABLE, batch })?;
            for row in (0..batch.num_rows()).filter(|row| columns.is_kept(*row, kept)) {
                rows.rows.push(Row {
                    time_ns: columns.time.get(row),
                    service: Symbol(interner.number_of(&mut service, columns.service.get(row))),
                    instance: Symbol(interner.number_of(&mut instance, columns.instance.get(row))),
                    batch: rows.batches.len() as u32,
                    row: row as u32,
                });
            }
            rows.batches.push(columns);
        }
        Ok(rows)
    }

    /// O(n log n) for n lines.
    pub(crate) fn into_logs(mut self, traces: &Traces, renumbering: &Renumbering) -> Logs {
        for row in &mut self.rows {
            row.service = renumbering.symbol(row.service);
            row.instance = renumbering.symbol(row.instance);
        }
        let mut rows = std::mem::take(&mut self.rows);
        rows.sort_by(|a, b| {
            let key = |row: &Row| (row.time_ns, row.service, row.instance);
            key(a).cmp(&key(b)).then_with(|| self.content(a).cmp(&self.content(b)))
        });
        let mut miner = Miner::default();
        let mut lines: Vec<LogLine> = rows.iter().map(|row| self.line(row, traces, &mut miner)).collect();
        self.link_spans(&rows, &mut lines, traces);
        Logs { templates: templates(&miner, &lines), lines, kept: self.kept }
    }

    fn columns(&self, row: &Row) -> (&Columns, usize) {
        (&self.batches[row.batch as usize], row.row as usize)
    }

    /// What tells lines of one moment and sender apart.
    fn content(&self, row: &Row) -> (&str, Option<[u8; 16]>, Option<[u8; 8]>, u64) {
        let (columns, at) = self.columns(row);
        let severity = columns.severity(at).unwrap_or(0);
        (columns.body.get(at), columns.trace_id.get(at), columns.span_id.get(at), severity)
    }

    fn line(&self, row: &Row, traces: &Traces, miner: &mut Miner) -> LogLine {
        let (columns, at) = self.columns(row);
        let trace = columns.trace_id.get(at).and_then(|id| traces.trace_at(&id));
        LogLine {
            time_ns: row.time_ns,
            service: row.service,
            instance: row.instance,
            trace: trace.map(|trace| trace as u32),
            span: None,
            template: miner.learn(columns.service.get(at), columns.body.get(at)) as u32,
            is_error: columns.is_error(at),
        }
    }

    /// Ties lines to spans, trace by trace, so that each trace is indexed once.
    fn link_spans(&self, rows: &[Row], lines: &mut [LogLine], traces: &Traces) {
        let of_trace = |at: u32| lines[at as usize].trace.map(|trace| (trace, at));
        let mut by_trace: Vec<(u32, u32)> = (0..lines.len() as u32).filter_map(of_trace).collect();
        by_trace.sort_unstable();
        for group in by_trace.chunk_by(|a, b| a.0 == b.0) {
            let index = traces.index(group[0].0 as usize);
            for (_, at) in group {
                let (columns, row) = self.columns(&rows[*at as usize]);
                lines[*at as usize].span = columns.span_id.get(row).and_then(|id| index.find(&id));
            }
        }
    }
}

impl Columns {
    fn read(source: Source<'_>) -> Result<Self, InputError> {
        Ok(Self {
            time: source.time("time")?,
            service: source.required_text("service")?,
            instance: source.text("service_instance_id")?,
            body: source.required_text("body")?,
            severity_number: source.natural("severity_number")?,
            trace_id: source.id("trace_id")?,
            span_id: source.id("span_id")?,
        })
    }

    /// The lines of a trace stay together; of others some stay by their time.
    fn is_kept(&self, row: usize, share: f64) -> bool {
        if share >= 1.0 {
            return true;
        }
        let key = self.trace_id.get(row).map(u128::from_be_bytes);
        is_kept(key.unwrap_or(self.time.get(row) as u128), share)
    }

    /// As sent, but nothing where it was not set.
    fn severity(&self, row: usize) -> Option<u64> {
        let numbers = self.severity_number.as_ref().filter(|numbers| numbers.is_valid(row))?;
        Some(numbers.value(row)).filter(|number| *number > 0)
    }

    fn is_error(&self, row: usize) -> bool {
        match self.severity(row) {
            Some(number) => number >= ERROR_SEVERITY,
            None => says_error(self.body.get(row)),
        }
    }
}

/// Does a line begin with the name of a level that is an error?
fn says_error(body: &str) -> bool {
    let beginning = &body[..body.floor_char_boundary(LEVEL_BYTES)];
    let mut words = beginning.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.any(|word| matches!(word, "ERROR" | "FATAL" | "CRITICAL"))
}

fn templates(miner: &Miner, lines: &[LogLine]) -> Vec<Template> {
    let mut templates: Vec<Template> = (0..miner.n_templates())
        .map(|at| Template {
            id: miner.id(at),
            service: Symbol::EMPTY,
            text: miner.text(at).to_owned(),
            is_error: false,
            n_lines: 0,
        })
        .collect();
    let mut n_errors = vec![0_u64; templates.len()];
    for line in lines {
        let template = &mut templates[line.template as usize];
        template.service = line.service;
        template.n_lines += 1;
        n_errors[line.template as usize] += u64::from(line.is_error);
    }
    for (template, n_errors) in templates.iter_mut().zip(n_errors) {
        template.is_error = 2 * n_errors > template.n_lines;
    }
    templates
}
