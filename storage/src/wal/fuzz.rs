//! What fuzzing asks of the log's format: any bytes are a frame, a record, or a file, and what must hold of them is
//! checked. Nothing of the product uses it.

use super::frame::{self, FRAME_BYTES_MIN, FRAME_PREFIX_BYTES, Frame, HEADER_BYTES};
use super::reader::{FileReader, Next, Resumed};
use crate::columns::WalRecord;
use crate::ids::Signal;
use bytes::Bytes;
use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that say what a record is, before its payload.
const FIELDS_BYTES: usize = 20;

/// Any bytes as a frame, as one whose checksum fits, as a record that is written, or as a file; the first byte says
/// which. True if a record was read. Panics where the format does not keep what `docs/formats/wal.md` promises.
pub fn wal_frame(data: &[u8]) -> bool {
    let Some((first, bytes)) = data.split_first() else { return false };
    // From '0' on.
    let choice = first.wrapping_sub(b'0');
    match choice % 4 {
        0 => check_frame(bytes),
        1 => check_frame(&sealed(bytes)),
        2 => check_record(bytes),
        _ => check_file(bytes, next_file(choice / 4)),
    }
}

/// The number that the next file begins with, where there is one.
fn next_file(number: u8) -> Option<u64> {
    (number > 0).then_some(u64::from(number))
}

/// A record that is read is read again from the frame that is written of it.
fn check_frame(bytes: &[u8]) -> bool {
    let Some(frame) = read(bytes) else { return false };
    if let Some(head) = bytes.first_chunk().and_then(frame::decode_head) {
        assert_eq!(head.sequence, frame.sequence, "the number that a search sees");
    }
    assert_eq!(read(&written(&frame)), Some(frame), "the record, written again");
    true
}

/// A record that is written is found and read, and no longer so when any bit of it changes.
fn check_record(bytes: &[u8]) -> bool {
    let Some((fields, payload)) = bytes.split_first_chunk::<FIELDS_BYTES>() else { return false };
    let (frame, bit) = record(fields, payload);
    let mut bytes = written(&frame);
    let head = bytes.first_chunk().and_then(frame::decode_head).expect("a search sees what was written");
    assert_eq!(head.sequence, frame.sequence, "the number that a search sees");
    assert_eq!(read(&bytes), Some(frame), "the record");
    // Not of the length: with another one the checksum is that of other bytes.
    let bit = 32 + bit % ((bytes.len() - 4) * 8);
    bytes[bit / 8] ^= 1 << (bit % 8);
    assert_eq!(read(&bytes), None, "bit {bit} was changed");
    true
}

/// A file is read to its end or to where no more can be found in it: each record is one that is there, their numbers
/// rise, and behind damage they stay below that of the next file.
fn check_file(bytes: &[u8], sequence_end: Option<u64>) -> bool {
    let scratch = Scratch::holding(bytes);
    // One of another version is refused as a whole.
    let Ok(mut reader) = FileReader::open(&scratch.0, 1) else { return false };
    let (mut n_read, mut is_resumed) = (0, false);
    loop {
        let (offset, sequence) = (reader.offset(), reader.sequence_next());
        match reader.next().expect("the file can be read") {
            Next::Frame(frame) => {
                assert_eq!(frame.sequence, sequence, "the number of the record at {offset}");
                let is_below_end = sequence_end.is_none_or(|end| sequence < end);
                assert!(!is_resumed || is_below_end, "record {sequence} at {offset} is the next file's");
                assert_eq!(read(&bytes[offset as usize..]), Some(frame), "the record at {offset}");
                n_read += 1;
            }
            Next::End => return n_read > 0,
            Next::Bad { .. } => match reader.resume(sequence_end).expect("the file can be read") {
                Resumed::Frame { .. } => is_resumed = true,
                Resumed::Nothing | Resumed::Unknown => return n_read > 0,
            },
        }
        assert!(reader.offset() > offset, "reading stays at {offset}");
    }
}

/// The record in the frame that the bytes begin with.
fn read(bytes: &[u8]) -> Option<Frame> {
    let (prefix, rest) = bytes.split_first_chunk::<FRAME_PREFIX_BYTES>()?;
    let (n_body_bytes, crc) = frame::decode_prefix(*prefix).ok()?;
    frame::decode_body(rest.get(..n_body_bytes)?, crc).ok()
}

fn written(frame: &Frame) -> Vec<u8> {
    let mut file = frame.to_file().expect("a payload that was read can be written");
    file.split_off(HEADER_BYTES)
}

/// The bytes with the length and the checksum that they should have: no fuzzer guesses a checksum.
fn sealed(bytes: &[u8]) -> Vec<u8> {
    let mut frame = bytes.to_vec();
    frame.resize(bytes.len().max(FRAME_BYTES_MIN), 0);
    let (prefix, body) = frame.split_at_mut(FRAME_PREFIX_BYTES);
    let length = (body.len() as u32).to_le_bytes();
    prefix[..4].copy_from_slice(&length);
    prefix[4..].copy_from_slice(&frame::checksum(length, body).to_le_bytes());
    frame
}

/// The record that the fields and the payload are of, and the bit that is to change.
fn record(fields: &[u8; FIELDS_BYTES], payload: &[u8]) -> (Frame, usize) {
    let signal = Signal::ALL[usize::from(fields[16] % 3)];
    let (encoding, received_at) = (fields[17], frame::u64_at(fields, 8) as i64);
    let record = WalRecord { signal, encoding, received_at, payload: Bytes::copy_from_slice(payload) };
    let bit = usize::from(u16::from_le_bytes([fields[18], fields[19]]));
    (Frame { sequence: frame::u64_at(fields, 0), record }, bit)
}

/// A file in the folder for temporary ones, as long as it is needed.
struct Scratch(PathBuf);

impl Scratch {
    fn holding(bytes: &[u8]) -> Self {
        static N_MADE: AtomicU64 = AtomicU64::new(0);
        let number = N_MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("firstfault-fuzz-{}-{number}.wal", std::process::id());
        let scratch = Self(std::env::temp_dir().join(name));
        // A process of the same number may have been killed before it could remove its own.
        std::fs::remove_file(&scratch.0).ok();
        let written = File::create_new(&scratch.0).and_then(|mut file| file.write_all(bytes));
        written.expect("the folder for temporary files can be written");
        scratch
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays is one small file.
        std::fs::remove_file(&self.0).ok();
    }
}
