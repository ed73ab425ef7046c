//! DuckDB and ClickHouse, each in a Python process that stays, so that only the query is timed.

use crate::Failure;
use crate::args::Args;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Service and name.
pub(crate) type Key = [String; 2];
/// Per group: how many, p50, p95, p99 of the duration in nanoseconds.
pub(crate) type Answer = BTreeMap<Key, [f64; 4]>;

/// The peers' process, if there is one.
#[derive(Debug)]
pub(crate) struct Peers {
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// With their versions.
    names: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Reply {
    seconds: f64,
    rows: Vec<(String, String, f64, f64, f64, f64)>,
}

impl Peers {
    /// Over the segments of spans in a data directory.
    pub(crate) fn start(args: &Args, dir: &Path) -> Result<Self, Failure> {
        let Some(python) = &args.python else { return Ok(Self { running: None }) };
        let mut child = Command::new(python)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/storage/peers.py"))
            .arg(dir.join("segments/spans/*.parquet"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let questions = child.stdin.take().ok_or("no standard input")?;
        let answers = BufReader::new(child.stdout.take().ok_or("no standard output")?);
        let mut running = Running { child, questions, answers, names: Vec::new() };
        running.names = serde_json::from_str(&running.line()?)?;
        Ok(Self { running: Some(running) })
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.running.as_ref().map(|running| running.names.clone()).unwrap_or_default()
    }

    /// The answer, and the seconds it took.
    pub(crate) fn ask(&mut self, name: &str) -> Result<(Answer, f64), Failure> {
        let running = self.running.as_mut().ok_or("no peers")?;
        writeln!(running.questions, "{name}")?;
        running.questions.flush()?;
        let Reply { seconds, rows } = serde_json::from_str(&running.line()?)?;
        let group = |(service, name, n, p50, p95, p99)| ([service, name], [n, p50, p95, p99]);
        Ok((rows.into_iter().map(group).collect(), seconds))
    }
}

impl Running {
    fn line(&mut self) -> Result<String, Failure> {
        let mut line = String::new();
        match self.answers.read_line(&mut line)? {
            0 => Err("the peers' process ended; what it said is above".into()),
            _ => Ok(line),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
