//! Where things are: the checkout, build output, and tools installed for tests.

use std::env;
use std::path::PathBuf;

/// The folder with the root `Cargo.toml`.
pub(crate) fn root() -> PathBuf {
    let xtask = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().map_or_else(|| xtask.clone(), PathBuf::from)
}

/// Cargo's target directory: `CARGO_TARGET_DIR`, else `target` in the checkout.
pub(crate) fn target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root().join(dir),
        None => root().join("target"),
    }
}

/// The wasm build has a directory of its own, so that it never waits for the server's lock.
pub(crate) fn ui_target() -> PathBuf {
    target().join("ui")
}

/// The finished dashboard: `index.html` and `assets/`.
pub(crate) fn ui_dist() -> PathBuf {
    target().join("ui-dist")
}

/// Tools of the tests: the Python environment, Node packages.
pub(crate) fn tools() -> PathBuf {
    target().join("test-tools")
}

/// Screenshots and logs that tests leave behind.
pub(crate) fn artefacts() -> PathBuf {
    target().join("test-artefacts")
}
