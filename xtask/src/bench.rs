//! `cargo xtask bench`: builds a benchmark in release and runs it with what it needs.

use crate::{paths, setup, shell};
use anyhow::{Result, bail};
use std::process::Command;

pub(crate) fn bench(args: &[String]) -> Result<()> {
    match args.split_first() {
        Some((name, rest)) if name == "storage" => storage(rest),
        Some((name, rest)) if name == "decode" => decode(rest),
        Some((name, rest)) if name == "read-models" => read_models(rest),
        Some((name, rest)) if name == "triage" => triage(rest),
        _ => bail!("bench takes the name of a benchmark: storage, decode, read-models or triage"),
    }
}

fn storage(rest: &[String]) -> Result<()> {
    let dir = paths::target().join("bench").join("storage");
    std::fs::create_dir_all(&dir)?;
    let python = setup::peers()?;
    let mut command = benchmark("storage", rest);
    command.arg("--dir").arg(dir).arg("--python").arg(python);
    shell::run(with_rest(&mut command, rest))
}

fn decode(rest: &[String]) -> Result<()> {
    shell::run(with_rest(&mut benchmark("decode", rest), rest))
}

fn read_models(rest: &[String]) -> Result<()> {
    let dir = paths::target().join("bench").join("read-models");
    std::fs::create_dir_all(&dir)?;
    let mut command = benchmark("read_models", rest);
    command.arg("--dir").arg(dir);
    shell::run(with_rest(&mut command, rest))
}

fn triage(rest: &[String]) -> Result<()> {
    let dir = paths::target().join("bench").join("triage");
    std::fs::create_dir_all(&dir)?;
    let mut command = benchmark("triage", rest);
    command.arg("--dir").arg(dir);
    shell::run(with_rest(&mut command, rest))
}

/// `--dev` is to see that it works; its figures are then worth nothing, as it says itself.
fn benchmark(name: &str, rest: &[String]) -> Command {
    let is_dev = rest.iter().any(|arg| arg == "--dev");
    let mut command = shell::cargo();
    command.args([if is_dev { "test" } else { "bench" }, "--workspace", "--bench", name, "--"]);
    command
}

fn with_rest<'a>(command: &'a mut Command, rest: &[String]) -> &'a mut Command {
    let commit = shell::output("git", &["rev-parse", "--short", "HEAD"]).unwrap_or_default();
    let commit = if commit.trim().is_empty() { "unknown" } else { commit.trim() };
    command.args(["--commit", commit]).args(rest.iter().filter(|arg| *arg != "--dev"))
}
