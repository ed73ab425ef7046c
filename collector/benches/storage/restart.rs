//! How long a start takes: with everything in segments, and with everything in the log.

use crate::args::Args;
use crate::fill::{SECOND, Store, T0, ingest, options};
use crate::report::Report;
use crate::sample::{Sample, now};
use crate::{Failure, clone};
use collector::bench::{Shop, rows};
use std::path::Path;
use std::time::Duration;
use storage::{Engine, WalSync};

/// Spans in the log that is replayed, at most: some minutes of a busy server.
const SPANS_MAX: u64 = 1_000_000;
/// Visits a second while they are made.
const RATE_PER_S: f64 = 200.0;

pub(crate) async fn measure(args: &Args, store: &Store, report: &mut Report) -> Result<(), Failure> {
    let mut took = Sample::default();
    for _ in 0..args.n_runs {
        let started = now();
        let (engine, _) = Engine::open(options(&store.dir), rows).await?;
        took.push_ms(now().duration_since(started));
        drop(engine);
    }
    let what = format!("start with {} spans in segments (engine)", store.filled.n_spans);
    report.sample(what, "ms", &took, "<= 2 s of 50M");
    replays(args, report).await
}

async fn replays(args: &Args, report: &mut Report) -> Result<(), Failure> {
    let dir = args.dir.as_ref().ok_or("no directory")?;
    let (written, copied) = (dir.join("log"), dir.join("log-run"));
    let n_items = write_log(&written, args.n_spans.min(SPANS_MAX)).await?;
    let (mut rates, mut seconds) = (Sample::default(), Sample::default());
    for _ in 0..args.n_runs {
        clone::with_shared_segments(&written, &copied)?;
        let started = now();
        let (engine, recovery) = Engine::open(options(&copied), rows).await?;
        let took = now().duration_since(started);
        if recovery.n_rows_replayed != n_items {
            report.wrong(format!("{} of {n_items} rows were replayed", recovery.n_rows_replayed));
        }
        seconds.push(took.as_secs_f64());
        rates.push(n_items as f64 / took.as_secs_f64());
        drop(engine);
    }
    report.sample("replay of the log", "rows/s", &rates, "");
    report.sample(format!("start with {n_items} rows in the log"), "s", &seconds, "");
    std::fs::remove_dir_all(written)?;
    Ok(std::fs::remove_dir_all(copied)?)
}

/// Leaves a directory as a killed process would, with nothing flushed. Returns the number of rows.
async fn write_log(dir: &Path, n_spans: u64) -> Result<u64, Failure> {
    if dir.exists() {
        std::fs::remove_dir_all(dir)?;
    }
    let mut options = options(dir);
    (options.hot.bytes_soft, options.hot.bytes_hard) = (u64::MAX >> 1, u64::MAX >> 1);
    options.wal.bytes_max = u64::MAX >> 1;
    options.wal.sync = WalSync::Interval(Duration::from_secs(1));
    options.wal.commit_delay = Duration::ZERO;
    let (engine, _) = Engine::open(options, rows).await?;
    let (mut shop, mut at) = (Shop::new(2, RATE_PER_S, T0), T0);
    while engine.stats().rows_ever.traces < n_spans {
        at += SECOND;
        ingest(&engine, shop.advance(at), at).await?;
    }
    Ok(engine.stats().rows_ever.total())
}
