//! The dashboard's build: compile to wasm for size, bind, arrange, hash, compress. Needs neither trunk nor
//! cargo-leptos nor Node.

mod arrange;
mod bind;
mod compile;
mod dist;

use crate::paths;
use anyhow::Result;
use std::path::PathBuf;

/// Builds `index.html` and hashed, precompressed `assets/`; gives the folder.
pub(crate) fn build() -> Result<PathBuf> {
    let compiled = compile::wasm()?;
    let mut bound = bind::bind(&compiled)?;
    bound.wasm = arrange::arrange(&bound.wasm)?;
    let dist = paths::ui_dist();
    dist::write(&dist, &bound)?;
    println!("dashboard: {}", dist.display());
    Ok(dist)
}
