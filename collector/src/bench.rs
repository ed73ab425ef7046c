//! What the benchmarks in `collector/benches` need of the edge, without a socket: the demo's requests and
//! the decoding at the door. Nothing of the product uses it.

pub use crate::demo::offline::{Request, Shop};

use crate::decode::Encoding;
use crate::replay;
use storage::{Columns, WalRecord};

/// The record that a request in protobuf would leave in the log, received at `received_at` (unix nanos).
pub fn record(request: &Request, received_at: i64) -> WalRecord {
    let (signal, payload) = (request.signal, request.payload.clone());
    WalRecord { signal, encoding: Encoding::Protobuf.code(), received_at, payload }
}

/// The rows of a record, by the decoding of every request.
pub fn rows(record: WalRecord) -> Result<Columns, Box<dyn std::error::Error + Send + Sync>> {
    Ok(replay::rows(record)?)
}
