//! What the tests share: a real server in a folder of its own, waiting for conditions, fixtures.

pub(crate) mod alertmanager;
pub(crate) mod authority;
pub(crate) mod browser;
pub(crate) mod demo;
pub(crate) mod fixtures;
pub(crate) mod hook;
pub(crate) mod otlp;
pub(crate) mod ports;
pub(crate) mod prometheus;
pub(crate) mod receiver;
pub(crate) mod relay;
pub(crate) mod server;
pub(crate) mod wait;

use std::path::PathBuf;

/// Where screenshots and logs stay after the tests.
pub(crate) fn artefacts() -> PathBuf {
    let dir = std::env::var_os("FIRSTFAULT_TEST_ARTEFACTS")
        .map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("artefacts"), PathBuf::from);
    std::fs::create_dir_all(&dir).expect("artefact folder");
    dir
}

/// The value of an environment variable that `cargo xtask test` sets; without it the test is
/// skipped, with a line that says so.
#[allow(clippy::print_stdout, reason = "a skipped test says so on its output")]
pub(crate) fn tool(test: &str, variable: &str) -> Option<PathBuf> {
    let tool = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.exists());
    if tool.is_none() {
        println!("SKIPPED {test}: {variable} does not name an existing path (run `cargo xtask test`)");
    }
    tool
}
