//! `firstfault storage import`: files that were exported, by this or by others, taken in as if they had just
//! been sent.
//!
//! Rows of Parquet files become requests again, so that everything that comes in is decoded, logged and
//! acknowledged in one way.

use super::export::requests;
use super::place::Place;
use super::sink::{Sink, Taken};
use super::{Error, print};
use crate::config::Config;
use crate::reach::Reach;
use arrow::array::RecordBatch;
use serde::de::IgnoredAny;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use storage::{ParquetReader, Signal};

/// Bytes of one request: what the log takes.
const REQUEST_BYTES_MAX: u64 = 256 << 20;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) place: Place,
    /// Send to this OTLP/HTTP address. Default: the data directory, or the server that has it.
    #[arg(long, value_name = "URL", conflicts_with = "data_dir")]
    pub(super) to: Option<String>,
    #[command(flatten)]
    pub(super) reach: Reach,
    /// OTLP/JSON, one request or one a line, or Parquet of spans, logs or metric points.
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
}

pub(super) async fn run(
    files: Vec<PathBuf>,
    to: Option<String>,
    reach: Reach,
    config: Config,
) -> Result<(), Error> {
    let mut sink = Sink::find(to, &reach, config).await?;
    let mut imported = Ok(());
    for path in &files {
        imported = import(path, &mut sink).await;
        if imported.is_err() {
            break;
        }
    }
    let closed = sink.close().await;
    imported.and(closed)
}

async fn import(path: &Path, sink: &mut Sink) -> Result<(), Error> {
    let is_parquet = path.extension().is_some_and(|extension| extension == "parquet");
    let taken = match is_parquet {
        true => import_parquet(path, sink).await?,
        false => import_json(path, sink).await?,
    };
    let Taken { n_requests, n_rejected } = taken;
    print(format!("{}: {n_requests} requests, {n_rejected} items rejected\n", path.display()))
}

async fn import_parquet(path: &Path, sink: &mut Sink) -> Result<Taken, Error> {
    let mut taken = Taken::default();
    for batch in ParquetReader::open(path)? {
        let batch = batch?;
        let signal = signal_of_columns(&batch)
            .ok_or_else(|| unusable(path, "it holds no table that can be taken in"))?;
        for request in requests(&batch, signal) {
            taken += sink.take(signal, request?.into()).await?;
        }
    }
    Ok(taken)
}

/// Read models are made of spans, not taken in.
fn signal_of_columns(batch: &RecordBatch) -> Option<Signal> {
    let has = |column| batch.column_by_name(column).is_some();
    match () {
        () if has("parent_span_id") => Some(Signal::Traces),
        () if has("severity_number") => Some(Signal::Logs),
        () if has("series_id") => Some(Signal::Metrics),
        () => None,
    }
}

async fn import_json(path: &Path, sink: &mut Sink) -> Result<Taken, Error> {
    let fail = |source| Error::Read { path: path.to_owned(), source };
    let mut file = BufReader::new(File::open(path).map_err(fail)?);
    let (mut taken, mut line) = (Taken::default(), String::new());
    for n_line in 1.. {
        line.clear();
        if file.by_ref().take(REQUEST_BYTES_MAX).read_line(&mut line).map_err(fail)? == 0 {
            break;
        }
        if n_line == 1 && is_unfinished(&line) {
            // One request over many lines.
            file.by_ref().take(REQUEST_BYTES_MAX).read_to_string(&mut line).map_err(fail)?;
        }
        if line.trim().is_empty() {
            continue;
        }
        let signal = signal_of(&line);
        let signal =
            signal.ok_or_else(|| unusable(path, &format!("line {n_line} is no request of OTLP/JSON")))?;
        taken += sink.take(signal, line.clone().into()).await?;
    }
    Ok(taken)
}

fn is_unfinished(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_err_and(|error| error.is_eof())
}

/// By the one member that a request has.
fn signal_of(text: &str) -> Option<Signal> {
    let (_, after) = text.split_once('"')?;
    let (name, _) = after.split_once('"')?;
    match name {
        "resourceSpans" => Some(Signal::Traces),
        "resourceLogs" => Some(Signal::Logs),
        "resourceMetrics" => Some(Signal::Metrics),
        _ => None,
    }
}

fn unusable(path: &Path, reason: &str) -> Error {
    Error::Unusable { path: path.to_owned(), reason: reason.to_owned() }
}
