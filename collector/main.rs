//! The `firstfault` binary: arguments in, exit code out. Everything else is `collector`'s.

use collector::cli;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = cli::parse();
    match cli::execute(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => cli::report(&failure),
    }
}
