//! Tells the person at the terminal what the demo does, and keeps the ground truth of the faults.
//!
//! Text goes to a writer, the truth also to a file where one is named. The truth comes from the same script
//! the model acts on; this file must never guess it from the data.

use super::faults::{Script, Window};
use super::send::Tally;
use super::topology::{EDGES, SERVICES};
use super::{Args, Error};
use crate::units;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;

#[derive(Debug)]
pub(super) struct Report<W> {
    out: W,
    script: Script,
    seed: u64,
    rate_per_s: f64,
    truth_file: Option<PathBuf>,
    /// Faults that had begun and ended when last looked.
    seen: (usize, usize),
}

impl<W: Write> Report<W> {
    pub(super) fn new(out: W, script: Script, args: &Args) -> Report<W> {
        let (seed, rate_per_s, truth_file) = (args.seed, args.rate, args.truth_file.clone());
        Report { out, script, seed, rate_per_s, truth_file, seen: (0, 0) }
    }

    pub(super) fn open(&mut self, args: &Args) -> Result<(), Error> {
        let (n_services, n_edges) = (SERVICES.len(), EDGES.len());
        self.line(&format!("shop of {n_services} services and {n_edges} edges -> {}", args.endpoint))?;
        self.line(&format!("{} visits per second, seed {}", args.rate, args.seed))?;
        if !args.history.is_zero() {
            self.line(&format!("sending the last {} first", units::show_duration(args.history)))?;
        }
        let (after, long) = (units::show_duration(args.fault_after), units::show_duration(args.fault_for));
        match clap::ValueEnum::to_possible_value(&args.fault) {
            Some(name) if name.get_name() != "none" => {
                self.line(&format!("faults: {}, each after {after} of health, for {long}", name.get_name()))
            }
            _ => self.line("faults: none"),
        }
    }

    /// Announces faults that began or ended since the last call. `at_ns` is the simulated time.
    pub(super) async fn mark(&mut self, at_ns: i64) -> Result<(), Error> {
        let windows = self.script.windows(at_ns.saturating_add(1));
        let n_ended = windows.iter().filter(|window| window.to_ns <= at_ns).count();
        if (windows.len(), n_ended) == self.seen {
            return Ok(());
        }
        for (number, window) in windows.iter().enumerate() {
            if number >= self.seen.0 {
                self.line(&began(window))?;
            }
            if window.to_ns <= at_ns && number >= self.seen.1 {
                self.line(&format!("{} FAULT ends: {}", time(window.to_ns), window.fault.truth().name))?;
            }
        }
        self.seen = (windows.len(), n_ended);
        self.write_truth(&windows, None).await
    }

    pub(super) fn progress(&mut self, tally: &Tally, n_traces: u64, behind_ns: i64) -> Result<(), Error> {
        let behind_s = behind_ns as f64 / 1e9;
        let lag = if behind_s > 2.0 { format!(", {behind_s:.0} s behind") } else { String::new() };
        self.line(&format!("sent {}{lag}", totals(tally, n_traces)))
    }

    pub(super) async fn close(&mut self, tally: &Tally, n_traces: u64, at_ns: i64) -> Result<(), Error> {
        self.line(&format!("done: {}", totals(tally, n_traces)))?;
        let mut windows = self.script.windows(at_ns.saturating_add(1));
        for window in &mut windows {
            window.to_ns = window.to_ns.min(at_ns);
        }
        self.write_truth(&windows, Some(at_ns)).await
    }

    fn line(&mut self, line: &str) -> Result<(), Error> {
        writeln!(self.out, "demo: {line}").and_then(|()| self.out.flush()).map_err(Error::Print)
    }

    /// Replaces the file as a whole, so that a reader never sees half of it.
    async fn write_truth(&self, windows: &[Window], ended_ns: Option<i64>) -> Result<(), Error> {
        let Some(path) = &self.truth_file else { return Ok(()) };
        let mut text = format!("{:#}", self.truth(windows, ended_ns));
        text.push('\n');
        let mut draft = path.clone().into_os_string();
        draft.push(".new");
        let written = async {
            tokio::fs::write(&draft, text).await?;
            tokio::fs::rename(&draft, path).await
        };
        written.await.map_err(|source| Error::TruthFile { path: path.clone(), source })
    }

    /// The document of `--truth-file`. The end of a fault still under way is the planned one.
    fn truth(&self, windows: &[Window], ended_ns: Option<i64>) -> Value {
        json!({
            "format_version": 1,
            "seed": self.seed,
            "rate_per_s": self.rate_per_s,
            "started_at": time(self.script.start_ns),
            "ended_at": ended_ns.map(time),
            "faults": windows.iter().map(fault).collect::<Vec<_>>(),
        })
    }
}

fn fault(window: &Window) -> Value {
    let truth = window.fault.truth();
    let (scope, key, value) = truth.attribute;
    json!({
        "name": truth.name,
        "kind": truth.kind,
        "started_at": time(window.from_ns),
        "ended_at": time(window.to_ns),
        "started_at_unix_ms": window.from_ns / 1_000_000,
        "ended_at_unix_ms": window.to_ns / 1_000_000,
        "root_cause": { "service": truth.root_cause_service, "operation": truth.operation },
        "edge": { "caller": truth.edge.0, "callee": truth.edge.1 },
        "attribute": { "scope": scope, "key": key, "value": value },
        "description": truth.description,
    })
}

fn began(window: &Window) -> String {
    let truth = window.fault.truth();
    let (scope, key, value) = truth.attribute;
    let value = value.map_or_else(|| "is set".to_owned(), |value| format!("= {value}"));
    format!(
        "{} FAULT begins: {} ({}) until {}\n      root cause: {} {}, edge {} -> {}, {scope} attribute {key} {value}\n      {}",
        time(window.from_ns),
        truth.name,
        truth.kind,
        time(window.to_ns),
        truth.root_cause_service,
        truth.operation,
        truth.edge.0,
        truth.edge.1,
        truth.description,
    )
}

fn totals(tally: &Tally, n_traces: u64) -> String {
    let Tally { n_spans, n_logs, n_points, n_rejected, n_dropped, n_retries } = tally;
    let mut text = format!("{n_traces} traces, {n_spans} spans, {n_logs} logs, {n_points} points");
    for (n, what) in [(n_rejected, "rejected"), (n_dropped, "dropped"), (n_retries, "retries")] {
        if *n > 0 {
            text.push_str(&format!(", {n} {what}"));
        }
    }
    text
}

fn time(unix_nanos: i64) -> String {
    let ms = Timestamp::from_millisecond(unix_nanos.div_euclid(1_000_000));
    ms.map_or_else(|_| format!("{unix_nanos} ns"), |at| at.to_string())
}
