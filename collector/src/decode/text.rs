//! Text forms of bytes in OTLP/JSON, and text of senders made fit for messages.

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Bytes of hex text in either case; `None` for anything else.
pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits.chunks_exact(2).map(|pair| Some(hex_digit(pair[0])? << 4 | hex_digit(pair[1])?)).collect()
}

/// What stands in the place of an id that was sent as base64, before its beginning; of a length that no id has.
const BASE64_MARK: &[u8] = b"base64:";
const BASE64_SHOWN_BYTES: usize = 8;

/// An id in base64, as protobuf's own mapping to JSON would have it: 12 characters or 24, one or two less where they are
/// not padded.
fn is_base64_id(text: &str) -> bool {
    (11..=24).contains(&text.len()) && from_base64(text).is_some_and(|bytes| matches!(bytes.len(), 8 | 16))
}

/// The beginning of an id that was sent as base64, of what `no_id` made of it.
pub(super) fn base64_id(id: &[u8]) -> Option<&str> {
    std::str::from_utf8(id.strip_prefix(BASE64_MARK)?).ok()
}

/// Bytes in the place of an id that is no hex: of a length that no id has, so that its item is rejected by
/// the rules on ids, and not its request.
pub(super) fn no_id(text: &str) -> Vec<u8> {
    if is_base64_id(text) {
        return [BASE64_MARK, &text.as_bytes()[..BASE64_SHOWN_BYTES]].concat();
    }
    let mut bytes = text.as_bytes().to_vec();
    bytes.truncate(15);
    bytes.resize(bytes.len().max(9), b'?');
    bytes
}

/// Lower-case hexadecimal, as ids are shown.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Standard base64 with padding, appended to `out`.
pub(crate) fn write_base64(bytes: &[u8], out: &mut impl std::fmt::Write) -> std::fmt::Result {
    for chunk in bytes.chunks(3) {
        let group =
            chunk.iter().fold(0u32, |group, byte| group << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = BASE64[(group >> (18 - 6 * place)) as usize & 63];
            out.write_char(if place <= chunk.len() { digit as char } else { '=' })?;
        }
    }
    Ok(())
}

/// Bytes of base64 text in the standard or the URL alphabet, padded or not; protobuf's JSON mapping
/// asks receivers to take all four.
pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=').as_bytes();
    if digits.len() % 4 == 1 || text.len() - digits.len() > 2 {
        return None;
    }
    let mut bytes = Vec::with_capacity(digits.len() * 3 / 4);
    for chunk in digits.chunks(4) {
        let mut group = 0u32;
        for digit in chunk {
            group = group << 6 | base64_digit(*digit)?;
        }
        group <<= 6 * (4 - chunk.len());
        let [_, first, second, third] = group.to_be_bytes();
        bytes.extend_from_slice(&[first, second, third][..chunk.len() - 1]);
    }
    Some(bytes)
}

/// At most `chars_max` characters of a sender's text, with control characters replaced, so that it
/// can neither flood nor forge a message or a log line.
pub(crate) fn printable(text: &str, chars_max: usize) -> String {
    let mut chars = text.chars();
    let mut clean: String =
        chars.by_ref().take(chars_max).map(|c| if is_unsafe(c) { '\u{fffd}' } else { c }).collect();
    if chars.next().is_some() {
        clean.push_str("...");
    }
    clean
}

/// Controls, line separators, and the marks that reorder text around them.
fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

fn base64_digit(digit: u8) -> Option<u32> {
    let value = match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Scenario: ids in either case, and text that is no hex.
    /// Guarantees: case does not matter; an odd length or a foreign digit is refused, never guessed.
    #[test]
    fn hex_is_read_in_either_case() {
        assert_eq!(from_hex("5B8efFf7"), Some(vec![0x5b, 0x8e, 0xff, 0xf7]));
        assert_eq!(from_hex(""), Some(vec![]));
        assert_eq!(from_hex("abc"), None);
        assert_eq!(from_hex("W4=="), None);
    }

    /// Scenario: ids in base64, padded and not, other text, and a UUID.
    /// Guarantees: only ids in base64 are taken for that; none is as long as an id.
    #[test]
    fn base64_is_recognised_where_hex_should_be() {
        for text in ["W47/95gDgQPSabYzgT/GDA==", "W47_95gDgQPSabYzgT_GDA", "7uGbfsPBsXQ=", "7uGbfsPBsXQ"] {
            assert_eq!(base64_id(&no_id(text)), Some(&text[..8]), "{text}");
        }
        for text in
            ["zzzzzzzz", "5b8efff7-9803-8103-d269-b633813fc60c", "trace-id-000001", "", "W47/95gD\u{e9}g"]
        {
            let id = no_id(text);
            assert_eq!(base64_id(&id), None, "{text}");
            assert!(!matches!(id.len(), 0 | 8 | 16), "{text}");
        }
    }

    /// Scenario: the four spellings that protobuf's JSON mapping allows, and broken ones.
    /// Guarantees: all four read alike; foreign characters and impossible lengths are refused.
    #[test]
    fn base64_is_read_in_every_spelling() {
        for text in ["-_8=", "-_8", "+/8=", "+/8"] {
            assert_eq!(from_base64(text), Some(vec![0xfb, 0xff]), "{text}");
        }
        for text in ["A", "AA===", "A A=", "A=AA"] {
            assert_eq!(from_base64(text), None, "{text}");
        }
    }

    /// Scenario: a sender's text with an escape sequence, a line break and a reordering mark.
    /// Guarantees: none of them survives, and the length is bounded.
    #[test]
    fn printable_text_cannot_forge_a_line() {
        assert_eq!(printable("a\u{1b}[31m\nb\u{202e}", 99), "a\u{fffd}[31m\u{fffd}b\u{fffd}");
        assert_eq!(printable("abcdef", 3), "abc...");
    }

    proptest! {
        /// Scenario: any bytes.
        /// Guarantees: base64 reads back what it wrote.
        #[test]
        fn base64_round_trips(bytes: Vec<u8>) {
            let mut text = String::new();
            write_base64(&bytes, &mut text).unwrap();
            prop_assert_eq!(from_base64(&text), Some(bytes));
        }
    }
}
