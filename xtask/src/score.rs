//! `cargo xtask score-triage`: builds the server and what scores it, and has them at it.

use crate::{paths, shell};
use anyhow::{Context, Result, bail};
use std::process::Command;

/// Ends the program as the scores end, without a word of its own: their output may be read by a machine.
pub(crate) fn score_triage(args: &[String]) -> Result<()> {
    let is_dev = args.iter().any(|arg| arg == "--dev");
    build(is_dev)?;
    let programs = paths::target().join(if is_dev { "debug" } else { "release" });
    let status = Command::new(programs.join("score"))
        .arg("--binary")
        .arg(programs.join("firstfault"))
        .arg("--work")
        .arg(paths::target().join("score-triage"))
        .args(args.iter().filter(|arg| *arg != "--dev"))
        .status()
        .context("start the scores' program")?;
    if !status.success() {
        std::process::exit(status.code().unwrap_or(1));
    }
    Ok(())
}

/// Both at once, so that what they share is built once; with the dashboard where that is there already, so that the
/// server is the one that `cargo xtask run` builds.
fn build(is_dev: bool) -> Result<()> {
    let mut command = shell::cargo();
    command.args(["build", "--package", "firstfault", "--bin", "firstfault"]);
    command.args(["--package", "score", "--bin", "score"]);
    if !is_dev {
        command.arg("--release");
    }
    let dashboard = paths::ui_dist();
    if dashboard.join("index.html").is_file() {
        command.env("FIRSTFAULT_UI_DIR", dashboard).env("REQUIRE_UI", "1");
    }
    let status = command.status().context("start cargo")?;
    if !status.success() {
        bail!("the server and its scores cannot be built");
    }
    Ok(())
}
