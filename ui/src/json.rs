//! Reads the API's answers. One plain reader for every type of `wire`, because a general one is compiled
//! anew for each of them and then is the largest part of the module.
//!
//! What it leaves out: struct fields by position, enums with content, and the text of errors of the
//! types themselves. Numbers are read by the standard library, so every digit counts.

use crate::browser;
use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    Visitor,
};
use std::fmt;

/// Arrays and objects inside each other; an answer has less than ten, and the stack must suffice.
const DEPTH_MAX: u32 = 64;

/// Reads one value that fills the whole text.
pub fn read<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, Unreadable> {
    let mut reader = Reader { text, at: 0, depth: 0 };
    let value = T::deserialize(&mut reader)?;
    match reader.peek() {
        None => Ok(value),
        Some(_) => Err(reader.fault("the end")),
    }
}

/// Why a text is not what it should be. Plain to copy, so that it needs no code to be dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreadable {
    /// Something else was expected at this byte.
    Expected(&'static str, usize),
    Missing(&'static str),
    Twice(&'static str),
    /// A value of another kind than the type wants.
    Value,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expected(what, at) => write!(f, "expected {what} at byte {at}"),
            Self::Missing(field) => write!(f, "the field {field} is missing"),
            Self::Twice(field) => write!(f, "the field {field} is there twice"),
            Self::Value => f.write_str("a value is of another kind than expected"),
        }
    }
}

impl std::error::Error for Unreadable {}

impl de::Error for Unreadable {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Value
    }

    fn invalid_type(_: de::Unexpected<'_>, _: &dyn de::Expected) -> Self {
        Self::Value
    }

    fn invalid_value(_: de::Unexpected<'_>, _: &dyn de::Expected) -> Self {
        Self::Value
    }

    fn invalid_length(_: usize, _: &dyn de::Expected) -> Self {
        Self::Value
    }

    fn unknown_variant(_: &str, _: &'static [&'static str]) -> Self {
        Self::Value
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::Twice(field)
    }
}

struct Reader<'de> {
    text: &'de str,
    /// Byte offset of what comes next.
    at: usize,
    depth: u32,
}

impl<'de> Reader<'de> {
    fn fault(&self, expected: &'static str) -> Unreadable {
        Unreadable::Expected(expected, self.at)
    }

    /// The next byte that is not white space, without taking it.
    fn peek(&mut self) -> Option<u8> {
        let rest = self.text.as_bytes().get(self.at..)?;
        self.at += rest.iter().take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t')).count();
        self.text.as_bytes().get(self.at).copied()
    }

    /// Takes `byte` if it is next.
    fn takes(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn take(&mut self, byte: u8, name: &'static str) -> Result<(), Unreadable> {
        if self.takes(byte) { Ok(()) } else { Err(self.fault(name)) }
    }

    /// Takes `word` if it is next.
    fn takes_word(&mut self, word: &str) -> bool {
        self.peek();
        let is_next = self.text.as_bytes()[self.at..].starts_with(word.as_bytes());
        self.at += if is_next { word.len() } else { 0 };
        is_next
    }

    fn boolean(&mut self) -> Result<bool, Unreadable> {
        match (self.takes_word("true"), self.takes_word("false")) {
            (true, _) => Ok(true),
            (_, true) => Ok(false),
            _ => Err(self.fault("true or false")),
        }
    }

    /// The digits of a number, with its sign, fraction and exponent.
    fn number(&mut self) -> Result<&'de str, Unreadable> {
        self.peek();
        let rest = &self.text[self.at..];
        let is_part = |c: char| matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E');
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        if !rest.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
            return Err(self.fault("a number"));
        }
        self.at += end;
        Ok(&rest[..end])
    }

    fn unsigned(&mut self) -> Result<u64, Unreadable> {
        self.number()?.parse().map_err(|_| self.fault("a whole number that is not negative"))
    }

    fn signed(&mut self) -> Result<i64, Unreadable> {
        self.number()?.parse().map_err(|_| self.fault("a whole number"))
    }

    fn float(&mut self) -> Result<f64, Unreadable> {
        let number = self.number()?;
        browser::float(number).ok_or(self.fault("a number"))
    }

    fn string(&mut self) -> Result<String, Unreadable> {
        self.take(b'"', "a string")?;
        let mut out = String::new();
        loop {
            let rest = &self.text[self.at..];
            let end = rest.find(['"', '\\']).ok_or(Unreadable::Expected("the end of a string", self.at))?;
            out.push_str(&rest[..end]);
            self.at += end + 1;
            if rest.as_bytes()[end] == b'"' {
                return Ok(out);
            }
            out.push(self.escaped()?);
        }
    }

    /// What follows a backslash.
    fn escaped(&mut self) -> Result<char, Unreadable> {
        let byte = self.text.as_bytes().get(self.at).copied().unwrap_or_default();
        let is_ascii = byte.is_ascii();
        self.at += usize::from(is_ascii);
        Ok(match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => self.unicode()?,
            _ => return Err(self.fault("an escape")),
        })
    }

    /// Four hex digits, or two times four for characters past the first 65,536. A lonely half of such a
    /// pair is no character; the mark for that takes its place.
    fn unicode(&mut self) -> Result<char, Unreadable> {
        let first = self.hex()?;
        let is_high = (0xd800..0xdc00).contains(&first);
        if !is_high || !self.text.as_bytes()[self.at..].starts_with(b"\\u") {
            return Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let before = self.at;
        self.at += 2;
        let second = self.hex()?;
        if !(0xdc00..0xe000).contains(&second) {
            self.at = before;
            return Ok(char::REPLACEMENT_CHARACTER);
        }
        let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex(&mut self) -> Result<u32, Unreadable> {
        let digits =
            self.text.get(self.at..self.at + 4).filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()));
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let code = code.ok_or(self.fault("four hex digits"))?;
        self.at += 4;
        Ok(code)
    }

    /// Enters an array or object.
    fn enter(&mut self, byte: u8, name: &'static str) -> Result<(), Unreadable> {
        self.take(byte, name)?;
        self.depth += 1;
        if self.depth > DEPTH_MAX { Err(self.fault("less depth")) } else { Ok(()) }
    }

    /// Is there another part before `end`? Takes the comma, or `end` and leaves.
    fn goes_on(&mut self, is_first: &mut bool, end: u8) -> Result<bool, Unreadable> {
        if self.takes(end) {
            self.depth -= 1;
            return Ok(false);
        }
        if !std::mem::take(is_first) {
            self.take(b',', "a comma or the end")?;
        }
        Ok(true)
    }

    fn key(&mut self) -> Result<String, Unreadable> {
        let key = self.string()?;
        self.take(b':', "a colon")?;
        Ok(key)
    }

    /// Passes over a value that nobody asked for: a newer server may send more.
    fn skip(&mut self) -> Result<(), Unreadable> {
        let mut is_first = true;
        match self.peek() {
            Some(b'"') => self.string().map(drop),
            Some(b'[') => {
                self.enter(b'[', "an array")?;
                while self.goes_on(&mut is_first, b']')? {
                    self.skip()?;
                }
                Ok(())
            }
            Some(b'{') => {
                self.enter(b'{', "an object")?;
                while self.goes_on(&mut is_first, b'}')? {
                    self.key()?;
                    self.skip()?;
                }
                Ok(())
            }
            Some(b'-' | b'0'..=b'9') => self.number().map(drop),
            _ if self.takes_word("null") => Ok(()),
            _ => self.boolean().map(drop),
        }
    }
}

/// Types that the answers hold; what is not named here goes by what the text has.
macro_rules! reads {
    ($($method:ident $visit:ident $read:ident $kind:ty;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
            let value = self.$read()?;
            visitor.$visit(<$kind>::try_from(value).map_err(|_| self.fault("a smaller number"))?)
        }
    )*};
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Unreadable;

    reads! {
        deserialize_bool visit_bool boolean bool;
        deserialize_u16 visit_u16 unsigned u16;
        deserialize_u32 visit_u32 unsigned u32;
        deserialize_u64 visit_u64 unsigned u64;
        deserialize_i32 visit_i32 signed i32;
        deserialize_i64 visit_i64 signed i64;
        deserialize_f64 visit_f64 float f64;
        deserialize_string visit_string string String;
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self.peek() {
            Some(b'"') => self.deserialize_string(visitor),
            _ => self.deserialize_i64(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        if self.takes_word("null") { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.enter(b'[', "an array")?;
        visitor.visit_seq(Parts { reader: self, is_first: true })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        self.enter(b'{', "an object")?;
        visitor.visit_map(Parts { reader: self, is_first: true })
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_str(&self.key()?)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        visitor.visit_enum(Word(self.string()?))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.skip()?;
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i128 u8 u128 f32 char str bytes byte_buf unit unit_struct newtype_struct tuple tuple_struct map
    }
}

/// Parts of an array or fields of an object that was entered.
struct Parts<'r, 'de> {
    reader: &'r mut Reader<'de>,
    is_first: bool,
}

impl<'de> SeqAccess<'de> for Parts<'_, 'de> {
    type Error = Unreadable;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Unreadable> {
        match self.reader.goes_on(&mut self.is_first, b']')? {
            true => seed.deserialize(&mut *self.reader).map(Some),
            false => Ok(None),
        }
    }
}

impl<'de> MapAccess<'de> for Parts<'_, 'de> {
    type Error = Unreadable;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Unreadable> {
        match self.reader.goes_on(&mut self.is_first, b'}')? {
            true => seed.deserialize(&mut *self.reader).map(Some),
            false => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Unreadable> {
        seed.deserialize(&mut *self.reader)
    }
}

/// A variant without content.
struct Word(String);

impl<'de> EnumAccess<'de> for Word {
    type Error = Unreadable;
    type Variant = NoContent;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, NoContent), Unreadable> {
        let variant: de::value::StringDeserializer<Unreadable> = self.0.into_deserializer();
        Ok((seed.deserialize(variant)?, NoContent))
    }
}

struct NoContent;

impl<'de> de::VariantAccess<'de> for NoContent {
    type Error = Unreadable;

    fn unit_variant(self) -> Result<(), Unreadable> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Result<T::Value, Unreadable> {
        Err(Unreadable::Value)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Unreadable> {
        Err(Unreadable::Value)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Unreadable> {
        Err(Unreadable::Value)
    }
}
