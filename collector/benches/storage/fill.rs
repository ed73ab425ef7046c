//! Data directories to measure on, made once: the same spans for the same arguments.
//!
//! Requests go through the decoding and the engine of the product, without a socket, and as fast as they
//! can; rows are flushed and segments merged each simulated minute, as they would be if it had passed.

use crate::args::Args;
use crate::intake::table_bytes;
use crate::sample::now;
use crate::ten::Ten;
use crate::wide::Wide;
use crate::{Failure, process};
use collector::bench::{Request, Shop, rows};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use storage::{Engine, Signal, WalSync};

pub(crate) use crate::intake::{SECOND, T0, ingest, options, store};

/// Simulated time that is made at once, and after which rows are flushed.
pub(crate) const STEP_NS: i64 = 10 * SECOND;
pub(crate) const FLUSH_NS: i64 = 60 * SECOND;
/// A file that says what was made; the last to be written.
const MARK: &str = "filled.json";

/// A data directory, whole and flushed.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) dir: PathBuf,
    pub(crate) filled: Filled,
}

/// What went into it, and what that took.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Filled {
    pub(crate) commit: String,
    pub(crate) n_spans: u64,
    pub(crate) n_logs: u64,
    pub(crate) n_points: u64,
    pub(crate) n_bytes_flushed: u64,
    pub(crate) n_bytes_merged: u64,
    /// Of segments and their checksums, by table.
    pub(crate) n_bytes: BTreeMap<String, u64>,
    pub(crate) seconds: f64,
    /// Some traces, from all over the time.
    pub(crate) trace_ids: Vec<[u8; 16]>,
}

impl Filled {
    pub(crate) fn bytes_of(&self, table: &str) -> u64 {
        self.n_bytes.get(table).copied().unwrap_or(0)
    }

    pub(crate) fn n_items(&self) -> u64 {
        self.n_spans + self.n_logs + self.n_points
    }

    fn count(&mut self, request: &Request) {
        let n_items = request.n_items as u64;
        match request.signal {
            Signal::Traces => self.n_spans += n_items,
            Signal::Logs => self.n_logs += n_items,
            Signal::Metrics => self.n_points += n_items,
        }
    }
}

/// Spans of the workloads that sizes are taken of: more of them are no other size.
const N_SPANS_OF_SIZES: u64 = 1_000_000;

/// What the demo's shop sends, spread evenly over the hours.
pub(crate) async fn demo(args: &Args) -> Result<Store, Failure> {
    let n_spans = args.n_spans.min(N_SPANS_OF_SIZES);
    let name = format!("demo-{n_spans}-spans-{}-hours", args.hours);
    let rate_per_s = n_spans as f64 / (args.hours * 3600.0) / spans_per_visit();
    let mut shop = Shop::new(1, rate_per_s, T0);
    fill(args, &name, n_steps(args), move |to| shop.advance(to)).await
}

/// As many spans as are asked for, spread evenly over the hours.
pub(crate) async fn ten(args: &Args) -> Result<Store, Failure> {
    let (n_spans, n_steps) = (args.n_spans, n_steps(args));
    let (mut ten, mut n_made) = (Ten::new(1), 0);
    let next = move |to: i64| {
        let n_wanted = u128::from(n_spans) * ((to - T0) / STEP_NS) as u128 / n_steps as u128;
        let mut requests = Vec::new();
        while u128::from(n_made) < n_wanted {
            requests.push(ten.request(to));
            n_made += requests[requests.len() - 1].n_items as u64;
        }
        requests
    };
    fill(args, &format!("ten-{n_spans}-spans-{}-hours", args.hours), n_steps, next).await
}

fn n_steps(args: &Args) -> i64 {
    (args.hours * 3600.0 * SECOND as f64) as i64 / STEP_NS
}

/// A tenth of the demo's spans, and as many logs and points, in an hour.
pub(crate) async fn wide(args: &Args) -> Result<Store, Failure> {
    let n_spans = (args.n_spans.min(N_SPANS_OF_SIZES) / 10).max(1_000);
    let (mut wide, mut n_left, n_steps) = (Wide::new(1), n_spans, 3600 * SECOND / STEP_NS);
    let n_per_step = n_spans.div_ceil(n_steps as u64);
    let next = move |to| {
        let mut requests = Vec::new();
        let n_wanted = n_left.saturating_sub(n_per_step);
        while n_left > n_wanted {
            let of_step = wide.requests(to);
            n_left = n_left.saturating_sub(of_step[0].n_items as u64);
            requests.extend(of_step);
        }
        requests
    };
    fill(args, &format!("wide-{n_spans}-spans"), n_steps, next).await
}

/// An hour of a small shop tells.
fn spans_per_visit() -> f64 {
    let requests = Shop::new(1, 1.0, T0).advance(T0 + 3600 * SECOND);
    let n_spans: usize = requests
        .iter()
        .filter(|request| request.signal == Signal::Traces)
        .map(|request| request.n_items)
        .sum();
    n_spans as f64 / 3600.0
}

async fn fill(
    args: &Args,
    name: &str,
    n_steps: i64,
    mut next: impl FnMut(i64) -> Vec<Request>,
) -> Result<Store, Failure> {
    let dir = args.dir.as_ref().ok_or("no directory")?.join(name);
    if let Some(filled) = read_mark(&dir).filter(|_| !args.is_fresh) {
        return Ok(Store { dir, filled });
    }
    println!("making {}", dir.display());
    if dir.exists() {
        std::fs::remove_dir_all(&dir)?;
    }
    let mut options = options(&dir);
    options.wal.sync = WalSync::Interval(Duration::from_secs(1));
    options.wal.commit_delay = Duration::ZERO;
    let (engine, _) = Engine::open(options, rows).await?;
    let mut filled = Filled { commit: args.commit.clone(), ..Filled::default() };
    let started = now();
    for step in 1..=n_steps {
        let at = T0 + step * STEP_NS;
        let requests = next(at);
        requests.iter().for_each(|request| filled.count(request));
        // Two hundred of them, or one a step.
        if step % (n_steps / 200).max(1) == 0 {
            filled.trace_ids.extend(requests.iter().find_map(|request| request.trace_id));
        }
        ingest(&engine, requests, at).await?;
        if at % FLUSH_NS == 0 || step == n_steps {
            flush(&engine, &mut filled, at).await?;
        }
    }
    // A day later every window is over and merged as far as it ever is.
    flush(&engine, &mut filled, T0 + n_steps * STEP_NS + 86_400 * SECOND).await?;
    engine.shutdown().await?;
    filled.seconds = now().duration_since(started).as_secs_f64();
    drop(engine);
    filled.n_bytes = table_bytes(&dir)?;
    std::fs::write(dir.join(MARK), serde_json::to_vec(&filled)?)?;
    Ok(Store { dir, filled })
}

async fn flush(engine: &Engine, filled: &mut Filled, at: i64) -> Result<(), Failure> {
    let before = process::n_bytes_written()?;
    engine.flush().await?;
    let flushed = process::n_bytes_written()?;
    // Looks how much room there is, without which nothing is merged.
    engine.tick(at).await?;
    engine.compact(at).await?;
    filled.n_bytes_flushed += flushed - before;
    filled.n_bytes_merged += process::n_bytes_written()? - flushed;
    Ok(())
}

fn read_mark(dir: &Path) -> Option<Filled> {
    serde_json::from_slice(&std::fs::read(dir.join(MARK)).ok()?).ok()
}
