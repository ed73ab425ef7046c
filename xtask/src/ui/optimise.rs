//! wasm-opt from the npm package binaryen. The flags are named one by one: with all features on, or
//! with the version that Debian ships, the result is a module that browsers refuse.

use crate::{paths, setup, shell};
use anyhow::{Context, Result};
use std::process::Command;

const FLAGS: [&str; 7] = [
    "-Oz",
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-multivalue",
];

/// Gives the module back smaller, or unchanged with a word about it where npm is absent.
pub(crate) fn optimise(wasm: &[u8]) -> Result<Vec<u8>> {
    let Some(tool) = setup::binaryen()? else {
        println!("npm is absent: the dashboard is not optimised for size (about a third larger)");
        return Ok(wasm.to_vec());
    };
    let dir = paths::ui_target();
    let (from, to) = (dir.join("unoptimised.wasm"), dir.join("optimised.wasm"));
    std::fs::write(&from, wasm).with_context(|| format!("write {}", from.display()))?;
    shell::run(Command::new("node").arg(tool).args(FLAGS).arg(&from).arg("-o").arg(&to))?;
    std::fs::read(&to).with_context(|| format!("read {}", to.display()))
}
