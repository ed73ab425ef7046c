//! Each compression whole, cut, as a bomb, and as arbitrary bytes.

use super::*;
use crate::receive::admission::Budget;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use proptest::prelude::*;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const ALL: [Compression; 4] = [Compression::None, Compression::Gzip, Compression::Zstd, Compression::Deflate];

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn raw_deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Without its size in the header, as a stream is written.
fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

/// With its size in the header.
fn zstd_sized(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, 3).unwrap()
}

type Compress = fn(&[u8]) -> Vec<u8>;

const WAYS: [(Compression, Compress); 5] = [
    (Compression::Gzip, gzip),
    (Compression::Zstd, zstd),
    (Compression::Zstd, zstd_sized),
    (Compression::Deflate, zlib),
    (Compression::Deflate, raw_deflate),
];

fn run(body: Vec<u8>, compression: Compression, bytes_max: usize) -> (Result<Bytes, Failure>, u64) {
    let used = Arc::new(AtomicU64::new(0));
    let mut permit = Budget::new(1 << 30, Arc::clone(&used)).permit();
    let inflated = inflate(body.into(), compression, bytes_max, &mut permit);
    (inflated, used.load(Ordering::Relaxed))
}

fn reason(body: Vec<u8>, compression: Compression) -> Result<Bytes, Reason> {
    run(body, compression, 100).0.map_err(|failure| failure.reason())
}

fn malformed_reason(compression: Compression) -> Reason {
    super::malformed(b"", compression, &io::Error::other("x")).reason()
}

/// Scenario: bodies of every compression whole, cut at every byte, followed by other bytes, empty.
/// Guarantees: whole ones inflate entirely; any cut is an error and never a shorter body.
#[test]
fn a_body_is_whole_or_refused() {
    for (compression, compress) in WAYS {
        let malformed: Result<Bytes, Reason> = Err(malformed_reason(compression));
        let whole = compress(b"first fault");
        assert_eq!(reason(whole.clone(), compression).unwrap(), "first fault", "{compression:?}");
        for cut in 1..whole.len() {
            assert_eq!(reason(whole[..cut].to_vec(), compression), malformed, "{compression:?} cut at {cut}");
        }
        let followed = [whole, b"rest".to_vec()].concat();
        assert_eq!(reason(followed, compression), malformed, "{compression:?}");
        assert_eq!(reason(Vec::new(), compression).unwrap(), "");
    }
}

/// Scenario: two members of gzip and two frames of zstd, one after the other, and a frame to be skipped between.
/// Guarantees: all of them are the body.
#[test]
fn members_and_frames_are_joined() {
    let members = [gzip(b"first "), gzip(b"fault")].concat();
    assert_eq!(reason(members, Compression::Gzip).unwrap(), "first fault");
    let skipped = b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc".to_vec();
    let frames = [zstd(b"first "), skipped, zstd_sized(b"fault")].concat();
    assert_eq!(reason(frames, Compression::Zstd).unwrap(), "first fault");
}

/// Scenario: 64 MiB of zeros in a small body of every compression, with a limit of 1 MiB.
/// Guarantees: inflation stops at the limit, having charged no more than the limit and one step; a frame that tells
/// its size is refused before anything is charged.
#[test]
fn a_bomb_stops_at_the_limit() {
    let zeros = vec![0; 64 << 20];
    for (compression, compress) in WAYS {
        let (inflated, charged_bytes) = run(compress(&zeros), compression, 1 << 20);
        assert_eq!(inflated.unwrap_err().reason(), Reason::RequestTooLarge, "{compression:?}");
        assert!(charged_bytes <= (1 << 20) + STEP_BYTES as u64, "{compression:?} {charged_bytes}");
    }
    assert_eq!(run(zstd_sized(&zeros), Compression::Zstd, 1 << 20).1, 0);
}

/// Scenario: exactly the limit, and one byte more.
/// Guarantees: the limit itself is allowed.
#[test]
fn the_limit_is_inclusive() {
    for (compression, compress) in WAYS {
        assert!(run(compress(&[7; 1000]), compression, 1000).0.is_ok());
        let over = run(compress(&[7; 1001]), compression, 1000).0;
        assert_eq!(over.unwrap_err().reason(), Reason::RequestTooLarge);
    }
}

/// Scenario: a frame of one byte that announces a window of 8 MiB, and one of 16 MiB.
/// Guarantees: the second is refused: what a header announces is taken before the first byte comes out.
#[test]
fn the_window_of_zstd_is_bounded() {
    // Magic, no size and no checksum, 2^(10 + exponent) bytes of window, the last block: one byte as it is.
    let frame = |exponent: u8| [0x28, 0xb5, 0x2f, 0xfd, 0, exponent << 3, 9, 0, 0, b'x'].to_vec();
    assert_eq!(reason(frame(13), Compression::Zstd).unwrap(), "x");
    let failure = run(frame(14), Compression::Zstd, 100).0.unwrap_err();
    assert_eq!(failure.reason(), Reason::ZstdMalformed);
    assert!(failure.message().contains("too much memory"), "{}", failure.message());
}

/// Scenario: a body that is compressed in another way than its header says.
/// Guarantees: the message says what it is.
#[test]
fn another_compression_is_named() {
    let message =
        |body: Vec<u8>, compression| run(body, compression, 100).0.unwrap_err().message().to_owned();
    assert_eq!(message(zstd(b"x"), Compression::Gzip), "request body is not valid gzip: it is zstd");
    assert_eq!(message(gzip(b"x"), Compression::Zstd), "request body is not valid zstd: it is gzip");
    assert_eq!(message(gzip(b"x"), Compression::Deflate), "request body is not valid deflate: it is gzip");
}

/// Scenario: bodies that are not compressed at all, whatever their headers say, and one that is nothing known.
/// Guarantees: the message says so, and what they are.
#[test]
fn what_is_not_compressed_is_told() {
    let message =
        |body: &[u8], compression| run(body.to_vec(), compression, 1000).0.unwrap_err().message().to_owned();
    let protobuf = prost::Message::encode_to_vec(&crate::receive::tests::traces(1, 0));
    for (compression, name) in [(Compression::Gzip, "gzip"), (Compression::Zstd, "zstd")] {
        for (body, what) in [(&protobuf[..], "protobuf"), (&br#"{"resourceSpans":[]}"#[..], "JSON")] {
            let told = format!("request body is not compressed, though its headers say {name}: it is {what}");
            assert_eq!(message(body, compression), told);
        }
    }
    assert_eq!(
        message(b"no gzip", Compression::Gzip),
        "request body is not valid gzip: unexpected end of file"
    );
}

proptest! {
    /// Scenario: any body, in any way compressed.
    /// Guarantees: it comes out as it went in, and what it takes is charged.
    #[test]
    fn what_goes_in_comes_out(bytes in prop::collection::vec(any::<u8>(), 1..10_000), way in 0..WAYS.len()) {
        let (compression, compress) = WAYS[way];
        let (inflated, charged_bytes) = run(compress(&bytes), compression, bytes.len());
        prop_assert_eq!(inflated.unwrap(), bytes.clone());
        prop_assert_eq!(charged_bytes, bytes.len() as u64);
    }

    /// Scenario: any bytes as a body of any compression, also behind the first bytes of a true one.
    /// Guarantees: no panic, nothing above the limit, nothing charged above the limit and a step.
    #[test]
    fn arbitrary_bytes_are_harmless(
        n_true in 0..12_usize,
        way in 0..WAYS.len(),
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        compression in prop::sample::select(ALL.to_vec()),
    ) {
        let start = WAYS[way].1(b"some bytes that begin well");
        let body = [&start[..n_true], &bytes].concat();
        let bytes_max = 1000;
        let (inflated, charged_bytes) = run(body, compression, bytes_max);
        if let Ok(inflated) = inflated {
            prop_assert!(inflated.len() <= bytes_max);
        }
        prop_assert!(charged_bytes <= (bytes_max + STEP_BYTES) as u64);
    }
}
