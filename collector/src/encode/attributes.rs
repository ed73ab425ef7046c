//! Attribute maps and typed text as OTLP/JSON.

use super::Error;
use super::cells::Cells;
use crate::columns::attributes;
use crate::decode::text::hex;
use serde_json::{Value, json};

/// The attributes in a map column; the letters of their types are in the column with `_types` behind its name.
pub(super) fn attributes(cells: Cells<'_>, column: &str, row: usize) -> Result<Value, Error> {
    let types = cells.text(&format!("{column}_types"), row)?;
    let entries = attributes::read(cells.map(column)?, row, types);
    Ok(entries.map(|(key, letter, text)| entry(key, any_value(letter, text))).collect())
}

fn entry(key: &str, value: Option<Value>) -> Value {
    match value {
        Some(value) => json!({ "key": key, "value": value }),
        None => json!({ "key": key }),
    }
}

/// A value of the type that the letter names; see `storage::schema::ATTRIBUTE_TYPES_DOC`.
pub(super) fn any_value(letter: char, text: &str) -> Option<Value> {
    let as_text = || json!({ "stringValue": text });
    Some(match letter {
        'e' => return None,
        'i' => json!({ "intValue": text }),
        'd' => {
            text.parse().map_or_else(|_| as_text(), |double| json!({ "doubleValue": double_value(double) }))
        }
        'b' => json!({ "boolValue": text == "true" }),
        'x' => json!({ "bytesValue": text }),
        'a' | 'm' => serde_json::from_str(text).unwrap_or_else(|_| as_text()),
        _ => as_text(),
    })
}

/// JSON has no numbers for what is not finite.
pub(super) fn double_value(double: f64) -> Value {
    match double {
        double if double.is_nan() => json!("NaN"),
        f64::INFINITY => json!("Infinity"),
        f64::NEG_INFINITY => json!("-Infinity"),
        double => json!(double),
    }
}

/// 64-bit integers are text in OTLP/JSON.
pub(super) fn long(number: Option<impl ToString>) -> Value {
    number.map_or(Value::Null, |number| Value::String(number.to_string()))
}

pub(super) fn id(bytes: Option<&[u8]>) -> Value {
    bytes.map_or(Value::Null, |bytes| Value::String(hex(bytes)))
}
