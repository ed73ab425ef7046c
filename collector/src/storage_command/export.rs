//! `firstfault storage export`: rows for other tools, and requests that can be sent again.
//!
//! Rows are asked for in SQL, so that those in memory and in the log are among them. Parquet files have the
//! tables' own columns. OTLP files have a request a line, as the OpenTelemetry Collector's file exporter
//! writes them.

use super::place::Place;
use super::source::{Rows, Source};
use super::{Error, print};
use crate::clock::Clock;
use crate::config::Config;
use crate::decode::text::from_hex;
use crate::encode::encode;
use crate::reach::Reach;
use crate::units::{MOMENT_HINT, moment};
use arrow::array::RecordBatch;
use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use storage::{ParquetWriter, Selection, Signal, Table, TimeRange};

/// Rows of one request: some 500 KB of spans.
pub(super) const REQUEST_ROWS_MAX: usize = 1_000;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) place: Place,
    /// Ask the server with this dashboard address. Default: open the data directory, or ask the server that has it.
    #[arg(long, value_name = "URL", conflicts_with = "data_dir")]
    url: Option<String>,
    #[command(flatten)]
    reach: Reach,
    /// What to export; may be given more than once. Default: everything that the format can hold.
    #[arg(long, value_parser = table_names())]
    table: Vec<Table>,
    /// Parquet for DuckDB, ClickHouse and the like; OTLP JSON to be sent or imported again.
    #[arg(long, value_enum, default_value_t = Format::Parquet)]
    format: Format,
    /// From when on, such as now-2h or 2026-01-31T12:00:00Z.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Until when, not included.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// One trace only, with the logs written in it.
    #[arg(long, value_name = "HEX")]
    trace_id: Option<String>,
    /// Folder for the files; it is made, and no file in it is replaced.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Parquet,
    OtlpJson,
}

fn table_names() -> impl TypedValueParser<Value = Table> {
    let names = PossibleValuesParser::new(Table::ALL.map(Table::name));
    names.map(|name| Table::from_name(&name).expect("only names of tables are let through"))
}

/// What was asked for, understood.
#[derive(Debug)]
pub(super) struct Plan {
    tables: Vec<Table>,
    format: Format,
    selection: Selection,
    out: PathBuf,
    url: Option<String>,
    reach: Reach,
}

impl Args {
    /// The error says what to write instead.
    pub(super) fn plan(&self) -> Result<Plan, String> {
        let now = Clock.now();
        let time = |name: &str, text: &Option<String>| match text {
            None => Ok(None),
            Some(text) => match moment(text, now) {
                None => Err(format!("--{name}: {text:?} is not a time; {MOMENT_HINT}")),
                at => Ok(at),
            },
        };
        let (since, until) = (time("since", &self.since)?, time("until", &self.until)?);
        let range = TimeRange { from: since.unwrap_or(i64::MIN), to: until.unwrap_or(i64::MAX) };
        if range.from >= range.to {
            return Err("--since must lie before --until".to_owned());
        }
        let range = (since.is_some() || until.is_some()).then_some(range);
        let trace_id = match &self.trace_id {
            None => None,
            Some(text) => {
                let id = from_hex(text).and_then(|id| <[u8; 16]>::try_from(id).ok());
                Some(id.ok_or_else(|| format!("--trace-id: {text:?} is not 32 hexadecimal digits"))?)
            }
        };
        let selection = Selection { range, trace_id };
        let tables = self.tables(trace_id.is_some())?;
        let (format, out, url) = (self.format, self.out.clone(), self.url.clone());
        Ok(Plan { tables, format, selection, out, url, reach: self.reach.clone() })
    }

    fn tables(&self, is_trace: bool) -> Result<Vec<Table>, String> {
        let may_hold = |table: Table| match table {
            Table::Spans | Table::Logs => Ok(()),
            _ if is_trace => Err("--trace-id selects spans and logs".to_owned()),
            _ if table.signal().is_none() && self.format == Format::OtlpJson => {
                Err(format!("table {} has no form in OTLP", table.name()))
            }
            _ => Ok(()),
        };
        if self.table.is_empty() {
            return Ok(Table::ALL.into_iter().filter(|table| may_hold(*table).is_ok()).collect());
        }
        let mut tables = Vec::new();
        for &table in &self.table {
            may_hold(table)?;
            if !tables.contains(&table) {
                tables.push(table);
            }
        }
        Ok(tables)
    }
}

pub(super) async fn run(plan: Plan, config: Config) -> Result<(), Error> {
    let source = Source::find(plan.url.clone(), plan.reach.clone(), config).await?;
    let written = write_all(&plan, &source).await;
    let closed = source.close().await;
    written.and(closed)
}

async fn write_all(plan: &Plan, source: &Source) -> Result<(), Error> {
    std::fs::create_dir_all(&plan.out).map_err(|source| write_failure(&plan.out, source))?;
    for &table in &plan.tables {
        let rows = source.rows(&plan.selection.sql(table)).await?;
        let path = plan.out.join(file_name(plan.format, table));
        let n_rows = match (plan.format, table.signal()) {
            (Format::OtlpJson, Some(signal)) => write_otlp(rows, signal, &path).await?,
            _ => write_parquet(rows, &path).await?,
        };
        print(format!("{}: {n_rows} rows\n", path.display()))?;
    }
    Ok(())
}

fn file_name(format: Format, table: Table) -> String {
    match (format, table.signal()) {
        (Format::OtlpJson, Some(signal)) => format!("{signal}.jsonl"),
        _ => format!("{}.parquet", table.name()),
    }
}

async fn write_parquet(mut rows: Rows, path: &Path) -> Result<u64, Error> {
    let schema = rows.schema().ok_or_else(|| Error::NoSchema { path: path.to_owned() })?;
    let mut file = ParquetWriter::create(path, schema)?;
    let mut n_rows = 0;
    while let Some(batch) = rows.next().await? {
        n_rows += batch.num_rows() as u64;
        file.write(&batch)?;
    }
    file.finish()?;
    Ok(n_rows)
}

/// The file has its name once it is whole.
async fn write_otlp(mut rows: Rows, signal: Signal, path: &Path) -> Result<u64, Error> {
    let fail = |source| write_failure(path, source);
    if path.exists() {
        return Err(fail(std::io::ErrorKind::AlreadyExists.into()));
    }
    let unfinished = path.with_extension("jsonl.unfinished");
    let mut file = BufWriter::new(File::create(&unfinished).map_err(fail)?);
    let mut n_rows = 0;
    while let Some(batch) = rows.next().await? {
        n_rows += batch.num_rows() as u64;
        for request in requests(&batch, signal) {
            writeln!(file, "{}", request?).map_err(fail)?;
        }
    }
    let file = file.into_inner().map_err(|error| fail(error.into_error()))?;
    file.sync_all().and_then(|()| std::fs::rename(&unfinished, path)).map_err(fail)?;
    Ok(n_rows)
}

/// Rows as bodies of OTLP/JSON.
pub(super) fn requests(
    batch: &RecordBatch,
    signal: Signal,
) -> impl Iterator<Item = Result<String, Error>> + '_ {
    (0..batch.num_rows()).step_by(REQUEST_ROWS_MAX).map(move |first| {
        let rows = batch.slice(first, REQUEST_ROWS_MAX.min(batch.num_rows() - first));
        Ok(encode(signal, &rows)?.to_string())
    })
}

fn write_failure(path: &Path, source: std::io::Error) -> Error {
    Error::Write { path: path.to_owned(), source }
}
