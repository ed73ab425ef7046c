//! Repeated fields.

use super::{Fields, View};
use crate::decode::wire::{self, Field};
use std::fmt;

/// A repeated field: prost's structs, or where the wire has them. Going through it makes a view of each.
pub(crate) enum List<'a, T: View<'a>> {
    Messages(&'a [T::Message]),
    Wire(Repeated<'a>),
}

/// The fields of one number in a message: `n` of them, among others perhaps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Repeated<'a> {
    /// From the first of them on.
    fields: Fields<'a>,
    number: u32,
    n: usize,
}

impl<'a, T: View<'a>> List<'a, T> {
    /// Of a message that has hardly anything but this.
    pub(in crate::decode) fn of_field(message: &'a [u8], number: u32) -> Self {
        let mut list = Self::default();
        Fields::of(message).filter(|field| field.number == number).for_each(|field| list.add(field));
        list
    }

    /// One more, of the message that is being read.
    pub(super) fn add(&mut self, field: Field<'a>) {
        match self {
            Self::Wire(repeated) => repeated.n += 1,
            Self::Messages(_) => {
                let fields = Fields::of(field.from);
                *self = Self::Wire(Repeated { fields, number: field.number, n: 1 });
            }
        }
    }

    pub(crate) fn len(self) -> usize {
        match self {
            Self::Messages(messages) => messages.len(),
            Self::Wire(repeated) => repeated.n,
        }
    }

    pub(crate) fn is_empty(self) -> bool {
        self.len() == 0
    }
}

impl<'a, T: View<'a>> Clone for List<'a, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<'a, T: View<'a>> Copy for List<'a, T> {}

impl<'a, T: View<'a>> Default for List<'a, T> {
    fn default() -> Self {
        Self::Messages(&[])
    }
}

impl<'a, T: View<'a>> fmt::Debug for List<'a, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "List({})", self.len())
    }
}

impl<'a, T: View<'a>> IntoIterator for List<'a, T> {
    type Item = T;
    type IntoIter = Items<'a, T>;

    fn into_iter(self) -> Items<'a, T> {
        Items(self)
    }
}

/// What is left of a list.
pub(crate) struct Items<'a, T: View<'a>>(List<'a, T>);

impl<'a, T: View<'a>> Iterator for Items<'a, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        match &mut self.0 {
            List::Messages(messages) => {
                let (first, rest) = messages.split_first()?;
                *messages = rest;
                Some(T::of_message(first))
            }
            List::Wire(repeated) => repeated.next().map(T::of_wire),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let n = self.0.len();
        (n, Some(n))
    }
}

impl<'a> Repeated<'a> {
    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        self.n = self.n.checked_sub(1)?;
        let number = self.number;
        self.fields.find(|field| field.number == number).map(|field| field.bytes)
    }
}

/// Counts of buckets.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Counts<'a> {
    Decoded(&'a [u64]),
    /// Eight bytes each.
    Fixed(&'a [u8]),
    Varints(&'a [u8]),
}

impl Default for Counts<'_> {
    fn default() -> Self {
        Self::Decoded(&[])
    }
}

impl<'a> Counts<'a> {
    pub(crate) fn len(self) -> usize {
        match self {
            Self::Decoded(counts) => counts.len(),
            Self::Fixed(bytes) => bytes.len() / 8,
            // The last byte of a number is the one without the upper bit.
            Self::Varints(bytes) => bytes.iter().filter(|byte| **byte & 0x80 == 0).count(),
        }
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = u64> + 'a {
        let (decoded, fixed, mut varints): (&[u64], &[u8], &[u8]) = match self {
            Self::Decoded(counts) => (counts, &[], &[]),
            Self::Fixed(bytes) => (&[], bytes, &[]),
            Self::Varints(bytes) => (&[], &[], bytes),
        };
        let varints = std::iter::from_fn(move || wire::varint(&mut varints));
        decoded.iter().copied().chain(fixed_numbers(fixed)).chain(varints)
    }
}

/// Bounds between buckets.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bounds<'a> {
    Decoded(&'a [f64]),
    /// Eight bytes each.
    Fixed(&'a [u8]),
}

impl Default for Bounds<'_> {
    fn default() -> Self {
        Self::Decoded(&[])
    }
}

impl<'a> Bounds<'a> {
    pub(crate) fn len(self) -> usize {
        match self {
            Self::Decoded(bounds) => bounds.len(),
            Self::Fixed(bytes) => bytes.len() / 8,
        }
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = f64> + 'a {
        let (decoded, fixed): (&[f64], &[u8]) = match self {
            Self::Decoded(bounds) => (bounds, &[]),
            Self::Fixed(bytes) => (&[], bytes),
        };
        decoded.iter().copied().chain(fixed_numbers(fixed).map(f64::from_bits))
    }
}

fn fixed_numbers(mut bytes: &[u8]) -> impl Iterator<Item = u64> + '_ {
    std::iter::from_fn(move || wire::fixed64(&mut bytes))
}
