//! Folded rows against the sums of the rows they were.

use super::*;
use crate::read_models::DurationHistogram;
use crate::read_models::resolution::Resolution;
use crate::test_rows::{batch, texts, times};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn hdr(durations: &[i64]) -> Vec<u8> {
    let mut histogram = DurationHistogram::default();
    durations.iter().for_each(|duration| histogram.record(*duration));
    histogram.encode()
}

/// Rows of `service_red`: service, bucket, spans, duration.
fn rows(cells: &[(String, i64, u64, i64)]) -> RecordBatch {
    let histograms: Vec<Vec<u8>> = cells.iter().map(|cell| hdr(&[cell.3])).collect();
    let histograms = BinaryArray::from_iter_values(histograms.iter());
    batch(
        Table::ServiceRed(Resolution::TenSeconds).schema(),
        cells.len(),
        vec![
            ("service", texts(&cells.iter().map(|cell| cell.0.clone()).collect::<Vec<_>>())),
            ("bucket", times(&cells.iter().map(|cell| cell.1).collect::<Vec<_>>())),
            ("n_spans", Arc::new(UInt64Array::from_iter_values(cells.iter().map(|cell| cell.2)))),
            ("sum_ns", Arc::new(Int64Array::from_iter_values(cells.iter().map(|cell| cell.3)))),
            ("duration_hdr", Arc::new(histograms)),
        ],
    )
}

proptest! {
    /// Scenario: sorted cells with many equal keys come in batches of any size, empty ones among them.
    /// Guarantees: there is one row a key, with the sums of its rows, whatever the seams between batches.
    #[test]
    fn rows_of_a_key_become_one(
        mut cells in prop::collection::vec(("[ab]", 0_i64..4, 0_u64..9, 0_i64..1 << 40), 0..60),
        seams in prop::collection::vec(0_usize..60, 0..9),
    ) {
        cells.sort();
        let table = Table::ServiceRed(Resolution::TenSeconds);
        let mut folder = Folder::of(table).expect("a read model");
        let mut seams: Vec<usize> = seams.into_iter().map(|seam| seam.min(cells.len())).collect();
        seams.extend([0, cells.len()]);
        seams.sort_unstable();
        let parts = seams.windows(2).map(|seams| rows(&cells[seams[0]..seams[1]]));
        let mut folded: Vec<RecordBatch> = parts.map(|rows| folder.add(&rows).expect("folds")).collect();
        folded.extend(folder.finish());
        let folded = concat_batches(&table.schema(), &folded).expect("one schema");

        let mut wanted: BTreeMap<(String, i64), (u64, Vec<i64>)> = BTreeMap::new();
        for (service, bucket, n, duration) in cells {
            let cell = wanted.entry((service, bucket)).or_default();
            cell.0 += n;
            cell.1.push(duration);
        }
        prop_assert_eq!(folded.num_rows(), wanted.len());
        for (row, ((service, bucket), (n, durations))) in wanted.into_iter().enumerate() {
            prop_assert_eq!(folded["service"].as_string::<i32>().value(row), service);
            prop_assert_eq!(folded["bucket"].as_primitive::<TimestampNanosecondType>().value(row), bucket);
            prop_assert_eq!(folded["n_spans"].as_primitive::<UInt64Type>().value(row), n);
            let sum: i64 = durations.iter().sum();
            prop_assert_eq!(folded["sum_ns"].as_primitive::<Int64Type>().value(row), sum);
            prop_assert_eq!(folded["duration_hdr"].as_binary::<i32>().value(row), hdr(&durations));
        }
    }
}

/// Scenario: two rows of one instance, and every column of every read model.
/// Guarantees: the first and the last time of both is kept; every column that is no key can be folded.
#[test]
fn every_column_has_a_rule() {
    let seen = |n: u64, first_at: i64, last_at: i64| {
        batch(
            Table::ServiceSeen.schema(),
            1,
            vec![
                ("n_items", Arc::new(UInt64Array::from(vec![n])) as ArrayRef),
                ("first_at", times(&[first_at])),
                ("last_at", times(&[last_at])),
            ],
        )
    };
    let mut folder = Folder::of(Table::ServiceSeen).expect("a read model");
    for rows in [seen(u64::MAX - 1, 5, 6), seen(2, 3, 4)] {
        assert_eq!(folder.add(&rows).expect("folds").num_rows(), 0);
    }
    assert_eq!(folder.finish(), Some(seen(u64::MAX, 3, 6)));
    for table in Table::read_models() {
        for name in key_columns(table) {
            assert!(table.schema().field_with_name(name).is_ok(), "{table:?} {name}");
        }
        for field in table.schema().fields() {
            let is_number = matches!(field.data_type(), DataType::UInt64 | DataType::Int64);
            assert_eq!(Rule::of(table, field) == Rule::Sum, is_number, "{table:?} {}", field.name());
        }
    }
    assert!(Folder::of(Table::Spans).is_none());
}
