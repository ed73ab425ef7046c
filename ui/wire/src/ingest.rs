//! `GET /api/v1/ingest/rejections`: who sent what could not be used, and what to change there.

use crate::{Rejection, UnixNanos};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RejectionLog {
    pub now: UnixNanos,
    /// All since the start of the process, as in the status.
    pub by_reason: Vec<Rejection>,
    /// The latest requests, newest first. The same mistake of the same machine is one of them, with a count.
    pub recent: Vec<RejectedRequest>,
}

/// A request or a connection that was refused, or of which not everything was stored.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RejectedRequest {
    /// Stable snake_case reason, such as `path_unknown`.
    pub reason: String,
    /// `request`: refused as a whole; `item`: some of it rejected; `warning`: all stored, but something of it lost.
    pub class: String,
    pub n: u64,
    pub first_at: UnixNanos,
    pub last_at: UnixNanos,
    /// The sender's address.
    pub peer: Option<String>,
    /// `grpc`, `http` or `zipkin`: of the port that it came to.
    pub transport: String,
    /// Empty for a connection that never asked for one.
    pub path: String,
    /// `traces`, `logs` or `metrics`, where that is known.
    pub signal: Option<String>,
    /// What the last sender was told.
    pub message: String,
    /// What to change at the sender.
    pub hint: Option<String>,
}
