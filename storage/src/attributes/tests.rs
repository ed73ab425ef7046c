//! Maps come back from columns as they were.

use super::*;
use crate::Signal;
use crate::ids::Table;
use crate::schema::attribute_map;
use crate::test_rows::{batch, texts};
use arrow::array::{ArrayRef, MapBuilder, RecordBatch, StringBuilder};
use arrow::datatypes::DataType;
use proptest::prelude::*;
use std::sync::Arc;

type Entry = (String, char, Option<String>);

/// Rows of the logs table with these attributes.
fn rows(maps: &[Vec<Entry>]) -> RecordBatch {
    let mut builder = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    let mut types = Vec::new();
    for entries in maps {
        for (key, _, value) in entries {
            builder.keys().append_value(key);
            builder.values().append_option(value.as_deref());
        }
        builder.append(true).expect("keys and values");
        types.push(entries.iter().map(|(_, letter, _)| *letter).collect::<String>());
    }
    let built: ArrayRef = Arc::new(builder.finish());
    assert_eq!(built.data_type(), &attribute_map());
    batch(Table::Logs.schema(), maps.len(), vec![("attributes", built), ("attributes_types", texts(&types))])
}

fn wide_of(batch: &RecordBatch) -> WideTable {
    let counts = TableCounts::of(std::iter::once(batch));
    assert_eq!(TableCounts::read(&counts.write()), counts);
    WideTable::choose(Table::Logs, batch.num_rows() as u64, &counts)
}

fn entry() -> impl Strategy<Value = Entry> {
    let key = prop_oneof![
        4 => "[a-f]",
        1 => "[a-z]{1,3}",
        1 => Just("a:int".to_owned()),
        1 => Just(String::new()),
    ];
    let value = prop_oneof![
        any::<i64>().prop_map(|int| ('i', Some(int.to_string()))),
        any::<f64>().prop_map(|double| {
            let mut text = String::new();
            write_double(double, &mut text);
            ('d', Some(text))
        }),
        prop_oneof![Just("007"), Just("-0"), Just("x"), Just("1e3"), Just("NaN"), Just("-Infinity")]
            .prop_flat_map(|text| prop_oneof![Just('i'), Just('d'), Just('s')]
                .prop_map(move |letter| (letter, Some(text.to_owned())))),
        "[a-z]{0,4}".prop_map(|text| ('s', Some(text))),
        any::<bool>().prop_map(|flag| ('b', Some(flag.to_string()))),
        Just(('e', None)),
    ];
    (key, value).prop_map(|(key, (letter, value))| (key, letter, value))
}

proptest! {
    /// Scenario: rows with any keys, in any order, also twice, of any types, with numbers in odd writing.
    /// Guarantees: what was split into columns is, made whole, what it was.
    #[test]
    fn maps_come_back_as_they_were(maps in prop::collection::vec(prop::collection::vec(entry(), 0..8), 60..200)) {
        let before = rows(&maps);
        let wide = wide_of(&before);
        let apart = split(&before, &wide).expect("splits");
        prop_assert_eq!(whole(&apart, Table::Logs).expect("is whole"), before);
        let found = WideMap::of(&apart.schema(), "attributes");
        prop_assert_eq!(found.as_ref(), wide.map("attributes"));
    }
}

/// A hundred rows, each with what this gives.
fn hundred(entries: impl Fn(usize) -> Vec<(&'static str, char, String)>) -> RecordBatch {
    let maps: Vec<Vec<Entry>> = (0..100)
        .map(|row| {
            entries(row).into_iter().map(|(key, letter, text)| (key.to_owned(), letter, Some(text))).collect()
        })
        .collect();
    rows(&maps)
}

/// Scenario: keys of one type, of two, with an odd value among many, rare ones, and documents.
/// Guarantees: frequent keys get a column for each type that is worth one; the others stay in the map,
/// and which keys there are is known.
#[test]
fn frequent_keys_get_columns_of_their_types() {
    let before = hundred(|row| {
        let mut entries = vec![
            ("status", 'i', "200".to_owned()),
            ("route", 's', format!("/{}", row % 3)),
            ("odd", 'i', if row == 7 { "007".to_owned() } else { row.to_string() }),
        ];
        let is_even = row % 2 == 0;
        entries.push((
            "mixed",
            if is_even { 'i' } else { 'd' },
            if is_even { "1" } else { "0.5" }.to_owned(),
        ));
        entries.extend((row < 5).then(|| ("rare", 's', "x".to_owned())));
        entries.extend((row < 40).then(|| ("document", 's', "x".repeat(300))));
        entries
    });
    let wide = wide_of(&before);
    let map = wide.map("attributes").expect("has columns");
    assert_eq!(map.classes("status"), [Class::Int]);
    assert_eq!(map.classes("route"), [Class::Text]);
    assert_eq!(map.classes("odd"), [Class::Text, Class::Int]);
    assert_eq!(map.classes("mixed"), [Class::Int, Class::Double]);
    assert_eq!(map.classes("rare"), []);
    assert_eq!(map.classes("document"), []);
    assert_eq!(wide.map("resource"), None);
    let counts = TableCounts::read(wide.schema().metadata());
    let keys = counts.column("attributes").expect("counted");
    assert_eq!(["status", "rare", "nope"].map(|key| keys.lacks(key)), [false, false, true]);
    assert_eq!(
        wide.schema().field_with_name("attributes.mixed:int").expect("is there").data_type(),
        &DataType::Int64
    );
}

/// Scenario: the counts of two parts are added, then those of a part that does not know its lists.
/// Guarantees: sums are what counting all rows at once gives; what one part does not know is not known.
#[test]
fn counts_add_up() {
    let even = hundred(|row| vec![("k", 'i', row.to_string()), ("e", 's', "x".to_owned())]);
    let odd = hundred(|row| vec![("k", 's', row.to_string())]);
    let parts = [&even, &odd].map(|part| TableCounts::of(std::iter::once(part)));
    let at_once = TableCounts::of([&even, &odd].into_iter());
    assert_eq!(TableCounts::sum(&parts), at_once);
    assert!(at_once.has_maps());
    let unknown = TableCounts::sum(&[at_once, TableCounts::default()]);
    assert!(unknown.column("attributes").is_none() && !unknown.has_maps());
}

/// Scenario: a signal's rows without any attributes.
/// Guarantees: the segment has whole maps, as the table.
#[test]
fn rows_without_attributes_stay_as_they_are() {
    for signal in Signal::ALL {
        let table = Table::from(signal);
        let before = batch(table.schema(), 50, Vec::new());
        let wide = WideTable::choose(table, 50, &TableCounts::of(std::iter::once(&before)));
        for name in MAPS {
            assert_eq!(wide.schema().field_with_name(name).ok(), table.schema().field_with_name(name).ok());
        }
    }
}
