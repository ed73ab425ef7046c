//! `score-triage --data DIR`: labelled incidents as a command. How far it is goes to standard error, scores to standard
//! output at the end.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool talks to its user")]

mod args;

use args::Args;
use clap::Parser as _;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let scores = match score::run(&args.settings(), &mut |line| eprintln!("{line}")).await {
        Ok(scores) => scores,
        Err(error) => {
            eprintln!("score-triage: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    if args.json {
        println!("{:#}", score::as_json(&scores));
    } else {
        print!("{}", score::table(&scores));
    }
    ExitCode::SUCCESS
}
