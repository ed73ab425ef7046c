//! What to measure, and with how much.

use crate::Failure;
use std::path::PathBuf;

/// Given by `cargo xtask bench storage`, which knows where things are.
#[derive(Debug, Clone)]
pub(crate) struct Args {
    /// Where data directories are kept; nothing is measured without.
    pub(crate) dir: Option<PathBuf>,
    /// Python with the peers' packages; without it they are left out.
    pub(crate) python: Option<PathBuf>,
    /// Of the code that is measured.
    pub(crate) commit: String,
    pub(crate) n_spans: u64,
    /// The time that they are spread over.
    pub(crate) hours: f64,
    /// Runs of each figure.
    pub(crate) n_runs: usize,
    /// Simulated time that is sent while queries and merges run, and how many times faster than it passed.
    pub(crate) load_minutes: f64,
    pub(crate) load_speed: f64,
    /// The attribute that is searched for.
    pub(crate) attribute: String,
    /// Make data directories again.
    pub(crate) is_fresh: bool,
    /// Only the part that needs a process of its own, on this data directory.
    pub(crate) only_load: Option<PathBuf>,
}

pub(crate) const USAGE: &str = "\
  --spans N           spans that are searched, such as 20k, 1M (default), 10M, 50M; at most 1M are of the demo
  --hours N           time they are spread over (24)
  --runs N            runs of each figure (5)
  --load-minutes N    demo traffic sent while queries and merges run (60)
  --load-speed N      how many times faster than it passed (60)
  --attribute KEY     what is searched for (user.id)
  --fresh             make the data again";

impl Args {
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut args = Self {
            dir: None,
            python: None,
            commit: "unknown".to_owned(),
            n_spans: 1_000_000,
            hours: 24.0,
            n_runs: 5,
            load_minutes: 60.0,
            load_speed: 60.0,
            attribute: "user.id".to_owned(),
            is_fresh: false,
            only_load: None,
        };
        while let Some(word) = words.next() {
            // Cargo tells every benchmark that it is one.
            if word == "--bench" {
                continue;
            }
            if word == "--fresh" {
                args.is_fresh = true;
                continue;
            }
            let value = words.next().ok_or_else(|| format!("{word} wants a value\n{USAGE}"))?;
            args.set(&word, value)?;
        }
        Ok(args)
    }

    fn set(&mut self, word: &str, value: String) -> Result<(), Failure> {
        match word {
            "--dir" => self.dir = Some(PathBuf::from(value)),
            "--python" => self.python = Some(PathBuf::from(value)),
            "--commit" => self.commit = value,
            "--spans" => self.n_spans = count(&value)?,
            "--hours" => self.hours = value.parse()?,
            "--runs" => self.n_runs = value.parse::<usize>()?.max(1),
            "--load-minutes" => self.load_minutes = value.parse()?,
            "--load-speed" => self.load_speed = value.parse()?,
            "--attribute" => self.attribute = value,
            "--only-load" => self.only_load = Some(PathBuf::from(value)),
            unknown => return Err(format!("unknown argument {unknown:?}\n{USAGE}").into()),
        }
        Ok(())
    }
}

/// A number with `k` or `M` behind it, perhaps.
fn count(text: &str) -> Result<u64, Failure> {
    let (digits, factor) = match text.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 1_000),
        None => text.strip_suffix('M').map_or((text, 1), |digits| (digits, 1_000_000)),
    };
    let n: u64 = digits.parse().map_err(|_| format!("{text:?} is not a count, such as 20k or 10M"))?;
    Ok(n * factor)
}
