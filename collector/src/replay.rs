//! Rows of records of the write-ahead log, by the same decoding as at the door.
//!
//! The engine calls it at start, and for records whose request went away. What is rejected here was counted
//! when it first arrived.

use crate::columns::{self, Limits};
use crate::decode::{self, Encoding, Report};
use crate::receive::answer::Acknowledged;
use crate::resent::Recent;

/// Why a record does not become rows again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("write-ahead log record has unknown encoding {code}")]
    UnknownEncoding { code: u8 },
    #[error("write-ahead log record cannot be decoded")]
    Decode {
        #[source]
        source: decode::Error,
    },
    #[error("rows could not be built")]
    Columns {
        #[source]
        source: columns::Error,
    },
}

/// The request counts as one that came before: its client may not have been answered.
pub(crate) fn rows_of_request(
    record: storage::WalRecord,
    recent: &Recent,
) -> Result<storage::Columns, Error> {
    let storage::WalRecord { signal, encoding, received_at, .. } = record;
    let fingerprint = recent.fingerprint(signal, encoding, &record.payload);
    let (columns, report) = decoded(record)?;
    let answer = Acknowledged::new(signal, report.n_rejected(), report.message());
    recent.replayed(fingerprint, received_at, answer);
    Ok(columns)
}

pub(crate) fn rows(record: storage::WalRecord) -> Result<storage::Columns, Error> {
    decoded(record).map(|(columns, _)| columns)
}

fn decoded(record: storage::WalRecord) -> Result<(storage::Columns, Report), Error> {
    let encoding =
        Encoding::from_code(record.encoding).ok_or(Error::UnknownEncoding { code: record.encoding })?;
    let mut report = Report::default();
    let decoded = decode::decode(record.signal, encoding, &record.payload, &mut report)
        .map_err(|source| Error::Decode { source })?;
    let columns = columns::build(&decoded, record.received_at, Limits::default(), &mut report);
    Ok((columns.map_err(|source| Error::Columns { source })?, report))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use storage::{Signal, WalRecord};

    /// Scenario: a record of the write-ahead log, one cut short, and one with an encoding from the future.
    /// Guarantees: replay gives the rows of the first decoding; the others are errors.
    #[test]
    fn replay_gives_the_same_rows() {
        let payload =
            Bytes::from(r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"intValue":3}}]}]}]}"#);
        let (signal, received_at) = (Signal::Logs, 1_700_000_000_000_000_000);
        let mut report = Report::default();
        let decoded = decode::decode(signal, Encoding::Json, &payload, &mut report).unwrap();
        let first = columns::build(&decoded, received_at, Limits::default(), &mut report).unwrap();
        let record = |encoding| WalRecord { signal, encoding, received_at, payload: payload.clone() };
        assert_eq!(rows(record(Encoding::Json.code())).unwrap().batch(), first.batch());
        assert!(matches!(rows(record(9)), Err(Error::UnknownEncoding { code: 9 })));
        assert!(matches!(rows(record(Encoding::Protobuf.code())), Err(Error::Decode { .. })));
    }
}
