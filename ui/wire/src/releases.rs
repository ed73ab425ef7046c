//! `POST /api/v1/releases`, `GET /api/v1/services/{service}/releases` and `/compare`.

use crate::{Figures, UnixNanos};
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

/// One version held against another, while both were there.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct VersionComparison {
    pub service: String,
    /// Empty where all environments count.
    pub environment: String,
    /// The range that was asked for.
    pub from: UnixNanos,
    pub to: UnixNanos,
    /// The time whose requests are compared, in whole buckets of ten seconds.
    pub compared_from: UnixNanos,
    pub compared_to: UnixNanos,
    /// True where that is the time in which both versions were there; false where they never were at once, so that
    /// all of the range counts.
    pub is_simultaneous: bool,
    /// True where the finest buckets of that time are gone, so that its ends are those of coarser ones.
    pub is_coarser: bool,
    /// The first of the versions that were asked for.
    pub stable: VersionFigures,
    pub canary: VersionFigures,
    /// Those of the second less those of the first.
    pub difference: FiguresDifference,
    pub sql: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct VersionFigures {
    pub version: String,
    /// Within the hours of the range, by any signal.
    pub first_seen_at: Option<UnixNanos>,
    pub last_seen_at: Option<UnixNanos>,
    pub red: Figures,
}

/// Absent where one version has no figure.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct FiguresDifference {
    pub rate_per_s: f64,
    pub error_ratio: Option<f64>,
    pub p50_ns: Option<i64>,
    pub p90_ns: Option<i64>,
    pub p95_ns: Option<i64>,
    pub p99_ns: Option<i64>,
    pub p999_ns: Option<i64>,
}
