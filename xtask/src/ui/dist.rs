//! The folder that the server embeds: every asset is named by its content and stored compressed.

use super::bind::Bound;
use crate::paths;
use anyhow::{Context, Result};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Writes `index.html` and `assets/*`, each with `.br` and `.gz` beside it. Names of files stand in
/// the sources as `__WASM__`, `__LOADER__`, `__CSS__` and `__BOOT__`.
pub(crate) fn write(dist: &Path, bound: &Bound) -> Result<()> {
    if dist.exists() {
        std::fs::remove_dir_all(dist).with_context(|| format!("clear {}", dist.display()))?;
    }
    std::fs::create_dir_all(dist.join("assets")).with_context(|| format!("create {}", dist.display()))?;
    let ui = paths::root().join("ui");
    let wasm = asset(dist, "app", "wasm", &bound.wasm)?;
    let loader = asset(dist, "app", "js", bound.loader.as_bytes())?;
    let css = asset(dist, "style", "css", styles(&ui.join("style"))?.as_bytes())?;
    let boot = read(&ui.join("boot.js"))?.replace("__LOADER__", &loader).replace("__WASM__", &wasm);
    let boot = asset(dist, "boot", "js", boot.as_bytes())?;
    let index = read(&ui.join("index.html"))?.replace("__CSS__", &css).replace("__BOOT__", &boot);
    let index = index.replace("__WASM__", &wasm).replace("__LOADER__", &loader);
    store(&dist.join("index.html"), index.as_bytes())
}

/// Tokens first, then base and layout, then one file per component in the order of their names.
fn styles(dir: &Path) -> Result<String> {
    let mut files: Vec<PathBuf> = ["tokens.css", "base.css", "layout.css"].map(|name| dir.join(name)).into();
    let mut components = std::fs::read_dir(dir.join("components"))
        .context("read ui/style/components")?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()?;
    components.sort();
    files.extend(components);
    files.iter().map(|file| read(file)).collect()
}

/// Stores one asset under the hash of its content and gives its file name.
fn asset(dist: &Path, stem: &str, extension: &str, content: &[u8]) -> Result<String> {
    let hash: String = Sha256::digest(content).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let name = format!("{stem}-{hash}.{extension}");
    store(&dist.join("assets").join(&name), content)?;
    Ok(name)
}

fn store(path: &Path, content: &[u8]) -> Result<()> {
    let twin = |suffix: &str| PathBuf::from(format!("{}.{suffix}", path.display()));
    let write = |path: &Path, content: &[u8]| {
        std::fs::write(path, content).with_context(|| format!("write {}", path.display()))
    };
    write(path, content)?;
    write(&twin("br"), &brotli(content)?)?;
    write(&twin("gz"), &gzip(content)?)
}

fn brotli(content: &[u8]) -> Result<Vec<u8>> {
    let params = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, ..Default::default() };
    let mut out = Vec::new();
    brotli::BrotliCompress(&mut &content[..], &mut out, &params).context("compress with brotli")?;
    Ok(out)
}

fn gzip(content: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).context("compress with gzip")?;
    encoder.finish().context("compress with gzip")
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))
}
