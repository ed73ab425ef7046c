//! The table that is printed.

use crate::Failure;
use crate::args::Args;
use crate::fill::Store;
use crate::sample::Sample;
use storage::Table;

/// Figures in the order of their measuring, then remarks.
#[derive(Debug, Default)]
pub(crate) struct Report {
    lines: Vec<Line>,
    remarks: Vec<String>,
    wrong: Vec<String>,
}

#[derive(Debug)]
struct Line {
    what: String,
    figure: String,
    spread: String,
    budget: String,
}

impl Report {
    /// A figure of several runs.
    pub(crate) fn sample(&mut self, what: impl Into<String>, unit: &str, sample: &Sample, budget: &str) {
        let spread = format!("{} to {}", shown(sample.min()), shown(sample.max()));
        self.line(what, format!("{} {unit}", shown(sample.median())), spread, budget);
    }

    /// A figure that comes once.
    pub(crate) fn figure(&mut self, what: impl Into<String>, unit: &str, value: f64, budget: &str) {
        self.line(what, format!("{} {unit}", shown(value)), String::new(), budget);
    }

    /// A figure that could not be taken.
    pub(crate) fn missing(&mut self, what: impl Into<String>, why: &str) {
        self.line(what, "-".to_owned(), why.to_owned(), "");
    }

    /// The rest of a part that failed.
    pub(crate) fn or_missing(&mut self, part: &str, measured: Result<(), Failure>) {
        if let Err(failure) = measured {
            self.missing(part, &format!("failed: {failure}"));
            self.wrong(format!("{part}: {failure}"));
        }
    }

    pub(crate) fn remark(&mut self, remark: impl Into<String>) {
        self.remarks.push(remark.into());
    }

    /// As `remark`, unless it was made before.
    pub(crate) fn remark_once(&mut self, remark: String) {
        if !self.remarks.contains(&remark) {
            self.remarks.push(remark);
        }
    }

    /// An answer that is not what it must be.
    pub(crate) fn wrong(&mut self, what: impl Into<String>) {
        self.wrong.push(what.into());
    }

    pub(crate) fn sizes(&mut self, workload: &str, store: &Store) {
        let filled = &store.filled;
        let budget = if workload == "ten attributes" { "<= 24 B" } else { "" };
        let rows = [
            ("span", filled.n_spans, filled.bytes_of("spans"), budget),
            ("log record", filled.n_logs, filled.bytes_of("logs"), ""),
            ("data point", filled.n_points, filled.bytes_of("metric_points"), ""),
        ];
        for (item, n, n_bytes, budget) in rows.into_iter().filter(|(_, n, ..)| *n > 0) {
            let what = format!("disk per {item}, {workload}, compacted");
            self.figure(what, "B", n_bytes as f64 / n.max(1) as f64, budget);
        }
        let read_models: u64 = Table::read_models().map(|table| filled.bytes_of(table.name())).sum();
        let read_models = read_models as f64 / filled.n_spans.max(1) as f64;
        self.figure(format!("read models per span, {workload}"), "B", read_models, "");
        let amplification = filled.n_bytes_merged as f64 / filled.n_bytes_flushed.max(1) as f64;
        self.figure(format!("bytes written again by merges, {workload}"), "x", amplification, "");
        let rate = filled.n_items() as f64 / filled.seconds;
        self.figure(format!("made and filled with, {workload}"), "items/s", rate, "");
    }

    fn line(&mut self, what: impl Into<String>, figure: String, spread: String, budget: &str) {
        self.lines.push(Line { what: what.into(), figure, spread, budget: budget.to_owned() });
    }

    pub(crate) fn print(&self, args: &Args, stores: &[&Store], load_averages: [f64; 2]) {
        let [before, after] = load_averages;
        println!();
        println!(
            "storage at {}; {} runs; load average {before} before, {after} after",
            args.commit, args.n_runs
        );
        for Store { dir, filled } in stores {
            let name = dir.file_name().unwrap_or_default().to_string_lossy();
            println!(
                "{name}: {} spans, {} logs, {} points, written by {}",
                filled.n_spans, filled.n_logs, filled.n_points, filled.commit
            );
        }
        if before > 1.0 {
            println!("WARNING: the machine was busy, these figures are worth nothing");
        }
        if cfg!(debug_assertions) {
            println!("WARNING: this is a debug build, only the answers are worth anything");
        }
        if stores.iter().any(|store| store.filled.commit != args.commit) {
            println!("NOTE: the data was made by another version; --fresh makes it again");
        }
        println!();
        println!("| what | figure | spread | budget |\n|---|---|---|---|");
        for Line { what, figure, spread, budget } in &self.lines {
            println!("| {what} | {figure} | {spread} | {budget} |");
        }
        println!();
        for remark in &self.remarks {
            println!("- {remark}");
        }
    }

    /// Fails if an answer was wrong: then no figure counts.
    pub(crate) fn verdict(self) -> Result<(), Failure> {
        match self.wrong.is_empty() {
            true => Ok(()),
            false => Err(format!("not as it must be:\n  {}", self.wrong.join("\n  ")).into()),
        }
    }
}

/// Three digits that count.
fn shown(value: f64) -> String {
    let n_decimals = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.n_decimals$}")
}
