//! What a line looks like without its numbers and ids.

/// Bytes of a line that are looked at.
const BODY_BYTES_MAX: usize = 600;
/// Tokens that are kept: what follows is data more often than text.
const N_TOKENS_MAX: usize = 16;
/// Hexadecimal digits in a row that make an id.
const HEX_ID_BYTES_MIN: usize = 16;
/// Bytes of a UUID: 8 digits, a hyphen, then 27 digits and hyphens.
const UUID_BYTES: usize = 36;

/// Appends the tokens of a line with a space between them. A token with a digit is `*`, unless it names
/// a place in source code, such as `Cart#12` or `cart.go:12`; several `*` in a row are one. O(bytes).
pub(crate) fn mask(body: &str, masked: &mut String) {
    let start = masked.len();
    let mut n_tokens = 0;
    let mut after_wildcard = false;
    for token in beginning(body).split(is_separator).filter(|token| !token.is_empty()) {
        let before = masked.len();
        if before > start {
            masked.push(' ');
        }
        let from = masked.len();
        push_without_ids(token, masked);
        if masked[from..].bytes().any(|byte| byte.is_ascii_digit()) && !is_source_location(&masked[from..]) {
            masked.truncate(from);
            masked.push('*');
        }
        let is_wildcard = &masked[from..] == "*";
        if is_wildcard && after_wildcard {
            masked.truncate(before);
            continue;
        }
        after_wildcard = is_wildcard;
        n_tokens += 1;
        if n_tokens == N_TOKENS_MAX {
            break;
        }
    }
}

/// The first bytes, cut between characters.
fn beginning(body: &str) -> &str {
    &body[..body.floor_char_boundary(BODY_BYTES_MAX)]
}

fn is_separator(c: char) -> bool {
    c.is_ascii_whitespace()
        || matches!(c, '[' | ']' | '(' | ')' | '{' | '}' | '<' | '>' | ',' | ';' | '=' | '"' | '\u{b}')
}

/// Copies a token with `*` for each long hexadecimal number and each UUID that stands as a word of its own.
fn push_without_ids(token: &str, masked: &mut String) {
    let bytes = token.as_bytes();
    let mut copied = 0;
    let mut at = 0;
    while at < bytes.len() {
        let word = word_bytes(&bytes[at..]);
        let id = id_bytes(&bytes[at..], word);
        if id > 0 {
            masked.push_str(&token[copied..at]);
            masked.push('*');
            copied = at + id;
        }
        // On to the next word: past this one, or past the one byte that is in none.
        at += id.max(word).max(1);
    }
    masked.push_str(&token[copied..]);
}

/// Bytes of the word that begins here.
fn word_bytes(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| is_word(**byte)).count()
}

/// Letters beyond ASCII are parts of words too.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Bytes of the id that begins with a word of this length; 0 if none does.
fn id_bytes(bytes: &[u8], word: usize) -> usize {
    let is_hex = bytes[..word].iter().all(u8::is_ascii_hexdigit);
    if word >= HEX_ID_BYTES_MIN && is_hex {
        return word;
    }
    let is_uuid = word == 8
        && is_hex
        && bytes.len() >= UUID_BYTES
        && bytes[8] == b'-'
        && bytes[9..UUID_BYTES].iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'-')
        && is_word(bytes[UUID_BYTES - 1])
        && bytes.get(UUID_BYTES).is_none_or(|byte| !is_word(*byte));
    if is_uuid { UUID_BYTES } else { 0 }
}

/// A name, `#` or `:`, and a line number.
fn is_source_location(token: &str) -> bool {
    let Some(at) = token.rfind(['#', ':']) else { return false };
    let (name, line) = (&token.as_bytes()[..at], &token.as_bytes()[at + 1..]);
    let starts = name.first().is_some_and(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'$'));
    let goes_on = |byte: &u8| is_word(*byte) || matches!(byte, b'.' | b'$' | b'/' | b'-');
    starts && name.iter().all(goes_on) && !line.is_empty() && line.iter().all(u8::is_ascii_digit)
}
