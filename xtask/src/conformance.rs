//! `cargo xtask conformance`: builds the checklist in release and runs it against any OTLP server.

use crate::{paths, shell};
use anyhow::{Context, Result};

/// Ends the program as the checklist ends, without a word of its own: its output may be read by a machine.
pub(crate) fn conformance(args: &[String]) -> Result<()> {
    // Paths among the arguments are meant from here, not from the checkout.
    let here = std::env::current_dir().context("find the current folder")?;
    let status = shell::cargo()
        .current_dir(here)
        .args(["run", "--quiet", "--release", "--manifest-path"])
        .arg(paths::root().join("Cargo.toml"))
        .args(["--package", "conformance", "--"])
        .args(args)
        .status()
        .context("start cargo")?;
    if !status.success() {
        std::process::exit(status.code().unwrap_or(1));
    }
    Ok(())
}
