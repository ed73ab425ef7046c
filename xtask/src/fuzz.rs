//! `cargo xtask fuzz`: each target under a fuzzer for a bounded time, from the committed seeds.
//!
//! The fuzzer is libFuzzer by way of cargo-fuzz, on the stable compiler: without a sanitizer it needs no unstable flag.
//! What it learns goes into the target directory; only an input that fails is left in `fuzz/artifacts`.

use crate::{paths, setup, shell};
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// For each target, unless `--seconds` says otherwise.
const SECONDS: u64 = 60;
/// Inputs stay small, so that many are tried; one that takes ten seconds or a gibibyte has failed.
const LIMITS: [&str; 4] = ["-max_len=16384", "-timeout=10", "-rss_limit_mb=1024", "-print_final_stats=1"];

pub(crate) fn fuzz(args: &[String]) -> Result<()> {
    let (seconds, named) = arguments(args)?;
    let targets = targets()?;
    if let Some(unknown) = named.iter().find(|name| !targets.contains(*name)) {
        bail!("unknown target {unknown:?}; targets are {}", Vec::from_iter(targets).join(" "));
    }
    let fuzzer = setup::cargo_fuzz()?;
    lock()?;
    let mut failures = Vec::new();
    for target in targets.iter().filter(|target| named.is_empty() || named.contains(target)) {
        println!("== {target}, {seconds} s");
        if let Err(error) = run(&fuzzer, target, seconds) {
            failures.push(format!("{error:#}"));
        }
    }
    if !failures.is_empty() {
        bail!("{}", failures.join("\n"));
    }
    Ok(())
}

/// Seconds for each target, and the targets that are named.
fn arguments(args: &[String]) -> Result<(u64, Vec<String>)> {
    let (mut seconds, mut named) = (SECONDS, Vec::new());
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--seconds" => {
                let text = args.next().map_or("", String::as_str);
                let number = text.parse::<u64>().ok().filter(|number| *number > 0);
                seconds =
                    number.with_context(|| format!("--seconds takes a number above 0, not {text:?}"))?;
            }
            flag if flag.starts_with('-') => {
                bail!("fuzz takes --seconds N and names of targets, not {flag:?}")
            }
            name => named.push(name.to_owned()),
        }
    }
    Ok((seconds, named))
}

/// All there are, by the names of their programs.
fn targets() -> Result<BTreeSet<String>> {
    let programs = files(&fuzz_dir().join("fuzz_targets"))?;
    let name = |path: &PathBuf| path.file_stem().map(|name| name.to_string_lossy().into_owned());
    Ok(programs.iter().filter_map(name).collect())
}

/// Gives the programs the versions that the product has, when those have changed; cargo adds what only they need.
fn lock() -> Result<()> {
    let (ours, theirs) = (paths::root().join("Cargo.lock"), fuzz_dir().join("Cargo.lock"));
    let taken = work_dir().join("Cargo.lock.taken");
    let versions = std::fs::read(&ours).with_context(|| format!("read {}", ours.display()))?;
    if theirs.exists() && std::fs::read(&taken).is_ok_and(|taken| taken == versions) {
        return Ok(());
    }
    std::fs::create_dir_all(work_dir()).context("create the folder of the fuzzer")?;
    for path in [theirs, taken] {
        std::fs::write(&path, &versions).with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

fn run(fuzzer: &Path, target: &str, seconds: u64) -> Result<()> {
    let learnt = work_dir().join("corpus").join(target);
    std::fs::create_dir_all(&learnt).with_context(|| format!("create {}", learnt.display()))?;
    let found_before = found(target)?;
    let ended = shell::run(
        Command::new(fuzzer)
            .current_dir(paths::root())
            .args(["fuzz", "run", "--sanitizer", "none", "--no-cfg-fuzzing", "--codegen-units", "16"])
            .arg("--target-dir")
            .arg(work_dir().join("build"))
            .arg(target)
            // New inputs go into the first of the folders.
            .arg(&learnt)
            .arg(fuzz_dir().join("corpus").join(target))
            .args(["--", &format!("-max_total_time={seconds}")])
            .args(LIMITS),
    );
    let found: Vec<PathBuf> = found(target)?.difference(&found_before).cloned().collect();
    match found.as_slice() {
        // A build that fails finds nothing.
        [] => ended,
        [input, ..] => bail!(
            "target {target} fails with {input}; make it a seed, and the tests fail until it is mended:\n  \
             cp {input} fuzz/corpus/{target}/ && cargo test --package collector fuzz::",
            input = input.display()
        ),
    }
}

/// Inputs that have failed, by now.
fn found(target: &str) -> Result<BTreeSet<PathBuf>> {
    let folder = fuzz_dir().join("artifacts").join(target);
    if !folder.exists() {
        return Ok(BTreeSet::new());
    }
    // The slowest input is kept too, and is no failure.
    let is_slow = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("slow-unit-"))
    };
    Ok(files(&folder)?.into_iter().filter(|path| !is_slow(path)).collect())
}

fn files(folder: &Path) -> Result<BTreeSet<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
    entries.map(|entry| Ok(entry.with_context(|| format!("read {}", folder.display()))?.path())).collect()
}

fn fuzz_dir() -> PathBuf {
    paths::root().join("fuzz")
}

/// What building and fuzzing leave behind.
fn work_dir() -> PathBuf {
    paths::target().join("fuzz")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<(u64, Vec<String>), String> {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        arguments(&args).map_err(|error| error.to_string())
    }

    /// Scenario: names and a time in any order, nothing, and what is neither.
    /// Guarantees: each target gets the time; a time of no seconds, which would never end, is refused.
    #[test]
    fn arguments_are_a_time_and_names() {
        assert_eq!(parsed(&[]), Ok((SECONDS, vec![])));
        let named = vec!["json".to_owned(), "inflate".to_owned()];
        assert_eq!(parsed(&["json", "--seconds", "5", "inflate"]), Ok((5, named)));
        for wrong in ["--seconds", "--seconds 0", "--seconds x", "--forever"] {
            let words: Vec<&str> = wrong.split(' ').collect();
            assert!(parsed(&words).is_err(), "{wrong}");
        }
    }

    /// Scenario: the programs of the checkout.
    /// Guarantees: they are found by name.
    #[test]
    fn programs_are_targets() {
        let targets = targets().expect("the folder is there");
        assert!(targets.contains("protobuf") && targets.contains("wal_frame"), "{targets:?}");
    }
}
