//! OTLP values as text with a type letter, and as OTLP/JSON where they nest.
//!
//! The letters and forms are those of `storage::schema::ATTRIBUTE_TYPES_DOC`. Text goes straight into
//! the column it is for. Nesting, and the bytes of one value, are bounded.

use crate::decode::Report;
use crate::decode::text::{printable, write_base64};
use crate::telemetry::Reason;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use std::borrow::Cow;
use std::fmt::{self, Write};

/// Arrays and maps inside each other that are kept. Both decoders take at least this many: prost stops
/// at 100 messages, which is 30 maps, and serde_json at 128 brackets, which is 28.
pub(super) const DEPTH_MAX: usize = 24;
/// Bytes of one attribute's value, or of text inside one, that are kept.
pub(super) const ATTRIBUTE_BYTES_MAX: usize = 64 << 10;
/// Bytes of a promoted column's text, and of a span's name: they name groups in lists, read models and graphs.
/// The attribute that a column is made from is kept beside it.
pub(super) const NAME_BYTES_MAX: usize = 1 << 10;
/// Bytes of a log record's body that are kept: stack traces and documents are longer than attributes.
pub(super) const BODY_BYTES_MAX: usize = 1 << 20;

/// Writes a value's text and returns its letter.
pub(super) fn write(
    value: Option<&AnyValue>,
    bytes_max: usize,
    out: &mut impl Write,
    report: &mut Report,
) -> Result<char, fmt::Error> {
    let Some(value) = value.and_then(|value| value.value.as_ref()) else { return Ok('e') };
    match value {
        Value::StringValue(text) => {
            out.write_str(bounded(text, bytes_max, report))?;
            Ok('s')
        }
        Value::BoolValue(flag) => write!(out, "{flag}").map(|()| 'b'),
        Value::IntValue(int) => write!(out, "{int}").map(|()| 'i'),
        Value::DoubleValue(double) => write_double(*double, out).map(|()| 'd'),
        Value::BytesValue(bytes) => {
            write_base64(bounded_bytes(bytes, bytes_max, report), out)?;
            Ok('x')
        }
        Value::ArrayValue(_) => write_nested(value, bytes_max, out, report).map(|()| 'a'),
        Value::KvlistValue(_) => write_nested(value, bytes_max, out, report).map(|()| 'm'),
        Value::StringValueStrindex(_) => {
            note_string_table(report);
            Ok('e')
        }
    }
}

/// A value as text, for promoted columns, cut where it is too long for a name; `None` for no value and for empty text.
pub(super) fn text(value: &AnyValue) -> Option<Cow<'_, str>> {
    match value.value.as_ref()? {
        Value::StringValue(text) if text.is_empty() => None,
        Value::StringValue(text) => Some(Cow::Borrowed(&text[..text.floor_char_boundary(NAME_BYTES_MAX)])),
        Value::BoolValue(flag) => Some(Cow::Owned(flag.to_string())),
        Value::IntValue(int) => Some(Cow::Owned(int.to_string())),
        Value::DoubleValue(double) => {
            let mut text = String::new();
            write_double(*double, &mut text).ok()?;
            Some(Cow::Owned(text))
        }
        _ => None,
    }
}

/// A value as a whole number, also where it was sent as text or as a double.
pub(super) fn integer(value: &AnyValue) -> Option<i64> {
    match value.value.as_ref()? {
        Value::IntValue(int) => Some(*int),
        Value::StringValue(text) => text.parse().ok(),
        Value::DoubleValue(double) if double.fract() == 0.0 && double.abs() < 1e15 => Some(*double as i64),
        _ => None,
    }
}

/// Counts a reference into a table that only profiles have.
pub(super) fn note_string_table(report: &mut Report) {
    report.add(Reason::StringTableReference, 1, || {
        "a reference to a string table was read as absent".to_owned()
    });
}

/// The shortest decimal form that reads back equal.
fn write_double(double: f64, out: &mut impl Write) -> fmt::Result {
    if double.is_nan() {
        return out.write_str("NaN");
    }
    if double.is_infinite() {
        return out.write_str(if double > 0.0 { "Infinity" } else { "-Infinity" });
    }
    // Debug switches to an exponent where Display would write hundreds of zeros.
    let text = format!("{double:?}");
    out.write_str(text.strip_suffix(".0").unwrap_or(&text))
}

/// The longest prefix of at most `bytes_max` bytes that ends with a whole character.
pub(super) fn bounded<'a>(text: &'a str, bytes_max: usize, report: &mut Report) -> &'a str {
    if text.len() <= bytes_max {
        return text;
    }
    note_truncated(text.len(), bytes_max, report);
    &text[..text.floor_char_boundary(bytes_max)]
}

fn bounded_bytes<'a>(bytes: &'a [u8], bytes_max: usize, report: &mut Report) -> &'a [u8] {
    if bytes.len() > bytes_max {
        note_truncated(bytes.len(), bytes_max, report);
    }
    &bytes[..bytes.len().min(bytes_max)]
}

fn note_truncated(len: usize, bytes_max: usize, report: &mut Report) {
    report.add(Reason::ValueTruncated, 1, || format!("a value of {len} bytes was cut to {bytes_max}"));
}

/// An array or map as an OTLP/JSON `AnyValue`. Where it would grow past the bound, the elements beyond
/// are left out and counted: a text that was simply cut could not be read back.
fn write_nested(value: &Value, bytes_max: usize, out: &mut impl Write, report: &mut Report) -> fmt::Result {
    let mut writer = Json { out, left: bytes_max, bytes_max, report, n_left_out: 0 };
    writer.value(value, 0)?;
    let n_left_out = writer.n_left_out;
    if n_left_out > 0 {
        report.add(Reason::ValueTruncated, 1, || {
            format!("{n_left_out} elements of an array or map beyond {bytes_max} bytes were left out")
        });
    }
    Ok(())
}

struct Json<'a, W> {
    out: &'a mut W,
    /// Bytes of content that may still be written; the brackets of what is open come on top.
    left: usize,
    bytes_max: usize,
    report: &'a mut Report,
    n_left_out: u64,
}

impl<W: Write> Json<'_, W> {
    fn any(&mut self, value: Option<&AnyValue>, depth: usize) -> fmt::Result {
        match value.and_then(|value| value.value.as_ref()) {
            Some(value) => self.value(value, depth),
            None => self.put("{}"),
        }
    }

    fn value(&mut self, value: &Value, depth: usize) -> fmt::Result {
        match value {
            Value::StringValue(text) => {
                self.put("{\"stringValue\":")?;
                self.quoted(text)?;
            }
            Value::BoolValue(flag) => self.put(&format!("{{\"boolValue\":{flag}"))?,
            Value::IntValue(int) => self.put(&format!("{{\"intValue\":\"{int}\""))?,
            Value::DoubleValue(double) => self.double(*double)?,
            Value::BytesValue(bytes) => {
                let mut text = String::new();
                write_base64(bounded_bytes(bytes, self.left.min(self.bytes_max), self.report), &mut text)?;
                self.put(&format!("{{\"bytesValue\":\"{text}\""))?;
            }
            Value::ArrayValue(_) | Value::KvlistValue(_) if depth >= DEPTH_MAX => {
                self.report.add(Reason::ValueTooDeep, 1, || {
                    format!("values inside {DEPTH_MAX} arrays or maps were left out")
                });
                self.put("{")?;
            }
            Value::ArrayValue(array) => {
                self.put("{\"arrayValue\":{\"values\":[")?;
                self.each(&array.values, |json, value| json.any(Some(value), depth + 1))?;
                self.put("]}")?;
            }
            Value::KvlistValue(list) => {
                self.put("{\"kvlistValue\":{\"values\":[")?;
                self.each(&list.values, |json, entry| json.entry(entry, depth + 1))?;
                self.put("]}")?;
            }
            Value::StringValueStrindex(_) => {
                note_string_table(self.report);
                self.put("{")?;
            }
        }
        self.put("}")
    }

    fn each<T>(&mut self, values: &[T], mut write: impl FnMut(&mut Self, &T) -> fmt::Result) -> fmt::Result {
        for (place, value) in values.iter().enumerate() {
            if self.left == 0 {
                self.n_left_out += (values.len() - place) as u64;
                return Ok(());
            }
            if place > 0 {
                self.put(",")?;
            }
            write(self, value)?;
        }
        Ok(())
    }

    fn entry(&mut self, entry: &KeyValue, depth: usize) -> fmt::Result {
        if entry.key_strindex != 0 {
            note_string_table(self.report);
        }
        self.put("{\"key\":")?;
        self.quoted(&entry.key)?;
        if entry.value.is_some() {
            self.put(",\"value\":")?;
            self.any(entry.value.as_ref(), depth)?;
        }
        self.put("}")
    }

    fn double(&mut self, double: f64) -> fmt::Result {
        let mut text = String::new();
        write_double(double, &mut text)?;
        let quote = if double.is_finite() { "" } else { "\"" };
        self.put(&format!("{{\"doubleValue\":{quote}{text}{quote}"))
    }

    fn quoted(&mut self, text: &str) -> fmt::Result {
        let text = bounded(text, self.left, self.report);
        let quoted = serde_json::to_string(text).map_err(|_| fmt::Error)?;
        self.put(&quoted)
    }

    fn put(&mut self, text: &str) -> fmt::Result {
        self.left = self.left.saturating_sub(text.len());
        self.out.write_str(text)
    }
}

/// An attribute key as messages show it.
pub(super) fn shown_key(key: &str) -> String {
    printable(key, 60)
}
