//! `cargo xtask bench storage`: builds the benchmark in release and runs it with what it needs.

use crate::{paths, setup, shell};
use anyhow::{Result, bail};

pub(crate) fn bench(args: &[String]) -> Result<()> {
    let rest = match args.split_first() {
        Some((name, rest)) if name == "storage" => rest,
        _ => bail!("bench takes the name of a benchmark: storage"),
    };
    // To see that it works; its figures are then worth nothing, as it says itself.
    let is_dev = rest.iter().any(|arg| arg == "--dev");
    let dir = paths::target().join("bench").join("storage");
    std::fs::create_dir_all(&dir)?;
    let python = setup::peers()?;
    let commit = shell::output("git", &["rev-parse", "--short", "HEAD"]).unwrap_or_default();
    let commit = if commit.trim().is_empty() { "unknown" } else { commit.trim() };
    shell::run(
        shell::cargo()
            .args([if is_dev { "test" } else { "bench" }, "--workspace", "--bench", "storage", "--"])
            .arg("--dir")
            .arg(dir)
            .arg("--python")
            .arg(python)
            .args(["--commit", commit])
            .args(rest.iter().filter(|arg| *arg != "--dev")),
    )
}
