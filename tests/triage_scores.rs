//! The scores of triage, on hand-made incidents in each layout and the real binary.

use arrow::array::{ArrayRef, Float64Array, Int8Array, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use score::{Scores, Settings};
use serde_json::{Value, json};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const SECOND: i64 = 1_000_000_000;
const MS: i64 = 1_000_000;
/// 2023-11-14T22:13:20Z.
const T0: i64 = 1_700_000_000 * SECOND;
/// Traces before the fault and under it, half a second apart.
const N_BEFORE: i64 = 240;
const N_UNDER: i64 = 160;
/// When the fault begins.
const FAULT_AT: i64 = T0 + N_BEFORE * SECOND / 2;
const END: i64 = FAULT_AT + N_UNDER * SECOND / 2;

fn write(path: &Path, columns: Vec<(&str, ArrayRef)>) {
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, array)| (name.to_owned(), array, true)),
    )
    .expect("columns of one length");
    let file = File::create(path).expect("a file");
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("written");
    writer.close().expect("closed");
}

fn texts(values: impl IntoIterator<Item = Option<String>>) -> ArrayRef {
    Arc::new(values.into_iter().collect::<StringArray>())
}

fn integers(values: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

fn numbers(values: impl IntoIterator<Item = Option<f64>>) -> ArrayRef {
    Arc::new(values.into_iter().collect::<Float64Array>())
}

fn label(dir: &Path, name: &str, label: &Value) {
    std::fs::create_dir_all(dir).expect("a folder");
    std::fs::write(dir.join(name), label.to_string()).expect("written");
}

/// Span of trace and number: parent's number, pod, service, operation, start and end in the trace.
struct Row {
    trace: i64,
    number: i64,
    parent: Option<i64>,
    service: &'static str,
    operation: &'static str,
    start: i64,
    end: i64,
}

/// A request of the shop: it calls the stock, whose work takes so long.
fn request(trace: i64, start: i64, work_ms: i64) -> [Row; 3] {
    let row = |number, parent, service, operation, margin_ms: i64| Row {
        trace,
        number,
        parent,
        service,
        operation,
        start: start + margin_ms * MS,
        end: start + (20 - margin_ms + work_ms) * MS,
    };
    [
        row(1, None, "shop", "GET /", 0),
        row(2, Some(1), "shop", "stock/Reserve", 5),
        row(3, Some(2), "stock", "stock/Reserve", 6),
    ]
}

/// A day with one fault: the stock becomes slow, and nothing else.
fn day(dir: &Path) {
    let incident = json!({
        "app": "hand-made",
        "faults": [{
            "id": "slow-stock",
            "inject_time_unix_nano": FAULT_AT,
            "window_start_unix_nano": FAULT_AT,
            "window_end_unix_nano": END,
            "baseline_start_unix_nano": T0,
            "baseline_end_unix_nano": FAULT_AT,
            "root_cause_service": "stock",
            "root_cause_pod": "stock-1",
            "fault_type": "cpu_contention",
            "level": "resource",
            "has_traces": true,
        }],
    });
    label(dir, "faults.json", &incident);
    let rows: Vec<Row> = (0..N_BEFORE + N_UNDER)
        .flat_map(|trace| {
            // A little noise, the same in every run.
            let noise_ms = trace * 7 % 5;
            let work_ms = if trace < N_BEFORE { 10 } else { 300 };
            request(trace + 1, T0 + trace * SECOND / 2, work_ms + noise_ms)
        })
        .collect();
    let column = |text: &dyn Fn(&Row) -> Option<String>| texts(rows.iter().map(text));
    write(
        &dir.join("spans.parquet"),
        vec![
            ("trace_id", column(&|row| Some(format!("{:032x}", row.trace)))),
            ("span_id", column(&|row| Some(format!("{:016x}", row.trace * 10 + row.number)))),
            ("parent_span_id", column(&|row| Some(format!("{:016x}", row.trace * 10 + row.parent?)))),
            ("pod", column(&|row| Some(format!("{}-1", row.service)))),
            ("service", column(&|row| Some(row.service.to_owned()))),
            ("operation", column(&|row| Some(row.operation.to_owned()))),
            ("start_unix_nano", integers(rows.iter().map(|row| row.start))),
            ("end_unix_nano", integers(rows.iter().map(|row| row.end))),
        ],
    );
    write(
        &dir.join("metrics.parquet"),
        vec![
            ("time_unix_nano", integers([T0, T0 + 60 * SECOND])),
            ("pod", texts(["stock-1", "shop -> stock"].map(|pod| Some(pod.to_owned())))),
            ("metric", texts(["CpuUsageRate(%)", "Latency(s)"].map(|metric| Some(metric.to_owned())))),
            ("value", numbers([Some(5.0), None])),
        ],
    );
}

/// Two nodes without spans, one issue.
fn nodes(dir: &Path) {
    let labels = json!({
        "variant": "hand-made",
        "baseline": { "id": "quiet", "start_unix_nano": T0, "end_unix_nano": T0 + 600 * SECOND },
        "issues": [{
            "id": "slow", "split": "test", "root_cause_node": "db",
            "target": { "node": "site", "metric": "latency", "statistic": "Average", "time_unix_nano": 0 },
            "window_start_unix_nano": SECOND, "window_end_unix_nano": 301 * SECOND,
        }],
    });
    label(dir, "issues.json", &labels);
    label(dir, "graph.json", &json!({ "edges": [["site", "db"]] }));
    let rows = [
        ("quiet", T0, "site"),
        ("quiet", T0 + 300 * SECOND, "db"),
        ("slow", SECOND, "db"),
        ("other", 0, "db"),
    ];
    write(
        &dir.join("metrics.parquet"),
        vec![
            ("dataset_id", texts(rows.map(|(recording, ..)| Some(recording.to_owned())))),
            ("time_unix_nano", integers(rows.map(|(_, at, _)| at))),
            ("node", texts(rows.map(|(.., node)| Some(node.to_owned())))),
            ("metric", texts(rows.map(|_| Some("latency".to_owned())))),
            ("statistic", texts(rows.map(|_| Some("Average".to_owned())))),
            ("value", numbers(rows.map(|_| Some(1.0)))),
        ],
    );
}

/// One failed span with attributes, and its log line.
fn scenario(dir: &Path) {
    let window = |from: i64, to: i64| json!({ "start_unix_nano": T0 + from * SECOND, "end_unix_nano": T0 + to * SECOND });
    let labels = json!({
        "scenario": "hand-made", "now_unix_nano": T0 + 600 * SECOND,
        "incident_window": window(300, 600), "baseline_window": window(0, 300),
        "checks": { "top_service": "pay", "must_rank_below_cause": ["cdn"] },
    });
    label(dir, "ground-truth.json", &labels);
    let one = |text: &str| texts([Some(text.to_owned())]);
    let small = |number: i8| -> ArrayRef { Arc::new(Int8Array::from(vec![number])) };
    let trace = "0af7651916cd43dd8448eb211c80319c";
    write(
        &dir.join("spans.parquet"),
        vec![
            ("trace_id", one(trace)),
            ("span_id", one("b7ad6b7169203331")),
            ("parent_span_id", texts([None])),
            ("service", one("pay")),
            ("operation", one("charge")),
            ("kind", small(2)),
            ("start_unix_nano", integers([T0])),
            ("end_unix_nano", integers([T0 + MS])),
            ("status_code", small(2)),
            ("status_message", one("timed out")),
            ("resource_attributes", one("{\"service.name\":\"pay\",\"service.version\":\"2\"}")),
            ("span_attributes", one("{\"tenant.tier\":\"gold\"}")),
        ],
    );
    write(
        &dir.join("logs.parquet"),
        vec![
            ("time_unix_nano", integers([T0])),
            ("service", one("pay")),
            ("trace_id", one(trace)),
            ("span_id", texts([None])),
            ("severity_text", one("ERROR")),
            ("severity_number", small(17)),
            ("body", one("timed out")),
            ("resource_attributes", one("{}")),
            ("log_attributes", one("{\"component\":\"pay\"}")),
        ],
    );
}

fn settings(data: &Path, work: &Path) -> Settings {
    Settings {
        data: data.to_owned(),
        binary: PathBuf::from(env!("CARGO_BIN_EXE_firstfault")),
        work: work.to_owned(),
        ..Settings::default()
    }
}

async fn run(settings: &Settings) -> Scores {
    let scores = score::run(settings, &mut |_| {}).await;
    scores.unwrap_or_else(|error| panic!("{error:#}"))
}

/// Scenario: a set of each layout is sent, and the whole is run again.
/// Guarantees: all rows of labelled recordings are stored, a point without a value and a stranger's recording are not;
/// the second run finds them there and sends nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_layout_is_sent_once() {
    let (data, work) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    day(&data.path().join("triage/nezha/day"));
    nodes(&data.path().join("triage/petshop"));
    scenario(&data.path().join("triage/hdx/scenario"));
    // There is no such incident: nothing is asked.
    let settings = Settings { only: vec![99], ..settings(data.path(), work.path()) };
    for is_cached in [false, true] {
        let scores = run(&settings).await;
        let sent: Vec<(&str, u64, u64, u64, u64)> = scores
            .sets
            .iter()
            .map(|set| {
                (set.name.as_str(), set.sent.n_spans, set.sent.n_logs, set.sent.n_points, set.sent.n_rejected)
            })
            .collect();
        let n_spans = 3 * u64::try_from(N_BEFORE + N_UNDER).expect("positive");
        // Beside three points, the graph's one edge has one at both ends of a recording with two times, and one more.
        assert_eq!(
            sent,
            [("hdx/scenario", 1, 1, 0, 0), ("nezha/day", n_spans, 0, 1, 0), ("petshop", 0, 0, 3 + 3, 0)]
        );
        assert!(scores.sets.iter().all(|set| set.is_cached == is_cached && set.judged.is_empty()));
    }
}

/// Scenario: a service becomes slow, and its caller with it; the server is asked over its API.
/// Guarantees: the service that became slow is named first, and the score is a hit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cause_of_a_plain_incident_is_a_hit() {
    let (data, work) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    day(&data.path().join("day"));
    let scores = run(&settings(data.path(), work.path())).await;
    let [set] = scores.sets.as_slice() else { panic!("one set: {scores:?}") };
    let [judged] = set.judged.as_slice() else { panic!("one incident: {set:?}") };
    assert_eq!(judged.rank, Some(1), "{}", score::table(&scores));
    let json = score::as_json(&scores);
    assert_eq!(json["sets"][0]["rates"][0]["hits"]["at_1"], 100.0);
    assert!(work.path().join("day/answers/slow-stock.json").exists(), "the answer is kept");
}

/// Scenario: labels are there and their data is not.
/// Guarantees: the run fails and names the file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_that_cannot_be_read_is_named() {
    let (data, work) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    day(&data.path().join("day"));
    std::fs::remove_file(data.path().join("day/spans.parquet")).expect("removed");
    let error = score::run(&settings(data.path(), work.path()), &mut |_| {}).await;
    let error = format!("{:#}", error.expect_err("no spans"));
    assert!(error.contains("cannot score day") && error.contains("spans.parquet"), "{error}");
}
