//! `GET /api/v1/metrics` (catalogue) and `/api/v1/metrics/{name}` (series to draw).

use crate::UnixNanos;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct MetricList {
    pub from: UnixNanos,
    pub to: UnixNanos,
    pub metrics: Vec<MetricRow>,
    pub sql: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct MetricRow {
    pub name: String,
    pub unit: String,
    /// `gauge`, `sum`, `histogram`, `exponential_histogram` or `summary`.
    #[serde(rename = "type")]
    pub metric_type: String,
    /// `delta` or `cumulative`, for sums and histograms.
    pub temporality: Option<String>,
    pub is_monotonic: Option<bool>,
    pub description: String,
    pub services: Vec<String>,
    pub n_series: u64,
    pub n_points: u64,
    pub last_at: UnixNanos,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct MetricDetail {
    pub metric: MetricRow,
    pub from: UnixNanos,
    pub to: UnixNanos,
    pub step_s: u32,
    pub view: MetricView,
    pub series: Vec<MetricSeries>,
    /// True when there are more series than one chart carries.
    pub truncated: bool,
    pub sql: String,
}

/// What the numbers of a chart mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricView {
    /// Last value of each step.
    #[default]
    Value,
    /// Increase per second; counters, resets taken into account.
    Rate,
    /// p50, p95 and p99 estimated from buckets, one series each.
    Quantiles,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct MetricSeries {
    /// What tells this series from its neighbours.
    pub labels: Vec<MetricLabel>,
    pub points: Vec<MetricPoint>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MetricLabel {
    pub key: String,
    pub value: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct MetricPoint {
    pub at: UnixNanos,
    pub value: f64,
}
