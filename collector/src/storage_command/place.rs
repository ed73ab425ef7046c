//! Which data directory a command is about: found as the server finds its own.

use crate::cli;
use crate::config::{Config, Flag};
use std::path::PathBuf;

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Place {
    /// Configuration file (TOML) of the server.
    #[arg(long, value_name = "FILE", env = "FIRSTFAULT_CONFIG")]
    config: Option<PathBuf>,
    /// The data directory; default: the server's.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,
}

impl Place {
    pub(super) fn config(&self) -> Result<Config, cli::Failure> {
        let flag = |text: &String| Flag { flag: "--data-dir", key: "storage.data_dir", text: text.clone() };
        cli::load(self.config.clone(), self.data_dir.iter().map(flag).collect())
    }
}
