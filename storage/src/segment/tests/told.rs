//! Attributes that a promoted column tells.

use super::{columns_of, read_segment};
use crate::faults::NoFaults;
use crate::ids::Table;
use crate::segment::{SegmentMeta, SegmentSource, merge, write};
use crate::test_rows::{T0, TestRecord, texts};
use crate::{Signal, fs};
use arrow::array::{Array, AsArray, Int64Array, MapBuilder, RecordBatch, StringArray, StringBuilder};
use std::sync::Arc;

/// Spans with a route and a status each, and the columns of these; one row may lack its column's route.
fn with_promoted(id: u32, odd: Option<usize>) -> RecordBatch {
    let record = TestRecord { signal: Signal::Traces, id, n_rows: 100, received_at: T0 + i64::from(id) };
    let mut maps = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    for row in 0..record.n_rows {
        maps.keys().append_value("http.route");
        maps.values().append_value(format!("/{}", row % 3));
        maps.keys().append_value("http.response.status_code");
        maps.values().append_value((200 + row % 7).to_string());
        maps.append(true).expect("as many keys as values");
    }
    let routes = (0..100).map(|row| (odd != Some(row)).then(|| format!("/{}", row % 3)));
    let batch = record.columns().batch().clone();
    let mut columns = batch.columns().to_vec();
    let place = |name: &str| batch.schema().index_of(name).expect("a column");
    columns[place("attributes")] = Arc::new(maps.finish());
    columns[place("attributes_types")] = texts(&["si"; 100]);
    columns[place("http_route")] = Arc::new(routes.collect::<StringArray>());
    columns[place("http_response_status_code")] =
        Arc::new((0..100).map(|row| Some(200 + row % 7)).collect::<Int64Array>());
    RecordBatch::try_new(batch.schema(), columns).expect("the schema is the table's")
}

/// Spans that have neither the attributes nor what is promoted of them.
fn without_any(id: u32) -> RecordBatch {
    let record = TestRecord { signal: Signal::Traces, id, n_rows: 50, received_at: T0 + 4 };
    let batch = record.columns().batch().clone();
    let mut columns = batch.columns().to_vec();
    let place = batch.schema().index_of("http_response_status_code").expect("a column");
    columns[place] = Arc::new(Int64Array::new_null(50));
    RecordBatch::try_new(batch.schema(), columns).expect("the schema is the table's")
}

/// Scenario: segments whose promoted column is the attribute's, in all rows or in all but one, or that have
/// no such attribute at all, are merged.
/// Guarantees: the attribute's column is left out where all rows of the segment, or of all inputs, are
/// alike, and only there; every attribute comes back.
#[test]
fn a_told_attribute_has_no_column() {
    let dir = tempfile::tempdir().expect("temporary directory");
    fs::create_layout(dir.path()).expect("layout");
    let batches =
        [with_promoted(1, None), with_promoted(2, None), with_promoted(3, Some(50)), without_any(4)];
    let written: Vec<_> = (1..)
        .zip(&batches)
        .map(|(id, batch)| {
            let (table, batches) = (Table::Spans, std::slice::from_ref(batch));
            let source = SegmentSource { id, table, batches, n_bytes: 1 << 20, received_max: T0 };
            Arc::new(write(&source, dir.path(), &NoFaults).expect("write"))
        })
        .collect();
    let merge = |id, inputs: &[&Arc<SegmentMeta>]| {
        let inputs: Vec<_> = inputs.iter().copied().map(Arc::clone).collect();
        Arc::new(merge(&inputs, id, dir.path(), &NoFaults, &|| false).expect("merge"))
    };
    let told = merge(11, &[&written[0], &written[1], &written[3]]);
    let again = merge(12, &[&told, &written[1]]);
    let mixed = merge(13, &[&written[0], &written[2]]);
    for (segment, inputs, is_told) in [
        (&written[0], &[0][..], true),
        (&written[2], &[2], false),
        (&told, &[0, 1, 3], true),
        (&mixed, &[0, 2], false),
        (&again, &[0, 1, 3, 1], true),
    ] {
        let columns = columns_of(segment, dir.path());
        assert_eq!(columns.contains(&"attributes.http.route".to_owned()), !is_told, "{columns:?}");
        assert!(!columns.iter().any(|name| name.starts_with("attributes.http.response")), "{columns:?}");
        let found = read_segment(segment, dir.path());
        assert_eq!(maps_of(&found), maps_of(inputs.iter().map(|&input| &batches[input])));
    }
}

/// The attributes of spans with their routes, sorted.
fn maps_of<'a>(batches: impl IntoIterator<Item = &'a RecordBatch>) -> Vec<String> {
    let of_batch = |batch: &'a RecordBatch| {
        let row = |row| {
            let entries = batch["attributes"].as_map().value(row);
            let text =
                |idx: usize| entries.column(idx).as_string::<i32>().iter().flatten().collect::<Vec<_>>();
            format!("{:?} {:?} {:?}", text(0), text(1), batch["http_route"].as_string::<i32>().is_valid(row))
        };
        (0..batch.num_rows()).map(row).collect::<Vec<_>>()
    };
    let mut maps: Vec<String> = batches.into_iter().flat_map(of_batch).collect();
    maps.sort();
    maps
}
