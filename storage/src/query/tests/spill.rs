//! Statements whose rows do not fit into memory.

use super::engines::{Data, Stored, with_options};
use super::query;
use crate::engine::Engine;
use crate::error::Error;
use crate::fs;
use crate::options::Options;
use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use expect_test::expect;
use std::time::Duration;
use tokio::time::timeout;

/// Half of it is for statements.
const MEMORY_BYTES: usize = 16 << 20;
/// 200,000 rows of some 100 bytes, in no order: a sort of all under a window, a sort, and a group for each row.
const LARGE: [&str; 3] = [
    "SELECT count(*) AS n, sum(place * value % 1000) AS checksum FROM \
       (SELECT value, row_number() OVER (ORDER BY a, b) AS place FROM \
         (SELECT value, concat(value * 7919 % 997, ' is what was sent by the client with a request') AS a, \
                 concat(value * 104729 % 200003, ' is what was answered to it, as long as usual') AS b \
            FROM generate_series(1, 200000)))",
    "SELECT value, concat(value * 7919 % 997, ' is what was sent by the client with a request') AS a, \
            concat(value * 104729 % 200003, ' is what was answered to it, as long as usual') AS b \
       FROM generate_series(1, 200000) ORDER BY a, b",
    "SELECT count(*) AS n, sum(n) AS n_rows, min(a), max(b) FROM \
       (SELECT a, count(*) AS n, max(b) AS b FROM \
         (SELECT concat(value * 7919 % 150001, ' is what was sent by the client with a request') AS a, value AS b \
            FROM generate_series(1, 200000)) GROUP BY a)",
];

async fn with_memory(change: impl FnOnce(&mut Options)) -> Stored {
    with_options(&Data::default(), |options| {
        options.query.memory_bytes = MEMORY_BYTES;
        options.query.timeout = Duration::from_secs(120);
        change(options);
    })
    .await
}

async fn rows(engine: &Engine, sql: &str) -> RecordBatch {
    let batches = query(engine, sql).await.unwrap_or_else(|error| panic!("{sql}\n{error:?}"));
    concat_batches(&batches[0].schema(), &batches).expect("of one schema")
}

/// A part of a statement may end a moment after its answer.
async fn expect_nothing_left(stored: &Stored) {
    let directory = fs::spill_dir(stored.directory.path());
    let emptied = async {
        while fs::list_files(&directory).is_ok_and(|files| !files.is_empty()) {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(10), emptied).await.expect("files of statements that ended are gone");
}

/// Scenario: sorts and groups with memory that suffices, with little memory, and with little memory and no disk.
/// Guarantees: the disk makes up for memory: the answers are the same, and nothing is left of it.
#[tokio::test]
async fn answers_are_the_same_from_disk() {
    let ample = with_memory(|options| options.query.memory_bytes = 1 << 30).await;
    let little = with_memory(|_| {}).await;
    let no_disk = with_memory(|options| options.query.spill_bytes_max = 0).await;
    for sql in LARGE {
        let error = query(&no_disk.engine, sql).await.expect_err("needs more than 8 MiB");
        assert!(matches!(error, Error::QueryMemory { .. }), "{sql}: {error:?}");
        assert_eq!(rows(&little.engine, sql).await, rows(&ample.engine, sql).await, "{sql}");
    }
    expect_nothing_left(&little).await;
    assert!(fs::spill_dir(little.directory.path()).is_dir(), "nothing was spilled");
    assert!(!fs::spill_dir(ample.directory.path()).exists(), "what fits into memory stays there");
}

/// Scenario: a sort needs more disk than statements may use, and more than the disk has besides its reserve.
/// Guarantees: each ends and says which of them it was; what was written is gone, and the next statement runs.
#[tokio::test]
async fn the_disk_is_bounded() {
    let small = with_memory(|options| options.query.spill_bytes_max = 3 << 20).await;
    let full = with_memory(|options| options.disk_free_bytes_min = u64::MAX / 4).await;
    let bound = "query needed more than the 3 MiB of disk that all statements share, and was stopped";
    let almost_full = "query needed the disk, which is almost full, and was stopped";
    for (stored, message) in [(small, bound), (full, almost_full)] {
        for sql in &LARGE[1..] {
            let error = query(&stored.engine, sql).await.expect_err("needs more disk");
            assert!(matches!(error, Error::QueryDisk { .. }), "{sql}: {error:?}");
            assert_eq!(error.to_string(), message);
        }
        expect_nothing_left(&stored).await;
        query(&stored.engine, "SELECT 1 ORDER BY 1").await.expect("needs no disk");
    }
}

/// Scenario: a join whose smaller side does not fit into memory, though there is a disk.
/// Guarantees: it ends, and says how much memory there is and which part of the statement asked for more.
#[tokio::test]
async fn a_join_says_what_it_lacks() {
    let stored = with_memory(|_| {}).await;
    let sql = "SELECT count(*) FROM \
                 (SELECT concat(value, ' is the key of the one side') AS k FROM generate_series(1, 300000)) a \
                 JOIN (SELECT concat(value, ' is the key of the one side') AS k FROM generate_series(1, 300000)) b \
                 USING (k)";
    let error = query(&stored.engine, sql).await.expect_err("needs more than 8 MiB");
    assert!(matches!(error, Error::QueryMemory { .. }), "{error:?}");
    expect![
        "query needed more memory than the 8 MiB that all SQL statements share, in a join, and was stopped"
    ]
    .assert_eq(&error.to_string());
}

/// Scenario: a sort keeps more rows than fit into memory, for its LIMIT; then the same without LIMIT.
/// Guarantees: the former says what to do, and that helps.
#[tokio::test]
async fn a_large_limit_says_what_to_do() {
    let stored = with_memory(|_| {}).await;
    let error =
        query(&stored.engine, &format!("{} LIMIT 150000", LARGE[1])).await.expect_err("too many rows");
    let is_told = matches!(&error, Error::QueryMemory { message } if message.contains("make LIMIT smaller"));
    assert!(is_told, "{error:?}");
    assert_eq!(rows(&stored.engine, LARGE[1]).await.num_rows(), 200_000);
}

/// Scenario: a process was killed while a statement had rows on disk; the directory is opened again.
/// Guarantees: they are gone.
#[tokio::test]
async fn a_start_removes_what_was_left() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let left = fs::spill_dir(directory.path()).join("7.arrow");
    std::fs::create_dir_all(fs::spill_dir(directory.path())).expect("make the folder");
    std::fs::write(&left, b"rows").expect("write");
    let options = Options { disk_free_bytes_min: 0, ..Options::new(directory.path()) };
    let (engine, _) = Engine::open(options, |_| Err("nothing to replay".into())).await.expect("opens");
    assert!(!left.exists());
    drop(engine);
}
