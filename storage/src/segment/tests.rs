//! What is written is what is read: order, bounds and rows of a segment.

use super::*;
use crate::attributes::whole;
use crate::faults::NoFaults;
use crate::ids::Table;
use crate::test_rows::{T0, TestRecord, row_names};
use crate::{Signal, fs};
use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::TimestampNanosecondType;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// Every row of a segment, read from its file.
pub(crate) fn read_segment(segment: &SegmentMeta, data_dir: &Path) -> Vec<RecordBatch> {
    let file = File::open(segment.file_path(data_dir)).expect("open segment");
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("parquet").build().expect("reader");
    let batches = reader.map(|batch| whole(&batch.expect("read segment"), segment.table));
    batches.collect::<Result<_, _>>().expect("whole maps")
}

/// Scenario: several batches of each signal become a segment.
/// Guarantees: the schema and every row come back, sorted; bounds and counts are true; nothing else
/// is left in the directory.
#[test]
fn rows_come_back_sorted_and_bounded() {
    let dir = tempfile::tempdir().expect("temporary directory");
    fs::create_layout(dir.path()).expect("layout");
    for signal in Signal::ALL {
        let table = Table::from(signal);
        let records =
            (0..5).map(|id| TestRecord { signal, id, n_rows: 100 * id, received_at: T0 + i64::from(id) });
        let batches: Vec<RecordBatch> = records.map(|record| record.columns().batch().clone()).collect();
        let received_max = received_max(table, &batches).expect("raw rows say");
        assert_eq!(received_max, T0 + 4);
        // Chunks of a few rows, so that their seams are tested too.
        let source = SegmentSource { id: 7, table, batches: &batches, n_bytes: 1 << 32, received_max };
        let segment = write(&source, dir.path(), &NoFaults).expect("write");
        let found = read_segment(&segment, dir.path());
        assert_eq!(found[0].schema().fields(), table.schema().fields());
        assert_eq!(row_names(table, &found), row_names(table, &batches));
        assert_eq!(segment.n_rows, 1000);
        assert_eq!(fs::list_files(&fs::segment_dir(dir.path(), table)).expect("list").len(), 2);
        assert_order_and_bounds(table, &segment, &found);
    }
}

/// Scenario: segments whose rows lie all over each other are merged, in an order that is not theirs.
/// Guarantees: the schema and every row come back, sorted as if they had been written at once; bounds
/// and counts are true; the inputs are as they were.
#[test]
fn merged_rows_are_those_of_the_inputs_in_order() {
    let dir = tempfile::tempdir().expect("temporary directory");
    fs::create_layout(dir.path()).expect("layout");
    for signal in Signal::ALL {
        let table = Table::from(signal);
        let write = |id: u64, batches: &[RecordBatch]| {
            let received_max = received_max(table, batches).expect("raw rows say");
            let source = SegmentSource { id, table, batches, n_bytes: 1 << 20, received_max };
            Arc::new(write(&source, dir.path(), &NoFaults).expect("write"))
        };
        let batches: Vec<RecordBatch> = [(1, 3_000), (2, 1), (3, 2_000), (4, 1_500)]
            .map(|(id, n_rows)| TestRecord { signal, id, n_rows, received_at: T0 + i64::from(id) })
            .map(|record| record.columns().batch().clone())
            .to_vec();
        let inputs: Vec<_> = (10..)
            .zip(batches.iter().rev())
            .map(|(id, batch)| write(id, std::slice::from_ref(batch)))
            .collect();
        let at_once = write(1, &batches);
        let merged = merge(&inputs, 2, dir.path(), &NoFaults, &|| false).expect("merge");
        let (found, wanted) = (read_segment(&merged, dir.path()), read_segment(&at_once, dir.path()));
        assert_eq!(found[0].schema().fields(), table.schema().fields());
        assert_eq!(row_names(table, &found), row_names(table, &wanted));
        assert_order_and_bounds(table, &merged, &found);
        let same = SegmentMeta {
            n_bytes: merged.n_bytes,
            checksums_crc: merged.checksums_crc,
            id: 2,
            path: merged.path.clone(),
            ..(*at_once).clone()
        };
        assert_eq!(merged, same);
        let stopped = merge(&inputs, 3, dir.path(), &NoFaults, &|| true).expect_err("stopped");
        assert!(matches!(stopped, crate::Error::Closed), "{stopped}");
        assert_eq!(fs::list_files(&fs::segment_dir(dir.path(), table)).expect("list").len(), 2 * 6);
    }
}

fn assert_order_and_bounds(table: Table, segment: &SegmentMeta, found: &[RecordBatch]) {
    let (major, time) = match table {
        Table::Spans => ("trace_id", "start_time"),
        Table::MetricPoints => ("name", "time"),
        _ => ("service", "time"),
    };
    let mut last = (Vec::new(), i64::MIN);
    for batch in found {
        let times = batch[time].as_primitive::<TimestampNanosecondType>();
        for row in 0..batch.num_rows() {
            let key = match table {
                Table::Spans => batch[major].as_fixed_size_binary().value(row).to_vec(),
                _ => batch[major].as_string::<i32>().value(row).as_bytes().to_vec(),
            };
            let key = (key, times.value(row));
            assert!(last <= key, "{table:?} is not sorted");
            assert!((segment.time_min..=segment.time_max).contains(&key.1));
            last = key;
        }
    }
}
