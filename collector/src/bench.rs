//! What the benchmarks in `collector/benches` and fuzzing need of the edge, without a socket: the demo's
//! requests, the decoding at the door, in both of its ways, and the API. Nothing of the product uses it.

mod dashboard;
mod reports;

pub use crate::demo::offline::{Request, Shop};
pub use dashboard::Dashboard;
pub use reports::Reports;

use crate::columns::{self, Limits};
use crate::decode::{self, Decoded, Encoding, Report};
use crate::replay;
use arrow::array::RecordBatch;
use bytes::Bytes;
use storage::{Columns, Signal, WalRecord};

/// When requests are taken to be received: unix nanos, early in 2026.
const RECEIVED_AT: i64 = 1_767_225_600_000_000_000;

/// The record that a request in protobuf would leave in the log, received at `received_at` (unix nanos).
pub fn record(request: &Request, received_at: i64) -> WalRecord {
    let (signal, payload) = (request.signal, request.payload.clone());
    WalRecord { signal, encoding: Encoding::Protobuf.code(), received_at, payload }
}

/// The rows of a record, by the decoding of every request.
pub fn rows(record: WalRecord) -> Result<Columns, Box<dyn std::error::Error + Send + Sync>> {
    Ok(replay::rows(record)?)
}

/// What became of a request in protobuf.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    pub rows: RecordBatch,
    /// What was rejected, repaired or left out: a line for each reason, with its number and an example.
    pub findings: Vec<String>,
}

/// The rows of a request in protobuf as the product reads it: where it lies, if it is plain. The error says
/// why it is refused.
pub fn rows_by_views(signal: Signal, body: &Bytes) -> Result<Outcome, String> {
    let mut report = Report::default();
    let decoded = decode::decode(signal, Encoding::Protobuf, body, &mut report);
    outcome(&decoded.map_err(|error| format!("{error:?}"))?, report)
}

/// The same with prost's messages in between, whatever the request is like.
pub fn rows_by_prost(signal: Signal, body: &Bytes) -> Result<Outcome, String> {
    let decoded = decode::decode_by_prost(signal, body);
    outcome(&decoded.map_err(|error| format!("{error:?}"))?, Report::default())
}

/// Does the product read this request without prost?
pub fn is_plain(signal: Signal, body: &Bytes) -> bool {
    decode::is_plain(signal, body)
}

fn outcome(decoded: &Decoded, mut report: Report) -> Result<Outcome, String> {
    let columns = columns::build(decoded, RECEIVED_AT, Limits::default(), &mut report);
    let rows = columns.map_err(|error| format!("{error:?}"))?.batch().clone();
    let findings = report
        .tallies()
        .map(|(reason, tally)| format!("{} {} x {}", reason.name(), tally.n, tally.example))
        .collect();
    Ok(Outcome { rows, findings })
}
