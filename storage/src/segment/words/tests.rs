//! Filters of a segment with several row groups.

use super::{FILTER_BYTES_MAX, word_filter_ranges};
use crate::faults::NoFaults;
use crate::fs;
use crate::ids::Table;
use crate::segment::{SegmentSource, write};
use crate::test_rows::{T0, batch, texts, times};
use parquet::bloom_filter::Sbbf;
use parquet::file::reader::{FileReader, SerializedFileReader};
use std::fs::File;
use std::os::unix::fs::FileExt;

/// Rows of a batch, so that row groups end within batches.
const BATCH_ROWS: i64 = 10_000;

/// Scenario: a segment of two row groups whose records have a word each that no other record has.
/// Guarantees: each row group has a filter, which knows every word of it, finds few others, and keeps to its
/// bytes; readers of Parquet find all rows.
#[test]
fn each_row_group_knows_its_words() {
    let dir = tempfile::tempdir().expect("temporary directory");
    fs::create_layout(dir.path()).expect("layout");
    let batches = (0..30).map(|n| {
        let rows = n * BATCH_ROWS..(n + 1) * BATCH_ROWS;
        let bodies: Vec<String> =
            rows.clone().map(|row| format!("Order {} of user u{row}", row % 9)).collect();
        let at: Vec<i64> = rows.map(|row| T0 + row).collect();
        batch(Table::Logs.schema(), bodies.len(), vec![("body", texts(&bodies)), ("time", times(&at))])
    });
    let batches: Vec<_> = batches.collect();
    let source =
        SegmentSource { id: 1, table: Table::Logs, batches: &batches, n_bytes: 1 << 20, received_max: T0 };
    let segment = write(&source, dir.path(), &NoFaults).expect("writes");

    let file = File::open(segment.file_path(dir.path())).expect("opens");
    let reader = SerializedFileReader::new(file.try_clone().expect("a second handle")).expect("Parquet");
    let (metadata, mut first_row) = (reader.metadata(), 0);
    let ranges = word_filter_ranges(metadata).expect("has filters");
    assert_eq!(ranges.len(), 2);
    for (range, group) in ranges.into_iter().zip(metadata.row_groups()) {
        let mut bytes = vec![0; usize::try_from(range.end - range.start).expect("short")];
        assert!(bytes.len() <= FILTER_BYTES_MAX + 64);
        file.read_exact_at(&mut bytes, range.start).expect("reads");
        let filter = Sbbf::from_bytes(&bytes).expect("a filter");
        let rows = first_row..first_row + group.num_rows();
        assert!(filter.check("order") && rows.clone().all(|row| filter.check(format!("u{row}").as_str())));
        let n_false = (0..10_000).filter(|n| filter.check(format!("x{n}").as_str())).count();
        assert!(n_false < 300, "{n_false} of 10,000 words that are not there are found");
        first_row = rows.end;
    }
    assert_eq!(first_row, 30 * BATCH_ROWS);
    assert_eq!(reader.get_row_iter(None).expect("reads").count() as i64, first_row);
}
