//! Series of metric points: who measured what, and how it went.
//!
//! Whatever a client sends becomes values over time: counters turn into what was counted since the point before,
//! histograms into a mean and a count. Points are in the order of time, series in the order of what they are called.

mod build;
#[cfg(test)]
mod tests;

use crate::input::{InputError, Limits, TriageInput, Window};
use crate::strings::{Interner, Renumbering, Strings, Symbol};
use crate::traces::Traces;
use std::ops::Range;

/// All series and their points.
#[derive(Debug, Default)]
pub struct Metrics {
    series: Vec<Series>,
    points: Vec<Point>,
    /// Share of series kept, 1.0 unless there were more points than the limit.
    pub kept: f64,
}

/// One measured thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// The service that it tells about: the one whose spans come from the same instance or pod, else the one
    /// that sent it.
    pub service: Symbol,
    /// `service.instance.id`, else the name of the pod, container or host, else the service.
    pub entity: Symbol,
    pub metric: Symbol,
    pub unit: Symbol,
    pub shape: Shape,
    /// Keys and values of the points, sorted.
    pub attributes: Vec<(Symbol, Symbol)>,
    points: Range<usize>,
}

/// What the values of a series mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shape {
    /// A level, as measured.
    Level,
    /// What was added since the point before.
    Amount,
    /// The mean of a histogram or summary since the point before, with the number of measurements.
    Mean,
}

/// A value at a moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub time_ns: i64,
    pub value: f64,
    /// Measurements behind it: 1 but for means.
    pub count: f64,
}

impl Metrics {
    pub fn series(&self) -> &[Series] {
        &self.series
    }

    /// By time.
    pub fn points(&self, series: &Series) -> &[Point] {
        &self.points[series.points.clone()]
    }

    /// The points of a stretch of time. O(log points).
    pub fn points_in(&self, series: &Series, window: Window) -> &[Point] {
        let points = self.points(series);
        let from = points.partition_point(|point| point.time_ns < window.from_ns);
        let to = points.partition_point(|point| point.time_ns < window.to_ns);
        &points[from..to.max(from)]
    }
}

impl Metrics {
    /// What makes the values of a share percent. Shares of one are told by their unit, or by never being larger.
    pub(crate) fn percent_scale(&self, series: &Series, strings: &Strings) -> f64 {
        let says_percent = |symbol| {
            let text = strings.text(symbol);
            text.contains('%') || text.to_lowercase().contains("percent")
        };
        if says_percent(series.metric) || says_percent(series.unit) {
            return 1.0;
        }
        let is_small = self.points(series).iter().all(|point| point.value <= 1.0);
        if strings.text(series.unit) == "1" || is_small { 100.0 } else { 1.0 }
    }
}

/// The mean of both middle values where there is no single one; 0 of nothing.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let low = values.get(values.len().saturating_sub(1) / 2);
    let high = values.get(values.len() / 2);
    low.zip(high).map_or(0.0, |(low, high)| (low + high) / 2.0)
}

/// Points of metrics, before their strings have final numbers.
#[derive(Debug)]
pub(crate) struct PointRows {
    /// By series id as sent.
    series: Vec<SeriesRow>,
    points: Vec<(u32, Point)>,
    kept: f64,
}

/// A series as sent; the symbols are temporary.
#[derive(Debug)]
struct SeriesRow {
    series: Series,
    is_cumulative: bool,
    /// Name of the pod, or empty.
    pod: Symbol,
}

impl PointRows {
    /// Columns of `metric_points`: series_id, name, unit, type, temporality, is_monotonic, time, value, count, sum,
    /// service, service_instance_id, attributes, resource. Bit 0 of flags leaves a point out.
    pub(crate) fn read(
        input: &TriageInput<'_>,
        limits: &Limits,
        interner: &mut Interner,
    ) -> Result<Self, InputError> {
        build::read(input, limits, interner)
    }

    /// O(n log n) for n points.
    pub(crate) fn into_metrics(
        self,
        traces: &Traces,
        strings: &Strings,
        renumbering: &Renumbering,
    ) -> Metrics {
        build::metrics(self, traces, strings, renumbering)
    }
}
