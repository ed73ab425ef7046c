//! What keeping the read models takes of the processor's time at ingest.
//!
//! The same requests of the demo go through the whole way in, decoding, columns, log and insert, and their rows
//! through the read models alone, minute by minute in turns. So do flushes: all tables of an engine, and those of the
//! read models alone. A share is of both halves of one run.

use crate::Failure;
use crate::args::Args;
use crate::cpu;
use crate::intake::{SECOND, T0, ingest, options};
use crate::report::Report;
use crate::sample::Sample;
use arrow::array::RecordBatch;
use collector::bench::{Request, Shop, record, rows};
use std::path::Path;
use std::time::Duration;
use storage::bench::{Kept, Part};
use storage::{Engine, Signal, WalSync};

/// Visits a second of the demo, each a trace.
const RATE_PER_S: f64 = 100.0;
const N_MINUTES: i64 = 3;
/// How often exporters send.
const STEP_NS: i64 = 5 * SECOND;
const MINUTE_NS: i64 = 60 * SECOND;
/// Of what ingest takes of the processor.
const SHARE_BUDGET: &str = "< 25 %";

/// The requests of a minute, and when it ends.
struct Minute {
    at: i64,
    requests: Vec<Request>,
}

/// Seconds of one run.
#[derive(Default)]
struct Took {
    n_items: u64,
    n_rows_flushed: u64,
    ingest: f64,
    flush: f64,
    /// In the order of `Part::ALL`.
    parts: [f64; Part::ALL.len()],
    flush_of_models: f64,
}

/// One figure of all runs each.
#[derive(Default)]
struct Samples {
    ingest_us: Sample,
    parts_us: [Sample; Part::ALL.len()],
    shares: [Sample; Part::ALL.len()],
    flush_us: Sample,
    flush_of_models_us: Sample,
    share_of_flush: Sample,
    share_of_all: Sample,
}

pub(crate) async fn measure(args: &Args, report: &mut Report) -> Result<(), Failure> {
    let dir = args.dir.as_ref().ok_or("no directory")?.join("cost-run");
    workload(args, report, &dir, "span", |signal| signal == Signal::Traces).await?;
    workload(args, report, &dir, "item of any signal", |_| true).await?;
    report.remark(format!(
        "cost: {N_MINUTES} minutes of the demo at {RATE_PER_S} visits a second, flushed each minute; time of the \
         processor, of all threads"
    ));
    Ok(())
}

async fn workload(
    args: &Args,
    report: &mut Report,
    dir: &Path,
    item: &str,
    is_wanted: fn(Signal) -> bool,
) -> Result<(), Failure> {
    let minutes = minutes(is_wanted);
    let mut samples = Samples::default();
    for _ in 0..args.n_runs {
        if dir.exists() {
            std::fs::remove_dir_all(dir)?;
        }
        let took = run(dir, &minutes).await?;
        if took.n_rows_flushed == 0 {
            report.wrong("the read models wrote no rows");
        }
        samples.add(&took);
    }
    std::fs::remove_dir_all(dir)?;
    samples.tell(report, item);
    Ok(())
}

fn minutes(is_wanted: fn(Signal) -> bool) -> Vec<Minute> {
    let mut shop = Shop::new(5, RATE_PER_S, T0);
    let minute = |n: i64| {
        let from = T0 + n * MINUTE_NS;
        let steps = 1..=MINUTE_NS / STEP_NS;
        let sent = steps.flat_map(|step| shop.advance(from + step * STEP_NS));
        let requests = sent.filter(|request| is_wanted(request.signal)).collect();
        Minute { at: from + MINUTE_NS, requests }
    };
    (0..N_MINUTES).map(minute).collect()
}

async fn run(dir: &Path, minutes: &[Minute]) -> Result<Took, Failure> {
    let mut options = options(&dir.join("engine"));
    // Flushed when it is said.
    (options.hot.bytes_soft, options.hot.bytes_hard) = (u64::MAX >> 1, u64::MAX >> 1);
    options.wal.sync = WalSync::Interval(Duration::from_secs(1));
    options.wal.commit_delay = Duration::ZERO;
    let (engine, _) = Engine::open(options, rows).await?;
    let mut kept = Vec::new();
    for part in Part::ALL {
        kept.push(Kept::open(part, dir.join(part.name()))?);
    }
    let mut took = Took::default();
    for minute in minutes {
        let batches = batches(minute)?;
        took.n_items += batches.iter().map(|(_, batch)| batch.num_rows() as u64).sum::<u64>();
        let requests = minute.requests.clone();
        let before = cpu::of_process();
        ingest(&engine, requests, minute.at).await?;
        let stored = cpu::of_process();
        engine.flush().await?;
        took.ingest += stored - before;
        took.flush += cpu::of_process() - stored;
        for (place, kept) in kept.iter_mut().enumerate() {
            let (seconds, ()) = cpu::of_thread(|| {
                batches.iter().for_each(|(signal, batch)| kept.take(*signal, batch));
            });
            took.parts[place] += seconds;
        }
        let (seconds, flushed) = cpu::of_thread(|| kept[0].flush());
        took.flush_of_models += seconds;
        took.n_rows_flushed += flushed?;
        // The others begin anew, too.
        kept[1..].iter_mut().try_for_each(|kept| kept.flush().map(|_| ()))?;
    }
    Ok(took)
}

fn batches(minute: &Minute) -> Result<Vec<(Signal, RecordBatch)>, Failure> {
    let batch = |request: &Request| -> Result<(Signal, RecordBatch), Failure> {
        Ok((request.signal, rows(record(request, minute.at))?.batch().clone()))
    };
    minute.requests.iter().map(batch).collect()
}

impl Samples {
    fn add(&mut self, took: &Took) {
        let us = |seconds: f64| seconds * 1e6 / took.n_items.max(1) as f64;
        self.ingest_us.push(us(took.ingest));
        for (place, &seconds) in took.parts.iter().enumerate() {
            self.parts_us[place].push(us(seconds));
            self.shares[place].push(100.0 * seconds / took.ingest);
        }
        self.flush_us.push(us(took.flush));
        self.flush_of_models_us.push(us(took.flush_of_models));
        self.share_of_flush.push(100.0 * took.flush_of_models / took.flush);
        let of_models = took.parts[0] + took.flush_of_models;
        self.share_of_all.push(100.0 * of_models / (took.ingest + took.flush));
    }

    fn tell(&self, report: &mut Report, item: &str) {
        report.sample(format!("ingest per {item}, log and insert included"), "us", &self.ingest_us, "");
        for (place, part) in Part::ALL.into_iter().enumerate() {
            let budget = if part == Part::All { SHARE_BUDGET } else { "" };
            let name = part.name();
            report.sample(format!("{name} per {item}"), "us", &self.parts_us[place], "");
            report.sample(format!("{name}, share of ingest per {item}"), "%", &self.shares[place], budget);
        }
        report.sample(format!("flush per {item}, all tables"), "us", &self.flush_us, "");
        report.sample(format!("flush of read models per {item}"), "us", &self.flush_of_models_us, "");
        report.sample(format!("read models, share of flushes per {item}"), "%", &self.share_of_flush, "");
        report.sample(
            format!("read models, share of ingest and flushes per {item}"),
            "%",
            &self.share_of_all,
            "",
        );
    }
}
