//! `GET /api/v1/services/{service}/saturation`: how full a service's resources are, from metrics that are recognised.

use crate::{MetricLabel, MetricPoint, UnixNanos};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Saturation {
    pub service: String,
    pub from: UnixNanos,
    pub to: UnixNanos,
    /// Width of each point in seconds.
    pub step_s: u32,
    /// By kind: CPU, memory, garbage collection, threads, event loop, in flight, pools, queues, lag.
    pub metrics: Vec<SaturationMetric>,
    /// The service sends more recognised metrics than an answer has.
    pub truncated: bool,
    /// What would be shown; only where there is no metric.
    pub recognised: Vec<RecognisedMetrics>,
    /// The points behind the series; without any, the names of all metrics of the service.
    pub sql: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SaturationMetric {
    /// As it was sent.
    pub name: String,
    /// `cpu`, `memory`, `gc`, `threads`, `event_loop`, `in_flight`, `pool`, `queue` or `lag`.
    pub kind: String,
    /// What is measured, in a few words.
    pub title: String,
    /// How points became values: `value`, `increase per second`, `mean`, ...
    pub reading: String,
    /// Of the values, in UCUM; `1` is a share.
    pub unit: String,
    pub more_is_worse: bool,
    /// The metric that holds the bounds, where it is another one.
    pub limit_name: Option<String>,
    /// The share of its bound from which a value is marked; absent where no bound is known.
    pub marked_from: Option<f64>,
    /// Marked ones first, then those with the highest peak.
    pub series: Vec<SaturationSeries>,
    /// There are more series than one chart carries.
    pub truncated: bool,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SaturationSeries {
    /// `service.instance.id`; else the pod, the container or the host; else empty.
    pub instance: String,
    /// What tells this series from its neighbours.
    pub labels: Vec<MetricLabel>,
    /// Steps without a value are left out.
    pub points: Vec<MetricPoint>,
    pub newest: f64,
    /// What `newest` cannot exceed, where that is known.
    pub limit: Option<f64>,
    /// `newest / limit`.
    pub ratio: Option<f64>,
    pub is_marked: bool,
}

/// Names of metrics that are recognised, of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RecognisedMetrics {
    pub kind: String,
    pub names: Vec<String>,
}
