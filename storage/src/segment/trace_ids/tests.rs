//! The filter of a segment, asked block by block.

use super::{FILTER_BYTES_MAX, TRACE_ID_COLUMN, may_have_trace, trace_filter_block, trace_filter_range};
use crate::faults::NoFaults;
use crate::fs;
use crate::ids::Table;
use crate::segment::{SegmentMeta, SegmentSource, merge, write};
use crate::test_rows::{T0, batch, times};
use arrow::array::{ArrayRef, FixedSizeBinaryArray};
use parquet::file::reader::{FileReader, SerializedFileReader};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

/// Ids that follow each other in their last bytes only, as some generators make them.
fn id(n: u64) -> [u8; 16] {
    (u128::from(n) | 0x5b8e << 112).to_be_bytes()
}

/// A segment of three spans for each of these traces.
fn segment(number: u64, traces: std::ops::Range<u64>, dir: &Path) -> Arc<SegmentMeta> {
    let ids: Vec<[u8; 16]> = traces.flat_map(|n| [id(n); 3]).collect();
    let at: Vec<i64> = (0..ids.len() as i64).map(|row| T0 + row).collect();
    let ids: ArrayRef = Arc::new(FixedSizeBinaryArray::try_from_iter(ids.iter()).expect("sixteen bytes"));
    let columns = vec![(TRACE_ID_COLUMN, ids), ("start_time", times(&at)), ("end_time", times(&at))];
    let batches = [batch(Table::Spans.schema(), at.len(), columns)];
    let source = SegmentSource {
        id: number,
        table: Table::Spans,
        batches: &batches,
        n_bytes: 1 << 20,
        received_max: T0,
    };
    Arc::new(write(&source, dir, &NoFaults).expect("writes"))
}

/// How many of these traces the segment's filter finds, asked as a query asks.
fn n_found(segment: &SegmentMeta, traces: std::ops::Range<u64>, dir: &Path) -> usize {
    let file = File::open(segment.file_path(dir)).expect("opens");
    let reader = SerializedFileReader::new(file.try_clone().expect("a second handle")).expect("Parquet");
    let range = trace_filter_range(reader.metadata()).expect("has a filter");
    assert!(range.end - range.start < FILTER_BYTES_MAX as u64, "folded");
    let is_found = |n: &u64| {
        let mut block = [0; 32];
        file.read_exact_at(&mut block, trace_filter_block(&range, &id(*n)).start).expect("reads");
        may_have_trace(&block, &id(*n))
    };
    traces.filter(is_found).count()
}

/// Scenario: two segments of ten thousand traces, and the one that they are merged to.
/// Guarantees: every trace that is there is found, few others are, and readers of Parquet find all rows.
#[test]
fn a_segment_knows_its_traces() {
    let dir = tempfile::tempdir().expect("temporary directory");
    fs::create_layout(dir.path()).expect("layout");
    let parts = [segment(1, 0..10_000, dir.path()), segment(2, 10_000..20_000, dir.path())];
    let merged = merge(&parts, 3, dir.path(), &NoFaults, &|| false).expect("merges");
    for (segment, there, others) in [
        (&*parts[0], 0..10_000, 10_000..60_000),
        (&*parts[1], 10_000..20_000, 20_000..70_000),
        (&merged, 0..20_000, 20_000..70_000),
    ] {
        assert_eq!(n_found(segment, there.clone(), dir.path()) as u64, there.end - there.start);
        let n_false = n_found(segment, others, dir.path());
        assert!(n_false < 1_000, "{n_false} of 50,000 traces that are not there are found");
    }
    let file = File::open(merged.file_path(dir.path())).expect("opens");
    let reader = SerializedFileReader::new(file).expect("Parquet");
    assert_eq!(reader.get_row_iter(None).expect("reads").count(), 60_000);
}
