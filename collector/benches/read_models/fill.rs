//! Data directories to measure on, made once, through the decoding and the engine of the product.
//!
//! One has a month of many services whose operations are asked for now and then: as many cells as they can have, of
//! as few spans as that takes. The other has some hours of few operations that are busy all the time: cells of the
//! size that they have in use.

use crate::Failure;
use crate::args::Args;
use crate::intake::{SECOND, ingest, options, table_bytes};
use crate::landscape::{HOUR_NS, Landscape, Shape, Window};
use crate::sample::now;
use collector::bench::{Request, rows};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use storage::{Engine, WalSync};
use tokio::sync::mpsc;

const MINUTE_NS: i64 = 60 * SECOND;
/// Of the busy ones: every operation twice a second.
const BUSY: Shape = Shape { n_services: 5, n_operations: 10 };
const BUSY_HOURS: i64 = 3;
const BUSY_EACH_MINUTE: u32 = 120;
/// Windows whose requests are made while those of another one are stored.
const WINDOWS_AHEAD: usize = 1;
/// A file that says what was made; the last to be written.
const MARK: &str = "filled.json";

/// A data directory, whole and flushed.
#[derive(Debug)]
pub(crate) struct Store {
    /// What it holds, in a few words.
    pub(crate) what: &'static str,
    pub(crate) dir: PathBuf,
    pub(crate) filled: Filled,
}

/// What went into it, and what that took.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Filled {
    commit: String,
    pub(crate) shape: Shape,
    /// When it ends, unix nanos: on the hour, and shortly before it was made.
    pub(crate) to: i64,
    n_spans: u64,
    /// Of segments and their checksums, by table.
    pub(crate) n_bytes: BTreeMap<String, u64>,
    seconds: f64,
}

/// What is to be made.
struct Plan {
    what: &'static str,
    name: String,
    shape: Shape,
    /// Stored together, then flushed and merged.
    window_ns: i64,
    n_windows: i64,
    n_each: u32,
    /// Merge as if all windows of time were over.
    is_final: bool,
}

/// Every operation of all services in every hour of a month. The hour is flushed at once: more often, and nothing
/// but flushes would be measured.
pub(crate) async fn month(args: &Args) -> Result<Store, Failure> {
    let Shape { n_services, n_operations } = args.shape;
    let plan = Plan {
        what: "month",
        name: format!("month-{n_services}-x-{n_operations}-{}-days-scale-{}", args.n_days, args.scale),
        shape: args.shape,
        window_ns: HOUR_NS,
        n_windows: i64::from(args.n_days) * 24,
        n_each: args.scale,
        is_final: false,
    };
    store(args, plan).await
}

/// Some hours in which cells are as full as busy services make them, flushed each minute.
pub(crate) async fn busy(args: &Args) -> Result<Store, Failure> {
    let plan = Plan {
        what: "busy",
        name: "busy".to_owned(),
        shape: BUSY,
        window_ns: MINUTE_NS,
        n_windows: BUSY_HOURS * HOUR_NS / MINUTE_NS,
        n_each: BUSY_EACH_MINUTE,
        is_final: true,
    };
    store(args, plan).await
}

/// For the report's head.
pub(crate) fn notes(args: &Args, stores: &[&Store]) -> Vec<String> {
    let note = |store: &&Store| {
        let Filled { commit, shape, n_spans, seconds, .. } = &store.filled;
        format!(
            "{}: {} services with {} operations, {n_spans} spans, written by {commit} in {seconds:.0} s",
            store.what, shape.n_services, shape.n_operations
        )
    };
    let mut notes: Vec<String> = stores.iter().map(note).collect();
    if stores.iter().any(|store| store.filled.commit != args.commit) {
        notes.push("NOTE: the data was made by another version; --fresh makes it again".to_owned());
    }
    if stores.iter().any(|store| wall_ns() - store.filled.to > 4 * HOUR_NS) {
        notes.push(
            "NOTE: the data ends hours ago, as if nothing had come since; --fresh makes it again".to_owned(),
        );
    }
    notes
}

async fn store(args: &Args, plan: Plan) -> Result<Store, Failure> {
    let dir = args.dir.as_ref().ok_or("no directory")?.join(&plan.name);
    if let Some(filled) = read_mark(&dir).filter(|_| !args.is_fresh) {
        return Ok(Store { what: plan.what, dir, filled });
    }
    println!("making {}", dir.display());
    if dir.exists() {
        std::fs::remove_dir_all(&dir)?;
    }
    let started = now();
    // Within the hour before it: what comes next is then about now.
    let to = (wall_ns() - HOUR_NS).div_euclid(HOUR_NS) * HOUR_NS;
    let n_spans = fill(&dir, &plan, to).await?;
    let filled = Filled {
        commit: args.commit.clone(),
        shape: plan.shape,
        to,
        n_spans,
        n_bytes: table_bytes(&dir)?,
        seconds: now().duration_since(started).as_secs_f64(),
    };
    std::fs::write(dir.join(MARK), serde_json::to_vec(&filled)?)?;
    Ok(Store { what: plan.what, dir, filled })
}

/// Returns the number of spans.
async fn fill(dir: &Path, plan: &Plan, to: i64) -> Result<u64, Failure> {
    let mut options = options(dir);
    options.wal.sync = WalSync::Interval(Duration::from_secs(1));
    options.wal.commit_delay = Duration::ZERO;
    let (engine, _) = Engine::open(options, rows).await?;
    let mut made = make(plan, to);
    let (mut n_spans, mut n_windows) = (0, 0);
    while let Some((at, requests)) = made.recv().await {
        n_spans += requests.iter().map(|request| request.n_items as u64).sum::<u64>();
        n_windows += 1;
        ingest(&engine, requests, at).await?;
        engine.flush().await?;
        // Lets go what is old, and looks how much room there is, without which nothing is merged.
        engine.tick(at).await?;
        engine.compact(at).await?;
    }
    if n_windows < plan.n_windows {
        return Err(format!("only {n_windows} of {} windows were made", plan.n_windows).into());
    }
    if plan.is_final {
        engine.compact(to + 60 * 24 * HOUR_NS).await?;
    }
    engine.shutdown().await?;
    Ok(n_spans)
}

/// The requests of each window and when it ends, made on a thread of their own.
fn make(plan: &Plan, to: i64) -> mpsc::Receiver<(i64, Vec<Request>)> {
    let (sender, made) = mpsc::channel(WINDOWS_AHEAD);
    let Plan { shape, window_ns, n_windows, n_each, .. } = *plan;
    tokio::task::spawn_blocking(move || {
        let mut landscape = Landscape::new(1, shape);
        for n_left in (0..n_windows).rev() {
            let to = to - n_left * window_ns;
            let requests = landscape.requests(Window { from: to - window_ns, to, n_each });
            // Whoever asked has failed.
            if sender.blocking_send((to, requests)).is_err() {
                return;
            }
        }
    });
    made
}

fn read_mark(dir: &Path) -> Option<Filled> {
    serde_json::from_slice(&std::fs::read(dir.join(MARK)).ok()?).ok()
}

#[allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn wall_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}
