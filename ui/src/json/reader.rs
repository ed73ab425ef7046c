//! The text itself: white space, words, numbers, strings, arrays and objects.

use super::Unreadable;
use crate::browser;

/// Arrays and objects inside each other; an answer has less than ten, and the stack must suffice.
const DEPTH_MAX: u32 = 64;

pub struct Reader<'a> {
    text: &'a str,
    /// Byte offset of what comes next.
    at: usize,
    depth: u32,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    /// Nothing but white space may be left.
    pub(super) fn end(&mut self) -> Result<(), Unreadable> {
        if self.peek().is_none() { Ok(()) } else { Err(self.fault("the end")) }
    }

    pub(super) fn fault(&self, expected: &'static str) -> Unreadable {
        Unreadable::Expected(expected, self.at)
    }

    /// The next byte that is not white space, without taking it.
    pub(super) fn peek(&mut self) -> Option<u8> {
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
    pub(super) fn takes_word(&mut self, word: &str) -> bool {
        self.peek();
        let is_next = self.text.as_bytes()[self.at..].starts_with(word.as_bytes());
        self.at += if is_next { word.len() } else { 0 };
        is_next
    }

    pub(super) fn boolean(&mut self) -> Result<bool, Unreadable> {
        match (self.takes_word("true"), self.takes_word("false")) {
            (true, _) => Ok(true),
            (_, true) => Ok(false),
            _ => Err(self.fault("true or false")),
        }
    }

    /// The digits of a number, with its sign, fraction and exponent.
    fn number(&mut self) -> Result<&'a str, Unreadable> {
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

    pub(super) fn unsigned(&mut self) -> Result<u64, Unreadable> {
        self.number()?.parse().map_err(|_| self.fault("a whole number that is not negative"))
    }

    pub(super) fn signed(&mut self) -> Result<i64, Unreadable> {
        self.number()?.parse().map_err(|_| self.fault("a whole number"))
    }

    pub(super) fn float(&mut self) -> Result<f64, Unreadable> {
        let number = self.number()?;
        browser::float(number).ok_or(self.fault("a number"))
    }

    pub(super) fn string(&mut self) -> Result<String, Unreadable> {
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

    /// The next value, whatever it is, as it was written.
    pub(super) fn raw(&mut self) -> Result<&'a str, Unreadable> {
        self.peek();
        let start = self.at;
        self.skip()?;
        Ok(&self.text[start..self.at])
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

    /// Calls `part` at each part of an array, which it must take.
    pub(super) fn array(&mut self, part: Part<'_, 'a>) -> Result<(), Unreadable> {
        self.parts(b'[', b']', "an array", part)
    }

    /// Calls `field` at the value of each field of an object. It answers whether it took the value; one
    /// that nobody asked for is passed over, because a newer server may send more. Fewer than `n_needed`
    /// that were taken are an error.
    pub(super) fn object(&mut self, n_needed: usize, field: Field<'_, 'a>) -> Result<(), Unreadable> {
        let mut n_taken = 0;
        self.parts(b'{', b'}', "an object", &mut |reader| {
            let key = reader.string()?;
            reader.take(b':', "a colon")?;
            match field(&key, reader)? {
                true => n_taken += 1,
                false => reader.skip()?,
            }
            Ok(())
        })?;
        if n_taken < n_needed { Err(Unreadable::Lacking(self.at)) } else { Ok(()) }
    }

    fn parts(
        &mut self,
        open: u8,
        close: u8,
        name: &'static str,
        part: Part<'_, 'a>,
    ) -> Result<(), Unreadable> {
        self.take(open, name)?;
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.fault("less depth"));
        }
        let mut is_first = true;
        while !self.takes(close) {
            if !std::mem::take(&mut is_first) {
                self.take(b',', "a comma or the end")?;
            }
            part(self)?;
        }
        self.depth -= 1;
        Ok(())
    }

    fn skip(&mut self) -> Result<(), Unreadable> {
        match self.peek() {
            Some(b'"') => self.string().map(drop),
            Some(b'[') => self.array(&mut Self::skip),
            Some(b'{') => self.object(0, &mut |_, _| Ok(false)),
            Some(b'-' | b'0'..=b'9') => self.number().map(drop),
            _ if self.takes_word("null") => Ok(()),
            _ => self.boolean().map(drop),
        }
    }
}

/// Takes one part of an array.
type Part<'p, 'a> = &'p mut dyn FnMut(&mut Reader<'a>) -> Result<(), Unreadable>;
/// Takes the value of a key, or not.
type Field<'p, 'a> = &'p mut dyn FnMut(&str, &mut Reader<'a>) -> Result<bool, Unreadable>;
