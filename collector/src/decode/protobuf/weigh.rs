//! The memory that prost would take for a request, found out before it takes any.
//!
//! prost allocates a whole struct for every two bytes of an empty message, so this walks the bytes without
//! allocating and adds up what the structs will take. It judges size only: whatever is malformed it leaves to
//! prost, whose error the sender gets.

use super::grammar::{NUMBER_BYTES, Shape, Type};
use crate::decode::wire;

/// Message nesting that prost accepts; deeper requests fail there.
const DEPTH_MAX: usize = 100;

/// Bytes that the decoded request takes, or `None` when that is more than `bytes_max`. Stops early,
/// with what was found so far, at anything malformed.
pub(in crate::decode) fn weigh(root: impl Shape, body: &[u8], bytes_max: usize) -> Option<usize> {
    let mut total = 0usize;
    let mut open = vec![(root, body)];
    while let Some((kind, mut rest)) = open.pop() {
        if rest.is_empty() {
            continue;
        }
        let Some(field) = read_field(&mut rest) else { return Some(total) };
        open.push((kind, rest));
        match field {
            Field::Number => total += NUMBER_BYTES,
            Field::Delimited(number, payload) => match kind.field(number) {
                Type::One(child) | Type::Many(child) => {
                    total += child.bytes();
                    open.push((child, payload));
                }
                other => total += other.bytes(payload.len()),
            },
        }
        if total > bytes_max {
            return None;
        }
        if open.len() > DEPTH_MAX + 1 {
            return Some(total);
        }
    }
    Some(total)
}

enum Field<'a> {
    Number,
    Delimited(u32, &'a [u8]),
}

/// The next field, or `None` where prost would fail. The marks of a group, which prost skips, count as
/// numbers, and what is between them as fields of the message around: that can only weigh more.
fn read_field<'a>(bytes: &mut &'a [u8]) -> Option<Field<'a>> {
    let (number, wire_type) = wire::key(bytes)?;
    match wire_type {
        wire::VARINT => wire::varint(bytes).map(|_| Field::Number),
        wire::FIXED64 => wire::fixed64(bytes).map(|_| Field::Number),
        wire::FIXED32 => wire::fixed32(bytes).map(|_| Field::Number),
        wire::GROUP_START | wire::GROUP_END => Some(Field::Number),
        wire::DELIMITED => Some(Field::Delimited(number, wire::delimited(bytes)?)),
        _ => None,
    }
}
