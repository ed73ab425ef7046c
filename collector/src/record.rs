//! What a record of the write-ahead log holds: a request's own bytes, how to read them, and before them which
//! of their rows were refused for what else there was at the time.
//!
//! The engine does not look into a record, and replay reads it with this. See `docs/formats/wal.md`.

use crate::decode::Encoding;
use arrow::buffer::{BooleanBuffer, Buffer};
use bytes::Bytes;
use storage::{Signal, WalRecord};

/// Set in the mark of the encoding if a note of refused rows stands before the request.
const HAS_NOTE: u8 = 0x80;

/// A record, read.
#[derive(Debug)]
pub(crate) struct Logged {
    pub(crate) signal: Signal,
    pub(crate) encoding: Encoding,
    /// Unix nanos.
    pub(crate) received_at: i64,
    pub(crate) body: Bytes,
    /// Rows that were refused, as set bits.
    pub(crate) refused: Option<BooleanBuffer>,
}

/// Why a record cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Error {
    #[error("write-ahead log record has unknown encoding {code}")]
    UnknownEncoding { code: u8 },
    #[error("write-ahead log record ends within its note of refused rows")]
    Short,
}

impl Logged {
    pub(crate) fn write(self) -> WalRecord {
        let Self { signal, encoding, received_at, body, refused } = self;
        match refused {
            None => WalRecord { signal, encoding: encoding.code(), received_at, payload: body },
            Some(refused) => {
                let payload = Bytes::from([note(&refused).as_slice(), &body].concat());
                WalRecord { signal, encoding: encoding.code() | HAS_NOTE, received_at, payload }
            }
        }
    }

    pub(crate) fn read(record: WalRecord) -> Result<Self, Error> {
        let WalRecord { signal, encoding: code, received_at, payload } = record;
        let encoding = Encoding::from_code(code & !HAS_NOTE).ok_or(Error::UnknownEncoding { code })?;
        let (refused, body) = match code & HAS_NOTE {
            0 => (None, payload),
            _ => read_note(payload).map(|(refused, body)| (Some(refused), body)).ok_or(Error::Short)?,
        };
        Ok(Self { signal, encoding, received_at, body, refused })
    }
}

/// The number of rows, little-endian, then a bit for each, the lowest first, in whole bytes.
fn note(refused: &BooleanBuffer) -> Vec<u8> {
    // A request has far fewer than 2^32 rows.
    let n_rows = u32::try_from(refused.len()).unwrap_or(u32::MAX);
    let mut bytes = vec![0; refused.len().div_ceil(8)];
    for row in refused.set_indices() {
        bytes[row / 8] |= 1 << (row % 8);
    }
    [n_rows.to_le_bytes().as_slice(), &bytes].concat()
}

fn read_note(payload: Bytes) -> Option<(BooleanBuffer, Bytes)> {
    let (n_rows, rest) = payload.split_first_chunk::<4>()?;
    let n_rows = u32::from_le_bytes(*n_rows) as usize;
    let (bits, _) = rest.split_at_checked(n_rows.div_ceil(8))?;
    let refused = BooleanBuffer::new(Buffer::from(bits), 0, n_rows);
    Some((refused, payload.slice(4 + bits.len()..)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn logged(refused: Option<Vec<bool>>) -> Logged {
        let body = Bytes::from_static(b"request");
        let refused = refused.map(BooleanBuffer::from);
        Logged { signal: Signal::Metrics, encoding: Encoding::RemoteWrite, received_at: 7, body, refused }
    }

    /// Scenario: a request of which nothing was refused.
    /// Guarantees: the record is the request's own bytes under the encoding's own mark.
    #[test]
    fn a_request_is_logged_as_it_is() {
        let record = logged(None).write();
        assert_eq!((record.encoding, &record.payload[..]), (Encoding::RemoteWrite.code(), &b"request"[..]));
    }

    /// Scenario: a record with an encoding that nobody knows, with and without a note.
    /// Guarantees: it is not read.
    #[test]
    fn unknown_encodings_are_refused() {
        for code in [9, 9 | HAS_NOTE] {
            let record = WalRecord { encoding: code, ..logged(None).write() };
            assert_eq!(Logged::read(record).unwrap_err(), Error::UnknownEncoding { code });
        }
    }

    proptest! {
        /// Scenario: any rows refused, the record whole and cut anywhere.
        /// Guarantees: what was written is read; a cut note is an error, never other rows.
        #[test]
        fn notes_are_read_as_written(rows in prop::collection::vec(any::<bool>(), 0..40)) {
            let record = logged(Some(rows.clone())).write();
            let note_bytes = record.payload.len() - b"request".len();
            for len in 0..note_bytes {
                let cut = WalRecord { payload: record.payload.slice(..len), ..record.clone() };
                prop_assert_eq!(Logged::read(cut).unwrap_err(), Error::Short);
            }
            let read = Logged::read(record).unwrap();
            prop_assert_eq!(read.encoding, Encoding::RemoteWrite);
            prop_assert_eq!(&read.body[..], b"request");
            prop_assert_eq!(read.refused.unwrap().iter().collect::<Vec<_>>(), rows);
        }
    }
}
