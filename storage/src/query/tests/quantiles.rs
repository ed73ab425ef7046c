//! How far quantiles are from the exact ones, by the shape of what they are of: makes the table of
//! `docs/quantiles.md`, and fails where the page says something else. With `UPDATE_EXPECT=1` it writes the page.

use super::rows::EPOCH;
use crate::columns::{Columns, WalRecord};
use crate::engine::Engine;
use crate::ids::{Signal, Table};
use crate::options::Options;
use crate::query::{RedBy, RedQuery, RedTotals, TimeRange};
use crate::read_models::{DurationHistogram, Resolution};
use crate::schema;
use crate::test_rows::{SECOND, batch, texts, times};
use arrow::array::{ArrayRef, BooleanArray, Int64Array, StringArray};
use bytes::Bytes;
use expect_test::expect_file;
use std::f64::consts::PI;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// Spans of a shape, and those of one request.
const N: usize = 100_000;
const N_AT_ONCE: usize = 5_000;
const QUANTILES: [f64; 5] = [0.5, 0.9, 0.95, 0.99, 0.999];
const HEADER: &str = "| shape | p50 | p90 | p95 | p99 | p99.9 |\n|---|---|---|---|---|---|\n";

/// The first bucket that spans end in, and how many there are: one of a minute, some minutes of an hour, the last hour of
/// the day, and some of the next day.
const FROM: i64 = EPOCH + (22 * 60 + 50) * 60 * SECOND - BUCKET;
const N_BUCKETS: usize = 631;
const BUCKET: i64 = 10 * SECOND;
const DAY: i64 = 86_400 * SECOND;

/// Durations shorter than this are told in nanoseconds: slots are 512 ns wide at least.
const TOLD_IN_PERCENT_NS: i64 = 100_000;

const MS: f64 = 1e6;

struct Shape {
    name: &'static str,
    /// Nanoseconds.
    draw: fn(&mut Seeded) -> f64,
}

const SHAPES: [Shape; 7] = [
    Shape { name: "uniform, 1 to 100 ms", draw: |seeded| MS + seeded.uniform() * 99.0 * MS },
    Shape { name: "exponential, mean 20 ms", draw: |seeded| -seeded.uniform().ln() * 20.0 * MS },
    Shape { name: "log-normal, median 10 ms, sigma 1", draw: |seeded| 10.0 * MS * seeded.normal().exp() },
    Shape {
        name: "bimodal, 90 % at 2 ms and 10 % at 900 ms",
        draw: |seeded| match seeded.uniform() < 0.9 {
            true => MS * (2.0 + 0.2 * seeded.normal()),
            false => MS * (900.0 + 40.0 * seeded.normal()),
        },
    },
    Shape {
        name: "heavy tail: Pareto, alpha 1.2, from 1 ms",
        draw: |seeded| MS / seeded.uniform().powf(1.0 / 1.2),
    },
    Shape {
        name: "constant 5 ms, 0.5 % outliers from 3 s on",
        draw: |seeded| match seeded.uniform() < 0.995 {
            true => 5.0 * MS,
            false => MS * (3_000.0 + 500.0 * seeded.uniform()),
        },
    },
    Shape { name: "below a microsecond, 100 to 900 ns", draw: |seeded| 100.0 + seeded.uniform() * 800.0 },
];

/// The same numbers everywhere and always: splitmix64.
struct Seeded(u64);

impl Seeded {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Above 0 and below 1.
    fn uniform(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        let (one, other) = (self.uniform(), self.uniform());
        (-2.0 * one.ln()).sqrt() * (2.0 * PI * other).cos()
    }
}

fn drawn(shape: &Shape, seed: u64) -> Vec<i64> {
    let mut seeded = Seeded(seed);
    (0..N).map(|_| (shape.draw)(&mut seeded) as i64).collect()
}

/// Spans of three instances, in buckets that take turns.
fn spans(service: &str, first: usize, durations: &[i64]) -> Columns {
    let rows = first..first + durations.len();
    let n_rows = rows.len();
    let end: Vec<i64> = rows.clone().map(|row| FROM + (row % N_BUCKETS) as i64 * BUCKET).collect();
    let start: Vec<i64> = end.iter().zip(durations).map(|(end, duration)| end - duration).collect();
    let instances = rows.map(|row| ["a", "b", "c"][row / 100 % 3]);
    let columns = vec![
        ("name", texts(&vec!["work"; n_rows])),
        ("kind", texts(&vec!["server"; n_rows])),
        ("is_entry", Arc::new(BooleanArray::from(vec![true; n_rows])) as ArrayRef),
        ("service", texts(&vec![service; n_rows])),
        ("service_instance_id", Arc::new(StringArray::from_iter_values(instances)) as ArrayRef),
        ("start_time", times(&start)),
        ("end_time", times(&end)),
        ("duration_ns", Arc::new(Int64Array::from(durations.to_vec())) as ArrayRef),
        ("received_at", times(&vec![EPOCH; n_rows])),
    ];
    Columns::new(Signal::Traces, batch(schema::spans(), n_rows, columns)).expect("the table's columns")
}

/// An engine with a service for each shape, whose rows are merged, in two segments, and in memory.
async fn stored(all: &[Vec<i64>]) -> (Engine, TempDir) {
    let directory = tempfile::tempdir().expect("temporary directory");
    let mut options = Options { disk_free_bytes_min: 0, ..Options::new(directory.path()) };
    (options.compaction.is_automatic, options.compaction.segments_min) = (false, 2);
    // Only cells are merged: spans would take long, and are not read.
    options.compaction.segment_rows_max = N as u64;
    let opened = Engine::open(options, |_| Err("nothing is replayed".into())).await;
    let (engine, _) = opened.expect("opens");
    for round in 0..N / N_AT_ONCE {
        let first = round * N_AT_ONCE;
        for (shape, durations) in SHAPES.iter().zip(all) {
            let columns = spans(shape.name, first, &durations[first..first + N_AT_ONCE]);
            let payload = Bytes::from_static(b"spans");
            let record = WalRecord { signal: Signal::Traces, encoding: 0, received_at: EPOCH, payload };
            let logged = engine.log(record).await.expect("logs");
            engine.insert(logged, columns);
        }
        if [3, 7, 11, 15].contains(&round) {
            engine.flush().await.expect("flushes");
        }
        if round == 11 {
            assert!(engine.compact(EPOCH).await.expect("merges") > 0);
        }
    }
    (engine, directory)
}

fn quantiles(totals: &RedTotals) -> [i64; 5] {
    let RedTotals { p50_ns, p90_ns, p95_ns, p99_ns, p999_ns, .. } = *totals;
    [p50_ns, p90_ns, p95_ns, p99_ns, p999_ns].map(|ns| ns.expect("there are spans"))
}

/// The least duration that so large a share of all are not longer than: nearest rank, nothing in between.
fn exact(sorted: &[i64], quantile: f64) -> i64 {
    let rank = (quantile * sorted.len() as f64).ceil().max(1.0) as usize;
    sorted[rank - 1]
}

fn cell(exact: i64, found: i64) -> String {
    if exact < TOLD_IN_PERCENT_NS {
        return format!("{exact} ns {:+} ns", found - exact);
    }
    format!("{:.3} ms {:+.2} %", exact as f64 / MS, (found - exact) as f64 * 100.0 / exact as f64)
}

/// Scenario: spans of seven shapes of duration come in requests, are flushed, partly merged, and asked for over a range
/// that takes tables of all resolutions.
/// Guarantees: counts are exact; every quantile is what one histogram of all spans has, in whatever order parts were
/// merged, and within 1 % of the exact one, or 1 us where slots are wider; the page has the errors that were found.
#[tokio::test]
async fn the_page_has_the_error_of_every_shape() {
    let all: Vec<Vec<i64>> = SHAPES.iter().zip(0..).map(|(shape, seed)| drawn(shape, seed)).collect();
    let (engine, _directory) = stored(&all).await;
    let query = RedQuery {
        range: TimeRange { from: FROM, to: EPOCH + 2 * DAY },
        only: Vec::new(),
        entry_only: false,
        by: vec![RedBy::Service],
        step: Duration::from_nanos(DAY.unsigned_abs()),
    };
    let answer = engine.red(&query).await.expect("reads");
    for resolution in Resolution::ALL {
        let from = format!("FROM {} WHERE", Table::Red(resolution).name());
        assert!(answer.sql.contains(&from), "{}", answer.sql);
    }
    let mut table = HEADER.to_owned();
    for (shape, mut durations) in SHAPES.iter().zip(all) {
        let group = answer.groups.iter().find(|group| group.service == shape.name);
        let total = group.expect("every shape is a service").total;
        let found = quantiles(&total);
        let mut whole = DurationHistogram::default();
        durations.iter().for_each(|&duration| whole.record(duration));
        assert_eq!((total.n, whole.quantiles_ns(QUANTILES)), (N as u64, found.map(Some)), "{}", shape.name);
        durations.sort_unstable();
        write!(table, "| {} |", shape.name).expect("writes");
        for (quantile, found) in QUANTILES.into_iter().zip(found) {
            let exact = exact(&durations, quantile);
            let floor = if exact < TOLD_IN_PERCENT_NS { 1_000 } else { 0 };
            assert!((found - exact).abs() <= exact / 100 + floor, "{} {quantile}: {found}", shape.name);
            write!(table, " {} |", cell(exact, found)).expect("writes");
        }
        table.push('\n');
    }
    let page = expect_file![concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/quantiles.md")];
    let text = page.data();
    let (head, rest) = text.split_once(HEADER).expect("docs/quantiles.md has the table");
    let (_, tail) = rest.split_once("\n\n").expect("something follows the table");
    page.assert_eq(&format!("{head}{table}\n{tail}"));
}
