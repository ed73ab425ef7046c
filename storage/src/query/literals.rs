//! Text of SQL literals: the one place where a value becomes part of a statement.
//!
//! Telemetry and requests are hostile text. Whatever they hold, the literal written here reads back as
//! exactly that value and nothing after it is swallowed or added.

use super::range::TimeRange;
use arrow::temporal_conversions::timestamp_ns_to_datetime;
use std::fmt::Write as _;
use std::time::Duration;

/// A string literal. The dialect knows no escapes but the doubled quote: a backslash, a line break or
/// any other control character stands for itself.
pub(super) fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

/// A pattern for `ILIKE` that finds the value anywhere, its own `%`, `_` and `\` taken literally.
pub(super) fn contains_pattern(value: &str) -> String {
    let mut pattern = String::with_capacity(value.len() + 2);
    pattern.push('%');
    for c in value.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    text(&pattern)
}

/// A binary literal: `X'5b8a'`.
pub(super) fn binary(bytes: &[u8]) -> String {
    let mut literal = String::with_capacity(2 * bytes.len() + 3);
    literal.push_str("X'");
    push_hex(&mut literal, bytes);
    literal.push('\'');
    literal
}

/// Lower-case hex digits.
pub(super) fn push_hex(out: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 0xf)]));
    }
}

/// A moment, to the nanosecond.
pub(super) fn timestamp(unix_nanos: i64) -> String {
    match timestamp_ns_to_datetime(unix_nanos) {
        Some(at) => format!("TIMESTAMP '{at:?}Z'"),
        None => format!("to_timestamp_nanos({unix_nanos})"),
    }
}

/// A span of time, in seconds where it is whole seconds.
pub(super) fn interval(duration: Duration) -> String {
    if duration.subsec_nanos() == 0 && duration.as_secs() > 0 {
        return format!("INTERVAL '{} seconds'", duration.as_secs());
    }
    format!("INTERVAL '{} nanoseconds'", duration.as_nanos().max(1))
}

/// That a column lies in a range.
pub(super) fn within(column: &str, range: TimeRange) -> String {
    format!("{column} >= {} AND {column} < {}", timestamp(range.from), timestamp(range.to))
}

/// That a column is one of some values, each already a literal.
pub(super) fn one_of(column: &str, literals: impl IntoIterator<Item = String>) -> String {
    let mut condition = format!("{column} IN (");
    for (idx, literal) in literals.into_iter().enumerate() {
        let comma = if idx == 0 { "" } else { ", " };
        write!(condition, "{comma}{literal}").expect("writing to a string cannot fail");
    }
    condition.push(')');
    condition
}

#[cfg(test)]
mod tests;
