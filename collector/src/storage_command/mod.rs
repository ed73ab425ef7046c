//! `firstfault storage`: what an operator does to a data directory, beside or instead of a server.
//!
//! Each command is one file here and says what it needs: the directory to itself, or only to look at it. The
//! work on files is `storage`'s; this knows arguments, addresses, OTLP and how results are shown.

mod compact;
mod place;
mod stats;
mod verify;

use crate::causes::with_causes;
use crate::cli;
use crate::config::Config;
use clap::Subcommand;
use place::Place;
use std::io::{self, Write};

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
}

/// Why a command did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Storage(#[from] storage::Error),
    #[error("{n} damaged, as told above")]
    Damaged { n: usize },
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
    }
}

/// Opens a data directory that has been used before, as the server does.
async fn open(config: &Config) -> Result<storage::Engine, storage::Error> {
    storage::expect_data(&config.storage.data_dir)?;
    let decode = |record| crate::replay::rows(record).map_err(Into::into);
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

/// What is under way, for whoever watches; that nobody does is no failure.
fn remark(text: impl AsRef<str>) {
    let _ = writeln!(io::stderr(), "{}", text.as_ref());
}

fn one_line(error: &storage::Error) -> String {
    with_causes(error).replace('\n', " ")
}
