//! The dashboard's build: compile to wasm, bind, optimise, hash, compress. Needs neither trunk nor
//! cargo-leptos, and Node only for the optimiser, which is skipped where npm is absent.

mod bind;
mod compile;
mod dist;
mod optimise;

use crate::paths;
use anyhow::Result;
use std::path::PathBuf;

/// Builds `index.html` and hashed, precompressed `assets/`; gives the folder.
pub(crate) fn build() -> Result<PathBuf> {
    let compiled = compile::wasm()?;
    let bound = bind::bind(&compiled)?;
    let wasm = optimise::optimise(&bound.wasm)?;
    let dist = paths::ui_dist();
    dist::write(&dist, &dist::Parts { wasm, loader: bound.loader })?;
    println!("dashboard: {}", dist.display());
    Ok(dist)
}
