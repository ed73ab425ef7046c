//! Measures the read models: `cargo xtask bench read-models`.
//!
//! `cost` tells what keeping them takes of the processor's time at ingest, `sizes` how many bytes they are, and
//! `latency` how long the pages of the dashboard wait for them over a month of many services, whose spans `landscape`
//! makes; `fill` keeps what was made. Figures are medians of several runs with the smallest and the largest beside
//! them, and the budget where there is one. Figures of a busy machine or of a debug build are worth nothing; both
//! are told.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool talks to its user")]

mod args;
mod cost;
mod cpu;
mod fill;
mod landscape;
mod latency;
mod questions;
mod sizes;

#[path = "../storage/clone.rs"]
mod clone;
#[allow(dead_code, reason = "the benchmark of the storage uses all of it")]
#[path = "../storage/intake.rs"]
mod intake;
#[allow(dead_code, reason = "the benchmark of the storage uses all of it")]
#[path = "../storage/process.rs"]
mod process;
#[allow(dead_code, reason = "the benchmark of the storage uses all of it")]
#[path = "../storage/report.rs"]
mod report;
#[allow(dead_code, reason = "the benchmark of the storage uses all of it")]
#[path = "../storage/sample.rs"]
mod sample;
#[allow(dead_code, reason = "the benchmark of the storage uses all of it")]
#[path = "../storage/wide.rs"]
mod wide;

use args::Args;
use report::Report;
use std::process::ExitCode;
use tikv_jemallocator::Jemalloc;

/// As the product has it.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let mut causes = std::iter::successors(failure.source(), |cause| cause.source());
            let causes: String = causes.by_ref().map(|cause| format!(": {cause}")).collect();
            eprintln!("{failure}{causes}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    let args = Args::parse(std::env::args().skip(1))?;
    if args.dir.is_none() {
        println!("nothing to do without a directory: run `cargo xtask bench read-models`");
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(&args))
}

async fn measure(args: &Args) -> Result<(), Failure> {
    let load_before = process::load_average();
    let mut report = Report::default();
    let cost = cost::measure(args, &mut report).await;
    report.or_missing("cost", cost);
    let busy = fill::busy(args).await?;
    let month = fill::month(args).await?;
    for store in [&busy, &month] {
        let sizes = sizes::measure(store, &mut report).await;
        report.or_missing("sizes", sizes);
    }
    let latency = latency::measure(args, &month, &mut report).await;
    report.or_missing("latency", latency);
    let title = format!("read models at {}; {} runs, {} asks", args.commit, args.n_runs, args.n_asks);
    let notes = fill::notes(args, &[&busy, &month]);
    report.print(&title, &notes, [load_before, process::load_average()]);
    report.verdict()
}
