//! Directories of other versions of the program: older ones are read and become new ones, newer are refused.

use super::tests::{Lab, assert_read_models, assert_rows_visible, assert_visible, ingest, n_tables, record};
use super::*;
use crate::Signal;
use crate::test_rows::{T0, TestRecord, decode};
use std::path::PathBuf;

fn manifest_file(lab: &Lab) -> PathBuf {
    fs::list_files(&fs::manifest_dir(&lab.options.data_dir)).expect("list").pop().expect("one")
}

/// Writes the newest manifest as another program would have.
fn rewrite_manifest(lab: &Lab, change: impl Fn(&mut serde_json::Value)) {
    let path = manifest_file(lab);
    let text = std::fs::read_to_string(&path).expect("read");
    let (json, _) = text.split_once('\n').expect("two lines");
    let mut document = serde_json::from_str(json).expect("JSON");
    change(&mut document);
    let json = document.to_string();
    std::fs::write(&path, format!("{json}\ncrc32c {:08x}\n", crc32c::crc32c(json.as_bytes())))
        .expect("write");
}

/// Segments of every table, and records in the log.
async fn filled(lab: &Lab) -> Vec<TestRecord> {
    let (engine, _, _) = lab.open().await;
    let mut records = Vec::new();
    for id in 1..=9 {
        records.push(record(Signal::ALL[id as usize % 3], id, 10 + id));
        ingest(&engine, records[records.len() - 1]).await.expect("ingest");
        if id == 3 || id == 6 {
            engine.flush().await.expect("flush");
        }
    }
    records
}

/// What a program of format 1 would have left: no checksums, and nothing said of them.
fn make_format_1(lab: &Lab) {
    rewrite_manifest(lab, |document| {
        document["format"] = 1.into();
        for segment in document["segments"].as_array_mut().expect("segments") {
            segment.as_object_mut().expect("a segment").remove("checksums_crc");
        }
    });
    for table in Table::ALL {
        let files = fs::list_files(&fs::segment_dir(&lab.options.data_dir, table)).expect("list");
        let is_checksums = |path: &&PathBuf| path.extension().is_some_and(|extension| extension == "crc");
        files.iter().filter(is_checksums).for_each(|path| std::fs::remove_file(path).expect("remove"));
    }
}

/// Scenario: a directory of manifest format 1, with rows in segments and in the log, is verified, opened, used
/// and merged, and opened again.
/// Guarantees: every row is there once all the time; the read models begin anew with what was in the log, and their old
/// files go; the first change makes the manifest format 5, the merge gives all rows checksums.
#[tokio::test]
async fn a_directory_of_format_1_is_read_and_becomes_new() {
    let lab = Lab::new();
    let mut records = filled(&lab).await;
    make_format_1(&lab);
    let found = crate::verify(&lab.options.data_dir, &mut |_| {}).expect("verify");
    assert!(found.damage.is_empty(), "{:?}", found.damage);
    assert_eq!((found.n_segments, found.n_segments_without_checksums), (6, 6));

    let (engine, recovery, _) = lab.open().await;
    assert_eq!(recovery.n_records_replayed, 3);
    assert!(recovery.n_orphans_removed >= 2 * 6, "those of read models: {recovery:?}");
    assert_rows_visible(&engine, &records, "old");
    // The last spans were in the log.
    let spans = [records[8].columns().into_batch()];
    assert_read_models(&engine, &spans, "old");
    records.push(record(Signal::Logs, 20, 5));
    ingest(&engine, records[9]).await.expect("ingest");
    engine.flush().await.expect("flush");
    assert!(std::fs::read_to_string(manifest_file(&lab)).expect("read").starts_with("{\"format\":5,"));
    assert_rows_visible(&engine, &records, "mixed");
    assert_eq!(engine.compact(T0).await.expect("merge"), 3);
    assert_rows_visible(&engine, &records, "merged");
    drop(engine);
    let (engine, recovery, _) = lab.open().await;
    assert_eq!(recovery.n_orphans_removed, 0);
    assert_rows_visible(&engine, &records, "opened again");
    assert_read_models(&engine, &spans, "opened again");
    let n_tables = n_tables(&engine);
    drop(engine);
    let found = crate::verify(&lab.options.data_dir, &mut |_| {}).expect("verify");
    assert_eq!((found.damage.len(), found.n_segments_without_checksums), (0, 0));
    assert_eq!(found.n_segments, n_tables);
}

/// Scenario: the directory's manifest is of a format that does not exist yet, with members nobody here knows; then
/// one of a format that never was.
/// Guarantees: opening, verifying and looking are refused with the file, both formats and what to do, and no file
/// is touched; once the manifest is back everything is there.
#[tokio::test]
async fn a_newer_directory_is_refused() {
    let lab = Lab::new();
    let records = filled(&lab).await;
    let data_dir = &lab.options.data_dir;
    let whole = std::fs::read(manifest_file(&lab)).expect("read");
    rewrite_manifest(&lab, |document| {
        *document = serde_json::json!({ "format": 6, "segments": "elsewhere" })
    });
    let files = || {
        let directories = Table::ALL.map(|table| fs::segment_dir(data_dir, table));
        let directories = directories.into_iter().chain([fs::wal_dir(data_dir), fs::manifest_dir(data_dir)]);
        directories.flat_map(|path| fs::list_files(&path).expect("list")).collect::<Vec<_>>()
    };
    let before = files();
    let refusals = [
        Engine::open(lab.options.clone(), decode).await.expect_err("newer"),
        crate::verify(data_dir, &mut |_| {}).expect_err("newer"),
        crate::inventory(data_dir).expect_err("newer"),
        crate::backup(data_dir, &data_dir.with_extension("backup"), crate::Segments::Linked, || Ok(()))
            .expect_err("newer"),
    ];
    for error in refusals {
        let text = error.to_string();
        assert!(text.contains(&manifest_file(&lab).display().to_string()), "{text}");
        assert!(text.contains("format 6, and this program knows up to 5"), "{text}");
        assert!(text.contains("newer Firstfault") && text.contains("backup"), "{text}");
    }
    assert_eq!(files(), before);
    rewrite_manifest(&lab, |document| document["format"] = 0.into());
    let error = Engine::open(lab.options.clone(), decode).await.expect_err("none such").to_string();
    assert!(error.contains("format 0, which there never was"), "{error}");
    std::fs::write(manifest_file(&lab), whole).expect("write");
    let (engine, _, _) = lab.open().await;
    assert_visible(&engine, &records, "back");
}
