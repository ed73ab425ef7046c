//! The table that is printed.

use crate::Failure;
use crate::sample::Sample;

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

    /// How many milliseconds something took, asked many times.
    pub(crate) fn latency(&mut self, what: impl Into<String>, took_ms: &Sample, budget: &str) {
        let (median, p99) = (shown(took_ms.median()), shown(took_ms.quantile(0.99)));
        let spread = format!("{} to {}", shown(took_ms.min()), shown(took_ms.max()));
        self.line(what, format!("p50 {median}, p99 {p99} ms"), spread, budget);
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

    fn line(&mut self, what: impl Into<String>, figure: String, spread: String, budget: &str) {
        self.lines.push(Line { what: what.into(), figure, spread, budget: budget.to_owned() });
    }

    /// `title` says what was measured, `notes` on what. The load averages are those before and after.
    pub(crate) fn print(&self, title: &str, notes: &[String], load_averages: [f64; 2]) {
        let [before, after] = load_averages;
        println!();
        println!("{title}; load average {before} before, {after} after");
        notes.iter().for_each(|note| println!("{note}"));
        if before > 1.0 {
            println!("WARNING: the machine was busy, these figures are worth nothing");
        }
        if cfg!(debug_assertions) {
            println!("WARNING: this is a debug build, only the answers are worth anything");
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
