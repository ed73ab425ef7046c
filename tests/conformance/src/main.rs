//! `conformance --endpoint URL`: the checklist as a command. Verdicts go to standard error as they come, the table
//! to standard output at the end.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool talks to its user")]

mod args;

use args::Args;
use clap::Parser as _;
use conformance::{Outcome, Target};
use std::process::ExitCode;

/// There is nothing to check: the arguments are wrong, or nobody listens.
const USAGE: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let target = match Target::new(&args.settings()) {
        Ok(target) => target,
        Err(error) => return unusable(&error.to_string()),
    };
    if let Err(error) = conformance::reach(&target).await {
        return unusable(&format!("{} cannot be reached: {error}", args.settings().endpoint));
    }
    let outcomes = conformance::run(&target, &mut |outcome| told(outcome, args.json)).await;
    if args.json {
        println!("{:#}", conformance::as_json(&outcomes));
    } else {
        print!("{}", conformance::table(&outcomes));
    }
    ExitCode::from(u8::from(conformance::is_failed(&outcomes, args.strict)))
}

fn told(outcome: &Outcome, is_json: bool) {
    if !is_json {
        eprintln!("{:>2} {}", outcome.number, outcome.verdict.name());
    }
}

fn unusable(message: &str) -> ExitCode {
    eprintln!("conformance: {message}");
    ExitCode::from(USAGE)
}
