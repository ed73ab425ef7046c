//! Measures the storage engine: `cargo xtask bench storage`.
//!
//! `fill` makes data directories once and keeps them, `reads`, `restart`, `load` and `peers` measure on
//! them, `report` prints. Figures are medians of several runs with the smallest and the largest beside them,
//! and the budget where there is one. Figures of a busy machine or of a debug build are worth nothing; both
//! are told.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool talks to its user")]

mod args;
mod clone;
mod fill;
mod intake;
mod load;
mod peers;
mod percentiles;
mod process;
mod reads;
#[allow(dead_code, reason = "the benchmark of the read models uses all of it")]
mod report;
mod restart;
mod sample;
mod summary;
mod ten;
mod wide;

use args::Args;
use report::Report;
use std::process::ExitCode;
use tikv_jemallocator::Jemalloc;

/// As the product has it: memory is among what is measured.
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
        println!("nothing to do without a directory: run `cargo xtask bench storage`");
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match &args.only_load {
        Some(store) => runtime.block_on(load::child(&args, store)),
        None => runtime.block_on(measure(&args)),
    }
}

async fn measure(args: &Args) -> Result<(), Failure> {
    let load_before = process::load_average();
    let demo = fill::demo(args).await?;
    let ten = fill::ten(args).await?;
    let wide = fill::wide(args).await?;
    let mut report = Report::default();
    summary::sizes(&mut report, "demo", &demo);
    summary::sizes(&mut report, "ten attributes", &ten);
    summary::sizes(&mut report, "60 attributes", &wide);
    let overview = reads::overview(args, &demo, &mut report).await;
    report.or_missing("overview", overview);
    let reads = reads::measure(args, &ten, &mut report).await;
    report.or_missing("reads", reads);
    let restarts = restart::measure(args, &ten, &mut report).await;
    report.or_missing("restarts", restarts);
    let percentiles = percentiles::measure(args, &ten, &mut report).await;
    report.or_missing("percentiles", percentiles);
    let load = load::measure(args, &demo, &mut report);
    report.or_missing("load", load);
    let load_averages = [load_before, process::load_average()];
    summary::print(&report, args, &[&demo, &ten, &wide], load_averages);
    report.verdict()
}
