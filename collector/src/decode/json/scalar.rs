//! Scalars of protobuf's JSON mapping.
//!
//! 64-bit integers come as text or as numbers, doubles also as `NaN` and infinities, bytes as base64,
//! ids as hex. Enums are integers only: OTLP forbids their names.

use crate::decode::text::{from_base64, from_hex, no_id, printable};
use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// Characters of a refused text that its error message repeats.
const SHOWN_CHARS_MAX: usize = 40;

macro_rules! seed {
    ($name:ident -> $value:ty, $method:ident) => {
        #[derive(Clone, Copy)]
        pub(super) struct $name;

        impl<'de> DeserializeSeed<'de> for $name {
            type Value = $value;

            fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
                deserializer.$method(self)
            }
        }
    };
}

seed!(Key -> Cow<'de, str>, deserialize_str);
seed!(Text -> String, deserialize_string);
seed!(Id -> Vec<u8>, deserialize_str);
seed!(Base64 -> Vec<u8>, deserialize_str);
seed!(U64 -> u64, deserialize_any);
seed!(I64 -> i64, deserialize_any);
seed!(Enumeration -> i32, deserialize_any);
seed!(F64 -> f64, deserialize_any);
seed!(Bool -> bool, deserialize_bool);

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

impl Visitor<'_> for Text {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_string<E: Error>(self, text: String) -> Result<String, E> {
        Ok(text)
    }
}

impl Visitor<'_> for Id {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id as hex text")
    }

    /// Text that is no hex is not an error of the request but of its item.
    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<u8>, E> {
        Ok(from_hex(text).unwrap_or_else(|| no_id(text)))
    }
}

impl Visitor<'_> for Base64 {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes as base64 text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<u8>, E> {
        from_base64(text).ok_or_else(|| E::custom("bytes are not base64"))
    }
}

impl Visitor<'_> for U64 {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an unsigned integer, as a number or as text")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<u64, E> {
        Ok(number)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<u64, E> {
        // 2^64 is exact; every integral float below it converts without loss.
        let is_integral = number.fract() == 0.0 && (0.0..18_446_744_073_709_551_616.0).contains(&number);
        if is_integral { Ok(number as u64) } else { Err(not_an_integer(number)) }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<u64, E> {
        text.parse().map_err(|_| not_a_number("an unsigned 64-bit integer", text))
    }
}

impl Visitor<'_> for I64 {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an integer, as a number or as text")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<i64, E> {
        Ok(number)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<i64, E> {
        i64::try_from(number).map_err(|_| E::custom(format_args!("integer {number} does not fit 64 bits")))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<i64, E> {
        let bound = 9_223_372_036_854_775_808.0; // 2^63, exact
        let is_integral = number.fract() == 0.0 && (-bound..bound).contains(&number);
        if is_integral { Ok(number as i64) } else { Err(not_an_integer(number)) }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<i64, E> {
        text.parse().map_err(|_| not_a_number("a 64-bit integer", text))
    }
}

impl Visitor<'_> for Enumeration {
    type Value = i32;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an enum value as an integer")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<i32, E> {
        i32::try_from(number).map_err(|_| E::custom("enum value does not fit 32 bits"))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<i32, E> {
        i32::try_from(number).map_err(|_| E::custom("enum value does not fit 32 bits"))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<i32, E> {
        self.visit_i64(I64.visit_f64(number)?)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<i32, E> {
        let shown = printable(text, SHOWN_CHARS_MAX);
        Err(E::custom(format_args!("enum values must be integers, not names: '{shown}'")))
    }
}

impl Visitor<'_> for F64 {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, or NaN, Infinity or -Infinity as text")
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<f64, E> {
        Ok(number)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<f64, E> {
        Ok(number as f64)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<f64, E> {
        Ok(number as f64)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<f64, E> {
        match text {
            "NaN" => Ok(f64::NAN),
            "Infinity" => Ok(f64::INFINITY),
            "-Infinity" => Ok(f64::NEG_INFINITY),
            // Rust also reads "inf" and "nan"; JSON's mapping does not.
            _ if text.bytes().any(|byte| byte.is_ascii_alphabetic() && !matches!(byte, b'e' | b'E')) => {
                Err(not_a_number("a number", text))
            }
            _ => text.parse().map_err(|_| not_a_number("a number", text)),
        }
    }
}

impl Visitor<'_> for Bool {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true or false")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<bool, E> {
        Ok(value)
    }
}

/// An array of values that one seed reads.
pub(super) struct Each<S>(pub(super) S);

impl<'de, S: DeserializeSeed<'de> + Copy> DeserializeSeed<'de> for Each<S> {
    type Value = Vec<S::Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, S: DeserializeSeed<'de> + Copy> Visitor<'de> for Each<S> {
    type Value = Vec<S::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element_seed(self.0)? {
            values.push(value);
        }
        Ok(values)
    }
}

fn not_an_integer<E: Error>(number: f64) -> E {
    E::custom(format_args!("{number} is not an integer of this field's range"))
}

fn not_a_number<E: Error>(expected: &str, text: &str) -> E {
    E::custom(format_args!("'{}' is not {expected}", printable(text, SHOWN_CHARS_MAX)))
}
