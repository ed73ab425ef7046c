//! `cargo xtask test`: what CI runs, in the order that fails soonest.

use crate::{gates, paths, setup, shell, ui};
use anyhow::{Result, bail};
use std::time::Instant;

type Step = (&'static str, fn() -> Result<()>);

const STEPS: [Step; 7] = [
    ("fmt", fmt),
    ("ui", || ui::build().map(|_| ())),
    ("gates", gates::sizes),
    ("clippy", clippy),
    ("doc", doc),
    ("test", tests),
    ("deny", deny),
];

pub(crate) fn test(names: &[String]) -> Result<()> {
    for name in names {
        if !STEPS.iter().any(|(step, _)| step == name) {
            bail!("unknown step {name:?}; steps are {}", STEPS.map(|(step, _)| step).join(" "));
        }
    }
    for (name, step) in STEPS {
        if !names.is_empty() && !names.iter().any(|wanted| wanted == name) {
            continue;
        }
        println!("== {name}");
        let started = now();
        step()?;
        println!("== {name}: ok, {:.0} s", started.elapsed().as_secs_f64());
    }
    Ok(())
}

#[allow(
    clippy::disallowed_methods,
    reason = "how long a step took is told to the user, nothing depends on it"
)]
fn now() -> Instant {
    Instant::now()
}

/// The programs of the fuzzer are a workspace of their own.
fn fmt() -> Result<()> {
    shell::run(shell::cargo().args(["fmt", "--all", "--check"]))?;
    shell::run(shell::cargo().args(["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"]))
}

fn clippy() -> Result<()> {
    shell::run(shell::cargo().args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

/// Links and names in the documentation resolve.
fn doc() -> Result<()> {
    shell::run(shell::cargo().args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"))
}

fn tests() -> Result<()> {
    let tools = setup::everything()?;
    let artefacts = paths::artefacts();
    std::fs::create_dir_all(&artefacts)?;
    let mut command = shell::cargo();
    command
        .args(["test", "--workspace"])
        // Most tests of the whole product wait for processes and deadlines.
        .env("RUST_TEST_THREADS", "4")
        .env("FIRSTFAULT_UI_DIR", paths::ui_dist())
        .env("FIRSTFAULT_TEST_PYTHON", tools.python)
        .env("FIRSTFAULT_TEST_NODE_MODULES", tools.node_modules)
        .env("FIRSTFAULT_TEST_CHROMEDRIVER", tools.chromedriver)
        .env("FIRSTFAULT_TEST_PROMETHEUS", tools.prometheus)
        .env("FIRSTFAULT_TEST_ALERTMANAGER", tools.alertmanager)
        .env("FIRSTFAULT_TEST_ARTEFACTS", &artefacts);
    if let Some(agent) = tools.agent {
        command.env("FIRSTFAULT_TEST_AGENT", agent);
    }
    shell::run(&mut command)?;
    println!("screenshots and logs of the tests: {}", artefacts.display());
    Ok(())
}

/// Licences, duplicates and sources, where cargo-deny is installed; it is not worth a build of its own here.
fn deny() -> Result<()> {
    if shell::output("cargo", &["deny", "--version"]).is_none() {
        println!("SKIPPED deny: cargo-deny is not installed (cargo install cargo-deny)");
        return Ok(());
    }
    shell::run(shell::cargo().args(["deny", "check", "bans", "licenses", "sources"]))
}
