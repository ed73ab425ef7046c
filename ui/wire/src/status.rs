//! `GET /api/v1/status`: is it receiving, what did it refuse, how much does it hold.

use crate::UnixNanos;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Status {
    pub version: String,
    pub started_at: UnixNanos,
    pub now: UnixNanos,
    pub endpoints: Endpoints,
    /// Traces, logs, metrics, in this order.
    pub signals: Vec<SignalStatus>,
    /// Refused requests and items by reason, latest first.
    pub rejections: Vec<Rejection>,
    pub storage: StorageStatus,
    /// True once any item was ever stored.
    pub has_data: bool,
    pub last_received_at: Option<UnixNanos>,
}

/// Where to send and look, as URLs with the ports in use.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Endpoints {
    pub otlp_grpc: String,
    pub otlp_http: String,
    pub dashboard: String,
    #[serde(default)]
    pub credentials: Credentials,
}

/// What senders are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Credentials {
    #[default]
    None,
    Token,
    /// Of a user: there are no tokens.
    Password,
}

impl Credentials {
    /// The value of `OTEL_EXPORTER_OTLP_HEADERS`, to be put between double quotes in a shell. What it has for the secret
    /// only holds its place: the server does not keep secrets.
    pub fn otlp_headers(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Token => Some("authorization=Bearer%20YOUR_TOKEN"),
            Self::Password => Some("authorization=Basic%20$(printf %s 'NAME:PASSWORD' | base64)"),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SignalStatus {
    /// `traces`, `logs` or `metrics`.
    pub signal: String,
    /// Items (spans, log records, data points) accepted since the start of the process.
    pub n_accepted: u64,
    /// Items rejected since the start of the process.
    pub n_rejected: u64,
    /// Items accepted per second, over the last ten seconds.
    pub rate_per_s: f64,
    pub last_received_at: Option<UnixNanos>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rejection {
    /// Stable snake_case reason, such as `span_id_invalid` or `unsupported_media_type`.
    pub reason: String,
    pub n: u64,
    pub last_at: UnixNanos,
    /// The last message given to a client for this reason.
    pub example: String,
    pub hint: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StorageStatus {
    pub n_segments: u32,
    pub segment_bytes: u64,
    pub wal_bytes: u64,
    pub hot_bytes: u64,
    pub hot_rows: u64,
    /// Free bytes on the file system of the data directory.
    pub disk_free_bytes: Option<u64>,
}
