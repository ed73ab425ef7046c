//! What fuzzing asks of the edge: any bytes are a request, and what must hold of it is checked. Nothing of the
//! product uses it.
//!
//! The targets in `fuzz/` call these functions with what a fuzzer makes up, and `tests` with the committed seeds and
//! damaged copies of them. The first byte chooses what the others are; each function says whether it accepted them,
//! and panics where a rule is broken. `docs/fuzzing.md` says how to run them and how to add one.

use crate::bench;
use crate::decode::{self, Encoding, Report};
use crate::encode;
use crate::receive::admission::Budget;
use crate::receive::{self, Compression};
use crate::telemetry::Reason;
use arrow::array::RecordBatch;
use bytes::Bytes;
use prost::encoding::{WireType, encode_key, encode_varint};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use storage::{Signal, WalRecord};

/// True for bytes that are accepted.
pub type Target = fn(&[u8]) -> bool;

/// Every target by its name, the engine's too, so that one test goes through all of them.
pub const TARGETS: [(&str, Target); 6] = [
    ("inflate", inflate),
    ("json", json),
    ("protobuf", protobuf),
    ("remote_write", remote_write),
    ("wal_frame", storage::fuzz::wal_frame),
    ("zipkin", zipkin),
];

/// When requests are taken to be received: unix nanos, early in 2026.
const RECEIVED_AT: i64 = 1_767_225_600_000_000_000;
/// Requests up to this size are exported as well: nothing in them is long enough to be cut, even as JSON in JSON.
const EXPORTED_BYTES_MAX: usize = 8 << 10;
/// Rows up to this size are: a few bytes may say again and again what is long.
const EXPORTED_ROW_BYTES_MAX: usize = 1 << 20;
/// What a body may be compressed with, and for what it is refused when it is not. There is room for eight.
const COMPRESSIONS: [(Compression, Option<Reason>); 5] = [
    (Compression::None, None),
    (Compression::Gzip, Some(Reason::GzipMalformed)),
    (Compression::Zstd, Some(Reason::ZstdMalformed)),
    (Compression::Deflate, Some(Reason::DeflateMalformed)),
    (Compression::Snappy, Some(Reason::SnappyMalformed)),
];
/// Limits that are tried on what it inflates to.
const INFLATED_BYTES_MAX: [usize; 5] = [0, 1, 1_000, 64 << 10, 1 << 20];

/// Protobuf, a request or one item of it: views give the rows and the findings that prost's messages give.
pub fn protobuf(data: &[u8]) -> bool {
    let Some((signal, is_item, bytes)) = request(data) else { return false };
    let body = if is_item { request_of_item(bytes) } else { bytes.to_vec() };
    let body = Bytes::from(body);
    let by_views = bench::rows_by_views(signal, &body);
    assert_eq!(by_views, bench::rows_by_prost(signal, &body), "views and prost differ");
    let decoded = decode::decode(signal, Encoding::Protobuf, &body, &mut Report::default());
    assert_eq!(by_views.is_ok(), decoded.is_ok(), "a request that decodes has rows");
    by_views.is_ok_and(|outcome| outcome.rows.num_rows() > 0)
}

/// OTLP/JSON, a request or one item of it: the same request in protobuf has the same rows, and rows that are exported
/// come back.
pub fn json(data: &[u8]) -> bool {
    let Some((signal, is_item, bytes)) = request(data) else { return false };
    let body = if is_item { json_of_item(signal, bytes) } else { bytes.to_vec() };
    translated(signal, Encoding::Json, Bytes::from(body))
}

/// Zipkin's v2 spans, a list or one of them: as for `json`.
pub fn zipkin(data: &[u8]) -> bool {
    let Some((choice, bytes)) = choice(data) else { return false };
    let body = if choice % 2 == 1 { [&b"["[..], bytes, &b"]"[..]].concat() } else { bytes.to_vec() };
    translated(Signal::Traces, Encoding::ZipkinJson, Bytes::from(body))
}

/// Remote write 1.0, inflated, a request or one series of it: as for `json`.
pub fn remote_write(data: &[u8]) -> bool {
    let Some((choice, bytes)) = choice(data) else { return false };
    let body = if choice % 2 == 1 { held(1, bytes) } else { bytes.to_vec() };
    translated(Signal::Metrics, Encoding::RemoteWrite, Bytes::from(body))
}

/// A compressed body: what comes out is within the limit and charged to the byte, and a zstd body is what zstd makes
/// of it in one step.
pub fn inflate(data: &[u8]) -> bool {
    let Some((choice, bytes)) = choice(data) else { return false };
    let Some(&(compression, malformed)) = COMPRESSIONS.get(usize::from(choice % 8)) else { return false };
    let bytes_max = INFLATED_BYTES_MAX[usize::from(choice / 8) % INFLATED_BYTES_MAX.len()];
    let charged = Arc::new(AtomicU64::new(0));
    let mut permit = Budget::new(u64::MAX, Arc::clone(&charged)).permit();
    let inflated = receive::inflate(Bytes::copy_from_slice(bytes), compression, bytes_max, &mut permit);
    let n_charged = charged.load(Ordering::Relaxed);
    drop(permit);
    assert_eq!(charged.load(Ordering::Relaxed), 0, "what was charged is given back");
    assert!(n_charged <= bytes_max as u64, "{n_charged} bytes were charged, the limit is {bytes_max}");
    match &inflated {
        // It was charged as it came.
        Ok(body) if compression == Compression::None || bytes.is_empty() => assert_eq!(body[..], *bytes),
        Ok(body) => {
            assert_eq!(n_charged, body.len() as u64, "what came out is charged");
            assert!(compression != Compression::Zstd || is_zstd_of(bytes, body), "zstd in one step differs");
        }
        Err(failure) => {
            let reason = failure.reason();
            assert!(reason == Reason::RequestTooLarge || Some(reason) == malformed, "{reason:?}");
        }
    }
    inflated.is_ok()
}

fn is_zstd_of(bytes: &[u8], inflated: &[u8]) -> bool {
    zstd::bulk::decompress(bytes, inflated.len() + 1).is_ok_and(|whole| whole == inflated)
}

/// A request in an encoding that is read into messages.
fn translated(signal: Signal, encoding: Encoding, body: Bytes) -> bool {
    let Ok(decoded) = decode::decode(signal, encoding, &body, &mut Report::default()) else { return false };
    let n_bytes = body.len();
    let rows = rows_of(signal, encoding, body);
    let in_protobuf = Bytes::from(decoded.to_protobuf());
    match decode::decode(signal, Encoding::Protobuf, &in_protobuf, &mut Report::default()) {
        Ok(_) => assert_eq!(rows, rows_of(signal, Encoding::Protobuf, in_protobuf), "rows of it in protobuf"),
        // What JSON in the text of an annotation holds may be nested deeper than protobuf may be.
        Err(error) => assert_eq!(encoding, Encoding::ZipkinJson, "in protobuf: {error:?}"),
    }
    if n_bytes <= EXPORTED_BYTES_MAX && rows.get_array_memory_size() <= EXPORTED_ROW_BYTES_MAX {
        check_export(signal, &rows);
    }
    rows.num_rows() > 0
}

/// Rows that are exported come back, each of them. `encode` names what may then differ; it does not a second time.
fn check_export(signal: Signal, rows: &RecordBatch) {
    let once = exported(signal, rows);
    assert_eq!(once.num_rows(), rows.num_rows(), "rows that were exported and sent again");
    assert_eq!(exported(signal, &once), once, "rows that were exported twice");
}

fn exported(signal: Signal, batch: &RecordBatch) -> RecordBatch {
    let json = encode::encode(signal, batch).expect("rows of a request can be exported").to_string();
    rows_of(signal, Encoding::Json, Bytes::from(json))
}

/// Rows of a request that was decoded before, or is made of one that was.
fn rows_of(signal: Signal, encoding: Encoding, payload: Bytes) -> RecordBatch {
    let record = WalRecord { signal, encoding: encoding.code(), received_at: RECEIVED_AT, payload };
    bench::rows(record).expect("a request that decodes has rows").batch().clone()
}

/// The first byte as a number, from '0' on, so that seeds of text stay text; and the others.
fn choice(data: &[u8]) -> Option<(u8, &[u8])> {
    let (first, bytes) = data.split_first()?;
    Some((first.wrapping_sub(b'0'), bytes))
}

/// What the bytes are: of which signal, and whether they are one item instead of a request. Inside an item bytes
/// change without a length around them to become wrong.
fn request(data: &[u8]) -> Option<(Signal, bool, &[u8])> {
    let (choice, bytes) = choice(data)?;
    Some((Signal::ALL[usize::from(choice % 3)], choice / 3 % 2 == 1, bytes))
}

/// A request in protobuf that holds one item; all signals have theirs under the same numbers.
fn request_of_item(item: &[u8]) -> Vec<u8> {
    held(1, &held(2, &held(2, item)))
}

/// A field that holds a message.
fn held(number: u32, message: &[u8]) -> Vec<u8> {
    let mut field = Vec::new();
    encode_key(number, WireType::LengthDelimited, &mut field);
    encode_varint(message.len() as u64, &mut field);
    field.extend_from_slice(message);
    field
}

/// The same in JSON.
fn json_of_item(signal: Signal, item: &[u8]) -> Vec<u8> {
    let before = match signal {
        Signal::Traces => r#"{"resourceSpans":[{"scopeSpans":[{"spans":["#,
        Signal::Logs => r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":["#,
        Signal::Metrics => r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":["#,
    };
    let after = "]}]}]}";
    [before.as_bytes(), item, after.as_bytes()].concat()
}

#[cfg(test)]
mod tests;
