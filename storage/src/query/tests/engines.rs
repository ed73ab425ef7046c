//! Engines that hold the same rows in different places.

use super::rows;
use crate::columns::{Columns, WalRecord};
use crate::engine::Engine;
use crate::fs;
use crate::ids::{Signal, Table};
use crate::options::Options;
use arrow::datatypes::SchemaRef;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;
use std::fs::File;
use std::sync::Arc;
use tempfile::TempDir;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Rows of the three signals.
#[derive(Debug, Clone, Default)]
pub(super) struct Data {
    pub(super) spans: Vec<Value>,
    pub(super) logs: Vec<Value>,
    pub(super) points: Vec<Value>,
}

/// An engine, where its rows are, and the directory that goes with it.
pub(super) struct Stored {
    pub(super) place: &'static str,
    pub(super) engine: Engine,
    pub(super) directory: TempDir,
}

impl Data {
    fn is_empty(&self) -> bool {
        self.spans.len().max(self.logs.len()).max(self.points.len()) < 2
    }

    /// Two halves that interleave: neighbours end up in different places.
    fn halves(&self) -> (Self, Self) {
        let half = |rows: &[Value], odd: usize| -> Vec<Value> {
            rows.iter().enumerate().filter(|(idx, _)| idx % 2 == odd).map(|(_, row)| row.clone()).collect()
        };
        let of = |odd| Self {
            spans: half(&self.spans, odd),
            logs: half(&self.logs, odd),
            points: half(&self.points, odd),
        };
        (of(0), of(1))
    }
}

impl Stored {
    pub(super) async fn insert(&self, data: &Data) {
        insert(&self.engine, data).await;
    }

    /// Schemas of a table's segments, as their files have them.
    pub(super) fn schemas(&self, table: Table) -> Vec<SchemaRef> {
        let paths = fs::list_files(&fs::segment_dir(self.directory.path(), table)).expect("lists");
        let files = paths.into_iter().filter(|path| path.extension().is_some_and(|name| name == "parquet"));
        let open = |path| ParquetRecordBatchReaderBuilder::try_new(File::open(path).expect("opens"));
        files.map(|path| Arc::clone(open(path).expect("Parquet").schema())).collect()
    }
}

/// The same rows in memory; in segments; one half each; in two segments; in one
/// merged from two; replayed from the log; and
/// in segments after a restart.
pub(super) async fn everywhere(data: &Data) -> Vec<Stored> {
    let (even, odd) = data.halves();
    let mut stored = Vec::new();
    for place in ["hot", "flushed", "half", "two segments", "merged", "replayed", "reopened"] {
        let directory = TempDir::new().expect("a temporary directory");
        let mut options = Options { disk_free_bytes_min: 0, ..Options::new(directory.path()) };
        options.compaction.segments_min = 2;
        let mut engine = open(&options).await;
        match place {
            "half" => {
                insert(&engine, &even).await;
                engine.flush().await.expect("flushes");
                insert(&engine, &odd).await;
            }
            "two segments" | "merged" => {
                insert(&engine, &even).await;
                engine.flush().await.expect("flushes");
                insert(&engine, &odd).await;
                engine.flush().await.expect("flushes");
            }
            _ => insert(&engine, data).await,
        }
        match place {
            "flushed" => engine.flush().await.expect("flushes"),
            "merged" => assert!(engine.compact(rows::EPOCH).await.expect("merges") > 0 || data.is_empty()),
            "replayed" => {
                drop(engine);
                engine = open(&options).await;
            }
            "reopened" => {
                engine.shutdown().await.expect("shuts down");
                drop(engine);
                engine = open(&options).await;
            }
            _ => {}
        }
        stored.push(Stored { place, engine, directory });
    }
    stored
}

/// One engine with its rows in memory.
pub(super) async fn hot(data: &Data) -> Stored {
    with_options(data, |_| {}).await
}

pub(super) async fn with_options(data: &Data, change: impl FnOnce(&mut Options)) -> Stored {
    let directory = TempDir::new().expect("a temporary directory");
    let mut options = Options { disk_free_bytes_min: 0, ..Options::new(directory.path()) };
    change(&mut options);
    let engine = open(&options).await;
    insert(&engine, data).await;
    Stored { place: "hot", engine, directory }
}

async fn open(options: &Options) -> Engine {
    let (engine, _) = Engine::open(options.clone(), |record| decode(&record)).await.expect("opens");
    engine
}

async fn insert(engine: &Engine, data: &Data) {
    let signals =
        [(Signal::Traces, &data.spans), (Signal::Logs, &data.logs), (Signal::Metrics, &data.points)];
    for (signal, rows) in signals {
        // Several requests a signal, so that there are several batches.
        for request in rows.chunks(rows.len().div_ceil(3).max(1)) {
            let payload = serde_json::to_vec(request).expect("JSON");
            let record = WalRecord { signal, encoding: 0, received_at: rows::EPOCH, payload: payload.into() };
            let columns = decode(&record).expect("decodes");
            let logged = engine.log(record).await.expect("logs");
            engine.insert(logged, columns);
        }
    }
}

fn decode(record: &WalRecord) -> Result<Columns, Cause> {
    let rows: Vec<Value> = serde_json::from_slice(&record.payload)?;
    Ok(rows::columns(record.signal, &rows))
}
