//! The read model of instances against brute force, and its bounds.

use super::*;
use crate::test_rows::{SECOND, T0, batch, texts, times};
use arrow::array::StringArray;
use arrow::datatypes::UInt64Type;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Service, version, instance, signal, hour.
type Key = (String, String, String, String, i64);
/// Items, first, last.
type Seen = (u64, i64, i64);

/// One row: service, version, instance, seconds since T0.
type Row = (&'static str, Option<&'static str>, Option<&'static str>, i64);

fn rows(signal: Signal, rows: &[Row]) -> RecordBatch {
    let services: Vec<&str> = rows.iter().map(|row| row.0).collect();
    let optional = |texts: Vec<Option<&str>>| Arc::new(StringArray::from(texts)) as ArrayRef;
    let at: Vec<i64> = rows.iter().map(|row| T0 + row.3 * SECOND).collect();
    let columns = vec![
        ("service", texts(&services)),
        ("service_version", optional(rows.iter().map(|row| row.1).collect())),
        ("service_instance_id", optional(rows.iter().map(|row| row.2).collect())),
        (time_column(signal), times(&at)),
    ];
    batch(schema::of(signal), rows.len(), columns)
}

/// Rows of the table, those of equal keys added up.
fn added(batches: &[RecordBatch]) -> BTreeMap<Key, Seen> {
    let mut all: BTreeMap<Key, Seen> = BTreeMap::new();
    for batch in batches {
        let text = |name: &str, row: usize| column(batch, name).as_string::<i32>().value(row).to_owned();
        let time =
            |name: &str, row: usize| column(batch, name).as_primitive::<TimestampNanosecondType>().value(row);
        for row in 0..batch.num_rows() {
            let (service, version) = (text("service", row), text("service_version", row));
            let key = (service, version, text("instance", row), text("signal", row), time("bucket", row));
            let n_items = column(batch, "n_items").as_primitive::<UInt64Type>().value(row);
            add(&mut all, key, (n_items, time("first_at", row), time("last_at", row)));
        }
    }
    all
}

fn add(all: &mut BTreeMap<Key, Seen>, key: Key, (n, first_at, last_at): Seen) {
    let seen = all.entry(key).or_insert((0, first_at, last_at));
    *seen = (seen.0 + n, seen.1.min(first_at), seen.2.max(last_at));
}

/// The read model as one would write it down.
fn brute_force(requests: &[(Signal, Vec<Row>)]) -> BTreeMap<Key, Seen> {
    let mut all = BTreeMap::new();
    for (signal, rows) in requests {
        for (service, version, instance, second) in rows {
            let at = T0 + second * SECOND;
            let text = |text: &Option<&str>| text.unwrap_or_default().to_owned();
            let hour = at - at.rem_euclid(3_600 * SECOND);
            let key = ((*service).to_owned(), text(version), text(instance), signal.name().to_owned(), hour);
            add(&mut all, key, (1, at, at));
        }
    }
    all
}

fn any_row() -> impl Strategy<Value = Row> {
    let service = prop::sample::select(vec!["cart", "shop"]);
    let version = prop::sample::select(vec![None, Some("1.0"), Some("2.0")]);
    let instance = prop::sample::select(vec![None, Some("a"), Some("b")]);
    (service, version, instance, -8_000_i64..8_000)
}

fn any_request() -> impl Strategy<Value = (Signal, Vec<Row>)> {
    let signal = prop::sample::select(Signal::ALL.to_vec());
    // Runs of one owner, as requests have them.
    let run = (any_row(), prop::collection::vec(-8_000_i64..8_000, 1..20));
    let rows = prop::collection::vec(run, 0..6).prop_map(|runs| {
        let of_run = |(row, seconds): (Row, Vec<i64>)| {
            seconds.into_iter().map(move |second| (row.0, row.1, row.2, second)).collect::<Vec<Row>>()
        };
        runs.into_iter().flat_map(of_run).collect::<Vec<Row>>()
    });
    (signal, rows)
}

proptest! {
    /// Scenario: requests of all signals come in any order, one of them cut in two, with a snapshot in between.
    /// Guarantees: counts, first and last moments are those that brute force gives, and the snapshot stays as it was.
    #[test]
    fn cells_equal_brute_force(
        requests in prop::collection::vec(any_request(), 0..8),
        order in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut shuffled = requests.clone();
        if !shuffled.is_empty() {
            let n = order.index(shuffled.len());
            shuffled.rotate_left(n);
            let (signal, rows) = shuffled.pop().expect("not empty");
            let (early, late) = rows.split_at(cut.index(rows.len() + 1));
            shuffled.extend([(signal, late.to_vec()), (signal, early.to_vec())]);
        }
        let mut cells = SeenCells::default();
        let half = shuffled.len() / 2;
        let merge = |cells: &mut SeenCells, requests: &[(Signal, Vec<Row>)]| {
            for (signal, request) in requests {
                cells.merge(SeenDelta::of(*signal, &rows(*signal, request)), &KnownServices::default());
            }
        };
        merge(&mut cells, &shuffled[..half]);
        let early = cells.snapshot();
        merge(&mut cells, &shuffled[half..]);
        let all = |snapshot: SeenSnapshot| added(&snapshot.to_batch().into_iter().collect::<Vec<_>>());
        prop_assert_eq!(all(early), brute_force(&shuffled[..half]));
        prop_assert_eq!(all(cells.snapshot()), brute_force(&requests));
        prop_assert_eq!(cells.n_items_overflow(), 0);
    }
}

/// Scenario: items at the ends of time.
/// Guarantees: they are counted once each, without an overflow.
#[test]
fn any_time_has_an_hour() {
    let at = [i64::MIN, i64::MIN + 1, -1, 0, i64::MAX];
    let columns = vec![("service", texts(&["cart"; 5])), ("time", times(&at))];
    let batch = batch(schema::of(Signal::Logs), 5, columns);
    let mut cells = SeenCells::default();
    cells.merge(SeenDelta::of(Signal::Logs, &batch), &KnownServices::default());
    let rows = added(&[cells.snapshot().to_batch().expect("rows")]);
    assert_eq!(rows.values().map(|seen| seen.0).sum::<u64>(), 5);
    assert_eq!(rows.len(), 4);
}

fn log_of(service: &str, instance: &str) -> RecordBatch {
    let instance: ArrayRef = Arc::new(StringArray::from(vec![Some(instance)]));
    let columns =
        vec![("service", texts(&[service])), ("service_instance_id", instance), ("time", times(&[T0]))];
    batch(schema::of(Signal::Logs), 1, columns)
}

/// Scenario: each process of one service has a random id, then another service comes.
/// Guarantees: instances stay bounded, no item is uncounted, what was given up is told, and the other keeps its own.
#[test]
fn one_service_does_not_push_out_others() {
    let mut cells = SeenCells::default();
    for n in 0..1_500 {
        cells.merge(
            SeenDelta::of(Signal::Logs, &log_of("lambda", &format!("id-{n}"))),
            &KnownServices::default(),
        );
    }
    cells.merge(SeenDelta::of(Signal::Logs, &log_of("cart", "a")), &KnownServices::default());
    let rows = added(&[cells.snapshot().to_batch().expect("rows")]);
    assert_eq!(rows.len(), 1_002);
    assert_eq!(rows.values().map(|seen| seen.0).sum::<u64>(), 1_501);
    assert_eq!(cells.n_items_overflow(), 500);
    let other = rows.iter().find(|(key, _)| key.2 == OTHERS).expect("overflow");
    assert_eq!((other.0.0.as_str(), other.1.0), ("lambda", 500));
    assert!(rows.keys().any(|key| key.0 == "cart" && key.2 == "a"));
}

/// Scenario: ever new services.
/// Guarantees: beyond the bound they share one name, and every item is counted.
#[test]
fn too_many_services_share_one_name() {
    let mut cells = SeenCells::default();
    for n in 0..11_000 {
        cells.merge(
            SeenDelta::of(Signal::Logs, &log_of(&format!("service-{n}"), "a")),
            &KnownServices::default(),
        );
    }
    let rows = added(&[cells.snapshot().to_batch().expect("rows")]);
    assert_eq!(rows.len(), 10_501);
    assert_eq!(rows.values().map(|seen| seen.0).sum::<u64>(), 11_000);
    assert_eq!(cells.n_items_overflow(), 1_000);
    assert!(rows.iter().any(|(key, seen)| key.0 == OTHERS && seen.0 == 500));
    assert!(cells.n_bytes() > 0);
}
