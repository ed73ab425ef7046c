//! Heatmaps from the read model, from spans and by brute force.

use super::engines::{Data, Stored, everywhere, hot, with_options};
use super::query as statement;
use super::rows::{EPOCH, hex, millis, span};
use crate::ids::Table;
use crate::options::Options;
use crate::query::{Heatmap, HeatmapQuery, SpanFilter, TimeRange};
use crate::read_models::Resolution;
use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampNanosecondType, UInt64Type};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// Does a span match, by brute force?
type Matches = Box<dyn Fn(&Value) -> bool>;

const SECOND_NS: i64 = 1_000_000_000;

/// Spans of an hour, with every column that a filter can ask for, and durations from nothing to days.
fn data() -> Data {
    let mut rng = StdRng::seed_from_u64(7);
    let spans = (0..400_i64).map(|n| {
        let pick = |rng: &mut StdRng, of: &[&'static str]| of[rng.random_range(0..of.len())];
        let service = pick(&mut rng, &["web", "shop"]);
        let operation = pick(&mut rng, &["GET /", "pay"]);
        let kind = pick(&mut rng, &["server", "client", "internal"]);
        let end = rng.random_range(0..3_600_000);
        let duration_ns = match rng.random_range(0..10) {
            0 => rng.random_range(0..2_000),
            1 => rng.random_range(0..200_000 * SECOND_NS),
            _ => rng.random_range(1_000_000..90_000_000),
        };
        let (http, rpc) = match rng.random_range(0..4) {
            0 => (json!(200), json!(null)),
            1 => (json!(503), json!("UNAVAILABLE")),
            2 => (json!(null), json!("UNAVAILABLE")),
            _ => (json!(999), json!(null)),
        };
        let more = json!({
            "duration_ns": duration_ns, "is_error": rng.random_bool(0.1), "service_version": pick(&mut rng, &["1", "2"]),
            "environment": pick(&mut rng, &["prod", "test"]), "service_instance_id": pick(&mut rng, &["a", "b", "c"]),
            "http_response_status_code": http, "rpc_response_status_code": rpc,
            "attributes": if n % 5 == 0 { json!({ "tier": "gold" }) } else { json!({}) },
            "attributes_types": if n % 5 == 0 { "s" } else { "" },
        });
        span((n % 250) as u8, 1, Some(9), service, operation, kind, (end - 1, end), more)
    });
    Data { spans: spans.collect(), ..Data::default() }
}

fn query(filter: SpanFilter) -> HeatmapQuery {
    HeatmapQuery {
        range: TimeRange { from: millis(605_000), to: millis(3_001_000) },
        step: Duration::from_secs(60),
        filter,
        rows_max: 40,
        exemplars_within: Duration::from_secs(60),
    }
}

/// The same, asked of the spans: every duration is at least zero.
fn of_spans(query: &HeatmapQuery) -> HeatmapQuery {
    let filter = SpanFilter { duration_ns_min: Some(0), ..query.filter.clone() };
    HeatmapQuery { filter, ..query.clone() }
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn filters() -> Vec<SpanFilter> {
    let all = SpanFilter::default;
    vec![
        all(),
        SpanFilter { service: some("web"), ..all() },
        SpanFilter { operation: some("pay"), kind: some("client"), ..all() },
        SpanFilter { entry_only: true, version: some("2"), ..all() },
        SpanFilter { environment: some("test"), instance: some("b"), ..all() },
        SpanFilter { status_class: some("2xx"), ..all() },
        SpanFilter { status_class: some("5xx"), ..all() },
        SpanFilter { status_class: some("UNAVAILABLE"), ..all() },
        SpanFilter { status_class: some("9xx"), ..all() },
        SpanFilter { service: some("' OR '1'='1"), ..all() },
    ]
}

/// Counts by the start of the column and the durations of the row.
type Cells = BTreeMap<(i64, i64, i64), u64>;

fn cells(heatmap: &Heatmap) -> Cells {
    let cells = heatmap.cells.iter().map(|cell| {
        let row = heatmap.rows[cell.row as usize];
        ((heatmap.columns[cell.column as usize], row.from_ns, row.to_ns), cell.n)
    });
    cells.collect()
}

/// End and duration of the spans that a test lets through, by the test's own reading of the rows.
fn passing(is_wanted: impl Fn(&Value) -> bool) -> Vec<(i64, i64)> {
    let number = |row: &Value, name: &str| row[name].as_i64().expect("a number");
    let spans = data().spans;
    let wanted = spans.iter().filter(|row| is_wanted(row));
    let all = wanted.map(|row| (number(row, "end_time"), number(row, "duration_ns")));
    // The buckets of ten seconds that start in the range of `query`.
    all.filter(|(end, _)| (millis(600_000)..millis(3_010_000)).contains(end)).collect()
}

/// What the cells of a heatmap must be, from the spans one by one and the heatmap's own borders.
fn counted(heatmap: &Heatmap, spans: &[(i64, i64)]) -> Cells {
    let mut cells = Cells::new();
    for (end, duration_ns) in spans {
        let at = heatmap.columns.iter().rev().find(|at| *at <= end).expect("a column");
        let last = heatmap.rows.len() - 1;
        let held = heatmap.rows.iter().enumerate().filter(|(place, row)| {
            row.from_ns <= *duration_ns && (*duration_ns < row.to_ns || *place == last)
        });
        let rows: Vec<_> = held.map(|(_, row)| *row).collect();
        let [row] = rows.as_slice() else { panic!("{duration_ns} is in {rows:?}") };
        *cells.entry((*at, row.from_ns, row.to_ns)).or_default() += 1;
    }
    cells
}

async fn heatmap(stored: &Stored, query: &HeatmapQuery) -> Heatmap {
    stored.engine.heatmap(query).await.unwrap_or_else(|error| panic!("{query:?}\n{error:?}"))
}

/// Scenario: every filter that the read model knows, wherever the rows are; the same question asked of the spans.
/// Guarantees: both ways give the same columns, rows and counts, wherever the rows are.
#[tokio::test]
async fn both_ways_count_alike() {
    let stored = everywhere(&data()).await;
    for filter in filters() {
        let query = query(filter);
        let first = heatmap(&stored[0], &query).await;
        assert!(first.is_from_read_model);
        for stored in &stored {
            let (model, spans) = (heatmap(stored, &query).await, heatmap(stored, &of_spans(&query)).await);
            assert!(!spans.is_from_read_model);
            assert_eq!(
                (&model.columns, &model.rows),
                (&spans.columns, &spans.rows),
                "{} {query:?}",
                stored.place
            );
            assert_eq!(cells(&model), cells(&spans), "{} {query:?}", stored.place);
            assert_eq!(cells(&model), cells(&first), "{} {query:?}", stored.place);
        }
    }
}

/// Scenario: filters of both kinds, with room for different numbers of rows.
/// Guarantees: the cells are those of the spans counted one by one, and add up to them; no more rows than asked for.
#[tokio::test]
async fn cells_are_those_of_the_spans() {
    let stored = hot(&data()).await;
    let tier = vec![("tier".to_owned(), "gold".to_owned())];
    let in_class = |row: &Value| row["http_response_status_code"] == 503;
    let slow = |row: &Value| row["duration_ns"].as_i64() >= Some(50_000_000);
    let cases: [(SpanFilter, Matches); 6] = [
        (SpanFilter::default(), Box::new(|_| true)),
        (SpanFilter { service: some("web"), ..Default::default() }, Box::new(|row| row["service"] == "web")),
        (SpanFilter { status_class: some("5xx"), ..Default::default() }, Box::new(in_class)),
        (SpanFilter { is_error: Some(true), ..Default::default() }, Box::new(|row| row["is_error"] == true)),
        (SpanFilter { duration_ns_min: Some(50_000_000), ..Default::default() }, Box::new(slow)),
        (
            SpanFilter { attributes: tier, ..Default::default() },
            Box::new(|row| row["attributes"]["tier"] == "gold"),
        ),
    ];
    for (filter, is_wanted) in cases {
        let wanted = passing(is_wanted);
        assert!(!wanted.is_empty());
        for rows_max in [6, 20, 40, 100] {
            let query = HeatmapQuery { rows_max, ..query(filter.clone()) };
            let drawn = heatmap(&stored, &query).await;
            assert!(drawn.rows.len() <= rows_max, "{}", drawn.rows.len());
            assert!(drawn.rows.windows(2).all(|pair| pair[0].to_ns == pair[1].from_ns));
            assert_eq!(drawn.columns.first(), Some(&millis(600_000)));
            assert_eq!(drawn.columns.len(), 41);
            assert_eq!(cells(&drawn), counted(&drawn, &wanted), "{query:?}");
            assert_eq!(drawn.cells.iter().map(|cell| cell.n).sum::<u64>(), wanted.len() as u64);
        }
    }
    let nothing = query(SpanFilter { service: some("nobody"), ..Default::default() });
    let drawn = heatmap(&stored, &nothing).await;
    assert_eq!((drawn.rows, drawn.cells), (Vec::new(), Vec::new()));
}

/// Scenario: the statement that is shown, of both kinds, wherever the rows are.
/// Guarantees: it gives the cells that are shown.
#[tokio::test]
async fn the_statement_gives_the_same_cells() {
    for stored in everywhere(&data()).await {
        for query in [query(SpanFilter::default()), of_spans(&query(SpanFilter::default()))] {
            let drawn = heatmap(&stored, &query).await;
            let answer = statement(&stored.engine, &drawn.sql).await;
            let batches = answer.unwrap_or_else(|error| panic!("{}\n{error:?}", drawn.sql));
            assert_eq!(shown(&batches), cells(&drawn), "{}", stored.place);
        }
    }
}

fn shown(batches: &[RecordBatch]) -> Cells {
    let mut cells = Cells::new();
    for batch in batches {
        let at = batch.column(0).as_primitive::<TimestampNanosecondType>();
        let bound = |place: usize| batch.column(place).as_primitive::<Int64Type>();
        let n = batch.column(3).as_primitive::<UInt64Type>();
        for row in 0..batch.num_rows() {
            cells.insert((at.value(row), bound(1).value(row), bound(2).value(row)), n.value(row));
        }
    }
    cells
}

/// Scenario: all cells have spans that are stored.
/// Guarantees: each has a trace, the one of its newest span; and it is said that all spans were looked at.
#[tokio::test]
async fn cells_have_the_trace_of_their_newest_span() {
    let spans = data().spans;
    for stored in everywhere(&data()).await {
        let drawn = heatmap(&stored, &query(SpanFilter::default())).await;
        assert!(!drawn.exemplars_partial);
        for cell in &drawn.cells {
            let row = drawn.rows[cell.row as usize];
            let is_last = cell.row as usize == drawn.rows.len() - 1;
            let at = drawn.columns[cell.column as usize];
            let in_cell = spans.iter().filter(|span| {
                let (end, took) = (span["end_time"].as_i64(), span["duration_ns"].as_i64());
                let (end, took) = (end.expect("a number"), took.expect("a number"));
                // The last bucket of ten seconds that begins within the range.
                (at..(at + 60 * SECOND_NS).min(millis(3_010_000))).contains(&end)
                    && row.from_ns <= took
                    && (took < row.to_ns || is_last)
            });
            let newest = in_cell.max_by_key(|span| (span["end_time"].as_i64(), span["trace_id"].to_string()));
            let id = cell.trace_id.map(|id| json!(hex(&id)));
            assert_eq!(id.as_ref(), newest.map(|span| &span["trace_id"]), "{}", stored.place);
        }
    }
}

/// Scenario: the spans are older than they are kept, the read model is not.
/// Guarantees: the picture stays, without traces.
#[tokio::test]
async fn the_picture_outlives_the_spans() {
    let stored = with_options(&data(), |options| options.retention.traces = Duration::from_secs(3_600)).await;
    let query = query(SpanFilter::default());
    let before = heatmap(&stored, &query).await;
    assert!(before.cells.iter().all(|cell| cell.trace_id.is_some()));
    stored.engine.flush().await.expect("flushes");
    let later = EPOCH + 2 * 86_400 * SECOND_NS;
    stored.engine.tick(later).await.expect("expires");
    let after = heatmap(&stored, &query).await;
    assert_eq!(cells(&after), cells(&before));
    assert!(after.cells.iter().all(|cell| cell.trace_id.is_none()));
    assert!(heatmap(&stored, &of_spans(&query)).await.cells.is_empty());
}

/// Scenario: of the read model only minutes are still kept; a range of whole minutes, and one that is none.
/// Guarantees: minutes count what tens of seconds did; where they say more than was asked for, that is told.
#[tokio::test]
async fn minutes_stand_in_for_tens_of_seconds() {
    let short = Duration::from_secs(3_600);
    let stored = with_options(&data(), |options| options.retention.read_models.ten_seconds = short).await;
    let whole = TimeRange { from: millis(600_000), to: millis(3_000_000) };
    let (whole, cut) =
        (HeatmapQuery { range: whole, ..query(SpanFilter::default()) }, query(SpanFilter::default()));
    let before = heatmap(&stored, &whole).await;
    assert!(!before.is_coarser && !heatmap(&stored, &cut).await.is_coarser);
    stored.engine.flush().await.expect("flushes");
    stored.engine.tick(EPOCH + 2 * 86_400 * SECOND_NS).await.expect("expires");
    let after = heatmap(&stored, &whole).await;
    assert_eq!((cells(&after), after.is_coarser), (cells(&before), false));
    assert!(heatmap(&stored, &cut).await.is_coarser);
    let narrow = heatmap(&stored, &HeatmapQuery { step: Duration::from_secs(20), ..whole }).await;
    assert_eq!((narrow.step, narrow.is_coarser, cells(&narrow)), (before.step, true, cells(&before)));
}

/// Sizes of the segments of a resolution.
fn sizes(stored: &Stored, resolution: Resolution) -> Vec<u64> {
    let tables = Table::ALL.iter().filter(|table| table.resolution() == Some(resolution));
    let segments = tables.flat_map(|table| stored.engine.snapshot(*table).segments);
    segments.map(|segment| segment.n_bytes).collect()
}

/// Scenario: of the read model only days are left, since the bytes that are kept have no room for more; columns of ten
/// seconds.
/// Guarantees: columns are days, which is told; their cells have every span of those, and so does the statement.
#[tokio::test]
async fn columns_are_as_wide_as_what_is_left() {
    let whole = hot(&data()).await;
    whole.engine.flush().await.expect("flushes");
    let n_bytes_of_hours = sizes(&whole, Resolution::Hour).into_iter().min().expect("hours");
    let bytes_max = sizes(&whole, Resolution::Day).into_iter().sum::<u64>() + n_bytes_of_hours / 2;
    let few = |options: &mut Options| options.retention.bytes_max.read_models = Some(bytes_max);
    let stored = with_options(&data(), few).await;
    stored.engine.flush().await.expect("flushes");
    stored.engine.tick(EPOCH).await.expect("makes room");
    let left = Resolution::ALL.map(|resolution| sizes(&stored, resolution).is_empty());
    assert_eq!(left, [true, true, true, false]);
    let asked = HeatmapQuery { step: Duration::from_secs(10), ..query(SpanFilter::default()) };
    let narrow = heatmap(&whole, &asked).await;
    assert_eq!((narrow.step, narrow.is_coarser), (asked.step, false));
    let drawn = heatmap(&stored, &asked).await;
    assert_eq!((drawn.step, drawn.is_coarser), (Duration::from_secs(86_400), true));
    assert_eq!((drawn.columns.as_slice(), drawn.is_from_read_model), ([EPOCH].as_slice(), true));
    assert_eq!(drawn.cells.iter().map(|cell| cell.n).sum::<u64>(), data().spans.len() as u64);
    let batches = statement(&stored.engine, &drawn.sql).await.expect("answers");
    assert_eq!(shown(&batches), cells(&drawn));
}

/// Scenario: columns that are no whole buckets, and far too many of them.
/// Guarantees: both are refused before anything is read.
#[tokio::test]
async fn impossible_columns_are_refused() {
    let stored = hot(&Data::default()).await;
    let good = query(SpanFilter::default());
    for query in [
        HeatmapQuery { step: Duration::from_secs(15), ..good.clone() },
        HeatmapQuery { range: TimeRange { from: 0, to: i64::MAX }, ..good },
    ] {
        let error = stored.engine.heatmap(&query).await.expect_err("refused");
        assert!(matches!(error, crate::error::Error::BadQuery { .. }), "{error:?}");
    }
}
