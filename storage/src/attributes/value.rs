//! The types that a column of attribute values can have, and their text.
//!
//! A value is text wherever it is compared or shown, so a number may only be kept as one if its text comes
//! back from it, byte for byte. What does not is kept as text.

use arrow::datatypes::DataType;
use std::fmt::Write as _;

/// The type of a column of attribute values. `true`, arrays, bytes and all else is text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Class {
    Text,
    Int,
    Double,
}

impl Class {
    pub(crate) const ALL: [Self; 3] = [Self::Text, Self::Int, Self::Double];

    pub(crate) fn data_type(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8,
            Self::Int => DataType::Int64,
            Self::Double => DataType::Float64,
        }
    }
}

/// The narrowest class that gives this text back, for a value of this type letter.
pub(crate) fn class_of(letter: Option<u8>, text: &str) -> Class {
    match letter {
        Some(b'i') if int(text).is_some() => Class::Int,
        Some(b'd') if double(text).is_some() => Class::Double,
        _ => Class::Text,
    }
}

/// The integer with exactly this text.
pub(crate) fn int(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
    let is_canonical = match digits {
        [b'0'] => text.len() == 1,
        [b'1'..=b'9', ..] => true,
        _ => false,
    };
    if is_canonical { text.parse().ok() } else { None }
}

/// The finite double with exactly this text. The others are not kept as numbers: statistics leave them out.
pub(crate) fn double(text: &str) -> Option<f64> {
    let double: f64 = text.parse().ok()?;
    let mut again = String::new();
    write_double(double, &mut again);
    (double.is_finite() && again == text).then_some(double)
}

/// The shortest text that reads back equal, as doubles are written into maps.
pub(crate) fn write_double(double: f64, out: &mut String) {
    let at = out.len();
    // Writing to a string cannot fail.
    let _ = write!(out, "{double:?}");
    if out[at..].ends_with(".0") {
        out.truncate(out.len() - ".0".len());
    }
}
