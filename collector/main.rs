//! The `firstfault` binary: arguments in, exit code out. Everything else is `collector`'s.

use collector::cli;
use std::process::ExitCode;
use tikv_jemallocator::Jemalloc;

/// Its settings are in `.cargo/config.toml`, the reasons in docs/adr/019-allocator.md.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    let args = cli::parse();
    match cli::execute(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => cli::report(&failure),
    }
}
