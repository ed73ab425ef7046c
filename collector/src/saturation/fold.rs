//! From the streams of a metric to its lines: one for each instance and each value of the table's attributes.

use super::known::{Known, Only, Read};
use super::units::factor;
use std::collections::BTreeMap;
use storage::{MetricStream, MetricStreams};

/// What tells a line from its neighbours: the instance, and those of the table's attributes that a point has.
pub(super) type Key = (String, Vec<(&'static str, String)>);

/// What the streams of one line have in one step.
#[derive(Debug, Clone, Copy)]
struct Step {
    total: f64,
    largest: f64,
    n: f64,
    /// Measurements per second, of histograms and summaries.
    count: f64,
}

/// The lines of a metric with a finite value for each step that has one; none is empty.
pub(super) fn lines(known: &Known, metric: &MetricStreams) -> BTreeMap<Key, Vec<(i64, f64)>> {
    let factor = factor_of_values(known, metric);
    let shown = |(key, steps): (Key, BTreeMap<i64, Step>)| {
        let points = steps.into_iter().filter_map(|(at, step)| Some((at, step.value(known.read)?)));
        (key, points.collect::<Vec<_>>())
    };
    let lines = steps(known, known.only, metric, factor).into_iter().map(shown);
    lines.filter(|(_, points)| !points.is_empty()).collect()
}

/// The newest bound of each line of `values`; what is not above zero says that there is none. A bound that comes without
/// a unit is in that of the values, unless what is shown is not what they measure but how fast it grows.
pub(super) fn limits(known: &Known, values: &MetricStreams, metric: &MetricStreams) -> BTreeMap<Key, f64> {
    let factor = factor(&metric.unit).unwrap_or_else(|| match known.read {
        Read::Value | Read::Largest => factor_of_values(known, values),
        Read::Rate | Read::Mean | Read::Idle | Read::IdleTime => 1.0,
    });
    let newest = |(key, steps): (Key, BTreeMap<i64, Step>)| {
        let (_, step) = steps.last_key_value()?;
        (step.total > 0.0).then_some((key, step.total))
    };
    steps(known, None, metric, factor).into_iter().filter_map(newest).collect()
}

/// What values are multiplied with; those without a unit are in that of the table.
fn factor_of_values(known: &Known, metric: &MetricStreams) -> f64 {
    factor(&metric.unit).or_else(|| factor(known.sent)).unwrap_or(1.0)
}

fn steps(
    known: &Known,
    only: Option<Only>,
    metric: &MetricStreams,
    factor: f64,
) -> BTreeMap<Key, BTreeMap<i64, Step>> {
    let mut lines: BTreeMap<Key, BTreeMap<i64, Step>> = BTreeMap::new();
    for stream in metric.streams.iter().filter(|stream| counts(only, stream)) {
        let line = lines.entry(key(known, stream)).or_default();
        for (at, value) in &stream.points {
            line.entry(*at).or_default().add(value * factor);
        }
        for (at, count) in &stream.counts {
            line.entry(*at).or_default().count += count;
        }
    }
    lines
}

fn counts(only: Option<Only>, stream: &MetricStream) -> bool {
    only.is_none_or(|Only { keys, value }| {
        keys.iter().any(|key| stream.attributes.get(*key).is_some_and(|found| found == value))
    })
}

fn key(known: &Known, stream: &MetricStream) -> Key {
    let label = |key: &&'static str| Some((*key, stream.attributes.get(*key)?.clone()));
    (stream.instance.clone(), known.by.iter().filter_map(label).collect())
}

impl Default for Step {
    fn default() -> Self {
        Self { total: 0.0, largest: f64::NEG_INFINITY, n: 0.0, count: 0.0 }
    }
}

impl Step {
    fn add(&mut self, value: f64) {
        self.total += value;
        self.largest = self.largest.max(value);
        self.n += 1.0;
    }

    /// None where nothing was measured.
    fn value(&self, read: Read) -> Option<f64> {
        let value = match read {
            Read::Value | Read::Rate => (self.n > 0.0).then_some(self.total),
            Read::Largest => (self.n > 0.0).then_some(self.largest),
            Read::Mean => (self.count > 0.0).then(|| self.total / self.count),
            Read::Idle | Read::IdleTime => {
                (self.n > 0.0).then(|| (1.0 - self.total / self.n).clamp(0.0, 1.0))
            }
        };
        value.filter(|value| value.is_finite())
    }
}
