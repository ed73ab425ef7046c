//! Rows of records of the write-ahead log, by the same decoding as at the door.
//!
//! The engine calls it at start, and for records whose request went away. What is rejected here was counted
//! when it first arrived. The rows come with the request's receipt, as they did at the door.

use crate::columns::{self, Limits};
use crate::decode::{self, Report};
use crate::receive::answer::Acknowledged;
use crate::record::{self, Logged};
use crate::resent::{Fingerprint, Recent, Stored, is_one_of_a_kind};
use crate::series_limit;

/// Why a record does not become rows again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("record cannot be read")]
    Record {
        #[source]
        source: record::Error,
    },
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
    limits: Limits,
) -> Result<storage::Columns, Error> {
    let logged = Logged::read(record).map_err(|source| Error::Record { source })?;
    let (columns, stored) = decoded(&logged, limits)?;
    if let Some(stored) = stored {
        recent.replayed(stored);
    }
    Ok(columns)
}

/// Within the limits that hold where none are configured.
pub(crate) fn rows(record: storage::WalRecord) -> Result<storage::Columns, Error> {
    rows_within(record, Limits::default())
}

pub(crate) fn rows_within(record: storage::WalRecord, limits: Limits) -> Result<storage::Columns, Error> {
    let logged = Logged::read(record).map_err(|source| Error::Record { source })?;
    decoded(&logged, limits).map(|(columns, _)| columns)
}

fn decoded(logged: &Logged, limits: Limits) -> Result<(storage::Columns, Option<Stored>), Error> {
    let Logged { signal, encoding, received_at, body, refused } = logged;
    let mut report = Report::default();
    let decoded =
        decode::decode(*signal, *encoding, body, &mut report).map_err(|source| Error::Decode { source })?;
    let columns = columns::build(&decoded, *received_at, limits, &mut report);
    let columns = columns.and_then(|columns| match refused {
        Some(refused) => series_limit::without(columns, refused, &mut report),
        None => Ok(columns),
    });
    let columns = columns.map_err(|source| Error::Columns { source })?;
    if !is_one_of_a_kind(&columns) {
        return Ok((columns, None));
    }
    let fingerprint = Fingerprint::of(*signal, encoding.code(), body);
    let answer = Acknowledged::new(*signal, report.n_rejected(), report.message());
    let stored = Stored { fingerprint, stored_at: *received_at, answer };
    Ok((columns.with_receipt(stored.receipt()), Some(stored)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Encoding;
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
        assert!(matches!(rows(record(9)), Err(Error::Record { .. })));
        assert!(matches!(rows(record(Encoding::Protobuf.code())), Err(Error::Decode { .. })));
    }
}
