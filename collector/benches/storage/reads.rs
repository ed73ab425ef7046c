//! What people wait for: the overview of a day, a trace by its id, traces by an attribute.

use crate::Failure;
use crate::args::Args;
use crate::fill::{SECOND, Store, T0, options};
use crate::report::Report;
use crate::sample::{Sample, now};
use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use collector::bench::rows;
use std::time::Duration;
use storage::{Engine, RedBy, RedQuery, TimeRange, TraceOrder, TraceSearch};

/// Spans of one trace that are read; more than any of the demo's has.
const SPANS_MAX: usize = 10_000;
/// Different values that are searched for, and traces that one search gives.
const N_VALUES: usize = 20;
const N_TRACES: usize = 100;

pub(crate) async fn measure(args: &Args, store: &Store, report: &mut Report) -> Result<(), Failure> {
    let (engine, _) = Engine::open(options(&store.dir), rows).await?;
    traces(args, &engine, store, report).await?;
    searches(args, &engine, store, report).await
}

/// From and to of the data.
fn range(args: &Args) -> TimeRange {
    TimeRange { from: T0, to: T0 + (args.hours * 3600.0) as i64 * SECOND }
}

async fn traces(args: &Args, engine: &Engine, store: &Store, report: &mut Report) -> Result<(), Failure> {
    let (mut medians, mut tails) = (Sample::default(), Sample::default());
    for _ in 0..args.n_runs {
        let mut took = Sample::default();
        for &trace_id in &store.filled.trace_ids {
            let started = now();
            let spans = engine.trace(trace_id, SPANS_MAX).await?;
            took.push_ms(now().duration_since(started));
            if spans.iter().all(|batch| batch.num_rows() == 0) {
                report.wrong(format!("trace {} was not found", u128::from_be_bytes(trace_id)));
            }
        }
        medians.push(took.median());
        tails.push(took.quantile(0.99));
    }
    let n_spans = store.filled.n_spans;
    report.sample(format!("trace by id of {n_spans} spans, p50"), "ms", &medians, "");
    report.sample(format!("trace by id of {n_spans} spans, p99"), "ms", &tails, "<= 10 ms of 50M");
    Ok(())
}

async fn searches(args: &Args, engine: &Engine, store: &Store, report: &mut Report) -> Result<(), Failure> {
    let values = rarest(engine, &args.attribute).await?;
    if values.is_empty() {
        return Err(format!("no span has the attribute {}", args.attribute).into());
    }
    let mut took = Sample::default();
    for _ in 0..args.n_runs {
        for value in &values {
            let search = TraceSearch {
                range: range(args),
                service: None,
                operation: None,
                is_error: None,
                duration_ns_min: None,
                duration_ns_max: None,
                attributes: vec![(args.attribute.clone(), value.clone())],
                order: TraceOrder::Newest,
                limit: N_TRACES,
            };
            let started = now();
            let hits = engine.search_traces(&search).await?;
            took.push_ms(now().duration_since(started));
            if hits.traces.is_empty() {
                report.wrong(format!("no trace with {} = {value}", args.attribute));
            }
        }
    }
    report.sample(
        format!("search for {} in {} spans, newest {N_TRACES}", args.attribute, store.filled.n_spans),
        "ms",
        &took,
        "<= 80 ms of 10M",
    );
    let sql = format!("SELECT count(*) FROM spans WHERE attributes['{}'] = '{}'", args.attribute, values[0]);
    let mut counted = Sample::default();
    for _ in 0..args.n_runs {
        let started = now();
        texts(engine, &sql).await?;
        counted.push_ms(now().duration_since(started));
    }
    report.sample(
        format!("SQL count where {} is one value, {} spans", args.attribute, store.filled.n_spans),
        "ms",
        &counted,
        "<= 80 ms of 10M",
    );
    Ok(())
}

pub(crate) async fn overview(args: &Args, store: &Store, report: &mut Report) -> Result<(), Failure> {
    let (engine, _) = Engine::open(options(&store.dir), rows).await?;
    let range = range(args);
    let step = Duration::from_nanos(((range.to - range.from) / 96).unsigned_abs());
    let query = RedQuery { range, only: Vec::new(), entry_only: true, by: vec![RedBy::Service], step };
    let mut took = Sample::default();
    for _ in 0..args.n_runs * 3 {
        let started = now();
        let answer = engine.red(&query).await?;
        took.push_ms(now().duration_since(started));
        if answer.groups.is_empty() {
            report.wrong("the overview is empty");
        }
    }
    report.sample(format!("overview of {} h, all services", args.hours), "ms", &took, "<= 50 ms of 24 h");
    Ok(())
}

/// Values of an attribute that few spans have.
async fn rarest(engine: &Engine, key: &str) -> Result<Vec<String>, Failure> {
    let sql = format!(
        "SELECT attributes['{key}'] AS value, count(*) AS n FROM spans WHERE attributes['{key}'] IS NOT NULL \
         GROUP BY value ORDER BY n, value LIMIT {N_VALUES}"
    );
    texts(engine, &sql).await
}

/// The first column of an answer.
async fn texts(engine: &Engine, sql: &str) -> Result<Vec<String>, Failure> {
    let mut stream = engine.sql(sql).await?;
    let mut found = Vec::new();
    while let Some(batch) = stream.next().await {
        let column = cast(batch?.column(0), &DataType::Utf8)?;
        found.extend(column.as_string::<i32>().iter().flatten().map(str::to_owned));
    }
    Ok(found)
}
