//! What to measure, and with how much.

use crate::Failure;
use std::path::PathBuf;

/// Given by `cargo xtask bench triage`.
#[derive(Debug, Clone)]
pub(crate) struct Args {
    /// Where the engine's data is kept while it is measured; nothing is measured without.
    pub(crate) dir: Option<PathBuf>,
    /// Of the code that is measured.
    pub(crate) commit: String,
    pub(crate) n_spans: usize,
    pub(crate) n_runs: usize,
}

const USAGE: &str = "\
  --spans N           spans that a report is made of (1M; bounds hold up to there)
  --runs N            runs of each figure (5)";

impl Args {
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut args = Self { dir: None, commit: "unknown".to_owned(), n_spans: 1_000_000, n_runs: 5 };
        while let Some(word) = words.next() {
            // Cargo tells every benchmark that it is one.
            if word == "--bench" {
                continue;
            }
            let value = words.next().ok_or_else(|| format!("{word} wants a value\n{USAGE}"))?;
            match word.as_str() {
                "--dir" => args.dir = Some(PathBuf::from(value)),
                "--commit" => args.commit = value,
                "--spans" => args.n_spans = number(&value)?,
                "--runs" => args.n_runs = number(&value)?,
                unknown => return Err(format!("unknown argument {unknown:?}\n{USAGE}").into()),
            }
        }
        Ok(args)
    }
}

/// At least 1; `20k` and `1M` are understood.
fn number(text: &str) -> Result<usize, Failure> {
    let (digits, times) = match text.strip_suffix('k').map(|digits| (digits, 1_000)) {
        Some(thousands) => thousands,
        None => text.strip_suffix('M').map_or((text, 1), |digits| (digits, 1_000_000)),
    };
    let number = digits.parse::<usize>().map_err(|error| format!("{text:?}: {error}"))?;
    Ok(number.saturating_mul(times).max(1))
}
