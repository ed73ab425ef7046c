//! Measures triage: `cargo xtask bench triage`.
//!
//! `incident` makes the spans of a shop with fifty attributes each, one of whose services begins to fail. A report is
//! made of all of them, every span with its attributes, by the `triage` crate alone; then they are asked for as the API
//! asks, through an engine that has them on disk. Time and the most memory that was held are of the same run, and so are
//! the answers, which have to name the service. Figures are medians of several runs with the smallest and the largest
//! beside them. Figures of a busy machine or of a debug build are worth nothing; both are told.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool talks to its user")]

mod args;
mod attributes;
mod incident;
mod measure;
mod peak;

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

use args::Args;
use report::Report;
use std::process::ExitCode;

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let causes = std::iter::successors(failure.source(), |cause| cause.source());
            let causes: String = causes.map(|cause| format!(": {cause}")).collect();
            eprintln!("{failure}{causes}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    let args = Args::parse(std::env::args().skip(1))?;
    if args.dir.is_none() {
        println!("nothing to do without a directory: run `cargo xtask bench triage`");
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(&args))
}

async fn measure(args: &Args) -> Result<(), Failure> {
    let mut report = Report::default();
    let stored = measure::fill(args).await?;
    let load_before = process::load_average();
    let judge = measure::Judge { n_spans: stored.n_spans, is_busy: load_before > 1.0 };
    let alone = measure::alone(args, &judge, stored.batches, &mut report).await;
    report.or_missing("alone", alone);
    let asked = measure::through_the_engine(args, &judge, &stored.engine, &mut report).await;
    report.or_missing("through the engine", asked);
    stored.engine.shutdown().await?;
    std::fs::remove_dir_all(measure::dir(args)?)?;
    let title = format!("triage at {}; {} runs", args.commit, args.n_runs);
    let n_cores = std::thread::available_parallelism().map_or(0, usize::from);
    let notes = [format!(
        "{} spans of {} traces, {} attributes and {} of their resource each; {n_cores} cores",
        stored.n_spans,
        stored.n_traces,
        attributes::N_ATTRIBUTES,
        incident::N_OF_RESOURCE
    )];
    report.print(&title, &notes, [load_before, process::load_average()]);
    report.verdict()
}
