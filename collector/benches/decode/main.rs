//! Measures what becomes of a trace request in protobuf before it is logged: `cargo xtask bench decode`.
//!
//! From bytes to Arrow rows on one thread, through prost's messages and through views of the bytes, in turns
//! over the same requests. Figures are medians of several runs with the smallest and the largest beside them;
//! a ratio is of the two halves of one run. Figures of a busy machine or of a debug build are worth nothing;
//! both are told.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool talks to its user")]

mod bodies;
mod counting;
mod measure;

#[allow(dead_code, reason = "the benchmark of the storage uses all of it")]
#[path = "../storage/process.rs"]
mod process;
#[allow(dead_code, reason = "the benchmark of the storage uses all of it")]
#[path = "../storage/sample.rs"]
mod sample;
#[path = "../storage/ten.rs"]
mod ten;
#[allow(dead_code, reason = "the benchmark of the storage uses all of it")]
#[path = "../storage/wide.rs"]
mod wide;

use measure::Line;
use std::process::ExitCode;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Spans of a request: a few, as many as exporters send, and more than fit into the cache.
const BATCHES: [usize; 3] = [100, 1_000, 8_000];

/// Given by `cargo xtask bench decode`.
struct Args {
    /// Of the code that is measured; nothing is measured without.
    commit: Option<String>,
    n_runs: usize,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    let args = Args::parse(std::env::args().skip(1))?;
    let Some(commit) = &args.commit else {
        println!("nothing to do: run `cargo xtask bench decode`");
        return Ok(());
    };
    let load_before = process::load_average();
    let mut lines = Vec::new();
    for batch in BATCHES {
        lines.push(measure::measure(format!("demo, {batch} a request"), &bodies::demo(batch)?, args.n_runs)?);
    }
    for batch in BATCHES {
        let what = format!("ten attributes, {batch} a request");
        lines.push(measure::measure(what, &bodies::ten(batch)?, args.n_runs)?);
    }
    print(commit, args.n_runs, &lines, load_before);
    Ok(())
}

impl Args {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut args = Self { commit: None, n_runs: 11 };
        while let Some(word) = words.next() {
            // Cargo tells every benchmark that it is one.
            if word == "--bench" {
                continue;
            }
            let value = words.next().ok_or_else(|| format!("{word} wants a value"))?;
            match word.as_str() {
                "--commit" => args.commit = Some(value),
                "--runs" => args.n_runs = value.parse::<usize>()?.max(1),
                unknown => {
                    return Err(format!("unknown argument {unknown:?}\n  --runs N  runs of each (11)").into());
                }
            }
        }
        Ok(args)
    }
}

fn print(commit: &str, n_runs: usize, lines: &[Line], load_before: f64) {
    println!();
    println!(
        "decode at {commit}; {n_runs} runs; load average {load_before} before, {} after",
        process::load_average()
    );
    if load_before > 1.0 {
        println!("WARNING: the machine was busy, these figures are worth nothing");
    }
    if cfg!(debug_assertions) {
        println!("WARNING: this is a debug build, only the equality of the rows is worth anything");
    }
    println!();
    println!(
        "| spans | B/span | way | spans/s, one core | spread | MB/s | allocations/span | allocated B/span |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for line in lines {
        line.print();
    }
    println!();
}
