//! Percentiles of the duration by service and name: exact, and against DuckDB and ClickHouse over the very
//! same files, in turns.

use crate::Failure;
use crate::args::Args;
use crate::fill::{Store, options};
use crate::peers::{Answer, Key, Peers};
use crate::report::Report;
use crate::sample::{Sample, now};
use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use collector::bench::rows;
use storage::Engine;

/// Exact percentiles hold every duration.
const MEMORY_BYTES: usize = 8 << 30;
/// DataFusion rounds the place between two neighbours to a millionth of their distance, which in a group of
/// few spans is some of their size. A wrong neighbour in a group of many would differ by more.
const EXACT: f64 = 1e-5;
/// What is promised of histograms, those of the read model and of raw spans.
const ROUGH: f64 = 0.01;

const SQL_EXACT: &str = "SELECT service, name, count(*) AS n, \
     percentile_cont(0.5) WITHIN GROUP (ORDER BY duration_ns) AS p50, \
     percentile_cont(0.95) WITHIN GROUP (ORDER BY duration_ns) AS p95, \
     percentile_cont(0.99) WITHIN GROUP (ORDER BY duration_ns) AS p99 \
     FROM spans GROUP BY service, name";
const SQL_HDR: &str = "SELECT service, name, count(*) AS n, \
     hdr_quantile(hdr_of(duration_ns), 0.5) AS p50, hdr_quantile(hdr_of(duration_ns), 0.95) AS p95, \
     hdr_quantile(hdr_of(duration_ns), 0.99) AS p99 \
     FROM spans GROUP BY service, name";
const SQL_READ_MODEL: &str = "SELECT service, operation AS name, sum(n_spans) AS n, \
     hdr_quantile(duration_hdr, 0.5) AS p50, hdr_quantile(duration_hdr, 0.95) AS p95, \
     hdr_quantile(duration_hdr, 0.99) AS p99 FROM red GROUP BY service, operation";

pub(crate) async fn measure(args: &Args, store: &Store, report: &mut Report) -> Result<(), Failure> {
    let mut options = options(&store.dir);
    options.query.memory_bytes = MEMORY_BYTES;
    let (engine, _) = Engine::open(options, rows).await?;
    let mut peers = Peers::start(args, &store.dir)?;
    let mut took = Took { theirs: vec![Sample::default(); peers.names().len()], ..Took::default() };
    for _ in 0..args.n_runs {
        let exact = timed(&engine, SQL_EXACT, &mut took.exact).await?;
        for (name, took) in peers.names().iter().zip(&mut took.theirs) {
            let (answer, seconds) = peers.ask(name)?;
            took.push(seconds);
            compare(report, name, &exact, &answer);
        }
        let histogram = timed(&engine, SQL_HDR, &mut took.histogram).await?;
        let read_model = timed(&engine, SQL_READ_MODEL, &mut took.read_model).await?;
        if exact.values().map(|[n, ..]| n).sum::<f64>() != store.filled.n_spans as f64 {
            report.wrong("the percentiles do not count every span");
        }
        remark(report, "histogram", &exact, &histogram);
        remark(report, "read model", &exact, &read_model);
    }
    took.tell(report, store.filled.n_spans, &peers.names());
    Ok(())
}

/// Seconds of each way to ask.
#[derive(Debug, Default)]
struct Took {
    exact: Sample,
    /// In the order of the peers' names.
    theirs: Vec<Sample>,
    histogram: Sample,
    read_model: Sample,
}

impl Took {
    fn tell(&self, report: &mut Report, n_spans: u64, peers: &[String]) {
        let what = |who: &str| format!("p50/p95/p99 by service and name of {n_spans} spans, {who}");
        let budget = "<= 0.10 s of 5M (DuckDB 0.12, ClickHouse 0.26)";
        report.sample(what("exact"), "s", &self.exact, budget);
        for (peer, sample) in peers.iter().zip(&self.theirs) {
            report.sample(what(&format!("exact, {peer}")), "s", sample, "");
        }
        report.sample(what("histogram"), "s", &self.histogram, budget);
        report.sample(what("read model"), "s", &self.read_model, "");
        if peers.is_empty() {
            report.missing(what("exact, DuckDB and ClickHouse"), "no Python with their packages");
        }
        report.remark(
            "exact percentiles interpolate between neighbours: percentile_cont, quantile_cont of DuckDB, \
             quantilesExactInclusive of ClickHouse. DataFusion rounds the weight of the neighbours to a \
             millionth, the others do not. They read the files without their checksums; here every block that \
             is read is checked.",
        );
    }
}

async fn timed(engine: &Engine, sql: &str, took: &mut Sample) -> Result<Answer, Failure> {
    let started = now();
    let mut stream = engine.sql(sql).await?;
    let mut answer = Answer::new();
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        let text = |idx: usize| cast(batch.column(idx), &DataType::Utf8);
        let number = |idx: usize| cast(batch.column(idx), &DataType::Float64);
        let (services, names) = (text(0)?, text(1)?);
        let numbers = [number(2)?, number(3)?, number(4)?, number(5)?];
        for row in 0..batch.num_rows() {
            let key: Key = [&services, &names].map(|column| column.as_string::<i32>().value(row).to_owned());
            answer.insert(
                key,
                numbers.each_ref().map(|column| column.as_primitive::<Float64Type>().value(row)),
            );
        }
    }
    took.push(now().duration_since(started).as_secs_f64());
    Ok(answer)
}

/// The same groups with the same counts and percentiles.
fn compare(report: &mut Report, who: &str, ours: &Answer, theirs: &Answer) {
    let counts = |answer: &Answer| -> Vec<(Key, u64)> {
        answer.iter().map(|(key, [n, ..])| (key.clone(), *n as u64)).collect()
    };
    if counts(ours) != counts(theirs) {
        return report.wrong(format!("{who} has other groups or counts"));
    }
    let (error, n) = (largest_error(ours, theirs), ours.len());
    report
        .remark_once(format!("{who}: the same {n} groups and counts, percentiles at most {error:.0e} apart"));
    if error > EXACT {
        report.wrong(format!("{who} has other percentiles, {error:.0e} apart"));
    }
}

/// How far an approximation is off.
fn remark(report: &mut Report, what: &str, exact: &Answer, rough: &Answer) {
    let busy = |answer: &Answer| -> Answer {
        // Between the few durations of a rare group any value is a percentile.
        let is_busy = |key: &Key| exact.get(key).is_some_and(|[n, ..]| *n >= 10_000.0);
        answer.iter().filter(|(key, _)| is_busy(key)).map(|(key, numbers)| (key.clone(), *numbers)).collect()
    };
    let (exact, rough) = (busy(exact), busy(rough));
    let error = largest_error(&exact, &rough);
    let verdict = if error > ROUGH { " (MORE than 1 %)" } else { "" };
    let n = exact.len();
    report.remark_once(format!(
        "{what}: at most {:.2} % off the exact percentiles, in {n} groups of 10,000 spans and more{verdict}",
        error * 100.0
    ));
}

fn largest_error(ours: &Answer, theirs: &Answer) -> f64 {
    let errors = ours.iter().flat_map(|(key, ours)| {
        let theirs = theirs.get(key).copied().unwrap_or([f64::INFINITY; 4]);
        ours.iter()
            .zip(theirs)
            .map(|(ours, theirs)| (ours - theirs).abs() / ours.abs().max(1.0))
            .collect::<Vec<_>>()
    });
    errors.fold(0.0, f64::max)
}
