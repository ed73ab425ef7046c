//! What bytes are, by the first of them: of a connection before HTTP reads it, and of a body that was refused.
//!
//! Only common mistakes are looked for, and only to name them: nothing is taken or refused because of what is found
//! here, but for connections that cannot be HTTP.

use super::inflate::Compression;
use crate::decode::{self, Encoding};
use crate::telemetry::Reason;
use storage::Signal;

/// First bytes of a body that are looked at; the framing of protobuf has bytes among them that no text has.
const LOOKED_AT_BYTES: usize = 64;

/// What a connection begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spoken {
    /// HTTP/1 or HTTP/2, as far as can be seen.
    Http,
    /// A client's greeting in TLS.
    Tls,
    /// Something binary: Thrift, or another protocol of its own.
    Other,
}

/// `first` may be as little as has come so far.
pub(crate) fn spoken(first: &[u8]) -> Spoken {
    match first {
        // A record of the handshake, of any version since SSL 3.
        [0x16] | [0x16, 0x03, ..] => Spoken::Tls,
        // Empty lines before a request are passed over.
        [] | [b'\r' | b'\n', ..] => Spoken::Http,
        [byte, ..] if is_method_letter(*byte) => Spoken::Http,
        _ => Spoken::Other,
    }
}

/// What a method may be made of; the preface of HTTP/2 begins as a method does.
fn is_method_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// How bytes are compressed, if they begin like something compressed. Raw deflate has no beginning of its own.
pub(super) fn compression(bytes: &[u8]) -> Option<Compression> {
    match bytes {
        [0x1f, 0x8b, 8, ..] => Some(Compression::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Compression::Zstd),
        // The window of 32 KiB that every encoder takes.
        [0x78, ..] if is_zlib(bytes) => Some(Compression::Deflate),
        _ => None,
    }
}

/// Deflate with the header of zlib. A raw stream could only begin so with bits set that encoders leave empty.
pub(super) fn is_zlib(bytes: &[u8]) -> bool {
    let [method, flags, ..] = bytes else { return false };
    let has_method = method & 0x0f == 8 && method >> 4 <= 7;
    has_method && u16::from_be_bytes([*method, *flags]).is_multiple_of(31)
}

/// Why a body could not be decoded, if it is one of the common mistakes, and what to call it. `body` is inflated.
pub(crate) fn mistake(encoding: Encoding, declared: Compression, body: &[u8]) -> Option<(Reason, String)> {
    if let Some(found) = compression(body) {
        let name = found.name();
        return Some(match declared {
            Compression::None => (
                Reason::CompressionUndeclared,
                format!("the body is compressed with {name}, and its headers do not say so"),
            ),
            _ => (
                Reason::CompressedTwice,
                format!("the body is still {name} after decompression: it was compressed twice"),
            ),
        });
    }
    match encoding {
        Encoding::Protobuf if is_json(body) => {
            let message = "the body is JSON, and it was sent as protobuf".to_owned();
            Some((Reason::JsonAsProtobuf, message))
        }
        Encoding::Json if is_binary(body) => {
            let message = "the body is binary, and it was sent as JSON".to_owned();
            Some((Reason::ProtobufAsJson, message))
        }
        Encoding::Protobuf | Encoding::Json | Encoding::ZipkinJson | Encoding::RemoteWrite => None,
    }
}

/// What a body is that was said to be compressed, and is not.
pub(super) fn uncompressed(body: &[u8]) -> Option<&'static str> {
    if is_json(body) {
        return Some("JSON");
    }
    // Requests of all signals begin with a resource.
    let is_protobuf =
        body.first() == Some(&0x0a) && Signal::ALL.iter().any(|signal| decode::is_plain(*signal, body));
    is_protobuf.then_some("protobuf")
}

/// The signal that a body of protobuf reads as, where it is sent as another's and does not read as that.
pub(crate) fn other_signal(signal: Signal, body: &[u8]) -> Option<Signal> {
    let mut others =
        Signal::ALL.into_iter().filter(|other| *other != signal && decode::is_plain(*other, body));
    let found = others.next()?;
    others.next().is_none().then_some(found)
}

/// An object or an array and the beginning of what is in it. The first bytes of protobuf can look like either, but
/// not like both.
fn is_json(body: &[u8]) -> bool {
    let [open, rest @ ..] = body.trim_ascii_start() else { return false };
    let next = rest.trim_ascii_start().first();
    match open {
        b'{' => matches!(next, None | Some(b'"' | b'}')) && !is_binary(body),
        b'[' => matches!(next, None | Some(b'{' | b'[' | b'"' | b']')) && !is_binary(body),
        _ => false,
    }
}

/// Has bytes near its beginning that no text has.
fn is_binary(body: &[u8]) -> bool {
    let first = &body[..body.len().min(LOOKED_AT_BYTES)];
    let is_text = match std::str::from_utf8(first) {
        Ok(_) => true,
        // A character that only the cut has ended.
        Err(error) => error.error_len().is_none() && first.len() < body.len(),
    };
    !is_text || first.iter().any(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Scenario: the first bytes of clients of all kinds, also as little as one byte of them.
    /// Guarantees: what can be HTTP is left to HTTP; TLS and binary protocols are told apart.
    #[test]
    fn connections_are_told_by_their_first_bytes() {
        for http in
            ["GET / HTTP/1.1\r\n", "POST", "P", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\r\nGET /", "get", ""]
        {
            assert_eq!(spoken(http.as_bytes()), Spoken::Http, "{http:?}");
        }
        for tls in [&b"\x16\x03\x01\x02\x00\x01"[..], b"\x16\x03\x03", b"\x16"] {
            assert_eq!(spoken(tls), Spoken::Tls, "{tls:?}");
        }
        let thrift_binary = b"\x80\x01\x00\x01\x00\x00\x00\x0bemitBatch";
        let thrift_framed = b"\x00\x00\x00\x54\x80\x01\x00\x01";
        for other in
            [&thrift_binary[..], thrift_framed, b"\x82\x21\x01", b"\x16\x00", b"{\"spans\"", b"\x1f\x8b"]
        {
            assert_eq!(spoken(other), Spoken::Other, "{other:?}");
        }
    }

    fn check(encoding: Encoding, declared: Compression, body: &[u8], expected: Option<Reason>) {
        let found = mistake(encoding, declared, body).map(|(reason, _)| reason);
        assert_eq!(found, expected, "{encoding:?} {declared:?} {body:?}");
    }

    /// Scenario: bodies that were compressed once too often, or once without saying so, and damaged ones.
    /// Guarantees: the two mistakes are told apart, and damage is none of them.
    #[test]
    fn compression_is_recognised() {
        use Compression::{Deflate, Gzip, None as Plain, Zstd};
        for body in [&b"\x1f\x8b\x08\x00\x00"[..], b"\x28\xb5\x2f\xfd\x04", b"\x78\x9c\x03", b"\x78\x01\x03"]
        {
            for encoding in [Encoding::Protobuf, Encoding::Json] {
                check(encoding, Plain, body, Some(Reason::CompressionUndeclared));
                for declared in [Gzip, Zstd, Deflate] {
                    check(encoding, declared, body, Some(Reason::CompressedTwice));
                }
            }
        }
        for body in [&b"\x1f\x8b"[..], b"\x78\x9d", b"x", b""] {
            check(Encoding::Protobuf, Gzip, body, None);
        }
    }

    /// Scenario: JSON of several styles as protobuf, protobuf as JSON, and each as itself but broken; among them
    /// protobuf whose first lengths are those of brackets.
    /// Guarantees: what was sent under the other's name is recognised, a broken body is not.
    #[test]
    fn encodings_are_recognised() {
        let plain = Compression::None;
        for json in [
            "{}",
            "{\"resourceSpans\":[]}",
            "\n\t { \"a\": 1",
            "[{\"traceId\":\"1\"}]",
            "[]",
            "{\"\u{e9}\": \"\u{20ac}\"}",
        ] {
            check(Encoding::Protobuf, plain, json.as_bytes(), Some(Reason::JsonAsProtobuf));
            check(Encoding::Json, plain, json.as_bytes(), None);
        }
        let long = format!("{{\"{}", "\u{20ac}".repeat(60));
        check(Encoding::Json, plain, long.as_bytes(), None);
        check(Encoding::Protobuf, plain, long.as_bytes(), Some(Reason::JsonAsProtobuf));
        for protobuf in
            [&b"\x0a\x10\x12\x0e"[..], b"\x0a\x7b\x0a\x00\x12", b"\x0a\x7b\x22\x12\x01", b"\x0a\xff\xff\xff"]
        {
            check(Encoding::Json, plain, protobuf, Some(Reason::ProtobufAsJson));
            check(Encoding::Protobuf, plain, protobuf, None);
        }
        for neither in [&b""[..], b"hello", b"<html>", b"{key: 1}"] {
            check(Encoding::Protobuf, plain, neither, None);
            check(Encoding::Json, plain, neither, None);
        }
    }

    proptest! {
        /// Scenario: any bytes as the beginning of a connection and as a body.
        /// Guarantees: no panic; valid JSON is never taken for binary, and no more than its beginning is looked at.
        #[test]
        fn any_bytes_can_be_looked_at(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "\\PC{0,100}") {
            spoken(&bytes);
            for encoding in [Encoding::Protobuf, Encoding::Json] {
                for declared in [Compression::None, Compression::Gzip] {
                    let found = mistake(encoding, declared, &bytes);
                    let longer = [&bytes[..], &[b'x'; LOOKED_AT_BYTES]].concat();
                    if bytes.len() > 2 * LOOKED_AT_BYTES {
                        prop_assert_eq!(found, mistake(encoding, declared, &longer));
                    }
                }
            }
            let json = serde_json::json!({ "text": text }).to_string();
            prop_assert_eq!(mistake(Encoding::Json, Compression::None, json.as_bytes()), None);
            let found = mistake(Encoding::Protobuf, Compression::None, json.as_bytes());
            prop_assert_eq!(found.map(|(reason, _)| reason), Some(Reason::JsonAsProtobuf));
        }
    }
}
