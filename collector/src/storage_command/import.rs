//! `firstfault storage import`: files that were exported, by this or by others, taken in as if they had just
//! been sent.
//!
//! Rows of Parquet files become requests again, so that everything that comes in is decoded, logged and
//! acknowledged in one way. A file that cannot be taken in does not keep the others out; what was left out is told
//! at the end, and is a failure of the whole.

use super::export::requests;
use super::place::Place;
use super::sink::{Sink, Taken};
use super::{Error, print};
use crate::causes::with_causes;
use crate::config::Config;
use crate::decode::text::printable;
use crate::reach::Reach;
use arrow::array::RecordBatch;
use serde::de::IgnoredAny;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use storage::{ParquetReader, Signal};

/// Bytes of one request: what the log takes.
const REQUEST_BYTES_MAX: u64 = 256 << 20;
/// Characters of what is told of a file; the reasons of a server can be long, and are its own words.
const TOLD_CHARS_MAX: usize = 400;

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
    let imported = import_all(&files, &mut sink).await;
    let closed = sink.close().await;
    imported.and(closed)
}

async fn import_all(files: &[PathBuf], sink: &mut Sink) -> Result<(), Error> {
    let mut left_out = Vec::new();
    for path in files {
        match import(path, sink).await {
            Ok(None) => {}
            Ok(Some(told)) => left_out.push(told),
            Err(error) if is_of_file(&error) => {
                // What is refused does not say where it was.
                let place = matches!(error, Error::Refused { .. }).then(|| format!("{}: ", path.display()));
                let told = printable(&with_causes(&error), TOLD_CHARS_MAX);
                left_out.push(format!("{}{told}", place.unwrap_or_default()));
            }
            Err(error) => return Err(error),
        }
    }
    match left_out.is_empty() {
        true => Ok(()),
        false => Err(Error::LeftOut { left_out }),
    }
}

/// Can others still be taken in?
fn is_of_file(error: &Error) -> bool {
    matches!(error, Error::Read { .. } | Error::Unusable { .. } | Error::Refused { .. })
}

/// Returns what was left out of a file, and why.
async fn import(path: &Path, sink: &mut Sink) -> Result<Option<String>, Error> {
    let is_parquet = path.extension().is_some_and(|extension| extension == "parquet");
    let taken = match is_parquet {
        true => import_parquet(path, sink).await?,
        false => import_json(path, sink).await?,
    };
    let (path, Taken { n_requests, n_rejected, message }) = (path.display(), taken);
    let message = message.map_or(String::new(), |text| format!(" ({})", printable(&text, TOLD_CHARS_MAX)));
    print(format!("{path}: {n_requests} requests, {n_rejected} items rejected{message}\n"))?;
    Ok((n_rejected > 0).then(|| format!("{path}: {n_rejected} items rejected{message}")))
}

async fn import_parquet(path: &Path, sink: &mut Sink) -> Result<Taken, Error> {
    let mut taken = Taken::default();
    let unreadable = |error: storage::Error| match error {
        storage::Error::Io { source, .. } => Error::Read { path: path.to_owned(), source },
        other => unusable(path, &with_causes(&other)),
    };
    for batch in ParquetReader::open(path).map_err(unreadable)? {
        let batch = batch.map_err(unreadable)?;
        let signal = signal_of_columns(&batch)
            .ok_or_else(|| unusable(path, "it holds no table that can be taken in"))?;
        for request in requests(&batch, signal) {
            let request = request.map_err(|error| rewritten(path, error))?;
            taken += sink.take(signal, request.into()).await?;
        }
    }
    Ok(taken)
}

/// Columns of a table under their names, and of other types: other programs have no type for some of ours.
fn rewritten(path: &Path, error: Error) -> Error {
    match error {
        Error::Encode(error) => unusable(
            path,
            &format!("{error}; another program has rewritten it: import it as it was exported"),
        ),
        other => other,
    }
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
