//! Protobuf's wire format: numbers, lengths and fields, read from borrowed bytes without copying any.
//!
//! Every reader takes what it reads off the front, and answers nothing at the first byte that no message may
//! have there.

pub(super) const VARINT: u8 = 0;
pub(super) const FIXED64: u8 = 1;
pub(super) const DELIMITED: u8 = 2;
pub(super) const GROUP_START: u8 = 3;
pub(super) const GROUP_END: u8 = 4;
pub(super) const FIXED32: u8 = 5;

/// Bytes of the longest number: 64 bits, seven a byte.
const VARINT_BYTES_MAX: usize = 10;

/// A field of a message whose bytes were checked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field<'a> {
    pub(super) number: u32,
    /// Of a number, whatever its width.
    bits: u64,
    /// Of text, bytes or a message.
    pub(super) bytes: &'a [u8],
    /// The message from the start of this field on.
    pub(super) from: &'a [u8],
}

impl Field<'_> {
    pub(super) fn u64(self) -> u64 {
        self.bits
    }

    pub(super) fn u32(self) -> u32 {
        self.bits as u32
    }

    pub(super) fn i64(self) -> i64 {
        self.bits as i64
    }

    /// Larger numbers lose their upper bits, as in every implementation.
    pub(super) fn i32(self) -> i32 {
        self.bits as i32
    }

    /// A number whose sign is in its lowest bit.
    pub(super) fn sint32(self) -> i32 {
        let bits = self.bits as u32;
        ((bits >> 1) as i32) ^ -((bits & 1) as i32)
    }

    pub(super) fn bool(self) -> bool {
        self.bits != 0
    }

    pub(super) fn f64(self) -> f64 {
        f64::from_bits(self.bits)
    }
}

/// The fields of a message, in their order. Ends early where the bytes are no message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn of(message: &'a [u8]) -> Self {
        Self { rest: message }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    #[inline]
    fn next(&mut self) -> Option<Field<'a>> {
        let from = self.rest;
        let (number, wire_type) = key(&mut self.rest)?;
        let mut field = Field { number, bits: 0, bytes: &[], from };
        match wire_type {
            VARINT => field.bits = varint(&mut self.rest)?,
            FIXED64 => field.bits = fixed64(&mut self.rest)?,
            DELIMITED => field.bytes = delimited(&mut self.rest)?,
            FIXED32 => field.bits = fixed32(&mut self.rest)?,
            _ => return None,
        }
        Some(field)
    }
}

/// Number and wire type of the next field.
#[inline]
pub(super) fn key(bytes: &mut &[u8]) -> Option<(u32, u8)> {
    let key = u32::try_from(varint(bytes)?).ok()?;
    (key >> 3 != 0).then_some((key >> 3, (key & 7) as u8))
}

/// A number in base 128, lowest digits first.
#[inline]
pub(super) fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let (first, rest) = bytes.split_first()?;
    if first & 0x80 == 0 {
        *bytes = rest;
        return Some(u64::from(*first));
    }
    long_varint(bytes)
}

fn long_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for (place, byte) in bytes.iter().take(VARINT_BYTES_MAX).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            // Nine bytes hold 63 bits, so the tenth has room for one.
            let is_too_large = place + 1 == VARINT_BYTES_MAX && *byte > 1;
            *bytes = &bytes[place + 1..];
            return (!is_too_large).then_some(value);
        }
    }
    None
}

#[inline]
pub(super) fn fixed64(bytes: &mut &[u8]) -> Option<u64> {
    let (taken, rest) = bytes.split_first_chunk::<8>()?;
    *bytes = rest;
    Some(u64::from_le_bytes(*taken))
}

#[inline]
pub(super) fn fixed32(bytes: &mut &[u8]) -> Option<u64> {
    let (taken, rest) = bytes.split_first_chunk::<4>()?;
    *bytes = rest;
    Some(u64::from(u32::from_le_bytes(*taken)))
}

/// What a length stands before.
#[inline]
pub(super) fn delimited<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = usize::try_from(varint(bytes)?).ok()?;
    let (taken, rest) = bytes.split_at_checked(len)?;
    *bytes = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use prost::encoding::{decode_varint, encode_varint};

    /// Scenario: a message with a field of each wire type, and one with a group.
    /// Guarantees: fields have their numbers and values; what is no plain field ends the reading.
    #[test]
    fn fields_are_read_in_order() {
        let numbers = [0x08, 0x96, 0x01, 0x11, 1, 0, 0, 0, 0, 0, 0, 0];
        let others = [0x1a, 2, b'h', b'i', 0x25, 7, 0, 0, 0, 0x2b];
        let message = [&numbers[..], &others[..]].concat();
        let read: Vec<(u32, u64, &[u8])> =
            Fields::of(&message).map(|field| (field.number, field.u64(), field.bytes)).collect();
        let (none, hi): (&[u8], &[u8]) = (b"", b"hi");
        assert_eq!(read, [(1, 150, none), (2, 1, none), (3, 0, hi), (4, 7, none)]);
        assert_eq!(Fields::of(&[0x07, 0]).count(), 0, "number 0");
        assert_eq!(Fields::of(&[0x0a, 3, 1, 2]).count(), 0, "longer than the message");
    }

    /// Scenario: numbers whose sign is in the lowest bit.
    /// Guarantees: they alternate between the signs, to both ends.
    #[test]
    fn signs_are_in_the_lowest_bit() {
        let read = |bits| Field { number: 1, bits, bytes: &[], from: &[] }.sint32();
        assert_eq!([0, 1, 2, 3].map(read), [0, -1, 1, -2]);
        assert_eq!([u64::from(u32::MAX), u64::from(u32::MAX - 1)].map(read), [i32::MIN, i32::MAX]);
    }

    proptest! {
        /// Scenario: any bytes, and any number in its own bytes.
        /// Guarantees: a number is read or refused as prost does, and as much of the bytes is taken.
        #[test]
        fn numbers_are_those_of_prost(bytes: Vec<u8>, number: u64) {
            let mut own = Vec::new();
            encode_varint(number, &mut own);
            let long = [&[0x80; 8][..], &bytes].concat();
            for bytes in [&bytes[..], &own, &long] {
                let (mut ours, mut theirs) = (bytes, bytes);
                let read = varint(&mut ours);
                prop_assert_eq!(read, decode_varint(&mut theirs).ok());
                if read.is_some() {
                    prop_assert_eq!(ours, theirs);
                }
            }
        }
    }
}
