//! What is written is what is read: order, bounds and rows of a segment.

mod told;

use super::*;
use crate::attributes::{WideTable, whole};
use crate::faults::NoFaults;
use crate::ids::Table;
use crate::read_models::tests::merged;
use crate::read_models::{Delta, ReadModels, Resolution};
use crate::test_rows::{T0, TestRecord, row_names, texts};
use crate::{Signal, fs};
use arrow::array::{AsArray, MapBuilder, RecordBatch, StringBuilder};
use arrow::compute::{
    SortColumn, concat_batches, lexsort_to_indices, sort_to_indices, take, take_record_batch,
};
use arrow::datatypes::TimestampNanosecondType;
use arrow::row::{RowConverter, SortField};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// Every row of a segment, read from its file.
pub(crate) fn read_segment(segment: &SegmentMeta, data_dir: &Path) -> Vec<RecordBatch> {
    let file = File::open(segment.file_path(data_dir)).expect("open segment");
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).expect("parquet");
    let schema = Arc::clone(builder.schema());
    let reader = builder.build().expect("reader");
    let batches = reader.map(|batch| whole(&batch.expect("read segment"), &schema, segment.table));
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

/// Rows of the logs table, each with two attributes that all have.
fn with_attributes(id: u32) -> RecordBatch {
    let record = TestRecord { signal: Signal::Logs, id, n_rows: 100, received_at: T0 + i64::from(id) };
    let mut maps = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    for row in 0..record.n_rows {
        maps.keys().append_value("n");
        maps.values().append_value(row.to_string());
        maps.keys().append_value("route");
        maps.values().append_value(format!("/{}", row % 3));
        maps.append(true).expect("as many keys as values");
    }
    let batch = record.columns().batch().clone();
    let mut columns = batch.columns().to_vec();
    let place = |name: &str| batch.schema().index_of(name).expect("a column");
    columns[place("attributes")] = Arc::new(maps.finish());
    columns[place("attributes_types")] = texts(&vec!["is"; record.n_rows as usize]);
    RecordBatch::try_new(batch.schema(), columns).expect("the schema is the table's")
}

/// Scenario: a segment of a program that kept maps whole and counted nothing is merged with one of today.
/// Guarantees: the older one is read as it is; the merged one has columns for the keys of both, and every
/// attribute of every row.
#[test]
fn segments_with_whole_maps_are_merged() {
    let dir = tempfile::tempdir().expect("temporary directory");
    fs::create_layout(dir.path()).expect("layout");
    let batches = [with_attributes(1), with_attributes(2)];
    let write = |id: u64, batches: &[RecordBatch]| {
        let received_max = received_max(Table::Logs, batches).expect("raw rows say");
        let source = SegmentSource { id, table: Table::Logs, batches, n_bytes: 1 << 20, received_max };
        Arc::new(write(&source, dir.path(), &NoFaults).expect("write"))
    };
    let (at_once, new) = (write(1, &batches), write(2, &batches[..1]));
    let old = write_narrow(3, &batches[1], WideTable::plain(Table::Logs), dir.path());
    let merged = merge(&[new, old], 4, dir.path(), &NoFaults, &|| false).expect("merge");
    assert_eq!(columns_of(&merged, dir.path()), columns_of(&at_once, dir.path()));
    assert!(columns_of(&merged, dir.path()).contains(&"attributes.n:int".to_owned()));
    let rows =
        |segment| concat_batches(&Table::Logs.schema(), &read_segment(segment, dir.path())).expect("one");
    let ids = |rows: &RecordBatch| row_names(Table::Logs, std::slice::from_ref(rows));
    let (found, wanted) = (rows(&merged), rows(&at_once));
    assert_eq!(ids(&found), ids(&wanted));
    for name in ["attributes", "attributes_types"] {
        let sorted = |rows: &RecordBatch| {
            let order = sort_to_indices(&rows["body"], None, None).expect("sorts");
            take(&rows[name], &order, None).expect("takes")
        };
        assert_eq!(&sorted(&found), &sorted(&wanted), "{name}");
    }
}

/// A segment with the columns of the table, as programs wrote them before.
fn write_narrow(id: u64, batch: &RecordBatch, narrow: WideTable, dir: &Path) -> Arc<SegmentMeta> {
    let written = write::create(narrow, id, dir, &NoFaults, |writer| {
        let order = lexsort_to_indices(
            &[&batch["service"], &batch["time"]]
                .map(|column| SortColumn { values: Arc::clone(column), options: None }),
            None,
        )?;
        writer.write(&take_record_batch(batch, &order)?)
    });
    let written = written.expect("write");
    Arc::new(SegmentMeta {
        id,
        table: Table::Logs,
        path: written.path,
        n_rows: batch.num_rows() as u64,
        n_bytes: written.n_bytes,
        time_min: i64::MIN,
        time_max: i64::MAX,
        received_max: T0,
        checksums_crc: Some(written.checksums_crc),
    })
}

fn columns_of(segment: &SegmentMeta, dir: &Path) -> Vec<String> {
    let file = File::open(segment.file_path(dir)).expect("open segment");
    let schema = Arc::clone(ParquetRecordBatchReaderBuilder::try_new(file).expect("parquet").schema());
    schema.fields().iter().map(|field| field.name().clone()).collect()
}

const RED: Table = Table::Red(Resolution::TenSeconds);

/// Rows as a read model has them of spans, a batch per record.
fn red_batches() -> Vec<RecordBatch> {
    let red = |id| {
        let record = TestRecord { signal: Signal::Traces, id, n_rows: 500, received_at: T0 };
        let (columns, mut models) = (record.columns(), ReadModels::default());
        models.merge(Delta::of(Signal::Traces, columns.batch()));
        models.cells(RED).and_then(|cells| cells.to_batch()).expect("spans make cells")
    };
    (1..4).map(red).collect()
}

/// Scenario: batches of a read model become segments, and these one.
/// Guarantees: every cell comes back, sorted; bounds are true; merged, there is one row a cell.
#[test]
fn cells_of_a_read_model_come_back_sorted_and_bounded() {
    let dir = tempfile::tempdir().expect("temporary directory");
    fs::create_layout(dir.path()).expect("layout");
    let batches = red_batches();
    let write = |id: u64, batches: &[RecordBatch]| {
        let source = SegmentSource { id, table: RED, batches, n_bytes: 1 << 20, received_max: T0 };
        let segment = Arc::new(write(&source, dir.path(), &NoFaults).expect("write"));
        let found = read_segment(&segment, dir.path());
        assert_eq!(merged(RED, &found), merged(RED, batches));
        assert_order_and_bounds(RED, &segment, &found);
        segment
    };
    let at_once = write(1, &batches);
    let inputs: Vec<_> =
        (10..).zip(&batches).map(|(id, batch)| write(id, std::slice::from_ref(batch))).collect();
    let of_inputs = merge(&inputs, 2, dir.path(), &NoFaults, &|| false).expect("merge");
    let found = read_segment(&of_inputs, dir.path());
    let wanted = merged(RED, &batches);
    assert_eq!(merged(RED, &found), wanted);
    assert_order_and_bounds(RED, &of_inputs, &found);
    assert_eq!((of_inputs.time_min, of_inputs.time_max), (at_once.time_min, at_once.time_max));
    let n_found: usize = found.iter().map(RecordBatch::num_rows).sum();
    assert_eq!((n_found, of_inputs.n_rows), (wanted.len(), wanted.len() as u64));
    assert!(of_inputs.n_rows < at_once.n_rows, "the records have cells in common");
}

fn assert_order_and_bounds(table: Table, segment: &SegmentMeta, found: &[RecordBatch]) {
    let keys: &[&str] = match table {
        Table::Spans => &["trace_id", "start_time"],
        Table::Logs => &["service", "time"],
        Table::MetricPoints => &["name", "series_id", "time"],
        _ => key_columns(table),
    };
    let found = concat_batches(&found[0].schema(), found).expect("one schema");
    let columns: Vec<_> = keys.iter().map(|key| Arc::clone(&found[*key])).collect();
    let fields = columns.iter().map(|column| SortField::new(column.data_type().clone())).collect();
    let rows =
        RowConverter::new(fields).expect("types with an order").convert_columns(&columns).expect("rows");
    assert!(rows.iter().is_sorted(), "{table:?} is not sorted");
    let times = columns[keys.len() - 1].as_primitive::<TimestampNanosecondType>();
    for &time in times.values() {
        assert!((segment.time_min..=segment.time_max).contains(&time), "{table:?}: {time}");
    }
}
