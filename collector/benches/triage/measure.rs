//! Reports of the same spans, by the `triage` crate alone and through the engine.

use crate::Failure;
use crate::args::Args;
use crate::incident::{END, FAULT_AT, FRONT, Incident, ORIGIN};
use crate::intake::{SECOND, T0, options};
use crate::peak::{Held, n_held};
use crate::report::Report;
use crate::sample::{Sample, now};
use arrow::array::RecordBatch;
use collector::bench::{Reports, record, rows};
use std::path::PathBuf;
use std::time::Duration;
use storage::{Engine, TimeRange, WalSync};
use triage::report::{Question, Sampling, triage};
use triage::{Limits, Scope, TriageInput, Window};

/// Of a report over a million spans of fifty attributes on two cores, in milliseconds.
const BUDGET_MS: f64 = 2_000.0;
/// What a report of a million spans may hold beside the rows that it is given, in bytes; docs/triage.md says so.
const ALONE_BYTES_MAX: usize = 512 << 20;
/// And with the reading of these rows, as docs/triage.md says.
const ASKED_BYTES_MAX: usize = 700_000_000;
/// Spans for which these hold.
const N_SPANS_MAX: usize = 1_001_000;
/// What is healthy: the stretch before the window is one of its own, as the server chooses them.
const NEAREST_FROM: i64 = FAULT_AT - 600 * SECOND;
/// Requests that are flushed together.
const FLUSHED_TOGETHER: usize = 8;

/// What was made.
pub(crate) struct Stored {
    pub(crate) engine: Engine,
    pub(crate) batches: Vec<RecordBatch>,
    pub(crate) n_spans: usize,
    pub(crate) n_traces: u64,
}

/// Whether bounds are worth a judgement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Judge {
    pub(crate) n_spans: usize,
    pub(crate) is_busy: bool,
}

/// Time and memory of several runs.
#[derive(Default)]
struct Runs {
    took_ms: Sample,
    held_mb: Sample,
    held_bytes_max: usize,
}

pub(crate) fn dir(args: &Args) -> Result<PathBuf, Failure> {
    Ok(args.dir.as_ref().ok_or("no directory")?.join("engine"))
}

/// Stores the incident, and keeps its rows.
pub(crate) async fn fill(args: &Args) -> Result<Stored, Failure> {
    let dir = dir(args)?;
    println!("making {} spans in {}", args.n_spans, dir.display());
    if dir.exists() {
        std::fs::remove_dir_all(&dir)?;
    }
    std::fs::create_dir_all(&dir)?;
    let mut options = options(&dir);
    options.wal.sync = WalSync::Interval(Duration::from_secs(1));
    options.wal.commit_delay = Duration::ZERO;
    let (engine, _) = Engine::open(options, rows).await?;
    let mut incident = Incident::new(args.n_spans);
    let mut batches = Vec::new();
    while let Some(request) = incident.next_request() {
        let record = record(&request, END);
        let decoded = record.clone();
        let columns = tokio::task::spawn_blocking(move || rows(decoded)).await??;
        batches.push(columns.batch().clone());
        let logged = engine.log(record).await?;
        engine.insert(logged, columns);
        if batches.len().is_multiple_of(FLUSHED_TOGETHER) {
            engine.flush().await?;
        }
    }
    engine.flush().await?;
    engine.tick(END).await?;
    engine.compact(END).await?;
    let (n_spans, n_traces) = (incident.n_spans(), incident.n_traces());
    Ok(Stored { engine, batches, n_spans, n_traces })
}

/// Every span with all of its attributes, from Arrow batches to a report.
pub(crate) async fn alone(
    args: &Args,
    judge: &Judge,
    batches: Vec<RecordBatch>,
    report: &mut Report,
) -> Result<(), Failure> {
    let n_runs = args.n_runs;
    let (runs, sentences) = tokio::task::spawn_blocking(move || runs_alone(&batches, n_runs)).await??;
    runs.tell("report of all spans, every one with its attributes", judge, ALONE_BYTES_MAX, report);
    report.remark(
        "memory is the most that was held at once beyond what was held before: of the first figure, beside the rows",
    );
    sentences.into_iter().for_each(|sentence| report.remark(sentence));
    Ok(())
}

fn runs_alone(batches: &[RecordBatch], n_runs: usize) -> Result<(Runs, Vec<String>), Failure> {
    let window = Window { from_ns: FAULT_AT, to_ns: END };
    let baselines =
        [Window { from_ns: T0, to_ns: NEAREST_FROM }, Window { from_ns: NEAREST_FROM, to_ns: FAULT_AT }];
    let scope = Scope { service: Some(FRONT.to_owned()), operation: None, symptom: None };
    let input = TriageInput {
        spans: batches,
        logs: &[],
        metrics: &[],
        calls: &[],
        window,
        baselines: &baselines,
        asked_at_ns: END,
        scope: &scope,
    };
    let question = Question { input, threshold_ns: None, releases: &[], sampling: Sampling::default() };
    let mut runs = Runs::default();
    let mut first = None;
    for _ in 0..n_runs {
        let (held, started) = (Held::begin(), now());
        let report = triage(&question, &Limits::default())?;
        runs.push(started.elapsed(), held.bytes_max());
        check_origin(report.suspects.first().map(|suspect| suspect.name.as_str()))?;
        if *first.get_or_insert_with(|| report.clone()) != report {
            return Err("two reports of the same rows differ".into());
        }
    }
    let report = first.ok_or("no run")?;
    let mut sentences = vec![format!("alone: {}", report.headline)];
    let kept = report.attributes.iter().flat_map(|attributes| &attributes.kept);
    sentences.extend(kept.take(1).map(|attribute| format!("alone: {}", attribute.sentence)));
    Ok((runs, sentences))
}

/// As the API asks: which rows, reading them, and the report as the document that is sent.
pub(crate) async fn through_the_engine(
    args: &Args,
    judge: &Judge,
    engine: &Engine,
    report: &mut Report,
) -> Result<(), Failure> {
    let reports = Reports::of(engine.clone());
    let window = TimeRange { from: FAULT_AT, to: END };
    let baselines =
        vec![TimeRange { from: T0, to: NEAREST_FROM }, TimeRange { from: NEAREST_FROM, to: FAULT_AT }];
    let mut runs = Runs::default();
    let mut first = None;
    for _ in 0..args.n_runs {
        let (held, started) = (Held::begin(), now());
        let (document, bytes) = reports.ask(window, baselines.clone(), FRONT).await?;
        runs.push(started.elapsed(), held.bytes_max());
        check_origin(document.suspects.first().map(|suspect| suspect.name.as_str()))?;
        drop(bytes);
        let document = wire::TriageReport { elapsed_ms: 0, ..document };
        if *first.get_or_insert_with(|| document.clone()) != document {
            return Err("two answers to the same question differ".into());
        }
    }
    runs.tell("the same through the engine, from segments to JSON", judge, ASKED_BYTES_MAX, report);
    if let Some(document) = first {
        let read = document.read;
        report.remark(format!(
            "through the engine: {} spans read, one trace in {}; {}",
            read.n_spans, read.traces_one_in, document.headline
        ));
    }
    report.figure("held by the engine and the benchmark after it", "MB", n_held() as f64 / 1e6, "");
    Ok(())
}

fn check_origin(name: Option<&str>) -> Result<(), Failure> {
    match name {
        Some(ORIGIN) => Ok(()),
        other => Err(format!("{ORIGIN} broke first, and the report names {other:?}").into()),
    }
}

impl Runs {
    fn push(&mut self, took: Duration, held_bytes: usize) {
        self.took_ms.push_ms(took);
        self.held_mb.push(held_bytes as f64 / 1e6);
        self.held_bytes_max = self.held_bytes_max.max(held_bytes);
    }

    /// Adds both figures; one that is beyond its bound is wrong where it says something.
    fn tell(&self, what: &str, judge: &Judge, bytes_max: usize, report: &mut Report) {
        let budget_mb = format!("<= {:.0} MB", bytes_max as f64 / 1e6);
        report.sample(what, "ms", &self.took_ms, &format!("<= {BUDGET_MS:.0} ms"));
        report.sample(format!("{what}: most memory"), "MB", &self.held_mb, &budget_mb);
        if judge.n_spans > N_SPANS_MAX {
            return;
        }
        if self.held_bytes_max > bytes_max {
            report.wrong(format!("{what}: {} bytes were held, {bytes_max} are allowed", self.held_bytes_max));
        }
        if !cfg!(debug_assertions) && !judge.is_busy && self.took_ms.median() > BUDGET_MS {
            report.wrong(format!("{what}: {:.0} ms", self.took_ms.median()));
        }
    }
}
