//! Which requests views may read where they lie.
//!
//! One pass over the bytes finds out whether a request is plain: prost would accept it, and nothing of it has
//! to be merged to know what it says. Every exporter's requests are plain. Those that are not go through prost,
//! which refuses them or puts them together: malformed ones, and odd ones that protobuf allows, with a second
//! resource, status or value in a message that has one, with numbers of a list that are not packed into one
//! field, with groups, or nested deeper than any value that is kept. So what is said here decides how a request
//! is read, and never what becomes of it.

use super::grammar::{Kind, NUMBER_BYTES, Shape as _, Type};
use crate::decode::wire;

/// Messages inside each other that views are trusted with. prost stops at 100; 24 maps, which is as deep as
/// values are kept, are 72 below the item.
const DEPTH_MAX: usize = 90;

/// Memory that prost would take for a plain request; `None` for one that is not.
pub(super) fn weigh(root: Kind, body: &[u8]) -> Option<usize> {
    weigh_message(root, body, 0)
}

fn weigh_message(kind: Kind, body: &[u8], depth: usize) -> Option<usize> {
    let (mut rest, mut total, mut seen) = (body, 0usize, 0u32);
    while !rest.is_empty() {
        let (number, wire_type) = wire::key(&mut rest)?;
        let field = kind.field(number);
        if matches!(field, Type::One(_) | Type::PackedFixed64 | Type::PackedVarints) {
            // Numbers of known fields are small.
            let mark = 1 << (number & 31);
            if seen & mark != 0 {
                return None;
            }
            seen |= mark;
        }
        let is_known = field != Type::Unknown;
        total += match wire_type {
            wire::DELIMITED => weigh_delimited(field, wire::delimited(&mut rest)?, depth)?,
            wire::VARINT if !is_known || field == Type::Varint => {
                wire::varint(&mut rest)?;
                NUMBER_BYTES
            }
            wire::FIXED64 if !is_known || field == Type::Fixed64 => {
                wire::fixed64(&mut rest)?;
                NUMBER_BYTES
            }
            wire::FIXED32 if !is_known || field == Type::Fixed32 => {
                wire::fixed32(&mut rest)?;
                NUMBER_BYTES
            }
            _ => return None,
        };
    }
    Some(total)
}

#[inline]
fn weigh_delimited(field: Type<Kind>, bytes: &[u8], depth: usize) -> Option<usize> {
    let is_plain = match field {
        Type::One(kind) | Type::Many(kind) if depth < DEPTH_MAX => {
            return Some(kind.bytes() + weigh_message(kind, bytes, depth + 1)?);
        }
        Type::Text | Type::Texts => bytes.is_ascii() || std::str::from_utf8(bytes).is_ok(),
        Type::Bytes | Type::Unknown => true,
        Type::PackedFixed64 => bytes.len().is_multiple_of(8),
        Type::PackedVarints => are_varints(bytes),
        Type::One(_) | Type::Many(_) | Type::Varint | Type::Fixed32 | Type::Fixed64 => false,
    };
    is_plain.then(|| field.bytes(bytes.len()))
}

fn are_varints(mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        if wire::varint(&mut bytes).is_none() {
            return false;
        }
    }
    true
}
