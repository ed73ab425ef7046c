//! What to measure, and with how much.

use crate::Failure;
use crate::landscape::Shape;
use std::path::PathBuf;

/// Given by `cargo xtask bench read-models`, which knows where things are.
#[derive(Debug, Clone)]
pub(crate) struct Args {
    /// Where data directories are kept; nothing is measured without.
    pub(crate) dir: Option<PathBuf>,
    /// Of the code that is measured.
    pub(crate) commit: String,
    /// Services and operations that are asked for.
    pub(crate) shape: Shape,
    pub(crate) n_days: u32,
    /// Spans of each operation in each hour, without those of the calls that it makes.
    pub(crate) scale: u32,
    /// Runs of each figure of the cost.
    pub(crate) n_runs: usize,
    /// How often each question is asked.
    pub(crate) n_asks: usize,
    /// Make data directories again.
    pub(crate) is_fresh: bool,
}

pub(crate) const USAGE: &str = "\
  --services N        services whose pages are asked for (200)
  --operations N      operations of each (50)
  --days N            time that is stored of them (30)
  --scale N           spans of each operation in each hour (1: 10 million spans in all)
  --runs N            runs of each figure of the cost (5)
  --asks N            how often each question is asked (100)
  --fresh             make the data again";

impl Args {
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut args = Self {
            dir: None,
            commit: "unknown".to_owned(),
            shape: Shape { n_services: 200, n_operations: 50 },
            n_days: 30,
            scale: 1,
            n_runs: 5,
            n_asks: 100,
            is_fresh: false,
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
            "--commit" => self.commit = value,
            "--services" => self.shape.n_services = value.parse::<usize>()?.max(1),
            "--operations" => self.shape.n_operations = value.parse::<usize>()?.max(1),
            "--days" => self.n_days = value.parse::<u32>()?.max(1),
            "--scale" => self.scale = value.parse::<u32>()?.max(1),
            "--runs" => self.n_runs = value.parse::<usize>()?.max(1),
            "--asks" => self.n_asks = value.parse::<usize>()?.max(1),
            unknown => return Err(format!("unknown argument {unknown:?}\n{USAGE}").into()),
        }
        Ok(())
    }
}
