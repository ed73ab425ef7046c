//! OTLP values as text with a type letter, and as OTLP/JSON where they nest.
//!
//! The letters and forms are those of `storage::schema::ATTRIBUTE_TYPES_DOC`. Text goes straight into
//! the column it is for. Nesting, and the bytes of one value, are bounded.

use super::texts::Texts;
use crate::decode::Report;
use crate::decode::text::{printable, write_base64};
use crate::decode::views::{AnyValue, KeyValue, List, Text, Value, View};
use crate::telemetry::Reason;
use std::borrow::Cow;
use std::fmt::Write as _;

/// Arrays and maps inside each other that are kept. Both decoders take at least this many: prost stops
/// at 100 messages, which is 30 maps, and serde_json at 128 brackets, which is 28.
pub(super) const DEPTH_MAX: usize = 24;
/// Bytes of a promoted column's text, and of a span's name: they name groups in lists, read models and graphs.
/// The attribute that a column is made from is kept beside it.
pub(super) const NAME_BYTES_MAX: usize = 1 << 10;
/// Bytes of a log record's body that are kept: stack traces and documents are longer than attributes.
pub(super) const BODY_BYTES_MAX: usize = 1 << 20;

/// Writes a value's text into the open one and returns its letter.
pub(super) fn write(
    value: Option<AnyValue<'_>>,
    bytes_max: usize,
    out: &mut Texts,
    report: &mut Report,
) -> char {
    let Some(value) = value.and_then(|value| value.value) else { return 'e' };
    match value {
        Value::Text(text) => {
            out.put(bounded(text, bytes_max, report));
            's'
        }
        Value::Bool(flag) => {
            out.put_str(if flag { "true" } else { "false" });
            'b'
        }
        Value::Int(int) => {
            out.put_int(int);
            'i'
        }
        Value::Double(double) => {
            write_double(double, out);
            'd'
        }
        Value::Bytes(bytes) => {
            put_base64(bounded_bytes(bytes, bytes_max, report), out);
            'x'
        }
        Value::Array(_) => {
            write_nested(value, bytes_max, out, report);
            'a'
        }
        Value::Map(_) => {
            write_nested(value, bytes_max, out, report);
            'm'
        }
        Value::StringTable => {
            note_string_table(report);
            'e'
        }
    }
}

/// A value as text, for promoted columns, cut where it is too long for a name; `None` for no value and for empty text.
pub(super) fn text(value: AnyValue<'_>) -> Option<Cow<'_, str>> {
    match value.value? {
        Value::Text(text) if text.is_empty() => None,
        Value::Text(text) => Some(Cow::Borrowed(text.cut(NAME_BYTES_MAX).as_str())),
        Value::Bool(flag) => Some(Cow::Borrowed(if flag { "true" } else { "false" })),
        Value::Int(int) => Some(Cow::Owned(int.to_string())),
        Value::Double(double) => {
            let mut out = Texts::new();
            write_double(double, &mut out);
            Some(Cow::Owned(String::from_utf8_lossy(out.open()).into_owned()))
        }
        _ => None,
    }
}

/// Counts a text that `text` cuts: the attribute has more of it.
pub(super) fn note_long_name(key: &str, value: AnyValue<'_>, report: &mut Report) {
    if let Some(Value::Text(text)) = value.value
        && text.len() > NAME_BYTES_MAX
    {
        let len = text.len();
        report.add(Reason::ValueTruncated, 1, || {
            format!(
                "{key} of {len} bytes names groups by its first {NAME_BYTES_MAX}; the attribute is cut later"
            )
        });
    }
}

/// A value as a whole number, also where it was sent as text or as a double.
pub(super) fn integer(value: AnyValue<'_>) -> Option<i64> {
    match value.value? {
        Value::Int(int) => Some(int),
        Value::Text(text) => text.as_str().parse().ok(),
        Value::Double(double) if double.fract() == 0.0 && double.abs() < 1e15 => Some(double as i64),
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
fn write_double(double: f64, out: &mut Texts) {
    if double.is_nan() {
        out.put_str("NaN");
    } else if double.is_infinite() {
        out.put_str(if double > 0.0 { "Infinity" } else { "-Infinity" });
    } else {
        // Debug switches to an exponent where Display would write hundreds of zeros. Writing here cannot fail.
        let _ = write!(out, "{double:?}");
        out.strip(".0");
    }
}

fn put_base64(bytes: &[u8], out: &mut Texts) {
    // Writing here cannot fail.
    let _ = write_base64(bytes, out);
}

/// The longest prefix of at most `bytes_max` bytes that ends with a whole character.
pub(super) fn bounded<'a>(text: Text<'a>, bytes_max: usize, report: &mut Report) -> Text<'a> {
    if text.len() <= bytes_max {
        return text;
    }
    note_truncated(text.len(), bytes_max, report);
    text.cut(bytes_max)
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
fn write_nested(value: Value<'_>, bytes_max: usize, out: &mut Texts, report: &mut Report) {
    let mut writer = Json { out, left: bytes_max, bytes_max, report, n_left_out: 0 };
    writer.value(value, 0);
    let n_left_out = writer.n_left_out;
    if n_left_out > 0 {
        report.add(Reason::ValueTruncated, 1, || {
            format!("{n_left_out} elements of an array or map beyond {bytes_max} bytes were left out")
        });
    }
}

struct Json<'o> {
    out: &'o mut Texts,
    /// Bytes of content that may still be written; the brackets of what is open come on top.
    left: usize,
    bytes_max: usize,
    report: &'o mut Report,
    n_left_out: u64,
}

impl Json<'_> {
    fn any(&mut self, value: Option<AnyValue<'_>>, depth: usize) {
        match value.and_then(|value| value.value) {
            Some(value) => self.value(value, depth),
            None => self.put("{}"),
        }
    }

    fn value(&mut self, value: Value<'_>, depth: usize) {
        match value {
            Value::Text(text) => {
                self.put("{\"stringValue\":");
                self.quoted(text);
            }
            Value::Bool(flag) => self.put(if flag { "{\"boolValue\":true" } else { "{\"boolValue\":false" }),
            Value::Int(int) => {
                self.put("{\"intValue\":\"");
                self.put(itoa::Buffer::new().format(int));
                self.put("\"");
            }
            Value::Double(double) => self.double(double),
            Value::Bytes(bytes) => {
                let mut text = Texts::new();
                put_base64(bounded_bytes(bytes, self.left.min(self.bytes_max), self.report), &mut text);
                self.put("{\"bytesValue\":\"");
                self.put_bytes(text.open());
                self.put("\"");
            }
            Value::Array(_) | Value::Map(_) if depth >= DEPTH_MAX => {
                self.report.add(Reason::ValueTooDeep, 1, || {
                    format!("values inside {DEPTH_MAX} arrays or maps were left out")
                });
                self.put("{");
            }
            Value::Array(values) => {
                self.put("{\"arrayValue\":{\"values\":[");
                self.each(values, |json, value| json.any(Some(value), depth + 1));
                self.put("]}");
            }
            Value::Map(entries) => {
                self.put("{\"kvlistValue\":{\"values\":[");
                self.each(entries, |json, entry| json.entry(entry, depth + 1));
                self.put("]}");
            }
            Value::StringTable => {
                note_string_table(self.report);
                self.put("{");
            }
        }
        self.put("}");
    }

    fn each<'a, T: View<'a>>(&mut self, values: List<'a, T>, mut write: impl FnMut(&mut Self, T)) {
        let n_values = values.len();
        for (place, value) in values.into_iter().enumerate() {
            if self.left == 0 {
                self.n_left_out += (n_values - place) as u64;
                return;
            }
            if place > 0 {
                self.put(",");
            }
            write(self, value);
        }
    }

    fn entry(&mut self, entry: KeyValue<'_>, depth: usize) {
        if entry.key_strindex != 0 {
            note_string_table(self.report);
        }
        self.put("{\"key\":");
        self.quoted(entry.key);
        if entry.value.is_some() {
            self.put(",\"value\":");
            self.any(entry.value, depth);
        }
        self.put("}");
    }

    fn double(&mut self, double: f64) {
        let mut text = Texts::new();
        write_double(double, &mut text);
        let quote = if double.is_finite() { "" } else { "\"" };
        self.put("{\"doubleValue\":");
        self.put(quote);
        self.put_bytes(text.open());
        self.put(quote);
    }

    fn quoted(&mut self, text: Text<'_>) {
        let text = bounded(text, self.left, self.report);
        // Text is always JSON once it is quoted.
        let quoted = serde_json::to_string(text.as_str()).unwrap_or_default();
        self.put(&quoted);
    }

    fn put(&mut self, text: &str) {
        self.left = self.left.saturating_sub(text.len());
        self.out.put_str(text);
    }

    /// Of text that was made here.
    fn put_bytes(&mut self, text: &[u8]) {
        self.put(&String::from_utf8_lossy(text));
    }
}

/// An attribute key as messages show it.
pub(super) fn shown_key(key: Text<'_>) -> String {
    printable(key.as_str(), 60)
}
