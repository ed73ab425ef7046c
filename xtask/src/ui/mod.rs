//! The dashboard's build: compile to wasm for size, bind, hash, compress. Needs neither trunk nor
//! cargo-leptos nor Node.

mod bind;
mod compile;
mod dist;

use crate::paths;
use anyhow::Result;
use std::path::PathBuf;

/// Builds `index.html` and hashed, precompressed `assets/`; gives the folder.
pub(crate) fn build() -> Result<PathBuf> {
    let compiled = compile::wasm()?;
    let bound = bind::bind(&compiled)?;
    let dist = paths::ui_dist();
    dist::write(&dist, &bound)?;
    println!("dashboard: {}", dist.display());
    Ok(dist)
}
