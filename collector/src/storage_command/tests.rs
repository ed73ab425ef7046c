//! Rows out and in again, of directories that nobody has and of one that a server has.

use super::sink::Sink;
use super::{backup, export, import, repair};
use crate::columns::{self, Limits};
use crate::decode::tests::generated::valid_traces;
use crate::decode::{Encoding, Report, decode};
use crate::encode::encode;
use crate::reach::Reach;
use crate::run::tests::{config, start};
use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema};
use clap::Parser;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use prost::Message;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use storage::{ParquetReader, ParquetWriter, Signal};

#[derive(Debug, Parser)]
struct Export {
    #[command(flatten)]
    args: export::Args,
}

fn plan(args: &[&str]) -> Result<export::Plan, String> {
    let parsed = Export::try_parse_from([&["export"], args].concat()).map_err(|error| error.to_string())?;
    parsed.args.plan()
}

/// Writes `format` files of everything in the directory to a folder of that name beside it.
async fn exported(data_dir: &Path, name: &str, args: &[&str]) -> PathBuf {
    let out = data_dir.with_file_name(name);
    let text = out.display().to_string();
    let plan = plan(&[args, &["--out", &text]].concat()).expect("a plan");
    export::run(plan, config(data_dir)).await.expect("exported");
    out
}

async fn imported(data_dir: &Path, files: Vec<PathBuf>) {
    import::run(files, None, Reach::default(), config(data_dir)).await.expect("imported");
}

/// Bodies of OTLP/JSON: spans of every shape, a log record in one of their traces, and a point.
fn requests() -> Vec<(Signal, String)> {
    let mut runner = TestRunner::deterministic();
    let mut requests = Vec::new();
    for _ in 0..20 {
        let request = valid_traces().new_tree(&mut runner).expect("a request").current();
        let mut report = Report::default();
        let body = request.encode_to_vec().into();
        let decoded = decode(Signal::Traces, Encoding::Protobuf, &body, &mut report).expect("decodes");
        let rows = columns::build(&decoded, 1, Limits::default(), &mut report).expect("rows");
        requests.push((Signal::Traces, encode(Signal::Traces, rows.batch()).expect("encodes").to_string()));
    }
    let id = "5b8efff798038103d269b633813fc60c";
    let span = json!({"traceId": id, "spanId": "eee19b7ec3c1b174", "name": "known",
        "startTimeUnixNano": "1769860800000000000", "endTimeUnixNano": "1769860800100000000"});
    let record = json!({"timeUnixNano": "1769860800000000001", "body": {"stringValue": "x"}, "traceId": id});
    let stray = json!({"timeUnixNano": "1769860900000000000", "body": {"intValue": "3"}});
    let point = json!({"timeUnixNano": "1769860800000000001", "asDouble": 1.5});
    let metric = json!({"name": "m", "gauge": {"dataPoints": [point]}});
    let more = [
        (Signal::Traces, json!({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})),
        (Signal::Logs, json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [record, stray]}]}]})),
        (Signal::Metrics, json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]})),
    ];
    requests.extend(more.map(|(signal, body)| (signal, body.to_string())));
    requests
}

async fn filled(data_dir: &Path) {
    let sink = Sink::find(None, &Reach::default(), config(data_dir)).await.expect("a place");
    for (idx, (signal, body)) in requests().into_iter().enumerate() {
        let taken = sink.take(signal, body.into()).await.expect("taken");
        assert_eq!((taken.n_requests, taken.n_rejected), (1, 0));
        // Some rows are in segments; most are in the log when the process dies.
        if let (Sink::Directory { engine, .. }, 7) = (&sink, idx) {
            engine.flush().await.expect("flush");
        }
    }
    drop(sink);
}

/// Every item of a file of requests with whose it is, in no order.
fn items(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).expect("written");
    let mut items = Vec::new();
    for line in text.lines() {
        walk(&serde_json::from_str(line).expect("JSON"), &mut String::new(), &mut items);
    }
    items.sort();
    items
}

/// Goes down to what is in the innermost list of a request.
fn walk(value: &Value, owners: &mut String, items: &mut Vec<String>) {
    const LISTS: [&str; 6] =
        ["resourceSpans", "resourceLogs", "scopeSpans", "scopeLogs", "spans", "logRecords"];
    let lists = LISTS.iter().filter_map(|name| Some((*name, value.get(*name)?.as_array()?)));
    let (mut head, n_before) = (value.clone(), owners.len());
    for (name, list) in lists {
        head.as_object_mut().expect("an object").remove(name);
        owners.push_str(&head.to_string());
        for item in list {
            match name {
                "spans" | "logRecords" => items.push(format!("{owners}{item}")),
                _ => walk(item, owners, items),
            }
        }
    }
    owners.truncate(n_before);
}

/// Scenario: a directory with rows in segments and in the log is exported in both forms; each is imported into
/// an empty directory, which is exported again. Then by trace, by time, and where files are already.
/// Guarantees: all exports have the same items; selections have theirs; nothing is replaced.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_exported_can_be_imported() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = |name: &str| dir.path().join(name);
    filled(&path("data")).await;
    let json = exported(&path("data"), "json", &["--format", "otlp-json"]).await;
    let parquet = exported(&path("data"), "parquet", &[]).await;
    for name in ["spans", "logs", "metric_points", "red"] {
        assert!(parquet.join(format!("{name}.parquet")).exists(), "{name}");
    }
    let (spans, logs) = (items(&json.join("traces.jsonl")), items(&json.join("logs.jsonl")));
    assert!(spans.len() > 20 && logs.len() == 2, "{} spans, {} logs", spans.len(), logs.len());

    let jsonl = ["traces", "logs", "metrics"].map(|name| json.join(format!("{name}.jsonl")));
    imported(&path("from-json"), jsonl.to_vec()).await;
    let tables = ["spans", "logs", "metric_points"].map(|name| parquet.join(format!("{name}.parquet")));
    imported(&path("from-parquet"), tables.to_vec()).await;
    for name in ["from-json", "from-parquet"] {
        let again = exported(&path(name), &format!("{name}-again"), &["--format", "otlp-json"]).await;
        assert_eq!(items(&again.join("traces.jsonl")), spans, "{name}");
        assert_eq!(items(&again.join("logs.jsonl")), logs, "{name}");
        let metrics = |folder: &Path| std::fs::read_to_string(folder.join("metrics.jsonl")).expect("written");
        assert_eq!(metrics(&again), metrics(&json), "{name}");
    }
    let red =
        import::run(vec![parquet.join("red.parquet")], None, Reach::default(), config(&path("from-json")))
            .await;
    assert!(red.expect_err("derived").to_string().contains("no table that can be taken in"));

    let id = ["--format", "otlp-json", "--trace-id", "5B8EFFF798038103D269B633813FC60C"];
    let trace = exported(&path("data"), "trace", &id).await;
    assert_eq!((items(&trace.join("traces.jsonl")).len(), items(&trace.join("logs.jsonl")).len()), (1, 1));
    assert!(!trace.join("metrics.jsonl").exists());
    let since = [
        "--format",
        "otlp-json",
        "--table",
        "logs",
        "--since",
        "2026-01-31T12:01:00Z",
        "--until",
        "2026-02-01T00:00:00Z",
    ];
    let window = exported(&path("data"), "window", &since).await;
    assert_eq!(items(&window.join("logs.jsonl")).len(), 1);
    assert!(!window.join("traces.jsonl").exists());

    let again = plan(&["--format", "otlp-json", "--out", &json.display().to_string()]).expect("a plan");
    let error = export::run(again, config(&path("data"))).await.expect_err("there already").to_string();
    assert!(error.contains("traces.jsonl"), "{error}");
    assert_eq!(items(&json.join("traces.jsonl")), spans);
}

fn write_parquet(path: &Path, batch: &RecordBatch) {
    let mut file = ParquetWriter::create(path, batch.schema()).expect("a file");
    file.write(batch).expect("written");
    file.finish().expect("whole");
}

/// The first rows of a file of spans with their trace ids as most programs have bytes.
fn rewritten(spans: &Path) -> RecordBatch {
    let batch = ParquetReader::open(spans).expect("a file").next().expect("rows").expect("whole");
    let column = batch.schema().index_of("trace_id").expect("a column");
    let (mut fields, mut columns) = (batch.schema().fields().to_vec(), batch.columns().to_vec());
    fields[column] = Arc::new(Field::new("trace_id", DataType::Binary, false));
    columns[column] = cast(&columns[column], &DataType::Binary).expect("bytes are bytes");
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("a batch")
}

/// Scenario: among files of ours are one of another program, one of ours that another program has written again, one
/// without a request, one with an invalid span, and one that is not there.
/// Guarantees: all of ours are taken in, to the last file; at the end each of the others is told with the reason, and
/// nothing is called an export.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_cannot_be_imported_are_told_at_the_end() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = |name: &str| dir.path().join(name);
    filled(&path("data")).await;
    let json = exported(&path("data"), "json", &["--format", "otlp-json"]).await;
    let parquet = exported(&path("data"), "parquet", &[]).await;
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    write_parquet(&path("foreign.parquet"), &RecordBatch::try_from_iter([("x", numbers)]).expect("a batch"));
    write_parquet(&path("rewritten.parquet"), &rewritten(&parquet.join("spans.parquet")));
    std::fs::write(path("no-request.jsonl"), "{\"other\": 1}\n").expect("written");
    let half = json!({"resourceSpans": [{"scopeSpans": [{"spans": [
        {"traceId": "5b8efff798038103d269b633813fc60d", "spanId": "eee19b7ec3c1b175", "name": "good"},
        {"traceId": "5b8efff798038103d269b633813fc60d", "spanId": "00", "name": "bad"}]}]}]});
    std::fs::write(path("half.jsonl"), half.to_string()).expect("written");
    let names = ["foreign.parquet", "rewritten.parquet", "no-request.jsonl", "half.jsonl", "missing.jsonl"];
    let mut files: Vec<PathBuf> = names.iter().map(|name| path(name)).collect();
    files.push(json.join("traces.jsonl"));
    let imported = import::run(files, None, Reach::default(), config(&path("new"))).await;
    let error =
        imported.expect_err("not everything").to_string().replace(&dir.path().display().to_string(), "DIR");
    let told: Vec<&str> = error.lines().skip(1).map(str::trim).collect();
    let expected = [
        ("cannot import DIR/foreign.parquet: ", "no table that can be taken in"),
        ("cannot import DIR/rewritten.parquet: ", "column trace_id"),
        ("cannot import DIR/no-request.jsonl: ", "line 1 is no request"),
        ("DIR/half.jsonl: 1 items rejected", "span_id_invalid"),
        ("cannot read DIR/missing.jsonl: ", "No such file"),
    ];
    assert_eq!(told.len(), expected.len(), "{error}");
    for (line, (start, reason)) in told.iter().zip(expected) {
        assert!(line.starts_with(start) && line.contains(reason), "{line}");
    }
    assert!(!error.contains("exported:") && !error.contains("cannot be exported"), "{error}");
    let again = exported(&path("new"), "again", &["--format", "otlp-json"]).await;
    let (sent, stored) = (items(&json.join("traces.jsonl")), items(&again.join("traces.jsonl")));
    assert_eq!(stored.len(), sent.len() + 1, "one of half.jsonl besides");
    assert!(sent.iter().all(|item| stored.contains(item)));
}

/// Scenario: a server has the directory; rows are imported and exported.
/// Guarantees: they go to the server and come from it, those in its memory among them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_server_is_asked() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = |name: &str| dir.path().join(name);
    filled(&path("data")).await;
    let json = exported(&path("data"), "json", &["--format", "otlp-json"]).await;
    let running = start(&path("served")).await;
    imported(&path("served"), vec![json.join("traces.jsonl"), json.join("logs.jsonl")]).await;
    let again = exported(&path("served"), "again", &["--format", "otlp-json"]).await;
    assert_eq!(items(&again.join("traces.jsonl")), items(&json.join("traces.jsonl")));
    assert_eq!(items(&again.join("logs.jsonl")), items(&json.join("logs.jsonl")));
    let parquet = exported(&path("served"), "parquet", &["--table", "spans"]).await;
    let n_rows: usize = ParquetReader::open(&parquet.join("spans.parquet"))
        .expect("a file")
        .map(|batch| batch.expect("rows").num_rows())
        .sum();
    assert_eq!(n_rows, items(&json.join("traces.jsonl")).len());
    running.stop().await;
}

/// Scenario: a directory is backed up while a server has it, which then ends; the backup is restored, and served.
/// Guarantees: the copy has the rows that were in memory and the alert state, and starts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_served_directory_is_backed_up() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = |name: &str| dir.path().join(name);
    filled(&path("data")).await;
    let running = start(&path("data")).await;
    let before = exported(&path("data"), "before", &["--format", "otlp-json"]).await;
    backup::backup(&path("data"), &path("backup"), false).expect("backup");
    running.stop().await;
    backup::restore(&path("backup"), &path("restored")).expect("restore");
    assert!(path("restored").join("state.sqlite").exists());
    let running = start(&path("restored")).await;
    let after = exported(&path("restored"), "after", &["--format", "otlp-json"]).await;
    running.stop().await;
    for name in ["traces.jsonl", "logs.jsonl"] {
        assert_eq!(items(&after.join(name)), items(&before.join(name)), "{name}");
    }
}

fn newest_log(data_dir: &Path) -> PathBuf {
    let files = std::fs::read_dir(data_dir.join("wal")).expect("a log");
    files.map(|file| file.expect("a file").path()).max().expect("one")
}

/// Scenario: the older of two log files is damaged; the directory is opened, repaired, and opened again.
/// Guarantees: it is refused with the command to run, and afterwards has all items but those that were hit.
#[tokio::test]
async fn a_damaged_log_is_repaired() {
    let dir = tempfile::tempdir().expect("a folder");
    let data_dir = dir.path().join("data");
    filled(&data_dir).await;
    let mut log = PathBuf::new();
    // The second to come is behind the damage, the third in a file of its own.
    for idx in 0..2 {
        let sink = Sink::find(None, &Reach::default(), config(&data_dir)).await.expect("a place");
        for (signal, body) in requests().into_iter().rev().skip(idx).take(2 - idx) {
            sink.take(signal, body.into()).await.expect("taken");
        }
        if idx == 0 {
            log = newest_log(&data_dir);
        }
    }
    assert_ne!(newest_log(&data_dir), log);
    let mut bytes = std::fs::read(&log).expect("read");
    bytes[60] ^= 1;
    std::fs::write(&log, &bytes).expect("write");
    let refused =
        Sink::find(None, &Reach::default(), config(&data_dir)).await.expect_err("damaged").to_string();
    assert!(refused.contains("firstfault storage repair"), "{refused}");
    repair::run(config(&data_dir)).await.expect("repaired");
    let after = exported(&data_dir, "after", &["--format", "otlp-json"]).await;
    assert_eq!(items(&after.join("logs.jsonl")).len(), 6);
    let points = std::fs::read_to_string(after.join("metrics.jsonl")).expect("written");
    assert_eq!(points.matches("asDouble").count(), 1, "the other was in the damaged record");
    let kept =
        data_dir.join("quarantine").join(log.file_name().expect("a name")).with_extension("wal.damaged");
    assert_eq!(std::fs::read(kept).expect("kept"), bytes);
}

/// Scenario: selections that make no sense.
/// Guarantees: each is refused with what to write instead.
#[test]
fn bad_selections_are_refused() {
    let check = |args: &[&str], told: &str| {
        let error = plan(&[args, &["--out", "x"]].concat()).expect_err("refused");
        assert!(error.contains(told), "{error}");
    };
    check(&["--since", "yesterday"], "write epoch milliseconds");
    check(&["--since", "now", "--until", "now-1h"], "--since must lie before --until");
    check(&["--trace-id", "abc"], "32 hexadecimal digits");
    check(&["--trace-id", &"a".repeat(32), "--table", "red"], "spans and logs");
    check(&["--format", "otlp-json", "--table", "red"], "no form in OTLP");
    assert!(Export::try_parse_from(["export"]).is_err(), "a folder is asked for");
}
