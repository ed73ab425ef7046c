//! The bytes of the log: a file header, then frames.
//!
//! ```text
//! header  0  magic "FFWAL\0"          6
//!         6  format version           u16
//!         8  first sequence           u64
//!        16  CRC32C of bytes 0..16    u32
//!
//! frame   0  length of the body       u32   bytes 8.. of the frame
//!         4  CRC32C                   u32   of bytes 0..4 and 8..
//!         8  sequence                 u64
//!        16  received_at              i64   unix nanos
//!        24  payload length           u32   before compression
//!        28  signal                   u8    1 traces, 2 logs, 3 metrics
//!        29  encoding                 u8    the caller's
//!        30  codec                    u8    0 as it is, 1 lz4 block
//!        31  zero                     u8
//!        32  payload
//! ```
//! Integers are little-endian. The CRC covers the length too, so a flipped bit anywhere is seen.

use crate::columns::WalRecord;
use crate::error::Error;
use crate::ids::Signal;
use bytes::Bytes;

pub(super) const HEADER_BYTES: usize = 20;
/// Length and CRC, which come before the body.
pub(super) const FRAME_PREFIX_BYTES: usize = 8;
/// The body without its payload.
const BODY_FIXED_BYTES: usize = 24;
/// A frame without its payload; no frame is shorter.
pub(super) const FRAME_BYTES_MIN: usize = FRAME_PREFIX_BYTES + BODY_FIXED_BYTES;
/// Larger payloads are refused when written and distrusted when read: four times the largest request
/// that the collector takes by default.
pub(super) const PAYLOAD_BYTES_MAX: usize = 256 << 20;
/// No frame's body is longer, since a payload that lz4 would enlarge is kept as it is.
const BODY_BYTES_MAX: usize = BODY_FIXED_BYTES + PAYLOAD_BYTES_MAX;

const MAGIC: &[u8; 6] = b"FFWAL\0";
pub(super) const VERSION: u16 = 2;
/// Version 2 only allows marks of the encoding whose payloads a program of version 1 cannot read. Its frames are those
/// of version 1.
const VERSION_OLDEST: u16 = 1;

const CODEC_PLAIN: u8 = 0;
const CODEC_LZ4: u8 = 1;

/// A record as it goes into a frame; the number comes with the write.
#[derive(Debug)]
pub(crate) struct PackedRecord {
    signal: Signal,
    encoding: u8,
    received_at: i64,
    n_payload_bytes: u32,
    codec: u8,
    payload: Bytes,
}

/// A record read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) sequence: u64,
    pub(crate) record: WalRecord,
}

/// What stands at the start of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Header {
    Known {
        first_sequence: u64,
    },
    /// Intact, but of another version of the format.
    Foreign {
        version: u16,
    },
    Damaged,
}

/// What a frame says of itself before its payload.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) n_body_bytes: usize,
    pub(super) crc: u32,
    pub(super) sequence: u64,
}

impl PackedRecord {
    /// Compresses the payload where that helps.
    pub(crate) fn pack(record: WalRecord) -> Result<Self, Error> {
        let n_bytes = record.payload.len();
        let too_large =
            || Error::RecordTooLarge { n_bytes: n_bytes as u64, n_bytes_max: PAYLOAD_BYTES_MAX as u64 };
        let n_payload_bytes = u32::try_from(n_bytes).map_err(|_| too_large())?;
        if n_bytes > PAYLOAD_BYTES_MAX {
            return Err(too_large());
        }
        let compressed = lz4_flex::block::compress(&record.payload);
        let (codec, payload) = match compressed.len() < n_bytes {
            true => (CODEC_LZ4, Bytes::from(compressed)),
            false => (CODEC_PLAIN, record.payload),
        };
        let WalRecord { signal, encoding, received_at, .. } = record;
        Ok(Self { signal, encoding, received_at, n_payload_bytes, codec, payload })
    }

    pub(super) fn n_frame_bytes(&self) -> usize {
        FRAME_PREFIX_BYTES + BODY_FIXED_BYTES + self.payload.len()
    }

    /// Appends the whole frame.
    pub(super) fn encode(&self, sequence: u64, out: &mut Vec<u8>) {
        let n_body_bytes = BODY_FIXED_BYTES + self.payload.len();
        assert!(n_body_bytes <= BODY_BYTES_MAX, "pack() bounds the payload");
        let length = (n_body_bytes as u32).to_le_bytes();
        out.extend_from_slice(&length);
        out.extend_from_slice(&[0; 4]);
        let body_at = out.len();
        out.extend_from_slice(&sequence.to_le_bytes());
        out.extend_from_slice(&self.received_at.to_le_bytes());
        out.extend_from_slice(&self.n_payload_bytes.to_le_bytes());
        out.extend_from_slice(&[signal_code(self.signal), self.encoding, self.codec, 0]);
        out.extend_from_slice(&self.payload);
        let crc = checksum(length, &out[body_at..]);
        out[body_at - 4..body_at].copy_from_slice(&crc.to_le_bytes());
    }
}

impl Frame {
    /// A log file that holds this record alone.
    pub(crate) fn to_file(&self) -> Result<Vec<u8>, Error> {
        let mut bytes = encode_header(self.sequence).to_vec();
        PackedRecord::pack(self.record.clone())?.encode(self.sequence, &mut bytes);
        Ok(bytes)
    }
}

pub(super) fn encode_header(first_sequence: u64) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..6].copy_from_slice(MAGIC);
    header[6..8].copy_from_slice(&VERSION.to_le_bytes());
    header[8..16].copy_from_slice(&first_sequence.to_le_bytes());
    let crc = crc32c::crc32c(&header[..16]);
    header[16..].copy_from_slice(&crc.to_le_bytes());
    header
}

pub(super) fn decode_header(header: &[u8; HEADER_BYTES]) -> Header {
    if &header[..6] != MAGIC || crc32c::crc32c(&header[..16]) != u32_at(header, 16) {
        return Header::Damaged;
    }
    match u16::from_le_bytes([header[6], header[7]]) {
        VERSION_OLDEST..=VERSION => Header::Known { first_sequence: u64_at(header, 8) },
        version => Header::Foreign { version },
    }
}

/// The body's length and CRC, if the length can be one at all.
pub(super) fn decode_prefix(prefix: [u8; FRAME_PREFIX_BYTES]) -> Result<(usize, u32), &'static str> {
    let n_body_bytes = u32_at(&prefix, 0) as usize;
    if !(BODY_FIXED_BYTES..=BODY_BYTES_MAX).contains(&n_body_bytes) {
        return Err("the length of a record is impossible");
    }
    Ok((n_body_bytes, u32_at(&prefix, 4)))
}

/// Could a frame start with these bytes? Only its checksum says whether it does.
pub(super) fn decode_head(bytes: &[u8; FRAME_BYTES_MIN]) -> Option<Head> {
    let (prefix, body) = bytes.split_first_chunk()?;
    let (n_body_bytes, crc) = decode_prefix(*prefix).ok()?;
    let (n_stored_bytes, n_payload_bytes) = (n_body_bytes - BODY_FIXED_BYTES, u32_at(body, 16) as usize);
    let fits = match body[22] {
        CODEC_PLAIN => n_payload_bytes == n_stored_bytes,
        CODEC_LZ4 => n_payload_bytes > n_stored_bytes && n_payload_bytes <= PAYLOAD_BYTES_MAX,
        _ => false,
    };
    let is_possible = fits && signal_of(body[20]).is_some() && body[23] == 0;
    is_possible.then(|| Head { n_body_bytes, crc, sequence: u64_at(body, 0) })
}

/// Reads a body of the length and CRC that its prefix announced.
pub(super) fn decode_body(body: &[u8], crc: u32) -> Result<Frame, &'static str> {
    assert!((BODY_FIXED_BYTES..=BODY_BYTES_MAX).contains(&body.len()), "decode_prefix() bounds the body");
    if checksum((body.len() as u32).to_le_bytes(), body) != crc {
        return Err("the checksum of a record does not fit");
    }
    let n_payload_bytes = u32_at(body, 16) as usize;
    let [signal, encoding, codec, zero] = [body[20], body[21], body[22], body[23]];
    if zero != 0 {
        return Err("a record has a field of a newer version");
    }
    let payload = decode_payload(codec, &body[BODY_FIXED_BYTES..], n_payload_bytes)?;
    let signal = signal_of(signal).ok_or("the signal of a record is unknown")?;
    let received_at = u64_at(body, 8) as i64;
    let record = WalRecord { signal, encoding, received_at, payload: Bytes::from(payload) };
    Ok(Frame { sequence: u64_at(body, 0), record })
}

fn decode_payload(codec: u8, stored: &[u8], n_payload_bytes: usize) -> Result<Vec<u8>, &'static str> {
    if n_payload_bytes > PAYLOAD_BYTES_MAX {
        return Err("the payload length of a record is impossible");
    }
    let payload = match codec {
        CODEC_PLAIN => stored.to_vec(),
        CODEC_LZ4 => lz4_flex::block::decompress(stored, n_payload_bytes)
            .map_err(|_| "the payload of a record does not decompress")?,
        _ => return Err("the codec of a record is unknown"),
    };
    match payload.len() == n_payload_bytes {
        true => Ok(payload),
        false => Err("the payload of a record has another length than it says"),
    }
}

pub(super) fn checksum(length: [u8; 4], body: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&length), body)
}

fn signal_code(signal: Signal) -> u8 {
    match signal {
        Signal::Traces => 1,
        Signal::Logs => 2,
        Signal::Metrics => 3,
    }
}

fn signal_of(code: u8) -> Option<Signal> {
    Signal::ALL.into_iter().find(|&signal| signal_code(signal) == code)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(word)
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
}
