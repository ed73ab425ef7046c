//! `firstfault storage backup` and `restore`: a data directory and its alert state, copied while a server goes on.

use super::place::Place;
use super::{Error, print};
use crate::run::STATE_FILE;
use crate::units::shown_bytes;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use storage::{BackedUp, Segments};

#[derive(Debug, clap::Args)]
pub(super) struct BackupArgs {
    #[command(flatten)]
    pub(super) place: Place,
    /// Where the backup is made: a directory that is empty or not there.
    #[arg(long, value_name = "DIR")]
    pub(super) to: PathBuf,
    /// Copy segments, and check the copies, also where links would do: for a backup that stays on this disk.
    #[arg(long)]
    pub(super) copy: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct RestoreArgs {
    /// The backup.
    #[arg(long, value_name = "DIR")]
    pub(super) from: PathBuf,
    /// The new data directory: empty, or not there.
    #[arg(long, value_name = "DIR")]
    pub(super) data_dir: PathBuf,
}

pub(super) fn backup(data_dir: &Path, to: &Path, is_copied: bool) -> Result<(), Error> {
    let how = if is_copied { Segments::Copied } else { Segments::Linked };
    let state = data_dir.join(STATE_FILE);
    let made = storage::backup(data_dir, to, how, || match state.exists() {
        true => alerts::copy_state(&state, &to.join(STATE_FILE)).map_err(|source| Error::State { source }),
        false => Ok(()),
    })?;
    print(summary("backup", to, &made))
}

pub(super) fn restore(from: &Path, data_dir: &Path) -> Result<(), Error> {
    let (state, path) = (from.join(STATE_FILE), data_dir.join(STATE_FILE));
    let made = storage::restore(from, data_dir, || match state.exists() {
        true => copy_durably(&state, &path).map_err(|source| Error::Write { path, source }),
        false => Ok(()),
    })?;
    print(summary("data directory", data_dir, &made))
}

fn copy_durably(from: &Path, to: &Path) -> io::Result<()> {
    let mut output = File::create_new(to)?;
    io::copy(&mut File::open(from)?, &mut output)?;
    output.sync_all()?;
    to.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
}

fn summary(what: &str, place: &Path, made: &BackedUp) -> String {
    let BackedUp { n_segments, n_segment_bytes, n_linked, n_log_records } = made;
    let linked = match n_linked {
        0 => String::new(),
        _ => format!(", {n_linked} of them links"),
    };
    format!(
        "{what} {}: {n_segments} segments ({}{linked}) and {n_log_records} records of the log\n",
        place.display(),
        shown_bytes(*n_segment_bytes)
    )
}
