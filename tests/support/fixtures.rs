//! Other people's cases: `../shared/fixtures` beside the checkout, or where `FIRSTFAULT_FIXTURES` points.

use serde_json::Value;
use std::path::PathBuf;

/// The path of a fixture, or nothing after saying which test is skipped for it.
#[allow(clippy::print_stdout, reason = "a skipped test says so on its output")]
pub(crate) fn find(test: &str, path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("FIRSTFAULT_FIXTURES")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/fixtures"), PathBuf::from);
    let found = root.join(path);
    if found.exists() {
        return Some(found);
    }
    println!("SKIPPED {test}: {} not found", found.display());
    None
}

pub(crate) fn json(path: &PathBuf) -> Value {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
