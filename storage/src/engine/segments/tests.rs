//! Segments that are not as they were written: damaged, cut, given up, or of an older version.

use crate::Signal;
use crate::engine::tests::{Lab, assert_visible, ingest, record};
use crate::engine::*;
use crate::test_rows::TestRecord;
use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::path::{Path, PathBuf};

/// Enough for several blocks of checksums.
const N_ROWS: u32 = 20_000;

/// All rows of the logs, in the order of their names.
async fn logs(engine: &Engine) -> Result<RecordBatch, Error> {
    let mut stream = engine.sql("SELECT * FROM logs ORDER BY body").await?;
    let mut batches = Vec::new();
    while let Some(batch) = stream.next().await {
        batches.push(batch?);
    }
    Ok(concat_batches(&stream.schema(), &batches).expect("one schema"))
}

/// Opens once the tasks of the last engine's queries have let go of it.
async fn reopen(lab: &Lab) -> Engine {
    while fs::DirectoryLock::acquire(&lab.options.data_dir).is_err() {
        tokio::task::yield_now().await;
    }
    lab.open().await.0
}

fn flip(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).expect("read");
    bytes[at] ^= 0x10;
    std::fs::write(path, bytes).expect("write");
}

/// A directory with one segment of logs, whose path comes with it.
async fn stored(records: &[TestRecord]) -> (Lab, PathBuf) {
    let lab = Lab::new();
    let (engine, _, _) = lab.open().await;
    for &record in records {
        ingest(&engine, record).await.expect("ingest");
    }
    engine.shutdown().await.expect("shutdown");
    let segment = engine.snapshot(Table::Logs).segments[0].file_path(&lab.options.data_dir);
    (lab, segment)
}

fn assert_names(error: &Error, segment: &Path) {
    let Error::SegmentDamaged { path, .. } = error else { panic!("{error:?}") };
    assert_eq!(path, segment);
    let command = format!("mv '{0}' '{0}.damaged'", segment.display());
    assert!(error.to_string().contains(&command), "{error}");
}

/// Scenario: single bytes all over a segment are changed, one at a time, while the engine runs and
/// before it opens; then one of the file with its checksums.
/// Guarantees: a query gives the rows that were written, or an error that names the file and says what
/// to do; once the byte is as it was, so are the rows.
#[tokio::test]
async fn damage_gives_an_error_and_never_other_rows() {
    let (lab, segment) = stored(&[record(Signal::Logs, 1, N_ROWS)]).await;
    let n_bytes = std::fs::metadata(&segment).expect("metadata").len() as usize;
    assert!(n_bytes > 100_000, "{n_bytes} bytes are too few blocks");
    let engine = reopen(&lab).await;
    let wanted = logs(&engine).await.expect("rows");
    assert_eq!(wanted.num_rows(), N_ROWS as usize);

    let mut rng = StdRng::seed_from_u64(1);
    let mut n_errors = 0;
    for _ in 0..30 {
        let at = rng.random_range(0..n_bytes);
        flip(&segment, at);
        match logs(&engine).await {
            Ok(found) => assert_eq!(found, wanted, "byte {at}"),
            Err(error) => {
                n_errors += 1;
                assert_names(&error, &segment);
            }
        }
        flip(&segment, at);
    }
    assert!(n_errors > 10, "{n_errors} of 30");
    assert_eq!(logs(&engine).await.expect("whole again"), wanted);
    drop(engine);

    let places = [0, 4, n_bytes - 1, n_bytes - 8, n_bytes - 9, n_bytes - 1_000];
    for at in places {
        flip(&segment, at);
        let engine = reopen(&lab).await;
        assert_names(&logs(&engine).await.expect_err("the footer's block is damaged"), &segment);
        drop(engine);
        flip(&segment, at);
    }
    let checksums = segment.with_extension("parquet.crc");
    flip(&checksums, 21);
    let engine = reopen(&lab).await;
    assert_names(&logs(&engine).await.expect_err("nothing to check against"), &segment);
}

/// Scenario: a running engine's segment is cut, then removed.
/// Guarantees: queries fail; they do not give fewer rows.
#[tokio::test]
async fn a_file_cut_under_a_running_engine_is_an_error() {
    let (lab, segment) = stored(&[record(Signal::Logs, 1, N_ROWS)]).await;
    let whole = std::fs::read(&segment).expect("read");
    for n_bytes in [whole.len() - 1, whole.len() / 2, 0] {
        let engine = reopen(&lab).await;
        std::fs::write(&segment, &whole[..n_bytes]).expect("write");
        logs(&engine).await.expect_err("cut");
        std::fs::write(&segment, &whole).expect("write");
        logs(&engine).await.expect("whole again");
    }
    let engine = reopen(&lab).await;
    std::fs::remove_file(&segment).expect("remove");
    logs(&engine).await.expect_err("gone");
}

/// Scenario: an operator follows the error's advice, and restarts twice.
/// Guarantees: the other rows are there, the loss is told once for good, and the file is left alone.
#[tokio::test]
async fn a_segment_put_aside_is_given_up() {
    let records = [record(Signal::Traces, 1, 10), record(Signal::Logs, 2, 10)];
    let (lab, segment) = stored(&records).await;
    let aside = segment.with_extension("parquet.damaged");
    std::fs::rename(&segment, &aside).expect("rename");
    let (engine, recovery, _) = lab.open().await;
    assert_eq!(recovery.n_segments_given_up, 1);
    assert_eq!(logs(&engine).await.expect("no rows").num_rows(), 0);
    ingest(&engine, record(Signal::Logs, 3, 10)).await.expect("ingest");
    engine.shutdown().await.expect("shutdown");
    drop(engine);
    drop(reopen(&lab).await);
    let (engine, recovery, _) = lab.open().await;
    assert_eq!(recovery, Recovery::default());
    assert_eq!(logs(&engine).await.expect("rows").num_rows(), 10);
    assert!(aside.exists());
}

/// Scenario: the files of the version before, whose segments have no checksums.
/// Guarantees: they are read; new segments have checksums; the next manifest is of the new format and
/// still names both.
#[tokio::test]
async fn segments_without_checksums_are_read() {
    let records = [record(Signal::Logs, 1, 10), record(Signal::Logs, 2, 20)];
    let (lab, segment) = stored(&records[..1]).await;
    std::fs::remove_file(segment.with_extension("parquet.crc")).expect("remove");
    let manifest =
        || fs::list_files(&fs::manifest_dir(&lab.options.data_dir)).expect("list").pop().expect("one");
    let text = std::fs::read_to_string(manifest()).expect("read");
    let (json, _) = text.split_once('\n').expect("two lines");
    let (head, tail) = json.split_once(",\"checksums_crc\":").expect("it has one");
    let tail = tail.trim_start_matches(|digit: char| digit.is_ascii_digit());
    let json = format!("{head}{tail}").replace("\"format\":6", "\"format\":1");
    let text = format!("{json}\ncrc32c {:08x}\n", crc32c::crc32c(json.as_bytes()));
    std::fs::write(manifest(), text).expect("write");

    let (engine, _, _) = lab.open().await;
    assert_visible(&engine, &records[..1], "old");
    assert_eq!(logs(&engine).await.expect("rows").num_rows(), 10);
    ingest(&engine, records[1]).await.expect("ingest");
    engine.shutdown().await.expect("shutdown");
    drop(engine);
    assert!(std::fs::read_to_string(manifest()).expect("read").starts_with("{\"format\":6,"));
    let engine = reopen(&lab).await;
    let has_checksums = |segment: &Arc<crate::segment::SegmentMeta>| segment.checksums_crc.is_some();
    let segments = engine.snapshot(Table::Logs).segments;
    assert_eq!(segments.iter().map(has_checksums).collect::<Vec<_>>(), [false, true]);
    assert_eq!(logs(&engine).await.expect("rows").num_rows(), 30);
}
