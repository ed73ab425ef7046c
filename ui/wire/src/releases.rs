//! `POST /api/v1/releases`, `GET /api/v1/services/{service}/releases` and `/compare`.

use crate::UnixNanos;
use serde::{Deserialize, Serialize};

/// A marker: somebody says that a version went out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseRequest {
    pub service: String,
    pub version: String,
    /// Empty or absent where none is meant.
    pub environment: Option<String>,
    /// RFC 3339, epoch milliseconds, or `now-5m`; now where it is absent. A marker that is sent again with the same
    /// service, version, environment and time changes nothing.
    pub at: Option<String>,
    pub title: Option<String>,
    /// A link to more.
    pub url: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ReleaseList {
    pub service: String,
    pub from: UnixNanos,
    pub to: UnixNanos,
    /// In order of time; the newest where there are more than one answer has.
    pub releases: Vec<ReleaseRow>,
    pub truncated: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ReleaseRow {
    pub at: UnixNanos,
    pub kind: ReleaseKind,
    pub version: String,
    /// Empty where none was named.
    pub environment: String,
    /// The version that came before in this environment; absent for the first one, and for markers.
    pub previous: Option<String>,
    /// Of markers.
    pub title: Option<String>,
    pub url: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseKind {
    /// `service.version` was sent for the first time.
    #[default]
    Version,
    /// Somebody posted it.
    Marker,
}
