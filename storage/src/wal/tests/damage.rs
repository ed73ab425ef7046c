//! Log files that are not as they were written: cut at every byte, with every bit flipped, under other
//! names. What is lost is told and kept, and nothing panics. `salvage` has what comes back from behind damage.

use super::{Log, append, small_records};
use crate::error::Error;
use crate::wal::frame::HEADER_BYTES;
use crate::wal::{PackedRecord, Replayed};
use crate::{WalRecord, fs};
use std::path::Path;

/// Where the records of `Log::small` end, the header first.
pub(super) fn boundaries() -> Vec<usize> {
    let mut boundaries = vec![HEADER_BYTES];
    for record in small_records() {
        let n_frame_bytes = PackedRecord::pack(record).expect("small").n_frame_bytes();
        boundaries.push(boundaries.last().expect("header") + n_frame_bytes);
    }
    boundaries
}

/// Records and bytes of a file that are trusted if the first byte that is not is `at`.
fn trusted(at: usize) -> (usize, usize) {
    let boundaries = boundaries();
    let n_boundaries = boundaries.iter().filter(|&&boundary| boundary <= at).count();
    // A file without a record is not kept.
    match n_boundaries {
        0 | 1 => (0, if n_boundaries == 0 { 0 } else { boundaries[0] }),
        n => (n - 1, boundaries[n - 1]),
    }
}

/// Replays a newest file with these bytes, of which those from `at` on are wrong or missing.
pub(super) fn assert_prefix(log: &Log, path: &Path, bytes: &[u8], at: usize) {
    let quarantine = log.dir.path().join("quarantine");
    std::fs::remove_dir_all(&quarantine).ok();
    std::fs::write(path, bytes).expect("write");
    let (frames, Replayed { n_bytes_cut, .. }) = log.replay().expect("a torn end is no error");
    let records: Vec<WalRecord> = frames.into_iter().map(|frame| frame.record).collect();
    let (n_records, n_bytes) = trusted(at);
    assert_eq!(records, small_records()[..n_records], "byte {at}");
    assert_eq!(n_bytes_cut, (bytes.len() - n_bytes) as u64, "byte {at}");
    let kept = if quarantine.is_dir() { fs::list_files(&quarantine).expect("list") } else { Vec::new() };
    let kept: Vec<Vec<u8>> = kept.iter().map(|path| std::fs::read(path).expect("read")).collect();
    let wanted = (n_bytes_cut > 0 || at == 0).then(|| bytes[n_bytes..].to_vec());
    assert_eq!(kept, Vec::from_iter(wanted), "byte {at}");
    assert_eq!(path.exists(), n_records > 0, "byte {at}");
    assert_eq!(log.replay().expect("again").0.len(), n_records, "byte {at}");
}

/// Scenario: the newest file is cut at every byte, as by a crash in the middle of a write.
/// Guarantees: replay gives the records before the cut, tells and keeps the rest, and a second replay gives
/// the same.
#[tokio::test]
async fn a_log_cut_anywhere_gives_a_prefix() {
    let log = Log::new();
    let path = log.small().await;
    let whole = std::fs::read(&path).expect("read");
    assert_eq!(boundaries().last(), Some(&whole.len()));
    for n_bytes in 0..=whole.len() {
        assert_prefix(&log, &path, &whole[..n_bytes], n_bytes);
    }
}

/// Three files of one record each.
pub(super) async fn three_files() -> Log {
    let mut log = Log::new();
    log.options.file_bytes_max = 1;
    let wal = log.start(1, Vec::new());
    for record in small_records() {
        append(&wal, record).await.expect("append");
    }
    wal.close().await;
    assert_eq!(log.files().len(), 3, "each record rotates");
    log
}

/// Scenario: every bit of a file that is not the newest is flipped in turn, and the file is cut at every
/// byte.
/// Guarantees: the start is refused, naming file and byte, and the file is left as it was; a cut where a
/// record ends is seen by the numbers that are missing.
#[tokio::test]
async fn damage_before_the_newest_file_is_told() {
    let log = three_files().await;
    let path = &log.files()[1];
    let whole = std::fs::read(path).expect("read");
    let assert_refused = |bytes: &[u8], at: usize| {
        std::fs::write(path, bytes).expect("write");
        let error = log.replay().map(|_| ()).expect_err("damage");
        let Error::WalCorrupt { path: named, offset, .. } = &error else { panic!("byte {at}: {error}") };
        assert!(named == path && *offset <= at as u64, "byte {at}: {error}");
        assert_eq!(std::fs::read(path).expect("read"), bytes);
    };
    for bit in 0..whole.len() * 8 {
        let mut damaged = whole.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert_refused(&damaged, bit / 8);
    }
    for n_bytes in (0..whole.len()).filter(|&n_bytes| n_bytes != HEADER_BYTES) {
        assert_refused(&whole[..n_bytes], n_bytes);
    }
    std::fs::write(path, &whole[..HEADER_BYTES]).expect("write");
    let (frames, replayed) = log.replay().expect("an empty file is whole");
    assert_eq!(frames.len(), 2);
    assert_eq!(replayed.sequences.gaps(1, 3), [(2, 2)]);
}

/// Scenario: a log file has another file's name.
/// Guarantees: the start is refused with the file, before a record is read.
#[tokio::test]
async fn a_file_under_another_name_is_refused() {
    let log = Log::new();
    let path = log.small().await;
    let renamed = path.with_file_name("00000000000000000002.wal");
    std::fs::rename(path, &renamed).expect("rename");
    let error = log.replay().map(|_| ()).expect_err("refused").to_string();
    assert!(error.contains("00000000000000000002.wal is not in its place"), "{error}");
}

/// The bytes of a log file, as a program of another version would have written them.
fn of_version(version: u8, path: &Path) -> Vec<u8> {
    let mut bytes = std::fs::read(path).expect("read");
    bytes[6] = version;
    let crc = crc32c::crc32c(&bytes[..16]).to_le_bytes();
    bytes[16..20].copy_from_slice(&crc);
    std::fs::write(path, &bytes).expect("write");
    bytes
}

/// Scenario: the newest file was written by a program of version 1.
/// Guarantees: its records are read, and what is written next is of version 2.
#[tokio::test]
async fn the_version_before_is_read() {
    let log = Log::new();
    let path = log.small().await;
    assert_eq!(std::fs::read(&path).expect("read")[6], 2);
    of_version(1, &path);
    let (frames, replayed) = log.replay().expect("replay");
    let records: Vec<WalRecord> = frames.into_iter().map(|frame| frame.record).collect();
    assert_eq!(records, small_records());
    let wal = log.start(4, replayed.files);
    append(&wal, small_records()[0].clone()).await.expect("append");
    wal.close().await;
    let versions = log.files().into_iter().map(|path| std::fs::read(path).expect("read")[6]);
    assert_eq!(versions.collect::<Vec<_>>(), [1, 2]);
    assert_eq!(log.replay().expect("both").0.len(), 4);
}

/// Scenario: a header says another version of the format.
/// Guarantees: the file is neither guessed at nor cut.
#[tokio::test]
async fn another_version_is_refused() {
    let log = Log::new();
    let path = log.small().await;
    let bytes = of_version(9, &path);
    let error = log.replay().expect_err("foreign").to_string();
    assert!(error.contains("has format 9, and this program knows up to 2"), "{error}");
    assert_eq!(std::fs::read(&path).expect("read"), bytes);
}
