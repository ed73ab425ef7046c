//! The read model against brute force, and histograms against sorted lists.

use super::*;
use crate::test_rows::{SECOND, T0, TestRecord, batch, texts, times};
use crate::{Signal, schema};
use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampNanosecondType, UInt64Type};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Bucket, service, operation, kind, entry, version.
type CellKey = (i64, String, String, String, bool, String);
/// Spans, errors, sum, histogram.
type CellValue = (u64, u64, i64, Vec<u8>);

/// The read model as one would write it down.
pub(crate) fn brute_force(spans: &[RecordBatch]) -> BTreeMap<CellKey, CellValue> {
    let mut durations: BTreeMap<CellKey, (u64, Vec<i64>)> = BTreeMap::new();
    for spans in spans {
        let text = |name: &str, row: usize| {
            let column = spans.column_by_name(name).expect("column").as_string::<i32>();
            if column.is_null(row) { String::new() } else { column.value(row).to_owned() }
        };
        let flag =
            |name: &str, row: usize| spans.column_by_name(name).expect("column").as_boolean().value(row);
        let end = spans.column_by_name("end_time").expect("column").as_primitive::<TimestampNanosecondType>();
        let duration = spans.column_by_name("duration_ns").expect("column").as_primitive::<Int64Type>();
        for row in 0..spans.num_rows() {
            let bucket = end.value(row) - end.value(row).rem_euclid(10 * SECOND);
            let key = (
                bucket,
                text("service", row),
                text("name", row),
                text("kind", row),
                flag("is_entry", row),
                text("service_version", row),
            );
            let cell = durations.entry(key).or_default();
            cell.0 += u64::from(flag("is_error", row));
            cell.1.push(duration.value(row));
        }
    }
    durations
        .into_iter()
        .map(|(key, (n_errors, durations))| (key, cell_value(n_errors, &durations)))
        .collect()
}

fn cell_value(n_errors: u64, durations: &[i64]) -> CellValue {
    let mut histogram = DurationHistogram::default();
    durations.iter().for_each(|&duration| histogram.record(duration));
    (durations.len() as u64, n_errors, durations.iter().sum(), histogram.encode())
}

/// Rows of the red table, those of equal keys merged.
pub(crate) fn merged(red: &[RecordBatch]) -> BTreeMap<CellKey, CellValue> {
    let mut cells: BTreeMap<CellKey, (u64, u64, i64, DurationHistogram)> = BTreeMap::new();
    for red in red {
        let text = |name: &str, row: usize| {
            red.column_by_name(name).expect("column").as_string::<i32>().value(row).to_owned()
        };
        let count = |name: &str, row: usize| {
            red.column_by_name(name).expect("column").as_primitive::<UInt64Type>().value(row)
        };
        for row in 0..red.num_rows() {
            let bucket =
                red.column_by_name("bucket").expect("column").as_primitive::<TimestampNanosecondType>();
            let is_entry = red.column_by_name("is_entry").expect("column").as_boolean().value(row);
            let key = (
                bucket.value(row),
                text("service", row),
                text("operation", row),
                text("kind", row),
                is_entry,
                text("service_version", row),
            );
            let cell = cells.entry(key).or_default();
            cell.0 += count("n_spans", row);
            cell.1 += count("n_errors", row);
            cell.2 += red.column_by_name("sum_ns").expect("column").as_primitive::<Int64Type>().value(row);
            let hdr = red.column_by_name("duration_hdr").expect("column").as_binary::<i32>().value(row);
            cell.3.add_encoded(hdr).expect("own encoding");
        }
    }
    cells.into_iter().map(|(key, (n, errors, sum, hdr))| (key, (n, errors, sum, hdr.encode()))).collect()
}

proptest! {
    /// Scenario: spans of any size of request are summed up, with a snapshot taken in between.
    /// Guarantees: the cells are those that brute force gives, and the snapshot stays as it was.
    #[test]
    fn cells_equal_brute_force(records in prop::collection::vec((0_u32..1000, 0_u32..60), 1..8)) {
        let spans: Vec<RecordBatch> = records
            .iter()
            .map(|&(id, n_rows)| TestRecord { signal: Signal::Traces, id, n_rows, received_at: T0 }.columns())
            .map(|columns| columns.batch().clone())
            .collect();
        let mut cells = RedCells::default();
        let (early, late) = spans.split_at(spans.len() / 2);
        early.iter().for_each(|spans| cells.merge(RedDelta::of(spans)));
        let snapshot = cells.snapshot();
        late.iter().for_each(|spans| cells.merge(RedDelta::of(spans)));
        let rows = |snapshot: super::red::RedSnapshot| merged(&snapshot.to_batch().into_iter().collect::<Vec<_>>());
        prop_assert_eq!(rows(snapshot), brute_force(early));
        prop_assert_eq!(rows(cells.snapshot()), brute_force(&spans));
    }

    /// Scenario: durations over the whole range are recorded, split over two encoded histograms.
    /// Guarantees: quantiles and counts below a threshold are within 1 % (or the 1 us floor) of the
    /// sorted list, and merging loses nothing.
    #[test]
    fn quantiles_are_within_one_percent(
        mut durations in prop::collection::vec((0_u32..42).prop_flat_map(|bits| 0_i64..=(1 << bits)), 1..200),
        quantile in 0.0_f64..=1.0,
        split in 0_usize..200,
    ) {
        durations.iter_mut().for_each(|duration| *duration = (*duration).min(3_600 * SECOND));
        let (left, right) = durations.split_at(split.min(durations.len()));
        let mut histogram = DurationHistogram::default();
        for part in [left, right] {
            let mut half = DurationHistogram::default();
            part.iter().for_each(|&duration| half.record(duration));
            histogram.add_encoded(&half.encode()).expect("own encoding");
        }
        durations.sort_unstable();
        prop_assert_eq!(histogram.n_at_most(i64::MAX), durations.len() as u64);
        let rank = (quantile * durations.len() as f64).ceil().max(1.0) as usize;
        let exact = durations[rank - 1];
        let found = histogram.quantile_ns(quantile).expect("not empty");
        prop_assert!((found - exact).abs() <= exact / 100 + 1_000, "{} is not {}", found, exact);
        let clearly_below = durations.iter().filter(|&&duration| duration + duration / 100 + 1_000 < exact).count();
        let perhaps_below = durations.iter().filter(|&&duration| duration <= exact + exact / 100 + 1_000).count();
        let n = histogram.n_at_most(exact) as usize;
        prop_assert!((clearly_below..=perhaps_below).contains(&n), "{clearly_below} {n} {perhaps_below}");
    }

    /// Scenario: bytes that are no histogram are read.
    /// Guarantees: an error or a histogram, never a panic.
    #[test]
    fn foreign_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let _ = DurationHistogram::default().add_encoded(&bytes);
    }
}

/// Scenario: a service puts an id into every operation.
/// Guarantees: the series stay bounded, no span is uncounted, and what was given up is told.
#[test]
fn too_many_series_share_one_name() {
    let n_rows = 12_000;
    let names: Vec<String> = (0..n_rows).map(|n| format!("GET /order/{n}")).collect();
    let spans = batch(
        schema::spans(),
        n_rows,
        vec![
            ("name", texts(&names)),
            ("service", texts(&vec!["shop"; n_rows])),
            ("end_time", times(&vec![T0; n_rows])),
            ("duration_ns", Arc::new(Int64Array::from(vec![5; n_rows])) as ArrayRef),
        ],
    );
    let mut cells = RedCells::default();
    cells.merge(RedDelta::of(&spans));
    let rows = merged(&[cells.snapshot().to_batch().expect("rows")]);
    assert_eq!(rows.len(), 10_001);
    assert_eq!(rows.values().map(|cell| cell.0).sum::<u64>(), 12_000);
    let other = rows.iter().find(|(key, _)| key.2 == "other").expect("overflow");
    assert_eq!(other.1.0, cells.n_spans_overflow());
    assert_eq!(other.0.1, "shop");
}
