//! wasm-bindgen as a library: one lockfile decides both halves, so they cannot disagree.

use crate::paths;
use anyhow::{Context, Result, bail};
use std::path::Path;
use wasm_bindgen_cli_support::Bindgen;

/// The module and the script that loads it.
pub(crate) struct Bound {
    pub(crate) wasm: Vec<u8>,
    pub(crate) loader: String,
}

pub(crate) fn bind(module: &Path) -> Result<Bound> {
    let mut bindgen = Bindgen::new();
    bindgen.input_path(module).out_name("firstfault").typescript(false);
    bindgen.remove_name_section(true).remove_producers_section(true).omit_default_module_path(true);
    bindgen.web(true)?;
    let dir = paths::ui_target().join("bound");
    if dir.exists() {
        std::fs::remove_dir_all(&dir).with_context(|| format!("clear {}", dir.display()))?;
    }
    bindgen.generate(&dir).with_context(|| format!("bind {}", module.display()))?;
    if dir.join("snippets").exists() {
        bail!("a dependency of the ui crate brings script snippets; the bundle has no place for them");
    }
    let read = |name: &str| std::fs::read(dir.join(name)).with_context(|| format!("read {name}"));
    Ok(Bound {
        wasm: read("firstfault_bg.wasm")?,
        loader: String::from_utf8(read("firstfault.js")?).context("the loader is not text")?,
    })
}
