//! Reads the API's answers: the types of `wire` from JSON. And writes the few texts that are sent.
//!
//! A general reader is compiled anew for every type and was a fifth of the module. Here a value exists
//! first, by its default, and each type only says which field is filled by which key.

mod reader;
#[cfg(test)]
mod tests;
mod types;
mod writer;

pub use writer::object;

use reader::Reader;
use std::fmt;

/// Reads one value that fills the whole text.
pub fn read<T: Fill + Default>(text: &str) -> Result<T, Unreadable> {
    let mut reader = Reader::new(text);
    let mut value = T::default();
    value.fill(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// What can be read from JSON in place.
pub trait Fill {
    fn fill(&mut self, reader: &mut Reader<'_>) -> Result<(), Unreadable>;
}

/// An object whose keys only the server knows: each with its value as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RawObject(pub Vec<(String, String)>);

/// A text as JSON.
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Why a text is not what it should be. Plain to copy, so that it needs no code to be dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreadable {
    /// Something else was expected at this byte.
    Expected(&'static str, usize),
    /// The object that ends at this byte lacks a field.
    Lacking(usize),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expected(what, at) => write!(f, "expected {what} at byte {at}"),
            Self::Lacking(at) => write!(f, "the object that ends at byte {at} lacks a field"),
        }
    }
}

impl std::error::Error for Unreadable {}
