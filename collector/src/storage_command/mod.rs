//! `firstfault storage`: what an operator does to a data directory, beside or instead of a server.
//!
//! Each command is one file here and says what it needs: the directory to itself, or only to look at it. The
//! work on files is `storage`'s; this knows arguments, addresses, OTLP and how results are shown.

mod backup;
mod compact;
mod export;
mod import;
mod place;
mod rebuild;
mod repair;
mod sink;
mod source;
mod stats;
#[cfg(test)]
mod tests;
mod verify;

use crate::causes::with_causes;
use crate::cli;
use crate::clock::Clock;
use crate::config::Config;
use crate::encode;
use crate::query_command;
use crate::reach;
use crate::units::shown_bytes;
use clap::Subcommand;
use place::Place;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;
use storage::Progress;

/// Work that takes longer is told about this often.
const REMARK_INTERVAL: Duration = Duration::from_secs(5);

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Read every byte of a data directory and say what is damaged. No server may be using it.
    Verify(Place),
    /// Say what a data directory holds; also beside a running server.
    Stats(stats::Args),
    /// Merge small segments until none is due. No server may be using the directory.
    Compact(Place),
    /// Make rates, errors, durations, calls and instances again of the rows that are stored. No server may be using the
    /// directory.
    RebuildReadModels(Place),
    /// Go on without what cannot be read of the log, and say what that was. No server may be using the directory.
    Repair(Place),
    /// Write rows to files: Parquet for other tools, OTLP JSON to be sent again.
    Export(export::Args),
    /// Take in files of OTLP JSON or exported Parquet.
    Import(import::Args),
    /// Copy a data directory, also while a server uses it: what was acknowledged before is in the copy.
    Backup(backup::BackupArgs),
    /// Make a data directory of a backup.
    Restore(backup::RestoreArgs),
}

/// Why a command did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Storage(#[from] storage::Error),
    #[error("{n} damaged, as told above")]
    Damaged { n: usize },
    #[error(transparent)]
    Query(#[from] query_command::Error),
    #[error(transparent)]
    Reach(#[from] reach::Error),
    #[error("rows cannot be exported")]
    Encode(#[from] encode::Error),
    #[error("cannot copy the alert state")]
    State {
        #[source]
        source: alerts::Error,
    },
    #[error("cannot write {path}", path = path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot read {path}", path = path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot import {path}: {reason}", path = path.display())]
    Unusable { path: PathBuf, reason: String },
    #[error("not everything was taken in:\n  {}", left_out.join("\n  "))]
    LeftOut { left_out: Vec<String> },
    #[error("{url} was too busy for two minutes; what came before is stored")]
    Busy { url: String },
    #[error("a request was refused; what came before it is stored")]
    Refused {
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("cannot send to {url}")]
    Send {
        url: String,
        #[source]
        source: reqwest::Error,
    },
    #[error(
        "the answer of {url} ended early: its log says why; if the query took too long, export less at a time with \
         --since and --until, or stop the server first"
    )]
    Cut {
        url: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("no rows came for {path}", path = path.display())]
    NoSchema { path: PathBuf },
    #[error("cannot listen for signals")]
    Signals {
        #[source]
        source: io::Error,
    },
    #[error("cannot print the result")]
    Print {
        #[source]
        source: io::Error,
    },
}

pub(crate) fn run(args: Args) -> Result<(), cli::Failure> {
    let failed = |error: Error| cli::Failure::work(&error);
    match args.command {
        Command::Verify(place) => verify::run(&place.config()?.storage.data_dir).map_err(failed),
        Command::Stats(args) => {
            let config = args.place.config()?;
            stats::run(&config.storage.data_dir, args.json).map_err(failed)
        }
        Command::Compact(place) => {
            let config = place.config()?;
            cli::start_log()?;
            cli::wait(compact::run(config))?.map_err(failed)
        }
        Command::RebuildReadModels(place) => {
            let config = place.config()?;
            cli::start_log()?;
            cli::wait(rebuild::run(config))?.map_err(failed)
        }
        Command::Repair(place) => {
            let config = place.config()?;
            cli::start_log()?;
            cli::wait(repair::run(config))?.map_err(failed)
        }
        Command::Export(args) => {
            let plan = args.plan().map_err(cli::Failure::usage)?;
            let config = args.place.config()?;
            cli::start_log()?;
            cli::wait(export::run(plan, config))?.map_err(failed)
        }
        Command::Backup(args) => {
            let config = args.place.config()?;
            backup::backup(&config.storage.data_dir, &args.to, args.copy).map_err(failed)
        }
        Command::Restore(args) => backup::restore(&args.from, &args.data_dir).map_err(failed),
        Command::Import(import::Args { place, to, reach, files }) => {
            let config = place.config()?;
            cli::start_log()?;
            cli::wait(import::run(files, to, reach, config))?.map_err(failed)
        }
    }
}

/// Opens a data directory that has been used before, as the server does.
async fn open(config: &Config) -> Result<storage::Engine, storage::Error> {
    storage::expect_data(&config.storage.data_dir)?;
    open_or_make(config).await
}

/// Opens a data directory as the server does, which makes one where there is none.
async fn open_or_make(config: &Config) -> Result<storage::Engine, storage::Error> {
    let limits = config.limits.items;
    let decode = move |record| crate::replay::rows_within(record, limits).map_err(Into::into);
    let (engine, _) = storage::Engine::open(config.storage.clone(), decode).await?;
    Ok(engine)
}

/// Results; a reader that has seen enough is no failure.
fn print(text: impl AsRef<str>) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_ref().as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => printed.map_err(|source| Error::Print { source }),
    }
}

/// Says now and then how far long work has come.
fn remarks() -> impl FnMut(Progress) + Send + 'static {
    let mut told_at = Clock.instant();
    move |progress| {
        if Clock.instant().duration_since(told_at) >= REMARK_INTERVAL {
            told_at = Clock.instant();
            remark(progress_line(progress));
        }
    }
}

fn progress_line(Progress { n_bytes, n_bytes_all }: Progress) -> String {
    let percent = n_bytes.saturating_mul(100) / n_bytes_all.max(1);
    format!("read {} of {}, {percent} %", shown_bytes(n_bytes), shown_bytes(n_bytes_all))
}

/// What is under way, for whoever watches; that nobody does is no failure.
fn remark(text: impl AsRef<str>) {
    let _ = writeln!(io::stderr(), "{}", text.as_ref());
}

fn one_line(error: &storage::Error) -> String {
    with_causes(error).replace('\n', " ")
}
