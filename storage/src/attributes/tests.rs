//! Maps come back from columns as they were.

use super::*;
use crate::Signal;
use crate::ids::Table;
use crate::schema::attribute_map;
use crate::test_rows::{batch, texts};
use arrow::array::{ArrayRef, Int64Array, MapBuilder, RecordBatch, StringArray, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema};
use proptest::prelude::*;
use std::sync::Arc;

type Entry = (String, char, Option<String>);

/// Rows of the logs table with these attributes.
fn rows(maps: &[Vec<Entry>]) -> RecordBatch {
    batch(Table::Logs.schema(), maps.len(), attribute_columns(maps).to_vec())
}

fn attribute_columns(maps: &[Vec<Entry>]) -> [(&'static str, ArrayRef); 2] {
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
    [("attributes", built), ("attributes_types", texts(&types))]
}

fn wide_of(batch: &RecordBatch) -> WideTable {
    wide_table(Table::Logs, batch)
}

fn wide_table(table: Table, batch: &RecordBatch) -> WideTable {
    let counts = TableCounts::of(std::iter::once(batch));
    assert_eq!(TableCounts::read(&counts.write()), counts);
    let told = Told::of(std::slice::from_ref(batch), &counts);
    let wide = WideTable::choose(table, batch.num_rows() as u64, &counts, &told);
    assert_eq!(Told::read(wide.schema().metadata()), told);
    wide
}

/// The classes that a key has columns of.
fn classes(map: &WideMap, key: &str) -> Vec<Class> {
    map.columns_of(key).into_iter().map(|(class, _)| class).collect()
}

fn entry() -> impl Strategy<Value = Entry> {
    let key = prop_oneof![
        4 => "[a-f]",
        1 => "[a-z]{1,3}",
        1 => Just("a:int".to_owned()),
        1 => Just(String::new()),
    ];
    (key, value()).prop_map(|(key, (letter, value))| (key, letter, value))
}

fn value() -> impl Strategy<Value = (char, Option<String>)> {
    prop_oneof![
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
    ]
}

/// Entries of spans with keys that a promoted column may tell.
fn promoted_entry() -> impl Strategy<Value = Entry> {
    let number =
        || prop_oneof![4 => (200..600_i64).prop_map(|int| int.to_string()), 1 => Just("007".to_owned())];
    let status = (prop_oneof![9 => Just('i'), 1 => Just('s')], number().prop_map(Some));
    let text = || "[a-z]{0,2}".prop_map(|text| ('s', Some(text)));
    prop_oneof![
        4 => text().prop_map(|value| ("http.route", value)),
        4 => status.prop_map(|value| ("http.response.status_code", value)),
        2 => text().prop_map(|value| ("http.method", value)),
        2 => text().prop_map(|value| ("a", value)),
        1 => ("http[.]rout[ef]", value()).prop_map(|(key, value)| (if key.ends_with('e') { "http.route" } else { "z" }, value)),
    ]
    .prop_map(|(key, (letter, value))| (key.to_owned(), letter, value))
}

/// The value of a key's first entry.
fn first<'a>(entries: &'a [Entry], key: &str) -> Option<&'a str> {
    entries.iter().find(|(found, ..)| found == key)?.2.as_deref()
}

/// Spans with these attributes and the columns promoted from them, but for one row whose are null.
fn spans(maps: &[Vec<Entry>], odd: Option<usize>) -> RecordBatch {
    let rows =
        || maps.iter().enumerate().map(|(row, entries)| if odd == Some(row) { &[][..] } else { entries });
    let route: StringArray = rows().map(|entries| first(entries, "http.route")).collect();
    let status: Int64Array =
        rows().map(|entries| first(entries, "http.response.status_code")?.parse::<i64>().ok()).collect();
    let mut columns = attribute_columns(maps).to_vec();
    columns.push(("http_route", Arc::new(route)));
    columns.push(("http_response_status_code", Arc::new(status)));
    batch(Table::Spans.schema(), maps.len(), columns)
}

proptest! {
    /// Scenario: rows with any keys, in any order, also twice, of any types, with numbers in odd writing.
    /// Guarantees: what was split into columns is, made whole, what it was.
    #[test]
    fn maps_come_back_as_they_were(maps in prop::collection::vec(prop::collection::vec(entry(), 0..8), 60..200)) {
        let before = rows(&maps);
        let wide = wide_of(&before);
        let apart = split(&before, &wide).expect("splits");
        prop_assert_eq!(whole(&apart, &wide.schema(), Table::Logs).expect("is whole"), before);
        let found = WideMap::of(&apart.schema(), "attributes");
        prop_assert_eq!(found.as_ref(), wide.map("attributes"));
    }

    /// Scenario: spans whose promoted columns are what their attributes say, in all rows or in all but one; keys
    /// also come twice, without a value, and with numbers in odd writing.
    /// Guarantees: every row comes back; a column is left out only where the promoted one is alike in every
    /// row, and always if no row has the key twice or without a value.
    #[test]
    fn told_attributes_come_back(
        maps in prop::collection::vec(prop::collection::vec(promoted_entry(), 0..6), 60..150),
        is_tidy in any::<bool>(),
        odd in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut maps = maps;
        for entries in &mut maps {
            entries.push(("all".to_owned(), 's', Some("x".to_owned())));
            if is_tidy {
                tidy(entries);
            }
        }
        let odd = odd.map(|odd| odd.index(maps.len()));
        let before = spans(&maps, odd);
        let wide = wide_table(Table::Spans, &before);
        let apart = split(&before, &wide).expect("splits");
        prop_assert_eq!(whole(&apart, &wide.schema(), Table::Spans).expect("is whole"), before);
        let found = WideMap::of(&wide.schema(), "attributes").expect("frequent keys");
        prop_assert_eq!(Some(&found), wide.map("attributes"));
        for (key, column) in [("http.route", "http_route"), ("http.response.status_code", "http_response_status_code")] {
            let is_told = found.columns_of(key).iter().any(|(_, name)| name == column);
            let is_alike = |(row, entries): (usize, &Vec<Entry>)| {
                let is_canonical = key == "http.route" || first(entries, key) != Some("007");
                first(entries, key).is_none() || (odd != Some(row) && is_canonical)
            };
            let is_alike = maps.iter().enumerate().all(is_alike);
            let is_anywhere = maps.iter().any(|entries| first(entries, key).is_some());
            prop_assert!(is_alike || !is_told, "{key} is told");
            prop_assert!(is_told || !is_tidy || !is_alike || !is_anywhere, "{key} is not told");
            prop_assert!(!is_told || found.columns_of(key).len() == 1);
        }
    }
}

/// Leaves out entries without a value, whose key came before, or whose number does not come back.
fn tidy(entries: &mut Vec<Entry>) {
    let mut keys = Vec::new();
    entries.retain(|(key, _, value)| {
        let is_new = value.as_deref().is_some_and(|text| text != "007") && !keys.contains(key);
        keys.push(key.clone());
        is_new
    });
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
    assert_eq!(classes(map, "status"), [Class::Int]);
    assert_eq!(classes(map, "route"), [Class::Text]);
    assert_eq!(classes(map, "odd"), [Class::Text, Class::Int]);
    assert_eq!(classes(map, "mixed"), [Class::Int, Class::Double]);
    assert_eq!(classes(map, "rare"), []);
    assert_eq!(classes(map, "document"), []);
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
        let wide = WideTable::choose(table, 50, &TableCounts::of(std::iter::once(&before)), &Told::default());
        for name in MAPS {
            assert_eq!(wide.schema().field_with_name(name).ok(), table.schema().field_with_name(name).ok());
        }
    }
}

/// A file's schema that says this of what it leaves out.
fn saying(told: &str) -> Schema {
    let fields = vec![
        Field::new("attributes.b", DataType::Utf8, true),
        Field::new("attributes_rest", attribute_map(), false),
        Field::new("attributes_order", DataType::Binary, false),
        Field::new("http_route", DataType::Utf8, true),
    ];
    let metadata = [("firstfault.told".to_owned(), told.to_owned())];
    Schema::new_with_metadata(fields, metadata.into())
}

/// Scenario: metadata names columns that the file has, that it has not, of another type, of another map, or is
/// none.
/// Guarantees: a key is looked for in the column that tells it, or in one that the file lacks, never in one of
/// another type; keys are in their order; what is no metadata tells nothing.
#[test]
fn metadata_is_not_trusted() {
    let columns =
        |told: &str| WideMap::of(&saying(told), "attributes").expect("is wide").names()[2..].to_vec();
    assert_eq!(columns(r#"{"attributes.http.route":["http_route",true]}"#), ["attributes.b", "http_route"]);
    assert_eq!(columns(r#"{"attributes.a":["http_route",true]}"#), ["http_route", "attributes.b"]);
    assert_eq!(columns(r#"{"attributes.b":["http_route",true]}"#), ["attributes.b"]);
    assert_eq!(columns(r#"{"attributes.c":["nowhere",true]}"#), ["attributes.b", "attributes.c"]);
    assert_eq!(columns(r#"{"attributes.c:int":["http_route",true]}"#), ["attributes.b", "attributes.c:int"]);
    for nothing in [r#"{"attributes.c":["http_route",false]}"#, r#"{"resource.c":["http_route",true]}"#, "{}"]
    {
        assert_eq!(columns(nothing), ["attributes.b"], "{nothing}");
    }
    for damaged in ["[1", ""] {
        assert_eq!(columns(damaged), ["attributes.", "attributes.b"], "no file has the first: {damaged}");
    }
}
