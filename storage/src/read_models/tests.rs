//! The read models against brute force, and histograms against sorted lists.

use super::*;
use crate::test_rows::{SECOND, T0, TestRecord, batch, texts, times};
use crate::{Signal, schema};
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Int64Type, TimestampNanosecondType, UInt64Type};
use hdrhistogram::Histogram;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Bucket, and all that tells cells apart, as text.
type CellKey = (i64, Vec<String>);
/// Spans, errors, both adjusted, sum, histogram.
type CellValue = ([u64; 4], i64, Vec<u8>);
/// The cells of a table.
pub(crate) type CellsOfTable = BTreeMap<CellKey, CellValue>;

/// The tables that are made of spans alone.
pub(crate) fn red_tables() -> impl Iterator<Item = Table> {
    Resolution::ALL.into_iter().flat_map(|resolution| [Table::Red(resolution), Table::ServiceRed(resolution)])
}

/// The columns that tell cells apart, but for the bucket, and those of spans that they come from.
fn key_columns(table: Table) -> &'static [(&'static str, &'static str)] {
    match table {
        Table::Red(_) => &[
            ("service", "service"),
            ("operation", "name"),
            ("kind", "kind"),
            ("is_entry", "is_entry"),
            ("status_class", "status_class"),
            ("service_version", "service_version"),
            ("environment", "environment"),
            ("instance", "service_instance_id"),
        ],
        Table::ServiceRed(_) => {
            &[("service", "service"), ("service_version", "service_version"), ("environment", "environment")]
        }
        other => panic!("{other:?} is not made of spans alone"),
    }
}

fn cell_text(rows: &RecordBatch, name: &str, row: usize) -> String {
    let column = &rows[name];
    match column.as_boolean_opt() {
        _ if column.is_null(row) => String::new(),
        Some(flags) => flags.value(row).to_string(),
        None => column.as_string::<i32>().value(row).to_owned(),
    }
}

/// As a person would say it who has the conventions before them.
fn status_class(spans: &RecordBatch, row: usize) -> String {
    let http = spans["http_response_status_code"].as_primitive::<Int64Type>();
    match http.is_valid(row).then(|| http.value(row)) {
        Some(status @ 100..600) => format!("{}xx", status / 100),
        _ => cell_text(spans, "rpc_response_status_code", row),
    }
}

/// A table's cells as one would write them down.
pub(crate) fn brute_force(table: Table, spans: &[RecordBatch]) -> CellsOfTable {
    let width = table.resolution().expect("a read model").bucket_ns();
    let mut cells: BTreeMap<CellKey, ([u64; 4], Vec<i64>)> = BTreeMap::new();
    for spans in spans {
        let end = spans["end_time"].as_primitive::<TimestampNanosecondType>();
        let duration = spans["duration_ns"].as_primitive::<Int64Type>();
        for row in 0..spans.num_rows() {
            if matches!(table, Table::ServiceRed(_)) && !spans["is_entry"].as_boolean().value(row) {
                continue;
            }
            let bucket = end.value(row) - end.value(row).rem_euclid(width);
            let key = key_columns(table).iter().map(|(_, name)| match *name {
                "status_class" => status_class(spans, row),
                name => cell_text(spans, name, row),
            });
            let cell = cells.entry((bucket, key.collect())).or_default();
            let is_error = u64::from(spans["is_error"].as_boolean().value(row));
            let weight = match cell_text(spans, "trace_state", row).as_str() {
                "ot=th:8" => 2 << 16,
                "ot=p:3" => 8 << 16,
                _ => 1 << 16,
            };
            for (sum, more) in cell.0.iter_mut().zip([1, is_error, weight, is_error * weight]) {
                *sum += more;
            }
            cell.1.push(duration.value(row));
        }
    }
    let value = |(counts, durations): ([u64; 4], Vec<i64>)| {
        let mut histogram = DurationHistogram::default();
        durations.iter().for_each(|&duration| histogram.record(duration));
        (counts, durations.iter().sum(), histogram.encode())
    };
    cells.into_iter().map(|(key, cell)| (key, value(cell))).collect()
}

/// Rows of a table, those of equal keys merged.
pub(crate) fn merged(table: Table, rows: &[RecordBatch]) -> CellsOfTable {
    let mut cells: BTreeMap<CellKey, ([u64; 4], i64, DurationHistogram)> = BTreeMap::new();
    for rows in rows {
        let bucket = rows["bucket"].as_primitive::<TimestampNanosecondType>();
        let counts = ["n_spans", "n_errors", "n_spans_adjusted_q16", "n_errors_adjusted_q16"];
        let counts = counts.map(|name| rows[name].as_primitive::<UInt64Type>());
        for row in 0..rows.num_rows() {
            let key = key_columns(table).iter().map(|(name, _)| cell_text(rows, name, row));
            let cell = cells.entry((bucket.value(row), key.collect())).or_default();
            for (sum, counts) in cell.0.iter_mut().zip(counts) {
                *sum += counts.value(row);
            }
            cell.1 += rows["sum_ns"].as_primitive::<Int64Type>().value(row);
            let hdr = rows["duration_hdr"].as_binary::<i32>().value(row);
            cell.2.add_encoded(hdr).expect("own encoding");
        }
    }
    cells.into_iter().map(|(key, (counts, sum, hdr))| (key, (counts, sum, hdr.encode()))).collect()
}

/// Rows that one generation has of a table.
fn rows_of(models: &ReadModels, table: Table) -> Vec<RecordBatch> {
    models.cells(table).and_then(|cells| cells.to_batch()).into_iter().collect()
}

fn traces(records: &[(u32, u32)]) -> Vec<RecordBatch> {
    let record = |&(id, n_rows)| TestRecord { signal: Signal::Traces, id, n_rows, received_at: T0 };
    records.iter().map(|record_of| record(record_of).columns().batch().clone()).collect()
}

proptest! {
    /// Scenario: spans of any size of request are summed up, with a snapshot taken in between.
    /// Guarantees: the cells of every resolution are those that brute force gives, one row each, and the snapshot
    /// stays as it was.
    #[test]
    fn cells_equal_brute_force(records in prop::collection::vec((0_u32..1000, 0_u32..60), 1..8)) {
        let spans = traces(&records);
        let mut models = ReadModels::default();
        let (early, late) = spans.split_at(spans.len() / 2);
        early.iter().for_each(|spans| models.merge(Delta::of(Signal::Traces, spans)));
        let snapshots: Vec<_> = red_tables().map(|table| (table, models.cells(table))).collect();
        late.iter().for_each(|spans| models.merge(Delta::of(Signal::Traces, spans)));
        for (table, snapshot) in snapshots {
            let rows = snapshot.and_then(|cells| cells.to_batch());
            prop_assert_eq!(merged(table, rows.as_slice()), brute_force(table, early));
            let rows = rows_of(&models, table);
            let n_rows: usize = rows.iter().map(RecordBatch::num_rows).sum();
            let wanted = brute_force(table, &spans);
            prop_assert_eq!(n_rows, wanted.len());
            prop_assert_eq!(merged(table, &rows), wanted);
        }
        prop_assert_eq!(models.n_spans_overflow(), 0);
    }

    /// Scenario: the same spans in any order, cut into requests and generations anywhere.
    /// Guarantees: the cells of all parts together are those of one ordered pass.
    #[test]
    fn order_and_seams_do_not_matter(
        id in 0_u32..1000,
        n_rows in 1_u32..120,
        seams in prop::collection::vec((0_usize..120, any::<bool>()), 0..6),
    ) {
        let whole = traces(&[(id, n_rows)]).remove(0);
        let mut at: Vec<(usize, bool)> =
            seams.into_iter().map(|(seam, is_new)| (seam.min(whole.num_rows()), is_new)).collect();
        at.extend([(0, true), (whole.num_rows(), true)]);
        at.sort_unstable();
        let mut parts: Vec<(RecordBatch, bool)> =
            at.windows(2).map(|pair| (whole.slice(pair[0].0, pair[1].0 - pair[0].0), pair[0].1)).collect();
        parts.reverse();
        let mut generations = vec![ReadModels::default()];
        for (part, is_new) in &parts {
            if *is_new {
                generations.push(ReadModels::default());
            }
            let last = generations.last_mut().expect("one at least");
            last.merge(Delta::of(Signal::Traces, part));
        }
        for table in red_tables() {
            let rows: Vec<RecordBatch> =
                generations.iter().flat_map(|generation| rows_of(generation, table)).collect();
            prop_assert_eq!(merged(table, &rows), brute_force(table, std::slice::from_ref(&whole)));
        }
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

    /// Scenario: any durations in any order, some beyond the range, in three encoded parts.
    /// Guarantees: slots, quantiles and counts are those of the reference implementation of HDR histograms, dense
    /// and sparse.
    #[test]
    fn histograms_equal_the_reference(
        durations in prop::collection::vec((0_u32..45).prop_flat_map(|bits| -3_i64..=(1 << bits)), 1..200),
        quantiles in prop::array::uniform5(0.0_f64..=1.0),
    ) {
        let mut reference = Histogram::<u64>::new_with_bounds(1_000, 3_600_000_000_000, 2).expect("bounds");
        let (mut dense, mut sparse) = (DurationHistogram::default(), SparseHistogram::default());
        for part in durations.chunks(durations.len().div_ceil(3)) {
            let mut own = (DurationHistogram::default(), SparseHistogram::default());
            for &duration in part {
                own.0.record(duration);
                own.1.record(duration);
                reference.saturating_record(u64::try_from(duration).unwrap_or(0).min(3_600_000_000_000));
            }
            prop_assert_eq!(own.0.encode(), own.1.encode());
            dense.add_encoded(&own.1.encode()).expect("own encoding");
            sparse.add_encoded(&own.0.encode()).expect("own encoding");
        }
        prop_assert_eq!(dense.encode(), sparse.encode());
        prop_assert_eq!(DurationHistogram::from(&sparse).encode(), sparse.encode());
        let mut quantiles = quantiles;
        quantiles.sort_by(f64::total_cmp);
        let wanted = quantiles.map(|quantile| {
            i64::try_from(reference.median_equivalent(reference.value_at_quantile(quantile))).ok()
        });
        prop_assert_eq!(dense.quantiles_ns(quantiles), wanted);
        prop_assert_eq!(sparse.quantiles_ns(quantiles), wanted);
        prop_assert_eq!(quantiles.map(|quantile| dense.quantile_ns(quantile)), wanted);
        for &duration in &durations {
            let clamped = u64::try_from(duration).unwrap_or(0).min(3_600_000_000_000);
            let wanted = if duration < 0 { 0 } else { reference.count_between(0, clamped) };
            prop_assert_eq!(dense.n_at_most(duration), wanted);
        }
        dense.clear();
        prop_assert_eq!(dense.encode(), DurationHistogram::default().encode());
        prop_assert_eq!(dense.quantile_ns(0.5), None);
    }
}

/// Server spans, one for each operation and instance, of one service.
fn spans_of(service: &str, operations: &[String], instances: &[String]) -> RecordBatch {
    let n_rows = operations.len();
    batch(
        schema::spans(),
        n_rows,
        vec![
            ("name", texts(operations)),
            ("kind", texts(&vec!["server"; n_rows])),
            ("is_entry", Arc::new(BooleanArray::from(vec![true; n_rows])) as ArrayRef),
            ("service", texts(&vec![service; n_rows])),
            ("service_instance_id", Arc::new(StringArray::from_iter_values(instances)) as ArrayRef),
            ("end_time", times(&vec![T0; n_rows])),
            ("duration_ns", Arc::new(Int64Array::from(vec![5; n_rows])) as ArrayRef),
        ],
    )
}

fn numbered(prefix: &str, n: usize) -> Vec<String> {
    (0..n).map(|n| format!("{prefix}{n}")).collect()
}

/// Scenario: a service puts an id into every operation, and others with a few come after it.
/// Guarantees: the greedy service keeps a thousand operations, the rest share one name of its own; every operation of
/// the others is there; no span is uncounted, and what was given up is told.
#[test]
fn a_greedy_service_pushes_nobody_out() {
    let greedy = spans_of("greedy", &numbered("GET /order/", 12_000), &vec![String::new(); 12_000]);
    let mut models = ReadModels::default();
    models.merge(Delta::of(Signal::Traces, &greedy));
    for service in numbered("modest-", 20) {
        let modest = spans_of(&service, &numbered("GET /", 50), &vec!["one".to_owned(); 50]);
        models.merge(Delta::of(Signal::Traces, &modest));
    }
    let table = Table::Red(Resolution::TenSeconds);
    let rows = merged(table, &rows_of(&models, table));
    let n_of = |service: &str| rows.keys().filter(|(_, key)| key[0] == service).count();
    assert_eq!((n_of("greedy"), n_of("modest-19")), (1_001, 50));
    assert_eq!(rows.values().map(|cell| cell.0[0]).sum::<u64>(), 12_000 + 20 * 50);
    let other = rows.iter().find(|((_, key), _)| key[1] == OTHERS).expect("overflow");
    assert_eq!((other.0.1[0].as_str(), other.1.0[0]), ("greedy", 11_000));
    assert_eq!(models.n_spans_overflow(), 11_000);
}

/// Scenario: a service has an instance for every span; then all services together have more series than are kept.
/// Guarantees: instances are given up before operations, and services last; the services as a whole are all there;
/// no span is uncounted.
#[test]
fn what_tells_least_is_given_up_first() {
    let mut models = ReadModels::default();
    let instances = spans_of("short-lived", &vec!["GET /".to_owned(); 8_000], &numbered("pod-", 8_000));
    models.merge(Delta::of(Signal::Traces, &instances));
    let (fine, coarse) = (Table::Red(Resolution::TenSeconds), Table::Red(Resolution::Hour));
    let rows = merged(fine, &rows_of(&models, fine));
    assert_eq!(rows.len(), 5_001);
    let other = rows.iter().find(|((_, key), _)| key[7] == OTHERS).expect("overflow");
    assert_eq!((other.0.1[1].as_str(), other.1.0[0]), ("GET /", 3_000));

    for service in numbered("service-", 400) {
        let spans = spans_of(&service, &numbered("GET /", 300), &vec!["one".to_owned(); 300]);
        models.merge(Delta::of(Signal::Traces, &spans));
    }
    let rows = merged(coarse, &rows_of(&models, coarse));
    assert!(rows.len() <= 100_002, "{} series", rows.len());
    assert_eq!(rows.values().map(|cell| cell.0[0]).sum::<u64>(), 8_000 + 400 * 300);
    let has = |service: &str| rows.keys().any(|(_, key)| key[0] == service);
    assert!(has("service-0") && has("service-399"), "services are not given up before operations");
    assert!(rows.keys().any(|(_, key)| key[1] == OTHERS));
    let services = Table::ServiceRed(Resolution::Minute);
    let rows = merged(services, &rows_of(&models, services));
    assert_eq!((rows.len(), rows.values().map(|cell| cell.0[0]).sum::<u64>()), (401, 8_000 + 400 * 300));
}
