//! How long the pages of the dashboard wait for their answers, over a month of many services.
//!
//! The API is asked in process, from the query string to the JSON. The last half an hour is still in memory, and
//! ranges end within a bucket, as they do when somebody looks.

use crate::args::Args;
use crate::fill::Store;
use crate::intake::{SECOND, ingest, options};
use crate::landscape::{HOUR_NS, Landscape, Window};
use crate::questions::{QUESTIONS, Question, Turn};
use crate::report::Report;
use crate::sample::{Sample, now};
use crate::{Failure, clone};
use collector::bench::{Dashboard, rows};
use serde_json::Value;
use std::time::Duration;
use storage::Engine;

const RANGES: [(&str, i64); 3] =
    [("last hour", HOUR_NS), ("last day", 24 * HOUR_NS), ("last 30 days", 30 * 24 * HOUR_NS)];
/// Asked before it counts: what is read for the first time comes from the disk.
const N_WARM_UP: usize = 3;
/// A slow question is asked less often, but this often.
const N_ASKS_MIN: usize = 10;
const ASKING_MAX: Duration = Duration::from_secs(60);

pub(crate) async fn measure(args: &Args, store: &Store, report: &mut Report) -> Result<(), Failure> {
    let copy = args.dir.as_ref().ok_or("no directory")?.join("latency-run");
    clone::with_shared_segments(&store.dir, &copy)?;
    let (engine, _) = Engine::open(options(&copy), rows).await?;
    let to = goes_on(&engine, args, store).await?;
    let dashboard = Dashboard::open(engine.clone(), &copy.join("bench.sqlite")).await?;
    for question in &QUESTIONS {
        for (of_range, range_ns) in RANGES {
            let what = format!("{}, {of_range}", question.what);
            let range_ms = ((to - range_ns) / 1_000_000, to / 1_000_000);
            match ask(args, store, &dashboard, question, range_ms).await {
                Ok(took_ms) => report.latency(what, &took_ms, question.budget),
                Err(failure) => report.or_missing(&what, Err(failure)),
            }
        }
    }
    let stats = engine.stats();
    report.remark(format!(
        "latency: {} segments of {:.0} MB, {:.0} MB of rows and cells in memory",
        stats.n_segments,
        stats.segment_bytes as f64 / 1e6,
        stats.hot_bytes as f64 / 1e6
    ));
    drop((dashboard, engine));
    Ok(std::fs::remove_dir_all(copy)?)
}

/// Half an hour more, which is not flushed. Returns when it ends, unix nanos.
async fn goes_on(engine: &Engine, args: &Args, store: &Store) -> Result<i64, Failure> {
    let from = store.filled.to;
    let to = from + HOUR_NS / 2;
    let mut landscape = Landscape::new(2, store.filled.shape);
    let requests = landscape.requests(Window { from, to, n_each: args.scale });
    ingest(engine, requests, to).await?;
    Ok(to + 17 * SECOND)
}

/// Milliseconds of each ask.
async fn ask(
    args: &Args,
    store: &Store,
    dashboard: &Dashboard,
    question: &Question,
    range_ms: (i64, i64),
) -> Result<Sample, Failure> {
    let mut took_ms = Sample::default();
    let began = now();
    for n in 0..N_WARM_UP + args.n_asks {
        let turn = Turn { shape: store.filled.shape, n };
        let path = question.path(&turn, range_ms);
        let started = now();
        let answer = dashboard.get(&path).await?;
        let took = now().duration_since(started);
        if n < N_WARM_UP {
            let answer: Value = serde_json::from_slice(&answer)?;
            if !question.is_whole(&answer, &turn) {
                return Err(format!("{path} lacks something").into());
            }
            continue;
        }
        took_ms.push_ms(took);
        if took_ms.len() >= N_ASKS_MIN && now().duration_since(began) > ASKING_MAX {
            break;
        }
    }
    Ok(took_ms)
}
