//! Compiles the `ui` crate to wasm32, installing the target when it is missing.

use crate::{paths, setup, shell};
use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::process::Command;

const TARGET: &str = "wasm32-unknown-unknown";

/// Leptos then erases the types of components, so that each is compiled once and not once per place.
const RUSTFLAGS: &str = "target.wasm32-unknown-unknown.rustflags = ['--cfg', 'erase_components']";

/// Gives the path of the raw module.
pub(crate) fn wasm() -> Result<PathBuf> {
    let mut command = compiler()?;
    shell::run(
        command
            .current_dir(paths::root())
            .args(["--config", RUSTFLAGS])
            .args(["--package", "ui", "--lib", "--profile", "wasm", "--target", TARGET, "--target-dir"])
            .arg(paths::ui_target()),
    )?;
    let module = paths::ui_target().join(TARGET).join("wasm").join("ui.wasm");
    if !module.is_file() {
        bail!("{} was not written by the build", module.display());
    }
    Ok(module)
}

/// Cargo for wasm32: the toolchain in use with rustup's target, else Debian's own toolchain, which
/// ships the standard library as source.
fn compiler() -> Result<Command> {
    if target_installed() {
        let mut cargo = shell::cargo();
        cargo.arg("build");
        return Ok(cargo);
    }
    println!("installing the {TARGET} target with rustup");
    let added = Command::new("rustup").args(["target", "add", TARGET]).status();
    if added.is_ok_and(|status| status.success()) {
        let mut cargo = shell::cargo();
        cargo.arg("build");
        return Ok(cargo);
    }
    println!("rustup could not; installing Debian's toolchain for {TARGET}");
    setup::apt(&["rustc-web", "cargo-web", "rust-web-src", "lld"])
        .with_context(|| format!("no way to compile for {TARGET}: install that target for your toolchain"))?;
    let mut cargo = Command::new("/usr/bin/cargo");
    cargo.env("RUSTC_BOOTSTRAP", "1").env("RUSTC", "/usr/bin/rustc");
    cargo.args(["build", "-Z", "build-std=std,panic_abort"]);
    Ok(cargo)
}

/// Does the compiler in use have the target's standard library?
fn target_installed() -> bool {
    shell::output("rustc", &["--print", "target-libdir", "--target", TARGET])
        .is_some_and(|dir| PathBuf::from(dir.trim()).is_dir())
}
