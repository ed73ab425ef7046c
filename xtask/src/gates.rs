//! Ceilings that a change must stay under.

use crate::paths;
use anyhow::{Context, Result, bail};
use std::path::Path;

/// Largest brotli size of everything together, in bytes: the product's budget for the first visit.
const BROTLI_BYTES_MAX: u64 = 500_000;
/// Largest gzip size of each kind of asset, in bytes: what a browser without brotli downloads. Pages for everything
/// that is planned fit into the budget above with room to spare; this is what they may take until then, so that a
/// careless dependency is noticed long before the budget is gone (brotli makes about four fifths of it).
const GZIP_BYTES_MAX: [(&str, u64); 3] = [("wasm", 480_000), ("js", 12_000), ("css", 20_000)];

/// Fails when the dashboard has grown past its budget.
pub(crate) fn sizes() -> Result<()> {
    let assets = paths::ui_dist().join("assets");
    let mut failures = Vec::new();
    for (extension, bytes_max) in GZIP_BYTES_MAX {
        let bytes = total(&assets, &format!("{extension}.gz"))?;
        println!("{extension}: {bytes} bytes gzip of {bytes_max}");
        if bytes > bytes_max {
            failures.push(format!("{extension} is {bytes} bytes gzip, the ceiling is {bytes_max}"));
        }
    }
    let bytes = total(&assets, "br")?;
    println!("all: {bytes} bytes brotli of {BROTLI_BYTES_MAX}");
    if bytes > BROTLI_BYTES_MAX {
        failures.push(format!("all assets are {bytes} bytes brotli, the ceiling is {BROTLI_BYTES_MAX}"));
    }
    if !failures.is_empty() {
        bail!("the dashboard is too large:\n  {}", failures.join("\n  "));
    }
    Ok(())
}

fn total(dir: &Path, suffix: &str) -> Result<u64> {
    let entries = std::fs::read_dir(dir)
        .with_context(|| format!("read {}; build it with `cargo xtask ui`", dir.display()))?;
    let mut bytes = 0;
    for entry in entries {
        let entry = entry?;
        if entry.file_name().to_string_lossy().ends_with(&format!(".{suffix}")) {
            bytes += entry.metadata()?.len();
        }
    }
    if bytes == 0 {
        bail!("no file ends in .{suffix} in {}", dir.display());
    }
    Ok(bytes)
}
