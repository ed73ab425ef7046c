//! Acknowledgements and memory while a heavy query and merges run, in a process that has done nothing else.

use crate::args::Args;
use crate::fill::{FLUSH_NS, SECOND, STEP_NS, Store, T0, options, store as store_request};
use crate::report::Report;
use crate::sample::{Sample, now};
use crate::{Failure, clone, process};
use collector::bench::{Shop, rows};
use futures::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use storage::Engine;
use tokio::time::MissedTickBehavior;

/// Visits a second of the demo as it comes.
const RATE_PER_S: f64 = 20.0;
/// Exporters that send at the same time.
const CONCURRENCY: usize = 4;
const HEAVY_SQL: &str = "SELECT service, name, attributes['shop.tenant.tier'] AS tier, count(*) AS n, \
     approx_percentile_cont(0.99) WITHIN GROUP (ORDER BY duration_ns) AS p99 \
     FROM spans GROUP BY service, name, tier ORDER BY n DESC";
/// Memory that is a budget of the whole product under load, in MB.
const RSS_BUDGET: &str = "<= 512 MB";

/// What one run came to.
#[derive(Debug, Serialize, Deserialize)]
struct Outcome {
    ack_ms_p50: f64,
    ack_ms_p99: f64,
    ack_ms_max: f64,
    rss_mb_max: f64,
    /// Rows in memory, in MB.
    hot_mb_max: f64,
    n_requests: u64,
    n_queries: u64,
    n_merges: u64,
}

pub(crate) fn measure(args: &Args, store: &Store, report: &mut Report) -> Result<(), Failure> {
    let outcomes: Vec<Outcome> = (0..args.n_runs).map(|_| run(args, &store.dir)).collect::<Result<_, _>>()?;
    let of = |figure: fn(&Outcome) -> f64| Sample::from(outcomes.iter().map(figure).collect::<Vec<_>>());
    let what = |figure: &str| format!("{figure} while queries and merges run");
    report.sample(what("acknowledgement p50"), "ms", &of(|run| run.ack_ms_p50), "");
    report.sample(what("acknowledgement p99"), "ms", &of(|run| run.ack_ms_p99), "< 50 ms (20 ms without)");
    report.sample(what("slowest acknowledgement"), "ms", &of(|run| run.ack_ms_max), "");
    report.sample(what("resident memory"), "MB", &of(|run| run.rss_mb_max), RSS_BUDGET);
    report.sample(what("rows in memory"), "MB", &of(|run| run.hot_mb_max), "");
    let (queries, merges) = (of(|run| run.n_queries as f64), of(|run| run.n_merges as f64));
    let requests = of(|run| run.n_requests as f64).median();
    report.remark(format!(
        "load: {requests} requests, {} minutes of the demo at {} times its speed, durable when acknowledged, \
         without the socket; {} queries over all spans and {} merges beside it (medians)",
        args.load_minutes,
        args.load_speed,
        queries.median(),
        merges.median()
    ));
    if queries.min() < 1.0 || merges.min() < 1.0 {
        report.remark("WARNING: in some run no query or no merge came to its end: make the load longer");
    }
    Ok(())
}

fn run(args: &Args, store: &Path) -> Result<Outcome, Failure> {
    let copy = args.dir.as_ref().ok_or("no directory")?.join("load-run");
    clone::with_shared_segments(store, &copy)?;
    let output = Command::new(std::env::current_exe()?)
        .args(["--dir".as_ref(), copy.as_os_str(), "--only-load".as_ref(), copy.as_os_str()])
        .args(["--hours".to_owned(), args.hours.to_string()])
        .args(["--load-minutes".to_owned(), args.load_minutes.to_string()])
        .args(["--load-speed".to_owned(), args.load_speed.to_string()])
        .output()?;
    std::fs::remove_dir_all(copy)?;
    match output.status.success() {
        true => Ok(serde_json::from_slice(&output.stdout)?),
        false => Err(format!("the load failed: {}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}

/// The process of one run: prints its outcome.
pub(crate) async fn child(args: &Args, dir: &Path) -> Result<(), Failure> {
    let mut options = options(dir);
    options.hot.flush_interval = Duration::from_nanos(FLUSH_NS.unsigned_abs());
    options.compaction.segments_min = 2;
    let (engine, _) = Engine::open(options, rows).await?;
    process::reset_rss_max()?;
    let (is_over, n_queries, at) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let work = async {
        let acks = send(args, &engine, &at).await;
        is_over.store(true, Ordering::Relaxed);
        acks
    };
    let asking = ask(&engine, &is_over, &n_queries);
    let hot_bytes_max = AtomicU64::new(0);
    let upkeep =
        async { tokio::join!(flush(&engine, &is_over, &at, &hot_bytes_max), merge(&engine, &is_over, &at)) };
    let (acks, queried, (flushed, merged)) = tokio::join!(work, asking, upkeep);
    let acks = acks?;
    queried?;
    flushed?;
    merged?;
    let outcome = Outcome {
        ack_ms_p50: acks.median(),
        ack_ms_p99: acks.quantile(0.99),
        ack_ms_max: acks.max(),
        rss_mb_max: process::rss_bytes_max()? as f64 / 1e6,
        hot_mb_max: hot_bytes_max.into_inner() as f64 / 1e6,
        n_requests: acks.len() as u64,
        n_queries: n_queries.into_inner(),
        n_merges: engine.stats().n_merges,
    };
    println!("{}", serde_json::to_string(&outcome)?);
    Ok(())
}

/// Sends what the demo would, faster; `at` follows the simulated time.
async fn send(args: &Args, engine: &Engine, at: &AtomicU64) -> Result<Sample, Failure> {
    let start = T0 + (args.hours * 3600.0) as i64 * SECOND;
    let mut shop = Shop::new(3, RATE_PER_S, start);
    let mut ticks = tokio::time::interval(Duration::from_secs_f64(STEP_NS as f64 / 1e9 / args.load_speed));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut acks = Vec::new();
    for step in 1..=((args.load_minutes * 60.0) as i64 * SECOND / STEP_NS).max(1) {
        ticks.tick().await;
        let to = start + step * STEP_NS;
        let requests = shop.advance(to);
        at.store(to.unsigned_abs(), Ordering::Relaxed);
        let sending = stream::iter(requests).map(|request| async move {
            let started = now();
            store_request(engine, request, to).await?;
            Ok::<_, Failure>(now().duration_since(started).as_secs_f64() * 1e3)
        });
        acks.extend(sending.buffer_unordered(CONCURRENCY).try_collect::<Vec<f64>>().await?);
    }
    Ok(Sample::from(acks))
}

async fn ask(engine: &Engine, is_over: &AtomicBool, n_queries: &AtomicU64) -> Result<(), Failure> {
    while !is_over.load(Ordering::Relaxed) {
        let mut stream = engine.sql(HEAVY_SQL).await?;
        while let Some(batch) = stream.next().await {
            batch?;
        }
        n_queries.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// Flushes as the timer would, whatever else is going on.
async fn flush(
    engine: &Engine,
    is_over: &AtomicBool,
    at: &AtomicU64,
    hot_bytes_max: &AtomicU64,
) -> Result<(), Failure> {
    let mut ticks = ticks();
    while !is_over.load(Ordering::Relaxed) {
        ticks.tick().await;
        hot_bytes_max.fetch_max(engine.stats().hot_bytes, Ordering::Relaxed);
        let at = at.load(Ordering::Relaxed) as i64;
        if at > 0 {
            engine.tick(at).await?;
        }
    }
    Ok(())
}

/// Merges more eagerly than the timer would, one after the other.
async fn merge(engine: &Engine, is_over: &AtomicBool, at: &AtomicU64) -> Result<(), Failure> {
    let mut ticks = ticks();
    while !is_over.load(Ordering::Relaxed) {
        ticks.tick().await;
        let at = at.load(Ordering::Relaxed) as i64;
        if at > 0 {
            engine.compact(at).await?;
        }
    }
    Ok(())
}

fn ticks() -> tokio::time::Interval {
    let mut ticks = tokio::time::interval(Duration::from_millis(200));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
