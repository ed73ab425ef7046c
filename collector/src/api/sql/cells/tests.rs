//! Tests of cells: every kind of value, and hostile text.

use super::*;
use arrow::array::{
    BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float64Array, Int64Array,
    ListArray, MapBuilder, StringArray, StringBuilder, StructArray, TimestampNanosecondArray, UInt64Array,
};
use arrow::datatypes::Field;
use serde_json::json;
use std::sync::Arc;

fn cells(columns: Vec<(&str, ArrayRef)>) -> Cells {
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, column)| (name, column, true)),
    );
    Cells::of(&batch.expect("a batch")).expect("cells")
}

fn one(column: impl Array + 'static) -> Vec<Value> {
    let n_rows = column.len();
    let cells = cells(vec![("c", Arc::new(column))]);
    (0..n_rows).map(|row| cells.json(0, row)).collect()
}

/// Scenario: the ends of each kind of number, and what JSON has no number for.
/// Guarantees: no digit is lost, and non-finite numbers are text.
#[test]
fn numbers_keep_their_digits() {
    assert_eq!(one(Int64Array::from(vec![Some(i64::MIN), None])), [json!(i64::MIN), json!(null)]);
    assert_eq!(one(UInt64Array::from(vec![u64::MAX])), [json!(u64::MAX)]);
    let floats = vec![0.1, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    assert_eq!(
        one(Float64Array::from(floats)),
        [json!(0.1), json!("NaN"), json!("Infinity"), json!("-Infinity")]
    );
    let decimals = Decimal128Array::from(vec![12_345]).with_precision_and_scale(10, 2).expect("fits");
    assert_eq!(one(decimals), [json!("123.45")]);
    assert_eq!(one(BooleanArray::from(vec![true])), [json!(true)]);
}

/// Scenario: times with nanoseconds, before 1970 and at the ends of 64 bits; dates; ids.
/// Guarantees: RFC 3339 with every digit, in UTC; binary values are lower-case hex.
#[test]
fn times_and_ids_are_text() {
    let times =
        TimestampNanosecondArray::from(vec![1_764_000_000_123_456_789, -1, i64::MAX]).with_timezone("UTC");
    assert_eq!(
        one(times),
        [
            json!("2025-11-24T16:00:00.123456789Z"),
            json!("1969-12-31T23:59:59.999999999Z"),
            json!("2262-04-11T23:47:16.854775807Z"),
        ]
    );
    assert_eq!(one(Date32Array::from(vec![0])), [json!("1970-01-01")]);
    assert_eq!(one(BinaryArray::from(vec![&[0x5b_u8, 0xff][..]])), [json!("5bff")]);
}

/// Scenario: maps, lists, structs and dictionaries.
/// Guarantees: each has the shape that JSON has for it.
#[test]
fn nested_values_keep_their_shape() {
    let mut map = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    map.keys().append_value("http.route");
    map.values().append_value("/cart");
    map.keys().append_value("empty");
    map.values().append_null();
    map.append(true).expect("even");
    assert_eq!(one(map.finish()), [json!({"http.route": "/cart", "empty": null})]);
    let list = ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1), None])]);
    assert_eq!(one(list), [json!([1, null])]);
    let field = Arc::new(Field::new("a", DataType::Int64, true));
    let structure = StructArray::from(vec![(field, Arc::new(Int64Array::from(vec![7])) as ArrayRef)]);
    assert_eq!(one(structure), [json!({"a": 7})]);
    let dictionary: DictionaryArray<Int32Type> = ["x", "y", "x"].into_iter().collect();
    assert_eq!(one(dictionary), [json!("x"), json!("y"), json!("x")]);
}

/// Scenario: texts with separators, quotes and line breaks, formulas, null and empty; negative numbers, as such and as
/// text; infinity and decimals.
/// Guarantees: RFC 4180; formulas are defused; numbers are left alone; null and empty differ.
#[test]
fn csv_is_safe_to_open() {
    let texts = StringArray::from(vec![
        Some("plain"),
        Some("a,b"),
        Some("say \"hi\"\nbye"),
        Some("=1+1"),
        Some("-2"),
        Some("+1.5e3"),
        Some("-2+cmd|' /C calc'!A1"),
        Some("@x"),
        Some(""),
        None,
        Some(" padded"),
    ]);
    let numbers = Int64Array::from(vec![-1; 11]);
    let cells = cells(vec![("t", Arc::new(texts)), ("n", Arc::new(numbers))]);
    expect_test::expect![[r#"
        plain,-1
        "a,b",-1
        "say ""hi""
        bye",-1
        '=1+1,-1
        -2,-1
        +1.5e3,-1
        '-2+cmd|' /C calc'!A1,-1
        '@x,-1
        "",-1
        ,-1
        " padded",-1
    "#]]
    .assert_eq(&cells.csv(11).replace("\r\n", "\n"));
    let floats = Float64Array::from(vec![f64::NEG_INFINITY]);
    let decimals = Decimal128Array::from(vec![-12_345]).with_precision_and_scale(10, 2).expect("fits");
    let cells = self::cells(vec![("f", Arc::new(floats)), ("d", Arc::new(decimals))]);
    assert_eq!(cells.csv(1), "-Infinity,-123.45\r\n");
}
