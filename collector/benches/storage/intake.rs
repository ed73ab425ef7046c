//! The way of requests into an engine, as the collector has it at the door, without a socket.

use crate::Failure;
use collector::bench::{Request, record, rows};
use futures::{StreamExt, TryStreamExt, stream};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use storage::{Engine, Options};

pub(crate) const SECOND: i64 = 1_000_000_000;
/// 2026-01-01T00:00:00Z: when the data begins.
pub(crate) const T0: i64 = 1_767_225_600 * SECOND;
/// Requests under way at once.
const CONCURRENCY: usize = 8;

pub(crate) fn options(dir: &Path) -> Options {
    let mut options = Options::new(dir);
    options.compaction.is_automatic = false;
    options.query.timeout = Duration::from_secs(300);
    options
}

/// Stores requests received at `at` (unix nanos).
pub(crate) async fn ingest(engine: &Engine, requests: Vec<Request>, at: i64) -> Result<(), Failure> {
    let storing = stream::iter(requests).map(|request| store(engine, request, at));
    storing.buffer_unordered(CONCURRENCY).try_collect().await
}

/// As the collector does at the door.
pub(crate) async fn store(engine: &Engine, request: Request, at: i64) -> Result<(), Failure> {
    let record = record(&request, at);
    let decoded = record.clone();
    let columns = tokio::task::spawn_blocking(move || rows(decoded)).await??;
    let logged = engine.log(record).await?;
    engine.insert(logged, columns);
    Ok(())
}

/// Bytes of segments and their checksums, by table.
pub(crate) fn table_bytes(dir: &Path) -> Result<BTreeMap<String, u64>, Failure> {
    let mut n_bytes = BTreeMap::new();
    for table in std::fs::read_dir(dir.join("segments"))? {
        let table = table?;
        let mut n_of_table = 0;
        for file in std::fs::read_dir(table.path())? {
            n_of_table += file?.metadata()?.len();
        }
        n_bytes.insert(table.file_name().to_string_lossy().into_owned(), n_of_table);
    }
    Ok(n_bytes)
}
